"""Training steps as learners write them: wrong ones by name, and right ones of several habits."""

from __future__ import annotations

from collections.abc import Callable

import torch

from grader.exercise import Misconception


def _student(student, batch):
    return student(input_ids=batch["input_ids"], attention_mask=batch["attention_mask"]).logits


def _teacher(teacher, batch):
    with torch.no_grad():
        return teacher(input_ids=batch["input_ids"], attention_mask=batch["attention_mask"]).logits


def plain_step(student, teacher, batch, optimizer, loss_function):
    teacher_logits = _teacher(teacher, batch)
    loss = loss_function(_student(student, batch), teacher_logits, batch["labels"])
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    return loss.item()


def zero_at_the_end(student, teacher, batch, optimizer, loss_function):
    loss = loss_function(_student(student, batch), _teacher(teacher, batch), batch["labels"])
    loss.backward()
    optimizer.step()
    optimizer.zero_grad(set_to_none=True)
    return float(loss.detach())


def detached_teacher(student, teacher, batch, optimizer, loss_function):
    student.train()
    teacher.eval()
    inputs = {"input_ids": batch["input_ids"], "attention_mask": batch["attention_mask"]}
    teacher_logits = teacher(**inputs).logits.detach()
    optimizer.zero_grad()
    loss = loss_function(student(**inputs)["logits"], teacher_logits, batch["labels"])
    loss.backward()
    optimizer.step()
    return loss.detach().cpu().item()


def unpacked_batch(student, teacher, batch, optimizer, loss_function):
    batch = {name: tensor.to(student.device) for name, tensor in batch.items()}
    with torch.inference_mode():
        target = teacher(**batch).logits
    loss = loss_function(student(**batch).logits, target.clone(), batch["labels"])
    student.zero_grad()
    loss.backward()
    optimizer.step()
    return loss.item()


def by_parameters(student, teacher, batch, optimizer, loss_function):
    for parameter in student.parameters():
        parameter.grad = None
    loss = loss_function(_student(student, batch), _teacher(teacher, batch), batch["labels"])
    gradients = torch.autograd.grad(loss, list(student.parameters()))
    for parameter, gradient in zip(student.parameters(), gradients, strict=True):
        parameter.grad = gradient
    optimizer.step()
    return loss.item()


def by_place_in_the_output(student, teacher, batch, optimizer, loss_function):
    ids, mask = batch["input_ids"], batch["attention_mask"]
    optimizer.zero_grad()
    with torch.no_grad():
        target = teacher(ids, attention_mask=mask)[0]
    loss = loss_function(student(ids, attention_mask=mask, output_hidden_states=False)[0], target, batch["labels"])
    loss.backward()
    optimizer.step()
    return round(loss.item(), 10)


def with_a_closure(student, teacher, batch, optimizer, loss_function):
    def closure():
        optimizer.zero_grad()
        loss = loss_function(_student(student, batch), _teacher(teacher, batch), batch["labels"])
        loss.backward()
        return loss

    return optimizer.step(closure).item()


def frozen_teacher(student, teacher, batch, optimizer, loss_function):
    for parameter in teacher.parameters():
        parameter.requires_grad_(False)
    labels = batch.pop("labels")
    optimizer.zero_grad()
    loss = loss_function(student(**batch).logits, teacher(**batch).logits, labels)
    loss.backward()
    optimizer.step()
    return loss.tolist()


def row_by_row(student, teacher, batch, optimizer, loss_function):
    """The forward pass of one row at a time, one loss for the whole batch."""
    optimizer.zero_grad()
    ids, mask = batch["input_ids"].split(1), batch["attention_mask"].split(1)
    logits = torch.cat([student(row, attention_mask=keep).logits for row, keep in zip(ids, mask, strict=True)])
    loss = loss_function(logits, _teacher(teacher, batch), batch["labels"])
    loss.backward()
    optimizer.step()
    return loss.item()


RIGHT: dict[str, Callable] = {
    step.__name__: step
    for step in (
        plain_step, zero_at_the_end, detached_teacher, unpacked_batch, by_parameters, by_place_in_the_output,
        with_a_closure, frozen_teacher, row_by_row,
    )
}  # fmt: skip


def _step(
    zero="start", order="right", teacher_mode="eval", teacher_grad=False, student_mask=True, teacher_mask=True,
    labels="labels", logits="right", returned="float", scale=1.0, updates="student", calls=1, steps=1,
    student_mode="train",
):  # fmt: skip
    """A step with the given mistakes."""

    def train_step(student, teacher, batch, optimizer, loss_function):
        teacher.train(teacher_mode == "train")
        student.train(student_mode == "train")
        with torch.set_grad_enabled(teacher_grad):
            mask = batch["attention_mask"] if teacher_mask else None
            target = teacher(input_ids=batch["input_ids"], attention_mask=mask).logits
        mask = batch["attention_mask"] if student_mask else None
        answer = student(input_ids=batch["input_ids"], attention_mask=mask)
        output = answer.logits
        wanted = batch["labels" if labels == "shifted" else labels]
        if labels == "shifted":
            output, target, wanted = output[:, :-1], target[:, :-1], wanted[:, 1:]
        pair = {
            "right": (output, target), "swapped": (target, output), "student twice": (output, output.detach()),
            "probabilities": (output.softmax(-1), target.softmax(-1)), "whole": (answer, target),
            "cut off": (output.detach().requires_grad_(), target),
        }[logits]  # fmt: skip
        if zero == "start":
            optimizer.zero_grad()
        if order == "step first":
            optimizer.step()
        for _ in range(calls):
            loss = loss_function(*pair, wanted)
        if order != "no backward" and loss.requires_grad:
            (loss * scale).backward()
        if zero == "between":
            optimizer.zero_grad()
        if updates == "by hand":
            _by_hand(student)
        elif order not in {"no step", "step first"}:
            for _ in range(steps):
                optimizer.step()
        if updates == "teacher":
            with torch.no_grad():
                for parameter in teacher.parameters():
                    parameter.mul_(0.9)
        return _returned(returned, loss, student, batch, loss_function, target)

    return train_step


def _by_hand(student):
    with torch.no_grad():
        for parameter in student.parameters():
            parameter -= 1e-5 * parameter.grad


def _returned(choice, loss, student, batch, loss_function, target):
    if choice == "after":
        with torch.no_grad():
            return loss_function(_student(student, batch), target, batch["labels"]).item()
    return {
        "float": lambda: loss.item(), "tensor": lambda: loss, "detached": lambda: loss.detach(),
        "times batch": lambda: loss.item() * 4, "none": lambda: None, "tuple": lambda: (loss.item(), 1),
        "exp": lambda: loss.exp().item(), "zero": lambda: 0.5,
    }[choice]()  # fmt: skip


TENSOR = "a tensor is returned instead of a Python float"
# what is wrong, a sentence for the class report, what the step does in another way, other names that are as true
MISTAKES: tuple[tuple, ...] = (
    ("zero_grad is missing: gradients of earlier batches pile up", "Never zeroed.", {"zero": "never"}),
    ("optimizer.step() is missing", "The student never moves.", {"order": "no step"}),
    (
        "the optimizer steps before backward()",
        "It moves by the last batch's gradient.",
        {"zero": "never", "order": "step first"},
    ),
    ("backward() is missing: no gradient reaches the optimizer", "Only a forward pass.", {"order": "no backward"}),
    (
        "gradients are zeroed between backward() and step()",
        "zero_grad stands between backward and step.",
        {"zero": "between"},
    ),
    ("the optimizer steps before backward()", "zero_grad, then step, then backward.", {"order": "step first"}),
    ("the teacher runs in train mode: dropout is on", "teacher.train().", {"teacher_mode": "train"}),
    ("gradient flows into the teacher (no no_grad, no detach)", "No no_grad.", {"teacher_grad": True}),
    (
        "attention_mask is not passed to the student and the teacher",
        "Only input_ids are passed.",
        {"student_mask": False, "teacher_mask": False},
    ),
    ("attention_mask is not passed to the teacher", "Only the student gets it.", {"teacher_mask": False}),
    ("attention_mask is not passed to the student", "Only the teacher gets it.", {"student_mask": False}),
    ("input_ids are given as labels: padding counts", "The labels' -100 is lost.", {"labels": "input_ids"}),
    ("logits or labels are cut before loss_function, which shifts by itself", "Shifted twice.", {"labels": "shifted"}),
    (
        "student and teacher logits swapped in the call of loss_function",
        "Arguments swapped.",
        {"logits": "swapped", "teacher_grad": True},
        "student and teacher logits swapped in the call of loss_function",
    ),
    ("the student's logits are given as the teacher's", "It learns from itself.", {"logits": "student twice"}),
    (
        "probabilities instead of the student's logits are given to loss_function",
        "softmax too early.",
        {"logits": "probabilities"},
    ),
    ("the student runs in eval mode: its dropout is off", "student.eval().", {"student_mode": "eval"}),
    (
        "the student's logits are cut off from the graph: no gradient reaches its weights",
        "detach on the wrong side.",
        {"logits": "cut off"},
    ),
    (
        "the model's whole output is given to loss_function instead of its logits",
        ".logits is missing.",
        {"logits": "whole"},
    ),
    (
        "weights are changed, but not by the optimizer that is given",
        "An optimizer of one's own.",
        {"updates": "by hand"},
    ),
    (
        "zero_grad is missing: gradients of earlier batches pile up",
        "Seen beside another mistake too.",
        {"zero": "never", "student_mask": False, "teacher_mode": "train"},
    ),
    ("the gradient is scaled by 0.5", "The loss is halved before backward.", {"scale": 0.5}),
    ("the teacher is updated", "Both models move.", {"updates": "teacher"}),
    ("loss_function is called more than once a step", "Twice.", {"calls": 2}),
    ("the optimizer steps more than once a batch", "Twice.", {"steps": 2}),
    (TENSOR, "The graph is kept alive.", {"returned": "tensor"}),
    (TENSOR, ".detach() is still a tensor.", {"returned": "detached"}),
    (
        "the loss after the step is returned, not the one the step was made with",
        "A second forward.",
        {"returned": "after"},
        "loss_function is called more than once a step",
    ),
    ("the returned loss is scaled by 4", "Times the batch size.", {"returned": "times batch"}),
    ("exp of the loss is returned", "A perplexity of a kind.", {"returned": "exp"}),
    ("the returned number is a constant, not the loss", "A stub.", {"returned": "zero"}),
    ("nothing returned", "return is missing.", {"returned": "none"}),
    (
        "a tuple is returned instead of a Python float",
        "Two things.",
        {"returned": "tuple"},
        "a tuple instead of a number",
    ),
)
MISCONCEPTIONS = tuple(
    Misconception(name, text, _step(**changes), tuple(also)) for name, text, changes, *also in MISTAKES
)
