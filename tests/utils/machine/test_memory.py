"""Is a batch computed in the pieces that the memory holds, and is the estimate near what a step takes?"""

import copy
from types import SimpleNamespace

import pytest
import torch
from transformers import GPT2Config, GPT2LMHeadModel

from tests.utils.held_memory import most_held
from utils.data.batches import BatchPlan, pad
from utils.losses.core import distillation_loss
from utils.machine import memory
from utils.machine.memory import choose_memory_plan, recompute_layers, step_bytes
from utils.models.forward import with_positions
from utils.models.loading import freeze
from utils.training.loop import distill, train_step
from utils.training.settings import TrainingSettings


@pytest.fixture
def pair(make_model):
    return make_model(0, 64, layers=3), freeze(make_model(1, 64))


def with_free(monkeypatch, size):
    monkeypatch.setattr(memory, "available_memory", lambda device="cpu": size)


def test_pieces_come_first_and_recomputing_only_where_one_row_does_not_fit(pair, monkeypatch):
    student, teacher = pair
    for rows, recompute, expected in ((8, False, None), (4, False, 4), (1, False, 1), (8, True, None), (1, True, 1)):
        needed = step_bytes(student, teacher, rows, 16, recompute)
        with_free(monkeypatch, int(needed / memory.USABLE) + 1)
        found = choose_memory_plan(student, teacher, 8, 16, "cpu")
        if not recompute or needed < step_bytes(student, teacher, 1, 16, False):
            assert (found.rows, found.recompute) == (expected, recompute)
        with_free(monkeypatch, int(needed / memory.USABLE) - 1)
        fewer = choose_memory_plan(student, teacher, 8, 16, "cpu")
        assert fewer.needed < needed or (fewer.rows, fewer.recompute) == (1, True)


def test_where_nothing_fits_the_smallest_is_tried(pair, monkeypatch):
    with_free(monkeypatch, 1)
    found = choose_memory_plan(*pair, 8, 16, "cpu")
    assert (found.rows, found.recompute) == (1, True)


def test_a_model_that_does_not_say_its_sizes_is_computed_whole(monkeypatch):
    with_free(monkeypatch, 1)
    assert choose_memory_plan(torch.nn.Linear(2, 2), None, 8, 16, "cpu").rows is None


def test_little_memory_is_said_in_one_line_and_changes_no_answer(pair, make_rows, monkeypatch, capsys):
    student, teacher = pair
    plan = BatchPlan(tuple(make_rows((9, 3, 14, 2, 7, 5, 11, 4))), 4, 0)
    settings, answers = TrainingSettings(1e-3, epochs=2), []
    small = step_bytes(student, teacher, 2, 14, False) / memory.USABLE + 1
    tiny = step_bytes(student, teacher, 1, 14, True) / memory.USABLE + 1
    for free in (10**12, small, tiny):
        with_free(monkeypatch, free)
        trained = copy.deepcopy(student)
        distill(trained, teacher, plan, settings, distillation_loss)
        answers.append(trained(torch.arange(1, 15).view(1, -1)).logits)
    for answer in answers[1:]:
        torch.testing.assert_close(answer, answers[0], rtol=1e-3, atol=1e-3)
    first, second = capsys.readouterr().out.splitlines()  # nothing is said where nothing is done
    assert "the 4 rows of a batch are computed in float32, 2 at a time, with the same mathematics." in first
    assert "1 at a time, with the same mathematics, and the student's layers are computed twice" in second


def test_what_is_asked_for_is_not_chosen_again(pair, make_rows, monkeypatch, capsys):
    with_free(monkeypatch, 1)
    plan = BatchPlan(tuple(make_rows((4, 5, 6, 7))), 4, 0)
    distill(*pair, plan, TrainingSettings(1e-3, epochs=1), distillation_loss, micro_batch=2)
    assert capsys.readouterr().out == ""


def test_computing_layers_twice_gives_the_same_gradient_with_the_same_dropout(make_model, make_rows):
    batch, gradients = pad(make_rows((9, 14)), 0), []
    for recompute in (False, True):
        student = make_model(0, layers=3, dropout=0.2).train()
        if recompute:
            recompute_layers(student, True)
        torch.manual_seed(5)
        distillation_loss(student(batch["input_ids"]).logits, torch.zeros(2, 14, 64), batch["labels"]).backward()
        gradients.append([parameter.grad for parameter in student.parameters()])
    torch.testing.assert_close(*gradients, rtol=1e-4, atol=1e-6)


def peak_bytes(student, teacher, rows, length, vocabulary):
    """The most bytes that a step holds at once; SGD keeps no moments."""
    ids = torch.randint(1, vocabulary, (rows, length), generator=torch.Generator().manual_seed(0))
    batch = {"input_ids": ids, "attention_mask": torch.ones_like(ids), "labels": ids}
    optimizer = torch.optim.SGD(student.parameters(), lr=1e-3)
    return most_held(lambda: train_step(student, teacher, batch, optimizer, distillation_loss))


@pytest.mark.nightly
@pytest.mark.parametrize(
    ("vocabulary", "width", "layers", "rows", "length", "recompute"),
    [
        (20000, 64, 1, 4, 64, False),
        (100, 128, 4, 4, 64, False),
        (100, 128, 2, 2, 256, False),
        (100, 128, 4, 4, 64, True),
    ],
    ids=["logits", "layers", "attention", "recomputed"],
)
def test_the_estimate_is_no_less_than_a_step_takes_and_at_most_twice_as_much(
    vocabulary, width, layers, rows, length, recompute
):
    def model(width, layers):
        config = GPT2Config(vocab_size=vocabulary, n_positions=256, n_embd=width, n_layer=layers, n_head=4)
        config.bos_token_id = config.eos_token_id = 0
        return with_positions(GPT2LMHeadModel(config))

    student, teacher = model(width, layers), freeze(model(64, 1))
    if recompute:
        recompute_layers(student, True)
    parameters = sum(parameter.numel() for parameter in student.parameters())
    estimate = step_bytes(student, teacher, rows, length, recompute) - parameters * (memory.BYTES_PER_PARAMETER - 4)
    assert peak_bytes(student, teacher, rows, length, vocabulary) <= estimate
    assert estimate <= 2 * peak_bytes(student, teacher, rows, length, vocabulary)


def test_files_that_merely_lie_in_memory_leave_room_and_processes_share_it(tmp_path, monkeypatch):
    gigabyte = 10**9
    monkeypatch.setattr(memory.psutil, "virtual_memory", lambda: SimpleNamespace(available=100 * gigabyte))
    monkeypatch.setattr(memory, "_LIMITS", ((tmp_path, "max", "current", "inactive_file"), ("/nowhere", "a", "b", "c")))
    (tmp_path / "max").write_text(f"{8 * gigabyte}\n")
    (tmp_path / "current").write_text(f"{7 * gigabyte}\n")
    assert memory.available_memory() == 1 * gigabyte
    (tmp_path / "memory.stat").write_text(f"anon 5\ninactive_file {5 * gigabyte}\n")
    assert memory.available_memory() == 6 * gigabyte
    monkeypatch.setenv("LOCAL_WORLD_SIZE", "3")
    assert memory.available_memory() == 2 * gigabyte
