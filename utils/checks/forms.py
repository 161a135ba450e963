"""Which kind of thing is an answer?  The kind of each part, how exactly it is compared, and the words for a wrong one.

A form is JSON: the name of a leaf ("int", "tensor", ...), or a list: ["list", "int"] for numbers or texts of one kind,
["tuple", [form, form]], ["set", "str"], ["record", [names], [forms]]. A record is a dataclass; a "named tuple" and a
"dict" have the same form. Each leaf has one float64 array (a text has its code points, None an empty one).
"""

from __future__ import annotations

import json
from collections.abc import Sequence

import numpy as np

Form = str | list | None  # None: the items of an empty list, which are of any kind
ANY = "any"  # in an expected form: whatever is returned there is right
SPOKEN = "spoken"  # in an expected form: any text that is not empty
OBJECT = (
    "object"  # in an expected form: a record whose fields are read by a dot, so that neither dict nor tuple will do
)
FIELDS = ("record", "named tuple", OBJECT)
FLOATING = "floating tensor"  # in an expected form: a tensor that can have a gradient; whole numbers will not do
NOTHING = "nothing"  # the items of an empty list
EXACT = {NOTHING, "bool", "int", "str", "None", "whole tensor", "boolean tensor", "whole array", "model"}
WORDS = {
    "None": "None",
    "bool": "True or False",
    "int": "a whole number",
    "float": "a number",
    "str": "a text",
    "tensor": "a tensor",
    FLOATING: "a tensor of floating-point numbers",
    "whole tensor": "a tensor of whole numbers",
    "boolean tensor": "a boolean tensor",
    "array": "a numpy array",
    "whole array": "a numpy array of whole numbers",
    "model": "a model",
    ANY: "anything",
    SPOKEN: "a text that is not empty",
}
FOUND = WORDS | {"bool": "a bool", "int": "an int", "float": "a float", "str": "a str"}
PLURAL = {"int": "whole numbers", "float": "numbers", "str": "texts", "bool": "booleans"}
# What is as good as another kind: a list for a tuple, a whole number where any number will do.
AS_GOOD = {("int", "float"), ("tuple", "list"), ("list", "tuple"), ("whole tensor", "tensor")}
AS_GOOD |= {("named tuple", "tuple"), ("named tuple", "list"), ("str", SPOKEN), ("tensor", FLOATING)}
MOST_FORM = 4000
SHOWN, LONGEST = 3, 16  # of a record's names so many are said, and of each so many letters


def read(text: str) -> Form:
    """The form that an answer's text tells; "something else" where the text is none."""
    try:
        return json.loads(text[:MOST_FORM]) if text else "something else"
    except (ValueError, RecursionError):
        return "something else"


def leaf_kinds(form: Form) -> list[str]:
    """The kind of each leaf, in the order of the arrays."""
    if not isinstance(form, list):
        return [form or NOTHING]
    inner = form[-1]
    if isinstance(inner, list):
        return [kind for part in inner for kind in leaf_kinds(part)]
    return [inner or NOTHING]


def complaint(found: Form, expected: Form) -> str:
    """Why the found form will not do, such as "a list instead of a set"; empty where it will."""
    if ANY in (found, expected) or found == expected:
        return ""
    if not isinstance(expected, list) or not isinstance(found, list):
        good = isinstance(found, str) and isinstance(expected, str) and (found, expected) in AS_GOOD
        return "" if good else f"{said(found, FOUND)} instead of {said(expected)}"
    fields = {"dict": ("dict",), OBJECT: FIELDS}.get(expected[0], (*FIELDS, "dict"))
    if expected[0] in (*FIELDS, "dict") and found[0] in fields:
        if set(found[1]) != set(expected[1]):
            return f"{named('field', found[1])} instead of {named('field', expected[1])}"
    elif expected[0] == OBJECT:
        return f"a {found[0]} instead of {said(expected)}"
    elif (
        found[0] != expected[0]
        and (found[0], expected[0]) not in AS_GOOD
        and (expected[0] not in FIELDS or found[0] not in ("tuple", "list"))
    ):
        return f"a {found[0]} instead of a {expected[0]}"
    return _inside(found[-1], expected[-1])


def _inside(found: Form, expected: Form) -> str:
    """The same for the items of two containers."""
    if found == expected:
        return ""
    if (isinstance(found, list) and expected is None) or (isinstance(expected, list) and found is None):
        return f"{len(found or ())} parts instead of {len(expected or ())}"
    if found is None or expected is None:
        return ""
    if isinstance(found, str) and isinstance(expected, str):
        wrong = complaint(found, expected)
        return f"{PLURAL.get(found, found)} instead of {PLURAL.get(expected, expected)}" if wrong else ""
    many = [len(side) if isinstance(side, list) else None for side in (found, expected)]
    parts = [side if isinstance(side, list) else [side] * (many[0] or many[1] or 0) for side in (found, expected)]
    if None not in many and many[0] != many[1]:
        return f"{many[0]} parts instead of {many[1]}"
    for place, (ours, theirs) in enumerate(zip(*parts, strict=True), start=1):
        wrong = complaint(ours, theirs)
        if wrong:
            return f"part {place} is {wrong}"
    return ""


def said(form: Form, words: dict[str, str] = WORDS) -> str:
    """A form in words: "a list of whole numbers", "a tuple of a whole number and a tensor"."""
    if not isinstance(form, list):
        kind = str(form)
        return words.get(kind) or f"{'an' if kind[:1].lower() in 'aeiou' else 'a'} {kind}"
    kind, inner = form[0], form[-1]
    if kind == OBJECT:
        return f"an object with {' and '.join(f'.{name}' for name in form[1])}"
    if inner and (kind in FIELDS or kind == "dict"):
        return f"a {kind} with the {named('key' if kind == 'dict' else 'field', form[1])}"
    if not inner:
        return f"an empty {kind}"
    if isinstance(inner, str):
        return f"a {kind} of {PLURAL.get(inner, inner)}"
    if kind == "list" or len(inner) > 4:
        return f"a {kind} of {len(inner)} parts"
    return f"a {kind} of {' and '.join(said(part, words) for part in inner)}"


def named(noun: str, names: Sequence[str]) -> str:
    """Fields or keys by name, such as "keys a, b, c and 97 more"; of a long list or name the beginning."""
    shown = ", ".join(name if len(name) <= LONGEST else f"{name[: LONGEST - 3]}..." for name in names[:SHOWN])
    rest = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return f"{noun}{'s' * (len(names) > 1)} {shown}{rest}"


def in_parts(form: Form, leaves: Sequence[np.ndarray], like: Form) -> tuple[Form, list[np.ndarray]]:
    """A list of numbers or texts, which is one leaf, part by part where the other form is so."""
    merged = isinstance(form, list) and isinstance(form[-1], str) and len(leaves) == 1
    if not merged or not isinstance(like, list) or not isinstance(like[-1], list):
        return form, list(leaves)
    if form[-1] == "str":
        ends = np.flatnonzero(leaves[0] == -1)
        parts = [part[: len(part) - 1] for part in np.split(leaves[0], ends + 1)[:-1]]
    else:
        parts = list(leaves[0])
    return [form[0], [form[-1]] * len(parts)], [np.asarray(part) for part in parts]


def exact(kind: str) -> bool:
    """Is this kind of leaf compared to the last digit?"""
    return kind in EXACT


def as_text(array: np.ndarray) -> str:
    """The text whose code points these are."""
    return "".join(chr(int(point)) for point in array.reshape(-1)[:200] if 0 <= point < 0x110000)
