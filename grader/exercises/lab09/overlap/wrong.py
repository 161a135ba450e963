"""Wrong ways to write overlap."""

from __future__ import annotations

from collections import Counter

from grader.exercises.lab09.overlap.rule import everything, overlap, runs
from grader.exercises.lab09.texts import (
    listed,
    words_of,
)
from grader.exercises.ordinary import Catalogue

catalogue = Catalogue()
wrong = catalogue.wrong


WHOSE = "The document is short, the index is large. Whose runs are to be counted below the line?"


@wrong("divided by the runs of the index", "The larger the index, the smaller the share.", WHOSE)
def by_index(document, index, n):
    known = everything(index, n)
    return len(runs(document, n) & known) / len(known)


@wrong("divided by the runs of both together: Jaccard, not containment", "Divides by the union.", WHOSE)
def jaccard(document, index, n):
    own, known = runs(document, n), everything(index, n)
    return len(own & known) / len(own | known)


@wrong(
    "runs reach from one text into the next",
    "Joins the texts of the index before it cuts them.",
    "Does a run whose first half ends one text and whose second half begins the next stand in any text?",
)
def joined(document, index, n):
    own = runs(document, n)
    return len(own & runs(" ".join(index), n)) / len(own)


@wrong("runs of characters instead of words", "Cuts the text itself.", "What is n counted in?")
def characters(document, index, n):
    def cut(text):
        return set(listed(" ".join(words_of(text)), n))

    own = cut(document)
    return len(own & set().union(*map(cut, index))) / len(own)


@wrong("single words are looked up, not runs of n", "n is not used.", "Which texts have no word in common?")
def single_words(document, index, n):
    own = runs(document, 1)
    return len(own & everything(index, 1)) / len(own)


@wrong(
    "the order of the words in a run is lost",
    "Runs are sets of words.",
    "Is a run the same run with its words the other way round?",
)
def unordered(document, index, n):
    def cut(text):
        return {frozenset(run) for run in runs(text, n)}

    own = cut(document)
    return len(own & set().union(*map(cut, index))) / len(own)


@wrong(
    "a run that comes again counts again",
    "Counts runs in a list instead of a set.",
    "A document says the same sentence four times. How many different runs has that sentence?",
)
def repeated(document, index, n):
    own, known = listed(words_of(document), n), everything(index, n)
    return sum(run in known for run in own) / len(own)


@wrong(
    "a run counts at most as often as the index has it",
    "Intersects two counters.",
    "How often must a run stand in the index, to be known?",
)
def counters(document, index, n):
    own = Counter(listed(words_of(document), n))
    known = Counter(run for text in index for run in listed(words_of(text), n))
    return (own & known).total() / own.total()


PUT_TOGETHER = "A document is put together from three texts. How much of it is known?"


@wrong(
    "only the text with most in common counts",
    "Takes the maximum over the texts.",
    PUT_TOGETHER,
)
def best_text(document, index, n):
    own = runs(document, n)
    return max(len(own & runs(text, n)) for text in index) / len(own)


@wrong("only the text with most in common counts", "Takes the maximum, and 0 where there is no text.", PUT_TOGETHER)
def best_text_if_any(document, index, n):
    return max([0.0, *(overlap(document, [text], n) for text in index)])


@wrong(
    "the shares of the texts are averaged",
    "Divides by the number of texts too.",
    "Does a document become newer if the index gets one more text?",
)
def mean_over_texts(document, index, n):
    own = runs(document, n)
    return sum(len(own & runs(text, n)) / len(own) for text in index) / len(index)


@wrong(
    "the shares of the texts are added up",
    "A run that two texts have counts twice.",
    "A run stands in two texts of the index. How many of the document's runs are known?",
)
def summed(document, index, n):
    own = runs(document, n)
    return sum(len(own & runs(text, n)) for text in index) / len(own)


@wrong("one known run makes the whole document known", "Returns 1 or 0.", "What is asked: whether, or how much?")
def any_run(document, index, n):
    return float(bool(runs(document, n) & everything(index, n)))


@wrong("the number of known runs instead of their share", "Does not divide.", "Can a share be above 1?")
def number(document, index, n):
    return float(len(runs(document, n) & everything(index, n)))


@wrong("percent instead of a share", "Multiplies by 100.", "Can a share be above 1?")
def percent(document, index, n):
    return 100 * overlap(document, index, n)


@wrong("the share of new runs instead of known ones", "Returns 1 minus the overlap.", "What should a copy get?")
def new_share(document, index, n):
    return 1 - overlap(document, index, n)


@wrong(
    "runs do not overlap each other: every n-th place begins one",
    "Cuts the text into pieces of n words.",
    "Where does a copied sentence have to begin, to be found?",
)
def pieces(document, index, n):
    def cut(text):
        return set(listed(words_of(text), n)[::n])

    own = cut(document)
    return len(own & set().union(*map(cut, index))) / len(own)


@wrong("the last run is missing", "The range ends one place early.", "How many runs of 2 have 3 words?")
def without_last(document, index, n):
    def cut(text):
        words = words_of(text)
        return {tuple(words[start : start + n]) for start in range(max(1, len(words) - n))}

    own = cut(document)
    return len(own & set().union(*map(cut, index))) / len(own)


SHORT = "What is the run of a document with fewer than n words?"


@wrong("a document with fewer than n words is always new", "It has no run, and 0 is returned.", SHORT)
def short_is_new(document, index, n):
    return 0.0 if len(words_of(document)) < n else overlap(document, index, n)


@wrong("a document with fewer than n words is an exception", "Divides by no run.", SHORT)
def short_fails(document, index, n):
    return len(runs(document, n) & everything(index, n)) / len(runs(document, n)) / (len(words_of(document)) >= n)


@wrong(
    "a run is searched as a piece of text, so pieces of words count",
    "Looks for the run in the joined text with `in`.",
    "Is 'art of' in 'part of'?",
)
def in_text(document, index, n):
    own = runs(document, n)
    texts = [" ".join(words_of(text)) for text in index]
    return sum(any(" ".join(run) in text for text in texts) for run in own) / len(own)


@wrong(
    "known words are counted, not known runs",
    "Returns the share of the words that a known run covers.",
    "A run of 3 is known among 8 words. How many runs are there, and how many words does the run cover?",
)
def covered(document, index, n):
    words, known = words_of(document), everything(index, n)
    places = {start + step for start, run in enumerate(listed(words, n)) if run in known for step in range(n)}
    return min(len(places), len(words)) / len(words)


@wrong("runs of n + 1 words", "The slice is one word too long.", "How many words has words[i : i + n]?")
def one_longer(document, index, n):
    return overlap(document, index, n + 1)


@wrong("runs of n - 1 words", "The slice is one word too short.", "How many words has words[i : i + n - 1]?")
def one_shorter(document, index, n):
    return overlap(document, index, n - 1)


@wrong(
    "shorter runs at the end of a text count too",
    "The range reaches to the last word, and its slices become shorter.",
    "What does words[i : i + n] give for the last i?",
)
def shorter_at_the_end(document, index, n):
    def cut(text):
        words = words_of(text)
        return {tuple(words[start : start + n]) for start in range(len(words))}

    own = cut(document)
    return len(own & set().union(*map(cut, index))) / len(own)
