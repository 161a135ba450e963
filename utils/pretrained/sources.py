"""The text that the embedded pair is trained on: the docstrings of installed packages, and the target's training part.

The question: what has the student never seen?  The general text comes from third-party packages only.  The target
(the documentation of Python itself) enters the teacher's training through its train split, and the student's never.
A general document that repeats the target's validation text is left out, so that no model is judged on its homework.
"""

from __future__ import annotations

import importlib.metadata
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from utils.data.corpus import Corpus, python_corpus
from utils.data.documents import (
    Document,
    all_shingles,
    docstrings,
    python_files,
    unique,
    without_near_duplicates,
)

SKIPPED_FOLDERS = ("test", "tests", "testing", "_vendor", "vendor", "vendored", "node_modules", "migrations")
MIN_CHARACTERS = 80


@dataclass(frozen=True)
class PackageSource:
    """An installed package whose docstrings were read: its version, its licence as it states it, and how much text."""

    name: str
    version: str
    licence: str
    documents: int
    characters: int


@dataclass(frozen=True)
class TrainingText:
    """General documents, the target's corpus, and an account of where everything came from."""

    general: list[Document]
    target: Corpus
    packages: list[PackageSource]
    near_duplicates_removed: int


def training_text(site_packages: Path, requirement_names: Sequence[str]) -> TrainingText:
    """Read the docstrings of the named packages below `site_packages`, cleaned of the target's validation text."""
    target = python_corpus()
    documents: list[Document] = []
    packages: list[PackageSource] = []
    for name in requirement_names:
        found, package = _package_documents(site_packages, name)
        documents += found
        packages.append(package)
    general = unique(documents)
    clean = without_near_duplicates(general, all_shingles([*target.validation, *target.tune]))
    return TrainingText(clean, target, packages, len(general) - len(clean))


def _package_documents(site_packages: Path, name: str) -> tuple[list[Document], PackageSource]:
    distribution = next(iter(importlib.metadata.distributions(name=name, path=[str(site_packages)])))
    top_levels = sorted({file.parts[0] for file in distribution.files or () if file.suffix == ".py"})
    documents = [
        document
        for top in top_levels
        if (site_packages / top).exists()
        for module, path in python_files(site_packages / top, top.removesuffix(".py"), skip=SKIPPED_FOLDERS)
        for document in docstrings(path, module, distribution.name, MIN_CHARACTERS)
    ]
    source = PackageSource(
        distribution.name,
        distribution.version,
        _licence(distribution),
        len(documents),
        sum(len(document.text) for document in documents),
    )
    return documents, source


def _licence(distribution: importlib.metadata.Distribution) -> str:
    metadata = distribution.metadata
    stated = metadata.get("License-Expression") or ""
    classifiers = [
        c.split("::")[-1].strip() for c in metadata.get_all("Classifier") or () if c.startswith("License ::")
    ]
    return stated or ", ".join(classifiers) or (metadata.get("License") or "not stated").splitlines()[0][:60]
