"""Confidence against accuracy, counted by hand; padding and batch size change nothing."""

import pytest
import torch

from utils.data.batches import model_inputs, pad
from utils.errors import CourseError
from utils.measuring.calibration import BINS, Calibration, calibration, expected_calibration_error


@pytest.fixture
def case(make_model, make_rows):
    return make_model(3, 37), make_rows((9, 3, 14, 2, 7), 37)


def test_every_bin_holds_what_counting_by_hand_gives(case):
    model, rows = case
    tokens, confidence, right = [0] * BINS, [0.0] * BINS, [0] * BINS
    for row in rows:
        probabilities = torch.softmax(model(**model_inputs(pad([row], 0))).logits[0], -1)
        for place, target in enumerate(row.labels[1:]):
            value, likeliest = probabilities[place].max(-1)
            tokens[int(value * BINS)] += 1
            confidence[int(value * BINS)] += value.item()
            right[int(value * BINS)] += int(likeliest == target)
    found = calibration(model, rows, 0, batch_size=2)
    assert found.tokens == tuple(tokens) and found.right == tuple(right)
    assert found.confidence == pytest.approx(tuple(confidence), abs=1e-5)


def test_batch_size_and_padding_change_nothing(case):
    model, rows = case
    one, many = (calibration(model, rows, 0, size) for size in (1, 5))
    assert one.tokens == many.tokens and one.right == many.right
    assert one.error == pytest.approx(many.error, abs=1e-6)


def test_the_error_is_the_mean_distance_from_the_diagonal_by_tokens():
    found = Calibration(tokens=(10, 0, 30), confidence=(2.0, 0.0, 27.0), right=(4, 0, 24))
    assert found.error == pytest.approx((2 + 3) / 40)
    assert found.overconfidence == pytest.approx((29 - 28) / 40)
    assert found.curve() == [(0.2, 0.4, 10), (0.9, 0.8, 30)]


def test_no_token_is_an_error(case):
    model, _ = case
    with pytest.raises(CourseError, match="no token to predict"):
        calibration(model, [], 0)


def test_logits_without_a_number_and_rows_beyond_the_context_are_one_sentence_and_the_mode_stays(case, make_rows):
    model, rows = case
    model.train()
    with pytest.raises(CourseError, match="context only"):
        calibration(model, make_rows((500,), 37), 0)
    torch.nn.init.constant_(model.lm_head.weight, float("nan"))
    with pytest.raises(CourseError, match="hold NaN"):
        calibration(model, rows, 0)
    assert model.training


def test_the_calibration_error_is_what_counting_by_hand_gives():
    confidence = torch.tensor([0.1, 0.2, 0.6, 0.9, 1.0])
    correct = torch.tensor([False, True, True, True, False])
    by_hand = (abs(0.3 - 1) + abs(0.6 - 1) + abs(1.9 - 1)) / 5  # bins [0, 0.25), [0.5, 0.75) and the last
    assert expected_calibration_error(confidence, correct, 4) == pytest.approx(by_hand, abs=1e-6)


@pytest.mark.parametrize(("confidence", "said"), [([], "no prediction"), ([0.5, 1.2], "A confidence is 1.2")])
def test_what_has_no_calibration_is_one_sentence(confidence, said):
    with pytest.raises(CourseError, match=said):
        expected_calibration_error(torch.tensor(confidence), torch.ones(len(confidence)), 10)
