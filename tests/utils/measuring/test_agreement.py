"""Agreement with the teacher: what counting by hand gives, position by position, whatever padding and batches do."""

import pytest
import torch

from utils.data.batches import model_inputs, pad
from utils.errors import CourseError
from utils.measuring.agreement import agreement, fidelity
from utils.measuring.calibration import BINS, calibration


def test_agreement_is_what_counting_by_hand_gives():
    teacher = torch.tensor([[[0.6, 0.3, 0.1], [0.2, 0.5, 0.3], [0.1, 0.1, 0.8]]]).log()
    student = torch.tensor([[[0.5, 0.4, 0.1], [0.6, 0.3, 0.1], [0.9, 0.05, 0.05]]]).log()
    same, nats = agreement(student, teacher, torch.tensor([[1, 1, 0]]))
    by_hand = (teacher.exp() * (teacher - student)).sum(-1)[0, :2].mean()
    assert same == 0.5
    assert nats == pytest.approx(by_hand.item(), abs=1e-6)


def test_equal_models_agree_everywhere_and_no_position_is_one_sentence():
    logits = torch.randn(2, 3, 5, generator=torch.Generator().manual_seed(0))
    assert agreement(logits, logits, torch.ones(2, 3)) == (1.0, 0.0)
    with pytest.raises(CourseError, match="counts no position"):
        agreement(logits, logits, torch.zeros(2, 3))


def test_fidelity_adds_up_to_agreement_and_calibration(make_model, make_rows):
    torch.manual_seed(1)
    student, teacher, rows = make_model(3, 37), make_model(2, 37), make_rows((9, 3, 14, 2, 7), 37)
    found = fidelity(student, teacher, rows, 0, batch_size=2)
    batch = pad(rows, 0)
    logits = [model(**model_inputs(batch)).logits[:, :-1] for model in (student, teacher)]
    same, nats = agreement(*logits, batch["labels"][:, 1:] >= 0)
    assert found.same.sum() / found.tokens.sum() == pytest.approx(same)
    assert found.nats.sum() / found.tokens.sum() == pytest.approx(nats, abs=1e-5)
    assert found.bins.shape == (5, BINS, 3)
    assert tuple(found.bins.sum(axis=0)[:, 0]) == calibration(student, rows, 0).tokens
