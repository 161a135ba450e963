"""One thought for each mistake: a question that leads to it, and never the code.

An exercise's own mistakes have theirs in its table; here are those of names that any exercise can get. A name may hold
a part that varies, written {} here.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache

import numpy as np

from utils.checks.judgement import BACKWARD, HALF, NO_GRADIENT, SHARED_CONFIGURATION, SHARED_WEIGHTS, UNUSED
from utils.checks.pack import Made
from utils.checks.records import Table

READ = "Read the error's text and the line: which shapes or values does that call expect?"
COMMON = {
    "{}.config changed in place": "Which of the two configurations do you write to, and which depth does each say?",
    SHARED_CONFIGURATION: "Change the small model's depth: which depth does the large model's configuration say now?",
    SHARED_WEIGHTS: "You train the small model. What happens to the large one?",
    UNUSED: "Print the names in your model's state_dict. Which of them does a forward pass not need?",
    "{} changed in place": "The caller reuses these inputs; don't modify them in place.",
    "no gradient reaches {}": (
        "Training needs this gradient. What cuts a tensor off from the graph: detach, no_grad, numpy, .item()?"
    ),
    "gradient flows into {}": "Which of the two is to learn? Cut the other one off from the graph.",
    "random: the same input gives different {}": "The formula has nothing random in it. What draws a number in yours?",
    BACKWARD: "The training step calls backward(). The function only returns the number.",
    HALF: "How many digits does a number have in half precision, and which steps need more?",
    f"a {{}} number instead of a tensor{NO_GRADIENT}": "What does backward() need? Stay in torch up to the return.",
    "a {} number instead of a tensor": "Stay in torch up to the return: .item(), float() and numpy leave it.",
    "an exception: ModuleNotFoundError": "Labs are graded with what the course installs: can torch or numpy do it?",
    "an exception: ImportError": "What do you take from elsewhere that belongs into your notebook?",
    "an exception: NameError": "Where is this name defined or imported, and has that cell run without an error?",
    "an exception on some inputs: {}": READ,
    "an exception: {}": READ,
    "NaN or infinite": "Which logarithm, division or exponential can run out of range?",
    "a numpy array instead of {}": "Stay in torch, or turn the array into a tensor before you return it.",
    "{} instead of {}": "Compare what your function returns with what the task says it returns.",
}
OF_MADE = {"model": "a model with one layer", "config": "the configuration of a model with one layer"}
BY_HAND = "Take {} of your own, work out the answer by hand, and compare."
# What a function is given -> the smallest case of it. The first kind that is among its arguments counts.
SMALL = (
    ((np.ndarray, Made), "one short row"),
    ((list, tuple, set, dict), "a case with two or three items"),
    (str, "one short text"),
    ((int, float), "small round numbers"),
)


@cache
def _pattern(template: str) -> re.Pattern:
    return re.compile(".+".join(map(re.escape, template.split("{}"))))


def hint(table: Table, name: str) -> str:
    """The thought for a mistake's whole name; empty where there is none."""
    for known in (table.texts.get("hints", {}), COMMON):
        if name in known:
            return known[name]
        found = next(
            (text for template, text in known.items() if "{}" in template and _pattern(template).fullmatch(name)), ""
        )
        if found:
            return found
    return ""


def question(table: Table, names: Sequence[str]) -> str:
    """The thoughts for these mistakes, each once; a general one where there is no mistake to speak of."""
    thoughts = list(dict.fromkeys(filter(None, (hint(table, name) for name in names[:2]))))
    return " ".join(thoughts) if thoughts or names else general(table)


def general(table: Table) -> str:
    """What helps with any mistake: a small case by hand, of the kind of arguments that the function is given."""
    given = [value for probe in table.probes[:1] for value in probe.inputs.values()]
    made = next((OF_MADE[value.kind] for value in given if isinstance(value, Made) and value.kind in OF_MADE), "")
    if made:
        return BY_HAND.format(made)
    small = (words for kinds, words in SMALL if any(isinstance(value, kinds) for value in given))
    return BY_HAND.format(next(small, "one short row"))
