"""A data set that cannot be had gets the true reason, and a folder is never blamed on the network."""

import datasets
import httpx
import pytest
from huggingface_hub.errors import GatedRepoError, RepositoryNotFoundError

from tests.privileges import as_an_ordinary_user
from utils.data.corpus import load_corpus
from utils.errors import CourseError
from utils.machine import hub

PARTS = {"train": range(40), "validation": range(40, 50), "test": range(50, 60)}
LFS = b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n"


def line(number: int) -> str:
    return " ".join(f"word{number}and{k}" for k in range(20))


@pytest.fixture
def parts(tmp_path, monkeypatch):
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "cache")
    monkeypatch.setattr(hub, "hub_answers", lambda: pytest.fail("the hub was asked for a folder"))
    datasets.disable_progress_bars()
    return datasets.DatasetDict(
        {name: datasets.Dataset.from_dict({"text": [line(i) for i in numbers]}) for name, numbers in PARTS.items()}
    )


@pytest.fixture
def two_configurations(parts, tmp_path):
    folder = tmp_path / "snapshot"
    header = ""
    for config in ("raw", "small"):
        (folder / config).mkdir(parents=True)
        header += f"- config_name: {config}\n  data_files:\n"
        for name, part in parts.items():
            part.to_parquet(folder / config / f"{name}-0.parquet")
            header += f"  - split: {name}\n    path: {config}/{name}-*\n"
    (folder / "README.md").write_text(f"---\nconfigs:\n{header}---\n")
    return folder


def refused(source) -> str:
    with pytest.raises(CourseError) as caught:
        load_corpus(source)
    assert "network" not in str(caught.value) and "\n" not in str(caught.value)
    return str(caught.value)


def test_a_configuration_that_is_not_chosen_or_not_there_is_answered_with_the_choice(two_configurations):
    assert len(load_corpus(f"hub:{two_configurations}:raw").train) == 40
    assert "several configurations, and none was chosen: raw, small. Choose one" in refused(f"hub:{two_configurations}")
    assert "has no configuration 'rwa': raw, small. Choose one" in refused(f"hub:{two_configurations}:rwa")


def test_a_folder_is_found_by_the_home_sign_with_and_without_a_configuration(two_configurations, monkeypatch):
    for name in ("HOME", "USERPROFILE"):
        monkeypatch.setenv(name, str(two_configurations.parent))
    assert len(load_corpus("hub:~/snapshot:small").train) == 40
    assert "none was chosen: raw, small" in refused("hub:~/snapshot")
    assert refused("hub:~/elsewhere").startswith("There is no folder '~/elsewhere'")


def test_splits_that_save_to_disk_wrote_together_are_read_and_a_single_one_is_explained(parts, tmp_path):
    parts.save_to_disk(tmp_path / "together")
    assert len(load_corpus(f"hub:{tmp_path / 'together'}").train) == 40
    parts["train"].save_to_disk(tmp_path / "alone")
    assert "holds a single split, as save_to_disk wrote it" in refused(f"hub:{tmp_path / 'alone'}")


FOLDERS = {
    "empty": ({}, "holds no data (.parquet"),
    "pictures": ({"train.png": b"x"}, "has no 'text' column; its columns are image"),
    "hidden": ({".train.jsonl": b'{"text": "x"}'}, "holds no data (.parquet"),
    "pointer": ({"train.parquet": LFS, "validation.parquet": LFS}, "is a pointer of git LFS and not the file itself"),
    "cut": ({"train.parquet": b"PAR1" + b"x" * 50}, "train.parquet' is damaged or no parquet file"),
    "tiny": ({"train.parquet": b"x"}, "train.parquet' is damaged or no parquet file"),
    "nothing in it": ({"train.parquet": b""}, "train.parquet' is empty"),
    "broken line": ({"train.jsonl": b'{"text": "a"}\n{"text": "b"\n'}, "train.jsonl' has no JSON in its line 2"),
    "broken JSON": ({"train.json": b'[{"text": "a"'}, "train.json' is not whole JSON"),
    "quotes": (
        {"train.csv": b'text\n"a,b\n'},
        "datasets says: ParserError: Error tokenizing data. C error: EOF inside",
    ),
    "page": ({"train.csv": b"<html><body>Sign in"}, "train.csv' is a web page"),
    "one split": ({"train.jsonl": f'{{"text": "{line(0)}"}}\n'.encode()}, "has no 'validation' split; it has train"),
}


@pytest.mark.parametrize("case", FOLDERS)
def test_a_folder_with_a_fault_gets_its_sentence(case, parts, tmp_path):
    files, sentence = FOLDERS[case]
    (tmp_path / "mine").mkdir()
    for name, content in files.items():
        (tmp_path / "mine" / name).write_bytes(content)
    assert sentence in refused(f"hub:{tmp_path / 'mine'}")


def test_a_file_in_place_of_the_folder_is_said(tmp_path):
    (tmp_path / "mine.txt").write_text(line(0))
    assert "is a file. For a text file leave `hub:` out" in refused(f"hub:{tmp_path / 'mine.txt'}")


@pytest.mark.parametrize(("value", "kind"), [(["a", "list"], "lists"), (7, "ints"), ({"a": "b"}, "dicts")])
def test_a_text_column_of_something_else_is_said(parts, tmp_path, value, kind):
    folder = tmp_path / "mine"
    folder.mkdir()
    for name in ("train", "validation"):
        datasets.Dataset.from_dict({"text": [value] * 3}).to_parquet(folder / f"{name}.parquet")
    assert f"The 'text' column of {str(folder)!r} (train) holds {kind}, such as" in refused(f"hub:{folder}")


def answer(code):
    return httpx.Response(code, request=httpx.Request("GET", "https://hub.example"))


@pytest.mark.parametrize(
    ("answers", "error", "words"),
    [
        (False, ConnectionError("x"), "does not answer. Check the network or HF_ENDPOINT. Give a local folder"),
        (True, GatedRepoError("x", response=answer(403)), "wants its terms accepted"),
        (
            True,
            RepositoryNotFoundError("x", response=answer(404)),
            "has none of that name (or it is private), and there",
        ),
        (True, ConnectionError("broke off"), "answers, and it still failed (OSError: transformers' own words)"),
    ],
)
def test_of_the_hub_only_what_it_was_asked_is_said(monkeypatch, answers, error, words):
    monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)
    monkeypatch.setattr(hub, "hub_answers", lambda: answers)
    raised = OSError("transformers' own words")
    raised.__cause__ = error
    assert words in hub.why_not_fetched("model", "a/b", raised)
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    assert "is switched off by HF_HUB_OFFLINE, and it was not fetched before" in hub.why_not_fetched(
        "model", "a/b", error
    )


def test_a_folder_that_may_not_be_looked_into_is_said(two_configurations):
    two_configurations.chmod(0)
    try:
        with as_an_ordinary_user(), pytest.raises(CourseError, match="snapshot' may not be looked into"):
            load_corpus(f"hub:{two_configurations}")
    finally:
        two_configurations.chmod(0o700)
