"""On-policy steps as learners write them, right in several habits."""

from __future__ import annotations

import copy
from collections.abc import Callable

import torch
import torch.nn.functional as F


def _given(batch):
    return {"input_ids": batch["input_ids"], "attention_mask": batch["attention_mask"]}


def plain_step(student, teacher, prompts, optimizer, sample, loss):
    student.eval()
    with torch.no_grad():
        batch = sample(student, prompts)
        target = teacher(**_given(batch)).logits
    student.train()
    logits = student(**_given(batch)).logits
    value = loss(logits[:, :-1], target[:, :-1], batch["completion_mask"][:, 1:])
    optimizer.zero_grad()
    value.backward()
    optimizer.step()
    return value.item()


def mode_as_it_was(student, teacher, prompts, optimizer, sample, loss):
    was = student.training
    student.train(False)
    with torch.inference_mode():
        batch = {name: tensor.clone() for name, tensor in sample(student, prompts).items()}
    student.train(was)
    batch = {name: tensor.clone() for name, tensor in batch.items()}
    target = teacher(input_ids=batch["input_ids"], attention_mask=batch["attention_mask"]).logits.detach()
    logits = student(input_ids=batch["input_ids"], attention_mask=batch["attention_mask"]).logits
    value = loss(logits[:, :-1, :], target[:, :-1, :], batch["completion_mask"][:, 1:])
    value.backward()
    optimizer.step()
    optimizer.zero_grad()
    return float(value.detach())


def longer_mask(student, teacher, prompts, optimizer, sample, loss):
    """All logits, and a mask whose last column is False."""
    optimizer.zero_grad()
    student.eval()
    with torch.no_grad():
        batch = sample(student, prompts)
    student.train()
    teacher.eval()
    ids, attention, written = (batch[name] for name in ("input_ids", "attention_mask", "completion_mask"))
    with torch.no_grad():
        target = teacher(ids, attention_mask=attention)[0]
    value = loss(student(ids, attention_mask=attention)[0], target, F.pad(written[:, 1:], (0, 1), value=False))
    value.backward()
    optimizer.step()
    return value.item()


def picked_positions(student, teacher, prompts, optimizer, sample, loss):
    """Only the logits that count, as one row."""
    with torch.no_grad():
        student.eval()
        batch = sample(student, prompts)
        student.train()
        target = teacher(**_given(batch)).logits
    counted = batch["completion_mask"][:, 1:].bool()
    ours = student(**_given(batch)).logits[:, :-1][counted].unsqueeze(0)
    theirs = target[:, :-1][counted].unsqueeze(0)
    value = loss(ours, theirs, torch.ones(ours.shape[:2], dtype=torch.bool))
    optimizer.zero_grad(set_to_none=True)
    value.backward()
    optimizer.step()
    return value.tolist()


@torch.no_grad()
def _written(student, prompts, sample):
    student.eval()
    try:
        return sample(student, prompts)
    finally:
        student.train()


def with_a_helper(student, teacher, prompts, optimizer, sample, loss):
    batch = _written(student, prompts, sample)
    mask = batch.pop("completion_mask")
    teacher.requires_grad_(False)
    value = loss(student(**batch).logits[:, :-1], teacher(**batch).logits[:, :-1], mask[:, 1:])
    student.zero_grad()
    value.backward()
    optimizer.step()
    return value.detach().item()


def with_a_closure(student, teacher, prompts, optimizer, sample, loss):
    batch = _written(student, prompts, sample)
    with torch.no_grad():
        target = teacher(**_given(batch)).logits[:, :-1]

    def closure():
        optimizer.zero_grad()
        value = loss(student(**_given(batch)).logits[:, :-1], target, batch["completion_mask"][:, 1:])
        value.backward()
        return value

    return optimizer.step(closure).item()


def by_gradients(student, teacher, prompts, optimizer, sample, loss):
    batch = _written(student, prompts, sample)
    with torch.no_grad():
        target = teacher(**_given(batch)).logits
    value = loss(student(**_given(batch)).logits[:, :-1], target[:, :-1], batch["completion_mask"][:, 1:])
    found = torch.autograd.grad(value, list(student.parameters()))
    for parameter, gradient in zip(student.parameters(), found, strict=True):
        parameter.grad = gradient
    optimizer.step()
    return value.item()


def switched_by_hand(student, teacher, prompts, optimizer, sample, loss):
    torch.set_grad_enabled(False)
    student.eval()
    batch = sample(student, prompts)
    target = teacher(**_given(batch)).logits
    student.train()
    torch.set_grad_enabled(True)
    value = loss(student(**_given(batch)).logits[:, :-1], target[:, :-1], batch["completion_mask"][:, 1:])
    optimizer.zero_grad()
    value.backward()
    optimizer.step()
    return value.item()


def whole_numbers_as_mask(student, teacher, prompts, optimizer, sample, loss):
    """The mask as labels would be: 0 and 1, of the tokens that are predicted."""
    batch = _written(student, prompts, sample)
    targets = torch.roll(batch["completion_mask"].long(), -1, dims=1)
    targets[:, -1] = 0
    logits, other = (model(**_given(batch)).logits for model in (student, teacher))
    value = loss(logits, other.detach(), targets.bool())
    optimizer.zero_grad()
    value.backward()
    optimizer.step()
    return value.item()


def a_copy_writes(student, teacher, prompts, optimizer, sample, loss):
    """The student stays in train mode; a copy of it writes."""
    writer = copy.deepcopy(student).eval()
    with torch.no_grad():
        batch = sample(writer, prompts)
        target = teacher(**_given(batch)).logits
    value = loss(student(**_given(batch)).logits[:, :-1], target[:, :-1], batch["completion_mask"][:, 1:])
    optimizer.zero_grad()
    value.backward()
    optimizer.step()
    return value.item()


RIGHT: dict[str, Callable] = {
    step.__name__: step
    for step in (
        plain_step, mode_as_it_was, longer_mask, picked_positions, with_a_helper, with_a_closure, by_gradients,
        switched_by_hand, whole_numbers_as_mask, a_copy_writes,
    )
}  # fmt: skip
