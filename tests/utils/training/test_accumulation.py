"""A batch in pieces, in several processes, packed or sorted by length: the same update, to rounding."""

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from utils.data.batches import IGNORE, BatchPlan, pad
from utils.errors import CourseError
from utils.losses.core import distillation_loss
from utils.machine import processes as distributed
from utils.machine.workspace import ROOT
from utils.models.forward import best_device, with_positions
from utils.models.loading import freeze
from utils.training.accumulation import PiecewiseStep, is_out_of_memory
from utils.training.hidden_step import add_projections, hidden_step
from utils.training.loop import ce_only_step, distill, train_step
from utils.training.settings import TrainingSettings

LENGTHS = (9, 3, 14, 2, 7, 5, 11)


@pytest.fixture
def rows(make_rows):
    return tuple(make_rows(LENGTHS, 37))


@pytest.fixture
def teacher(make_model):
    return freeze(with_positions(make_model(1, 37, layers=2)))


@pytest.fixture
def new_student(make_model):
    return lambda: with_positions(make_model(2, 37))


def after_one_update(student, teacher, batch, step):
    """The loss and the gradient that an update would use: plain SGD with rate 1 moves by exactly that."""
    before = [parameter.detach().clone() for parameter in student.parameters()]
    optimizer = torch.optim.SGD(student.parameters(), lr=1.0)
    value = step(student, teacher, batch, optimizer, distillation_loss)
    moved = [old - new.detach() for old, new in zip(before, student.parameters(), strict=True)]
    return value, moved


@pytest.mark.parametrize("size", [1, 2, 3, 6, 100])
@pytest.mark.parametrize("step", [train_step, ce_only_step])
def test_a_batch_in_pieces_gives_the_loss_and_gradient_of_the_whole(rows, teacher, new_student, size, step):
    batch = pad(rows, 0)
    batch["labels"][0, 1:] = IGNORE  # a piece without a token to predict
    whole = after_one_update(new_student(), teacher, batch, step)
    pieces = after_one_update(new_student(), teacher, batch, PiecewiseStep(step, size))
    assert isinstance(pieces[0], float) and pieces[0] == pytest.approx(whole[0], rel=1e-5)
    for found, expected in zip(pieces[1], whole[1], strict=True):
        torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-6)


def clears_in_its_own_way(student, teacher, batch, optimizer, loss_function):
    """A step that clears gradients at its end and through the model."""
    with torch.no_grad():
        target = teacher(input_ids=batch["input_ids"], attention_mask=batch["attention_mask"]).logits
    logits = student(input_ids=batch["input_ids"], attention_mask=batch["attention_mask"]).logits
    loss = loss_function(logits, target, batch["labels"])
    loss.backward()
    optimizer.step()
    student.zero_grad()
    return loss.item()


def test_a_step_that_clears_gradients_in_its_own_way_is_the_same_too(rows, teacher, new_student):
    batch = pad(rows, 0)
    whole = after_one_update(new_student(), teacher, batch, train_step)
    pieces = after_one_update(new_student(), teacher, batch, PiecewiseStep(clears_in_its_own_way, 2))
    assert pieces[0] == pytest.approx(whole[0], rel=1e-5)
    torch.testing.assert_close(pieces[1], whole[1], rtol=1e-4, atol=1e-6)


def runs_out_above(rows_at_once, step=train_step):
    def hungry(student, teacher, batch, optimizer, loss_function):
        if len(batch["input_ids"]) > rows_at_once:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB")
        return step(student, teacher, batch, optimizer, loss_function)

    return hungry


def test_out_of_memory_is_answered_by_smaller_pieces_with_the_same_result(rows, teacher, new_student, capsys):
    plan, settings = BatchPlan(rows, 4, 0), TrainingSettings(learning_rate=1e-3, epochs=2)
    losses, answers = [], []
    for step in (train_step, runs_out_above(2)):
        student = new_student()
        history = distill(student, teacher, plan, settings, loss=distillation_loss, step=step)
        losses.append([record.loss for record in history.records])
        answers.append(student(**{k: v for k, v in pad(rows, 0).items() if k != "labels"}).logits)
    assert losses[1] == pytest.approx(losses[0], rel=1e-4)
    torch.testing.assert_close(answers[1], answers[0], rtol=1e-3, atol=1e-3)
    said = capsys.readouterr().out
    assert said.count("does not hold 4 rows at once") == 1 and "2 at a time" in said


def test_a_failed_attempt_leaves_nothing_behind(rows, teacher, make_model):
    """Neither its dropout nor its parts of the loss: the run is the one in small pieces from the start."""

    def runs_out_late(student, teacher, batch, optimizer, loss_function):
        if len(batch["input_ids"]) > 2:
            logits = [model(batch["input_ids"]).logits for model in (student.train(), teacher)]
            loss_function(*logits, batch["labels"])
            raise torch.OutOfMemoryError("CUDA out of memory")
        return train_step(student, teacher, batch, optimizer, loss_function)

    histories, states = [], []
    for step, size in ((train_step, 2), (runs_out_late, None)):
        student = with_positions(make_model(2, 37, dropout=0.3))
        settings = TrainingSettings(learning_rate=1e-3, epochs=2, record_parts_every=1)
        plan = BatchPlan(rows, 4, 0)
        histories.append(distill(student, teacher, plan, settings, distillation_loss, step, micro_batch=size))
        states.append(student.state_dict())
    assert histories[0].records == histories[1].records
    assert all(torch.equal(states[0][name], states[1][name]) for name in states[0])


def test_a_row_that_does_not_fit_at_all_is_one_sentence(rows, teacher, new_student):
    step = PiecewiseStep(runs_out_above(0))
    with pytest.raises(CourseError, match="does not hold a single row"):
        after_one_update(new_student(), teacher, pad(rows, 0), step)


def test_other_errors_are_not_taken_for_it(rows, teacher, new_student):
    def wrong(*_):
        raise RuntimeError("shapes do not fit")

    with pytest.raises(RuntimeError, match="shapes"):
        after_one_update(new_student(), teacher, pad(rows, 0), PiecewiseStep(wrong))
    assert is_out_of_memory(RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory"))
    assert is_out_of_memory(RuntimeError("MPS backend out of memory (MPS allocated: 8.00 GB)"))
    assert is_out_of_memory(RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`"))
    assert is_out_of_memory(MemoryError())


@pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no CUDA device on this machine")
def test_running_out_of_a_gpus_memory_is_recognised():
    with pytest.raises(torch.OutOfMemoryError) as caught:
        torch.empty(2**50, device="cuda")
    assert is_out_of_memory(caught.value)


def test_packed_training_is_padded_training(rows, teacher, new_student):
    settings = TrainingSettings(learning_rate=1e-3, epochs=3)
    losses = []
    for pack_length in (None, 16):
        plan = BatchPlan(rows, 4, 0, pack_length=pack_length)
        student = new_student()
        history = distill(student, teacher, plan, settings, loss=distillation_loss)
        losses.append([(record.loss, record.tokens) for record in history.records])
    for (padded, tokens), (packed, same) in zip(*losses, strict=True):
        assert tokens == same and packed == pytest.approx(padded, rel=1e-4)


def test_a_pool_sorts_by_length_and_leaves_out_no_row(make_rows):
    generator = torch.Generator().manual_seed(0)
    lengths = tuple(torch.randint(2, 60, (203,), generator=generator).tolist())
    rows = tuple(make_rows(lengths, 37))
    plain, pooled = BatchPlan(rows, 8, 0), BatchPlan(rows, 8, 0, pool=10)

    def seen(plan, epoch):
        real = [batch["attention_mask"].bool() for batch in plan.epoch(epoch)]
        ids = [batch["input_ids"][mask].tolist() for batch, mask in zip(plan.epoch(epoch), real, strict=True)]
        computed = sum(mask.numel() for mask in real)
        return sorted(token for batch in ids for token in batch), computed, ids

    assert len(plain) == len(pooled) == len(seen(pooled, 0)[2])
    assert seen(plain, 0)[0] == seen(pooled, 0)[0]
    assert seen(pooled, 0)[1] < 0.8 * seen(plain, 0)[1]
    assert seen(pooled, 0)[2] == seen(pooled, 0)[2] != seen(pooled, 1)[2]


@pytest.mark.parametrize("size", [1, 3])
def test_the_shares_of_several_processes_add_up_to_the_whole(rows, teacher, new_student, monkeypatch, size):
    batch = pad(rows[:5], 0)
    whole = after_one_update(new_student(), teacher, batch, train_step)
    monkeypatch.setattr(distributed, "size", lambda: 3)
    parts = []
    for rank in range(3):
        monkeypatch.setattr(distributed, "rank", lambda rank=rank: rank)
        parts.append(after_one_update(new_student(), teacher, batch, PiecewiseStep(train_step, size)))
    assert sum(part[0] for part in parts) == pytest.approx(whole[0], rel=1e-5)
    summed = [sum(part) for part in zip(*(part[1] for part in parts), strict=True)]
    torch.testing.assert_close(summed, whole[1], rtol=1e-4, atol=1e-6)


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


@pytest.mark.nightly
def test_two_processes_under_accelerate_give_the_loss_and_weights_of_one(tmp_path):
    found = []
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    # The launcher's way to several processes is called --multi_gpu; without a GPU they talk over gloo.
    for processes, kind in ((1, "--cpu"), (2, "--multi_gpu")):
        path = tmp_path / f"{processes}.safetensors"
        launch = ["-m", "accelerate.commands.launch", kind, "--num_machines=1", "--mixed_precision=no"]
        launch += ["--dynamo_backend=no", f"--num_processes={processes}", f"--main_process_port={free_port()}"]
        script = [str(Path(__file__).with_name("train_together.py")), str(path)]
        done = subprocess.run([sys.executable, *launch, *script], env=environment, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        found.append(load_file(path))
    assert [state.pop("processes").item() for state in found] == [1, 2]
    for name in ("losses", "parts"):
        assert len(found[0][name])
        torch.testing.assert_close(found[0].pop(name), found[1].pop(name), rtol=1e-5, atol=1e-6)
    for state in found:
        # A key's bias shifts all scores alike, so its gradient is rounding alone, which Adam scales up to a step.
        query, _, value = state["transformer.h.0.attn.c_attn.bias"].chunk(3)
        state["transformer.h.0.attn.c_attn.bias"] = torch.cat([query, value])
    torch.testing.assert_close(found[0], found[1], rtol=1e-3, atol=1e-4)


def test_a_step_with_hidden_states_in_pieces_is_that_of_the_whole(rows, teacher, new_student):
    def student():
        model = new_student()
        add_projections(model, 1, teacher.config.hidden_size)
        return model

    step, batch = hidden_step((2,), 0.7), pad(rows, 0)
    whole = after_one_update(student(), teacher, batch, step)
    for size in (1, 3):
        pieces = after_one_update(student(), teacher, batch, PiecewiseStep(step, size))
        assert pieces[0] == pytest.approx(whole[0], rel=1e-6)
        for found, expected in zip(pieces[1], whole[1], strict=True):
            torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-6)


def test_memory_that_runs_out_inside_the_first_update_leaves_nothing_half_made(rows, teacher, new_student):
    student, batch, calls = new_student(), pad(rows, 0), []
    optimizer = torch.optim.AdamW(student.parameters(), lr=1e-3)

    def step(*arguments):
        value = train_step(*arguments) if calls else None
        calls.append(1)
        if value is None:
            optimizer.state[next(student.parameters())]["step"] = torch.tensor(0.0)  # its moments are not there yet
            raise RuntimeError("DefaultCPUAllocator: not enough memory: you tried to allocate 8 bytes.")
        return value

    assert isinstance(PiecewiseStep(step)(student, teacher, batch, optimizer, distillation_loss), float)


def test_every_process_takes_a_gpu_of_its_own(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    assert best_device() == "cuda"
    monkeypatch.setenv("LOCAL_WORLD_SIZE", "2")
    for rank in (0, 1):
        monkeypatch.setenv("LOCAL_RANK", str(rank))
        assert best_device() == f"cuda:{rank}"
