"""What the course does on a CPU it does on a GPU: train, stop, go on, keep answers, evaluate."""

import pytest
import torch

from tests.utils.training.interrupted_runs import interrupted, run
from utils.machine.memory import available_memory
from utils.measuring.calibration import calibration
from utils.measuring.evaluation import evaluate
from utils.models.forward import with_positions
from utils.models.loading import freeze
from utils.teachers.cache import cache_answers
from utils.teachers.cached import CachedTeacher
from utils.teachers.remembering import RememberingTeacher
from utils.training.chunked_step import chunked_step

THERE = {"cpu": True, "cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
BOUND = {"rtol": 1e-3, "atol": 1e-4}


@pytest.fixture(
    params=[
        pytest.param(name, marks=pytest.mark.skipif(not there, reason=f"there is no {name} device on this machine"))
        for name, there in THERE.items()
    ]
)
def device(request):
    return torch.device(request.param)


@pytest.fixture
def pair(make_model, device):
    """Without dropout, whose draws differ from device to device."""
    student, teacher = (with_positions(make_model(seed, layers=2)) for seed in (0, 1))
    return student.to(device), freeze(teacher.to(device))


def on_cpu(make_model, plan):
    """The losses of the same run on the CPU."""
    student, teacher = (with_positions(make_model(seed, layers=2)) for seed in (0, 1))
    return [record.loss for record in run(student, freeze(teacher), plan, None).records]


def test_a_run_that_was_stopped_goes_on_there_to_the_losses_that_it_has_on_a_cpu(
    pair, make_model, plan, path, any_step, device
):
    student, teacher = pair
    interrupted(student, teacher, plan, path, 4)
    history = run(student, teacher, plan, path)
    assert {parameter.device.type for parameter in student.parameters()} == {device.type}
    assert [record.loss for record in history.records] == pytest.approx(on_cpu(make_model, plan), rel=1e-3)


def test_kept_answers_and_hidden_states_come_back_to_the_device(pair, plan, tmp_path, device):
    _, teacher = pair
    batch = {name: tensor.to(device) for name, tensor in next(iter(plan.epoch(0))).items()}
    real = batch["attention_mask"].bool()
    inputs = {name: batch[name] for name in ("input_ids", "attention_mask")}
    with torch.no_grad():
        live = teacher(**inputs).logits[real]
    remembering = RememberingTeacher(teacher)
    remembering(**inputs)
    for kept in (CachedTeacher(cache_answers(teacher, plan.rows, tmp_path), device), remembering):
        found = kept(**inputs).logits
        assert found.device.type == device.type
        torch.testing.assert_close(found[real], live, rtol=1e-2, atol=1e-2)


def test_the_chunked_step_and_what_judges_a_student_run_there(pair, make_model, plan, device):
    student, teacher = pair
    history = run(student, teacher, plan, None, chunked_step(2.0, 0.5, chunk=7))
    assert [record.loss for record in history.records] == pytest.approx(on_cpu(make_model, plan), rel=1e-3)
    judged, where = evaluate(student, plan.rows, 0), calibration(student, plan.rows, 0)
    student.cpu()
    torch.testing.assert_close(torch.tensor(judged.nats), torch.tensor(evaluate(student, plan.rows, 0).nats), **BOUND)
    assert where.error == pytest.approx(calibration(student, plan.rows, 0).error, abs=1e-3)


def test_the_memory_of_the_device_is_known(device):
    assert available_memory(device) > 2**20
