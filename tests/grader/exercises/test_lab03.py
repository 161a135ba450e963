"""Lab 3's functions: every verdict is the same under every seed, and each mistake gets its own name and question."""

from __future__ import annotations

import pytest
import torch.nn.functional as F

from grader.exercises.lab03 import hidden_state_loss, hidden_variants, layer_map
from tests.grader.exercises.catalogues import (
    judged,
)
from utils.checks import hints
from utils.checks.records import Table


@pytest.fixture(scope="module")
def hidden() -> Table:
    return hidden_state_loss.table(None)


def _loss(change):
    """A loss that is right but for what is made of the projected student and the teacher at real positions."""

    def loss(student_hidden, teacher_hidden, projection, attention_mask):
        real = attention_mask.bool()
        return change(projection(student_hidden[real]), teacher_hidden[real].detach())

    return loss


@pytest.mark.parametrize(
    ("function", "name"),
    [
        (hidden_state_loss.projection_forgotten, hidden_state_loss.FORGOTTEN),
        (hidden_state_loss.teacher_projected, hidden_variants.TEACHER_PROJECTED),
        (_loss(lambda a, b: F.kl_div(a.log_softmax(-1), b.softmax(-1))), hidden_variants.KL),
        (
            _loss(lambda a, b: F.kl_div(a.log_softmax(-1), b.log_softmax(-1), log_target=True, reduction="batchmean")),
            hidden_variants.KL,
        ),
        (_loss(lambda a, b: F.kl_div(a.log_softmax(-1), b)), hidden_variants.RAW_KL),
        (_loss(lambda a, b: F.kl_div(a, b)), hidden_variants.RAW_KL),
    ],
)
def test_what_was_unnamed_is_named(function, name: str, hidden: Table) -> None:
    found = judged(hidden, function)
    assert found.misconceptions[0] == name
    assert hints.hint(hidden, name) in found.message


@pytest.mark.parametrize(
    "function",
    [
        lambda s, t: [i + 1 for i in range(s + 1)],
        lambda s, t: [i - 1 for i in range(s)],
        lambda s, t: [min(3 * i + 2, t + 1) for i in range(s)],
        lambda s, t: [t] * (s - 1) + [1],
        lambda s, t: [1] * (s - 1) + [t],
    ],
)
def test_a_list_that_nobody_catalogued_has_properties_with_thoughts(function) -> None:
    table = layer_map.table(None)
    found = judged(table, function)
    assert found.misconceptions and all(hints.hint(table, name) for name in found.misconceptions)


@pytest.mark.parametrize("kind", [str, lambda layer: (1, layer)])
def test_a_list_of_another_kind_is_called_that_alone(kind) -> None:
    found = judged(layer_map.table(None), lambda s, t: [kind(layer) for layer in layer_map.rounded_down(s, t)])
    assert len(found.misconceptions) == 1 and "instead of" in found.misconceptions[0]


def test_a_layer_that_is_not_beside_its_place_is_not_called_uneven() -> None:
    found = judged(
        layer_map.table(None), lambda s, t: [1, 2, 4, 6] if t == 6 and s == 4 else layer_map.rounded_down(s, t)
    )
    assert found.misconceptions == ["layer map: a layer is not beside its even place"]


def test_a_wrong_list_is_shown_whole_beside_the_right_one() -> None:
    found = judged(layer_map.table(None), lambda s, t: [i * t // s - 1 for i in range(1, s + 1)])
    assert "your answer is [" in found.message and "it should be [" in found.message
