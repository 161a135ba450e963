"""Text that repeats other text: how much of a document is known, and which documents are nearly the same.

Words are runs of letters and digits in lower case; punctuation and white space do not count.  A large set has too many
pairs to compare them all: only documents that share one of their rarest shingles are compared, which finds every pair
all the same (the prefix filter of Chaudhuri et al., 2006).
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Sequence

from utils.errors import CourseError

SHINGLE = 3  # words
_WORD = re.compile(r"\w+")


def runs(text: str, n: int = SHINGLE) -> set[int]:
    """Hashes of the text's different runs of n words; a shorter text is a single run."""
    words = _WORD.findall(text.lower())
    return {hash(tuple(words[start : start + n])) for start in range(max(1, len(words) - n + 1))}


def overlap(document: str, index: Sequence[str], n: int) -> float:
    """The share of the document's runs of n words that stand in one of the texts of the index, 0 to 1."""
    own = runs(document, n)
    return len(own & set().union(*(runs(text, n) for text in index))) / len(own)


def near_duplicates(documents: Sequence[str], threshold: float) -> list[list[int]]:
    """Groups of documents, as places in the list, that a Jaccard index of at least `threshold` ties together.

    The index is of shingles of three words.  A group has at least two members, and is tied directly or over others;
    groups come in the order of their first members.  Raises CourseError for a threshold outside 0 to 1, or 0.
    """
    if not 0 < threshold <= 1:
        raise CourseError(f"The threshold is {threshold}; a Jaccard index to look for is above 0 and at most 1.")
    sets = [runs(document) for document in documents]
    frequency = Counter(run for some in sets for run in some)
    holders: dict[int, list[int]] = {}
    group_of = list(range(len(sets)))
    for place, own in enumerate(sets):
        # Two sets that are alike enough share one of so many rarest runs each: the rest is too few to make up for it.
        rarest = sorted(own, key=lambda run: (frequency[run], run))
        rarest = rarest[: len(own) - math.ceil(threshold * len(own) - 1e-9) + 1]
        for other in {holder for run in rarest for holder in holders.get(run, ())}:
            if len(own & sets[other]) / len(own | sets[other]) >= threshold:
                _join(group_of, place, other)
        for run in rarest:
            holders.setdefault(run, []).append(place)
    groups: dict[int, list[int]] = {}
    for place in range(len(sets)):
        groups.setdefault(_first(group_of, place), []).append(place)
    return [group for group in groups.values() if len(group) > 1]


def _first(group_of: list[int], place: int) -> int:
    """The least member of a place's group; the way to it becomes shorter each time."""
    while group_of[place] != place:
        group_of[place] = group_of[group_of[place]]
        place = group_of[place]
    return place


def _join(group_of: list[int], one: int, other: int) -> None:
    least, most = sorted((_first(group_of, one), _first(group_of, other)))
    group_of[most] = least
