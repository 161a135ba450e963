"""A function under `torch.compile` is judged by what it says, and by no compiler."""

from __future__ import annotations

import threading

import pytest
import torch

from tests.utils.checks.losses import right
from utils.checks import check


def compiles_inside(*arguments):
    return torch.compile(right, fullgraph=True)(*arguments)


def wrong(student_logits, teacher_logits, labels, temperature=3.0, alpha=0.5):
    return right(student_logits, teacher_logits, labels, temperature, alpha) / temperature**2


@pytest.mark.parametrize(
    "function", [torch.compile(right, fullgraph=True), torch.compile(mode="reduce-overhead")(right), compiles_inside]
)
def test_a_compiled_function_is_judged_by_what_it_says(function) -> None:
    """Compiling would take longer than the check gives, and be called an endless loop."""
    before = torch.compile
    found = check("distillation_loss", function, seconds=5.0)
    assert found.passed, found.message
    assert torch.compile is before


def test_a_compiled_function_that_is_wrong_is_told_what_the_plain_one_is() -> None:
    assert check("distillation_loss", torch.compile(wrong)).message == check("distillation_loss", wrong).message


def test_a_step_that_compiles_its_student_is_right() -> None:
    def train_step(student, teacher, batch, optimizer, loss_function):
        inputs = {name: batch[name] for name in ("input_ids", "attention_mask")}
        student.train()
        optimizer.zero_grad()
        with torch.no_grad():
            teacher_logits = teacher(**inputs).logits
        loss = loss_function(torch.compile(student)(**inputs).logits, teacher_logits, batch["labels"])
        loss.backward()
        optimizer.step()
        return loss.item()

    found = check("train_step", train_step)
    assert found.passed, found.message


def test_a_compiled_function_is_judged_in_another_thread_too() -> None:
    found = []
    function = torch.compile(right)
    thread = threading.Thread(target=lambda: found.append(check("distillation_loss", function, seconds=5.0)))
    thread.start()
    thread.join()
    assert found[0].passed
