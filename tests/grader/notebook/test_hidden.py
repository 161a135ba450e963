"""Hidden tests give every right answer its points, whatever its style, and none to a wrong one."""

import math
import sys
import warnings
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from grader import exercises
from grader.marking import diagnose
from grader.notebook.hidden import hidden_record, with_hidden_tests
from tests.grader.exercises.test_diagnose import plain_parts
from tests.grader.fixture_lab import RIGHT
from utils.checks.ask import ask
from utils.checks.hidden_tests import excerpt, from_text, hush, points, to_text

SEED = 5
NAMES = [exercise.name for exercise in exercises.all_exercises()]


@pytest.fixture(scope="module")
def records() -> dict[str, str]:
    return {name: hidden_record(name, SimpleNamespace(name="09_any"), seed=SEED) for name in NAMES}


@pytest.mark.parametrize("name", NAMES)
def test_every_right_variant_earns_all_points(records, name):
    for style, function in exercises.get(name).right.items():
        hush()
        assert points(function, records[name], 7) == 7.0, style


@pytest.mark.parametrize("share", [8, pytest.param(1, marks=pytest.mark.nightly)])
@pytest.mark.parametrize("name", NAMES)
def test_a_catalogued_mistake_earns_what_the_judge_gives_it(name, share):
    """share: every eighth mistake, or all of them."""
    exercise = exercises.get(name)
    table = exercise.table(SEED)
    parts = [(part.name, part.points, part.probes) for part in exercise.parts]
    record, whole = to_text(excerpt(table, parts)), sum(part.points for part in exercise.parts)
    for mistake in exercise.misconceptions[::share]:
        answers = ask(table.probes, mistake.implementation)
        judged = sum(diagnose.scores(exercise, table, answers).values())
        hush()
        earned = points(mistake.implementation, record, whole)
        if hasattr(exercise, "scores"):  # the judge carries a named mistake forward; a hidden test cannot
            assert earned <= judged + 1e-3, mistake.name
        else:
            assert earned == pytest.approx(judged, abs=1e-3), mistake.name


@pytest.mark.parametrize(
    ("line", "instead"),
    [
        ("with torch.no_grad():", "if True:"),
        ("    return", "    model.head.data += 1\n    return"),
        ("model.eval()", "model.eval(); [p.requires_grad_(False) for p in model.parameters()]"),
    ],
)
def test_a_right_perplexity_that_does_harm_earns_nothing_here_either(records, line, instead):
    """Gradients on, weights changed afterwards, parameters left frozen."""
    names = {"torch": torch, "F": torch.nn.functional, "math": math}
    exec(RIGHT["perplexity"].replace(line, instead), names)
    assert points(names["perplexity"], records["perplexity"], 7) == 0.0


@pytest.mark.parametrize("answer", [0.0, 1.0, float("nan"), None, "10.0"])
@pytest.mark.parametrize("name", NAMES)
def test_a_constant_earns_nothing(records, name, answer):
    assert points(lambda *arguments: answer, records[name], 7) == 0.0


@pytest.mark.parametrize("name", NAMES)
def test_the_record_holds_probes_and_numbers_and_nothing_that_runs(records, name):
    tests = from_text(records[name])
    assert not set(tests.table.texts) - {"judge", "forms"}
    assert all(key.startswith("expected/") for key in tests.table.numbers)
    assert len(records[name]) < 40_000 and "\n" not in records[name]
    assert to_text(tests) == records[name]


@pytest.mark.parametrize("name", NAMES)
def test_what_is_kept_is_what_the_exercise_expects(name):
    exercise = exercises.get(name)
    table = exercise.table(11)
    kept = from_text(to_text(excerpt(table, [(part.name, part.points, part.probes) for part in exercise.parts])))
    names = [probe.name for probe in table.probes]
    for index, probe in enumerate(kept.table.probes):
        original = names.index(probe.name)
        (text, arrays), (wanted, givens) = plain_parts(probe), plain_parts(table.probes[original])
        assert text == wanted
        for array, given in zip(arrays, givens, strict=True):
            assert np.array_equal(array, given) and array.dtype == given.dtype
        start = f"expected/{original}/"
        for key, array in table.numbers.items():
            if key.startswith(start):
                found = kept.table.numbers[f"expected/{index}/" + key.removeprefix(start)]
                np.testing.assert_allclose(found, array, 1e-6, 1e-6)


def test_points_come_by_part(records):
    reference = exercises.get("distillation_loss").right
    right = next(iter(reference.values()))

    def hard_alone(student_logits, teacher_logits, labels, temperature=3.0, alpha=0.5):
        return right(student_logits, teacher_logits, labels, temperature, alpha) * (1.0 if alpha == 0 else 2.0)

    parts = {part.name: part.points for part in exercises.get("distillation_loss").parts}
    assert points(hard_alone, records["distillation_loss"], 100) == 100 * parts["hard part"] / sum(parts.values())


def test_what_is_written_to_stderr_is_taken_aside_and_stderr_comes_back(records, capsys):
    right = next(iter(exercises.get("distillation_loss").right.values()))

    def loud(*arguments):
        warnings.warn("a warning", stacklevel=1)
        print("noise", file=sys.stderr)
        return right(*arguments)

    hush()
    assert points(loud, records["distillation_loss"], 10) == 10.0
    print("heard", file=sys.stderr)
    assert capsys.readouterr().err == "heard\n"


def test_the_last_line_is_an_expression_with_the_points():
    source = with_hidden_tests('check("f", f)', "f", "abc", 2.5)
    assert source.splitlines()[-2] == "points(f, record, maximum=2.5)"
    assert source.count("### BEGIN HIDDEN TESTS") == source.count("### END HIDDEN TESTS") == 2
