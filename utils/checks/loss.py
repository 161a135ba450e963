"""The verdict on a ``distillation_loss``: what of it is wrong, by name, from its answers alone.

First what is wrong with the answer as such (a float, a tuple, inputs changed, chance), then the blend, then each part.
The mistake this prevents is a sentence that fits another mistake as well: where the factors do not fit, numbers are
given and no name.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from utils.checks.blend import BENT, MISSING, Reading, gather, read, total
from utils.checks.hints import question
from utils.checks.judgement import after_error, agrees, changed_in_place, expected_value, is_right, leaks, went_backward
from utils.checks.parts import Fingerprints, close
from utils.checks.records import Answer, Table
from utils.checks.scale import merged
from utils.checks.support import support
from utils.checks.verdict import Verdict
from utils.checks.whole import beside_the_blend, half_precision, turned

__all__ = ["after_error", "is_right", "verdict"]

UNSTABLE = "unstable at large logits: an exp or a log leaves the range{}"
CUT_OFF = "unstable at large logits: a clamp or an epsilon cuts the loss off{}"
DETACHED = "no gradient reaches the student{}"
TEACHER_ALONE = "of the teacher instead of the student"
LEAK = "gradient flows into the teacher"
SWAPPED_MODELS = "student and teacher swapped: the gradient reaches the teacher's logits, none the student's"
EXP = "exp of the loss (a perplexity) is returned"
SWAPPED_SETTINGS = "temperature and alpha swapped in the list of arguments"
NOT_FINITE = "NaN or infinite"
RANDOM = "random: the same input gives different losses"
CONSTANT = "a constant: the loss does not depend on its input"
NO_SHIFT, UNSHIFTED = "no causal shift{}", "labels shifted but the mask is not{}"
# where the labels went -> what a mask that stays looks like
MOVED = {
    "labels rolled around: the last position is scored against the first token{}": NO_SHIFT,
    "causal shift in the wrong direction{}": "the wrong end of the logits is cut off{}",
}
LAST = (NOT_FINITE, "unstable", "an exception on some inputs")  # said after the mistakes that may bring them about
OF_SWAPPED_MODELS = ("KL the wrong way round", "cross-entropy of the teacher", "no gradient reaches")
UNTAMED = ("temperature applied after", "temperature missing", "temperature hard-coded", "logits multiplied")
STEEP = "square root of KL instead of KL"  # infinitely steep at 0, in any precision
FLAT = "1 - alpha without brackets"  # at alpha 0 there is nothing but the 1
# Names that need no "in both parts".
WHOLE = ("no causal shift", "causal shift", "shift by two", "labels shifted", "no gradient")
PARTS = ("soft", "hard")
DEFAULTED = ("default/alpha", "default/both")  # probes without the last arguments


def verdict(table: Table, answers: Sequence[Answer]) -> Verdict:
    """passed, or at most three names and the number that shows the first one."""
    places = {probe.name: index for index, probe in enumerate(table.probes)}
    # A function owes the formula for the arguments that it is given; what it takes where none is given is its own.
    right = [is_right(table, places[name], answers[places[name]]) or name in DEFAULTED for name in places]
    if all(right):
        return Verdict(
            True, "Right: value and gradient agree with the formula on every probe." + _remark(table, answers)
        )
    names = _as_such(table, answers, places)
    reading = Reading()
    if not {RANDOM, CONSTANT, SWAPPED_SETTINGS, EXP} & set(names):
        reading = read(table, gather(table, answers))
        explained = reading.names or any(reading.parts.values())
        beside = [] if explained else beside_the_blend(table, answers)
        names += beside or _factors(table, answers, places, reading)
        names += [name for part in PARTS if not reading.parts.get(part) for name in turned(table, answers, part)]
        names += _not_finite(answers, places, reading)
    names = names or half_precision(answers)
    if BENT in names or answers[0].outcome == "other":
        names = [name for name in names if name not in MISSING.values()]  # it is there, in another place
    names = sorted(_tidy(names), key=lambda name: name.startswith(LAST))
    return Verdict(False, _message(table, answers, right, names, reading), names[:3])


def _as_such(table: Table, answers: Sequence[Answer], places: dict[str, int]) -> list[str]:
    """What is wrong with the answers whatever they compute."""
    first = answers[0]
    names = []
    value = first.numbers.get("value")
    if first.outcome == "float":
        names.append("a Python number instead of a tensor: no gradient can flow")
    elif first.outcome == "other":
        names.append(f"a {first.note} instead of one number")
    elif value is not None and value.ndim:
        names.append(f"a tensor of shape {value.shape} instead of one number")
    names += went_backward(answers)
    names += changed_in_place(answers)
    again, before = answers[places["again"]], answers[places["wide/blend"]]
    if np.isfinite([total(again), total(before)]).all() and not close(total(again), total(before), 1e-5):
        names.append(RANDOM)
    values = np.array([total(answer) for answer in answers])
    if np.isfinite(values).all() and np.ptp(values) == 0:
        names.append(CONSTANT)
    names += _raised(answers)
    expected = table.numbers["expected/value"]
    tame = np.abs(expected) < 50  # of larger ones exp is infinite
    with np.errstate(invalid="ignore", divide="ignore"):
        names += [EXP] * close(np.log(values[tame]), expected[tame])
    if any(leaks(answer.gradient("teacher_logits")) for answer in answers):
        reached = any(leaks(answer.gradient("student_logits")) for answer in answers)
        swapped = not reached and leaks(answers[places["wide/hard"]].gradient("teacher_logits"))
        names.append(SWAPPED_MODELS if swapped else LEAK)
    return names if RANDOM in names else names + _swapped_settings(table, answers, places)


def _raised(answers: Sequence[Answer]) -> list[str]:
    """The exception that ended some of the calls."""
    kind = next((answer.note.split(":")[0] for answer in answers if answer.outcome == "error"), "")
    return [f"an exception on some inputs: {kind}"] if kind else []


def _not_finite(answers: Sequence[Answer], places: dict[str, int], reading: Reading) -> list[str]:
    """Is a loss NaN or infinite where the logits are small, and none of the mistakes found makes it so?"""
    if any(part and not np.isfinite(part.frames).all() for part in reading.parts.values()):
        return []
    ordinary = [answers[index] for name, index in places.items() if name.endswith(PARTS) and "huge" not in name]
    lost = any(not np.isfinite(total(answer)) for answer in ordinary if "value" in answer.numbers)
    return [NOT_FINITE] * lost


def _swapped_settings(table: Table, answers: Sequence[Answer], places: dict[str, int]) -> list[str]:
    """Is it right with its own defaults, and another loss where the same numbers are given by position?"""
    explicit, both = answers[places["explicit"]], answers[places["default/both"]]
    both_right = is_right(table, places["default/both"], both)
    return [SWAPPED_SETTINGS] * (both_right and not close(total(explicit), total(both)))


def _remark(table: Table, answers: Sequence[Answer]) -> str:
    """What is worth a word and costs nothing: defaults that are not the task's."""
    if all(is_right(table, index, answer) for index, answer in enumerate(answers)):
        return ""
    defaults = ", ".join(f"{name}={value:g}" for name, value in table.texts["defaults"].items())
    return f" Its defaults are not the task's ({defaults}); that costs nothing."


def _factors(table: Table, answers: Sequence[Answer], places: dict[str, int], reading: Reading) -> list[str]:
    """The blend's names, then the parts' in one list; what both parts share is said once."""
    by_part: dict[str, list[str]] = {}
    lacking = _without_gradient(answers, places)
    for part in PARTS:
        explanation = reading.parts.get(part)
        found = list(explanation.names) if explanation else []
        if explanation is None and part in reading.evidence:
            found = list(support(Fingerprints(table, part), reading.evidence[part]))
        flat = any(name.startswith(FLAT) for name in reading.names)
        if part in lacking and not flat and not any(TEACHER_ALONE in name for name in found):
            found.append(DETACHED)
        by_part[part] = found
    _without_any_shift(by_part)
    _under_its_own_mask(by_part)
    unstable = {part: _unstable(table, answers, places, part, reading) for part in PARTS}
    if reading.parts.get("soft") is None:
        unstable["hard"] = ""  # NaN times zero is NaN, and who knows what an unknown loss does
    if unstable["soft"] and any(name.startswith(UNTAMED) for name in by_part["soft"]):
        # The high T that keeps the soft part finite beside the hard one has no such effect here: NaN times zero is NaN.
        unstable["hard"] = ""
    if unstable["hard"] and unstable["soft"] == "gradient":
        # The soft part's value stands: the gradient that is NaN there is the hard part's, times zero.
        unstable["soft"] = ""
    for part in PARTS:
        by_part[part] += [CUT_OFF if unstable[part] == "cut" else UNSTABLE] * bool(unstable[part])
    names = list(reading.names)
    shared = [name for name in by_part["soft"] if name in by_part["hard"]]
    names += [name.format("" if _needs_no_part(name) else " in both parts") for name in shared]
    for part in PARTS:
        names += [name.format(f" in the {part} part") for name in by_part[part] if name not in shared]
    return names


def _without_any_shift(by_part: dict[str, list[str]]) -> None:
    """Labels and logits both cut at the end: the mask fits the labels, but nothing has been shifted."""
    if NO_SHIFT in by_part["hard"] and all(UNSHIFTED in names for names in by_part.values()):
        for names in by_part.values():
            names[names.index(UNSHIFTED)] = "the last position is left out{}"
            names[:] = dict.fromkeys([NO_SHIFT, *names])


def _under_its_own_mask(by_part: dict[str, list[str]]) -> None:
    """Labels that are moved and a mask that is not count the positions of another mistake, which was not made."""
    for moved, seen in MOVED.items():
        if moved in by_part["hard"] and seen in by_part["hard"]:
            for names in by_part.values():
                names[:] = [UNSHIFTED if name == seen else name for name in names]


def _needs_no_part(name: str) -> bool:
    return name.startswith(WHOLE)


def _without_gradient(answers: Sequence[Answer], places: dict[str, int]) -> set[str]:
    """Parts whose value is a number other than zero and whose gradient is missing or zero on every frame."""
    lacking = set()
    for part in PARTS:
        chosen = [answers[index] for name, index in places.items() if name.endswith(f"/{part}") and "huge" not in name]
        if any(answer.outcome != "tensor" or not np.isfinite(total(answer)) for answer in chosen):
            continue
        still = all(
            answer.gradient("student_logits") is None or not np.any(answer.gradient("student_logits"))
            for answer in chosen
        )
        if still and any(total(answer) != 0 for answer in chosen):
            lacking.add(part)
    return lacking


def _unstable(table: Table, answers: Sequence[Answer], places: dict[str, int], part: str, reading: Reading) -> str:
    """What fails at large logits but not at ordinary ones: a "value" that is not finite, one that is "cut" off, the
    "gradient", or nothing ("").
    """
    index = places[f"huge/{part}"]
    answer, value = answers[index], total(answers[index])
    ordinary = [total(answers[places[name]]) for name in places if name.endswith(f"/{part}") and "huge" not in name]
    if not np.isfinite(ordinary).all() or answer.outcome in {"error", "timeout"}:
        return ""
    explanation = reading.parts.get(part)
    if not np.isfinite(value):
        return "value" if explanation is not None else ""  # who knows what an unknown loss does
    known = explanation is not None and not reading.names
    if known and np.isfinite(explanation.huge) and not close(explanation.huge, value, 1e-3):
        return "cut"
    gradient = answer.gradient("student_logits")
    if gradient is None:
        return ""
    if not np.isfinite(gradient).all():
        return "gradient" if explanation is not None and STEEP not in explanation.names else ""
    expected = table.numbers[f"expected/{index}/gradient/student_logits"]
    wrong = known and not explanation.names and np.any(gradient) and not agrees(gradient, expected)
    return "gradient" if wrong else ""


def _tidy(names: list[str]) -> list[str]:
    """Each name once; a vector is not also "summed"; a hard-coded T is said once."""
    kept = list(dict.fromkeys(names))
    if SWAPPED_MODELS in kept:  # what follows from it
        kept = [name for name in kept if not name.startswith(OF_SWAPPED_MODELS)]
    if any("tensor of shape" in name for name in kept):
        kept = [name for name in kept if not name.startswith("summed")]
    coded = [name for name in kept if name.startswith("temperature hard-coded to")]
    if coded:
        kept = [name for name in kept if not name.startswith("T squared hard-coded")]
    return merged(kept)


def _message(table: Table, answers: Sequence[Answer], right: Sequence[bool], names: list[str], reading: Reading) -> str:
    """The number that shows it, and what to think about."""
    index = _telling(table, answers, right, names)
    probe, answer = table.probes[index], answers[index]
    expected = float(expected_value(table, index))
    alpha = probe.inputs.get("alpha", table.texts["defaults"]["alpha"])
    temperature = probe.inputs.get("temperature", table.texts["defaults"]["temperature"])
    where = f"At alpha = {alpha:g} and T = {temperature:g}"
    if answer.outcome == "error":
        shown = f"{where} it raises {answer.note[:120]}" + (f" ({answer.line})" if answer.line else "") + "."
    elif close(total(answer), expected):
        beyond = _beyond_value(table, index, answer)
        shown = f"{where} the value {expected:.4g} is right, but not everything else is: {beyond}."
    else:
        shown = f"{where} your loss is {total(answer):.5g} on our probe; the formula gives {expected:.5g}."
    if names:
        listed = "; ".join(names[:3])
        return f"Not yet: {listed}. {shown} {question(table, names)}"[:600]
    fine = [part for part in PARTS if all(right[i] for i, p in enumerate(table.probes) if p.name.endswith(f"/{part}"))]
    known = f"The {' and the '.join(fine)} part agree{'s' if len(fine) == 1 else ''} with the formula. " if fine else ""
    return f"Not yet. {known}{shown} {_ratio(answer, expected)}"[:600]


def _telling(table: Table, answers: Sequence[Answer], right: Sequence[bool], names: list[str]) -> int:
    """The first wrong probe, by preference one that isolates what the first name speaks of."""
    wrong = [index for index, good in enumerate(right) if not good]
    for part in PARTS:
        if names and part in names[0]:
            for index in wrong:
                if table.probes[index].name.endswith(f"/{part}"):
                    return index
    if names and "unstable" in names[0]:
        return next((index for index in wrong if table.probes[index].name.startswith("huge")), wrong[0])
    if names and "exception" in names[0]:
        return next((index for index in wrong if answers[index].outcome == "error"), wrong[0])
    return wrong[0]


def _beyond_value(table: Table, index: int, answer: Answer) -> str:
    if any(key.startswith("changed/") for key in answer.numbers):
        return "an input was changed in place"
    if answer.outcome != "tensor":
        return f"it came as {answer.note}"
    if leaks(answer.gradient("teacher_logits")):
        size = np.linalg.norm(answer.gradient("teacher_logits"))
        return f"a gradient of norm {size:.3g} reaches teacher_logits"
    found = answer.gradient("student_logits")
    size = 0.0 if found is None else float(np.linalg.norm(found))
    expected = np.linalg.norm(table.numbers[f"expected/{index}/gradient/student_logits"])
    if f"{size:.3g}" == f"{expected:.3g}":
        return f"the student's gradient has the right norm, {size:.3g}, and another direction or a small error"
    return f"the student's gradient has norm {size:.3g} instead of {expected:.3g}"


def _ratio(answer: Answer, expected: float) -> str:
    value = total(answer)
    if close(value, expected):
        return "Values agree, so what goes back must differ: look for a detach, a no_grad, a hook, or rounded numbers."
    if np.isfinite(value) and expected and abs(value) > 1e-9:
        return f"That is {value / expected:.4g} times as much. Compare the parts at alpha = 0 and alpha = 1 by hand."
    return "Compare the parts at alpha = 0 and alpha = 1 by hand."
