"""More wrong ways to write overlap: what a word is, short documents, and an index without a text."""

from __future__ import annotations

import functools
import re

from grader.exercises.lab09.overlap.rule import overlap, runs
from grader.exercises.lab09.overlap.wrong import SHORT, catalogue, wrong
from grader.exercises.lab09.texts import OTHER_WORDS, listed, words_of

__all__ = ["catalogue"]


def cut_into(document, index, n, words):
    """The overlap where words are something else: a function of a text gives them."""
    own = set(listed(words(document), n))
    return len(own & {run for text in index for run in listed(words(text), n)}) / len(own)


@wrong(
    "capitals make another word",
    "Does not lower the case.",
    "Is a copied text a new one where its first word got a capital?",
)
def case_kept(document, index, n):
    return cut_into(document, index, n, lambda text: re.findall(r"\w+", text))


@wrong(
    "punctuation sticks to the words",
    "Splits at white space only, so that 'end.' is another word than 'end'.",
    "Is 'end.' another word than 'end'?",
)
def points_kept(document, index, n):
    return cut_into(document, index, n, lambda text: text.lower().split())


@wrong(
    "line breaks and second spaces make other words",
    "Splits at every single space.",
    "What does 'a  b'.split(' ') give?",
)
def spacing_kept(document, index, n):
    return cut_into(document, index, n, lambda text: re.sub(r"[^\w\s]", "", text.lower()).split(" "))


for *said, words in OTHER_WORDS:
    wrong(*said)(functools.partial(cut_into, words=words))


NO_TEXT = "The index holds no text. How much of the document is in it?"


@wrong("an empty index is an exception", "Joins the texts' sets without a set to begin with.", NO_TEXT)
def empty_fails(document, index, n):
    own = runs(document, n)
    return len(own & set.union(*(runs(text, n) for text in index))) / len(own)


@wrong("an empty index is an exception", "Divides by the number of texts or runs in it.", NO_TEXT)
def empty_divides(document, index, n):
    return overlap(document, index, n) * len(index) / len(index)


@wrong("all is known where the index is empty", "Returns 1.", NO_TEXT)
def empty_knows(document, index, n):
    return overlap(document, index, n) if index else 1.0


IS_A_RUN = "A text of 3 words is one run for n = 5. Which runs has a text of 8 words?"


@wrong(
    "a short document is looked for inside longer texts",
    "n becomes the document's length, for the texts of the index as well.",
    IS_A_RUN,
)
def shortened(document, index, n):
    return overlap(document, index, min(n, len(words_of(document))))


@wrong(
    "a short document is compared word by word",
    "n becomes 1 where the document has fewer than n words.",
    IS_A_RUN,
)
def short_by_words(document, index, n):
    return overlap(document, index, n if len(words_of(document)) >= n else 1)


@wrong("a document with fewer than n words is always known", "It has no new run, and 1 is returned.", SHORT)
def short_is_known(document, index, n):
    return overlap(document, index, n) if len(words_of(document)) >= n else 1.0


@wrong("a short document is known where a text begins with it", "Compares with the first words of a text.", IS_A_RUN)
def begun(document, index, n):
    words = words_of(document)
    if len(words) >= n:
        return overlap(document, index, n)
    return float(any(words_of(text)[: len(words)] == words for text in index))
