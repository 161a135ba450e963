"""The cached teacher answers what the teacher answers, in any batch, and never what another teacher answered."""

import copy
import errno
from collections import namedtuple
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from utils.data.batches import BatchPlan, model_inputs, pack, pad
from utils.errors import CourseError
from utils.losses.core import distillation_loss
from utils.models.forward import with_fast_forward, with_positions
from utils.models.loading import freeze
from utils.teachers import cache as teacher_cache
from utils.teachers import cache_settings
from utils.teachers.cache import cache_answers
from utils.teachers.cache_settings import CacheSettings, choose_settings
from utils.teachers.cached import CachedTeacher
from utils.training.loop import distill, train_step
from utils.training.settings import TrainingSettings

VOCABULARY = 37
FULL = 2 * VOCABULARY + 4  # bytes per token


@pytest.fixture
def tiny(make_model):
    return lambda seed, **sizes: with_positions(make_model(seed, VOCABULARY, **sizes))


@pytest.fixture
def teacher(tiny):
    return freeze(tiny(1, layers=3, width=24))


@pytest.fixture
def some_rows(make_rows):
    """Rows of different lengths that end with the padding's id, which is a real token there."""
    rows = make_rows((8, 3, 11, 1, 6, 11, 4), VOCABULARY)
    return [replace(row, input_ids=(*row.input_ids, 0), labels=(*row.labels, 0)) for row in rows]


@pytest.fixture
def small_shards(monkeypatch):
    monkeypatch.setattr(teacher_cache, "SHARD_BYTES", 2000)


def never_asked(*_, **__):
    raise AssertionError("the teacher was asked again")


@pytest.mark.parametrize("side", ["right", "left"])
def test_the_cached_teacher_answers_as_the_teacher_does_wherever_padding_stands(teacher, some_rows, tmp_path, side):
    cached = CachedTeacher(cache_answers(teacher, some_rows, tmp_path))
    batch = pad(some_rows[::-1], 0, side)
    real = batch["attention_mask"].bool()
    found, expected = cached(**model_inputs(batch)).logits, teacher(**model_inputs(batch)).logits
    assert found.dtype == torch.float32 and found.shape == expected.shape
    torch.testing.assert_close(found[real], expected[real], atol=5e-3, rtol=1e-3)
    assert (found[~real] == 0).all()


def test_packed_rows_find_their_answers_too(teacher, some_rows, tmp_path):
    cached = CachedTeacher(cache_answers(teacher, some_rows, tmp_path))
    batch = pack(some_rows, 16, 0)
    found, expected = cached(**model_inputs(batch)).logits, teacher(**model_inputs(batch)).logits
    real = torch.isfinite(expected).all(-1) & (found != 0).any(-1)
    assert real.sum() == sum(len(row.input_ids) for row in some_rows)
    torch.testing.assert_close(found[real], expected[real], atol=5e-3, rtol=1e-3)


def test_a_training_step_and_loop_work_unchanged_and_reach_the_same_student(teacher, some_rows, tiny, tmp_path):
    plan = BatchPlan(tuple(some_rows), 3, 0)
    settings = TrainingSettings(learning_rate=1e-3, epochs=2)
    cached = CachedTeacher(cache_answers(teacher, some_rows, tmp_path))
    losses, answers = [], []
    for asked in (teacher, cached):
        student = tiny(2)
        history = distill(student, asked, plan, settings, loss=distillation_loss, step=train_step)
        losses.append(history.epoch_losses())
        answers.append(student(**model_inputs(pad(some_rows, 0))).logits)
    torch.testing.assert_close(losses[0], losses[1], atol=1e-3, rtol=1e-3)
    torch.testing.assert_close(answers[0], answers[1], atol=1e-2, rtol=1e-2)


def test_what_lies_there_is_read_and_the_teacher_not_asked(teacher, some_rows, tmp_path, monkeypatch):
    cache_answers(teacher, some_rows, tmp_path)
    monkeypatch.setattr(teacher, "forward", never_asked)
    cache_answers(teacher, some_rows[::-1], tmp_path)


def test_another_weight_row_or_setting_is_another_cache(teacher, some_rows, tmp_path):
    names = {cache_answers(teacher, some_rows, tmp_path).identity}
    names.add(cache_answers(teacher, some_rows[1:], tmp_path).identity)
    names.add(cache_answers(teacher, some_rows, tmp_path, CacheSettings(top_k=4)).identity)
    names.add(cache_answers(teacher, some_rows, tmp_path, CacheSettings(top_k=4, temperatures=(2.0,))).identity)
    names.add(cache_answers(teacher, some_rows, tmp_path, CacheSettings(hidden_layers=(1,))).identity)
    rounded = with_fast_forward(copy.deepcopy(teacher), torch.bfloat16)
    names.add(cache_answers(rounded, some_rows, tmp_path).identity)
    with torch.no_grad():
        teacher.transformer.wte.weight[17, 3] += 1e-4  # one value of one matrix
    names.add(cache_answers(teacher, some_rows, tmp_path).identity)
    teacher.config.layer_norm_epsilon = 1e-3  # no weight, and yet another answer
    names.add(cache_answers(teacher, some_rows, tmp_path).identity)
    assert len(names) == 8


def test_a_row_that_was_not_answered_is_an_error(teacher, some_rows, tmp_path):
    cached = CachedTeacher(cache_answers(teacher, some_rows, tmp_path))
    with pytest.raises(CourseError, match="is not among the 7"):
        cached(input_ids=torch.tensor([[5, 6, 7]]), attention_mask=torch.ones(1, 3))


def test_a_stopped_run_goes_on_where_it_was(teacher, some_rows, tmp_path, monkeypatch, small_shards):
    forward, calls = teacher.forward, []

    def stops(*args, **kwargs):
        calls.append(1)
        if len(calls) == 3:
            raise KeyboardInterrupt
        return forward(*args, **kwargs)

    monkeypatch.setattr(teacher, "forward", stops)
    with pytest.raises(KeyboardInterrupt):
        cache_answers(teacher, some_rows, tmp_path)
    (folder,) = tmp_path.iterdir()
    kept = {path.name: path.stat().st_mtime_ns for path in folder.iterdir()}
    assert len(kept) == 2
    monkeypatch.setattr(teacher, "forward", forward)
    cache = cache_answers(teacher, some_rows, tmp_path)
    assert len(cache.shards) > 2 and all(map(cache.has, range(len(cache.shards))))
    assert all((folder / name).stat().st_mtime_ns == time for name, time in kept.items())


def test_a_shard_that_was_cut_short_is_computed_again(teacher, some_rows, tmp_path):
    cache = cache_answers(teacher, some_rows, tmp_path)
    before = cache.answer(some_rows[0].input_ids)["logits"]
    whole = cache.path(0).read_bytes()
    cache.path(0).unlink()
    cache.path(0).write_bytes(whole[: len(whole) // 2])
    again = cache_answers(teacher, some_rows, tmp_path)
    torch.testing.assert_close(again.answer(some_rows[0].input_ids)["logits"], before)
    assert cache.path(0).stat().st_size == len(whole)


def test_a_full_disk_keeps_what_is_there_and_says_so(teacher, some_rows, tmp_path, monkeypatch, small_shards):
    write, written = Path.replace, []

    def full(self, target):
        if len(written) == 2:
            raise OSError(errno.ENOSPC, "No space left on device")
        written.append(target)
        return write(self, target)

    monkeypatch.setattr(Path, "replace", full)
    with pytest.raises(CourseError, match=r"No space left.*: 2 of \d shards are kept"):
        cache_answers(teacher, some_rows, tmp_path)
    (folder,) = tmp_path.iterdir()
    assert sorted(folder.iterdir()) == sorted(written)
    monkeypatch.setattr(Path, "replace", write)
    cache_answers(teacher, some_rows, tmp_path)


def test_the_whole_vocabulary_is_kept_only_where_disk_and_memory_hold_it(
    teacher, some_rows, tmp_path, monkeypatch, capsys
):
    monkeypatch.setattr(cache_settings, "require_writable", lambda *_, **__: None)
    usage = namedtuple("usage", "total used free")
    assert choose_settings(teacher, some_rows, tmp_path).top_k is None
    assert "In full the teacher's answers take 78 bytes per token" in capsys.readouterr().out
    needed = FULL * sum(len(row.input_ids) for row in some_rows)
    for disk, memory, kept in ((2 * needed, 10**12, None), (2 * needed - 1, 10**12, 8), (10**12, 2 * needed - 1, 8)):
        monkeypatch.setattr(cache_settings.shutil, "disk_usage", lambda _, free=disk: usage(0, 0, free))
        monkeypatch.setattr(cache_settings, "available_memory", lambda free=memory: free)
        assert choose_settings(teacher, some_rows, tmp_path, top_k=8).top_k == kept
    said = capsys.readouterr().out.splitlines()[-1]
    assert "the 8 most likely tokens" in said and "36 bytes per token" in said


@pytest.mark.parametrize("settings", [CacheSettings(), CacheSettings(8, (1.0, 2.0)), CacheSettings(0, (), (1, 3))])
def test_the_stated_bytes_per_token_are_the_bytes_on_the_disk(teacher, some_rows, tmp_path, settings):
    cache = cache_answers(teacher, some_rows, tmp_path, settings)
    header = 8 + int.from_bytes(cache.path(0).read_bytes()[:8], "little")
    assert cache.path(0).stat().st_size - header == cache.tokens * cache.bytes_per_token


def test_hidden_states_are_kept_where_they_are_asked_for(teacher, some_rows, tmp_path):
    cached = CachedTeacher(cache_answers(teacher, some_rows, tmp_path, CacheSettings(hidden_layers=(1, 3))))
    batch = pad(some_rows, 0)
    real = batch["attention_mask"].bool()
    found = cached(**model_inputs(batch), output_hidden_states=True).hidden_states
    expected = teacher(**model_inputs(batch), output_hidden_states=True).hidden_states
    assert [state is None for state in found] == [True, False, True, False]
    for layer in (1, 3):
        torch.testing.assert_close(found[layer][real], expected[layer][real], atol=1e-2, rtol=2e-3)


def test_a_checkpoint_tells_two_cached_teachers_apart(teacher, tiny, some_rows, tmp_path):
    from utils.models import fingerprint

    other = freeze(tiny(9))
    found = {fingerprint.of_weights(CachedTeacher(cache_answers(one, some_rows, tmp_path))) for one in (teacher, other)}
    assert len(found) == 2


def test_a_teacher_that_answers_nan_is_refused(teacher, some_rows, tmp_path):
    with torch.no_grad():
        teacher.transformer.wte.weight[3] = torch.nan
    with pytest.raises(CourseError, match="NaN"):
        cache_answers(teacher, some_rows, tmp_path)
    assert not list(tmp_path.glob("*/*.safetensors"))


def test_the_teacher_answers_in_eval_mode_and_is_left_as_it_was(teacher, some_rows, tmp_path):
    teacher.config.resid_pdrop = 0.5
    for block in teacher.transformer.h:
        block.mlp.dropout.p = 0.5
    teacher.train()
    cached = CachedTeacher(cache_answers(teacher, some_rows, tmp_path))
    assert teacher.training
    batch = pad(some_rows[:1], 0)
    expected = teacher.eval()(**model_inputs(batch)).logits
    torch.testing.assert_close(cached(**model_inputs(batch)).logits, expected, atol=5e-3, rtol=1e-3)


@pytest.mark.parametrize("layer", [-1, 4])
def test_a_layer_that_the_teacher_does_not_have_is_named(teacher, some_rows, tmp_path, layer):
    with pytest.raises(CourseError, match=f"asks for layer {layer} of a teacher with 3"):
        cache_answers(teacher, some_rows, tmp_path, CacheSettings(hidden_layers=(layer,)))


def test_room_is_made_of_caches_that_nobody_reads_and_of_nothing_else(teacher, tiny, some_rows, tmp_path, monkeypatch):
    old = cache_answers(freeze(tiny(5)), some_rows, tmp_path)
    other = tmp_path / "my very own experiments, by hand"
    other.mkdir()
    (other / "mine.safetensors").write_bytes(b"x")
    disk = namedtuple("disk", "total used free")
    monkeypatch.setattr(teacher_cache.shutil, "disk_usage", lambda _: disk(10**9, 10**9, 0))
    teacher_cache._make_room(tmp_path / "new", 10)
    assert old.has(0) and (other / "mine.safetensors").exists()
    folder = old.folder
    del old
    teacher_cache._make_room(tmp_path / "new", 10)
    assert not list(folder.glob("*.safetensors")) and (other / "mine.safetensors").exists()


def test_a_second_start_finds_the_room_that_its_own_cache_takes(teacher, some_rows, tmp_path, monkeypatch):
    cache = cache_answers(teacher, some_rows, tmp_path)
    size = sum(file.stat().st_size for file in cache.folder.iterdir())
    monkeypatch.setattr(cache_settings, "require_writable", lambda *_, **__: None)
    disk = namedtuple("disk", "total used free")
    monkeypatch.setattr(cache_settings.shutil, "disk_usage", lambda _: disk(10**9, 10**9, size))
    assert choose_settings(teacher, some_rows, tmp_path).top_k is None


def test_the_mass_of_the_others_needs_a_temperature():
    with pytest.raises(CourseError, match="There is no temperature"):
        CacheSettings(top_k=4, temperatures=())
