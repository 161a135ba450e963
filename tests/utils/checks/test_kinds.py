"""An answer may be of many kinds: each is read, bounded, compared as exactly as it can be, and named where wrong."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pytest
import torch

from grader.exercises.ordinary import Catalogue, exercise
from grader.marking.diagnose import diagnose
from utils.checks import forms
from utils.checks.ask import ask
from utils.checks.pack import Made
from utils.checks.plain import MOST_NUMBERS, read
from utils.checks.records import Probe


class Decision(NamedTuple):
    answer: str
    reason: str


@dataclass
class Same:
    answer: str
    reason: str


def judged(right, fn, inputs=({"x": 1}, {"x": 2}, {"x": 3}), **options):
    """The verdict on ``fn``, where ``right`` is the reference."""

    def draw(stream):
        return [Probe(f"probe {index}", given, toys=options.get("toys", {})) for index, given in enumerate(inputs)]

    names = [f"probe {index}" for index in range(len(inputs))]
    made = exercise("made_up", "99", right, draw, [("all", 1.0, names)], Catalogue(), options.get("free", ()))
    return diagnose(made, fn)


RIGHT = {
    "whole number": lambda x: x * 3,
    "number": lambda x: x / 3,
    "text": lambda x: f"answer {x}",
    "truth value": lambda x: x > 1,
    "None or a number": lambda x: None if x == 1 else x,
    "list of numbers": lambda x: [x, x + 1],
    "list of texts": lambda x: ["a"] * x,
    "tuple": lambda x: (x, torch.tensor([1.0 * x, 2.0])),
    "set": lambda x: {x, 7},
    "set of texts": lambda x: {"a", "b" * x},
    "record": lambda x: Decision("yes" if x > 1 else "no", "because"),
    "tensor": lambda x: torch.tensor([0.0, 1.0 * x]),
    "boolean tensor": lambda x: torch.tensor([x > 1, True]),
    "tensor of whole numbers": lambda x: torch.tensor([x, 2]),
    "groups": lambda x: [[0, x], [1, 2, 3]],
}


def test_where_an_empty_list_is_owed_nothing_else_will_do():
    groups = {1: [], 2: [[0, 1]], 3: [[0, 2], [1, 3]]}
    for answer in ([0], [[0, 1]], [[0, 2], [1, 3]], [[]]):
        found = judged(groups.get, lambda x, answer=answer: answer if x == 1 else groups[x])
        assert not found.passed, answer
    none_yet = judged(groups.get, lambda x: [] if x < 3 else groups[x]).message
    assert "your answer is []; it should be [[0, 1]]" in none_yet
    assert not judged(lambda x: list(range(x - 1)), lambda x: [7] if x == 1 else list(range(x - 1))).passed


@pytest.mark.parametrize("kind", RIGHT)
def test_a_right_answer_of_each_kind_passes(kind):
    assert judged(RIGHT[kind], RIGHT[kind]).passed


@pytest.mark.parametrize(
    ("kind", "answer", "said"),
    [
        ("whole number", lambda x: x * 3.0, "a float instead of a whole number"),
        ("truth value", lambda x: int(x > 1), "an int instead of True or False"),
        ("truth value", lambda x: "yes", "a str instead of True or False"),
        ("set", lambda x: [x, 7], "a list instead of a set"),
        ("set of texts", lambda x: ("a", "b" * x), "a tuple instead of a set"),
        ("text", lambda x: x, "an int instead of a text"),
        ("tuple", lambda x: x, "an int instead of a tuple of a whole number and a tensor"),
        ("tuple", lambda x: (1.0 * x, torch.tensor([1.0 * x, 2.0])), "part 1 is a float instead of a whole number"),
        ("tuple", lambda x: (x, torch.ones(2), 1), "3 parts instead of 2"),
        ("record", lambda x: {"answer": "yes"}, "field answer instead of fields answer, reason"),
        ("record", lambda x: NamedTuple("Empty", [])(), "an empty named tuple instead of a named tuple with"),
        ("number", lambda x: {}, "an empty dict instead of a number"),
        ("number", lambda x: {"a": 1}, "a dict with the key a instead of a number"),
        ("number", lambda x: {f"key_{i}": i for i in range(40)}, "keys key_0, key_1, key_2 and 37 more instead"),
        ("number", lambda x: {"a" * 500: 1}, "the key aaaaaaaaaaaaa... instead of a number"),
        ("boolean tensor", lambda x: torch.tensor([x > 1, True]).long(), "instead of a boolean tensor"),
        ("list of numbers", lambda x: [1.0 * x, x + 1.5], "numbers instead of whole numbers"),
        ("None or a number", lambda x: x, "an int instead of None"),
        ("tensor", lambda x: [0.0, 1.0 * x], "a list of numbers instead of a tensor"),
        ("number", lambda x: (i for i in ()), "a generator instead of a number"),
    ],
)
def test_a_wrong_kind_is_said_in_words(kind, answer, said):
    found = judged(RIGHT[kind], answer)
    assert not found.passed and any(said in name for name in found.misconceptions), found


@pytest.mark.parametrize(
    ("kind", "answer", "said"),
    [
        ("whole number", lambda x: None if x == 1 else x * 3, "your answer is None; a whole number is asked"),
        ("None or a number", lambda x: x, "your answer is 1; None is asked"),
        ("whole number", lambda x: x * 3.0, "your answer is 3.0; a whole number is asked"),
        ("number", lambda x: 2.0 if x == 3 else x / 3, "your answer is 2.0; it should be 1.0"),
    ],
)
def test_none_and_a_float_without_a_fraction_are_shown_as_they_are(kind, answer, said):
    assert said in judged(RIGHT[kind], answer).message


def test_one_argument_and_one_probe_are_spoken_of_in_the_singular():
    assert "it cannot be called with 1 argument (x)" in judged(RIGHT["number"], lambda: 1).message
    assert "1 of 4 probes is wrong" in judged(lambda x: 3 * x, lambda x: 3 * x + (x == 3)).message


@pytest.mark.parametrize(
    ("kind", "answer"),
    [
        ("whole number", lambda x: x * 3 + 1),
        ("text", lambda x: f"Answer {x}"),
        ("truth value", lambda x: x > 2),
        ("list of numbers", lambda x: [x + 1, x]),
        ("list of texts", lambda x: ["a"] * (x + 1)),
        ("list of texts", lambda x: ["aa"] * (x // 2) + ["a"] * (x % 2)),
        ("set", lambda x: {x, 8}),
        ("tuple", lambda x: (x, torch.tensor([1.0 * x, 2.1]))),
        ("tensor of whole numbers", lambda x: torch.tensor([x, 3])),
        ("groups", lambda x: [[0, x, 1], [2, 3]]),
        ("record", lambda x: Decision("no", "because")),
    ],
)
def test_a_wrong_value_of_the_right_kind_fails_and_is_shown(kind, answer):
    found = judged(RIGHT[kind], answer)
    assert not found.passed and "should be" in found.message, found


@pytest.mark.parametrize(
    "as_good", [lambda x: ["yes" if x > 1 else "no", "because"], lambda x: Same(*RIGHT["record"](x))]
)
def test_a_record_may_be_any_record_of_these_fields(as_good):
    assert judged(RIGHT["record"], as_good).passed


def test_a_free_field_may_hold_anything():
    other = lambda x: Decision("yes" if x > 1 else "no", "another reason")  # noqa: E731
    assert judged(RIGHT["record"], other, free=("reason",)).passed
    assert not judged(RIGHT["record"], other).passed


def test_zeros_and_false_are_answers_like_others():
    assert judged(lambda x: 0.0 if x == 1 else 1.0, lambda x: float(x != 1)).passed
    assert judged(lambda x: x != 1, lambda x: bool(x - 1)).passed


def test_a_function_with_a_generator_is_asked_with_the_same_chance():
    def draw(generator):
        return torch.rand(3, generator=generator)

    inputs = [{"generator": Made("generator", {"seed": seed})} for seed in (1, 2)]
    assert judged(draw, draw, inputs).passed
    found = judged(draw, lambda generator: torch.rand(3), inputs)
    assert "random: the same input gives different answers" in found.misconceptions


MODEL = {"model": Made("model", {"seed": 3, "layers": 3, "family": "llama"})}
LOOK = {"look": np.array([[1, 2, 3, 4]])}


def without_last(model):
    import copy

    cut = copy.deepcopy(model)
    cut.model.layers = cut.model.layers[:2]
    cut.config.num_hidden_layers = 2
    return cut


def test_a_returned_model_is_judged_by_what_it_predicts_and_how_large_it_is():
    inputs = [MODEL, {"model": Made("model", {"seed": 4, "layers": 3, "family": "llama"})}]
    assert judged(without_last, without_last, inputs, toys=LOOK).passed
    assert not judged(without_last, lambda model: model, inputs, toys=LOOK).passed


def test_a_model_changed_in_place_is_said():
    def in_place(model):
        model.model.layers = model.model.layers[:2]
        model.config.num_hidden_layers = 2
        return model

    inputs = [MODEL, {"model": Made("model", {"seed": 4, "layers": 3, "family": "llama"})}]
    assert "model changed in place" in judged(without_last, in_place, inputs, toys=LOOK).misconceptions


def test_a_tokenizer_a_config_and_a_function_can_be_arguments():
    words = {"tokenizer": Made("tokenizer", {"words": ["two", "words"]}), "text": "two words two"}
    config = {"config": Made("config", {"model_type": "llama", "hidden_size": 64, "num_hidden_layers": 2})}
    function = {"sample": Made("answers in turn", {"values": [np.array([1.0, 2.0]), np.array([3.0])]})}
    one_more = {"tokenizer": words["tokenizer"], "text": "words"}
    count = lambda tokenizer, text: len(tokenizer(text)["input_ids"])  # noqa: E731
    assert judged(count, count, [words, one_more]).passed
    (answer,) = ask([Probe("config", config)], lambda config: config.hidden_size * config.num_hidden_layers)
    assert answer.value == 128
    (answer,) = ask([Probe("function", function)], lambda sample: sample(1).sum() + sample(2).sum())
    assert answer.value == 6


class Endless(list):
    def __iter__(self):
        while True:
            yield 1

    def __len__(self):
        return 1


class Liar(int):
    def __float__(self):
        return 3.0

    __eq__ = __lt__ = lambda self, other: True
    __hash__ = int.__hash__


def deep(levels: int) -> list:
    found: list = []
    for _ in range(levels):
        found = [found, "x"]
    return found


@pytest.mark.parametrize(
    "hostile",
    [
        [0.5] * (MOST_NUMBERS + 1), "x" * (MOST_NUMBERS + 1), deep(10), deep(5000), [["x", 1]] * 100, [("a", 1)] * 65,
        {str(n): n for n in range(100)}, set(range(MOST_NUMBERS + 1)), torch.zeros(MOST_NUMBERS + 1),
        np.zeros(MOST_NUMBERS + 1), {"k" * 5000: 1}, ["x" * 40000] * 2,
    ],
)  # fmt: skip
def test_too_large_an_answer_is_refused_and_said(hostile):
    found = read(hostile)
    assert found.form == "answer that is too large" and not found.leaves
    verdict = judged(lambda x: x * 3, lambda x: hostile)
    assert not verdict.passed and "too large" in verdict.message


@pytest.mark.parametrize("hostile", [10**400, -(10**400), float("nan"), Liar(2), "\ud800", b"bytes", {1: 2}, object()])
def test_an_odd_answer_is_wrong_and_breaks_nothing(hostile):
    assert not judged(lambda x: x * 3, lambda x: hostile).passed


class EndlessText(str):
    __iter__ = Endless.__iter__

    def __len__(self):
        return 3


def test_a_container_that_lies_about_what_it_holds_is_read_by_what_it_holds():
    assert [leaf.tolist() for leaf in read([Endless([1, 2]), "x"]).leaves[:1]] == [[1, 2]]
    assert read(EndlessText("ab")).leaves[0].tolist() == [97, 98]
    assert read((Endless([1]), {"a": Endless([2])})).form == [
        "tuple",
        [["list", "int"], ["dict", ["a"], [["list", "int"]]]],
    ]


def test_a_form_that_is_no_json_is_a_kind_of_its_own():
    for text in ("[" * 3000, "{", "", "nul"):
        assert forms.complaint(forms.read(text), "int")


@pytest.mark.parametrize(
    ("whole", "words"),
    [
        (lambda x, off: x + torch.arange(8.0) * off, "one entry of your answer is 7; it should be 8"),
        (lambda x, off: (torch.zeros(2), x + torch.arange(8.0) * off), "one entry of part 2 of your answer is 7"),
    ],
)
def test_of_a_long_tensor_the_entry_that_is_furthest_off_is_shown(whole, words):
    assert words in judged(lambda x: whole(x, 1.0), lambda x: whole(x, 6 / 7)).message


@pytest.mark.parametrize(
    ("given", "small"),
    [
        ({"x": np.ones((2, 3), dtype=np.float32)}, "one short row"),
        ({"x": ["a", "b"]}, "a case with two or three items"),
        ({"x": "a text"}, "one short text"),
        ({"x": 2.5}, "small round numbers"),
    ],
    ids=["array", "list", "text", "number"],
)
def test_without_a_name_the_thought_fits_what_the_function_is_given(given: dict, small: str) -> None:
    def right(x):
        return len(x) if isinstance(x, (str, list)) else float(np.sum(np.asarray(x)))

    probes = (given, {"x": given["x"] * 2})
    assert f"Take {small} of your own" in judged(right, lambda x: right(x) + 3, probes).message


@pytest.mark.parametrize(
    ("kind", "settings", "small"),
    [("model", {"seed": 1}, "a model with one layer"), ("config", {"model_type": "llama"}, "the configuration of a")],
    ids=["model", "config"],
)
def test_without_a_name_a_model_is_thought_of_as_a_model(kind: str, settings: dict, small: str) -> None:
    given = [{"model": Made(kind, settings), "rank": rank} for rank in (2, 3)]
    message = judged(lambda model, rank: rank, lambda model, rank: rank + 3, given).message
    assert f"Take {small}" in message
