"""A lab's source runs from start to end, and nothing that it made is lost. Tiny sources stand in for the labs."""

import argparse
import json
import os
from pathlib import Path

import pytest

from cli import _hub, _results, run
from cli.__main__ import main
from utils.errors import CourseError

SOURCE = """# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
# ---

# %% [markdown]
# # A tiny lab
# ## Step 1: draw

# %%
import os
from dataclasses import dataclass
from types import SimpleNamespace
from matplotlib import pyplot

profile = SimpleNamespace(name=os.environ.get("COURSE_PROFILE", "none"))
pyplot.figure("The curve")
pyplot.plot([1, 2])
pyplot.show()
pyplot.figure()

# %% tags=["sweep"]
swept = True

# %% tags=["notebook-only"]
# %matplotlib inline

# %% [markdown]
# ## Step 2: tell

# %%
@dataclass
class Answer:
    value: float

LAST_STEP

# %%
row = {"model": "teacher", "parameters": 5850000, "perplexity": 31.4159, "low": 30.5, "high": 32.25,
       "bits_per_byte": float("nan"), "tokens": 12}
effect = {"ratio": Answer(0.871).value, "low": 0.85, "high": 0.89, "seeds": 1}
lab_results = {"rows": [row], "effects": {"distilled_vs_ce_only": effect}}
"""


@pytest.fixture
def lab(tmp_path, monkeypatch):
    """Write a source with a last step of the test's choice, and run it; returns (exit code, output folder)."""
    for name in (
        "COURSE_OUT",
        "COURSE_PROFILE",
        "COURSE_PROFILE_BY",
        "MPLBACKEND",
        "TQDM_DISABLE",
        "HF_HUB_DISABLE_PROGRESS_BARS",
    ):
        monkeypatch.setitem(os.environ, name, "")  # whatever the run sets is undone after the test
    solutions = tmp_path / "solutions"

    def start(last_step: str = "", number: str = "07", **options: object) -> tuple[int, Path]:
        folder = solutions / "07_tiny"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "07_tiny.py").write_text(SOURCE.replace("LAST_STEP", last_step))
        settings = {"lab": number, "profile": "smoke", "json": None, "out": tmp_path / "out", "all": False}
        return run.main(argparse.Namespace(**settings | options), solutions), tmp_path / "out"

    return start


def test_it_ends_with_a_table_that_has_every_interval_and_the_paths_of_the_figures(lab, capsys):
    code, folder = lab()
    printed = capsys.readouterr().out
    assert code == 0
    assert "07_tiny, profile smoke" in printed
    for part in ("31.42 [30.50, 32.25]", "5,850,000", "ratio 0.8710 [0.8500, 0.8900]", "seeds 1"):
        assert part in printed
    figures = ["01_the_curve.png", "02.png"]
    assert sorted(path.name for path in folder.iterdir()) == figures
    assert all(str(folder / name) in printed for name in figures)


def test_the_json_is_the_contract(lab, tmp_path):
    lab(json=tmp_path / "results.json")
    record = json.loads((tmp_path / "results.json").read_text())
    assert set(record) == {"lab", "profile", "seconds", "rows", "effects", "environment"}
    assert (record["lab"], record["profile"]) == ("07_tiny", "smoke")
    assert record["rows"][0]["parameters"] == 5850000
    assert record["rows"][0]["bits_per_byte"] is None, "JSON has no NaN"
    assert record["effects"]["distilled_vs_ce_only"]["seeds"] == 1
    named = {"python", "torch", "transformers", "platform", "cores", "threads", "device", "date"}
    assert set(record["environment"]) == named


@pytest.mark.parametrize(("everything", "expected"), [(False, "False"), (True, "True")])
def test_sweeps_run_only_with_all(lab, capsys, everything, expected):
    lab("print('swept:', 'swept' in globals())", all=everything)
    assert f"swept: {expected}" in capsys.readouterr().out


@pytest.mark.parametrize("number", ["7", "07", "07_tiny"])
def test_a_lab_is_found_by_number_and_by_name(lab, number):
    assert lab(number=number)[0] == 0


def test_an_unknown_lab_lists_those_there_are(lab):
    with pytest.raises(CourseError, match=r"no lab '12'.*07_tiny"):
        lab(number="12")


def test_the_lab_is_told_its_output_folder(lab, capsys):
    folder = lab("print('told:', os.environ['COURSE_OUT'])")[1]
    assert f"told: {folder}\n" in capsys.readouterr().out


def test_a_profile_that_is_not_there_is_said_before_anything_runs(lab, monkeypatch, capsys):
    with pytest.raises(CourseError, match=r"no profile 'huge'\. Choose one of: auto, smoke, embedded, full\."):
        lab("print('ran')", profile="huge")
    monkeypatch.setenv("COURSE_PROFILE", "huge")
    with pytest.raises(CourseError, match=r"no profile 'huge' \(COURSE_PROFILE\)"):
        lab("print('ran')", profile=None)
    assert "ran" not in capsys.readouterr().out


@pytest.fixture
def full(monkeypatch, tmp_path):
    """The hub does not answer, and the working folder and the hub's cache are empty."""
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:1")
    monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)
    monkeypatch.setattr("cli._hub.is_cached", lambda name: False)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_models_that_cannot_be_fetched_are_said_before_anything_runs(lab, full, capsys):
    with pytest.raises(CourseError) as error:
        lab("print('ran')", profile="full")
    assert "'full' wants gpt2-medium and distilgpt2 from the model hub" in str(error.value)
    assert "http://127.0.0.1:1 does not answer. Check the network or HF_ENDPOINT" in str(error.value)
    assert "ran" not in capsys.readouterr().out


@pytest.mark.parametrize("place", ["folder", "cache", "hub"])
def test_models_that_are_here_or_that_the_hub_has_stop_nothing(lab, full, monkeypatch, place):
    (full / "gpt2-medium").mkdir()
    if place == "folder":
        (full / "distilgpt2").mkdir()
    elif place == "cache":
        monkeypatch.setattr("cli._hub.is_cached", lambda name: name == "distilgpt2")
    else:
        monkeypatch.setattr("cli._hub.hub_answers", lambda timeout: True)
    assert lab(profile="full")[0] == 0


def test_a_model_is_cached_once_its_settings_are(monkeypatch, tmp_path):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    assert not _hub.is_cached("gpt2-medium")
    folder = tmp_path / "models--gpt2-medium"
    (folder / "snapshots" / "1").mkdir(parents=True)
    (folder / "refs").mkdir()
    (folder / "refs" / "main").write_text("1")
    (folder / "snapshots" / "1" / "config.json").write_text("{}")
    assert _hub.is_cached("gpt2-medium")


@pytest.mark.parametrize("verb", ["run", "build"])
def test_help_names_every_profile(capsys, verb):
    with pytest.raises(SystemExit):
        main([verb, "--help"])
    names = "auto, smoke, embedded, full" if verb == "run" else ": smoke, embedded, full"
    assert names in " ".join(capsys.readouterr().out.split())


@pytest.mark.parametrize(("profile", "by"), [("smoke", "--profile"), (None, "")])
def test_a_lab_is_told_whether_the_profile_was_asked_for_on_the_command_line(lab, capsys, profile, by):
    lab("print('by', repr(os.environ['COURSE_PROFILE_BY']))", profile=profile)
    assert f"by {by!r}\n" in capsys.readouterr().out


def test_an_interrupt_keeps_figures_and_checkpoints_and_says_how_to_go_on(lab, capsys):
    interrupt = "open(os.environ['COURSE_OUT'] + '/state.pt', 'w').close(); raise KeyboardInterrupt"
    code, folder = lab(interrupt)
    words = capsys.readouterr().err
    assert code == 130
    assert (folder / "01_the_curve.png").exists()
    for part in ("stopped in 'Step 2: tell'", "state.pt", "01_the_curve.png", "The same command goes on"):
        assert part in words
    assert "Traceback" not in words


def test_a_users_mistake_goes_up_as_one_sentence(lab):
    with pytest.raises(CourseError, match="alpha is 2"):
        lab("from utils.errors import CourseError\nraise CourseError('alpha is 2')")


def test_a_defect_shows_the_labs_own_line_and_none_of_ours(lab, capsys):
    code, _ = lab("nothing = 1 / 0  # the line")
    words = capsys.readouterr().err
    assert code == 1
    assert "nothing = 1 / 0  # the line" in words
    assert "_lab.py" not in words


def test_an_exercise_without_its_table_is_said_before_anything_runs(lab, capsys):
    marks = '{"grade": true, "grade_id": "check_entropy", "points": 1, "solution": false}'
    with pytest.raises(CourseError, match=r"checks entropy, .* grader\.exercises\.make_tables makes its table"):
        lab(f"print('ran')\n\n# %% nbgrader={marks}\ncheck('entropy', None)")
    assert "ran" not in capsys.readouterr().out


def test_a_folder_that_cannot_be_written_is_said_before_anything_runs(lab, tmp_path, capsys):
    (tmp_path / "file").write_text("")
    with pytest.raises(CourseError, match=r"file/out' .*: choose another folder with --out\.$"):
        lab("print('ran')", out=tmp_path / "file" / "out")
    with pytest.raises(CourseError, match=r"file' .*: choose another file with --json\.$"):
        lab("print('ran')", json=tmp_path / "file" / "results.json")
    assert "ran" not in capsys.readouterr().out


def test_a_table_takes_rows_of_any_kind(capsys):
    from rich.console import Console

    rows = [{"probe": "KL(p, p)", "nats": 0.0}, {"probe": "shifted", "nats": 1234.5, "note": None}]
    _results.print_results({"rows": rows}, Console(width=80))
    printed = capsys.readouterr().out
    assert all(part in printed for part in ("KL(p, p)", "1,234", "probe", "note"))


def test_results_of_numpy_and_torch_become_plain_numbers():
    import numpy
    import torch

    values = {"a": numpy.float32(1.5), "b": torch.tensor(2), "c": [numpy.int64(3), float("inf")], 4: (None, True)}
    assert _results.plain(values) == {"a": 1.5, "b": 2, "c": [3, None], "4": [None, True]}
