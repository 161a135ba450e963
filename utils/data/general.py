"""Text from outside the domain: docstrings of installed packages, none of which repeats Python's own documentation."""

from __future__ import annotations

import importlib.util
from collections.abc import Sequence
from pathlib import Path

from utils.data.corpus import python_corpus
from utils.data.documents import Document, all_shingles, docstrings, python_files, unique, without_near_duplicates
from utils.errors import CourseError

HOLDS_NO_ANSWER = True
LEAST_CHARACTERS = 80


def general_documents(packages: Sequence[str], skip: Sequence[str] = ("tests",)) -> list[Document]:
    """The docstrings of these packages, sorted by name; without the folders in `skip` and what Python itself says.

    Raises CourseError for a package that is not installed.
    """
    found = [document for package in packages for document in _docstrings_of(package, skip)]
    corpus = python_corpus()
    repeated = all_shingles([*corpus.train, *corpus.tune, *corpus.validation])
    return without_near_duplicates(unique(found), repeated)


def _docstrings_of(package: str, skip: Sequence[str]) -> list[Document]:
    spec = importlib.util.find_spec(package)
    if spec is None or spec.origin is None:
        raise CourseError(f"The package {package} is not installed, whose docstrings are the general text.")
    return [
        document
        for module, path in python_files(Path(spec.origin).parent, package, skip)
        for document in docstrings(path, module, package, LEAST_CHARACTERS)
    ]
