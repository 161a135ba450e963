"""Trainings that are stopped on purpose, for the tests of checkpoints."""

import functools

import pytest

from utils.losses.core import distillation_loss
from utils.training.loop import distill, train_step
from utils.training.settings import TrainingSettings

LOSS = functools.partial(distillation_loss, temperature=2.0)
SETTINGS = TrainingSettings(learning_rate=1e-2, epochs=2)


def stopping_at(step_number, error=KeyboardInterrupt, after_update=False):
    """A step that raises in its `step_number`-th call, before the update or after it."""
    calls = []

    def step(student, teacher, batch, optimizer, loss_function):
        calls.append(1)
        if len(calls) == step_number and not after_update:
            raise error
        value = train_step(student, teacher, batch, optimizer, loss_function)
        if len(calls) == step_number:
            raise error
        return value

    return step


def run(student, teacher, plan, path, step=None, **changes):
    arguments = {"settings": SETTINGS, "loss": LOSS, "step": step or stopping_at(0), "checkpoint": path}
    return distill(student, teacher, plan, **{**arguments, **changes})


def interrupted(student, teacher, plan, path, at, after_update=False, **changes):
    """What is said to whoever interrupts the run in its step `at`."""
    with pytest.raises(KeyboardInterrupt) as stopped:
        run(student, teacher, plan, path, stopping_at(at, after_update=after_update), **changes)
    return str(stopped.value)
