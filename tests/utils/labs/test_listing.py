"""The printed listing's errors cost what the lab says, and without an error it is our loss."""

import pytest
import torch

from utils.labs.listing import ALONE, Errors, listing_loss
from utils.labs.trl_map import trl_divergence
from utils.losses.core import distillation_loss


@pytest.fixture
def case():
    generator = torch.Generator().manual_seed(0)
    student, teacher = torch.randn(2, 3, 8, 17, generator=generator)
    labels = torch.randint(1, 17, (3, 8), generator=generator)
    labels[0, 5:] = -100
    return student.requires_grad_(), teacher, labels


def test_without_an_error_it_is_the_library_loss_in_value_and_gradient(case):
    ours, theirs = distillation_loss(*case), listing_loss(*case, errors=Errors())
    torch.testing.assert_close(theirs, ours)
    torch.testing.assert_close(torch.autograd.grad(theirs, case[0]), torch.autograd.grad(ours, case[0]))


@pytest.mark.parametrize("name", ALONE)
def test_every_error_changes_the_loss(case, name):
    assert abs(listing_loss(*case, errors=ALONE[name]) / distillation_loss(*case) - 1) > 0.01


def test_dividing_by_rows_makes_the_soft_part_as_many_times_larger_as_a_row_has_tokens(case):
    student, teacher, labels = case
    labels = labels.masked_fill(labels == -100, 1)
    right = listing_loss(student, teacher, labels, alpha=1.0, errors=Errors())
    wrong = listing_loss(student, teacher, labels, alpha=1.0, errors=Errors(divides_by_rows=True))
    torch.testing.assert_close(wrong, 7 * right)


def test_the_soft_part_is_the_divergence_of_trl(case):
    pytest.importorskip("trl", reason="requirements-trl.txt is not installed")
    student, teacher, labels = case
    ours = distillation_loss(student, teacher, labels, temperature=2.0, alpha=1.0) / 4
    theirs = trl_divergence(student, teacher, labels, temperature=2.0)
    torch.testing.assert_close(theirs, ours)
    torch.testing.assert_close(torch.autograd.grad(theirs, student), torch.autograd.grad(ours, student))
