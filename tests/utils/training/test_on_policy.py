"""A step on the student's own text: what it trains on, with which random numbers, and what it counts."""

import copy

import pytest
import torch

from utils.checks.made import tiny_model
from utils.data.batches import BatchPlan, Row, model_inputs, pad
from utils.errors import CourseError
from utils.losses.divergences import jsd_loss
from utils.training.loop import distill
from utils.training.on_policy import OnPolicyStep, as_batch, prompts_of
from utils.training.settings import NO_PARTS, TrainingSettings
from utils.training.steps import train_step

PAD, EOS = 0, 1


def rows():
    """Prompts of one to three tokens, completions of two to four."""
    given = [(2, 3), (4,), (5, 6, 7), (8, 9), (3, 4), (6,)]
    completions = [(7, 8, EOS), (2, 3, 4, EOS), (9, EOS), (5, 5, EOS), (2, EOS), (10, 9, EOS)]
    return tuple(
        Row((*prompt, *text), (*[-100] * len(prompt), *text), str(number), 0)
        for number, (prompt, text) in enumerate(zip(given, completions, strict=True))
    )


class Writer:
    """Writes three random tokens behind every prompt, and notes how it was asked."""

    def __init__(self):
        self.asked = []

    def __call__(self, model, prompts, chance):
        self.asked.append((model.training, torch.is_grad_enabled(), prompts))
        ids, mask = prompts["input_ids"], prompts["attention_mask"]
        tokens = torch.randint(2, 11, (len(ids), 3), generator=chance)
        written = torch.cat([torch.zeros_like(ids), torch.ones_like(tokens)], dim=1).bool()
        return {
            "input_ids": torch.cat([ids, tokens], dim=1),
            "attention_mask": torch.cat([mask, torch.ones_like(tokens)], dim=1),
            "completion_mask": written,
        }


def loss(student_logits, teacher_logits, labels):
    return jsd_loss(student_logits, teacher_logits, labels, 1.0, 0.5).mean()


def trained(step, epochs=2, seed=0):
    student = tiny_model(3)
    settings = TrainingSettings(1e-2, epochs, record_parts_every=NO_PARTS, seed=seed)
    teacher = tiny_model(4).requires_grad_(False)
    history = distill(student, teacher, BatchPlan(rows(), 2, PAD, seed), settings, loss, step)
    return history, torch.cat([parameter.detach().flatten() for parameter in student.parameters()])


def test_a_share_of_0_is_the_plain_step():
    writer = Writer()
    ours, plain = trained(OnPolicyStep(writer, 0.0)), trained(train_step)
    assert torch.equal(ours[1], plain[1]) and ours[0].tokens == plain[0].tokens
    assert not writer.asked


def test_the_student_writes_in_eval_mode_without_gradient_and_its_tokens_are_counted():
    writer = Writer()
    step = OnPolicyStep(writer, 1.0)
    history, weights = trained(step)
    assert len(writer.asked) == step.steps == 6
    assert not any(training or gradients for training, gradients, _ in writer.asked)
    assert history.tokens == step.tokens == 6 * 2 * 3
    assert not torch.equal(weights, trained(train_step)[1])


def test_both_models_score_the_same_written_tokens():
    student, teacher, writer = tiny_model(3), tiny_model(4).requires_grad_(False), Writer()
    batch = pad(rows()[:2], PAD)
    seen = []

    def noting(student_logits, teacher_logits, labels):
        seen.append((student_logits.detach(), teacher_logits, labels))
        return loss(student_logits, teacher_logits, labels)

    before = copy.deepcopy(student)
    value = OnPolicyStep(writer)(student, teacher, batch, torch.optim.SGD(student.parameters(), lr=0.1), noting)
    ((ours, theirs, labels),) = seen
    assert torch.equal(labels, batch["labels"]) and labels.shape == batch["input_ids"].shape
    for model, logits in ((before, ours), (teacher, theirs)):
        torch.testing.assert_close(model(**model_inputs(batch)).logits, logits)
    assert value == pytest.approx(loss(ours, theirs, labels).item())


@pytest.mark.parametrize("share", [0.3, 0.7])
def test_the_share_is_that_of_the_steps(share):
    step = OnPolicyStep(Writer(), share, seed=1)
    trained(step, epochs=100)
    assert abs(step.steps / 300 - share) < 3 * (share * (1 - share) / 300) ** 0.5


def test_the_random_numbers_follow_from_the_seed_and_the_update():
    first, again, other = (trained(OnPolicyStep(Writer(), 0.5, seed))[1] for seed in (1, 1, 2))
    assert torch.equal(first, again) and not torch.equal(first, other)


@pytest.mark.parametrize("side", ["left", "right"])
def test_prompts_are_what_stands_before_the_labels_padded_on_the_left(side):
    prompts = prompts_of(pad(rows()[:3], PAD, side))
    assert prompts["input_ids"].tolist() == [[PAD, 2, 3], [PAD, PAD, 4], [5, 6, 7]]
    assert prompts["attention_mask"].tolist() == [[0, 1, 1], [0, 0, 1], [1, 1, 1]]


def test_a_prompt_with_an_end_of_text_that_is_also_padding_is_whole():
    batch = pad([Row((PAD, 5, 6, PAD), (-100, -100, 6, PAD), "0", 0)], PAD)
    assert prompts_of(batch)["input_ids"].tolist() == [[PAD, 5]]
    assert prompts_of(batch)["attention_mask"].tolist() == [[1, 1]]


def test_labels_are_the_written_tokens():
    written = {
        "input_ids": torch.tensor([[0, 4, 5, 1]]),
        "attention_mask": torch.tensor([[0, 1, 1, 1]]),
        "completion_mask": torch.tensor([[False, False, True, True]]),
    }
    assert as_batch(written)["labels"].tolist() == [[-100, -100, 5, 1]]


@pytest.mark.parametrize(
    ("provoke", "sentence"),
    [
        (lambda: OnPolicyStep(Writer(), 1.5), "share of the student's own text is 1.5"),
        (lambda: prompts_of(pad([Row((4, 5), (4, 5), "0", 0)], PAD)), "Row 0 of the batch has no prompt"),
    ],
)
def test_what_cannot_be_is_said(provoke, sentence):
    with pytest.raises(CourseError, match=sentence):
        provoke()


@pytest.mark.parametrize("share", [0.0, 1.0])
def test_a_loss_may_rise_where_the_text_changes_and_nowhere_else(share):
    values = iter([0.1, *[9.0] * 5])

    def rising(student_logits, teacher_logits, labels):
        return student_logits.sum() * 0 + next(values)

    student = tiny_model(3)
    settings = TrainingSettings(1e-2, 2, record_parts_every=NO_PARTS)
    teacher = tiny_model(4).requires_grad_(False)
    arguments = student, teacher, BatchPlan(rows(), 2, PAD, 0), settings, rising, OnPolicyStep(Writer(), share)
    if share:
        assert distill(*arguments).steps_done == 6
    else:
        with pytest.raises(CourseError, match="has jumped"):
            distill(*arguments)


def test_a_batch_in_pieces_is_refused():
    student = tiny_model(3)
    settings = TrainingSettings(1e-2, 1, record_parts_every=NO_PARTS)
    teacher = tiny_model(4).requires_grad_(False)
    plan = BatchPlan(rows(), 2, PAD, 0)
    with pytest.raises(CourseError, match="needs its batch whole"):
        distill(student, teacher, plan, settings, loss, OnPolicyStep(Writer()), micro_batch=1)
