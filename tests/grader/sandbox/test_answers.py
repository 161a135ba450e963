"""An answer that nobody can have recorded is refused before it is computed with; an honest one never is."""

import json

import numpy as np
import pytest

from grader import exercises
from grader.sandbox.answers import MOST_CALLS, MOST_NUMBERS, answer_from
from grader.sandbox.protocol import Message, ProtocolError
from grader.sandbox.wire import answer_message
from utils.checks.ask import ask
from utils.checks.made import tiny_model
from utils.checks.plays.toys import SIZE, VOCABULARY
from utils.checks.records import Answer, Probe

NAMES = [exercise.name for exercise in exercises.all_exercises()]
WEIGHTS = sum(parameter.numel() for parameter in tiny_model(0, vocabulary=VOCABULARY, **SIZE).parameters())
PROBE = Probe("wide", {"x": np.ones((2, 3), np.float32), "labels": np.ones(2, np.int64), "alpha": 0.5}, ("x",))


def sent(numbers: dict[str, np.ndarray], probe: Probe = PROBE) -> Answer:
    return answer_from(Message({"kind": "answer", "outcome": "tensor"}, numbers), probe)


@pytest.fixture(scope="module")
def step() -> tuple[Probe, dict[str, np.ndarray]]:
    exercise = exercises.get("train_step")
    table = exercise.table(5)
    answers = ask(table.probes, next(iter(exercise.right.values())))
    return table.probes[0], answers[0].numbers


@pytest.mark.parametrize("share", [8, pytest.param(1, marks=pytest.mark.nightly)])
@pytest.mark.parametrize("name", NAMES)
def test_what_any_known_function_answers_is_taken(name, share):
    exercise = exercises.get(name)
    probes = exercise.table(5).probes
    wrong = [mistake.implementation for mistake in exercise.misconceptions[::share]]
    for function in [*exercise.right.values(), *wrong, lambda *given: json, lambda *given: 1 / 0, lambda *given: None]:
        for probe, answer in zip(probes, ask(probes, function), strict=True):
            assert answer_from(answer_message(answer), probe).numbers.keys() == answer.numbers.keys()


@pytest.mark.parametrize(
    ("key", "array", "complaint"),
    [
        ("gradient/x", np.ones((2, 1)), r"shape \(2, 1\) for gradient/x, where \(2, 3\) belongs"),
        ("gradient/x", np.ones(()), "where"),
        ("gradient/labels", np.ones(2), "named 'gradient/labels', which no answer"),
        ("changed/x", np.ones(2), "where"),
        ("changed/beta", np.ones(1), "named"),
        ("value/64", np.ones(1), "named"),
        ("trace/own", np.ones(1), "named"),
        ("\r=1" + "k" * 99, np.ones(1), "named '=1k{38}'"),
        ("value", np.ones(MOST_NUMBERS + 1), "65,537 numbers for value, of at most 65,536"),
        ("value", np.ones(1, np.float32), r"not float64 \(value: float32\)"),
        ("value", np.ones(1, bool), "not float64"),
    ],
)
def test_an_array_that_no_honest_answer_has_is_refused(key, array, complaint):
    with pytest.raises(ProtocolError, match=complaint):
        sent({key: array})


@pytest.mark.parametrize("key", ["gradient/x", "changed/x", "changed/labels", "trace/backward", "value"])
def test_what_an_honest_answer_may_have_is_taken(key):
    array = np.ones((2, 3) if key == "gradient/x" else 1)
    assert list(sent({key: array}).numbers) == [key]


def test_texts_are_one_line_and_bounded():
    answer = answer_from(Message({"kind": "answer", "note": "E\0\r\nx" + "y" * 10**6, "line": "\x1b[2J"}), PROBE)
    assert answer.note.startswith("E xy") and len(answer.note) == 2000 and answer.line == "[2J"


@pytest.mark.parametrize(
    "forged",
    [
        {"trace/counts": np.ones((400, 2))},
        {"trace/own": np.zeros((MOST_CALLS + 1, WEIGHTS))},
        {"trace/own": np.ones((2, 1, 1, WEIGHTS)), "trace/steps": np.ones((2, WEIGHTS, 1, 1))},
        {"trace/weights": np.ones((WEIGHTS, 1))},
        {"trace/open": np.ones((2, MOST_CALLS + 1))},
        {"trace/student calls": np.ones((2, 5))},
        {"trace/loss/2/student": np.ones(1)},
        {"value": np.ones((2, 1))},
    ],
)
def test_a_forged_trace_of_a_step_is_refused(step, forged):
    probe, numbers = step
    assert sent(numbers, probe).numbers == numbers
    with pytest.raises(ProtocolError):
        sent(numbers | forged, probe)


def test_many_parts_are_bounded_together():
    half = np.ones(MOST_NUMBERS // 2 + 1)
    with pytest.raises(ProtocolError, match="65,538 numbers in what was returned"):
        sent({"value": half, "value/1": half})


def test_a_form_is_bounded():
    with pytest.raises(ProtocolError, match="a form of 100,000 characters"):
        answer_from(Message({"kind": "answer", "outcome": "other", "form": "[" * 100_000}, {}), PROBE)
