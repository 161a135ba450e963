"""Right or wrong, part by part: the tolerances that every exercise, the learner's check and the grader share.

Single precision computes the contracts to about 1e-6; ``RELATIVE`` leaves two digits for other formulas and none for
other losses. Whole numbers, texts and truth values are compared exactly.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from utils.checks import forms
from utils.checks.records import Answer, Table, leaves_of

RELATIVE = 1e-4
ABSOLUTE = 2e-5
BACKWARD = "the function calls backward() itself, so that gradients are counted twice"
HALF = "computed in half precision ({}): the digits are too few"
NUMBER = "a Python number instead of a tensor"
NO_GRADIENT = ": no gradient can flow"  # said where one is owed
SHARED_CONFIGURATION = "the returned model shares the configuration of the given one"
SHARED_WEIGHTS = "the returned model shares weights with the given one"
UNUSED = "the returned model has parameters that it does not use"
BITS = {"bfloat16": 8, "float16": 11}  # of the significand; by chance one number in 2 ** 12 has no more
FEWEST = 8  # values that must all have few digits before half precision is named
ABSENT = {"error", "timeout", "signature", "unwritten"}


def agrees(found: np.ndarray | None, expected: np.ndarray) -> bool:
    """Same shape, finite, and near: relative to the array's largest number, so that a small entry is not asked more."""
    if found is None or found.shape != expected.shape or not np.isfinite(found).all():
        return False
    size = float(np.max(np.abs(expected), initial=0.0))
    return bool(np.all(np.abs(found - expected) <= RELATIVE * size + ABSOLUTE * min(size, 1.0) + 2e-6))


def expected_gradients(table: Table, index: int) -> dict[str, np.ndarray]:
    return table.below(f"expected/{index}/gradient/")


def expected_value(table: Table, index: int) -> np.ndarray:
    """What the probe's value must be: one number, or an array where the exercise returns one."""
    stored = table.numbers.get(f"expected/{index}/value")
    return np.asarray(table.numbers["expected/value"][index]) if stored is None else stored


def expected_leaves(table: Table, index: int) -> list[np.ndarray]:
    """The arrays of the right answer, in order."""
    return list(leaves_of(table.numbers, f"expected/{index}/")) or [expected_value(table, index)]


def expected_form(table: Table, index: int) -> forms.Form:
    """Of which kind the right answer is; a tensor where the table says nothing."""
    known = table.texts.get("forms")
    return known[index] if known else "tensor"


def wrong_kind(table: Table, index: int, answer: Answer) -> str:
    """Why the answer is of the wrong kind, in words; empty where it is not."""
    return forms.complaint(forms.read(answer.form), expected_form(table, index))


def left_torch(answer: Answer, gradient: bool) -> str:
    """The name of a numpy array, or of a number, that came where a tensor belongs; empty for anything else.

    gradient: whether the tensor owes one.
    """
    if forms.read(answer.form) in ("array", "whole array"):
        return "a numpy array instead of a tensor"
    if answer.outcome != "float":
        return ""
    name = NUMBER if answer.note in ("float", "int") else NUMBER.replace("Python", "numpy")
    return name + NO_GRADIENT * gradient


def leaves_agree(
    found: Sequence[np.ndarray], expected: Sequence[np.ndarray], form: forms.Form, given: forms.Form = None
) -> bool:
    """Are these the same numbers, each kind compared as exactly as it can be?  given: the form of what was found."""
    _, found = forms.in_parts(given, found, form)
    form, expected = forms.in_parts(form, expected, given)
    kinds = forms.leaf_kinds(form)
    if len(found) != len(expected) or len(kinds) != len(expected):
        return False
    return all(
        kind == forms.ANY or _same_leaf(ours, theirs, kind)
        for ours, theirs, kind in zip(found, expected, kinds, strict=True)
    )


def _same_leaf(found: np.ndarray, expected: np.ndarray, kind: str) -> bool:
    if kind == forms.SPOKEN:
        return bool(forms.as_text(found).strip())
    return _identical(found, expected) if forms.exact(kind) else agrees(found, expected)


def _identical(found: np.ndarray, expected: np.ndarray) -> bool:
    return found.shape == expected.shape and bool(np.array_equal(found, expected))


def is_right(table: Table, index: int, answer: Answer) -> bool:
    """Kind, value, every expected gradient, none where none belongs, what is seen of a model, and no input changed."""
    if answer.outcome in ABSENT or wrong_kind(table, index, answer):
        return False
    form, given = expected_form(table, index), forms.read(answer.form)
    right = leaves_agree(answer.leaves, expected_leaves(table, index), form, given)
    # Other values that the task leaves open, one a row, such as another rounding.
    also = table.numbers.get(f"expected/{index}/also", ())
    if not right and not any(leaves_agree(answer.leaves, [other], form, given) for other in also):
        return False
    expected = expected_gradients(table, index)
    for name in table.probes[index].gradients:
        found = answer.gradient(name)
        if name in expected and not _gradient_agrees(found, expected[name]):
            return False
        if name not in expected and leaks(found):
            return False
    seen = table.below(f"expected/{index}/seen/")
    if not all(agrees(answer.numbers.get(f"seen/{name}"), array) for name, array in seen.items()):
        return False
    return not any(key.startswith("changed/") or key == "trace/backward" for key in answer.numbers)


def tells(table: Table, index: int) -> bool:
    """Is there anything to get right in this probe?  A gradient that is not zero, or without gradients any answer."""
    gradients = expected_gradients(table, index)
    return not gradients or any(np.any(np.abs(gradient) > 1e-6) for gradient in gradients.values())


def after_error(table: Table, answers: Sequence[Answer]) -> list[str]:
    """The mistakes that answers which raised can only come from: by what the exception says (``texts["errors"]``)."""
    notes = [answer.note for answer in answers if answer.outcome == "error"]
    known = table.texts.get("errors", ())
    return [name for said, name in known if notes and said in notes[0]][:1]


def went_backward(answers: Sequence[Answer]) -> list[str]:
    """The name of a function that leaves gradients behind, if this is one."""
    return [BACKWARD] * any("trace/backward" in answer.numbers for answer in answers)


def changed_in_place(answers: Sequence[Answer]) -> list[str]:
    """A name for each argument that a function changed."""
    keys = {key for answer in answers for key in answer.numbers if "changed/" in key}
    return [f"{key.removeprefix('changed/')} changed in place" for key in sorted(keys)]


def of_a_model(table: Table, answers: Sequence[Answer], changed: Sequence[str]) -> list[str]:
    """What a returned model has to do with the one that was given, and what it holds without a use.

    changed: the names of the arguments that were changed. Where no more than a model's configuration was, they say so,
    and where both models share it, that is said instead. Returned are all names together.
    """
    if not any("seen/given" in answer.numbers for answer in answers):
        return list(changed)
    if changed and (len(changed) > 1 or not _depth_alone(table, answers)):
        return list(changed)
    names = [SHARED_WEIGHTS] * _more(table, answers, "shared")
    if _more(table, answers, "configuration"):
        return [*names, SHARED_CONFIGURATION]
    if changed:
        return [name.replace(" changed", ".config changed") for name in changed]
    unused = _more(table, answers, "parameters") and all(_seen_right(table, i, a, "logits") for i, a in _all(answers))
    return names + [UNUSED] * unused


def _depth_alone(table: Table, answers: Sequence[Answer]) -> bool:
    """Do the models that were given say another depth, while they have the parameters that they had?"""
    pairs = [(a.numbers.get("seen/given"), table.numbers.get(f"expected/{i}/seen/given")) for i, a in _all(answers)]
    if any(found is None or before is None or found.shape != before.shape for found, before in pairs):
        return False
    return all(np.array_equal(found[:, 1], before[:, 1]) for found, before in pairs) and any(
        not np.array_equal(found[:, 0], before[:, 0]) for found, before in pairs
    )


def _more(table: Table, answers: Sequence[Answer], name: str) -> bool:
    """Is this number of every returned model larger than it should be, wherever it is known?"""
    pairs = [(a.numbers.get(f"seen/{name}"), table.numbers.get(f"expected/{i}/seen/{name}")) for i, a in _all(answers)]
    known = [(found, should) for found, should in pairs if should is not None]
    return bool(known) and all(found is not None and found > should for found, should in known)


def _seen_right(table: Table, index: int, answer: Answer, name: str) -> bool:
    should = table.numbers.get(f"expected/{index}/seen/{name}")
    return should is None or agrees(answer.numbers.get(f"seen/{name}"), should)


def _all(answers: Sequence[Answer]) -> list[tuple[int, Answer]]:
    return list(enumerate(answers))


def wrong_gradients(table: Table, answers: Sequence[Answer]) -> list[str]:
    """Gradients that arrive where none should, and that do not where one should."""
    names = []
    for index, (probe, answer) in enumerate(zip(table.probes, answers, strict=True)):
        expected = expected_gradients(table, index)
        for name in probe.gradients if answer.outcome == "tensor" or answer.leaves else ():
            found = answer.gradient(name)
            if name not in expected and leaks(found):
                names.append(f"gradient flows into {name}")
            if name in expected and np.any(expected[name]) and not leaks(found):
                names.append(f"no gradient reaches {name}")
    return list(dict.fromkeys(names))


def differs_by_chance(table: Table, answers: Sequence[Answer]) -> list[str]:
    """A name for a function that answers the same question in two ways; ``texts["again"]`` has the two probes."""
    again = table.texts.get("again")
    if not again:
        return []
    pairs = list(zip(*(answers[index].leaves for index in again), strict=False))
    known = all(np.isfinite(leaf).all() for pair in pairs for leaf in pair)
    same = all(np.array_equal(*pair) for pair in pairs)
    return ["random: the same input gives different answers"] * (known and not same)


def few_digits(arrays: Sequence[np.ndarray], fewest: int = FEWEST) -> list[str]:
    """Has every number so few binary digits that it came out of half precision?  Asked of at least ``fewest``."""
    numbers = np.concatenate([array.reshape(-1) for array in arrays] or [np.zeros(0)])
    numbers = numbers[(numbers != 0) & np.isfinite(numbers)]
    if len(np.unique(np.abs(numbers))) < fewest:
        return []
    significand, _ = np.frexp(numbers)
    kind = next((kind for kind, bits in BITS.items() if not np.any((significand * 2.0**bits) % 1)), None)
    return [HALF.format(kind)] if kind else []


def furthest(found: np.ndarray, expected: np.ndarray) -> tuple[float, float]:
    """The entry that is furthest from what it should be, and what that is."""
    apart = np.abs(found - expected).reshape(-1)
    place = int(np.argmax(np.where(np.isnan(apart), np.inf, apart)))
    return float(found.reshape(-1)[place]), float(expected.reshape(-1)[place])


def apart(found: np.ndarray | None, expected: np.ndarray) -> float:
    """How far an answer is from the right one, relative to its size; infinite for another shape."""
    if found is None or np.shape(found) != np.shape(expected):
        return np.inf
    if not np.size(found):
        return 0.0
    size = max(float(np.abs(expected).max()), 1e-6)
    with np.errstate(invalid="ignore"):
        return float(np.nan_to_num(np.abs(found - expected).max() / size, nan=np.inf))


def _gradient_agrees(found: np.ndarray | None, expected: np.ndarray) -> bool:
    if found is None:
        return not np.any(np.abs(expected) > 1e-6)
    return agrees(found, expected)


def leaks(gradient: np.ndarray | None) -> bool:
    """Does a gradient arrive where none should?"""
    return gradient is not None and bool(np.any(gradient != 0))
