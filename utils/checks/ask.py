"""Call a learner's function on probes and write down plain numbers. It knows no right answer.

This module stands in a sandbox beside a submission, so it holds nothing worth stealing and decides nothing.
``utils.checks.diagnosis`` and ``grader.marking.diagnose`` decide.
"""

from __future__ import annotations

import importlib
import inspect
import linecache
import logging
import os
import site
import sys
import sysconfig
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from functools import partial
from types import TracebackType

import numpy as np
import torch

from utils.checks.clock import TimeLimitError, within
from utils.checks.made import make
from utils.checks.observe import changed, observed
from utils.checks.pack import Made
from utils.checks.plain import describe, plain, read
from utils.checks.plays.stopped import StoppedError
from utils.checks.records import Answer, Probe, leaf_name

_COURSE = os.path.dirname(os.path.dirname(__file__)) + os.sep  # utils/, and in the sandbox what stands in its place
_LIBRARIES = (*site.getsitepackages(), sysconfig.get_paths()["stdlib"], "<frozen")
_GIVE_UP = {"timeout", "signature", "unwritten"}


def ask(probes: Sequence[Probe], fn: Callable, seconds: float = 10.0, double: bool = False) -> list[Answer]:
    """One answer for each probe, in order; ``seconds`` is for all of them together.

    After a time-out, a wrong signature or ``NotImplementedError`` the remaining probes are not tried: they get the same
    answer. double: arguments in double precision, as references are asked.
    """
    _load_what_is_made(probes)
    end = time.monotonic() + seconds
    answers: list[Answer] = []
    for probe in probes:
        if answers and answers[-1].outcome in _GIVE_UP:
            answers.append(answers[-1])
            continue
        left = max(end - time.monotonic(), 0.01)
        if probe.play:
            play = importlib.import_module(f"utils.checks.plays.{probe.play}")
            names, work = play.ARGUMENTS, partial(play.play, fn, probe)
        else:
            names, work = tuple(probe.inputs), partial(_call, fn, probe, double)
        answers.append(_guarded(left, work, fn, names))
    return answers


def _load_what_is_made(probes: Sequence[Probe]) -> None:
    """Make every argument once, so that loading transformers is not counted as the function's own time."""
    for probe in probes:
        for value in probe.inputs.values():
            if isinstance(value, Made):
                make(value, double=False)


def _guarded(seconds: float, work: Callable[[], Answer], fn: Callable, names: Sequence[str]) -> Answer:
    """``work()``, or the answer that tells what went wrong inside the learner's function."""
    if not callable(fn):
        return Answer("signature", f"{type(fn).__name__} is not a function")
    complaint = _signature_complaint(fn, names)
    if complaint:
        return Answer("signature", complaint)
    grad_was_on = torch.is_grad_enabled()
    try:
        torch.set_grad_enabled(True)
        with as_written(), quiet():
            return within(seconds, work)
    except TimeLimitError:
        return Answer("timeout", "time is up")
    except NotImplementedError as error:
        # torch raises the same class for an operator that it lacks; that is an error like others.
        return Answer("error" if "::" in str(error) else "unwritten", _text(error), _line(error.__traceback__))
    except StoppedError as stopped:
        cause = stopped.__cause__ or stopped
        return Answer("error", _text(cause), _line(cause.__traceback__), stopped.numbers)
    except (Exception, SystemExit) as error:
        return Answer("error", _text(error), _line(error.__traceback__))
    finally:
        torch.set_grad_enabled(grad_was_on)


@contextmanager
def as_written() -> Iterator[None]:
    """Inside, what went through torch.compile runs as it was written: compiling takes longer than any answer here."""
    compile_, torch.compile = torch.compile, _not_compiled
    # To set the stance imports torch's compiler, for seconds; without it nothing was compiled.
    loaded = "torch._dynamo" in sys.modules
    try:
        with torch.compiler.set_stance("force_eager") if loaded else nullcontext():
            yield
    finally:
        torch.compile = compile_


@contextmanager
def quiet() -> Iterator[None]:
    """Inside, libraries warn of nothing: the check says what is wrong, and cells below a check ask again."""
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(before)


def _not_compiled(model: Callable | None = None, **options: object) -> Callable:
    """As torch.compile is called, also as a decorator with options."""
    return model if model is not None else lambda model: model


def _signature_complaint(fn: Callable, names: Sequence[str]) -> str:
    try:
        signature = inspect.signature(fn)
    except (TypeError, ValueError):
        return ""
    try:
        signature.bind(*names)
    except TypeError as error:
        plural = "" if len(names) == 1 else "s"
        return f"it cannot be called with {len(names)} argument{plural} ({', '.join(names)}): {error}"
    return ""


def _text(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}"[:300].rstrip(".: ")  # the verdict's sentence goes on after it


def _line(trace: TracebackType | None) -> str:
    """The deepest line that is the learner's own: not the course's, not a library's."""
    found = ""
    while trace is not None:
        code = trace.tb_frame.f_code
        here = code.co_filename
        if not here.startswith((_COURSE, *_LIBRARIES)):
            text = linecache.getline(here, trace.tb_lineno).strip()
            found = f"line {trace.tb_lineno} in {code.co_name}" + (f": {text}" if text else "")
        trace = trace.tb_next
    return found[:200]


def _call(fn: Callable, probe: Probe, double: bool) -> Answer:
    """Call ``fn`` on arguments made from the probe; record value, gradients, and inputs changed in place."""
    leaves: dict[str, torch.Tensor] = {}
    arguments: dict[str, object] = {}
    for name, value in probe.inputs.items():
        argument = make(value, double)
        if name in probe.gradients:
            of = argument.weight if isinstance(value, Made) else argument
            leaves[name] = of.requires_grad_()
            # Not the leaf itself: autograd would forbid to change that in place, and we want to see it happen.
            if isinstance(value, Made):
                argument.weight = of.clone()
            else:
                argument = of.clone()
        arguments[name] = argument
    returned = fn(*arguments.values())
    outcome, note = describe(returned)
    found = read(returned)
    numbers = {leaf_name(place): leaf for place, leaf in enumerate(found.leaves)}
    for model in found.models:
        numbers |= observed(model, probe, list(arguments.values()))
    numbers |= _gradients(found.tensors, leaves, probe.slope)
    if any(leaf.grad is not None for leaf in leaves.values()):
        numbers["trace/backward"] = np.ones(1)
    for name, value in probe.inputs.items():
        if changed(arguments[name], value, double):
            numbers[f"changed/{name}"] = np.ones(1)
    return Answer(outcome, note, "", numbers, found.text)


def _gradients(tensors: Sequence[torch.Tensor], leaves: dict[str, torch.Tensor], slope: float) -> dict[str, np.ndarray]:
    """Gradients of the weighted sums (see ``Probe.slope``) with regard to each leaf that they reach."""
    reached = [tensor for tensor in tensors if tensor.requires_grad]
    if not leaves or not reached:
        return {}
    total = sum((t.reshape(-1) * (1 + slope * torch.arange(t.numel(), dtype=t.dtype))).sum() for t in reached)
    found = torch.autograd.grad(total, list(leaves.values()), allow_unused=True)
    return {
        f"gradient/{name}": plain(gradient)
        for name, gradient in zip(leaves, found, strict=True)
        if gradient is not None
    }
