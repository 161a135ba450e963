"""Does a stopped run go on to the same numbers, and is no run taken for another one?"""

import errno
import json
import os
import random
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from tests.utils.training.interrupted_runs import LOSS, SETTINGS, interrupted, run, stopping_at
from utils.errors import CourseError
from utils.models import fingerprint
from utils.models.forward import computes_in, with_fast_forward
from utils.training import checkpoints
from utils.training.checkpoints import saved_history
from utils.training.loop import train_step

pytestmark = pytest.mark.usefixtures("any_step")
SCRIPT = Path(__file__).with_name("stopped_runs.py")
needs_fork = pytest.mark.skipif(not hasattr(os, "fork"), reason="this system cannot fork a process")


@pytest.mark.parametrize("at", [1, 2, 5, 6, 10])
def test_an_interrupted_run_goes_on_to_the_same_numbers(new_student, teacher, plan, path, capsys, at):
    whole = new_student()
    expected = run(whole, teacher, plan, None)
    student = new_student()
    said = interrupted(student, teacher, plan, path, at)
    if at == 1:
        assert "Nothing was saved yet" in said and not path.exists()
    else:
        assert f"stopped after {at - 1} of 10 steps" in said and "the same call goes on from there" in said
        assert saved_history(path).records == expected.records[: at - 1]
        assert torch.load(path)["student"].keys() == student.state_dict().keys()
    fresh = new_student()
    assert run(fresh, teacher, plan, path) == expected
    assert fingerprint.of_weights(fresh) == fingerprint.of_weights(whole)
    assert at == 1 or f"going on at step {at} of 10" in capsys.readouterr().out
    assert list(path.parent.iterdir()) == []


def test_the_same_call_in_the_same_session_goes_on_with_the_same_student(new_student, teacher, plan, path):
    whole, student = new_student(), new_student()
    expected = run(whole, teacher, plan, None)
    for at in (4, 3):
        interrupted(student, teacher, plan, path, at)
    assert run(student, teacher, plan, path) == expected
    assert fingerprint.of_weights(student) == fingerprint.of_weights(whole)


def test_an_interrupt_inside_an_update_goes_back_to_the_last_whole_step(new_student, teacher, plan, path, monkeypatch):
    whole, student = new_student(), new_student()
    expected = run(whole, teacher, plan, None)
    monkeypatch.setattr(checkpoints, "SECONDS_BETWEEN", 0.0)
    interrupted(student, teacher, plan, path, 4, after_update=True)
    assert saved_history(path).steps_done == 3
    assert fingerprint.of_weights(student) == fingerprint.of_state(torch.load(path)["student"])
    assert run(student, teacher, plan, path) == expected
    assert fingerprint.of_weights(student) == fingerprint.of_weights(whole)


def test_without_a_checkpoint_an_interrupt_keeps_the_weights_so_far(new_student, teacher, plan):
    student = new_student()
    said = interrupted(student, teacher, plan, None, 4)
    assert fingerprint.of_weights(student) != fingerprint.of_weights(new_student())
    assert "keeps its weights so far; no checkpoint was asked for" in said


def test_a_run_that_fails_keeps_what_it_computed(new_student, teacher, plan, path):
    student = new_student()
    with pytest.raises(ZeroDivisionError):
        run(student, teacher, plan, path, stopping_at(4, ZeroDivisionError))
    assert saved_history(path).steps_done == 3
    assert fingerprint.of_weights(student) == fingerprint.of_state(torch.load(path)["student"])


def test_a_loss_that_is_not_finite_keeps_the_last_good_weights_in_the_checkpoint(new_student, teacher, plan, path):
    calls = []

    def loss(student_logits, teacher_logits, labels):
        calls.append(1)
        return LOSS(student_logits, teacher_logits, labels) * (float("nan") if len(calls) == 4 else 1.0)

    student = new_student()
    with pytest.raises(CourseError, match="nan at step 4 of 10"):
        run(student, teacher, plan, path, loss=loss)
    kept = torch.load(path)
    assert saved_history(path).steps_done == 3
    assert all(torch.isfinite(tensor).all() for tensor in kept["student"].values())
    assert fingerprint.of_weights(student) == fingerprint.of_state(kept["student"])


@pytest.mark.parametrize(
    ("began", "now"), [(torch.bfloat16, torch.float32), (torch.float32, torch.bfloat16)], ids=["bfloat16", "float32"]
)
def test_a_run_goes_on_in_the_number_type_that_it_began_with(new_student, make_model, plan, path, capsys, began, now):
    """Which one is faster is measured in each session, so the next may find the other."""

    def pair(dtype):
        teacher = make_model(1, context=16).requires_grad_(False)
        return with_fast_forward(new_student(context=16), dtype), with_fast_forward(teacher, dtype)

    whole, _ = pair(began)
    expected = run(whole, pair(began)[1], plan, None)
    interrupted(*pair(began), plan, path, 4)
    capsys.readouterr()
    student, teacher = pair(now)
    assert run(student, teacher, plan, path) == expected
    assert fingerprint.of_weights(student) == fingerprint.of_weights(whole)
    said, name = capsys.readouterr().out, str(began).removeprefix("torch.")
    for who, model in (("student", student), ("teacher", teacher)):
        assert f"the {who} computes in {name}, as it did when this run began" in said
        assert computes_in(model) == began


def test_a_run_goes_on_in_the_pieces_that_memory_forced_on_it(new_student, teacher, plan, path, capsys):
    def hungry(stop=None):
        calls = []

        def step(student, teacher, batch, optimizer, loss_function):
            calls.append(1)
            if len(calls) == stop:
                raise KeyboardInterrupt
            if len(batch["input_ids"]) > 1:
                raise torch.OutOfMemoryError("CUDA out of memory")
            return train_step(student, teacher, batch, optimizer, loss_function)

        return step

    whole = new_student()
    expected = run(whole, teacher, plan, None, hungry())
    with pytest.raises(KeyboardInterrupt):
        run(new_student(), teacher, plan, path, hungry(stop=8))
    assert saved_history(path).steps_done == 3
    capsys.readouterr()
    student = new_student()
    assert run(student, teacher, plan, path) == expected  # with memory for whole batches again
    assert fingerprint.of_weights(student) == fingerprint.of_weights(whole)


def test_a_history_is_read_from_a_checkpoint_alone(new_student, teacher, plan, path):
    with pytest.raises(CourseError, match=r"run.pt cannot be read"):
        saved_history(path)
    interrupted(new_student(), teacher, plan, path, 3)
    assert (saved_history(path).name, saved_history(path).steps_total) == ("distilled", 10)


def test_a_full_disk_keeps_the_last_good_checkpoint_and_the_run(new_student, teacher, plan, path, monkeypatch):
    expected = run(new_student(), teacher, plan, None)
    real_save, saves = torch.save, []
    monkeypatch.setattr(checkpoints, "SECONDS_BETWEEN", 0.0)

    def save(state, target):
        saves.append(1)
        if len(saves) <= 3:
            return real_save(state, target)
        Path(target).write_bytes(b"half a file")
        raise RuntimeError("[enforce fail] . PytorchStreamWriter failed writing file: No space left on device")

    monkeypatch.setattr(torch, "save", save)
    with pytest.warns(UserWarning, match=r"No space left.*the one of step 3 is kept"), pytest.raises(KeyboardInterrupt):
        run(new_student(), teacher, plan, path, stopping_at(7))
    assert [file.name for file in path.parent.iterdir()] == ["run.pt"]
    assert saved_history(path).records == expected.records[:3]
    monkeypatch.setattr(torch, "save", real_save)
    assert run(new_student(), teacher, plan, path) == expected


def test_after_a_full_disk_the_sentence_tells_how_much_is_kept(
    new_student, teacher, plan, path, monkeypatch, capsys, recwarn
):
    def full(state, target):
        raise OSError(errno.ENOSPC, "No space left on device")

    assert "history of 2 steps are kept" in interrupted(new_student(), teacher, plan, path, 3)
    monkeypatch.setattr(torch, "save", full)
    said = interrupted(new_student(), teacher, plan, path, 5)
    assert "stopped after 6 of 10 steps. Weights, optimizer and history of 2 steps are kept" in said


def test_a_folder_that_cannot_be_written_is_said_before_training(new_student, teacher, plan, tmp_path, monkeypatch):
    (tmp_path / "a file").touch()
    for folder in (tmp_path / "a file", Path("/proc/nothing")):
        with pytest.raises(CourseError, match=r"Nothing can be written to .*: choose another folder"):
            run(new_student(), teacher, plan, folder / "run.pt", lambda *_: pytest.fail("training began"))


def test_too_little_space_is_said_before_training(new_student, teacher, plan, path, monkeypatch):
    usage = type("usage", (), {"free": 5 * 2**20})
    monkeypatch.setattr("shutil.disk_usage", lambda folder: usage)
    with pytest.raises(CourseError, match=r"Only 5 MB are free .* 10 MB are needed"):
        run(new_student(), teacher, plan, path, lambda *_: pytest.fail("training began"))


def stopped_runs(folder, stops):
    command = [sys.executable, str(SCRIPT), str(folder), *stops]
    environment = {**os.environ, "PYTHONPATH": str(SCRIPT.parents[3]), "OMP_NUM_THREADS": "1"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@needs_fork
@pytest.mark.parametrize("kills", [1, pytest.param(10, marks=pytest.mark.nightly)])
def test_a_run_stopped_by_ctrl_c_and_killed_at_random_steps_goes_on_to_the_same_weights(tmp_path, kills):
    chance = random.Random(kills)
    stops = ["interrupt:3", *(f"kill:{chance.randint(1, 32 // kills - 1)}" for _ in range(kills))]
    found = stopped_runs(tmp_path, stops)
    first, *others = found["stopped"]
    assert [stopped["exit"] for stopped in found["stopped"]] == [130, *[-9] * kills], stops
    assert first["kept"] >= 3 and f"stopped after {first['kept']} of 40 steps" in first["said"]
    assert f"going on at step {first['kept'] + 1} of 40" in others[0]["said"]
    assert found["resumed"]["weights"] == found["whole"]["weights"], stops
    assert found["resumed"]["history"] == found["whole"]["history"], stops
    assert found["left"] == ["result.json", "said.txt"], stops


NUMBERS = {
    "learning_rate": np.logspace(-4, -2, 3)[2],
    "learning rate as a tensor": torch.tensor(1e-2),
    "epochs": np.int64(2),
    "weight_decay": np.float32(0.01),
}


@pytest.mark.parametrize("setting", NUMBERS)
def test_a_run_whose_numbers_come_from_numpy_or_torch_goes_on(new_student, teacher, plan, path, capsys, setting):
    settings = replace(SETTINGS, **{setting if setting in vars(SETTINGS) else "learning_rate": NUMBERS[setting]})
    interrupted(new_student(), teacher, plan, path, 4, settings=settings, micro_batch=np.int64(2))
    run(new_student(), teacher, plan, path, settings=settings, micro_batch=np.int64(2))
    assert "going on at step 4 of 10" in capsys.readouterr().out


def test_a_step_that_returns_numpys_float_keeps_a_checkpoint_that_can_be_read(new_student, teacher, plan, path):
    def step(*arguments):
        if len(losses) == 3:
            raise KeyboardInterrupt
        losses.append(np.float64(train_step(*arguments)))
        return losses[-1]

    losses = []
    with pytest.raises(KeyboardInterrupt, match="the same call goes on"):
        run(new_student(), teacher, plan, path, step)
    assert saved_history(path).steps_done == 3


def test_a_checkpoint_that_nobody_could_read_again_is_not_promised(new_student, teacher, plan, path, monkeypatch):
    """As on a disk that takes everything and keeps half of it."""
    monkeypatch.setattr(torch, "save", lambda state, path: path.write_bytes(b"half"))
    with pytest.warns(UserWarning, match="The checkpoint could not be written .*cannot be read"):
        said = interrupted(new_student(), teacher, plan, path, 4)
    assert "Nothing was saved yet; the same call begins anew" in said
    assert list(path.parent.iterdir()) == []


def test_a_loss_that_changes_while_it_trains_is_not_promised_to_go_on(new_student, teacher, plan, path, capsys):
    def loss(student_logits, teacher_logits, labels):
        seen.append(1)
        return LOSS(student_logits, teacher_logits, labels)

    seen = []
    said = interrupted(new_student(), teacher, plan, path, 4, loss=loss)
    assert "the same call would begin anew: the loss" in said and "goes on" not in said
    run(new_student(), teacher, plan, path, loss=loss)
    assert "set aside" in capsys.readouterr().out
