"""Does the loss keep its contract?  Values and gradients against float64 written out in loops, and every bad input."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from utils.errors import CourseError
from utils.losses.core import (
    IGNORE,
    TokenSum,
    distillation_loss,
    entropy,
    hard_loss,
    kl_divergence,
    soft_loss,
    soft_targets,
)

VOCABULARY = 11


def random_case(batch=3, length=7, seed=0, dtype=torch.float64, scale=3.0):
    """Student logits (with gradient), teacher logits, labels with a hole, padding, and a valid label 0."""
    generator = torch.Generator().manual_seed(seed)
    student, teacher = scale * torch.randn(2, batch, length, VOCABULARY, generator=generator, dtype=torch.float64)
    labels = torch.randint(0, VOCABULARY, (batch, length), generator=generator)
    labels[0, 2], labels[-1, -2:], labels[0, 1] = IGNORE, IGNORE, 0
    return student.to(dtype).requires_grad_(), teacher.to(dtype), labels


def value_and_gradient(student, teacher, labels, temperature=2.0, alpha=0.3):
    student = student.detach().clone().requires_grad_()
    loss = distillation_loss(student, teacher, labels, temperature, alpha)
    loss.backward()
    return loss.item(), student.grad


def by_hand(student, teacher, labels, temperature, alpha):
    """The contract in loops over positions and tokens, in Python floats: value and student gradient."""
    batch, length, size = student.shape
    positions = [(b, t) for b in range(batch) for t in range(length - 1) if labels[b, t + 1] != IGNORE]
    gradient = torch.zeros(batch, length, size, dtype=torch.float64)
    soft = hard = 0.0

    def softmax(logits):
        top = max(logits)
        weights = [math.exp(x - top) for x in logits]
        return [w / sum(weights) for w in weights]

    for b, t in positions:
        s, target = student[b, t].tolist(), int(labels[b, t + 1])
        p = softmax([x / temperature for x in teacher[b, t].tolist()])
        q = softmax([x / temperature for x in s])
        plain = softmax(s)
        soft += temperature**2 * sum(pi * math.log(pi / qi) for pi, qi in zip(p, q, strict=True))
        hard -= math.log(plain[target])
        for v in range(size):
            from_soft = temperature * (q[v] - p[v])
            from_hard = plain[v] - (v == target)
            gradient[b, t, v] = (alpha * from_soft + (1 - alpha) * from_hard) / len(positions)
    return (alpha * soft + (1 - alpha) * hard) / len(positions), gradient


@pytest.mark.parametrize(("temperature", "alpha"), [(1.0, 0.5), (3.0, 0.5), (2.0, 0.0), (0.5, 1.0), (10.0, 0.9)])
def test_the_loss_is_the_contract_in_value_and_gradient(temperature, alpha):
    student, teacher, labels = random_case()
    value, gradient = value_and_gradient(student, teacher, labels, temperature, alpha)
    expected, expected_gradient = by_hand(student, teacher, labels, temperature, alpha)
    assert value == pytest.approx(expected, rel=1e-12)
    torch.testing.assert_close(gradient, expected_gradient, rtol=1e-10, atol=1e-14)


def test_the_defaults_are_temperature_3_and_alpha_one_half():
    student, teacher, labels = random_case()
    expected, _ = value_and_gradient(student, teacher, labels, temperature=3.0, alpha=0.5)
    assert distillation_loss(student, teacher, labels).item() == expected


@pytest.mark.parametrize("side", ["right", "left"])
def test_padding_changes_neither_loss_nor_gradient(side):
    student, teacher, labels = random_case()
    labels[:, 0] = IGNORE  # on the left the first token would be predicted from padding
    value, gradient = value_and_gradient(student, teacher, labels)
    padding = (0, 0, 0, 4) if side == "right" else (0, 0, 4, 0)
    padded = [torch.nn.functional.pad(logits.detach(), padding, value=7.7) for logits in (student, teacher)]
    padded_labels = torch.nn.functional.pad(labels, padding[2:], value=IGNORE)
    padded_value, padded_gradient = value_and_gradient(*padded, padded_labels)
    inside = slice(0, -4) if side == "right" else slice(4, None)
    assert padded_value == pytest.approx(value, rel=1e-14)
    torch.testing.assert_close(padded_gradient[:, inside], gradient, rtol=1e-13, atol=0)
    outside = slice(-4, None) if side == "right" else slice(0, 4)
    assert not padded_gradient[:, outside].any()


def test_logits_whose_next_label_is_ignored_change_nothing():
    student, teacher, labels = random_case()
    value, gradient = value_and_gradient(student, teacher, labels)
    changed = student.detach().clone()
    changed[0, 1], changed[:, -1] = 1e3, math.nan  # before the hole, and the last position, which predicts nothing
    changed_value, changed_gradient = value_and_gradient(changed, teacher, labels)
    assert changed_value == value
    assert torch.equal(changed_gradient, gradient)
    assert not gradient[0, 1].any()


def test_the_first_label_counts_nowhere():
    student, teacher, labels = random_case()
    expected = value_and_gradient(student, teacher, labels)
    labels[:, 0] = (labels[:, 0] + 1) % VOCABULARY
    value, gradient = value_and_gradient(student, teacher, labels)
    assert value == expected[0]
    assert torch.equal(gradient, expected[1])


def test_position_t_predicts_token_t_plus_1():
    labels = torch.tensor([[4, 1, 2, 3]])
    sure_of_next = torch.zeros(1, 4, VOCABULARY, dtype=torch.float64)
    sure_of_next[0, torch.arange(3), labels[0, 1:]] = 50.0
    assert hard_loss(sure_of_next, labels).mean() < 1e-15
    sure_of_itself = torch.zeros(1, 4, VOCABULARY, dtype=torch.float64)
    sure_of_itself[0, torch.arange(4), labels[0]] = 50.0
    assert hard_loss(sure_of_itself, labels).mean() > 40


def test_the_divergence_of_a_distribution_from_itself_is_0_and_so_is_its_gradient():
    student, _, labels = random_case(dtype=torch.float32, scale=30.0)
    loss = soft_loss(student, student.detach(), labels, temperature=2.0).mean()
    loss.backward()
    assert loss.item() == 0.0
    assert student.grad.abs().max() < 1e-7


@settings(max_examples=30, deadline=None)
@given(st.lists(st.floats(-80, 80), min_size=3, max_size=3), st.lists(st.floats(-80, 80), min_size=3, max_size=3))
def test_the_divergence_is_never_negative(first, second):
    p, q = torch.tensor([first, second], dtype=torch.float64)
    assert kl_divergence(p, q).item() >= -1e-12


def test_the_divergence_weighs_with_its_first_argument():
    p, q = torch.tensor([[4.0, 0.0, 0.0], [0.0, 0.0, 0.0]], dtype=torch.float64)
    p_probabilities, q_probabilities = torch.softmax(p, -1), torch.softmax(q, -1)
    expected = (p_probabilities * (p_probabilities / q_probabilities).log()).sum()
    assert kl_divergence(p, q).item() == pytest.approx(expected.item())
    assert kl_divergence(p, q).item() != pytest.approx(kl_divergence(q, p).item(), rel=0.1)


def test_a_token_that_is_ruled_out_counts_0_in_the_divergence():
    p = torch.tensor([0.0, 1.0, -math.inf], dtype=torch.float64)
    q = torch.tensor([0.5, 0.0, 0.3], dtype=torch.float64, requires_grad=True)
    divergence = kl_divergence(p, q)
    divergence.backward()
    pairs = zip(p.softmax(-1)[:2], q.detach().softmax(-1)[:2], strict=True)
    expected = sum(pi * math.log(pi / qi) for pi, qi in pairs)
    assert divergence.item() == pytest.approx(expected.item())
    torch.testing.assert_close(q.grad, q.detach().softmax(-1) - p.softmax(-1))
    assert kl_divergence(p, p) == 0.0
    assert kl_divergence(q.detach(), p) == math.inf


def test_the_squared_temperature_keeps_the_gradients_scale():
    student, teacher, labels = random_case(scale=1.0)
    norms = {T: value_and_gradient(student, teacher, labels, T, alpha=1.0)[1].norm().item() for T in (10.0, 100.0)}
    assert norms[100.0] == pytest.approx(norms[10.0], rel=0.1)  # without the factor: a hundredth


def test_a_high_temperature_becomes_logit_matching():
    student, teacher, labels = random_case(batch=1, scale=1.0)
    labels[:, 2:] = IGNORE
    value, gradient = value_and_gradient(student, teacher, labels, temperature=1e4, alpha=1.0)
    s, t = (x.detach()[0, 0] - x.detach()[0, 0].mean() for x in (student, teacher))
    assert value == pytest.approx(((s - t) ** 2).sum().item() / (2 * VOCABULARY), rel=1e-3)
    torch.testing.assert_close(gradient[0, 0], (s - t) / VOCABULARY, rtol=1e-2, atol=1e-5)


def test_one_big_batch_is_many_small_ones():
    student, teacher, labels = random_case(batch=4)
    labels[1, 3:] = IGNORE  # rows of different lengths, so that a mean of means would differ
    whole, gradient = value_and_gradient(student, teacher, labels, alpha=1.0)
    parts = TokenSum(torch.zeros(()), 0)
    for row in range(4):
        one = slice(row, row + 1)
        parts = parts + soft_loss(student[one], teacher[one], labels[one], 2.0)
    parts.mean().backward()
    means = [soft_loss(student[r : r + 1], teacher[r : r + 1], labels[r : r + 1], 2.0).mean() for r in range(4)]
    assert parts.mean().item() == pytest.approx(whole, rel=1e-13)
    torch.testing.assert_close(student.grad, gradient, rtol=1e-12, atol=0)
    assert abs(sum(means).item() / 4 - whole) > 1e-3


@pytest.mark.parametrize(("dtype", "relative"), [(torch.bfloat16, 2e-2), (torch.float16, 3e-3), (torch.float32, 1e-6)])
def test_half_precision_logits_stay_within_a_bound_of_float64(dtype, relative):
    """The bound is that of the logits' rounding alone: on the rounded logits the loss is exact to float32."""
    student, teacher, labels = random_case(batch=4, length=32, scale=3.0)
    expected, expected_gradient = value_and_gradient(student, teacher, labels)
    value, gradient = value_and_gradient(student.detach().to(dtype), teacher.to(dtype), labels)
    assert value == pytest.approx(expected, rel=relative)
    assert (gradient.double() - expected_gradient).norm() <= relative * expected_gradient.norm()
    rounded = [logits.detach().to(dtype).double() for logits in (student, teacher)]
    assert value == pytest.approx(value_and_gradient(*rounded, labels)[0], rel=1e-6)


def test_under_autocast_the_loss_still_computes_in_float32():
    student, teacher, labels = random_case(dtype=torch.float32)
    expected = distillation_loss(student, teacher, labels).item()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        loss = distillation_loss(student, teacher, labels)
    assert loss.dtype == torch.float32
    assert loss.item() == pytest.approx(expected, rel=1e-6)


def test_large_logits_stay_finite():
    student, teacher, labels = random_case(dtype=torch.float32, scale=1e4)
    value, gradient = value_and_gradient(student, teacher, labels)
    assert math.isfinite(value) and torch.isfinite(gradient).all()
    assert value == pytest.approx(value_and_gradient(student.double(), teacher.double(), labels)[0], rel=1e-5)


def test_no_gradient_reaches_the_teacher():
    student, teacher, labels = random_case()
    teacher.requires_grad_()
    distillation_loss(student, teacher, labels).backward()
    assert teacher.grad is None
    assert student.grad is not None


def test_nothing_that_came_in_is_changed():
    student, teacher, labels = random_case(dtype=torch.float32)
    before = [x.detach().clone() for x in (student, teacher, labels)]
    distillation_loss(student, teacher, labels).backward()
    assert all(torch.equal(x, y) for x, y in zip((student.detach(), teacher, labels), before, strict=True))


def test_soft_targets_sum_to_1_and_entropy_is_in_nats():
    probabilities = soft_targets(torch.tensor([[0.0, 0.0, 0.0, 0.0], [9.0, 0.0, 0.0, 0.0]]), temperature=2.0)
    torch.testing.assert_close(probabilities.sum(-1), torch.ones(2))
    assert entropy(probabilities)[0].item() == pytest.approx(math.log(4))
    assert entropy(torch.tensor([1.0, 0.0])).item() == 0.0
    torch.testing.assert_close(probabilities[1], torch.softmax(torch.tensor([4.5, 0.0, 0.0, 0.0]), -1))


@pytest.mark.parametrize("temperature", [0.0, -1.0, math.nan, math.inf])
def test_a_temperature_that_cannot_divide_is_refused(temperature):
    student, teacher, labels = random_case()
    with pytest.raises(CourseError, match=f"temperature is {temperature}"):
        distillation_loss(student, teacher, labels, temperature=temperature)
    with pytest.raises(CourseError, match=f"temperature is {temperature}"):
        soft_targets(student, temperature)


@pytest.mark.parametrize("alpha", [-0.1, 1.1, math.nan])
def test_an_alpha_outside_0_to_1_is_refused(alpha):
    with pytest.raises(CourseError, match=f"alpha is {alpha}"):
        distillation_loss(*random_case(), alpha=alpha)


def test_vocabularies_of_different_size_are_refused_with_both_sizes():
    student, teacher, labels = random_case()
    with pytest.raises(CourseError, match=r"vocabularies differ.* 11 tokens.* 10"):
        distillation_loss(student, teacher[..., :10], labels)


@pytest.mark.parametrize("cut", ["labels", "teacher", "both logits"])
def test_lengths_that_differ_are_refused_with_the_shapes_seen(cut):
    student, teacher, labels = random_case()
    if cut == "labels":
        labels = labels[:, 1:]
    if cut in ("teacher", "both logits"):
        teacher = teacher[:, :-1]
    if cut == "both logits":
        student = student[:, :-1]
    with pytest.raises(CourseError, match=r"do not fit.*\(3, \d, 11\).*\(3, \d\)"):
        distillation_loss(student, teacher, labels)


def test_the_parts_refuse_lengths_that_differ_too():
    student, teacher, labels = random_case()
    with pytest.raises(CourseError, match=r"\(3, 7, 11\) and \(3, 6\)"):
        hard_loss(student, labels[:, 1:])
    with pytest.raises(CourseError, match=r"\(3, 6, 11\) and \(3, 7\)"):
        soft_loss(student, teacher[:, 1:], labels, 1.0)


def test_flat_logits_are_refused():
    student, teacher, labels = random_case()
    with pytest.raises(CourseError, match="batch, sequence, vocabulary"):
        distillation_loss(student.flatten(0, 1), teacher.flatten(0, 1), labels.flatten())


def test_no_valid_label_is_an_error_and_never_nan():
    student, teacher, labels = random_case()
    labels[:, 1:] = IGNORE  # the first label is still there, and predicts from nothing
    with pytest.raises(CourseError, match="No label is valid"):
        distillation_loss(student, teacher, labels)
    with pytest.raises(CourseError, match="No label is valid"):
        hard_loss(student, labels).mean()


@pytest.mark.parametrize("whose", ["student", "teacher"])
@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_logits_that_are_not_finite_are_an_error_that_says_whose(whose, value):
    logits = dict(zip(("student", "teacher", "labels"), random_case(), strict=True))
    logits[whose] = logits[whose].detach().clone()
    logits[whose][1, 3, 0] = value
    with pytest.raises(CourseError, match=f"{whose}'s logits hold NaN"):
        distillation_loss(logits["student"], logits["teacher"], logits["labels"])
