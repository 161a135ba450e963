"""On-policy steps with one mistake each."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext

import torch

from grader.exercise import Misconception
from utils.checks import on_policy, steps


def _write(writing, student, teacher, prompts, sample, step):
    """What the step works on."""
    if writing == "stale" and getattr(step, "kept", (None,))[0] is student:
        return step.kept[1]
    if writing != "train mode":
        student.eval()
    with nullcontext() if writing == "gradients" else torch.no_grad():
        if writing == "nobody":
            mask = prompts["attention_mask"]
            batch = {**prompts, "completion_mask": mask.bool()}
        elif writing == "other prompts":
            batch = sample(student, {name: tensor[:, 1:] for name, tensor in prompts.items()})
        else:
            batch = sample(teacher if writing == "teacher" else student, prompts)
        if writing == "twice":
            batch = sample(student, prompts)
    if writing != "eval stays":
        student.train()
    if writing == "stale":
        step.kept = student, batch
    return batch


def _masked(choice, mask, attention):
    return {
        "right": lambda: mask[:, 1:],
        "not shifted": lambda: mask[:, :-1],
        "twice": lambda: torch.nn.functional.pad(mask[:, 2:], (0, 1)),
        "attention": lambda: attention[:, 1:].bool(),
        "all": lambda: torch.ones_like(mask[:, 1:]),
        "lengths": lambda: mask,
        "inverted": lambda: ~mask[:, 1:],
        "first missing": lambda: mask[:, 1:] & mask[:, :-1],
    }[choice]()


def _pair(choice, student, teacher):
    if choice == "swapped":
        return teacher, student
    if choice == "student twice":
        return student, student.detach()
    if choice == "temperature":
        return student / 0.7, teacher
    if choice == "both cooled":
        return student / 0.7, teacher / 0.7
    if choice == "probabilities":
        return student.softmax(-1), teacher.softmax(-1)
    return (student.detach(), teacher) if choice == "cut off" else (student, teacher)


def _step(
    writing="right",
    continuation=False,
    read_prompts="",
    student_mask=True,
    teacher_mask=True,
    teacher_mode="as given",
    teacher_grad=False,
    shift="right",
    mask="right",
    logits="right",
    order="right",
    zero="before",
    returned="float",
) -> Callable:
    def on_policy_step(student, teacher, prompts, optimizer, sample, loss):
        batch = _write(writing, student, teacher, prompts, sample, on_policy_step)
        ids, attention, written = (batch[name] for name in ("input_ids", "attention_mask", "completion_mask"))
        if teacher_mode == "train":
            teacher.train()
        with nullcontext() if teacher_grad else torch.no_grad():
            read = sample(teacher, prompts) if continuation else prompts if read_prompts == "teacher" else batch
            target = teacher(read["input_ids"], attention_mask=read["attention_mask"] if teacher_mask else None).logits
        if read_prompts == "student":
            ids, attention = prompts["input_ids"], prompts["attention_mask"]
        ours = student(ids, attention_mask=attention if student_mask else None)
        if logits == "whole":
            return loss(ours, target, written)
        if order == "step first":
            optimizer.step()
        place = slice(1, None) if shift == "late" else slice(None, -1)
        pair = _pair(logits, ours.logits[:, place], target[:, place])
        value = loss(*pair, _masked(mask, written, attention))
        if zero == "before":
            optimizer.zero_grad()
        if order != "no backward":
            value.backward()
        if zero == "between":
            optimizer.zero_grad()
        if order in ("right", "no backward"):
            optimizer.step()
        return {"float": value.item, "tensor": lambda: value, "none": lambda: None, "constant": lambda: 0.5}[returned]()

    return on_policy_step


def _wrong(name: str, sentence: str, *also: str, **choices: object) -> Misconception:
    return Misconception(name.replace("loss_function", "loss"), sentence, _step(**choices), also)


MISCONCEPTIONS: tuple[Misconception, ...] = (
    # Who writes, and how
    _wrong(on_policy.NOBODY, "Trains on the prompts.", writing="nobody"),
    _wrong(on_policy.TEACHER_WRITES, "That is learning from the teacher's text.", writing="teacher"),
    _wrong(on_policy.TRAIN_MODE, "eval() is missing.", writing="train mode"),
    _wrong(on_policy.GRADIENTS, "no_grad is missing around sample.", writing="gradients"),
    _wrong(on_policy.STALE, "Keeps the first text.", writing="stale"),
    _wrong(on_policy.OFTEN, "Throws one text away.", writing="twice"),
    _wrong(on_policy.PROMPTS, "Cuts the prompts' first column off.", writing="other prompts"),
    # What is scored
    _wrong(on_policy.OWN_CONTINUATION, "Compares two models on two texts.", continuation=True),
    _wrong(on_policy.PROMPTS_READ["teacher"], "teacher(**prompts).", read_prompts="teacher"),
    _wrong(on_policy.PROMPTS_READ["student"], "student(**prompts).", read_prompts="student"),
    _wrong(steps.EVAL, "train() is missing after the writing.", writing="eval stays"),
    _wrong("attention_mask is not passed to the teacher", "Padding shifts positions.", teacher_mask=False),
    _wrong("attention_mask is not passed to the student", "Padding shifts positions.", student_mask=False),
    _wrong(
        "attention_mask is not passed to the student and the teacher",
        "Padding shifts positions.",
        student_mask=False,
        teacher_mask=False,
    ),
    _wrong("the teacher runs in train mode: dropout is on", "teacher.train().", teacher_mode="train"),
    _wrong("gradient flows into the teacher (no no_grad, no detach)", "No no_grad.", teacher_grad=True),
    _wrong(on_policy.NOT_SHIFTED, "Tokens' mask on positions.", mask="not shifted"),
    _wrong(on_policy.SHIFTED_TWICE, "One too far.", mask="twice"),
    _wrong(on_policy.PROMPT_TOO, "attention_mask for completion_mask.", mask="attention"),
    _wrong(on_policy.EVERYTHING, "A mask of ones.", mask="all"),
    _wrong(on_policy.OTHER_POSITIONS, "The mask is negated.", mask="inverted"),
    _wrong(on_policy.OTHER_POSITIONS, "The first written token is lost.", mask="first missing"),
    _wrong(on_policy.LENGTHS, "Only the logits are cut.", mask="lengths"),
    _wrong(on_policy.LOGITS_LATE, "logits[:, 1:].", shift="late"),
    _wrong(steps.SWAPPED, "Arguments swapped.", logits="swapped", teacher_grad=True),
    _wrong(steps.SWAPPED, "Arguments swapped.", logits="swapped"),
    _wrong("the student's logits are given as the teacher's", "It learns from itself.", logits="student twice"),
    _wrong("the student's logits are scaled by 1.43 before loss", "Another temperature.", logits="temperature"),
    _wrong(
        "the student's logits are scaled by 1.43 before loss",
        "Another temperature than the text was sampled with.",
        logits="both cooled",
    ),
    _wrong(
        "probabilities instead of the student's logits are given to loss_function",
        "softmax too early.",
        logits="probabilities",
    ),
    _wrong(steps.CUT, "detach on the wrong side.", logits="cut off"),
    _wrong(steps.OUTPUT, ".logits is missing.", logits="whole"),
    # How it learns
    _wrong(steps.PILED, "Never zeroed.", zero="never"),
    _wrong(steps.ZEROED, "zero_grad stands between backward and step.", zero="between"),
    _wrong(steps.EARLY, "It moves by the last text's gradient.", order="step first"),
    _wrong("optimizer.step() is missing", "The student never moves.", order="no step"),
    _wrong("backward() is missing: no gradient reaches the optimizer", "Only forward passes.", order="no backward"),
    _wrong("a tensor is returned instead of a Python float", "The graph is kept alive.", returned="tensor"),
    _wrong("nothing returned", "return is missing.", returned="none"),
    _wrong("the returned number is a constant, not the loss", "A stub.", returned="constant"),
)
