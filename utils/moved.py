"""Where the library's modules were before it had rooms, for notebooks that were handed out then.

``from utils.corpus import load_corpus`` takes it from `utils.data.corpus`. Only what an old notebook imports is looked
for here; the course itself uses the new places.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from importlib import import_module
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from importlib.util import find_spec
from types import ModuleType

HOLDS_NO_ANSWER = True
TAKES_NOTHING = True  # no lab that is built today imports from an old place

# Old module -> the modules that hold its names now.
PLACES: dict[str, tuple[str, ...]] = {
    "accumulation": ("training.accumulation", "training.steps"),
    "allocator": ("machine.allocator",),
    "batches": ("data.batches",),
    "cache_settings": ("teachers.cache_settings",),
    "cached_teacher": ("teachers.cached",),
    "calibration": ("measuring.calibration",),
    "checkpoints": ("training.checkpoints",),
    "chunked_loss": ("losses.chunked",),
    "chunked_step": ("training.chunked_step",),
    "control_plots": ("figures.controls",),
    "corpus": ("data.corpus",),
    "dark_knowledge": ("labs.dark_knowledge",),
    "distributed": ("machine.processes",),
    "divergences": ("losses.divergences",),
    "documents": ("data.documents",),
    "evaluation": ("measuring.evaluation",),
    "fingerprint": ("models.fingerprint",),
    "forward": ("models.forward",),
    "hidden_states": ("losses.hidden_states", "training.hidden_step"),
    "hidden_tests": ("checks.hidden_tests",),
    "history": ("training.history", "training.settings"),
    "hub": ("machine.hub",),
    "interrupts": ("machine.interrupts",),
    "listing": ("labs.listing",),
    "live_picture": ("figures.live_picture",),
    "loss_view": ("figures.loss_parts",),
    "losses": ("losses.core",),  # `losses`, `models`, `training`: now rooms
    "memory": ("machine.memory",),
    "models": ("models.loading", "models.forward"),
    "plots": ("figures.base",),
    "premises": ("measuring.premises",),
    "profiles": ("models.profiles",),
    "remembering_teacher": ("teachers.remembering",),
    "soft_target_controls": ("labs.soft_target_controls",),
    "spikes": ("training.spikes",),
    "sweep_plots": ("figures.sweeps",),
    "sweeps": ("measuring.sweeps", "training.settings"),
    "teacher_cache": ("teachers.cache", "losses.divergences"),
    "temperature_view": ("figures.temperature",),
    "threads": ("machine.threads",),
    "topk_loss": ("losses.topk", "training.topk_step"),
    "training": ("training.loop", "training.steps"),
    "trl_map": ("labs.trl_map",),
    "widgets": ("figures.sliders",),
    "workspace": ("machine.workspace",),
}


def names_of(package: str) -> Callable[[str], object]:
    """A ``__getattr__`` for an old module: it takes each name from the first of its new places that has it."""

    def take(name: str) -> object:
        is_package = "__path__" in vars(sys.modules[package])
        # Tools ask every module for names such as __file__; and what lies in a package, import itself loads.
        if not name.startswith("_") and not (is_package and find_spec(f"{package}.{name}")):
            for place in PLACES[package.removeprefix("utils.")]:
                module = import_module(f"utils.{place}")
                if name in dir(module):  # of a module that is absent while a notebook is graded, only this tells
                    return getattr(module, name)
        raise AttributeError(f"module {package!r} has no attribute {name!r}")

    return take


class _OldPlaces(MetaPathFinder, Loader):
    """Finds a module at its old place; asked last, so that a module that is there comes first."""

    def find_spec(self, fullname: str, path: object = None, target: object = None) -> ModuleSpec | None:
        package, _, name = fullname.rpartition(".")
        return ModuleSpec(fullname, self) if package == "utils" and name in PLACES else None

    def exec_module(self, module: ModuleType) -> None:
        module.__getattr__ = names_of(module.__name__)


sys.meta_path.append(_OldPlaces())
