"""An exercise in one file: a reference, probes, and functions that are wrong or right in the ways people write them.

::

    catalogue = Catalogue()

    @catalogue.wrong("TV without the half", "Sums |p - q| whole.", "What is the TV of two that share nothing?")
    def no_half(p, q): ...

    @catalogue.right
    def clamped(p, q): ...

    EXERCISE = exercise("total_variation", "04", reference, probes, parts, catalogue)

The reference and the wrong functions are asked like a learner's, in double precision; their answers become the table.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial

import numpy as np

from grader.exercise import Exercise, Misconception, Part, judged_by_probes
from utils.checks import forms, judgement, kinds
from utils.checks.ask import ask
from utils.checks.records import Answer, Probe, Table
from utils.errors import CourseError

Draw = Callable[[np.random.Generator], Iterable[Probe]]
AGAIN = "the first one again"
COMPARED = {"value", "gradient", "seen", "changed"}


@dataclass
class Catalogue:
    """The wrong and right functions of one exercise, in the order in which they are written."""

    wrong_ones: list[Misconception] = field(default_factory=list)
    right_ones: dict[str, Callable] = field(default_factory=dict)

    def wrong(self, name: str, sentence: str, hint: str, *also: str) -> Callable[[Callable], Callable]:
        """Enter a mistake: what a verdict calls it, what it does, and a question that leads to it."""

        def enter(function: Callable) -> Callable:
            self.wrong_ones.append(Misconception(name, sentence, function, also, hint))
            return function

        return enter

    def right(self, function: Callable) -> Callable:
        """Enter a right way to write it."""
        self.right_ones[function.__name__] = function
        return function


def exercise(
    name: str,
    lab: str,
    reference: Callable,
    draw: Draw,
    parts: Sequence[tuple],
    catalogue: Catalogue,
    free: Sequence[str] = (),
    errors: Mapping[str, str] | None = None,
    words: Mapping[str, str] | None = None,
    spoken: Sequence[str] = (),
    floating: bool = False,
) -> Exercise:
    """The specification of one function.

    draw: a generator of random numbers -> the probes of one call each; the fixed probes come from a fixed seed.
    parts: (name, points, names of the probes that must all be right), and how the names of the mistakes begin that cost
    this part alone, see ``carried_forward``. free: fields of a record that may hold anything. spoken: fields that hold
    a text in the learner's own words; such a record is an object with these fields, and its texts are not empty.
    floating: tensors of whole numbers will not do where the reference's are floating.
    errors: what an exception says -> the mistake that it can only come from. words: what the check calls a wrong kind
    or shape in any exercise -> the mistake that it is in this one.
    """
    every = {"reference": reference, **catalogue.right_ones}
    owned = {name: forms.ANY for name in free} | {name: forms.SPOKEN for name in spoken}
    owned |= {"": forms.OBJECT} if spoken else {}
    table = partial(_table, name, reference, draw, catalogue, owned, dict(errors or {}), dict(words or {}), floating)
    worth = tuple(Part(part, points, *map(tuple, more)) for part, points, *more in parts)
    parameters = tuple(next(iter(draw(_stream(name, None)))).inputs)
    checked, scores = partial(_checked, table, worth), partial(carried_forward, worth)
    return Exercise(name, lab, parameters, worth, checked, tuple(catalogue.wrong_ones), every, scores)


def carried_forward(parts: Sequence[Part], table: Table, answers: Sequence[Answer]) -> dict[str, float]:
    """Points by part; a mistake that has a part of its own costs that part alone.

    It counts as made where the answers are exactly the mistake's on every probe: then all else was computed as asked.
    A mistake that leaves nothing to compute belongs to no part, so it costs every part that it spoils.
    """
    earned = judged_by_probes(parts, table, answers)
    names = kinds.known(table, answers)
    own = next((part for part in parts for name in names if name.startswith(part.mistakes)), None)
    carried = {part.name: part.points * (part is not own) for part in parts} if own else earned
    return max(earned, carried, key=lambda points: sum(points.values()))


def _stream(name: str, seed: int | None) -> np.random.Generator:
    fixed = [ord(sign) for sign in name]
    return np.random.Generator(np.random.PCG64(fixed if seed is None else seed))


def _checked(table: Callable[[int | None], Table], parts: Sequence[Part], seed: int | None = None) -> Table:
    """The table; of the fixed probes it is also tried whether they tell anything."""
    made = table(seed)
    if seed is None:
        require_telling(made, parts)
        _require_known(made, parts)
    return made


def _table(
    name: str,
    reference: Callable,
    draw: Draw,
    catalogue: Catalogue,
    owned: Mapping[str, str],
    errors: dict[str, str],
    words: dict[str, str],
    floating: bool,
    seed: int | None = None,
) -> Table:
    drawn = list(draw(_stream(name, seed)))
    first = drawn[0]
    probes = (*drawn, Probe(AGAIN, first.inputs, first.gradients, first.toys, first.slope, first.play))
    right = ask(probes, reference, seconds=60.0, double=True)
    numbers = {f"expected/{index}/{key}": array for index, a in enumerate(right) for key, array in _kept(a).items()}
    expected = [_freed(forms.read(answer.form), owned) for answer in right]
    expected = list(map(_floating, expected)) if floating else expected
    anyhow = dict.fromkeys(owned, forms.ANY)  # a mistake is known by what it answers, however it is worded
    bad = next((answer for answer in right if answer.outcome in judgement.ABSENT), None)
    if bad is not None:
        raise CourseError(f"The reference of {name} does not answer a probe: {bad.outcome}, {bad.note}. Mend it.")
    texts: dict[str, object] = {
        "judge": "kinds",
        "forms": expected,
        "again": [0, len(drawn)],
        "hints": {wrong.name: wrong.hint for wrong in catalogue.wrong_ones},
        "errors": list(errors.items()),
        **({"words": words} if words else {}),
        "mistakes": [],
    }
    for number, wrong in enumerate(catalogue.wrong_ones):
        answers = ask(probes, wrong.implementation, seconds=60.0, double=True)
        texts["mistakes"].append([wrong.name, [_freed(_form_of(answer), anyhow) for answer in answers]])
        numbers |= {
            f"mistake/{number}/{index}/{key}": array
            for index, a in enumerate(answers)
            for key, array in _kept(a).items()
        }
    return Table(name, probes, numbers, texts)


def _kept(answer: Answer) -> dict[str, np.ndarray]:
    """What of an answer is compared."""
    return {key: array for key, array in answer.numbers.items() if key.split("/")[0] in COMPARED}


def _form_of(answer: Answer) -> forms.Form:
    if answer.outcome in judgement.ABSENT:
        return ["error", answer.note.split(":")[0]]
    return forms.read(answer.form)


def _freed(form: forms.Form, owned: Mapping[str, str]) -> forms.Form:
    """The form in which the fields that the learner words are marked so.  owned: has "" where the dot must do."""
    if not isinstance(form, list) or form[0] not in (*forms.FIELDS, "dict"):
        return form
    kind = forms.OBJECT if owned.get("") and form[0] in forms.FIELDS else form[0]
    return [kind, form[1], [owned.get(name, part) for name, part in zip(form[1], form[2], strict=True)]]


def _floating(form: forms.Form) -> forms.Form:
    """The form in which each tensor must be one of floating-point numbers."""
    if isinstance(form, list):
        return [*form[:-1], list(map(_floating, form[-1])) if isinstance(form[-1], list) else form[-1]]
    return forms.FLOATING if form == "tensor" else form


def require_telling(table: Table, parts: Sequence[Part]) -> None:
    """Raise CourseError where a part is earned by a constant, or a mistake gives the right answers on every probe."""
    places = {probe.name: index for index, probe in enumerate(table.probes)}
    for part in parts:
        missing = [probe for probe in part.probes if probe not in places]
        if missing:
            raise CourseError(f"{table.name}: the part {part.name!r} names a probe that is not drawn: {missing[0]!r}.")
        chosen = [places[probe] for probe in part.probes]
        if not any(judgement.expected_gradients(table, index) for index in chosen) and _all_alike(table, chosen):
            raise CourseError(
                f"{table.name}: a constant earns the part {part.name!r}, for its right answers are all the same. "
                "Give it probes whose answers differ."
            )
    _require_told_apart(table)


def _require_known(table: Table, parts: Sequence[Part]) -> None:
    """Raise CourseError where a part names a mistake as its own that the catalogue does not have."""
    known = [name for name, _ in table.texts["mistakes"]]
    for part in parts:
        for start in part.mistakes:
            if not any(name.startswith(start) for name in known):
                raise CourseError(f"{table.name}: no mistake begins with {start!r}, which {part.name!r} lists.")


def _all_alike(table: Table, chosen: Sequence[int]) -> bool:
    first, form = judgement.expected_leaves(table, chosen[0]), judgement.expected_form(table, chosen[0])
    return all(
        judgement.expected_form(table, index) == form
        and judgement.leaves_agree(judgement.expected_leaves(table, index), first, form)
        and not _seen_differs(table, chosen[0], index)
        for index in chosen
    )


def _seen_differs(table: Table, first: int, other: int) -> bool:
    pairs = [(key, key.replace(f"expected/{first}/", f"expected/{other}/")) for key in table.numbers]
    seen = [(a, b) for a, b in pairs if a.startswith(f"expected/{first}/seen/") and b in table.numbers]
    return any(not judgement.agrees(table.numbers[a], table.numbers[b]) for a, b in seen)


def _require_told_apart(table: Table) -> None:
    given = [_answers_of(table, number) for number in range(len(table.texts["mistakes"]))]
    for number, (name, _) in enumerate(table.texts["mistakes"]):
        if all(judgement.is_right(table, index, answer) for index, answer in enumerate(given[number])):
            raise CourseError(
                f"{table.name}: the mistake {name!r} gives the right answer on every probe, so nobody can be told. "
                "Add a probe on which it shows, or take it out."
            )
        twin = kinds.known(table, given[number])
        if twin != [name]:
            raise CourseError(
                f"{table.name}: {name!r} gives the same answers as {twin[0]!r} on every probe. Add a probe that tells "
                "them apart, or give both one name."
            )


def _answers_of(table: Table, number: int) -> list[Answer]:
    """The answers of a mistake, as they were recorded."""
    found = []
    for index, form in enumerate(table.texts["mistakes"][number][1]):
        numbers = table.below(f"mistake/{number}/{index}/")
        error = isinstance(form, list) and form[0] == "error"
        text = "" if error else json.dumps(form)
        outcome = "error" if error else "tensor" if form == "tensor" else "other"
        found.append(Answer(outcome, form[1] if error else "", "", numbers, text))
    return found
