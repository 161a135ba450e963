"""A folder's text is what its owner put there, once; what programs leave beside it is not read."""

import os

import pytest

from tests.privileges import as_an_ordinary_user
from utils.data.corpus import file_corpus, load_corpus
from utils.errors import CourseError


def paragraphs(count: int, mark: str) -> str:
    return "\n\n".join(" ".join(f"{mark}word{i}and{k}" for k in range(15)) for i in range(count))


@pytest.fixture
def folder(tmp_path):
    """Eight files of ten paragraphs that share nothing."""
    for number in range(8):
        (tmp_path / "text" / f"part{number}.txt").parent.mkdir(exist_ok=True)
        (tmp_path / "text" / f"part{number}.txt").write_text(paragraphs(10, f"w{number}"), encoding="utf-8")
    return tmp_path / "text"


@pytest.mark.parametrize("rights", [0o000, 0o300, 0o400])  # none; enter but not list; list but not enter
def test_a_folder_that_may_not_be_looked_into_is_said_and_not_passed_over(folder, rights):
    """Where it is passed over, the text is shorter than its owner thinks."""
    closed = folder / "chapter"
    closed.mkdir()
    (closed / "part.txt").write_text(paragraphs(10, "closed"), encoding="utf-8")
    closed.chmod(rights)
    try:
        for source in (folder, closed):
            with as_an_ordinary_user(), pytest.raises(CourseError, match="chapter' may not be looked into"):
                load_corpus(source)
    finally:
        closed.chmod(0o700)


LEFT_BEHIND = (
    ".ipynb_checkpoints/part0-checkpoint.txt",
    "._part0.txt",
    "__MACOSX/._part0.txt",
    "__MACOSX/part0.txt",
    ".venv/lib/part0.txt",
    "venv/lib/python3.11/site-packages/package/part0.txt",
    "env/share/part0.txt",
    "conda/share/part0.md",
    ".git/description.txt",
    "node_modules/package/README.md",
    "deep/er/.cache/part0.txt",
    "#part0.txt",
    "~$part0.txt",
)


@pytest.mark.parametrize("left", LEFT_BEHIND)
def test_what_a_program_left_in_a_folder_is_no_text(folder, left):
    clean = file_corpus(folder)
    (folder / left).parent.mkdir(parents=True, exist_ok=True)
    (folder / left).write_text(paragraphs(10, "other"), encoding="utf-8")
    for mark in ("env/pyvenv.cfg", "conda/conda-meta/history"):
        if (folder / mark.split("/")[0]).exists():
            (folder / mark).parent.mkdir(exist_ok=True)
            (folder / mark).touch()
    assert file_corpus(folder) == clean


def test_a_mac_s_file_that_is_no_text_stops_nothing(folder):
    clean = file_corpus(folder)
    (folder / "._part0.txt").write_bytes(b"\x00\x05\x16\x07\xb0")
    assert file_corpus(folder) == clean


def test_a_hidden_file_or_folder_that_is_named_is_read(folder, tmp_path):
    hidden = folder.rename(tmp_path / ".notes")
    assert file_corpus(hidden).train
    (hidden / "part0.txt").rename(hidden / ".part0.txt")
    assert file_corpus(hidden / ".part0.txt").train


def test_the_same_words_count_once_and_the_repeats_are_told(folder):
    clean = file_corpus(folder)
    assert clean.repeats_removed == 0 and "repeated" not in clean.describe()
    text = (folder / "part3.txt").read_text(encoding="utf-8")
    (folder / "part3 (copy).txt").write_text(text.replace(" ", "\n", 3).replace("\n\n", "\n \n"), encoding="utf-8")
    doubled = file_corpus(folder)
    assert len(doubled.train + doubled.tune + doubled.validation) == len(clean.train + clean.tune + clean.validation)
    assert doubled.repeats_removed == 10
    assert doubled.describe().endswith("near-duplicates left out, 10 repeated paragraphs too")


def test_a_folder_of_nothing_but_hidden_files_says_that_they_are_not_read(tmp_path):
    (tmp_path / ".a.txt").write_text(paragraphs(10, "w"), encoding="utf-8")
    with pytest.raises(CourseError, match="hidden ones are not read"):
        file_corpus(tmp_path)


@pytest.mark.parametrize("form", [os.fspath, lambda path: path], ids=["str", "Path"])
def test_a_path_may_begin_with_the_home_sign(folder, monkeypatch, form):
    for name in ("HOME", "USERPROFILE"):
        monkeypatch.setenv(name, str(folder.parent))
    expected = load_corpus(folder)
    assert load_corpus("~/text") == expected == load_corpus(form(folder))
    assert load_corpus("~/text/part0.txt").name == "part0.txt"
