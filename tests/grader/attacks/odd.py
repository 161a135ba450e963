"""Honest submissions as people hand them in: right functions among all that a notebook collects in a week."""

import copy

from tests.grader.fixture_lab import RIGHT, SETUP, cell, honest, released

IMPORTS = "import math, torch\nimport torch.nn.functional as F\n"
BEFORE = {  # what stands above each function, in its cell
    "time_magic": "%%time\n",
    "shell_lines": "!pip install numpy\n%pip install -q tqdm\nfiles = !ls\n%matplotlib inline\n%autoreload 2\n?torch\n",
    "future_annotations": "from __future__ import annotations\n",
    "seeds_and_determinism": "torch.manual_seed(0)\ntorch.use_deterministic_algorithms(True)\n",
    "interop_threads_set_twice": "torch.set_num_interop_threads(2)\n",
    "gradients_off": "torch.set_grad_enabled(False)\n",
    "double_precision": "torch.set_default_dtype(torch.float64)\n",
    "autocast_on": "torch.set_autocast_enabled('cpu', True)\n",
    "inference_mode_on": "torch.inference_mode().__enter__()\n",
    "another_device": "torch.set_default_device('meta')\n",
    "warnings_are_errors": "import warnings\nwarnings.simplefilter('error')\nwarnings.warn('careful')\n",
    "a_megabyte_printed": "import sys\nprint('x' * 10**6)\nprint('x' * 10**6, file=sys.stderr)\n",
    "progress_bars": "from tqdm.auto import tqdm\nfrom tqdm.notebook import trange\nfor _ in trange(3): pass\n",
    "plots_and_display": "import matplotlib.pyplot as plt\nplt.plot([1, 2]); plt.show()\ndisplay(plt.gcf())\n",
    "a_question": "name = input('Your name? ')\n",
    "of_the_training": "print(history.losses[-1])\n",
    "of_the_library": "from utils.losses.core import soft_loss\nprint(soft_loss(1))\n",
    "an_await": "import asyncio\nawait asyncio.sleep(0)\n",
    "a_main_guard": "if __name__ == '__main__':\n    raise SystemExit\n",
}


def submissions() -> dict[str, dict]:
    """Notebooks by name; every exercise of each is right."""
    found = {name: released({key: IMPORTS + text + RIGHT[key] for key in RIGHT}) for name, text in BEFORE.items()}
    found["time_magic"] = released({key: "%%time\n" + RIGHT[key] for key in RIGHT})
    found["future_annotations"] = released({key: BEFORE["future_annotations"] + RIGHT[key] for key in RIGHT})
    found["failing_lines_behind"] = released({key: f"{RIGHT[key]}\nundefined\n{key}?\n" for key in RIGHT})
    found["defined_twice"] = released({key: f"def {key}(*a):\n    return 0\n{RIGHT[key]}" for key in RIGHT})
    found["written_in_the_training_cell"] = _in_the_training_cell()
    found["a_class"] = released(RIGHT | {"distillation_loss": _as_class(RIGHT["distillation_loss"])})
    found["decorated"] = released({key: _decorated(key) for key in RIGHT})
    found["helper_in_another_cell"] = _with_helper()
    found["backwards"] = honest() | {"cells": honest()["cells"][::-1]}
    found["every_cell_twice"] = honest() | {"cells": [copy.deepcopy(c) for c in honest()["cells"] for _ in range(2)]}
    found["nothing_but_the_functions"] = honest() | {"cells": [cell("code", SETUP), *map(_code, RIGHT.values())]}
    return found


def _code(source: str) -> dict:
    return cell("code", source)


def _as_class(source: str) -> str:
    body = source.replace("def distillation_loss(", "def __call__(self, ").replace("\n", "\n    ")
    return f"class Loss:{body}\n\ndistillation_loss = Loss()\n"


def _decorated(name: str) -> str:
    before = "import functools\ndef timed(f):\n    @functools.wraps(f)\n    def g(*a): return f(*a)\n    return g\n"
    return before + RIGHT[name].replace(f"def {name}", f"@timed\ndef {name}")


def _in_the_training_cell() -> dict:
    made = released()
    (training,) = (each for each in made["cells"] if "train" in each["metadata"].get("tags", []))
    training["source"] = "\n".join(["%%time", "!pip install x", IMPORTS, *RIGHT.values(), training["source"]])
    return made


def _with_helper() -> dict:
    outer = "def distillation_loss(*a, **k):\n    return helper(*a, **k)\n"
    made = released(RIGHT | {"distillation_loss": outer})
    made["cells"].append(_code(RIGHT["distillation_loss"].replace("distillation_loss", "helper")))
    return made
