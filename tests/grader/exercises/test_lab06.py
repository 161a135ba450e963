"""Lab 6's functions: two mistakes at once get both names, and a step is judged in three parts."""

from __future__ import annotations

import functools
import re

import pytest
import torch
import torch.nn.functional as F

from grader.exercises import get
from grader.exercises.lab06.divergence.gaps import gap
from grader.exercises.lab06.on_policy_step.wrong import _step as wrong_step
from grader.marking.diagnose import scores
from tests.grader.exercises.catalogues import FEW, judged, points_of_every_wrong_one
from utils.checks import hints, on_policy, steps
from utils.checks.ask import ask
from utils.checks.plays.aftermath import SWITCHED_OFF


def _swapped_ends_and_a_teacher_that_learns(student_logits, teacher_logits, mask, beta):
    q, p = student_logits.log_softmax(-1), teacher_logits.log_softmax(-1)
    return gap(q, p, 1 - beta if beta in (0, 1) else beta)[mask].mean()


def _nothing_learns_in_half_precision(logits, input_ids, completion_mask):
    found = logits.detach().half().log_softmax(-1)[:, :-1].gather(-1, input_ids[:, 1:, None])[..., 0]
    return (found * completion_mask[:, 1:]).sum(1)


def _in_half_precision(logits, input_ids, completion_mask):
    found = logits.half().log_softmax(-1)[:, :-1].gather(-1, input_ids[:, 1:, None])[..., 0]
    return (found * completion_mask[:, 1:]).sum(1)


def _counts(logits, input_ids, completion_mask):
    """Whole numbers have few digits too, and not because of half precision."""
    return (completion_mask.sum(1) * (input_ids.sum(1) + 1)).to(logits.dtype)


def _underflows(logits, input_ids, completion_mask):
    p = F.softmax(logits, dim=-1)[:, :-1].gather(-1, input_ids[:, 1:, None]).squeeze(-1)
    return torch.where(completion_mask[:, 1:], p.log(), torch.zeros_like(p)).sum(1)


@pytest.mark.parametrize(
    ("name", "function", "expected"),
    [
        (
            "divergence",
            _swapped_ends_and_a_teacher_that_learns,
            ["the two ends of beta are swapped: 0 gives reverse KL", "gradient flows into teacher_logits"],
        ),
        ("sequence_log_probability", _nothing_learns_in_half_precision, ["no gradient reaches logits"]),
        (
            "sequence_log_probability",
            _in_half_precision,
            ["computed in half precision (float16): the digits are too few"],
        ),
        ("sequence_log_probability", _counts, ["no gradient reaches logits"]),
        (
            "sequence_log_probability",
            _underflows,
            ["log(softmax): an unlikely token's probability becomes 0 and its logarithm infinite"],
        ),
    ],
)
def test_what_is_certain_is_named(name, function, expected):
    assert judged(get(name).table(None), function).misconceptions == expected


def _step(student, teacher, prompts, optimizer, sample, loss, eval_first=True, shift=1, returned=None, zero=True):
    """A right step, or one with the mistakes that the last four arguments make."""
    if eval_first:
        student.eval()
    with torch.no_grad():
        batch = sample(student, prompts)
        target = teacher(batch["input_ids"], attention_mask=batch["attention_mask"]).logits
    student.train()
    logits = student(batch["input_ids"], attention_mask=batch["attention_mask"]).logits
    mask = batch["completion_mask"]
    value = loss(logits[:, :-1], target[:, :-1], mask[:, shift : mask.shape[1] - 1 + shift])
    if zero:
        optimizer.zero_grad()
    value.backward()
    optimizer.step()
    return value.item() if returned is None else returned


def _with(**mistakes):
    return lambda student, teacher, prompts, optimizer, sample, loss: _step(
        student, teacher, prompts, optimizer, sample, loss, **mistakes
    )


@pytest.mark.parametrize(
    ("mistakes", "points"),
    [
        ({}, [2, 3, 2]),
        ({"eval_first": False}, [0, 3, 2]),
        ({"shift": 0}, [2, 0, 2]),
        ({"zero": False}, [2, 3, 0]),
        ({"returned": 1.0}, [2, 3, 0]),
        ({"eval_first": False, "shift": 0, "zero": False}, [0, 0, 0]),
    ],
)
def test_a_mistake_in_a_step_costs_its_own_part(mistakes, points):
    exercise = get("on_policy_step")
    for seed in (None, 3):
        table = exercise.table(seed)
        assert list(scores(exercise, table, ask(table.probes, _with(**mistakes))).values()) == points


def test_three_mistakes_in_a_step_get_three_names():
    found = judged(get("on_policy_step").table(None), _with(eval_first=False, shift=0, zero=False))
    zero = "zero_grad is missing: gradients of earlier batches pile up"
    assert found.misconceptions == [on_policy.TRAIN_MODE, on_policy.NOT_SHIFTED, zero]


def test_a_step_that_never_switches_gradients_on_again_is_named_though_its_next_call_raises():
    def step(student, teacher, prompts, optimizer, sample, loss):
        value = _step(student, teacher, prompts, optimizer, sample, loss)
        torch.set_grad_enabled(False)
        return value

    assert judged(get("on_policy_step").table(None), step).misconceptions == [SWITCHED_OFF]


def test_a_stub_that_calls_nothing_earns_nothing():
    exercise = get("on_policy_step")
    table = exercise.table(None)
    for returned in (0.0, None):
        answers = ask(table.probes, lambda *arguments, value=returned: value)
        assert sum(scores(exercise, table, answers).values()) == 0


def test_a_step_s_verdict_does_not_depend_on_the_seed():
    exercise = get("on_policy_step")
    first, *others = (points_of_every_wrong_one(exercise, seed) for seed in FEW[:3])
    assert all(earned == first for earned in others)


def test_every_mistake_in_a_step_has_a_thought():
    exercise = get("on_policy_step")
    table = exercise.table(None)
    names = {wrong.name for wrong in exercise.misconceptions} - {"nothing returned"}
    assert {name for name in names if not hints.hint(table, name)} == set()


@pytest.mark.parametrize(
    ("choices", "expected"),
    [
        ({"logits": "swapped"}, [steps.SWAPPED.replace("loss_function", "loss")]),
        ({"read_prompts": "teacher"}, [on_policy.PROMPTS_READ["teacher"]]),
        ({"teacher_mask": False}, ["attention_mask is not passed to the teacher"]),
        ({"student_mask": False}, ["attention_mask is not passed to the student"]),
    ],
)
def test_a_step_s_one_mistake_gets_one_name(choices, expected):
    found = judged(get("on_policy_step").table(None), wrong_step(**choices))
    assert found.misconceptions[:1] == expected
    assert on_policy.OTHER_LOGITS not in found.misconceptions


def test_no_message_sets_a_number_against_the_same_number():
    exercise = get("on_policy_step")
    table = exercise.table(None)
    for wrong in exercise.misconceptions:
        found = judged(table, wrong.implementation)
        said = functools.reduce(lambda text, name: text.replace(name, ""), found.misconceptions, found.message)
        numbers = re.findall(r"\d+\.\d+", said)
        assert len(numbers) == len(set(numbers)), (wrong.name, numbers)
