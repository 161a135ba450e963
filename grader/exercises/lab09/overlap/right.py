"""Right ways to write overlap, in other styles."""

from __future__ import annotations

import re

from grader.exercises.lab09.overlap.more import catalogue
from grader.exercises.lab09.overlap.rule import everything, runs
from grader.exercises.lab09.texts import listed, words_of

right = catalogue.right


@right
def by_generator(document, index, n):
    def grams(text):
        words = re.sub(r"[^\w\s]", " ", text).casefold().split()
        if len(words) < n:
            return {" ".join(words)}
        return {" ".join(words[i : i + n]) for i in range(len(words) - n + 1)}

    mine, theirs = grams(document), [grams(text) for text in index]
    return sum(any(gram in each for each in theirs) for gram in mine) / len(mine)


@right
def by_zip(document, index, n):
    def grams(text):
        words = re.findall(r"[a-z0-9_]+", text.lower())
        return set(zip(*(words[step:] for step in range(n)), strict=False)) or {tuple(words)}

    known = {gram for text in index for gram in grams(text)}
    own = grams(document)
    return 1 - len(own - known) / len(own)


@right
def without_underscores(document, index, n):
    def grams(text):
        words = re.findall(r"[^\W_]+", text.lower())
        return {tuple(words[i : i + n]) for i in range(max(len(words) - n, 0) + 1)}

    own = grams(document)
    return sum(any(run in grams(text) for text in index) for run in own) / len(own)


@right
def by_loop(document, index, n):
    known = []
    for text in index:
        known.extend(listed(words_of(text), n))
    seen, hits, total = set(), 0, 0
    for run in listed(words_of(document), n):
        if run in seen:
            continue
        seen.add(run)
        total += 1
        hits += run in known
    return hits / total


@right
def by_hash(document, index, n):
    def grams(text):
        return {hash(run) for run in listed(words_of(text), n)}

    own, known = grams(document), set()
    for text in index:
        known |= grams(text)
    return len(own.intersection(known)) / len(own)


@right
def by_numpy(document, index, n):
    import numpy as np

    own = np.array(sorted(" ".join(run) for run in runs(document, n)))
    known = np.array([" ".join(run) for text in index for run in runs(text, n)])
    return float(np.isin(own, known).mean())


@right
def by_fraction(document, index, n):
    from fractions import Fraction

    own = runs(document, n)
    return float(Fraction(sum(run in everything(index, n) for run in own), len(own)))


@right
def by_dict(document, index, n):
    places = {}
    for number, text in enumerate(index):
        for run in runs(text, n):
            places.setdefault(run, []).append(number)
    own = dict.fromkeys(listed(words_of(document), n))
    return len([run for run in own if places.get(run)]) / len(own)


@right
def by_tensor(document, index, n):
    import torch

    known = everything(index, n)
    return torch.tensor([float(run in known) for run in runs(document, n)]).mean().item()


@right
def by_window(document, index, n):
    from collections import deque

    def grams(text):
        window, found = deque(maxlen=n), set()
        for word in words_of(text):
            window.append(word)
            if len(window) == n:
                found.add(tuple(window))
        return found or {tuple(window)}

    own = grams(document)
    return len(own & set().union(*map(grams, index))) / len(own)
