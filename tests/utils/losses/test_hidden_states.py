"""The hidden-state loss: mean over real tokens and features, gradient to student and projection alone."""

import pytest
import torch
from torch import nn

from utils.data.batches import BatchPlan, pad
from utils.errors import CourseError
from utils.losses.core import distillation_loss
from utils.losses.hidden_states import hidden_state_loss, layer_map
from utils.models.loading import freeze
from utils.teachers.cache import cache_answers
from utils.teachers.cache_settings import CacheSettings
from utils.teachers.cached import CachedTeacher
from utils.training.hidden_step import add_projections, drop_projections, hidden_step
from utils.training.loop import distill
from utils.training.settings import TrainingSettings


@pytest.mark.parametrize(
    ("student", "teacher", "expected"),
    [
        (6, 24, [4, 8, 12, 16, 20, 24]),
        (1, 24, [24]),
        (5, 5, [1, 2, 3, 4, 5]),
        (2, 12, [6, 12]),
        (4, 6, [1, 3, 4, 6]),
    ],
)
def test_layers_are_evenly_spaced_and_the_last_follows_the_last(student, teacher, expected):
    assert layer_map(student, teacher) == expected


@pytest.mark.parametrize(("student", "teacher"), [(0, 6), (7, 6), (-1, 2)])
def test_layers_that_cannot_be_mapped_are_refused(student, teacher):
    with pytest.raises(CourseError, match="layers"):
        layer_map(student, teacher)


@pytest.fixture
def case():
    torch.manual_seed(0)
    student = torch.randn(2, 5, 3, dtype=torch.float64, requires_grad=True)
    teacher = torch.randn(2, 5, 4, dtype=torch.float64, requires_grad=True)
    mask = torch.tensor([[1, 1, 1, 0, 0], [0, 1, 1, 1, 1]])
    return student, teacher, nn.Linear(3, 4, bias=False).double(), mask


@pytest.mark.parametrize("distance", ["mse", "cosine"])
def test_value_and_gradient_are_those_computed_by_hand(case, distance):
    student, teacher, projection, mask = case
    values = []
    for row, place in mask.nonzero().tolist():
        ours, theirs = projection.weight @ student[row, place], teacher[row, place].detach()
        if distance == "mse":
            values.append((ours - theirs).square().sum() / 4)
        else:
            values.append(1 - ours @ theirs / ours.norm() / theirs.norm())
    expected = sum(values) / len(values)
    found = hidden_state_loss(student, teacher, projection, mask, distance)
    torch.testing.assert_close(found, expected)
    leaves = (student, projection.weight)
    torch.testing.assert_close(torch.autograd.grad(found, leaves), torch.autograd.grad(expected, leaves))


def test_no_gradient_reaches_the_teacher_and_padding_changes_nothing(case):
    student, teacher, projection, mask = case
    loss = hidden_state_loss(student, teacher, projection, mask)
    loss.backward()
    assert teacher.grad is None
    assert (student.grad[mask == 0] == 0).all()
    with torch.no_grad():
        student[mask == 0] = 1e6
    torch.testing.assert_close(hidden_state_loss(student, teacher, projection, mask), loss)


def test_shapes_that_do_not_fit_and_an_empty_mask_are_refused(case):
    student, teacher, projection, mask = case
    with pytest.raises(CourseError, match="of one batch"):
        hidden_state_loss(student[:, 1:], teacher, projection, mask)
    with pytest.raises(CourseError, match="no token as real"):
        hidden_state_loss(student, teacher, projection, 0 * mask)
    with pytest.raises(CourseError, match="gives 3 features"):
        hidden_state_loss(student, teacher, nn.Identity(), mask)


@pytest.fixture
def pair(make_model, make_rows):
    rows = tuple(make_rows((9, 4, 12, 7), 37))
    return make_model(2, 37, width=8), freeze(make_model(1, 37, layers=2, width=16)), BatchPlan(rows, 2, 0)


def test_states_come_nearer_and_the_student_is_left_as_it_was(pair):
    student, teacher, plan = pair
    names = set(student.state_dict())
    maps = add_projections(student, 1, 16)

    def distance():
        batch = pad(plan.rows, 0)
        inputs = {"input_ids": batch["input_ids"], "attention_mask": batch["attention_mask"]}
        ours, theirs = (m(**inputs, output_hidden_states=True).hidden_states[-1] for m in (student, teacher))
        return hidden_state_loss(ours, theirs, maps[0], batch["attention_mask"]).item()

    before, settings = distance(), TrainingSettings(learning_rate=1e-2, epochs=15)
    distill(student, teacher, plan, settings, loss=distillation_loss, step=hidden_step([2], 5.0))
    assert distance() < 0.8 * before
    drop_projections(student)
    assert set(student.state_dict()) == names


def test_the_step_reads_hidden_states_from_the_cache_too(pair, tmp_path):
    student, teacher, plan = pair
    cached = CachedTeacher(cache_answers(teacher, plan.rows, tmp_path, CacheSettings(hidden_layers=(2,))))
    values = []
    for asked in (teacher, cached):
        add_projections(student, 1, 16)
        optimizer = torch.optim.SGD(student.parameters(), lr=0.0)
        values.append(hidden_step([2], 1.0)(student, asked, pad(plan.rows, 0), optimizer, distillation_loss))
    assert values[0] == pytest.approx(values[1], rel=1e-3)


def test_a_state_that_the_teacher_does_not_give_and_an_unknown_distance_are_one_sentence(
    make_model, make_rows, case, tmp_path
):
    with pytest.raises(CourseError, match="The distance is 'cos'; choose"):
        hidden_state_loss(*case[:2], case[2], case[3], "cos")
    rows, teacher = make_rows((5, 4)), freeze(make_model(1, layers=2))
    cached = CachedTeacher(cache_answers(teacher, rows, tmp_path, CacheSettings(hidden_layers=(2,))))
    for one, layer in ((cached, 1), (teacher, 3)):
        student = make_model(2)
        add_projections(student, 1, teacher.config.hidden_size)
        optimizer = torch.optim.SGD(student.parameters(), lr=0.1)
        with pytest.raises(CourseError, match=f"asks for the teacher's layer {layer}, and the teacher gives"):
            hidden_step((layer,), 1.0)(student, one, pad(rows, 0), optimizer, distillation_loss)
