"""Settings hold plain numbers, whatever kind of number was given, or say what cannot be one."""

from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest
import torch

from utils.data.batches import BatchPlan
from utils.errors import CourseError
from utils.models.profiles import EMBEDDED
from utils.settings import plain_number
from utils.teachers.cache_settings import CacheSettings
from utils.training.settings import TrainingSettings

NUMBERS = (np.float32(0.5), np.float64(0.5), np.array([0.5]), np.logspace(-1, 1, 3)[0] * 5, torch.tensor(0.5))
NUMBERS += (
    torch.tensor([[0.5]], requires_grad=True),
    torch.nn.Parameter(torch.tensor(0.5)),
    Fraction(1, 2),
    Decimal("0.5"),
)


@pytest.mark.parametrize("number", NUMBERS, ids=lambda number: type(number).__name__)
def test_a_number_of_any_kind_becomes_a_float(number):
    plain = plain_number("rate", number, whole=False)
    assert (type(plain), plain) == (float, 0.5)


@pytest.mark.parametrize(
    "number", [np.int64(3), np.uint8(3), 3.0, np.float32(3), torch.tensor(3), Fraction(3), np.array(3)]
)
def test_a_whole_number_of_any_kind_becomes_an_int(number):
    plain = plain_number("epochs", number, whole=True)
    assert (type(plain), plain) == (int, 3)


@pytest.mark.parametrize(
    ("value", "whole", "words"),
    [
        ("1e-3", False, "rate is '1e-3', a str; give a number"),
        (None, False, "a NoneType"),
        (True, True, "rate is True, a bool; give a whole number"),
        (2.5, True, "rate is 2.5; give a whole number"),
        (np.array([1e-3, 1e-4]), False, "a ndarray; give a number"),
        (torch.ones(3), False, "a Tensor; give a number"),
        (1j, False, "a complex"),
        (float("inf"), True, "rate is inf"),
    ],
)
def test_what_is_no_such_number_is_refused_in_a_sentence(value, whole, words):
    with pytest.raises(CourseError) as caught:
        plain_number("rate", value, whole)
    assert words in str(caught.value)


def test_every_kind_of_settings_reads_its_numbers(make_rows):
    numbers = np.array([3, 4])
    plan = BatchPlan(tuple(make_rows((3, 4))), numbers[0], torch.tensor(0), numbers[1], pack_length=numbers[1])
    cache = CacheSettings(numbers[0], tuple(np.ones(2)), tuple(numbers))
    training = TrainingSettings(np.float32(0.5), numbers[0], seed=torch.tensor(1))
    profile = EMBEDDED.__class__("mine", "t", "s", "python", numbers[0], numbers[1], learning_rate=torch.tensor(0.5))
    values = [getattr(settings, name) for settings in (plan, cache, training, profile) for name in vars(settings)]
    flat = [item for value in values for item in (value if isinstance(value, tuple) else (value,))]
    assert {type(item) for item in flat} <= {int, float, str, type(None), type(plan.rows[0])}
    assert (plan.pack_length, cache.temperatures, training.seed, profile.learning_rate) == (4, (1.0, 1.0), 1, 0.5)
