"""Attempts at a cell in a sandbox, and what became of them: for the tests of the sandbox, and of going without it."""

import numpy as np

from grader.sandbox.client import Ended, Sandbox
from grader.sandbox.limits import MEGABYTE, Limits
from utils.checks.records import Probe

LIMITS = Limits(cell_seconds=20.0, ask_seconds=20.0, cpu_seconds=60.0, memory=400 * MEGABYTE, disk=16 * MEGABYTE)
PROBE = Probe("one", {"x": np.arange(3.0), "factor": 2.0}, ("x",))
SQUARE = "import torch\ndef distillation_loss(x, factor):\n    return (factor * x**2).sum()\n"


def error_of(sandbox: Sandbox, source: str, limits: Limits = LIMITS) -> str:
    """The error that stopped a cell."""
    with sandbox.attempt(limits, seed=1) as attempt:
        return attempt.run(source)


def end_of(sandbox: Sandbox, source: str, **limits: float) -> str:
    """Why an attempt at a cell was ended; empty where it was not."""
    chosen = Limits(**{"cell_seconds": 20.0, "memory": 400 * MEGABYTE, **limits})
    try:
        error_of(sandbox, source, chosen)
    except Ended as ended:
        return ended.reason
    return ""
