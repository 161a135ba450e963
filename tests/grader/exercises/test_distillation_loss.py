"""The promises about ``distillation_loss``: what is named, what is shown, what is asked, and what earns points."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from grader.exercises import get
from grader.exercises.lab02.distillation_loss.misconceptions import HINTS, WRONG
from grader.exercises.lab02.distillation_loss.pairs import drawn, tally
from grader.exercises.lab02.distillation_loss.points import PARTS
from grader.exercises.lab02.distillation_loss.probes import FRAMES, probes
from grader.exercises.lab02.distillation_loss.recipe import BLENDS, cook
from grader.marking.diagnose import diagnose, scores
from tests.grader.exercises.written_losses import SEVERAL, WRITTEN, renyi
from utils.checks.ask import ask
from utils.checks.diagnosis import verdict_on
from utils.checks.distillation_loss.blend import MISSING
from utils.checks.distillation_loss.judge import NOT_FINITE
from utils.checks.distillation_loss.parts import close
from utils.checks.distillation_loss.whole import CONSTANT
from utils.checks.hints import hint
from utils.checks.judgement import NO_GRADIENT, NUMBER
from utils.checks.records import Table

EXERCISE = get("distillation_loss")


@pytest.fixture(scope="module")
def tables() -> dict[int | None, Table]:
    return {seed: EXERCISE.table(seed) for seed in (None, 5)}


def cooked(*names: str) -> Callable:
    """The loss that has these mistakes of the catalogue."""
    single = {wrong.name: wrong.changes for wrong in WRONG}
    return cook({factor: choice for name in names for factor, choice in single[name].items()})


def earned(table: Table, loss: object) -> dict[str, float]:
    return scores(EXERCISE, table, ask(table.probes, loss))


@pytest.mark.parametrize("names", WRITTEN, ids="+".join)
def test_what_learners_write_by_hand_is_named_and_earns_less_than_all_points(names: tuple, tables: dict) -> None:
    for table in tables.values():
        answers = ask(table.probes, WRITTEN[names])
        assert set(names) == set(verdict_on(table, answers).misconceptions)
        assert sum(scores(EXERCISE, table, answers).values()) < 10


@pytest.mark.parametrize("names", SEVERAL, ids="+".join)
def test_several_mistakes_at_once_are_all_named(names: tuple, tables: dict) -> None:
    answers = ask(tables[5].probes, cooked(*names))
    assert set(names) == set(verdict_on(tables[5], answers).misconceptions)


@pytest.mark.parametrize("count", [100, pytest.param(1500, marks=pytest.mark.nightly)])
def test_of_two_mistakes_at_once_one_is_named_at_least_and_none_passes(count: int, tables: dict) -> None:
    pairs = drawn(tables[None], count, seed=1)
    found = tally(pairs)
    assert found["missed"] == 0
    assert found["none"] <= 0.05 * count, [pair for pair in pairs if not pair.hits]


def test_every_mistake_has_a_question_that_gives_no_code_away(tables: dict) -> None:
    assert not [wrong.name for wrong in WRONG if not hint(tables[None], wrong.name)]
    assert not [text for text in HINTS.values() if "dim=" in text or "detach()" in text or "F." in text]


def test_two_mistakes_get_two_questions() -> None:
    names = "T squared missing", "alpha and 1 - alpha swapped"
    message = diagnose(EXERCISE, cooked(*names)).message
    assert all(HINTS[name] in message for name in names)


@pytest.mark.parametrize("name", ["no causal shift", "T squared missing", "sign flipped in the hard part"])
def test_the_number_that_is_shown_hurts(name: str) -> None:
    words = diagnose(EXERCISE, cooked(name)).message.replace(";", "").split()
    ours, formula = float(words[words.index("loss") + 2]), float(words[words.index("gives") + 1].rstrip("."))
    assert abs(ours - formula) > 0.25 * formula


def test_an_unknown_divergence_gets_numbers_and_no_name() -> None:
    found = diagnose(EXERCISE, renyi)
    assert not found.passed and found.misconceptions == []
    assert "The hard part agrees" in found.message and "times as much" in found.message


@pytest.mark.parametrize(
    "lost", [CONSTANT, NUMBER + NO_GRADIENT, NOT_FINITE, "nothing returned", "a str instead of one number"]
)
def test_what_is_no_loss_earns_no_points(lost: str, tables: dict) -> None:
    assert sum(earned(tables[5], cooked(lost)).values()) == 0


@pytest.mark.parametrize(
    ("names", "lost"),
    [
        (["T squared missing"], {"temperature"}),
        (["gradient flows into the teacher"], {"nothing but one number"}),
        (["no causal shift"], {"which tokens count"}),
        (["mean squared error of logits instead of KL"], {"soft part at T = 1"}),
        (["label smoothing (0.1) in the hard part"], {"hard part"}),
        (["1 - alpha missing on the hard part"], {"blend"}),
        (["T squared missing", "gradient flows into the teacher"], {"temperature", "nothing but one number"}),
    ],
)
def test_a_mistake_costs_its_own_part(names: list[str], lost: set[str], tables: dict) -> None:
    points = earned(tables[5], cooked(*names))
    assert {part.name for part in PARTS if points[part.name] < part.points} == lost


def test_a_part_that_is_missing_earns_nothing(tables: dict) -> None:
    for blend in (blend for blend in BLENDS if blend.names == (MISSING["soft"],)):
        points = earned(tables[5], cook({"blend": blend}))
        assert sum(points.values()) == points["hard part"] == 2.0


def test_only_a_mistake_that_the_answers_really_have_is_carried_forward(tables: dict) -> None:
    """The right name beside other numbers: every value is doubled, so only the formula itself can judge."""
    loss = cooked("T squared missing", "Hellinger distance instead of KL")
    points = earned(tables[5], lambda *given: 1.7 * loss(*given))
    assert sum(points.values()) == 0


def test_an_infinite_loss_is_near_no_number() -> None:
    assert not close(float("inf"), 2.0) and close(float("inf"), float("inf"))


def test_fresh_probes_differ_by_seed_and_repeat_with_it(tables: dict) -> None:
    again, other = (EXERCISE.table(seed).numbers["expected/value"] for seed in (5, 6))
    fixed = tables[5].numbers["expected/value"]
    assert np.array_equal(again, fixed) and not np.allclose(other, fixed)


@pytest.mark.parametrize("seed", [None, *range(8)])
def test_valid_labels_hold_the_first_and_the_last_id(seed: int | None) -> None:
    for probe in probes(seed)[: 3 * len(FRAMES) : 3]:
        labels, size = probe.inputs["labels"][:, 1:], probe.inputs["student_logits"].shape[-1]
        assert 0 in labels and size - 1 in labels


@pytest.mark.parametrize(
    ("seed", "name"),
    [
        (2, "only the last position counts in both parts"),  # one position, whose softmax was sure of its label
        (4, "only the label's token of the sum over the vocabulary"),  # a token to which the teacher gave nothing
        (22, "softmax taken twice on student and teacher"),  # its gradient at one position was taken for rounding
    ],
)
def test_no_draw_hides_a_mistake_or_takes_the_points_for_large_logits(seed: int, name: str) -> None:
    table = EXERCISE.table(seed)
    assert verdict_on(table, ask(table.probes, cooked(name))).misconceptions == [name]
    assert earned(table, cooked(name))["large logits"] == 0.75
