"""Does a document stay in its split when Python's next edition comes, and is every repetition found?"""

from collections import Counter
from pathlib import Path

import pytest

from utils.data.corpus import python_documents, split_corpus
from utils.data.documents import (
    SHINGLE_WORDS,
    SPLIT_SHARES,
    SPLITS,
    Document,
    all_shingles,
    docstrings,
    overlap,
    python_files,
    split_of,
    unique,
    without_near_duplicates,
)

LONG = "Return the widget that was asked for, after every other widget has been looked at once and put back."


def sentence(subject: str, words: int = 30) -> str:
    """Text of which no run of words stands in another subject's."""
    return " ".join(f"{subject}{index}" for index in range(words))


def edition(folder: Path, functions: dict[str, str]) -> Path:
    """A standard library whose modules hold one function a name, `module.function`, with the given docstrings."""
    folder.mkdir()
    for name, text in functions.items():
        module, function = name.split(".")
        with (folder / f"{module}.py").open("a", encoding="utf-8") as file:
            file.write(f'def {function}():\n    """{text}"""\n\n')
    return folder


@pytest.fixture
def editions(tmp_path):
    """Two editions: of 60 functions the second edits twenty, moves five to another module, drops five and adds five."""
    old = {f"alpha.f{i}": sentence(f"word{i}x") for i in range(60)}
    new = dict(old)
    for i in range(40, 60):
        new[f"alpha.f{i}"] = sentence(f"word{i}x") + " Deprecated since the last edition, use another one."
    for i in range(10, 15):
        new[f"beta.f{i}"] = new.pop(f"alpha.f{i}")
    for i in range(15, 20):
        del new[f"alpha.f{i}"]
    for i in range(60, 65):
        new[f"alpha.f{i}"] = sentence(f"word{i}x")
    topics = {"FRAMES": sentence("topic"), "short": "too short"}
    return [
        {d.name: d for d in python_documents(edition(tmp_path / name, functions), topics)}
        for name, functions in (("old", old), ("new", new))
    ]


def splits(documents: dict[str, Document]) -> dict[str, str]:
    corpus = split_corpus("an edition", documents.values())
    return {document.name: split for split in SPLITS for document in getattr(corpus, split)}


def test_an_edited_docstring_stays_in_its_split(editions):
    old, new = editions
    edited = [name for name in old.keys() & new.keys() if old[name].text != new[name].text]
    assert len(edited) == 20
    before, after = splits(old), splits(new)
    assert {before[name] for name in edited} == set(SPLITS)
    assert all(before[name] == after[name] for name in edited)


def test_what_comes_and_goes_moves_no_other_document(editions):
    old, new = editions
    before, after = splits(old), splits(new)
    assert old.keys() - new.keys() == {f"alpha:f{i}" for i in range(10, 20)}
    assert new.keys() - old.keys() == {f"alpha:f{i}" for i in range(60, 65)} | {f"beta:f{i}" for i in range(10, 15)}
    both = before.keys() & after
    assert {name: before[name] for name in both} == {name: after[name] for name in both}
    assert all(after[name] == split_of(name) for name in after)


def test_a_moved_document_carries_its_new_name_and_its_text(editions):
    old, new = editions
    assert new["beta:f10"].text == old["alpha:f10"].text


def test_topics_and_docstrings_stand_side_by_side_and_short_ones_are_left_out(editions):
    old, _ = editions
    assert old["FRAMES"].source == "python-topics"
    assert old["alpha:f0"].source == "python-docstrings"
    assert "short" not in old


def test_the_shares_of_the_splits_are_as_stated():
    counts = Counter(split_of(f"module:name{i}") for i in range(20_000))
    for split, share in zip(SPLITS, SPLIT_SHARES, strict=True):
        assert counts[split] / 20_000 == pytest.approx(share, abs=0.01)


def test_the_split_of_a_name_is_the_same_in_every_edition_of_the_course():
    names = ["os.path:join", "json:loads", "FRAMES", "asyncio.tasks:Task.cancel", "re:compile"]
    assert [split_of(name) for name in names] == ["validation", "train", "train", "train", "validation"]


def test_docstrings_are_named_by_their_qualified_name(tmp_path):
    source = f'''"""Module. {LONG}"""
class Box:
    """Class. {LONG}"""
    def open(self):
        """Method. {LONG}"""
        def inside():
            """Inner. {LONG}"""
    async def close(self):
        """Coroutine. {LONG}"""
if True:
    def conditional():
        r"""Conditional. {LONG}"""
def short():
    """Too short."""
def computed():
    f"""No docstring. {LONG}"""
'''
    path = tmp_path / "m.py"
    path.write_text(source, encoding="utf-8")
    found = {document.name: document.text for document in docstrings(path, "pkg.m", "here", 50)}
    kinds = {name: text.split(".")[0] for name, text in found.items()}
    assert kinds == {
        "pkg.m:": "Module",
        "pkg.m:Box": "Class",
        "pkg.m:Box.open": "Method",
        "pkg.m:Box.open.inside": "Inner",
        "pkg.m:Box.close": "Coroutine",
        "pkg.m:conditional": "Conditional",
    }


@pytest.mark.parametrize(
    "content",
    [b"def broken(:\n", b"\xff\xfe\x00", b'"""' + b"x" * 99 + b"\x00" + b'"""', b"(" * 5000],
    ids=["syntax", "encoding", "NUL", "nesting"],
)
def test_a_file_that_does_not_parse_has_no_documents(tmp_path, content):
    path = tmp_path / "broken.py"
    path.write_bytes(content)
    assert list(docstrings(path, "broken", "here", 10)) == []


def test_a_file_that_declares_its_encoding_is_read_and_warns_of_nothing(tmp_path, recwarn):
    path = tmp_path / "latin.py"
    path.write_bytes(f'# -*- coding: latin-1 -*-\ndef f():\n    """Größe \\d. {LONG}"""\n'.encode("latin-1"))
    (document,) = docstrings(path, "latin", "here", 10)
    assert document.text.startswith("Größe")
    assert not recwarn.list


def test_python_files_are_named_as_modules_and_skipped_folders_stay_out(tmp_path):
    for name in ("__init__.py", "a.py", "sub/__init__.py", "sub/b.py", "tests/test_a.py", "data.txt"):
        (tmp_path / "pkg" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "pkg" / name).touch()
    assert [module for module, _ in python_files(tmp_path / "pkg", "pkg", skip=("tests",))] == [
        "pkg", "pkg.a", "pkg.sub", "pkg.sub.b",
    ]  # fmt: skip
    assert list(python_files(tmp_path / "pkg" / "a.py", "a")) == [("a", tmp_path / "pkg" / "a.py")]


def test_exact_repetitions_and_second_documents_of_a_name_are_left_out():
    documents = [Document("b", "two", ""), Document("a", "one", ""), Document("c", "one", ""), Document("a", "x", "")]
    assert [(d.name, d.text) for d in unique(documents)] == [("a", "one"), ("b", "two")]


def test_a_near_duplicate_is_found_whatever_its_case_and_spacing():
    original = Document("a", sentence("word", 60), "")
    respaced = Document("b", original.text.upper().replace(" ", "\n  "), "")
    assert overlap(respaced, all_shingles([original])) == 1.0


def test_a_document_is_dropped_above_a_fifth_of_shared_runs_and_kept_below():
    reference = all_shingles([Document("r", sentence("shared", 100), "")])

    def with_shared(words: int) -> Document:
        return Document("d", sentence("own", 80) + " " + sentence("shared", words), "")

    few, many = with_shared(20), with_shared(SHINGLE_WORDS + 40)
    assert 0 < overlap(few, reference) <= 0.2 < overlap(many, reference)
    assert without_near_duplicates([few, many], reference) == [few]


def test_texts_shorter_than_a_run_repeat_each_other_only_as_a_whole():
    reference = all_shingles([Document("a", "return the name", "")])
    assert overlap(Document("b", "return the name", ""), reference) == 1.0
    assert overlap(Document("c", "return the size", ""), reference) == 0.0
