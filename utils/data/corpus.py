"""Where the text comes from: the documentation of the learner's own Python, a hub data set, or files of your own.

Whatever the source, a corpus comes in three splits (train to learn from, tune to choose settings on, validation to
judge on) that do not repeat each other.  Each document carries its name and source, and the number of near-duplicates
left out is kept.
"""

from __future__ import annotations

import contextlib
import importlib
import json
import os
import re
import sys
import sysconfig
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from os import PathLike, fspath
from pathlib import Path
from typing import Any

from utils.data.data_set import load_splits
from utils.data.documents import (
    SPLITS,
    Document,
    all_shingles,
    docstrings,
    name_point,
    python_files,
    split_of,
    unique,
    without_near_duplicates,
    without_repeats,
)
from utils.data.text_files import text_files
from utils.errors import CourseError
from utils.machine.files import file_fault, require_open
from utils.machine.workspace import cache_folder, write_whole
from utils.provenance.gate import require_allowed
from utils.provenance.records import COLUMN, records_of
from utils.provenance.terms import Policy, read_policy

MIN_CHARACTERS = 50
TEXT_SUFFIXES = (".txt", ".md", ".rst")
STDLIB_SKIPPED = ("site-packages", "dist-packages", "test", "tests", "idlelib", "lib2to3", "pydoc_data", "turtledemo")
CACHE_SCHEMA = 4


@dataclass(frozen=True)
class Corpus:
    """Three disjoint splits of documents.

    name: which text.  near_duplicates_removed: documents left out because another split has nearly the same.
    repeats_removed: documents of a user's own text left out because the same words stand elsewhere in it.
    duties: what the terms of the training text ask for.
    """

    name: str
    train: tuple[Document, ...]
    tune: tuple[Document, ...]
    validation: tuple[Document, ...]
    near_duplicates_removed: int
    repeats_removed: int = 0
    duties: tuple[str, ...] = ()

    def longer_than(self, characters: int) -> Corpus:
        """The corpus without the documents of `characters` or fewer.  Raises CourseError where that leaves nothing."""
        kept = {
            split: tuple(document for document in getattr(self, split) if len(document.text) > characters)
            for split in SPLITS
        }
        if not kept["train"] or not kept["validation"]:
            raise CourseError(
                f"The text {self.name!r} has too few documents of more than {characters} characters to train and to "
                "judge on. Bring longer paragraphs, or set a smaller min_characters."
            )
        return replace(self, **kept)

    def describe(self) -> str:
        """One line for the learner: what it is and how much; then a line for each duty that comes with the text."""
        repeats = f", {self.repeats_removed:,} repeated paragraphs too" if self.repeats_removed else ""
        duties = "".join(f"\n  with this text you owe: {duty}" for duty in self.duties)
        return (
            f"{self.name}: {len(self.train):,} documents to train on, {len(self.tune):,} to tune on, "
            f"{len(self.validation):,} to judge on; {self.near_duplicates_removed:,} near-duplicates left out{repeats}"
            f"{duties}"
        )


def load_corpus(source: str | PathLike[str], min_characters: int = MIN_CHARACTERS) -> Corpus:
    """Load the text named by `source`: "python", "hub:NAME/OF/DATASET[:CONFIG]", or the path of a file or folder.

    Documents of `min_characters` or fewer are left out.  Raises CourseError with what to do where the text is missing,
    empty, too short to split, or not text.
    """
    text = fspath(source)
    if not text.strip():
        raise CourseError(
            "The text's name is empty. Give 'python', hub:NAME/OF/DATASET, or the path of a file or folder."
        )
    if text == "python":
        corpus = python_corpus()
    elif text.startswith("hub:"):
        name = text.removeprefix("hub:")
        corpus = hub_corpus(name) if os.path.exists(os.path.expanduser(name)) else hub_corpus(*name.rsplit(":", 1))
    else:
        corpus = file_corpus(Path(os.path.expanduser(text)))
    return corpus.longer_than(min_characters)


def python_corpus() -> Corpus:
    """The documentation inside the running Python: `pydoc_data.topics` and standard-library docstrings; cached."""
    cache = _cache_file()
    if cache is not None and cache.exists():
        try:
            return _from_json(json.loads(cache.read_text(encoding="utf-8")))
        except (ValueError, KeyError, TypeError, OSError):
            cache.unlink(missing_ok=True)
    stdlib = Path(sysconfig.get_path("stdlib"))
    corpus = split_corpus("the documentation of Python " + sysconfig.get_python_version(), python_documents(stdlib))
    if cache is not None:
        with contextlib.suppress(CourseError):  # the next start reads the text again
            write_whole(cache, json.dumps(asdict(corpus)))
    return corpus


def python_documents(stdlib: Path, topics: Mapping[str, str] | None = None) -> list[Document]:
    """The documents of one edition of Python: help topics by their key, docstrings by `module:qualname`."""
    if topics is None:
        topics = _installed_topics()
    found = [Document(key, text.strip(), "python-topics") for key, text in topics.items()]
    for module, path in _stdlib_files(stdlib):
        found += docstrings(path, module, "python-docstrings", MIN_CHARACTERS)
    return [document for document in unique(found) if len(document.text) > MIN_CHARACTERS]


def hub_corpus(name: str, config: str | None = None, policy: Policy | None = None) -> Corpus:
    """A data set of the hub (or of HF_ENDPOINT, or a local folder) with a text column and its own splits.

    Its test split, where it has one, is ours to tune on.  Where its training rows say where they come from, in a column
    "provenance", each has to be allowed by the policy; None is the course's own.
    """
    splits = load_splits(name, config)
    duties = _allowed(name, splits.get("train"), read_policy() if policy is None else policy)
    parts = {part: _column_documents(name, part, splits) for part in ("train", "test", "validation")}
    return replace(_without_repeats(name, parts["train"], parts["test"], parts["validation"]), duties=duties)


def _allowed(name: str, rows: Any, policy: Policy) -> tuple[str, ...]:
    """The duties that come with a split; none where it says nothing of its provenance."""
    if rows is None or COLUMN not in rows.column_names:
        return ()
    place = f"The data set {name!r}, train"
    return tuple(require_allowed(place, records_of(place, rows[COLUMN]), policy))


def file_corpus(path: Path) -> Corpus:
    """The learner's own text: a file whose paragraphs are documents, or a folder whose text files are."""
    require_open(path)
    if not os.path.exists(path):
        raise CourseError(
            f"There is no file or folder {str(path)[:200]!r}. Give the path of a text file or of a folder."
        )
    files = [path] if path.is_file() else text_files(path, TEXT_SUFFIXES)
    found = [
        document
        for file in files
        for document in _paragraphs(file, file.name if path.is_file() else file.relative_to(path).as_posix())
    ]
    documents = without_repeats(found)
    if not documents:
        raise CourseError(
            f"{str(path)!r} holds no text of more than {MIN_CHARACTERS} characters a paragraph. "
            f"Give a text file, or a folder with {', '.join(TEXT_SUFFIXES)} files in it (hidden ones are not read)."
        )
    return replace(split_corpus(path.name, documents), repeats_removed=len(found) - len(documents))


def split_corpus(name: str, documents: Iterable[Document]) -> Corpus:
    """Split documents by the hash of their names and leave near-duplicates between the splits out.

    Within a split they stand in the order of that hash, so the first of them are a fair sample.
    """
    parts: dict[str, list[Document]] = {split: [] for split in SPLITS}
    for document in sorted(documents, key=lambda document: name_point(document.name)):
        parts[split_of(document.name)].append(document)
    return _without_repeats(name, parts["train"], parts["tune"], parts["validation"])


def _without_repeats(name: str, train: list[Document], tune: list[Document], validation: list[Document]) -> Corpus:
    """Leave out of train what repeats the other splits, then of those what still repeats train or each other.

    Both directions: a short document inside a long one is a repetition of the one, but hardly of the other.
    """
    judged = all_shingles(validation) | all_shingles(tune)
    kept_train = without_near_duplicates(train, judged)
    seen = all_shingles(kept_train)
    kept_tune = without_near_duplicates(tune, seen | all_shingles(validation))
    kept_validation = without_near_duplicates(validation, seen | all_shingles(kept_tune))
    for split, documents in (("train", kept_train), ("validation", kept_validation)):
        if not documents:
            raise CourseError(
                f"The text {name!r} leaves nothing in its {split} split. Bring more or more varied text: "
                "each paragraph is a document, and those that repeat each other are left out."
            )
    kept = len(kept_train) + len(kept_tune) + len(kept_validation)
    removed = len(train) + len(tune) + len(validation) - kept
    return Corpus(name, tuple(kept_train), tuple(kept_tune), tuple(kept_validation), removed)


def _installed_topics() -> Mapping[str, str]:
    try:
        return importlib.import_module("pydoc_data.topics").topics
    except ImportError:
        return {}


def _stdlib_files(stdlib: Path) -> Iterator[tuple[str, Path]]:
    if not stdlib.is_dir():
        raise CourseError(f"Python's standard library is not at {str(stdlib)!r}; its documentation cannot be read.")
    for entry in sorted(stdlib.iterdir()):
        module = entry.name.removesuffix(".py")
        is_module = entry.suffix == ".py" or (entry.is_dir() and (entry / "__init__.py").exists())
        if is_module and module.isidentifier() and module not in STDLIB_SKIPPED:
            yield from python_files(entry, module, skip=STDLIB_SKIPPED)


def _column_documents(name: str, split: str, splits: Mapping) -> list[Document]:
    if split not in splits:
        if split == "test":
            return []
        raise CourseError(f"The data set {name!r} has no {split!r} split; it has {', '.join(splits)}.")
    rows = splits[split]
    if "text" not in rows.column_names:
        raise CourseError(
            f"The data set {name!r} has no 'text' column; its columns are {', '.join(rows.column_names)}."
        )
    first = next((text for text in rows["text"] if text), "")
    if not isinstance(first, str):
        raise CourseError(
            f"The 'text' column of {name!r} ({split}) holds {type(first).__name__}s, such as {str(first)[:40]!r}, not "
            "text. Join each into one string, or choose a data set of whole texts."
        )
    texts = (text.strip() for text in rows["text"] if text)
    kept = [Document(f"{split}:{index}", text, name) for index, text in enumerate(texts) if len(text) > MIN_CHARACTERS]
    if not kept:
        raise CourseError(
            f"The 'text' column of {name!r} ({split}) holds no row of more than {MIN_CHARACTERS} characters."
        )
    return kept


def _paragraphs(file: Path, name: str) -> Iterator[Document]:
    try:
        text = file.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise CourseError(f"{str(file)!r} is not text in UTF-8 (byte {error.start}). Save it as UTF-8 text.") from error
    except OSError as error:
        raise CourseError(f"{str(file)!r} cannot be read ({error.strerror}). Give a file that you may read.") from error
    fault = file_fault(file) if text else ""
    if fault:
        raise CourseError(f"{str(file)!r} {fault}. Give a plain text file.")
    if "\x00" in text:
        raise CourseError(f"{str(file)!r} holds NUL bytes: it is not a text file. Give a plain text file.")
    blocks = (block.strip() for block in re.split(r"\n\s*\n", text))
    for index, block in enumerate(blocks):
        if len(block) > MIN_CHARACTERS:
            yield Document(f"{name}:{index}", block, name)


def _cache_file() -> Path | None:
    folder = cache_folder()
    version = ".".join(map(str, sys.version_info[:3]))
    return folder and folder / f"python-{version}-{sys.platform}-v{CACHE_SCHEMA}.json"


def _from_json(data: dict) -> Corpus:
    parts = {split: tuple(Document(**item) for item in data[split]) for split in ("train", "tune", "validation")}
    return Corpus(data["name"], **parts, near_duplicates_removed=data["near_duplicates_removed"])
