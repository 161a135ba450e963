"""Which check finds a leak?  Forms that leaked text takes, and five checks, each with its false alarms."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Sequence
from dataclasses import replace

from benchmarks.data_arms import SEEN_AGAIN, Data, reworded
from utils.data.documents import Document, all_shingles, overlap
from utils.measuring.repeats import near_duplicates

TRAINING = 1000  # documents that the leaked ones are hidden among
SIMILAR = 0.5  # Jaccard index of 3-word shingles from which two documents are near-duplicates
Found = Callable[[Sequence[Document], Sequence[Document]], set[str]]


def by_name(judged: Sequence[Document], training: Sequence[Document]) -> set[str]:
    names = {document.name for document in training}
    return {document.name for document in judged if document.name in names}


def by_text(judged: Sequence[Document], training: Sequence[Document]) -> set[str]:
    texts = {document.text for document in training}
    return {document.name for document in judged if document.text in texts}


def by_words(judged: Sequence[Document], training: Sequence[Document]) -> set[str]:
    texts = {" ".join(document.text.lower().split()) for document in training}
    return {document.name for document in judged if " ".join(document.text.lower().split()) in texts}


def by_runs(judged: Sequence[Document], training: Sequence[Document]) -> set[str]:
    runs = all_shingles(training)
    return {document.name for document in judged if overlap(document, runs) > SEEN_AGAIN}


def by_similarity(judged: Sequence[Document], training: Sequence[Document]) -> set[str]:
    """Those in a group of near-duplicates with a document of the training text."""
    groups = near_duplicates([document.text for document in (*training, *judged)], SIMILAR)
    with_training = (group for group in groups if group[0] < len(training))
    places = {place - len(training) for group in with_training for place in group if place >= len(training)}
    return {judged[place].name for place in places}


CHECKS: dict[str, Found] = {
    "same name": by_name,
    "same text": by_text,
    "same words": by_words,
    "13-word runs": by_runs,
    "near-duplicates": by_similarity,
}


def forms(data: Data, leaked: Sequence[Document]) -> dict[str, list[Document]]:
    """What stands in the training text in place of the leaked documents, by the form of the leak."""
    others = data.clean[TRAINING : TRAINING + len(leaked)]
    texts: dict[str, Callable[[str, str], str]] = {
        "word for word": lambda text, other: text,
        "other line breaks": lambda text, other: textwrap.fill(text, 50),
        "its first half": lambda text, other: text[: len(text) // 2],
        "inside a longer text": lambda text, other: f"{other}\n\n{text}\n\n{other}",
        "words reordered": lambda text, other: reworded(text),
    }
    return {
        form: [
            Document(f"copy of {one.name}", write(one.text, other.text), one.source)
            for one, other in zip(leaked, others, strict=True)
        ]
        for form, write in texts.items()
    }


def checks(data: Data) -> dict:
    """For every form of leak and check: how many leaked documents are found, of how many; and the false alarms."""
    leaked = data.judged[: len(data.judged) // 2]
    training = list(data.clean[:TRAINING])
    hit = [document for document in data.judged if document.name in set(data.hit)]
    cases = {form: (leaked, some) for form, some in forms(data, leaked).items()}
    cases["the file itself"] = (leaked, [replace(document) for document in leaked])
    cases["natural near-duplicates"] = (hit, data.repeating)
    rows = [
        {"form": form, "check": name, "found": len(check(asked, [*training, *copies])), "of": len(asked)}
        for form, (asked, copies) in cases.items()
        for name, check in CHECKS.items()
    ]
    false = [
        {"check": name, "found": len(check(data.apart, training)), "of": len(data.apart)}
        for name, check in CHECKS.items()
    ]
    return {"rows": rows, "false alarms": false, "training documents": TRAINING}
