"""The verdict on a function whose answer may be of any kind: a number, a text, a tuple, a set, a record, a model.

Three things are said, most certain first: what is wrong with the kind of the answer, which catalogued mistake gives
exactly these answers on every probe, and what is true of the answers whatever they are (an argument changed in place, a
gradient that is missing). Where nothing is certain, the probe that is furthest off is shown.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from utils.checks import forms, judgement
from utils.checks.hints import question
from utils.checks.judgement import is_right
from utils.checks.records import Answer, Probe, Table, leaves_of
from utils.checks.verdict import Verdict, not_yet

__all__ = ["ANOTHER_ORDER", "after_error", "is_right", "judge_answers"]
ANOTHER_ORDER = "the right lists of whole numbers, in another order than asked"


def judge_answers(table: Table, answers: Sequence[Answer]) -> Verdict:
    """passed, or at most three names, and the probe that shows it."""
    right = [is_right(table, index, answer) for index, answer in enumerate(answers)]
    if all(right):
        return Verdict(True, f"Right: all {len(right)} probes agree with the definition.")
    explained = known(table, answers)
    names = explained or _known_by_value(table, answers)
    kinds = [judgement.wrong_kind(table, i, answer) if answer.form else "" for i, answer in enumerate(answers)]
    kinds = ["" if _another_count(table, i, answers[i]) else kind for i, kind in enumerate(kinds)]
    names += [kind for kind in dict.fromkeys(kinds) if kind and not names][:1]
    names += _wrong_shape(table, answers) if not names else []
    names += _another_order(table, answers) if not names else []
    names = [table.texts.get("words", {}).get(name, name) for name in names]
    names += judgement.went_backward(answers)
    if not explained:  # a catalogued mistake is known by what it changes too: it is said once
        changed = judgement.changed_in_place(answers)
        names += judgement.of_a_model(table, answers, changed) if changed or not names else []
    names += judgement.differs_by_chance(table, answers)
    names += judgement.wrong_gradients(table, answers) if not names else []
    names += _half_precision(table, answers) if not names else []
    raised = next((answer.note.split(":")[0] for answer in answers if answer.outcome == "error"), "")
    names += [f"an exception on some inputs: {raised}"[:99]] if raised and not names else []
    names = list(dict.fromkeys(names))[:3]
    wrong = max((i for i, good in enumerate(right) if not good), key=lambda i: _distance(table, i, answers[i]))
    shown = difference(table, wrong, answers[wrong])
    bad = right.count(False)
    count = "" if names else f"{bad} of {len(right)} probes {'is' if bad == 1 else 'are'} wrong."
    return not_yet(names, count, shown, question(table, names))


def after_error(table: Table, answers: Sequence[Answer]) -> list[str]:
    """The mistake that raises just so, or the one that the exception's text tells."""
    return known(table, answers) or judgement.after_error(table, answers)


def known(table: Table, answers: Sequence[Answer]) -> list[str]:
    """The catalogued mistake that gives these answers, kind, number and gradient, on every probe."""
    for number, (name, _) in enumerate(table.texts["mistakes"]):
        if all(
            _same_values(table, number, index, answer) and _same_beside(table, number, index, answer)
            for index, answer in enumerate(answers)
        ):
            return [name]
    return []


def _known_by_value(table: Table, answers: Sequence[Answer]) -> list[str]:
    """The catalogued mistake that gives these values, where the gradients have another one of their own."""
    gradients = judgement.wrong_gradients(table, answers)
    for number, (name, _) in enumerate(table.texts["mistakes"] if gradients else ()):
        if all(_same_values(table, number, index, answer) for index, answer in enumerate(answers)):
            return [*([] if _values_right(table, answers) else [name]), *gradients]
    return []


def _wrong_shape(table: Table, answers: Sequence[Answer]) -> list[str]:
    """The first part of several whose tensor has a wrong shape in every answer."""
    expected = [judgement.expected_leaves(table, index) for index in range(len(answers))]
    found = [answer.leaves for answer in answers]
    if any(len(ours) != len(theirs) or len(ours) < 2 for ours, theirs in zip(found, expected, strict=True)):
        return []
    for place, kind in enumerate(forms.leaf_kinds(judgement.expected_form(table, 0))):
        shapes = [(ours[place].shape, theirs[place].shape) for ours, theirs in zip(found, expected, strict=True)]
        if "tensor" in kind and all(ours != theirs for ours, theirs in shapes):
            return [f"part {place + 1} has shape {shapes[0][0]} instead of {shapes[0][1]}"]
    return []


def _lists_of_numbers(form: forms.Form) -> bool:
    """Is this a list of lists of whole numbers, as many as there happen to be?"""
    if not isinstance(form, list) or form[0] not in ("list", "tuple"):
        return False
    parts = form[-1] or []
    return isinstance(parts, list) and all(
        isinstance(part, list) and part[0] in ("list", "tuple") and part[-1] == "int" for part in parts
    )


def _another_count(table: Table, index: int, answer: Answer) -> bool:
    """Are there more or fewer lists of whole numbers than there should be?  That is a wrong value, not a wrong kind."""
    found, owed = forms.read(answer.form), judgement.expected_form(table, index)
    return _lists_of_numbers(found) and _lists_of_numbers(owed) and len(found[-1] or ()) != len(owed[-1] or ())


def _another_order(table: Table, answers: Sequence[Answer]) -> list[str]:
    """Lists of whole numbers that are right in every answer but for their order, or for that of their numbers."""

    def sorted_lists(form: forms.Form, leaves: Sequence[np.ndarray]) -> list | None:
        known = _lists_of_numbers(form)
        return sorted(sorted(leaf.reshape(-1).tolist()) for leaf in leaves) if known else None

    wrong = [i for i, answer in enumerate(answers) if not is_right(table, i, answer)]
    found = [sorted_lists(forms.read(answers[i].form), answers[i].leaves) for i in wrong]
    owed = [sorted_lists(judgement.expected_form(table, i), judgement.expected_leaves(table, i)) for i in wrong]
    return [ANOTHER_ORDER] if found == owed and None not in owed else []


def _half_precision(table: Table, answers: Sequence[Answer]) -> list[str]:
    """Few digits in every number of answers that are tensors, and not because they are counts."""
    tensors = [i for i in range(len(answers)) if judgement.expected_form(table, i) == "tensor"]
    leaves = [leaf for index in tensors for leaf in answers[index].leaves]
    counts = all(np.array_equal(leaf, np.round(leaf)) for leaf in leaves)
    return [] if counts else judgement.few_digits(leaves)


def _values_right(table: Table, answers: Sequence[Answer]) -> bool:
    return all(
        judgement.leaves_agree(
            answer.leaves, judgement.expected_leaves(table, index), judgement.expected_form(table, index)
        )
        for index, answer in enumerate(answers)
    )


def _same_values(table: Table, number: int, index: int, answer: Answer) -> bool:
    """Is this what the mistake ``number`` answers to the probe ``index``?"""
    form = table.texts["mistakes"][number][1][index]
    if isinstance(form, list) and form[0] == "error":
        return answer.outcome == "error" and answer.note.split(":")[0] == form[1]
    if answer.outcome in judgement.ABSENT or forms.complaint(forms.read(answer.form), form):
        return False
    found, recorded = answer.leaves, list(leaves_of(table.below(f"mistake/{number}/{index}/")))
    if len(found) == len(recorded):
        pairs = [_finite(*pair) for pair in zip(found, recorded, strict=True)]
        found, recorded = [ours for ours, _ in pairs], [theirs for _, theirs in pairs]
    return judgement.leaves_agree(found, recorded, form, forms.read(answer.form))


def _finite(found: np.ndarray, recorded: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Both with 0 where both are NaN or infinite: a mistake that overflows is known by that too."""
    if found.shape != recorded.shape:
        return found, recorded
    strange = ~np.isfinite(found) & ~np.isfinite(recorded)
    return np.where(strange, 0.0, found), np.where(strange, 0.0, recorded)


def _same_beside(table: Table, number: int, index: int, answer: Answer) -> bool:
    """The same gradients, models and inputs changed in place?"""
    recorded = table.below(f"mistake/{number}/{index}/")
    arrays = recorded | answer.numbers
    for key in (key for key in arrays if key.startswith(("gradient/", "seen/"))):
        found, should = (numbers.get(key, np.zeros(arrays[key].shape)) for numbers in (answer.numbers, recorded))
        if not judgement.agrees(*_finite(found, should)):
            return False
    return _changed(answer.numbers) == _changed(recorded)


def _changed(numbers: dict[str, np.ndarray]) -> set[str]:
    return {key for key in numbers if key.startswith("changed/")}


def _distance(table: Table, index: int, answer: Answer) -> float:
    expected, found = judgement.expected_leaves(table, index), answer.leaves
    if len(expected) != len(found):
        return np.inf
    return max((judgement.apart(ours, theirs) for ours, theirs in zip(found, expected, strict=True)), default=0.0)


def difference(table: Table, index: int, answer: Answer) -> str:
    """What was asked, what came, and what it should be, as far as it can be shown in a line."""
    probe, form = table.probes[index], judgement.expected_form(table, index)
    where = f"On {asked(probe)}"
    if answer.outcome == "error":
        return f"{where} it stops with {answer.note[:150]}{f' in your {answer.line}' if answer.line else ''}."
    if _another_count(table, index, answer):
        owed = said(form, judgement.expected_leaves(table, index))
        return f"{where} your answer is {said(forms.read(answer.form), answer.leaves)}; it should be {owed}."
    kind = judgement.wrong_kind(table, index, answer)
    if kind:
        return f"{where} your answer is {said(forms.read(answer.form), answer.leaves)}; {forms.said(form)} is asked."
    expected = judgement.expected_leaves(table, index)
    given = forms.read(answer.form)  # a named tuple of two numbers has two arrays, a plain one has one
    _, found = forms.in_parts(given, answer.leaves, form)
    form, expected = forms.in_parts(form, expected, given)
    for place, (ours, theirs) in enumerate(zip(found, expected, strict=True)):
        if ours.shape != theirs.shape and "str" not in forms.leaf_kinds(form):
            return f"{where} your answer has shape {ours.shape}; it should be {theirs.shape}."
        if not judgement.leaves_agree([ours], [theirs], forms.leaf_kinds(form)[place]):
            break
    else:
        return f"{where} {_beside(table, index, answer)}."
    if forms.leaf_kinds(form)[place] == forms.SPOKEN:
        return f"{where} part {place + 1} of your answer is an empty text."
    if said(form, found) == said(form, expected):  # it names their kind alone, such as a large tensor's
        one, owed = judgement.furthest(ours, theirs)
        part = f"part {place + 1} of your answer" if len(expected) > 1 else "your answer"
        return f"{where} one entry of {part} is {one:.5g}; it should be {owed:.5g}."
    return f"{where} your answer is {said(form, found)}; it should be {said(form, expected)}."


_OF_A_MODEL = {
    "shared": "the model that you return has weights of the one that was given, so training one changes the other",
    "configuration": "the model that you return has the configuration object of the one that was given",
    "logits": "the model that you return predicts something else",
    "given": "the model that was given has other layers now, or its configuration says so",
    "layers": "the configuration of the model that you return says another depth",
    "parameters": "the model that you return has another number of parameters",
    "places": "the blocks of the model that you return have other places in the cache",
    "logits with a cache": "the model that you return predicts something else when it uses a cache",
    "trainable": "another number of parameters can be trained in the model that you return",
}


def _beside(table: Table, index: int, answer: Answer) -> str:
    """What is wrong where the value is right: the first thing that is seen of a returned model, if it is that."""
    seen = table.below(f"expected/{index}/seen/")
    for name, said_of_it in _OF_A_MODEL.items():
        if name in seen and not judgement.agrees(answer.numbers.get(f"seen/{name}"), seen[name]):
            return said_of_it
    return "the value is right, but not everything else is"


def asked(probe: Probe) -> str:
    """A probe by its arguments where they are short, else by its name."""
    plain = {name: value for name, value in probe.inputs.items() if isinstance(value, (str, int, float, bool))}
    listed = ", ".join(f"{name}={value!r}" for name, value in plain.items())
    return listed if plain and len(plain) == len(probe.inputs) and len(listed) <= 160 else f"the probe {probe.name!r}"


_OWN_WORDS = (forms.ANY, forms.SPOKEN)


def said(form: forms.Form, leaves: Sequence[np.ndarray]) -> str:
    """An answer in a few words: its number, its text, its list, or what kind it is of."""
    if not leaves or not isinstance(form, (str, list)):
        return forms.said(form, forms.FOUND)
    kind, leaf = form, leaves[0]
    if kind == "str":
        return repr(forms.as_text(leaf))
    if kind == "bool":
        return str(bool(leaf))
    if kind == "None":
        return "None"
    if isinstance(form, str) and leaf.size == 1:
        shown = f"{leaf.item():.5g}"
        return f"{shown}.0" if kind == "float" and shown.lstrip("-").isdigit() else shown
    if isinstance(form, list) and form[-1] in ("int", "float", "bool") and leaf.size <= 12:
        return f"[{', '.join(f'{number:.4g}' for number in leaf)}]"
    if isinstance(form, list) and form[-1] == "str":
        return str("".join(chr(int(p)) if p >= 0 else "\n" for p in leaf[:160]).splitlines())
    if isinstance(form, list) and isinstance(form[-1], list) and len(leaves) <= 4:
        if len(form[-1]) != len(leaves):
            return forms.said(form)
        if form[0] in forms.FIELDS:  # a field in the learner's own words is not told
            fields = zip(*form[1:], leaves, strict=True)
            told = [f"{name}={said(part, [leaf])}" for name, part, leaf in fields if part not in _OWN_WORDS]
            return ", ".join(told)
        parts = ", ".join(said(part, [leaf]) for part, leaf in zip(form[-1], leaves, strict=True))
        return f"[{parts}]" if form[0] == "list" and _lists_of_numbers(form) else f"({parts})"
    if leaf.size <= 6 and leaf.ndim == 1:
        return f"[{', '.join(f'{number:.4g}' for number in leaf)}]"
    return forms.said(form, forms.FOUND)
