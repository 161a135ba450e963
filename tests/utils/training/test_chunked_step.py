"""The update of the dense step, packed or padded, with the teacher asked or read from the cache."""

import copy

import pytest
import torch

from utils.data.batches import BatchPlan, pack, pad
from utils.errors import CourseError
from utils.losses.core import distillation_loss
from utils.models.forward import with_positions
from utils.models.loading import freeze
from utils.teachers.cache import cache_answers
from utils.teachers.cache_settings import CacheSettings
from utils.teachers.remembering import RememberingTeacher
from utils.training.chunked_step import chunked_step, last_hidden_settings
from utils.training.loop import distill, train_step
from utils.training.settings import TrainingSettings

VOCABULARY = 37


@pytest.fixture
def case(make_model, make_rows):
    rows = make_rows((9, 4, 12, 2, 7), VOCABULARY)
    student = with_positions(make_model(2, VOCABULARY))
    return student, freeze(with_positions(make_model(1, VOCABULARY, width=24, layers=2))), rows


def _after(step, student, teacher, batch):
    student = copy.deepcopy(student)
    optimizer = torch.optim.SGD(student.parameters(), lr=1.0)
    value = step(student, teacher, batch, optimizer, distillation_loss)
    return value, torch.cat([parameter.detach().flatten() for parameter in student.parameters()])


@pytest.mark.parametrize("side", ["right", "left", "packed"])
@pytest.mark.parametrize("cached", [False, True])
def test_the_update_is_that_of_the_dense_step(case, tmp_path, side, cached):
    student, teacher, rows = case
    cache = cache_answers(teacher, rows, tmp_path, last_hidden_settings(teacher)) if cached else None
    batch = pack(rows, 16, 0) if side == "packed" else pad(rows, 0, side)
    value, weights = _after(chunked_step(3.0, 0.5, cache, chunk=5), student, teacher, batch)
    expected, dense = _after(train_step, student, teacher, pad(rows, 0))
    tolerance = 2e-3 if cached else 2e-5  # the cache rounds to float16
    assert value == pytest.approx(expected, rel=tolerance)
    torch.testing.assert_close(weights, dense, atol=tolerance, rtol=tolerance)


def test_a_student_learns_with_a_teacher_that_is_read_from_the_cache(case, tmp_path):
    student, teacher, rows = case
    cache = cache_answers(teacher, rows, tmp_path, last_hidden_settings(teacher))
    asked = []
    teacher.base_model.register_forward_hook(lambda *call: asked.append(len(call[-1].last_hidden_state)))
    plan, settings = BatchPlan(tuple(rows), 5, 0, pack_length=16), TrainingSettings(learning_rate=1e-2, epochs=8)
    history = distill(student, teacher, plan, settings, step=chunked_step(1.0, 0.5, cache))
    assert history.epoch_losses()[-1] < history.epoch_losses()[0] - 0.2
    # Five answers prove that it reads packed rows; then one row, with the output layer and without.
    assert asked == [1] * 5 + [1, 1]


@pytest.mark.parametrize("who", ["student", "teacher"])
def test_logits_that_are_scaled_after_the_output_layer_are_refused(case, who):
    student, teacher, rows = case

    def scaled(model, inputs, output):
        output.logits = output.logits / 8
        return output

    (student if who == "student" else teacher).register_forward_hook(scaled)
    with pytest.raises(CourseError, match="are not its hidden states times its output layer"):
        chunked_step(1.0, 0.5)(student, teacher, pad(rows, 0), torch.optim.SGD(student.parameters()), None)


def test_a_teacher_that_only_remembers_and_settings_that_cannot_be_are_refused(case):
    student, teacher, rows = case
    optimizer = torch.optim.SGD(student.parameters())
    with pytest.raises(CourseError, match="A RememberingTeacher has no layers to ask"):
        chunked_step(1.0, 0.5)(student, RememberingTeacher(teacher), pad(rows, 0), optimizer, None)
    with pytest.raises(CourseError, match="temperature is -2"):
        chunked_step(-2.0, 0.5)
    with pytest.raises(CourseError, match="alpha is 7"):
        chunked_step(1.0, 7.0)


def test_a_cache_without_the_last_hidden_states_is_refused(case, tmp_path):
    student, teacher, rows = case
    cache = cache_answers(teacher, rows, tmp_path, CacheSettings(top_k=0, hidden_layers=(1,)))
    with pytest.raises(CourseError, match="last_hidden_settings"):
        _after(chunked_step(1.0, 0.5, cache), student, teacher, pad(rows, 0))


def test_an_output_layer_with_a_bias_is_refused(case):
    student, teacher, rows = case
    student.lm_head.bias = torch.nn.Parameter(torch.zeros(VOCABULARY))
    with pytest.raises(CourseError, match="bias"):
        _after(chunked_step(1.0, 0.5), student, teacher, pad(rows, 0))
