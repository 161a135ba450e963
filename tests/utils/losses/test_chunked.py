"""The chunked loss is the dense one: value and every gradient, for every chunk size."""

import pytest
import torch

from tests.utils.held_memory import most_held
from utils.errors import CourseError
from utils.losses.chunked import chunked_distillation_loss
from utils.losses.core import distillation_loss, shifted


@pytest.fixture
def case():
    generator = torch.Generator().manual_seed(0)

    def normal(*shape):
        return torch.randn(*shape, generator=generator, dtype=torch.float64)

    labels = torch.randint(11, (3, 7), generator=generator)
    labels[0, 4:] = -100
    labels[2, 2] = -100
    return normal(3, 7, 5), normal(11, 5), normal(3, 7, 6), normal(11, 6), labels


def chunked(case, chunk, temperature=2.0, alpha=0.3):
    student, student_head, teacher, teacher_head, labels = case
    hidden, targets = shifted(student, labels)
    return chunked_distillation_loss(
        hidden, student_head, shifted(teacher, labels)[0], teacher_head, targets, temperature, alpha, chunk
    )


@pytest.mark.parametrize("chunk", [1, 2, 5, 13, 14, 1000])
def test_every_chunk_size_gives_the_dense_loss_and_its_gradients(case, chunk):
    student, student_head, teacher, teacher_head, labels = case
    leaves = (student.requires_grad_(), student_head.requires_grad_())
    dense = distillation_loss(student @ student_head.T, teacher @ teacher_head.T, labels, 2.0, 0.3)
    ours = chunked(case, chunk)
    torch.testing.assert_close(ours, dense)
    for found, expected in zip(torch.autograd.grad(ours, leaves), torch.autograd.grad(dense, leaves), strict=True):
        torch.testing.assert_close(found, expected)


def test_gradcheck(case):
    student, student_head, teacher, teacher_head, labels = case
    hidden, targets = shifted(student, labels)
    frozen = shifted(teacher, labels)[0]

    def loss(hidden, head):
        return chunked_distillation_loss(hidden, head, frozen, teacher_head, targets, 2.0, 0.3, 4)

    assert torch.autograd.gradcheck(loss, (hidden.detach().requires_grad_(), student_head.detach().requires_grad_()))


def test_the_upstream_gradient_scales_the_result(case):
    hidden = case[0].requires_grad_()
    once, thrice = chunked(case, 4), 3 * chunked(case, 4)
    torch.testing.assert_close(3 * torch.autograd.grad(once, hidden)[0], torch.autograd.grad(thrice, hidden)[0])


def test_bfloat16_products_stay_within_a_bound_of_float64_whatever_the_chunk(case):
    student, student_head, teacher, teacher_head, labels = case
    leaves = (student.requires_grad_(), student_head.requires_grad_())
    exact = torch.autograd.grad(chunked(case, 100), leaves)
    single = [tensor.detach().float().requires_grad_() for tensor in leaves]
    hidden, targets = shifted(single[0], labels)
    others = shifted(teacher.float(), labels)[0], teacher_head.float()
    for chunk in (1, 5, 100):
        loss = chunked_distillation_loss(hidden, single[1], *others, targets, 2.0, 0.3, chunk, products=torch.bfloat16)
        assert loss.dtype == torch.float32
        for found, expected in zip(torch.autograd.grad(loss, single, retain_graph=True), exact, strict=True):
            assert found.dtype == torch.float32
            assert (found - expected).norm() < 0.02 * expected.norm()


def test_no_valid_position_is_an_error_not_nan(case):
    with pytest.raises(CourseError, match="No position is valid"):
        chunked((*case[:4], torch.full_like(case[4], -100)), 4)


def test_memory_stays_flat_as_positions_grow_where_the_dense_loss_takes_as_many_times_more():
    vocabulary, width = 4000, 8
    heads = torch.randn(vocabulary, width, requires_grad=True), torch.randn(vocabulary, width)

    def held(positions, loss):
        ours, theirs = torch.randn(positions, width, requires_grad=True), torch.randn(positions, width)
        targets = torch.randint(vocabulary, (positions,))
        return most_held(lambda: loss(ours, heads[0], theirs, heads[1], targets).backward())

    def in_chunks(*case):
        return chunked_distillation_loss(*case, chunk=16)

    def dense(ours, head, theirs, their_head, targets):
        labels = torch.cat([targets.new_zeros(1), targets])[None]  # before the shift
        logits = (
            torch.cat([hidden, hidden[:1]]) @ weights.T for hidden, weights in ((ours, head), (theirs, their_head))
        )
        return distillation_loss(*(each[None] for each in logits), labels)

    few, many = (held(positions, in_chunks) for positions in (64, 512))
    assert many < 1.1 * few
    assert held(512, dense) > 5 * held(64, dense) > 5 * few
