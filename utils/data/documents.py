"""Named documents: reading docstrings, splitting by name, and finding near-duplicates.

No model may be judged on text that it was trained on.  Documents are split by a hash of their *name*, so an edited
document stays in its split in the next edition of Python; and documents that repeat each other across splits
(documentation does) are found by their shared runs of 13 words and left out.
"""

from __future__ import annotations

import ast
import hashlib
import inspect
import re
import warnings
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

SPLITS = ("train", "tune", "validation")
SPLIT_SHARES = (0.80, 0.07, 0.13)
SHINGLE_WORDS = 13
NEAR_DUPLICATE_SHARE = 0.2
_WORD = re.compile(r"\w+|[^\w\s]")


@dataclass(frozen=True)
class Document:
    """A piece of text with a name that outlives its edits, and where it came from."""

    name: str
    text: str
    source: str


def name_point(name: str) -> float:
    """A number in [0, 1) that follows from the name alone, evenly spread over names."""
    return int.from_bytes(hashlib.blake2b(name.encode(), digest_size=8).digest(), "big") / 2**64


def split_of(name: str) -> str:
    """The split a document belongs to: "train", "tune" or "validation", decided by its name alone."""
    point = name_point(name)
    for split, share in zip(SPLITS, SPLIT_SHARES, strict=True):
        if point < share:
            return split
        point -= share
    return SPLITS[-1]


def python_files(package: Path, module: str, skip: Sequence[str] = ()) -> Iterator[tuple[str, Path]]:
    """(dotted module name, file) of every .py file of a package folder, sorted, without the folders in `skip`.

    A single module is its own only file.
    """
    if package.is_file():
        yield module, package
        return
    for path in sorted(package.rglob("*.py")):
        parts = path.relative_to(package).with_suffix("").parts
        if not set(parts) & set(skip):
            yield ".".join((module, *(part for part in parts if part != "__init__"))), path


def docstrings(path: Path, module: str, source: str, min_characters: int) -> Iterator[Document]:
    """The docstrings of one Python file, named `module:qualname`.  A file that does not parse has none."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # an invalid escape in somebody else's file is not the reader's concern
            tree = ast.parse(path.read_bytes())  # bytes: the file may declare its own encoding
    except (SyntaxError, ValueError, OSError, RecursionError):
        return
    stack: list[tuple[ast.AST, str]] = [(tree, "")]
    while stack:
        node, qualname = stack.pop()
        text = ast.get_docstring(node, clean=False) if _can_have_docstring(node) else None
        if text and len(text := inspect.cleandoc(text)) > min_characters:
            yield Document(f"{module}:{qualname}", text, source)
        for child in ast.iter_child_nodes(node):
            name = getattr(child, "name", None) if _can_have_docstring(child) else None
            stack.append((child, f"{qualname}.{name}".lstrip(".") if name else qualname))


def _can_have_docstring(node: ast.AST) -> bool:
    return isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)


def unique(documents: Iterable[Document]) -> list[Document]:
    """The documents, sorted by name, without exact repetitions of a text and with one document a name."""
    texts: set[str] = set()
    names: dict[str, Document] = {}
    for document in sorted(documents, key=lambda document: document.name):
        if document.text not in texts and document.name not in names:
            texts.add(document.text)
            names[document.name] = document
    return list(names.values())


def without_repeats(documents: Sequence[Document]) -> list[Document]:
    """The documents without those whose words, apart from the white space, stand in an earlier one."""
    first: dict[str, Document] = {}
    for document in documents:
        first.setdefault(" ".join(document.text.split()), document)
    return list(first.values())


def shingles(text: str) -> set[int]:
    """Hashes of every run of 13 words (punctuation marks count as words); of the whole text where it is shorter."""
    words = _WORD.findall(text.lower())
    runs = max(1, len(words) - SHINGLE_WORDS + 1)
    return {hash(tuple(words[start : start + SHINGLE_WORDS])) for start in range(runs)}


def all_shingles(documents: Iterable[Document]) -> set[int]:
    """The union of every document's shingles."""
    return set().union(*(shingles(document.text) for document in documents))


def without_near_duplicates(
    documents: Sequence[Document], reference: set[int], share: float = NEAR_DUPLICATE_SHARE
) -> list[Document]:
    """The documents of which at most `share` of their shingles also stand in `reference`."""
    return [document for document in documents if overlap(document, reference) <= share]


def overlap(document: Document, reference: set[int]) -> float:
    """The share of the document's shingles that stand in `reference`, 0 to 1."""
    own = shingles(document.text)
    return len(own & reference) / len(own)
