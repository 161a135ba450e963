"""The verdict on an ``on_policy_step``: who wrote, which logits and positions reached the loss, how the student moved.

Each of these three is judged by itself, so that a mistake in one costs no points of the others.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from utils.checks import steps
from utils.checks.hints import question
from utils.checks.plays import aftermath
from utils.checks.plays.on_policy_step import OTHERS, STUDENTS
from utils.checks.plays.train_step import LEARNING_RATE
from utils.checks.records import Answer, Table
from utils.checks.steps import are, near
from utils.checks.verdict import Verdict, not_yet

WRITING, SCORING, LEARNING = "writing", "scoring", "learning"  # names of probes, each judged on one of the three
NOBODY = "sample is not called: nobody writes"
TEACHER_WRITES = "the teacher writes instead of the student"
OWN_CONTINUATION = "the teacher scores a continuation of its own instead of the student's"
STALE = "the student does not write anew: a later step reuses an earlier one's text"
TRAIN_MODE = "the student writes in train mode: its dropout is on"
GRADIENTS = "the student writes with gradients switched on"
PROMPTS = "sample gets other prompts than the step was given"
OFTEN = "the student writes more than once a step"
NOT_SHIFTED = "completion_mask is not shifted: position t predicts token t + 1"
SHIFTED_TWICE = "completion_mask is shifted twice"
LOGITS_LATE = "the logits are shifted the wrong way round: those of position t + 1 belong to no token t + 1"
EVERYTHING = "prompt and padding count: completion_mask does not reach the loss"
PROMPT_TOO = "prompt tokens count: attention_mask stands where completion_mask belongs"
OTHER_POSITIONS = "other positions count than those that predict a written token"
LENGTHS = "logits and mask have different lengths: the shift belongs to both"
PROMPTS_READ = {
    "student": "the student reads the prompts again, not the text that it wrote",
    "teacher": "the teacher reads the prompts, not the text that the student wrote",
}
OTHER_LOGITS = "other logits than the two models' on the student's text reach the loss"
NO_LOSS = "loss is not called"
RETURNED = "the returned number is not this step's loss"


@dataclass(frozen=True)
class Found:
    """Names of what is wrong, a sentence with a number, and whether all of it is right."""

    names: list[str]
    shown: str
    right: bool


def judge_answers(table: Table, answers: Sequence[Answer]) -> Verdict:
    """passed, or what is wrong, in the order of a step: writing, scoring, learning."""
    found = [_found(table, index, answer) for index, answer in enumerate(answers)]
    if all(each.right for each in found):
        return Verdict(True, "Right: text, logits, positions, gradient and new weights agree on all steps.")
    names = list(dict.fromkeys(name for each in found for name in each.names))
    if steps.EXPLAINS_CALLS & set(names):
        names = [name for name in names if name != steps.CALLS]
    names = [name.replace("loss_function", "loss") for name in names][:3]
    wrong = next(each for each in found if not each.right and (each.names or not names))
    return not_yet(names, wrong.shown, question(table, names))


def is_right(table: Table, index: int, answer: Answer) -> bool:
    """Is the part of the step that this probe is named after right?"""
    return _found(table, index, answer).right


def after_error(table: Table, answers: Sequence[Answer]) -> list[str]:
    """What had been seen when the step raised."""
    answer = next((each for each in answers if each.outcome == "error"), None)
    if answer is None:  # it went through, and gave NaN
        return []
    if names := _prompts_read(answer):
        return names
    if "shape of the mask" in answer.note:
        return [LENGTHS]
    return [name.replace("loss_function", "loss") for name in steps.after_error(table, answers)]


def _found(table: Table, index: int, answer: Answer) -> Found:
    start = f"expected/{index}/"
    expected = {key.removeprefix(start): array for key, array in table.numbers.items() if key.startswith(start)}
    if "trace/weights" not in answer.numbers:
        return Found([], f"It raised {answer.note}." if answer.outcome == "error" else "", False)
    return JUDGES[table.probes[index].name](answer, expected)


def _writing(answer: Answer, expected: dict[str, np.ndarray]) -> Found:
    numbers = answer.numbers
    calls, many = numbers["trace/writing"], len(numbers["trace/counts"])
    own = calls[calls[:, 1] == 1]
    often = np.bincount(own[:, 0].astype(int), minlength=many)
    checks = (
        (NOBODY, not len(calls)),
        (TEACHER_WRITES, len(calls) and not len(own)),
        (TRAIN_MODE, own[:, 2].any()),
        (GRADIENTS, own[:, 3].any()),
        (PROMPTS, len(calls) and not calls[:, 4].all()),
        (STALE, len(own) and (often == 0).any()),
        (OFTEN, (often > 1).any()),
    )
    names = [name for name, so in checks if so]
    shown = f"In {many} steps sample was called {len(own)} times with the student, {len(calls) - len(own)} otherwise."
    return Found(names, shown, not names)


def _scoring(answer: Answer, expected: dict[str, np.ndarray]) -> Found:
    numbers = answer.numbers
    if "trace/loss/0/mask" not in numbers:
        return Found([NO_LOSS], f"It was called 0 times in {len(numbers['trace/counts'])} steps.", False)
    names = steps.wrong_calls(numbers)
    names += [steps.CALLS] * bool(numbers["trace/counts"][0, 0] > 1)
    seen = {name: numbers[f"trace/loss/0/{name}"] for name in ("student", "teacher", "mask")}
    whose = OTHERS if are(seen["student"], expected[f"{OTHERS}/0/student"]) else STUDENTS
    right = _rows_right(seen, expected, whose, 0)
    wrong = [] if right else _prompts_read(answer) or _wrong_logits(seen, expected, whose)
    if not numbers["trace/open"][0].any() and steps.SWAPPED not in wrong:  # swapped, the teacher's are without gradient
        names.append(steps.why_closed(numbers["trace/student calls"]))
    if wrong == [OTHER_LOGITS] and any("attention_mask" in name for name in names):
        wrong = []  # that is why they are other ones
    names += wrong if wrong or right else _wrong_positions(seen, expected, whose)
    later = _later_right(numbers, expected)
    if right and not later and not names:
        names += [] if _reused(numbers) else [OTHER_LOGITS]
        right = _reused(numbers)
    counted = int(seen["mask"].astype(bool).sum())
    wanted = int(_rows(expected, whose, 0, "student").shape[0])
    shown = f"At the first step {counted} positions count, and {wanted} predict a written token."
    if counted == wanted:
        shown = _first_loss(float(numbers["trace/values"][0]), float(expected["value"][0]))
    return Found(names, shown, right and not names)


def _first_loss(value: float, wanted: float) -> str:
    if f"{value:.4g}" == f"{wanted:.4g}":
        return f"The first loss is {value:.4g}, as it should be."
    return f"The first loss is {value:.4g}; for the student's text it should be {wanted:.4g}."


def _prompts_read(answer: Answer) -> list[str]:
    """Who read the prompts where the written text belongs."""
    read = answer.numbers.get("trace/read prompts", np.zeros(2))
    return [PROMPTS_READ[who] for who, so in zip(("student", "teacher"), read, strict=True) if so]


def _reused(numbers: dict[str, np.ndarray]) -> bool:
    """Did a later step get no text of its own?  Then its logits are those of an earlier text, as `STALE` says."""
    own = numbers["trace/writing"]
    return len(set(own[:, 0])) < len(numbers["trace/counts"])


def _rows(expected: dict[str, np.ndarray], whose: str, step: int, which: str) -> np.ndarray:
    """(N, V): the logits that predict a written token, in the order of the rows."""
    written = expected[f"{whose}/{step}/completion"].astype(bool)
    return expected[f"{whose}/{step}/{which}"][:, :-1][written[:, 1:]]


def _picked(logits: np.ndarray, mask: np.ndarray) -> np.ndarray:
    counted = mask.astype(bool)
    return logits[counted] if logits.shape[: counted.ndim] == counted.shape else np.zeros((0, 0))


def _rows_right(seen: dict[str, np.ndarray], expected: dict[str, np.ndarray], whose: str, step: int) -> bool:
    pairs = ((_picked(seen[which], seen["mask"]), _rows(expected, whose, step, which)) for which in _moved(step))
    return all(near(found, wanted) for found, wanted in pairs)


def _moved(step: int) -> tuple[str, ...]:
    """Whose logits the table knows for certain: the student's are those of its first weights."""
    return ("teacher",) if step else ("student", "teacher")


def _later_right(numbers: dict[str, np.ndarray], expected: dict[str, np.ndarray]) -> bool:
    for step in range(1, len(numbers["trace/counts"])):
        if f"trace/loss/{step}/mask" not in numbers:
            return False
        seen = {name: numbers[f"trace/loss/{step}/{name}"] for name in ("student", "teacher", "mask")}
        if not any(_rows_right(seen, expected, whose, step) for whose in (STUDENTS, OTHERS)):
            return False
    return True


def _wrong_logits(seen: dict[str, np.ndarray], expected: dict[str, np.ndarray], whose: str) -> list[str]:
    student, teacher = (expected[f"{whose}/0/{which}"] for which in ("student", "teacher"))
    if are(seen["student"], teacher) and are(seen["teacher"], student):
        return [steps.SWAPPED]
    if are(seen["teacher"], student):
        return ["the student's logits are given as the teacher's"]
    if are(seen["student"], teacher):
        return ["the teacher's logits are given as the student's"]
    if whose == STUDENTS and are(seen["teacher"], expected[f"{OTHERS}/0/teacher"]):
        return [OWN_CONTINUATION]
    if are(seen["student"][:, ::-1], student[:, ::-1]) and seen["student"].shape != student.shape:
        return [LOGITS_LATE]
    probabilities = steps.given_as_probabilities(seen)
    if probabilities:
        return probabilities
    if seen["student"].ndim != 3 or (are(seen["student"], student) and are(seen["teacher"], teacher)):
        return []
    cut = {
        f"loss/0/{which}": expected[f"{whose}/0/{which}"][:, : seen[which].shape[1]] for which in ("student", "teacher")
    }
    given = {f"trace/loss/0/{which}": seen[which] for which in ("student", "teacher")}
    return steps.altered_logits(given, cut) or [OTHER_LOGITS]


def _wrong_positions(seen: dict[str, np.ndarray], expected: dict[str, np.ndarray], whose: str) -> list[str]:
    """Which positions count instead of those that predict a written token."""
    written, real = (expected[f"{whose}/0/{name}"].astype(bool) for name in ("completion", "attention"))
    mask = seen["mask"].astype(bool)
    if mask.shape[:1] != written.shape[:1] or mask.ndim != 2:
        return [OTHER_POSITIONS]
    length = mask.shape[1]

    def is_(columns: np.ndarray) -> bool:
        wanted = np.zeros_like(written)
        wanted[:, : columns.shape[1]] = columns
        return np.array_equal(mask, wanted[:, :length])

    if mask.all():
        return [EVERYTHING]
    if is_(written):
        return [NOT_SHIFTED]
    if is_(written[:, 2:]):
        return [SHIFTED_TWICE]
    return [PROMPT_TOO] if is_(real[:, 1:]) or is_(real) else [OTHER_POSITIONS]


def _learning(answer: Answer, expected: dict[str, np.ndarray]) -> Found:
    numbers = answer.numbers
    names = aftermath.names([answer]) + steps.moved_teacher(numbers, expected) + steps.wrong_type(answer)
    names += steps.wrong_update(numbers, expected)
    moved = numbers["trace/weights"] - expected["before"]
    should = _right_moves(numbers)
    updated = should is not None and near(moved, should)
    losses = _first_values(numbers)
    if updated and answer.outcome in {"float", "tensor"} and not near(numbers["value"], losses):
        names += steps.wrong_return(numbers, expected | {"value": losses}) or [RETURNED]
    right = updated and not names
    if should is None:
        return Found(names, f"After step 1 the student has moved by {np.linalg.norm(moved[0]):.4g}.", False)
    return Found(names, _move(moved, should) if not updated else _returned(numbers["value"], losses), right)


def _move(moved: np.ndarray, should: np.ndarray) -> str:
    """How far the student went in the first step that is not right, beside how far it should have gone."""
    last = int(near(moved[0], should[0]))
    went, asked = (f"{np.linalg.norm(each[last]):.4g}" for each in (moved, should))
    if went == asked:
        return f"After step {last + 1} the student has moved as far as its loss asks, {went}, in another direction."
    return f"After step {last + 1} the student has moved by {went}; its loss asks for {asked}."


def _returned(values: np.ndarray, losses: np.ndarray) -> str:
    """What the steps returned, beside the losses that they were made with."""
    pairs = [(f"{value:.5g}", f"{loss:.5g}") for value, loss in zip(values, losses, strict=True)]
    value, loss = next((pair for pair in pairs if pair[0] != pair[1]), pairs[0])
    if value == loss:
        return f"The step returned its loss, {loss}, and the student moved as that asks."
    return f"A step returned {value}; its loss was {loss}."


def _right_moves(numbers: dict[str, np.ndarray]) -> np.ndarray | None:
    """How far the student should have moved after each step, by the losses that it had; None without a loss of its own
    in every step."""
    own = steps.own_gradients(numbers)
    if len(own) < len(numbers["trace/counts"]):
        return None
    return -LEARNING_RATE * np.cumsum(np.stack(own), axis=0)


def _first_values(numbers: dict[str, np.ndarray]) -> np.ndarray:
    """The loss of each step: the first, where there are more."""
    ends = numbers["trace/counts"][:, 0].astype(int)
    values = numbers["trace/values"]
    starts = [0, *ends[:-1]]
    return np.array([values[start] if start < len(values) else np.nan for start in starts])


JUDGES = {WRITING: _writing, SCORING: _scoring, LEARNING: _learning}
