"""From answers to a verdict, for any exercise: pure, nothing of the learner's is called.

What is wrong with the function itself (a string, the wrong arguments, not written yet, an error, no end) has its own
sentence here; what is wrong with its numbers is told by the exercise's own module. An exercise that has none is judged
by what its table holds: with variants (grader/exercises/variants.py) as arrays are, for which the first probe is asked
twice; without any, right or wrong.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from utils.checks import arrays, layers, loss, perplexity, steps
from utils.checks.judgement import agrees, expected_value, furthest, is_right
from utils.checks.records import Answer, Table
from utils.checks.verdict import Verdict

VERDICTS = {
    "soft_targets": arrays.verdict,
    "entropy": arrays.verdict,
    "kl_divergence": arrays.verdict,
    "distillation_loss": loss.verdict,
    "train_step": steps.verdict,
    "perplexity": perplexity.verdict,
    "layer_map": layers.verdict,
    "hidden_state_loss": arrays.verdict,
}
# What a function owes, where it is not a number.
OWED = {name: "a tensor" for name in ("soft_targets", "entropy", "kl_divergence")} | {"layer_map": "a list"}

# What an exception says -> the mistake that it can only come from.
ERRORS = (
    ("-100 is out of bounds", "-100 is taken for a class: ignored labels are not left out"),
    ("selected index k out of range", "top-k: only some of the vocabulary's tokens are compared"),
)


def verdict(table: Table, answers: Sequence[Answer]) -> Verdict:
    """The verdict on answers given to ``table.probes``, in the same order."""
    if len(answers) != len(table.probes):
        return Verdict(False, f"There are {len(answers)} answers to {len(table.probes)} questions.")
    return _about_the_function(table, answers) or _judge_of(table)(table, answers)


def _judge_of(table: Table) -> Callable[[Table, Sequence[Answer]], Verdict]:
    """Who tells what is wrong with the numbers of this exercise."""
    return VERDICTS.get(table.name) or (arrays.verdict if "groups" in table.texts else right_or_wrong)


def right_or_wrong(table: Table, answers: Sequence[Answer]) -> Verdict:
    """The verdict where no mistake has a name: how many probes are wrong, and what is wrong on the first of them."""
    wrong = [index for index, answer in enumerate(answers) if not is_right(table, index, answer)]
    if not wrong:
        return Verdict(True, f"Right: all {len(answers)} probes agree with the definition.")
    probe, shown = table.probes[wrong[0]].name, _difference(answers[wrong[0]], expected_value(table, wrong[0]))
    return Verdict(False, f"Not yet: {len(wrong)} of {len(answers)} probes are wrong. On {probe!r} {shown}."[:600])


def _difference(answer: Answer, expected: np.ndarray) -> str:
    found = answer.numbers.get("value")
    if answer.outcome == "error":
        return f"it stops with {answer.note[:150]}" + (f" in your {answer.line}" if answer.line else "")
    if found is None:
        return f"your answer ({answer.note}) holds no number"
    if found.shape != expected.shape:
        return f"your answer has shape {found.shape}; it should be {expected.shape}"
    if agrees(found, expected):
        return "the value is right, but its type or gradient is not, or an argument was changed in place"
    return "one entry is {:.4g}; it should be {:.4g}".format(*furthest(found, expected))


def _about_the_function(table: Table, answers: Sequence[Answer]) -> Verdict | None:
    first = answers[0]
    if first.outcome == "unwritten":
        return Verdict(False, f"Not written yet: {table.name} raises NotImplementedError. Replace it by your solution.")
    if first.outcome == "signature":
        text = f"{table.name} was called by position as the task says, but {first.note}."
        return Verdict(False, text, ["the arguments are not the task's"])
    late = next((answer for answer in answers if answer.outcome == "timeout"), None)
    if late:
        text = f"{table.name} did not come to an end in time. Is there a loop whose condition never becomes false?"
        return Verdict(False, text, ["no end within the time limit"])
    if first.outcome == "none":
        return Verdict(
            False, f"{table.name} returns nothing (None). Is there a return at its end?", ["nothing returned"]
        )
    failed = [answer for answer in answers if answer.outcome == "error"]
    if first.outcome == "error" or len(failed) > len(answers) // 2:
        names = (
            steps.after_error(failed[0])
            or _known_error(failed[0])
            or [f"an exception: {failed[0].note.split(':')[0]}"[:99]]
        )
        return Verdict(False, f"{table.name} stops with {failed[0].note}. {_where(failed[0])}"[:600], names)
    if first.outcome == "other" and not np.isfinite(first.numbers.get("value", np.nan)).all():
        owed = OWED.get(table.name, "a number")
        text = f"{table.name} returns a {first.note}; {owed} was expected."
        return Verdict(False, text, [f"a {first.note} instead of {owed}"])
    values = [answer.numbers["value"] for answer in answers if "value" in answer.numbers]
    gradients = [array for answer in answers for key, array in answer.numbers.items() if key.startswith("gradient/")]
    if (
        values
        and not any(np.isfinite(value).all() for value in values)
        and not any(np.isfinite(gradient).all() for gradient in gradients)
    ):
        text = f"{table.name} gives {values[0].reshape(-1)[0]} on every one of {len(values)} probes. "
        return Verdict(
            False, text + "Which logarithm, division or exponential can run out of range?", ["NaN or infinite"]
        )
    return None


def _known_error(answer: Answer) -> list[str]:
    """The mistake behind an exception whose text leaves no doubt."""
    return next(([name] for text, name in ERRORS if text in answer.note), [])


def _where(answer: Answer) -> str:
    return f"It happens in your {answer.line}." if answer.line else ""
