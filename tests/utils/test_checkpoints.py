"""Does a stopped run go on to the same numbers, and is no run taken for another one?

The mistake this prevents: an hour lost with its process, and two experiments mixed in one file.
"""

import errno
import functools
import json
import os
import random
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from utils import checkpoints, fingerprint
from utils.batches import BatchPlan
from utils.checkpoints import saved_history
from utils.errors import CourseError
from utils.history import TrainingSettings
from utils.losses import distillation_loss
from utils.models import computes_in, with_fast_forward
from utils.training import ce_only_step, distill, train_step

LOSS = functools.partial(distillation_loss, temperature=2.0)
SETTINGS = TrainingSettings(learning_rate=1e-2, epochs=2)
SCRIPT = Path(__file__).with_name("stopped_runs.py")
needs_fork = pytest.mark.skipif(not hasattr(os, "fork"), reason="this system cannot fork a process")


@pytest.fixture
def plan(make_rows):
    return BatchPlan(tuple(make_rows((5, 9, 12, 3, 16, 4, 7, 8, 2, 6))), 2, 0)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "run.pt"


@pytest.fixture
def teacher(make_model):
    return make_model(1).requires_grad_(False)


@pytest.fixture
def new_student(make_model):
    return functools.partial(make_model, 0, dropout=0.2)


def stopping_at(step_number, error=KeyboardInterrupt, after_update=False):
    """A step that raises in its `step_number`-th call, before the update or after it."""
    calls = []

    def step(student, teacher, batch, optimizer, loss_function):
        calls.append(1)
        if len(calls) == step_number and not after_update:
            raise error
        value = train_step(student, teacher, batch, optimizer, loss_function)
        if len(calls) == step_number:
            raise error
        return value

    return step


@pytest.fixture(autouse=True)
def any_step(monkeypatch):
    """Steps that stop at another call are one step here: what a run is, is tested on its own below."""
    real = fingerprint.of_function

    def of_function(function):
        return "any" if getattr(function, "__name__", "") == "step" else real(function)

    monkeypatch.setattr(fingerprint, "of_function", of_function)


def run(student, teacher, plan, path, step=None, **changes):
    arguments = {"settings": SETTINGS, "loss": LOSS, "step": step or stopping_at(0), "checkpoint": path}
    return distill(student, teacher, plan, **{**arguments, **changes})


def interrupted(student, teacher, plan, path, at, **keywords):
    with pytest.raises(KeyboardInterrupt):
        run(student, teacher, plan, path, stopping_at(at, **keywords))


@pytest.mark.parametrize("at", [1, 2, 5, 6, 10])
def test_an_interrupted_run_goes_on_to_the_same_numbers(new_student, teacher, plan, path, capsys, at):
    whole = new_student()
    expected = run(whole, teacher, plan, None)
    student = new_student()
    interrupted(student, teacher, plan, path, at)
    said = capsys.readouterr().out
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


def test_without_a_checkpoint_an_interrupt_keeps_the_weights_so_far(new_student, teacher, plan, capsys):
    student = new_student()
    interrupted(student, teacher, plan, None, 4)
    assert fingerprint.of_weights(student) != fingerprint.of_weights(new_student())
    assert "keeps its weights so far; no checkpoint was asked for" in capsys.readouterr().out


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


def other_labels(plan):
    rows = [replace(row, labels=(*row.labels[:-1], -100)) for row in plan.rows]
    return replace(plan, rows=tuple(rows))


@pytest.mark.parametrize(
    "change",
    [
        lambda a: {**a, "plan": replace(a["plan"], rows=a["plan"].rows[::-1])},
        lambda a: {**a, "plan": other_labels(a["plan"])},
        lambda a: {**a, "plan": replace(a["plan"], seed=1)},
        lambda a: {**a, "plan": replace(a["plan"], batch_size=1)},
        lambda a: {**a, "plan": replace(a["plan"], pack_length=20)},
        lambda a: {**a, "settings": replace(SETTINGS, learning_rate=1e-3)},
        lambda a: {**a, "settings": replace(SETTINGS, seed=1)},
        lambda a: {**a, "loss": functools.partial(distillation_loss, temperature=3.0)},
        lambda a: {**a, "step": ce_only_step},
        lambda a: {**a, "teacher": a["make_model"](2).requires_grad_(False)},
        lambda a: {**a, "student": a["make_model"](5, dropout=0.2)},
    ],
    ids=["rows", "labels", "order", "batch size", "packing", "rate", "seed", "loss", "step", "teacher", "student"],
)
def test_another_runs_checkpoint_is_refused_with_a_sentence_and_kept(
    new_student, teacher, plan, path, make_model, capsys, change
):
    interrupted(new_student(), teacher, plan, path, 4)
    kept = path.read_bytes()
    arguments = {"student": new_student(), "teacher": teacher, "plan": plan, "make_model": make_model}
    arguments = change({**arguments, "settings": SETTINGS, "loss": LOSS, "step": stopping_at(0)})
    del arguments["make_model"]
    history = distill(**arguments, checkpoint=path)
    said = capsys.readouterr().out
    assert "run.pt belongs to" in said and "set aside as run.pt.old, and training begins anew" in said
    assert history.steps_done == history.steps_total
    assert path.with_name("run.pt.old").read_bytes() == kept


@pytest.mark.parametrize("content", [b"", b"not a checkpoint", "cut", "other"])
def test_a_checkpoint_that_cannot_be_read_is_set_aside_and_said(new_student, teacher, plan, path, capsys, content):
    interrupted(new_student(), teacher, plan, path, 4)
    if content == "cut":
        content = path.read_bytes()[:2000]
    if content == "other":
        torch.save({"weights": torch.zeros(2)}, path)
    else:
        path.write_bytes(content)
    assert run(new_student(), teacher, plan, path).steps_done == 10
    assert "run.pt" in (said := capsys.readouterr().out) and "training begins anew" in said
    assert path.with_name("run.pt.old").exists()


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

    interrupted(new_student(), teacher, plan, path, 3)
    assert "history of 2 steps are kept" in capsys.readouterr().out
    monkeypatch.setattr(torch, "save", full)
    interrupted(new_student(), teacher, plan, path, 5)
    assert "stopped after 6 of 10 steps. Weights, optimizer and history of 2 steps are kept" in capsys.readouterr().out


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
    environment = {**os.environ, "PYTHONPATH": str(SCRIPT.parents[2]), "OMP_NUM_THREADS": "1"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@needs_fork
@pytest.mark.parametrize("kills", [3, pytest.param(10, marks=pytest.mark.nightly)])
def test_a_run_stopped_by_ctrl_c_and_killed_at_random_steps_goes_on_to_the_same_weights(tmp_path, kills):
    stops = ["interrupt:3", *(f"kill:{random.randint(1, 32 // kills)}" for _ in range(kills))]
    found = stopped_runs(tmp_path, stops)
    first, *others = found["stopped"]
    assert [stopped["exit"] for stopped in found["stopped"]] == [130, *[-9] * kills], stops
    assert first["kept"] >= 3 and f"stopped after {first['kept']} of 40 steps" in first["said"]
    assert f"going on at step {first['kept'] + 1} of 40" in others[0]["said"]
    assert found["resumed"]["weights"] == found["whole"]["weights"], stops
    assert found["resumed"]["history"] == found["whole"]["history"], stops
    assert found["left"] == ["result.json", "said.txt"], stops


def test_a_student_with_other_dropout_or_fewer_parameters_that_learn_begins_anew(
    make_model, teacher, plan, path, capsys
):
    interrupted(make_model(0, dropout=0.2), teacher, plan, path, at=4)
    run(make_model(0, dropout=0.0), teacher, plan, path)
    assert "begins anew" in capsys.readouterr().out
    interrupted(make_model(0), teacher, plan, path, at=4)
    frozen = make_model(0)
    frozen.transformer.wte.requires_grad_(False)
    run(frozen, teacher, plan, path)
    assert "begins anew" in capsys.readouterr().out


def test_every_checkpoint_that_is_set_aside_is_kept(new_student, teacher, plan, path):
    for rate in (1e-2, 2e-2, 3e-2):
        settings = replace(SETTINGS, learning_rate=rate)
        with pytest.raises(KeyboardInterrupt):
            run(new_student(), teacher, plan, path, stopping_at(4), settings=settings)
    assert {file.name for file in path.parent.iterdir()} == {"run.pt", "run.pt.old", "run.pt.old1"}


def test_a_folder_is_no_checkpoint_and_a_name_is_enough(new_student, teacher, plan, path, capsys):
    with pytest.raises(CourseError, match="is a folder"):
        run(new_student(), teacher, plan, path.parent)
    interrupted(new_student(), teacher, plan, str(path), at=4)
    run(new_student(), teacher, plan, str(path))
    assert "going on at step 4 of 10" in capsys.readouterr().out
