"""A remembering teacher is asked once about each row, and says what the teacher says."""

import pytest
import torch

from utils.data.batches import BatchPlan, model_inputs, pack, pad
from utils.errors import CourseError
from utils.losses.core import distillation_loss
from utils.models.forward import with_fast_forward, with_positions
from utils.models.loading import freeze
from utils.teachers.remembering import RememberingTeacher
from utils.training.loop import distill
from utils.training.settings import TrainingSettings

VOCABULARY = 37


@pytest.fixture
def teacher(make_model):
    return freeze(with_positions(make_model(1, VOCABULARY, layers=3, width=24)))


@pytest.fixture
def rows(make_rows):
    return make_rows((8, 3, 11, 2, 6), VOCABULARY)


@pytest.fixture
def asked(teacher):
    """A list that grows by one whenever the teacher's layers are run."""
    calls = []
    teacher.base_model.register_forward_hook(lambda *_: calls.append(None))
    return calls


@pytest.mark.parametrize("side", ["right", "left"])
def test_it_says_what_the_teacher_says_and_asks_once(teacher, rows, asked, side):
    remembering = RememberingTeacher(teacher)
    first, again = pad(rows, 0), pad(rows[::-1], 0, side)
    remembering(**model_inputs(first))
    assert len(asked) == 1
    found = remembering(**model_inputs(again)).logits
    assert len(asked) == 1
    real = again["attention_mask"].bool()
    torch.testing.assert_close(found[real], teacher(**model_inputs(again)).logits[real])


def test_packed_rows_find_their_answers_too(teacher, rows, asked):
    remembering, packed = RememberingTeacher(teacher), pack(rows, 12, 0)
    remembering(**model_inputs(packed))
    found = remembering(**model_inputs(packed)).logits
    assert len(asked) == 1
    torch.testing.assert_close(found, teacher(**model_inputs(packed)).logits)


def test_other_positions_are_other_questions(teacher, rows, asked):
    remembering, batch = RememberingTeacher(teacher), model_inputs(pad(rows, 0))
    remembering(**batch)
    later = torch.arange(5, 16).expand(5, -1)
    torch.testing.assert_close(
        remembering(**batch, position_ids=later).logits, teacher(**batch, position_ids=later).logits
    )
    assert len(asked) == 3


@pytest.mark.parametrize("side", ["right", "left"])
def test_of_a_batch_with_unknown_rows_only_those_are_asked_about(teacher, rows, side):
    remembering, asked = RememberingTeacher(teacher), []
    teacher.base_model.register_forward_hook(lambda *call: asked.append(len(call[-1].last_hidden_state)))
    for some in (rows[:2], rows[1:4], rows[:4]):
        batch = pad(some, 0, side)
        found, real = remembering(**model_inputs(batch)).logits, batch["attention_mask"].bool()
        count = len(asked)
        torch.testing.assert_close(found[real], teacher(**model_inputs(batch)).logits[real])
        del asked[count:]
    assert asked == [2, 2]


def test_no_more_is_kept_than_there_is_room_for(teacher, rows, asked):
    remembering, batch = RememberingTeacher(teacher, kept_bytes=10 * 24 * 4), model_inputs(pad(rows, 0))
    real = batch["attention_mask"].bool()
    for _ in range(2):
        torch.testing.assert_close(remembering(**batch).logits[real], teacher(**batch).logits[real])
    assert len(asked) == 4
    assert sum(states.nbytes for states in remembering.kept.values()) <= 10 * 24 * 4


def test_in_train_mode_and_for_hidden_states_it_is_asked_each_time(teacher, rows, asked):
    remembering, batch = RememberingTeacher(teacher), model_inputs(pad(rows, 0))
    remembering(**batch)
    assert len(remembering(**batch, output_hidden_states=True).hidden_states) == 4
    remembering.train()(**batch)
    assert len(asked) == 3


def test_a_teacher_whose_output_layer_does_not_make_its_logits_is_asked_each_time(teacher, rows, asked):
    def capped(model, inputs, output):
        output.logits = 3 * torch.tanh(output.logits / 3)
        return output

    teacher.register_forward_hook(capped)
    remembering, batch = RememberingTeacher(teacher), model_inputs(pad(rows, 0))
    for _ in range(2):
        torch.testing.assert_close(remembering(**batch).logits, teacher(**batch).logits)
    assert len(asked) == 4


def test_in_bfloat16_it_remembers_what_it_said(teacher, rows):
    remembering, batch = RememberingTeacher(with_fast_forward(teacher, torch.bfloat16)), model_inputs(pad(rows, 0))
    first, second = (remembering(**batch).logits for _ in range(2))
    assert second.dtype == torch.float32
    torch.testing.assert_close(second[batch["attention_mask"].bool()], first[batch["attention_mask"].bool()])


def test_a_training_reaches_the_same_student(teacher, rows, make_model):
    plan = BatchPlan(tuple(rows), 2, 0)
    settings, losses = TrainingSettings(learning_rate=1e-3, epochs=3), []
    for one in (teacher, RememberingTeacher(teacher)):
        student = with_positions(make_model(2, VOCABULARY))
        losses.append(distill(student, one, plan, settings, loss=distillation_loss).epoch_losses())
    assert losses[1] == pytest.approx(losses[0], rel=1e-5)


def test_a_teacher_that_still_learns_is_refused(make_model):
    with pytest.raises(CourseError, match="still require a gradient"):
        RememberingTeacher(make_model(1))
