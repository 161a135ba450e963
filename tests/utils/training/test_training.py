"""Is the loop the same for every loss, and does it stop before harm is done?"""

import copy
import functools
import math
import signal
import threading

import pytest
import torch

from utils.data.batches import BatchPlan, model_inputs, pad
from utils.errors import CourseError
from utils.losses.core import distillation_loss, hard_loss, soft_loss
from utils.machine.interrupts import DeferredInterrupt
from utils.models.forward import with_fast_forward
from utils.training.loop import ce_only_step, distill, train_step
from utils.training.settings import TrainingSettings

LOSS = functools.partial(distillation_loss, temperature=2.0)
SETTINGS = TrainingSettings(learning_rate=1e-3, epochs=2)


@pytest.fixture
def student(make_model):
    return make_model(0)


def weights(model):
    return torch.cat([parameter.detach().flatten().clone() for parameter in model.parameters()])


def never(*_):
    pytest.fail("this was called")


def test_a_step_is_one_update_along_the_losss_gradient(student, teacher, make_rows):
    batch = pad(make_rows((5, 9)), 0)
    expected = copy.deepcopy(student)
    student_logits, teacher_logits = (model(**model_inputs(batch)).logits for model in (expected, teacher))
    loss = LOSS(student_logits, teacher_logits, batch["labels"])
    loss.backward()
    with torch.no_grad():
        for parameter in expected.parameters():
            parameter -= 0.1 * parameter.grad
    value = train_step(student, teacher, batch, torch.optim.SGD(student.parameters(), lr=0.1), LOSS)
    assert type(value) is float and value == pytest.approx(loss.item())
    torch.testing.assert_close(weights(student), weights(expected))


def test_the_control_learns_from_labels_alone(student, make_rows):
    batch = pad(make_rows((5, 9)), 0)
    expected = hard_loss(student(batch["input_ids"]).logits, batch["labels"]).mean().item()
    value = ce_only_step(student, None, batch, torch.optim.SGD(student.parameters(), lr=0.1), never)
    assert value == pytest.approx(expected, rel=1e-5)
    assert hard_loss(student(batch["input_ids"]).logits, batch["labels"]).mean().item() < expected


@pytest.mark.parametrize("step", [train_step, ce_only_step])
def test_every_parameter_moves_in_float32_and_the_loss_falls(student, teacher, plan, step):
    before = {name: parameter.detach().clone() for name, parameter in student.named_parameters()}
    history = distill(student, teacher, plan, TrainingSettings(1e-2, epochs=6), LOSS, step)
    assert [name for name, p in student.named_parameters() if torch.equal(p, before[name])] == []
    assert {parameter.dtype for parameter in student.parameters()} == {torch.float32}
    assert history.epoch_losses()[-1] < 0.8 * history.epoch_losses()[0]


def test_small_updates_do_not_round_away(make_model, teacher, plan):
    fast = with_fast_forward(make_model(context=16), torch.bfloat16)
    before = weights(fast)
    distill(fast, teacher, plan, TrainingSettings(1e-6, epochs=1), LOSS)
    assert (weights(fast) != before).float().mean() > 0.9


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_a_student_in_half_precision_is_refused(student, teacher, plan, dtype):
    with pytest.raises(CourseError, match=f"weights are {dtype}.*dtype=torch.float32"):
        distill(student.to(dtype), teacher, plan, SETTINGS, LOSS)


def test_a_student_that_cannot_learn_is_refused(student, teacher, plan):
    with pytest.raises(CourseError, match="No parameter of the student requires a gradient"):
        distill(student.requires_grad_(False), teacher, plan, SETTINGS, LOSS)


def test_a_teacher_that_still_learns_is_refused(student, make_model, plan):
    with pytest.raises(CourseError, match="of the teacher's parameters still require a gradient"):
        distill(student, make_model(1), plan, SETTINGS, LOSS)


def test_a_teacher_that_came_in_training_mode_answers_without_dropout(student, make_model, plan):
    teacher = make_model(1, dropout=0.5).requires_grad_(False)
    expected = distill(copy.deepcopy(student), teacher, plan, SETTINGS, LOSS).records
    assert distill(student, teacher.train(), plan, SETTINGS, LOSS).records == expected


def test_a_student_that_came_in_eval_mode_learns_in_training_mode(student, teacher, plan):
    modes = []

    def step(student, teacher, batch, optimizer, loss):
        modes.append(student.training)
        return 0.0

    distill(student.eval(), teacher, plan, TrainingSettings(1e-3, epochs=1), LOSS, step)
    assert modes and all(modes)


def test_no_teacher_and_no_loss_are_said(student, teacher, plan):
    with pytest.raises(CourseError, match="There is no teacher"):
        distill(student, None, plan, SETTINGS, LOSS)
    with pytest.raises(CourseError, match=r"given none\. Pass loss=distillation_loss"):
        distill(student, teacher, plan, SETTINGS)


def test_rows_longer_than_a_models_context_are_refused_before_training(make_model, teacher, plan):
    with pytest.raises(CourseError, match="16 tokens and the model's context only 8"):
        distill(make_model(context=8), teacher, plan, SETTINGS, LOSS)


@pytest.mark.parametrize(
    ("returned", "sentence"),
    [(torch.tensor(1.0), "returned Tensor, not a Python float"), (None, "returned nothing"), (1, "returned int")],
)
def test_a_step_that_returns_no_float_gets_its_sentence(student, teacher, plan, returned, sentence):
    with pytest.raises(CourseError, match=sentence):
        distill(student, teacher, plan, SETTINGS, LOSS, lambda *_: returned)


def test_the_learning_rate_warms_up_and_decays_linearly(student, teacher, plan):
    rates = []

    def step(student, teacher, batch, optimizer, loss_function):
        rates.append(optimizer.param_groups[0]["lr"])
        return train_step(student, teacher, batch, optimizer, loss_function)

    distill(student, teacher, plan, TrainingSettings(1.0, epochs=4, warmup_share=0.2), LOSS, step)
    assert rates == pytest.approx([0.25, 0.5, 0.75, 1.0, *((20 - i) / 16 for i in range(4, 20))])


def test_a_run_of_a_single_step_takes_it_at_the_full_rate(student, teacher, make_rows):
    rates = []

    def step(student, teacher, batch, optimizer, loss_function):
        rates.append(optimizer.param_groups[0]["lr"])
        return train_step(student, teacher, batch, optimizer, loss_function)

    distill(student, teacher, BatchPlan(tuple(make_rows((5,))), 2, 0), TrainingSettings(0.1, epochs=1), LOSS, step)
    assert rates == [0.1]


@pytest.mark.parametrize(("maximum", "clipped"), [(0.01, True), (1e6, False)])
def test_gradients_are_clipped_whatever_the_step_does(student, teacher, plan, maximum, clipped):
    norms = []

    def step(student, teacher, batch, optimizer, loss_function):
        value = train_step(student, teacher, batch, optimizer, loss_function)
        norms.append(torch.cat([p.grad.flatten() for p in student.parameters()]).norm().item())
        return value

    distill(student, teacher, plan, TrainingSettings(1e-3, 1, max_gradient_norm=maximum), LOSS, step)
    assert [norm == pytest.approx(maximum, rel=1e-3) for norm in norms] == [clipped] * len(plan)


def test_a_gradient_of_0_is_a_step_like_another(student, teacher, plan):
    history = distill(student, teacher, plan, SETTINGS, lambda s, t, labels: 0.0 * s.sum())
    assert [record.loss for record in history.records] == [0.0] * history.steps_total


def loss_that_breaks(at, value):
    """The library's loss, times `value` from call `at` on."""
    calls = []

    def loss(student_logits, teacher_logits, labels):
        calls.append(1)
        return LOSS(student_logits, teacher_logits, labels) * (value if len(calls) >= at else 1.0)

    return loss


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_a_loss_that_is_not_finite_stops_before_it_reaches_the_weights(student, teacher, plan, value):
    good = copy.deepcopy(student)
    with pytest.raises(CourseError, match=f"loss is {value} at step 1 of 10.*learning rate.*divides by zero"):
        distill(student, teacher, plan, SETTINGS, loss_that_breaks(1, value))
    assert torch.equal(weights(student), weights(good))
    with pytest.raises(CourseError, match="at step 4 of 10"):
        distill(student, teacher, plan, SETTINGS, loss_that_breaks(4, value))
    assert torch.isfinite(weights(student)).all() and not torch.equal(weights(student), weights(good))


def test_a_gradient_that_is_not_finite_stops_before_it_reaches_the_weights(student, teacher, plan):
    before = weights(student)
    root_of_zero = lambda s, t, labels: (s - s).abs().sum().sqrt()  # noqa: E731  value 0, gradient NaN
    with pytest.raises(CourseError, match="gradient's norm is nan at step 1 of 10"):
        distill(student, teacher, plan, SETTINGS, root_of_zero)
    assert torch.equal(weights(student), before)


def test_a_returned_value_that_is_not_finite_stops_too(student, teacher, plan):
    with pytest.raises(CourseError, match="loss is nan at step 1"):
        distill(student, teacher, plan, SETTINGS, LOSS, lambda *_: math.nan)


@pytest.mark.parametrize("whose", ["student", "teacher"])
@pytest.mark.parametrize("own_loss", [True, False])
def test_the_cause_is_told_from_the_logits(student, teacher, plan, whose, own_loss):
    broken = {"student": student, "teacher": teacher}[whose]
    with torch.no_grad():
        broken.transformer.ln_f.bias.fill_(math.nan)
    loss = (lambda s, t, labels: (s - t).square().mean()) if own_loss else LOSS
    with pytest.raises(CourseError, match=f"(?s)at step 1 of 10.*{whose}"):
        distill(student, teacher, plan, SETTINGS, loss)


def test_gradients_left_behind_do_not_enter_the_next_run(make_model, teacher, plan):
    """A step may zero at its end, so gradients must be clear when it begins."""

    def zero_at_end(student, teacher, batch, optimizer, loss_function):
        student.train()
        loss = loss_function(student(batch["input_ids"]).logits, teacher(batch["input_ids"]).logits, batch["labels"])
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
        return loss.item()

    clean, dirty = make_model(0), make_model(0)
    for parameter in dirty.parameters():
        parameter.grad = torch.full_like(parameter, 1e3)
    for student in (clean, dirty):
        distill(student, teacher, plan, SETTINGS, LOSS, zero_at_end)
    assert torch.equal(weights(clean), weights(dirty))


def test_the_history_counts_tokens_and_keeps_both_parts_now_and_then(student, teacher, plan):
    settings = TrainingSettings(1e-3, epochs=2, record_parts_every=3)
    history = distill(student, teacher, plan, settings, LOSS)
    assert (history.steps_done, history.steps_total, history.steps_per_epoch) == (10, 10, 5)
    assert history.tokens == 2 * sum(row.valid for row in plan.rows)
    assert [record.epoch for record in history.records] == [0] * 5 + [1] * 5
    assert [step for step, record in enumerate(history.records) if record.soft is not None] == [0, 3, 6, 9]
    for record in history.records[::3]:
        assert 0.5 * record.soft + 0.5 * record.hard == pytest.approx(record.loss, rel=1e-6)


def test_the_loss_of_an_epoch_is_weighted_by_tokens(student, teacher, plan):
    history = distill(student, teacher, plan, TrainingSettings(0.0, epochs=1), LOSS)
    batch = pad(plan.rows, 0)
    logits = [model(**model_inputs(batch)).logits for model in (student, teacher)]
    assert history.epoch_losses() == [pytest.approx(LOSS(*logits, batch["labels"]).item(), rel=1e-5)]


@pytest.mark.parametrize(
    ("loss", "temperature"),
    [
        (functools.partial(distillation_loss, temperature=4.0), 4.0),
        (distillation_loss, 3.0),
        (lambda student, teacher, labels, temperature=5: distillation_loss(student, teacher, labels, temperature), 5.0),
        (lambda student, teacher, labels: distillation_loss(student, teacher, labels, 2.0), 1.0),
    ],
)
def test_both_parts_are_those_of_the_library_at_the_temperature_that_the_loss_has(
    student, teacher, plan, loss, temperature
):
    batch = next(plan.epoch(0))
    s, t = (model(**model_inputs(batch)).logits for model in (student, teacher))
    record = distill(student, teacher, plan, SETTINGS, loss).records[0]
    assert record.soft == pytest.approx(soft_loss(s, t, batch["labels"], temperature).mean().item(), rel=1e-5)
    assert record.hard == pytest.approx(hard_loss(s, batch["labels"]).mean().item(), rel=1e-5)


def test_two_runs_of_one_seed_are_equal_to_the_bit_and_another_seed_is_not(make_model, teacher, plan):
    def run(seed):
        student = make_model(0, dropout=0.2)
        torch.rand(7)  # whatever was drawn before
        history = distill(student, teacher, plan, TrainingSettings(1e-2, 1, seed=seed), LOSS)
        return history.records, weights(student)

    (records, first), (again, second), (others, third) = run(0), run(0), run(1)
    assert records == again and torch.equal(first, second)
    assert records != others and not torch.equal(first, third)


def test_the_first_interrupt_waits_for_the_end_of_the_step_and_the_second_does_not():
    before = signal.getsignal(signal.SIGINT)
    interrupt = DeferredInterrupt()
    try:
        interrupt.raise_if_requested()
        signal.raise_signal(signal.SIGINT)
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
        with pytest.raises(KeyboardInterrupt):
            interrupt.raise_if_requested()
    finally:
        interrupt.restore()
    assert signal.getsignal(signal.SIGINT) is before


def test_training_in_a_thread_leaves_the_signals_alone(student, teacher, plan):
    before, histories = signal.getsignal(signal.SIGINT), []
    thread = threading.Thread(target=lambda: histories.append(distill(student, teacher, plan, SETTINGS, LOSS)))
    thread.start()
    thread.join()
    assert histories[0].steps_done == 10 and signal.getsignal(signal.SIGINT) is before


def test_two_vocabularies_are_one_sentence_unless_the_readers_loss_cuts_them(student, make_model, plan):
    wide = make_model(1, vocabulary=80).requires_grad_(False)
    with pytest.raises(CourseError, match="The vocabularies differ"):
        distill(student, wide, plan, SETTINGS, loss=LOSS)
    history = distill(student, wide, plan, SETTINGS, loss=lambda s, t, labels: LOSS(s, t[..., : s.shape[-1]], labels))
    assert history.steps_done == 10 and all(record.soft is None for record in history.records)


def test_a_step_that_moved_the_weights_and_returns_no_number_is_taken_back(student, teacher, plan):
    before = weights(student)

    def step(*arguments):
        train_step(*arguments)
        return math.inf

    with pytest.raises(CourseError, match=r"The loss is inf at step 1 .* weights of step 0 again"):
        distill(student, teacher, plan, SETTINGS, loss=LOSS, step=step)
    torch.testing.assert_close(weights(student), before, rtol=0, atol=0)


@pytest.mark.parametrize(
    ("change", "value"),
    [("learning_rate", -1.0), ("learning_rate", math.nan), ("epochs", 0), ("seed", -1), ("record_parts_every", 0)],
)
def test_settings_that_cannot_be_are_named(change, value):
    with pytest.raises(CourseError, match=f"{change} is {value}; it must be"):
        TrainingSettings(**{"learning_rate": 1e-3, "epochs": 1, change: value})


def test_a_batch_of_no_rows_at_once_is_refused(student, teacher, plan):
    with pytest.raises(CourseError, match="micro_batch is -1"):
        distill(student, teacher, plan, SETTINGS, loss=LOSS, micro_batch=-1)
