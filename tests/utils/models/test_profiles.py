"""Is a run as large as it was asked to be, and does full run without a hub where its files are here?"""

import types
from dataclasses import replace

import datasets
import pytest
import torch

from utils.data.batches import BatchPlan, rows_of
from utils.data.corpus import load_corpus
from utils.errors import CourseError
from utils.losses.core import distillation_loss
from utils.measuring.evaluation import evaluate
from utils.models import profiles
from utils.models.loading import load_pair
from utils.models.profiles import FULL, PROFILES, SMOKE, get_profile
from utils.training.loop import TrainingSettings, distill


@pytest.fixture(autouse=True)
def nothing_asked_for(monkeypatch):
    for name in ("NBGRADER_EXECUTION", "COURSE_PROFILE", "COURSE_PROFILE_BY"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def in_colab(monkeypatch):
    """Colab, with a GPU and the hub there or not."""

    def make(gpu: bool, hub: bool) -> None:
        monkeypatch.setattr(profiles.importlib.util, "find_spec", lambda name: types.SimpleNamespace())
        monkeypatch.setattr(torch.cuda, "is_available", lambda: gpu)
        monkeypatch.setattr("utils.machine.hub.hub_answers", lambda: hub)

    return make


@pytest.mark.parametrize("name", list(PROFILES))
def test_a_profile_is_the_one_asked_for(name, capsys):
    assert get_profile(name) is PROFILES[name]
    assert capsys.readouterr().out == f"Profile {name}: as asked for.\n"


def test_an_unknown_profile_lists_the_ones_there_are():
    with pytest.raises(CourseError, match=r"no profile 'huge'\. Choose one of: auto, smoke, embedded, full"):
        get_profile("huge")


def test_the_environment_overrides_a_cell(monkeypatch, capsys):
    monkeypatch.setenv("COURSE_PROFILE", "smoke")
    assert get_profile("full") is SMOKE
    assert "as COURSE_PROFILE says" in capsys.readouterr().out
    monkeypatch.setenv("COURSE_PROFILE_BY", "--profile")
    get_profile("full")
    assert "as --profile says" in capsys.readouterr().out
    monkeypatch.setenv("COURSE_PROFILE", "tiny")
    with pytest.raises(CourseError, match="no profile 'tiny'"):
        get_profile()


def test_grading_means_smoke_whatever_else_is_said(monkeypatch, capsys):
    monkeypatch.setenv("NBGRADER_EXECUTION", "autograde")
    monkeypatch.setenv("COURSE_PROFILE", "full")
    assert get_profile("full") is SMOKE
    assert "grading run" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("gpu", "hub", "expected", "why"),
    [
        (True, True, "full", "a GPU and the hub within reach"),
        (True, False, "embedded", "the model hub does not answer"),
        (False, True, "embedded", "no GPU"),
    ],
)
def test_auto_in_colab_takes_full_only_with_a_gpu_and_the_hub(in_colab, capsys, gpu, hub, expected, why):
    in_colab(gpu, hub)
    assert get_profile("auto").name == expected
    (line,) = capsys.readouterr().out.splitlines()
    assert line.startswith(f"Profile {expected}: ") and why in line


def test_auto_elsewhere_is_embedded_and_asks_nobody(monkeypatch, capsys):
    monkeypatch.setattr("utils.machine.hub.hub_answers", lambda: pytest.fail("the hub was asked"))
    assert get_profile().name == "embedded"
    assert len(capsys.readouterr().out.splitlines()) == 1
    get_profile(announce=False)
    assert capsys.readouterr().out == ""


def test_full_is_as_large_as_the_source_says():
    assert (FULL.teacher, FULL.student) == ("gpt2-medium", "distilgpt2")
    assert (FULL.train_rows, FULL.evaluation_rows, FULL.max_length, FULL.batch_size) == (2000, 500, 128, 8)
    assert (FULL.learning_rate, FULL.epochs, FULL.temperature, FULL.alpha) == (5e-5, 2, 3.0, 0.5)
    assert FULL.text == "hub:Salesforce/wikitext:wikitext-2-raw-v1"


@pytest.fixture
def full_from_folders(tmp_path, make_model, tokenizer, monkeypatch):
    """The full profile with tiny random GPT-2s and a small data set in folders of the hub's layout."""
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "cache")
    monkeypatch.setattr("utils.machine.hub.hub_answers", lambda *_: pytest.fail("the hub was asked"))
    for name, layers in (("gpt2-medium", 3), ("distilgpt2", 1)):
        make_model(layers, len(tokenizer), layers, context=128, dropout=0.1).save_pretrained(tmp_path / name)
        tokenizer.save_pretrained(tmp_path / name)
    for split, first, last in (("train", 0, 30), ("validation", 30, 40), ("test", 40, 50)):
        path = tmp_path / "wikitext" / f"{split}.txt"
        path.parent.mkdir(exist_ok=True)
        lines = [" ".join(f"w{i}x{j}" for j in range(20)) for i in range(first, last)]
        path.write_text("\n = Heading = \n".join(lines))
    return replace(
        FULL, teacher=str(tmp_path / "gpt2-medium"), student=str(tmp_path / "distilgpt2"),
        text=f"hub:{tmp_path / 'wikitext'}", train_rows=16, evaluation_rows=10,
    )  # fmt: skip


def test_full_runs_from_local_folders_without_a_hub(full_from_folders):
    profile = full_from_folders
    pair, corpus = load_pair(profile, "cpu"), load_corpus(profile.text, profile.min_characters)
    assert (len(corpus.train), len(corpus.validation), len(corpus.tune)) == (30, 10, 10)
    rows = rows_of(corpus.train, pair.tokenizer, profile.max_length, profile.train_rows)
    plan = BatchPlan(tuple(rows), profile.batch_size, pair.tokenizer.pad_token_id, profile.seed)
    judged = rows_of(corpus.validation, pair.tokenizer, profile.max_length, profile.evaluation_rows)
    before = evaluate(pair.student, judged, pair.tokenizer.pad_token_id).perplexity
    settings = TrainingSettings(1e-2, profile.epochs)
    history = distill(pair.student, pair.teacher, plan, settings, distillation_loss)
    assert history.steps_done == 4
    assert evaluate(pair.student, judged, pair.tokenizer.pad_token_id).perplexity < before
