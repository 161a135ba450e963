"""The verdict on a ``train_step``: read from what the models, the loss function and the optimizer saw.

The final weights alone tell that a step is wrong; the trace tells where it went astray.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from utils.checks.hints import question
from utils.checks.plays import aftermath, train_step
from utils.checks.records import Answer, Table
from utils.checks.verdict import Verdict, not_yet

FIT = 2e-4
EARLY = "the optimizer steps before backward()"
CLOSED = "the student runs without gradients"
CUT = "the student's logits are cut off from the graph: no gradient reaches its weights"
EVAL = "the student runs in eval mode: its dropout is off"
TWICE = "backward() is called on the same graph twice, or too early by the function itself"
OUTPUT = "the model's whole output is given to loss_function instead of its logits"
SWAPPED = "student and teacher logits swapped in the call of loss_function"

CALLS = "loss_function is called more than once a step"
PILED = "zero_grad is missing: gradients of earlier batches pile up"
MANY_STEPS = "the optimizer steps more than once a batch"
LATER = "the loss after the step is returned, not the one the step was made with"
NOT_ASKED = "the student is not asked"
UPDATED = "the teacher is updated"
ZEROED = "gradients are zeroed between backward() and step()"
ROUNDED = 2e-2  # of the logits' norm: no more than half precision takes away
EXPLAINS_CALLS = {MANY_STEPS, LATER}  # of which further calls are a part


def judge_answers(table: Table, answers: Sequence[Answer]) -> Verdict:
    """passed, or what is wrong, most certain first."""
    names: list[str] = []
    shown = ""
    for index, answer in enumerate(answers):
        found, text = _one(table, index, answer)
        names += found
        shown = shown or text
    names = list(dict.fromkeys(names))
    if EXPLAINS_CALLS & set(names):
        names = [name for name in names if name != CALLS]
    if not names and not shown:
        return Verdict(
            True, "Right: loss, gradient and new weights agree on both steps, and the teacher stays as it is."
        )
    return not_yet(names[:3], shown, question(table, names))


def is_right(table: Table, index: int, answer: Answer) -> bool:
    """Nothing to complain of in this probe: type, trace, weights, returned losses."""
    names, shown = _one(table, index, answer)
    # Without a trace there is nothing to complain of, and nothing right either.
    return answer.outcome == "float" and "trace/weights" in answer.numbers and not names and not shown


def after_error(table: Table, answers: Sequence[Answer]) -> list[str]:
    """What had been seen when the step raised: a step before backward(), a student without gradients, no logits."""
    answer = next((each for each in answers if each.outcome == "error"), None)
    if answer is None:  # it went through, and gave NaN
        return []
    if answer.note.endswith(train_step.NOT_LOGITS):
        return [OUTPUT]
    if "backward through the graph a second time" in answer.note:
        return [TWICE]
    if aftermath.names([answer]):
        return aftermath.names([answer])
    opened, calls = answer.numbers.get("trace/open"), answer.numbers.get("trace/student calls")
    if opened is not None and calls is not None and opened.size and not opened[0].any():
        return [why_closed(calls)]
    steps = np.nan_to_num(answer.numbers.get("trace/steps", np.zeros((0, 1))))
    return [EARLY] if len(steps) > 1 and not np.any(steps[0]) and np.any(steps[1]) else []


def why_closed(student_calls: np.ndarray) -> str:
    """Why no gradient can reach the student: its forward had none, or its logits were detached."""
    return CUT if len(student_calls) and student_calls[:, 1].any() else CLOSED


def near(found: np.ndarray, expected: np.ndarray) -> bool:
    """Same shape and equal up to single precision, as a whole."""
    if found.shape != expected.shape or not np.isfinite(found).all():
        return False
    return float(np.linalg.norm(found - expected)) <= FIT * max(float(np.linalg.norm(expected)), 1e-3)


def _one(table: Table, index: int, answer: Answer) -> tuple[list[str], str]:
    """Names, and the number that shows a difference ("" if there is none)."""
    numbers, start = answer.numbers, f"expected/{index}/"
    expected = {key.removeprefix(start): array for key, array in table.numbers.items() if key.startswith(start)}
    names = wrong_type(answer)
    if "trace/weights" not in numbers:
        return names, f"It raised {answer.note}." if answer.outcome == "error" else ""
    names += aftermath.names([answer])
    names += wrong_calls(numbers) + _loss_arguments(table, index, numbers, expected) + moved_teacher(numbers, expected)
    altered = [] if names else altered_logits(numbers, expected)
    names += altered
    untold = {NOT_ASKED, SWAPPED} & set(names)  # of a student that nobody asked nothing can be zeroed
    names += [name for name in wrong_update(numbers, expected) if name != ZEROED or not untold]
    if answer.outcome in {"float", "tensor"} and UPDATED not in names and not altered:
        names += wrong_return(numbers, expected)
    shown = ""
    moved, should = numbers["trace/weights"] - expected["before"], expected["weights"] - expected["before"]
    if not near(numbers["trace/weights"], expected["weights"]):
        last = int(near(moved[0], should[0]))
        shown = (
            f"After step {last + 1} the student has moved by {np.linalg.norm(moved[last]):.4g}; "
            f"a right step moves it by {np.linalg.norm(should[last]):.4g}."
        )
    elif not near(numbers["value"], expected["value"]):
        shown = f"The step returned {numbers['value'][0]:.5g}; its loss was {expected['value'][0]:.5g}."
    elif names:
        shown = f"The student moved by {np.linalg.norm(moved[0]):.4g}, as it should."
    return names, shown


def wrong_type(answer: Answer) -> list[str]:
    if answer.outcome == "tensor":
        return ["a tensor is returned instead of a Python float"]
    if answer.outcome not in {"float", "error"}:
        return [f"a {answer.note.split()[0]} is returned instead of a Python float"]
    return []


def wrong_calls(numbers: dict[str, np.ndarray]) -> list[str]:
    student, teacher = numbers["trace/student calls"], numbers["trace/teacher calls"]
    names = []
    if not len(teacher):
        names.append("the teacher is not asked")
    if not len(student):
        names.append(NOT_ASKED)
    if len(teacher) and teacher[:, 0].any():
        names.append("the teacher runs in train mode: dropout is on")
    if len(teacher) and teacher[:, 1].any() and numbers["trace/open"].shape[1] and numbers["trace/open"][1].any():
        names.append("gradient flows into the teacher (no no_grad, no detach)")
    without = [
        name for name, calls in (("student", student), ("teacher", teacher)) if len(calls) and (calls[:, 2] == -1).any()
    ]
    if without:
        names.append(f"attention_mask is not passed to the {' and the '.join(without)}")
    other = [
        name for name, calls in (("student", student), ("teacher", teacher)) if len(calls) and (calls[:, 2] == 0).any()
    ]
    if other:
        names.append(f"another mask than attention_mask is passed to the {' and the '.join(other)}")
    learning = student[student[:, 1] == 1] if len(student) else student
    if len(learning) and not learning[:, 0].any():
        names.append(EVAL)
    return names


def _loss_arguments(table: Table, index: int, numbers: dict[str, np.ndarray], expected: dict) -> list[str]:
    if "trace/loss/0/labels" not in numbers:
        return ["loss_function is not called"]
    seen = {name: numbers[f"trace/loss/0/{name}"] for name in ("student", "teacher", "labels")}
    given = table.probes[index].toys
    names = []
    student, teacher = (expected[f"loss/0/{which}"] for which in ("student", "teacher"))
    swapped = are(seen["student"], teacher) and are(seen["teacher"], student)
    if not swapped and not numbers["trace/open"][0].any():
        names.append(why_closed(numbers["trace/student calls"]))
    if swapped:
        names.append(SWAPPED)
    elif are(seen["teacher"], student):
        names.append("the student's logits are given as the teacher's")
    elif are(seen["student"], teacher):
        names.append("the teacher's logits are given as the student's")
    labels, tokens, mask = (
        np.asarray(given[f"batch/0/{name}"], float) for name in ("labels", "input_ids", "attention_mask")
    )
    if seen["labels"].shape == labels.shape and not np.array_equal(seen["labels"], labels):
        if np.array_equal(seen["labels"], tokens):
            names.append("input_ids are given as labels: padding counts")
        elif np.array_equal(seen["labels"], mask):
            names.append("attention_mask is given as labels")
        else:
            names.append("labels are changed before they reach loss_function")
    sizes = {array.shape[1] for array in seen.values() if array.ndim > 1}
    if sizes != {labels.shape[1]}:
        names.append("logits or labels are cut before loss_function, which shifts by itself")
    names += given_as_probabilities(seen)
    if numbers["trace/counts"][0, 0] > 1:
        names.append(CALLS)
    return names


def are(seen: np.ndarray, logits: np.ndarray) -> bool:
    """Are these the logits, or their beginning, as somebody hands them over who shifts beforehand?"""
    return seen.ndim == logits.ndim and near(seen, logits[:, : seen.shape[1]])


def given_as_probabilities(seen: dict[str, np.ndarray]) -> list[str]:
    """Whose logits have been through a softmax: rows that sum to one, as they are or as logarithms."""
    found = []
    for which in ("student", "teacher"):
        rows, size = seen[which], seen[which].shape[-1] if seen[which].ndim else 0
        with np.errstate(over="ignore"):
            sums = [rows.sum(-1), np.exp(rows).sum(-1)] if size > 1 else []
        signs = [rows.min() >= 0, rows.max() <= 0] if size > 1 else []
        if any(fits and np.allclose(total, 1, atol=FIT) for fits, total in zip(signs, sums, strict=True)):
            found.append(f"probabilities instead of the {which}'s logits are given to loss_function")
    return found


def altered_logits(numbers: dict[str, np.ndarray], expected: dict) -> list[str]:
    """Logits of the right models that reach loss_function scaled, or rounded."""
    names = []
    for which in ("student", "teacher"):
        seen, logits = numbers.get(f"trace/loss/0/{which}"), expected[f"loss/0/{which}"]
        if seen is None or seen.shape != logits.shape or near(seen, logits):
            continue
        ratio = float((seen * logits).sum() / max((logits * logits).sum(), 1e-12))
        if near(seen, ratio * logits):
            names.append(f"the {which}'s logits are scaled by {ratio:.3g} before loss_function")
        elif np.linalg.norm(seen - logits) < ROUNDED * np.linalg.norm(logits):
            names.append(f"the {which}'s logits are rounded before loss_function")
    return names


def moved_teacher(numbers: dict[str, np.ndarray], expected: dict) -> list[str]:
    if not near(numbers["trace/teacher weights"], expected["teacher"]):
        return [UPDATED]
    return []


def wrong_update(numbers: dict[str, np.ndarray], expected: dict) -> list[str]:
    """How gradients and steps went, from the gradients that the optimizer saw at each step."""
    steps, counts = numbers["trace/steps"], numbers["trace/counts"]
    if not len(steps):
        moved = not np.array_equal(numbers["trace/weights"][0], expected["before"])
        return (
            ["weights are changed, but not by the optimizer that is given"]
            if moved
            else ["optimizer.step() is missing"]
        )
    if counts[0, 1] > 1:
        return [MANY_STEPS]
    if not counts[0, 1]:
        return ["the optimizer does not step on every batch"]
    first = np.nan_to_num(steps[0])
    if not np.any(first):
        open_graph = numbers["trace/open"][0].any()
        return [_without_gradient(numbers["trace/events"].tolist())] if open_graph else []
    own = own_gradients(numbers)
    if len(steps) < 2 or len(own) < 2:
        return []
    if near(first, own[0]):
        piled = near(steps[1] - first, own[1]) and np.any(own[1])
        return [PILED] if piled else []
    given, whole = np.nan_to_num(steps[:2]), np.stack(own[:2])
    for names, added in (([], whole), ([PILED], whole + [[0.0], [1.0]] * given[:1])):
        if _clipped(given, added):
            return [*names, f"the gradient is clipped to norm {np.linalg.norm(first):.3g}"]
    ratio = float(first @ own[0] / max(own[0] @ own[0], 1e-12))
    if near(first, ratio * own[0]) and ratio:
        piled = near(steps[1] - first, ratio * own[1]) and np.any(own[1])
        return [*([PILED] if piled else []), f"the gradient is scaled by {ratio:.3g}"]
    if near(first * np.linalg.norm(own[0]), own[0] * np.linalg.norm(first)):
        return ["gradients are clipped or scaled"]
    return []


def _clipped(given: np.ndarray, whole: np.ndarray) -> bool:
    """Is each of two gradients the whole one, cut to one length where it is longer and as it is where not?"""
    lengths, sizes = (np.linalg.norm(rows, axis=1) for rows in (given, whole))
    along = all(near(given[place] * sizes[place], whole[place] * lengths[place]) for place in range(2))
    most = lengths[0]
    return along and most < sizes[0] * (1 - FIT) and np.allclose(lengths, np.minimum(sizes, most), rtol=FIT)


def own_gradients(numbers: dict[str, np.ndarray]) -> list[np.ndarray]:
    """For each batch the gradient that its loss has by itself: of the first call of loss_function that has one."""
    found, start = [], 0
    for end in numbers["trace/counts"][:, 0].astype(int):
        having = [row for row in numbers["trace/own"][start:end] if np.any(row)]
        found += having[:1]
        start = end
    return found


def _without_gradient(events: list[float]) -> str:
    """Why the first step found no gradient: from the order of backward and step."""
    if train_step.BACKWARD not in events:
        return "backward() is missing: no gradient reaches the optimizer"
    if events[0] == train_step.STEP:
        return EARLY
    return ZEROED


def wrong_return(numbers: dict[str, np.ndarray], expected: dict) -> list[str]:
    values, right, later = numbers["value"], expected["value"], expected["after"]
    if near(values, right) or not near(numbers["trace/weights"], expected["weights"]):
        return []
    if near(values, later):
        return [LATER]
    if near(values, values[0] * np.ones_like(values)):
        return ["the returned number is a constant, not the loss"]
    ratios = values / right
    if np.ptp(ratios) < FIT * abs(ratios[0]):
        return [f"the returned loss is scaled by {ratios[0]:.3g}"]
    if near(values, np.exp(right)):
        return ["exp of the loss is returned"]
    return ["the returned number is not this step's loss"]
