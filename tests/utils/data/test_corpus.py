"""Is the text split cleanly, whatever its source, and does every bad source get its sentence?"""

import errno
import json
import os
import sys
from pathlib import Path

import datasets
import pytest

from tests.privileges import as_an_ordinary_user
from utils.data import corpus as corpus_module
from utils.data.corpus import file_corpus, hub_corpus, load_corpus, python_corpus, split_corpus
from utils.data.documents import SPLITS, Document, all_shingles, overlap, split_of
from utils.errors import CourseError


def paragraph(subject: int, words: int = 30) -> str:
    return " ".join(f"word{subject}x{index}" for index in range(words))


def names_in(split: str, count: int) -> list[str]:
    return [name for name in (f"name{i}" for i in range(10_000)) if split_of(name) == split][:count]


@pytest.fixture
def text_file(tmp_path):
    path = tmp_path / "mine.txt"
    path.write_text("\n\n".join(map(paragraph, range(80))), encoding="utf-8")
    return path


@pytest.fixture
def small_stdlib(tmp_path, monkeypatch):
    """A standard library of one module in place of the installed one, and an empty cache folder."""
    stdlib = tmp_path / "stdlib"
    stdlib.mkdir()
    functions = "\n".join(f'def f{i}():\n    """{paragraph(i)}"""' for i in range(80))
    (stdlib / "one.py").write_text(functions, encoding="utf-8")
    monkeypatch.setattr(corpus_module.sysconfig, "get_path", lambda name: str(stdlib))
    monkeypatch.setattr(corpus_module, "_installed_topics", dict)
    monkeypatch.setenv("COURSE_CACHE", str(tmp_path / "cache"))
    return stdlib


def test_a_file_is_split_into_paragraphs_each_in_one_split(text_file):
    corpus = load_corpus(str(text_file))
    documents = [document for split in SPLITS for document in getattr(corpus, split)]
    assert sorted(document.text for document in documents) == sorted(map(paragraph, range(80)))
    assert all(split_of(d.name) == split for split in SPLITS for d in getattr(corpus, split))
    assert "mine.txt" in corpus.describe() and corpus.near_duplicates_removed == 0


def test_windows_line_ends_byte_order_mark_and_blank_lines_with_spaces_separate_paragraphs_too(tmp_path):
    text = "\r\n \t\r\n".join(map(paragraph, range(80)))
    (tmp_path / "mine.txt").write_bytes(b"\xef\xbb\xbf" + text.encode())
    corpus = file_corpus(tmp_path / "mine.txt")
    texts = {document.text for split in SPLITS for document in getattr(corpus, split)}
    assert texts == set(map(paragraph, range(80)))


def test_a_folder_gives_the_paragraphs_of_its_text_files_alone(tmp_path):
    for index, name in enumerate(["a.txt", "deep/b.MD", "deep/c.rst"]):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("\n\n".join(map(paragraph, range(40 * index, 40 * index + 40))), encoding="utf-8")
    (tmp_path / "code.py").write_text(paragraph(999))
    (tmp_path / "folder.txt").mkdir()
    corpus = file_corpus(tmp_path)
    documents = [document for split in SPLITS for document in getattr(corpus, split)]
    assert len(documents) == 120
    assert {document.source for document in documents} == {"a.txt", "deep/b.MD", "deep/c.rst"}


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (lambda path: None, "There is no file or folder"),
        (lambda path: path.touch(), "holds no text"),
        (lambda path: path.write_text("short\n\nand short"), "holds no text of more than 50 characters"),
        (lambda path: path.write_bytes(b"\x89PNG\r\n\x1a\n\xff"), "not text in UTF-8"),
        (lambda path: path.write_bytes(b"plain \x00 and not" * 9), "NUL bytes"),
        (
            lambda path: path.write_bytes(b"version https://git-lfs.github.com/spec/v1\noid x\n"),
            "is a pointer of git LFS",
        ),
        (lambda path: path.write_text("<!DOCTYPE html>\n" + paragraph(1)), "is a web page, saved under this name"),
        (
            lambda path: path.write_text("%PDF-1.7\n" + paragraph(1)),
            "is a PDF, under this name. Give a plain text file",
        ),
        (lambda path: path.write_text(r"{\rtf1\ansi " + paragraph(1)), "is a document in RTF, under this name"),
        (lambda path: path.mkdir(), "holds no text"),
        (lambda path: path.write_text(paragraph(1)), "leaves nothing in its"),
        (lambda path: path.write_text("\n\n".join([paragraph(1)] * 200)), "leaves nothing in its train split"),
    ],
    ids=[
        "missing",
        "empty",
        "short",
        "binary",
        "NUL",
        "LFS",
        "page",
        "PDF",
        "RTF",
        "empty folder",
        "one paragraph",
        "repetitions",
    ],
)
def test_a_bad_file_gets_its_sentence(tmp_path, make, sentence):
    path = tmp_path / "mine.txt"
    make(path)
    with pytest.raises(CourseError, match=sentence):
        load_corpus(str(path))


def test_a_file_that_may_not_be_read_gets_its_sentence(text_file):
    text_file.chmod(0)
    with as_an_ordinary_user(), pytest.raises(CourseError, match="cannot be read \\(Permission denied\\)"):
        file_corpus(text_file)


@pytest.mark.parametrize("name", ["", " "])
def test_an_empty_name_does_not_mean_the_folder_that_the_notebook_lies_in(name):
    with pytest.raises(CourseError, match="The text's name is empty"):
        load_corpus(name)


@pytest.mark.parametrize("name", ["~nobody-of-this-name/a.txt", "half\0name.txt", "the text itself " * 1000])
def test_a_name_that_nothing_can_have_is_not_there(name):
    with pytest.raises(CourseError, match=r"^There is no file or folder ") as found:
        load_corpus(name)
    assert len(str(found.value)) < 300


def test_short_documents_are_left_out_and_nothing_left_is_said(text_file):
    assert load_corpus(str(text_file), min_characters=60).train
    with pytest.raises(CourseError, match="too few documents of more than 100000 characters"):
        load_corpus(str(text_file), min_characters=100_000)


def test_no_document_of_a_split_repeats_another_split():
    train, tune, validation = (names_in(split, 6) for split in SPLITS)
    repeated, inside = paragraph(1, 60), paragraph(2, 20)
    texts = {
        train[0]: repeated, validation[0]: repeated + " edited", tune[0]: repeated + " once more",
        validation[1]: inside, train[1]: paragraph(3, 300) + " " + inside,
        tune[1]: paragraph(4, 300) + " " + paragraph(5, 20), validation[2]: paragraph(5, 20),
        train[2]: paragraph(6), train[3]: paragraph(7), tune[2]: paragraph(8), validation[3]: paragraph(9),
    }  # fmt: skip
    corpus = split_corpus("constructed", [Document(name, text, "") for name, text in texts.items()])
    for split in SPLITS:
        others = [document for other in SPLITS if other != split for document in getattr(corpus, other)]
        assert all(overlap(document, all_shingles(others)) <= 0.2 for document in getattr(corpus, split)), split
    assert {d.name for d in corpus.train} == {train[1], train[2], train[3]}
    assert {d.name for d in corpus.validation} == {validation[0], validation[3]}
    kept = sum(len(getattr(corpus, split)) for split in SPLITS)
    assert corpus.near_duplicates_removed == len(texts) - kept


def test_within_a_split_documents_stand_in_the_order_of_their_hash_not_their_name(text_file):
    names = [document.name for document in file_corpus(text_file).train]
    assert names != sorted(names)
    assert names == [document.name for document in file_corpus(text_file).train]


def test_the_python_corpus_is_read_once_and_the_same_from_the_cache(small_stdlib, monkeypatch):
    first = python_corpus()
    monkeypatch.setattr(corpus_module, "python_documents", lambda stdlib: pytest.fail("the text was read again"))
    assert python_corpus() == first


@pytest.mark.parametrize("content", ["", "{", "[]", '{"name": 1}', '{"train": [{}]}'])
def test_a_damaged_cache_is_read_anew(small_stdlib, content):
    first = python_corpus()
    (cache,) = (small_stdlib.parent / "cache").glob("*.json")
    whole = cache.read_text()
    cache.write_text(content)
    assert python_corpus() == first
    assert json.loads(cache.read_text()) == json.loads(whole)


def test_a_full_disk_costs_the_cache_and_not_the_text(small_stdlib, monkeypatch):
    def full(*_args, **_keywords):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    assert python_corpus().train
    assert not list((small_stdlib.parent / "cache").iterdir())


def test_a_python_without_its_library_gets_a_sentence(monkeypatch, tmp_path):
    monkeypatch.setenv("COURSE_CACHE", str(tmp_path))
    monkeypatch.setattr(corpus_module.sysconfig, "get_path", lambda name: str(tmp_path / "python.zip"))
    with pytest.raises(CourseError, match=r"standard library is not at .*python\.zip"):
        python_corpus()


def test_tests_and_site_packages_of_the_library_stay_out(small_stdlib):
    for folder in ("test", "site-packages", "idlelib"):
        (small_stdlib / folder).mkdir()
        (small_stdlib / folder / "__init__.py").write_text(f'"""{paragraph(500)}"""')
    documents = corpus_module.python_documents(small_stdlib, topics={})
    assert {document.name.split(":")[0] for document in documents} == {"one"}


@pytest.fixture
def hub_folder(tmp_path, monkeypatch):
    """A data set in the hub's file layout: a card that names its configuration, and a parquet file a split."""
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "cache")
    folder = tmp_path / "wikitext"
    parts = {"train": range(50), "validation": range(50, 60), "test": range(60, 70)}
    for split, subjects in parts.items():
        rows = ["", " = Heading = \n", *(f" {paragraph(subject)} \n" for subject in subjects)]
        path = folder / "wikitext-2-raw-v1" / f"{split}-00000-of-00001.parquet"
        path.parent.mkdir(parents=True, exist_ok=True)
        datasets.Dataset.from_dict({"text": rows}).to_parquet(path)
    files = "".join(f"  - split: {split}\n    path: wikitext-2-raw-v1/{split}-*\n" for split in parts)
    (folder / "README.md").write_text(f"---\nconfigs:\n- config_name: wikitext-2-raw-v1\n  data_files:\n{files}---\n")
    return folder


def test_a_data_set_keeps_its_own_splits_and_its_test_split_is_ours_to_tune_on(hub_folder):
    corpus = load_corpus(f"hub:{hub_folder}:wikitext-2-raw-v1")
    assert [document.text for document in corpus.train] == list(map(paragraph, range(50)))
    assert [document.text for document in corpus.validation] == list(map(paragraph, range(50, 60)))
    assert [document.text for document in corpus.tune] == list(map(paragraph, range(60, 70)))


@pytest.mark.parametrize(
    ("splits", "sentence"),
    [
        ({"train": ["x" * 60]}, "no 'validation' split; it has train"),
        ({"train": [""], "validation": ["x" * 60]}, "'text' column of .* \\(train\\) holds no row"),
        ({"train": [None], "validation": ["x" * 60]}, "'text' column of .* \\(train\\) holds no row"),
    ],
    ids=["split", "empty column", "column of nothing"],
)
def test_a_data_set_without_what_is_needed_gets_its_sentence(monkeypatch, splits, sentence):
    made = datasets.DatasetDict({split: datasets.Dataset.from_dict({"text": t}) for split, t in splits.items()})
    monkeypatch.setattr(datasets, "load_dataset", lambda name, config: made)
    with pytest.raises(CourseError, match=sentence):
        hub_corpus(str(Path.cwd()))


def test_a_data_set_without_a_text_column_names_the_columns_it_has(monkeypatch):
    made = datasets.DatasetDict({"train": datasets.Dataset.from_dict({"body": ["x"], "label": [1]})})
    monkeypatch.setattr(datasets, "load_dataset", lambda name, config: made)
    with pytest.raises(CourseError, match="no 'text' column; its columns are body, label"):
        hub_corpus(str(Path.cwd()))


def test_a_missing_hub_is_one_sentence_and_no_minute_of_retries(monkeypatch, tmp_path):
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path)
    monkeypatch.setattr("time.sleep", lambda seconds: pytest.fail(f"waits {seconds} s before it tries again"))
    with pytest.raises(CourseError, match=r"data set .nobody/nothing. could not .*does not answer.*embedded profile"):
        load_corpus("hub:nobody/nothing:config")


@pytest.mark.skipif(sys.platform == "win32", reason="the name would be a drive's")
def test_the_source_tells_hub_and_file_apart(monkeypatch, tmp_path):
    asked = []
    monkeypatch.setattr(corpus_module, "hub_corpus", lambda *names: asked.append(names) or split_corpus("x", SOME))
    load_corpus("hub:owner/name:config")
    load_corpus("hub:owner/name")
    assert asked == [("owner/name", "config"), ("owner/name",)]


SOME = [Document(f"name{i}", paragraph(i), "") for i in range(60)]
