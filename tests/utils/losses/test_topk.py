"""Top k with the others as one bin: never above the whole loss, equal to it where nothing is left out."""

import pytest
import torch

from utils.data.batches import BatchPlan, pad
from utils.errors import CourseError
from utils.losses.core import soft_loss
from utils.losses.topk import (
    TopAnswers,
    top_answers,
    topk_soft_loss,
    truncation_bias,
)
from utils.models.loading import freeze
from utils.teachers.cache import cache_answers
from utils.teachers.cache_settings import CacheSettings
from utils.training.loop import distill
from utils.training.settings import TrainingSettings
from utils.training.topk_step import cached_top_answers, topk_step

VOCABULARY = 37


@pytest.fixture
def case():
    generator = torch.Generator().manual_seed(0)
    student, teacher = 3 * torch.randn(2, 3, 6, VOCABULARY, generator=generator, dtype=torch.float64)
    labels = torch.randint(VOCABULARY, (3, 6), generator=generator)
    labels[0, 4:] = -100
    return student.requires_grad_(), teacher, labels


@pytest.mark.parametrize("temperature", [1.0, 3.0])
def test_with_every_token_kept_it_is_the_whole_loss_and_gradient(case, temperature):
    student, teacher, labels = case
    whole = soft_loss(student, teacher, labels, temperature)
    ours = topk_soft_loss(student, top_answers(teacher, VOCABULARY, temperature), labels)
    assert ours.count == whole.count
    torch.testing.assert_close(ours.total, whole.total)
    found, expected = (torch.autograd.grad(loss.total, student)[0] for loss in (ours, whole))
    torch.testing.assert_close(found, expected)


@pytest.mark.parametrize("temperature", [1.0, 3.0])
def test_fewer_tokens_lose_more_and_none_is_ever_above_the_whole(case, temperature):
    student, teacher, labels = case
    values = [
        topk_soft_loss(student, top_answers(teacher, k, temperature), labels).total.item() for k in (1, 4, 16, 36, 37)
    ]
    assert values == sorted(values)
    assert values[-1] == pytest.approx(soft_loss(student, teacher, labels, temperature).total.item())
    assert values[0] >= 0


def test_the_loss_is_the_divergence_over_k_plus_one_bins_computed_by_hand(case):
    student, teacher, labels = case
    k, temperature, expected = 3, 2.0, 0.0
    for row in range(3):
        for place in range(5):
            if labels[row, place + 1] == -100:
                continue
            p = torch.softmax(teacher[row, place] / temperature, -1)
            q = torch.softmax(student[row, place] / temperature, -1)
            top = p.topk(k).indices
            p, q = (torch.cat([x[top], 1 - x[top].sum().unsqueeze(0)]) for x in (p, q))
            expected = expected + (p * (p / q).log()).sum()
    found = topk_soft_loss(student, top_answers(teacher, k, temperature), labels).total
    torch.testing.assert_close(found, temperature**2 * expected)


def test_gradcheck(case):
    student, teacher, labels = (part[1:2, :3] for part in case)
    answers = top_answers(teacher, 5, 2.0)
    student = student.detach().requires_grad_()
    assert torch.autograd.gradcheck(lambda x: topk_soft_loss(x, answers, labels).total, (student,))


def test_a_teacher_equal_to_the_student_costs_nothing_and_pulls_nowhere(case):
    student, _, labels = case
    loss = topk_soft_loss(student, top_answers(student, 4, 1.0), labels).total
    assert loss.item() == pytest.approx(0, abs=1e-12)
    (gradient,) = torch.autograd.grad(loss, student)
    torch.testing.assert_close(gradient, torch.zeros_like(gradient))


def test_an_empty_bin_gives_no_nan(case):
    student, teacher, labels = case
    teacher = teacher.clone()
    teacher[..., 5:] = -torch.inf  # every other token ruled out
    loss = topk_soft_loss(student, top_answers(teacher, 8, 1.0), labels).total
    (gradient,) = torch.autograd.grad(loss, student)
    assert torch.isfinite(loss) and torch.isfinite(gradient).all()
    torch.testing.assert_close(loss, soft_loss(student, teacher, labels, 1.0).total)


@pytest.fixture
def models(make_model, make_rows):
    rows = make_rows((9, 4, 12, 2, 7), VOCABULARY)
    return make_model(2, VOCABULARY), freeze(make_model(1, VOCABULARY, layers=2)), rows


def test_the_cache_holds_the_same_answers(models, tmp_path):
    _, teacher, rows = models
    cache = cache_answers(teacher, rows, tmp_path, CacheSettings(5, (1.0, 3.0)))
    batch = pad(rows, 0)
    real = batch["attention_mask"].bool()
    logits = teacher(input_ids=batch["input_ids"], attention_mask=batch["attention_mask"]).logits
    for temperature in (1.0, 3.0):
        found, expected = cached_top_answers(cache, batch, temperature), top_answers(logits, 5, temperature)
        assert torch.equal(found.ids[real], expected.ids[real])
        torch.testing.assert_close(
            found.log_probabilities[real], expected.log_probabilities[real], atol=5e-3, rtol=1e-3
        )
    with pytest.raises(CourseError, match="counted at T = 1, 3, not at 2"):
        cached_top_answers(cache, batch, 2.0)


def test_ids_of_a_vocabulary_beyond_two_bytes_survive(make_rows, make_model, tmp_path):
    rows = make_rows((3,), 70_000)
    teacher = freeze(make_model(1, 70_000, width=4))
    cache = cache_answers(teacher, rows, tmp_path, CacheSettings(3))
    batch = pad(rows, 0)
    expected = top_answers(teacher(**{k: v for k, v in batch.items() if k != "labels"}).logits, 3, 1.0)
    assert torch.equal(cached_top_answers(cache, batch, 1.0).ids, expected.ids)


def test_a_student_learns_from_top_k_without_asking_the_teacher(models, tmp_path):
    student, teacher, rows = models
    cache = cache_answers(teacher, rows, tmp_path, CacheSettings(5))
    plan, settings = BatchPlan(tuple(rows), 5, 0), TrainingSettings(learning_rate=1e-2, epochs=8)
    history = distill(student, None, plan, settings, step=topk_step(cache, 1.0, 0.5))
    assert history.epoch_losses()[-1] < history.epoch_losses()[0] - 0.2


def test_the_bias_of_the_tail_is_one_sided_and_smaller_than_that_of_plain_top_k(models):
    student, teacher, rows = models
    few, many = (truncation_bias(student, teacher, [pad(rows, 0)], k, 1.0) for k in (2, 20))
    for bias in (few, many):
        assert bias.with_tail <= bias.whole
        assert abs(bias.with_tail - bias.whole) < abs(bias.without_tail - bias.whole)
    assert few.whole - few.with_tail > many.whole - many.with_tail
    assert 0 < many.tail_mass < few.tail_mass < 1


def test_a_bin_is_shifted_and_masked_as_the_logits_are(case):
    student, teacher, labels = case
    answers = top_answers(teacher, 4, 1.0)
    elsewhere = answers.log_probabilities.clone()
    elsewhere[0, 3:] = 7.0  # positions whose next label is ignored
    elsewhere[:, -1] = 7.0  # the last position predicts nothing
    changed = TopAnswers(answers.ids, elsewhere, 1.0)
    assert topk_soft_loss(student, answers, labels).total == topk_soft_loss(student, changed, labels).total
