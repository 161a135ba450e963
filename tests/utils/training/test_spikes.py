"""Does a loss that explodes stop the run, with good weights in hand, and does an ordinary one go on?"""

import functools

import pytest
import torch

from utils.data.batches import BatchPlan
from utils.errors import CourseError
from utils.losses.core import distillation_loss
from utils.models import fingerprint
from utils.training import spikes
from utils.training.checkpoints import saved_history
from utils.training.loop import ce_only_step, distill, train_step
from utils.training.settings import TrainingSettings

LOSS = functools.partial(distillation_loss, temperature=2.0)
STEPS = 60


@pytest.fixture
def plan(make_rows):
    return BatchPlan(tuple(make_rows((5, 9, 12, 3, 16, 4, 7, 8, 2, 6) * 6)), 1, 0)


@pytest.fixture
def student(make_model):
    return make_model(0)


@pytest.fixture
def teacher(make_model):
    return make_model(1).requires_grad_(False)


def reports(losses, weights):
    """A step that trains, notes the weights it began with, and reports the losses of a script."""

    def step(student, teacher, batch, optimizer, loss_function):
        weights.append(fingerprint.of_weights(student))
        value = train_step(student, teacher, batch, optimizer, loss_function)
        return losses[len(weights) - 1] if len(weights) <= len(losses) else value

    return step


def run(student, teacher, plan, losses, weights, checkpoint=None):
    return distill(student, teacher, plan, TrainingSettings(1e-3, 1), LOSS, reports(losses, weights), checkpoint)


@pytest.mark.parametrize(
    ("losses", "step", "back_to"),
    [
        ([4.0] * 40 + [9.0] * 20, 43, 36),  # the mean of five passes 1.5 times 4 at the third; a state is kept every 6
        ([4.0] * 40 + [4.0e4] + [4.0] * 19, 41, 30),
        ([4.0, 5.0, 9.0, 30.0, 80.0] + [80.0] * 55, 5, 0),
        ([4.0, 4.0e3] + [4.0] * 58, 2, 0),
        ([0.01] * 40 + [3.0] * 20, 42, 30),
    ],
    ids=["grows", "one batch", "from the start", "in the second step", "small losses"],
)
def test_a_loss_that_jumps_stops_the_run_with_the_last_good_weights(
    student, teacher, plan, tmp_path, losses, step, back_to
):
    weights = []
    with pytest.raises(CourseError, match=f"loss has jumped.* training stops at step {step} of 60") as error:
        run(student, teacher, plan, losses, weights, tmp_path / "run.pt")
    assert f"weights of step {back_to} again" in str(error.value)
    assert fingerprint.of_weights(student) == weights[back_to]
    kept = torch.load(tmp_path / "run.pt")
    assert saved_history(tmp_path / "run.pt").steps_done == back_to
    assert fingerprint.of_state(kept["student"]) == weights[back_to]
    assert "learning rate that is too high (0.001)" in str(error.value)
    assert ("a single batch" in str(error.value)) == (4.0e4 in losses)


@pytest.mark.parametrize(
    "losses",
    [
        [(2.0, 9.0, 4.0)[step % 3] for step in range(STEPS)],
        [10.0 - step / 6 for step in range(STEPS)],
        [4.0, 6.0, 8.0, 9.0] + [4.0] * 56,
        [4.0] * 40 + [12.0] + [4.0] * 19,
        [1e-9 * 10 ** (step / 10) for step in range(STEPS)],
        [0.0] * 30 + [0.9] * 30,
        [-1.0 - step for step in range(STEPS)],
    ],
    ids=["unequal batches", "falls", "warms up", "one hard batch", "near zero", "from zero", "below zero"],
)
def test_a_loss_that_only_differs_from_batch_to_batch_does_not(student, teacher, plan, losses):
    assert run(student, teacher, plan, losses, []).steps_done == STEPS


def test_a_loss_divided_by_rows_is_wrong_and_still_no_jump(student, teacher, make_rows):
    """A learner's wrong loss grows with a batch's length: it has its own check, and is to be seen trained."""
    plan = BatchPlan(tuple(make_rows((2, 3, 4, 16, 32, 64) * 10)), 1, 0)
    by_length = lambda s, t, labels: LOSS(s, t, labels) * (labels[:, 1:] != -100).sum()  # noqa: E731
    assert distill(student, teacher, plan, TrainingSettings(1e-3, 1), by_length).steps_done == 60


@pytest.mark.parametrize("step", [train_step, ce_only_step])
def test_a_learning_rate_far_too_high_is_named_and_the_student_left_as_good_as_it_was(student, teacher, plan, step):
    with pytest.raises(CourseError, match=r"(jumped|is nan|is inf).*learning rate"):
        distill(student, teacher, plan, TrainingSettings(1e3, 1), LOSS, step)
    assert all(torch.isfinite(parameter).all() for parameter in student.parameters())


def test_a_run_that_goes_on_remembers_its_losses(student, teacher, plan, tmp_path, monkeypatch):
    weights, path = [], tmp_path / "run.pt"
    losses = [4.0] * 40
    stopping = reports(losses, weights)

    def step(*arguments):
        if len(weights) == 40:
            raise KeyboardInterrupt
        return stopping(*arguments)

    monkeypatch.setattr(fingerprint, "of_function", lambda function: "any")
    settings = TrainingSettings(1e-3, 1)
    with pytest.raises(KeyboardInterrupt):
        distill(student, teacher, plan, settings, LOSS, step, path)
    with pytest.raises(CourseError, match=r"stops at step 43 of 60.*weights of step 40 again"):
        distill(student, teacher, plan, settings, LOSS, reports([9.0] * 20, []), path)


def test_without_the_memory_for_earlier_states_the_checkpoint_is_what_remains(
    student, teacher, plan, tmp_path, monkeypatch
):
    monkeypatch.setattr(spikes, "available_memory", lambda: 0)
    with pytest.raises(CourseError, match="no memory to keep earlier weights: load the student again"):
        run(student, teacher, plan, [4.0] * 40 + [9.0] * 20, [])
    monkeypatch.setattr("utils.training.checkpoints.SECONDS_BETWEEN", 0.0)
    weights = []
    with pytest.raises(CourseError, match="has its weights of step 40 again"):
        run(student, teacher, plan, [4.0] * 40 + [9.0] * 20, weights, tmp_path / "run.pt")
    assert fingerprint.of_weights(student) == weights[40]
