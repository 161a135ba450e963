"""Reverse KL and JSD: by hand, at their ends, and with the gradient to the student alone."""

import pytest
import torch

from utils.errors import CourseError
from utils.labs.trl_map import trl_divergence
from utils.losses.core import kl_divergence, soft_loss
from utils.losses.divergences import jsd, jsd_loss, reverse_kl_loss


@pytest.fixture
def case():
    generator = torch.Generator().manual_seed(0)
    student, teacher = 2 * torch.randn(2, 2, 5, 7, generator=generator, dtype=torch.float64)
    labels = torch.randint(7, (2, 5), generator=generator)
    labels[0, 3:] = -100
    return student.requires_grad_(), teacher.requires_grad_(), labels


def by_hand(divergence, student, teacher, labels, temperature):
    total = 0.0
    for row in range(len(labels)):
        for place in range(labels.shape[1] - 1):
            if labels[row, place + 1] != -100:
                p, q = (torch.softmax(x[row, place] / temperature, -1) for x in (teacher, student))
                total = total + divergence(p, q)
    return temperature**2 * total


def kl(p, q):
    return (p * (p.log() - q.log())).sum()


LOSSES = {
    "reverse": (reverse_kl_loss, lambda p, q: kl(q, p)),
    "jsd": (
        lambda *args: jsd_loss(*args, beta=0.3),
        lambda p, q: 0.3 * kl(p, 0.3 * p + 0.7 * q) + 0.7 * kl(q, 0.3 * p + 0.7 * q),
    ),
}


@pytest.mark.parametrize("name", LOSSES)
@pytest.mark.parametrize("temperature", [1.0, 3.0])
def test_value_and_gradient_are_those_computed_by_hand(case, name, temperature):
    student, teacher, labels = case
    loss, divergence = LOSSES[name]
    found = loss(student, teacher, labels, temperature)
    expected = by_hand(divergence, student, teacher.detach(), labels, temperature)
    assert found.count == 6
    torch.testing.assert_close(found.total, expected)
    gradients = [torch.autograd.grad(total, student)[0] for total in (found.total, expected)]
    torch.testing.assert_close(*gradients)


@pytest.mark.parametrize("name", LOSSES)
def test_no_gradient_reaches_the_teacher(case, name):
    student, teacher, labels = case
    LOSSES[name][0](student, teacher, labels, 2.0).total.backward()
    assert teacher.grad is None and student.grad is not None


@pytest.mark.parametrize("name", LOSSES)
def test_equal_distributions_are_not_apart(case, name):
    student, _, labels = case
    loss = LOSSES[name][0](student, student.detach(), labels, 2.0).total
    assert loss.item() == pytest.approx(0, abs=1e-12)


def test_the_ends_of_beta_are_forward_and_reverse_kl(case):
    student, teacher, labels = case
    forward, reverse = soft_loss(student, teacher, labels, 2.0), reverse_kl_loss(student, teacher, labels, 2.0)
    assert not torch.isclose(forward.total, reverse.total)
    torch.testing.assert_close(jsd_loss(student, teacher, labels, 2.0, 0.0).total, forward.total)
    torch.testing.assert_close(jsd_loss(student, teacher, labels, 2.0, 1.0).total, reverse.total)
    # and they are where JSD / beta goes, so nothing but the scale jumps
    near = jsd_loss(student, teacher, labels, 2.0, 1e-6).total / 1e-6
    torch.testing.assert_close(near, forward.total, rtol=1e-4, atol=0)


@pytest.mark.parametrize("beta", [0.0, 0.1, 0.5, 1.0])
def test_the_gradient_is_that_of_the_numbers(beta):
    generator = torch.Generator().manual_seed(3)
    student, teacher = torch.randn(2, 3, 5, generator=generator, dtype=torch.float64)
    assert torch.autograd.gradcheck(lambda logits: jsd(teacher, logits, beta), student.requires_grad_())


@pytest.mark.parametrize("beta", [0.0, 0.5, 1.0])
def test_no_digit_is_lost_where_probabilities_underflow(beta):
    """Logits of thousands: every probability but one is 0 in any number type, and the logarithms are known exactly."""
    student = torch.tensor([2000.0, 0.0, -2000.0], requires_grad=True)
    teacher = torch.tensor([0.0, 2000.0, -2000.0])
    value = jsd(teacher, student, beta)
    value.backward()
    assert value.item() == pytest.approx({0.0: 2000.0, 0.5: 0.6931472, 1.0: 2000.0}[beta])
    assert torch.isfinite(student.grad).all()


@pytest.mark.parametrize("temperature", [1.0, 2.0])
@pytest.mark.parametrize("beta", [0.0, 0.5, 1.0])
def test_trl_has_the_same_divergence_on_the_same_tokens(case, beta, temperature):
    pytest.importorskip("trl")
    student, teacher, labels = case
    ours = jsd_loss(student, teacher, labels, temperature, beta).mean() / temperature**2
    theirs = trl_divergence(student.detach(), teacher.detach(), labels, temperature, beta)
    torch.testing.assert_close(ours.float(), theirs.float(), rtol=1e-5, atol=1e-6)


def test_half_a_jsd_is_symmetric_and_at_most_log_2():
    p, q = torch.tensor([30.0, 0.0, 0.0]), torch.tensor([0.0, 0.0, 30.0])
    assert jsd(p, q).item() == pytest.approx(jsd(q, p).item())
    assert jsd(p, q).item() == pytest.approx(0.6931, abs=1e-3)
    assert kl_divergence(p, q) > 29


@pytest.mark.parametrize("beta", [0.0, 0.5, 1.0])
def test_a_token_that_both_rule_out_gives_no_nan(beta):
    p = torch.tensor([1.0, 2.0, -torch.inf])
    q = torch.tensor([0.5, -1.0, -torch.inf], requires_grad=True)
    value = jsd(p, q, beta)
    value.backward()
    assert torch.isfinite(value)
    assert torch.isfinite(q.grad).all()


@pytest.mark.parametrize("beta", [-0.1, 1.1, float("nan")])
def test_a_beta_outside_0_to_1_is_refused(beta):
    with pytest.raises(CourseError, match="beta is"):
        jsd(torch.zeros(3), torch.zeros(3), beta)
