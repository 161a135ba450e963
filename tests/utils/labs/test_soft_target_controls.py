"""The control takes the likeness away and nothing else; the arms are the losses that their names say."""

import pytest
import torch

from utils.labs.soft_target_controls import HARD, SHUFFLED, SMOOTHED, SOFT, arms, shuffled_beyond_top
from utils.losses.core import distillation_loss, entropy, hard_loss, soft_targets


@pytest.fixture
def batch():
    torch.manual_seed(1)
    student, teacher = torch.randn(2, 3, 7, 40) * 3
    labels = torch.randint(40, (3, 7))
    labels[1, 4:] = -100
    return student, teacher, labels


def test_shuffling_keeps_the_top_and_the_entropy_of_every_row_at_every_temperature(batch):
    logits = batch[1].flatten(0, 1)
    shuffled = shuffled_beyond_top(logits)
    assert torch.equal(shuffled.argmax(1), logits.argmax(1))
    assert torch.equal(shuffled.sort(1).values, logits.sort(1).values)
    for temperature in (0.5, 1.0, 5.0):
        before, after = (entropy(soft_targets(z, temperature)) for z in (logits, shuffled))
        torch.testing.assert_close(after, before)


def test_shuffling_takes_the_order_away_anew_in_each_row():
    logits = torch.arange(200.0).repeat(500, 1)
    shuffled = shuffled_beyond_top(logits)
    assert torch.equal(shuffled[:, -1], logits[:, -1])
    others = shuffled[:, :-1]
    assert (others.mean(0) - 99.0).abs().max() < 4 * 57.7 / 500**0.5 + 1, "a token keeps no value of its own"
    assert len(set(others[:, 0].tolist())) > 150


def test_the_arms_are_the_losses_of_their_names(batch):
    student, _, labels = batch
    losses = arms(temperature=2.0, alpha=0.3)
    torch.testing.assert_close(losses[HARD](*batch), hard_loss(student, labels).mean())
    torch.testing.assert_close(losses[SOFT](*batch), distillation_loss(*batch, temperature=2.0, alpha=0.3))
    uniform = -torch.log_softmax(student, -1).mean(-1)[:, :-1][labels[:, 1:] != -100].mean()
    torch.testing.assert_close(losses[SMOOTHED](*batch), 0.9 * hard_loss(student, labels).mean() + 0.1 * uniform)


def test_the_shuffled_arm_is_another_loss_with_gradient_to_the_student_only(batch):
    student, teacher, labels = (tensor.clone() for tensor in batch)
    student.requires_grad_(), teacher.requires_grad_()
    loss = arms(temperature=1.0, alpha=0.5)[SHUFFLED](student, teacher, labels)
    loss.backward()
    assert teacher.grad is None and student.grad.abs().sum() > 0
    assert not torch.isclose(loss, distillation_loss(student, teacher, labels, temperature=1.0))


def test_a_learners_own_divergence_is_the_one_that_is_used(batch):
    asked = []

    def mine(p_logits, q_logits):
        asked.append(p_logits.shape)
        return (p_logits - q_logits).abs().sum(-1)

    arms(temperature=1.0, alpha=1.0, divergence=mine)[SOFT](*batch)
    assert asked == [(15, 40)], "valid rows, after the shift"
