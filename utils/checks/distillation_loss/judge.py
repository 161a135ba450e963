"""What is wrong with a ``distillation_loss``, by name, and one number that shows it.

First what is wrong with the answer as such, then the blend, then each part. Where the factors do not fit, the verdict
gives numbers and no name.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from utils.checks import forms
from utils.checks.distillation_loss.blend import BENT, MISSING, OTHER, PARTS, SWAPPED, Reading, gather, read, total
from utils.checks.distillation_loss.message import sentences
from utils.checks.distillation_loss.parts import Evidence, Fingerprints, close, places_of, support
from utils.checks.distillation_loss.whole import (
    CONSTANT,
    EXCEPTION,
    EXP,
    RANDOM,
    SWAPPED_MODELS,
    SWAPPED_SETTINGS,
    as_such,
    half_precision,
    turned,
)
from utils.checks.judgement import agrees, is_right
from utils.checks.records import Answer, Table
from utils.checks.scale import merged
from utils.checks.verdict import Verdict, not_yet

UNSTABLE = "unstable at large logits: an exp or a log leaves the range{}"
CUT_OFF = "unstable at large logits: a clamp or an epsilon cuts the loss off{}"
DETACHED = "no gradient reaches the student{}"
NOT_FINITE = "NaN or infinite"
TEACHER_ALONE = "of the teacher instead of the student"
ZEROED = "ignored positions are counted in the hard part, with logits of zero"
NO_SHIFT, UNSHIFTED = "no causal shift{}", "labels shifted but the mask is not{}"
WRONG_WAY, WRONG_END = "causal shift in the wrong direction{}", "the wrong end of the logits is cut off{}"
ROLLED = "labels rolled around: the last position is scored against the first token{}"
LAST_OUT = "the last position is left out{}"
MOVED = {ROLLED: NO_SHIFT, WRONG_WAY: WRONG_END}  # where the labels went -> what a mask that stays looks like
LAST = (NOT_FINITE, "unstable", EXCEPTION)  # said after the mistakes that may bring them about
OF_SWAPPED_MODELS = ("KL the wrong way round", "cross-entropy of the teacher", "no gradient reaches")
UNTAMED = ("temperature applied after", "temperature missing", "temperature hard-coded", "logits multiplied")
STEEP = "square root of KL instead of KL"  # infinitely steep at 0, in any precision
FLAT = "1 - alpha without brackets"  # at alpha 0 there is nothing but the 1
# Names that need no "in both parts".
WHOLE = ("no causal shift", "causal shift", "shift by two", "labels shifted", "no gradient")
DEFAULTED = ("default/alpha", "default/both")  # probes without the last arguments


def judge_answers(table: Table, answers: Sequence[Answer]) -> Verdict:
    """passed, or at most three names and the number that shows the first one."""
    # A function owes the formula for the arguments that it is given; what it takes where none is given is its own.
    exact = [is_right(table, index, answer) for index, answer in enumerate(answers)]
    right = [good or probe.name in DEFAULTED for good, probe in zip(exact, table.probes, strict=True)]
    if all(right):
        defaults = ", ".join(f"{name}={value:g}" for name, value in table.texts["defaults"].items())
        remark = f" Its defaults are not the task's ({defaults}); that costs nothing."
        fine = "Right: value and gradient agree with the formula on every probe."
        return Verdict(True, fine + remark * (not all(exact)))
    if forms.read(answers[0].form) in ("str", "bool"):
        kind = answers[0].note
        text = f"{table.name} returns a {kind}; one number, a tensor, is expected, for backward() starts from it."
        return not_yet([f"a {kind} instead of one number"], text)
    names = as_such(table, answers)
    if not {RANDOM, CONSTANT, SWAPPED_SETTINGS, EXP} & set(names):
        ends = gather(table, answers)
        reading = read(table, ends)
        names += _factors(table, answers, ends, reading)
        names += [name for part in PARTS if not reading.parts.get(part) for name in turned(table, answers, part)]
        names += _not_finite(table, answers, reading)
    names = names or half_precision(answers)
    if BENT in names or answers[0].outcome == "other":
        names = [name for name in names if name not in MISSING.values()]  # it is there, in another place
    names = sorted(_tidy(names), key=lambda name: name.startswith(LAST))[:3]
    return not_yet(names, *sentences(table, answers, right, names))


def _factors(table: Table, answers: Sequence[Answer], ends: dict[str, Evidence], reading: Reading) -> list[str]:
    """The blend's names, then the parts' in one list; what both parts share is said once."""
    by_part: dict[str, list[str]] = {}
    owed = answers[0].outcome == "tensor" and not any(name.startswith(FLAT) for name in reading.names)
    for part in PARTS:
        explanation = reading.parts.get(part)
        by_part[part] = found = list(explanation.names) if explanation else []
        if explanation is None and part in reading.evidence and any(reading.parts.values()):
            found += support(Fingerprints(table, part), reading.evidence[part])
        end = OTHER[part] if SWAPPED in reading.names else part
        if owed and _silent(ends[end]) and TEACHER_ALONE not in "".join(found):
            found.append(DETACHED)
    _about_the_mask(by_part)
    unstable = _unstable_parts(table, answers, reading, by_part)
    for part in PARTS:
        by_part[part] += [CUT_OFF if unstable[part] == "cut" else UNSTABLE] * bool(unstable[part])
    shared = [name for name in by_part["soft"] if name in by_part["hard"]]
    names = [*reading.names, *(name.format("" if name.startswith(WHOLE) else " in both parts") for name in shared)]
    for part in PARTS:
        names += [name.format(f" in the {part} part") for name in by_part[part] if name not in shared]
    return names


def _about_the_mask(by_part: dict[str, list[str]]) -> None:
    """What the mask says is read again where the hard part shows how the labels have moved."""
    hard, unmoved = [*by_part["hard"]], all(UNSHIFTED in names for names in by_part.values())
    for names in by_part.values():
        if NO_SHIFT in hard and unmoved:
            # Labels and logits are both cut at the end: the mask fits the labels, but nothing has been shifted.
            names[:] = dict.fromkeys([NO_SHIFT, *(LAST_OUT if name == UNSHIFTED else name for name in names)])
        for moved, stays in MOVED.items():
            if moved in hard and stays in hard:
                names[:] = [UNSHIFTED if name == stays else name for name in names]


def _silent(end: Evidence) -> bool:
    """Is the value a number other than zero, and the gradient missing or zero, on every frame?"""
    return end.flat and bool(np.isfinite(end.values).all() and np.any(end.values))


def _unstable_parts(
    table: Table, answers: Sequence[Answer], reading: Reading, by_part: dict[str, list[str]]
) -> dict[str, str]:
    unstable = {part: _unstable(table, answers, part, reading) for part in PARTS}
    untamed = unstable["soft"] and any(name.startswith(UNTAMED) for name in by_part["soft"])
    if reading.parts.get("soft") is None or untamed:
        # The high T that keeps the soft part finite beside the hard one may have no such effect: NaN times zero is NaN.
        unstable["hard"] = ""
    if unstable["hard"] and unstable["soft"] == "gradient":
        # The soft part's value is right: the gradient that is NaN there is the hard part's, times zero.
        unstable["soft"] = ""
    return unstable


def _unstable(table: Table, answers: Sequence[Answer], part: str, reading: Reading) -> str:
    """What fails at large logits but not at ordinary ones: a "value" that is not finite, one that is "cut" off, the
    "gradient", or nothing ("").
    """
    index = next(i for i, probe in enumerate(table.probes) if probe.name == f"huge/{part}")
    answer, value, explanation = answers[index], total(answers[index]), reading.parts.get(part)
    ordinary = [total(answers[place]) for place in places_of(table, part)]
    if explanation is None or not np.isfinite(ordinary).all() or answer.outcome in {"error", "timeout"}:
        return ""
    if not np.isfinite(value):
        return "value"
    plain = not reading.names and not explanation.names  # at ordinary logits it is the formula's
    if plain and not close(value, float(table.numbers["expected/value"][index]), 1e-3):
        return "cut"
    gradient = answer.gradient("student_logits")
    if gradient is None:
        return ""
    if not np.isfinite(gradient).all():
        return "" if STEEP in explanation.names else "gradient"
    wrong = not agrees(gradient, table.numbers[f"expected/{index}/gradient/student_logits"])
    return "gradient" if plain and np.any(gradient) and wrong else ""


def _not_finite(table: Table, answers: Sequence[Answer], reading: Reading) -> list[str]:
    """Is a loss NaN or infinite where the logits are small, and none of the mistakes found makes it so?"""
    if any(one is not None and not one.finite for one in reading.parts.values()):
        return []
    ordinary = [answers[place] for part in PARTS for place in places_of(table, part)]
    return [NOT_FINITE] * any(not np.isfinite(total(answer)) for answer in ordinary if "value" in answer.numbers)


def _tidy(names: list[str]) -> list[str]:
    """Each name once, without those that another one implies."""
    kept = list(dict.fromkeys(names))
    if SWAPPED_MODELS in kept:
        kept = [name for name in kept if not name.startswith(OF_SWAPPED_MODELS)]
    if any("tensor of shape" in name for name in kept):
        kept = [name for name in kept if not name.startswith("summed")]
    if any(name.startswith("temperature hard-coded to") for name in kept):
        kept = [name for name in kept if not name.startswith("T squared hard-coded")]
    return merged(kept)
