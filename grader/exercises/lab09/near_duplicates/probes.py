"""What near_duplicates is asked."""

from __future__ import annotations

import itertools

from grader.exercises.lab09.texts import Words, numbered, probe


def asked(name, threshold, *documents):
    return probe(name, documents=list(documents), threshold=threshold)


def draw(stream):
    new = Words(stream)

    def ending(words, count):
        """The same words, then new ones."""
        return " ".join([*words, *new(count)])

    base, other = new(10), new(8)
    some = (ending(base, 2), ending(other, 1), ending(base, 1), ending(other, 1), new.text(9))
    yield asked("two pairs", 0.5, *some)
    links = [new(10) for _ in range(5)]
    chain = [" ".join(one + two) for one, two in itertools.pairwise(links)]
    yield asked("a chain, each like the next", 0.2, *chain, new.text(12))
    yield asked("a chain that begins in the middle", 0.2, new.text(8), *(chain[place] for place in (1, 3, 0, 2)))
    ends_first = [chain[0], chain[3], chain[2], chain[1]]
    yield asked("a chain whose ends come first", 0.2, *ends_first, new.text(7))
    base = new(6)
    yield asked("a short one inside a long one", 0.5, " ".join(base), ending(base, 20), new.text(7))
    base = new(5)
    yield asked("just as alike as the threshold", 0.6, new.text(5), " ".join(base), ending(base, 2))
    base = new(6)
    yield asked("a little less alike", 0.6, " ".join(base), ending(base, 3), new.text(6))
    base = new(8)
    yield asked("each goes on in its own way", 0.7, ending(base, 2), new.text(5), ending(base, 2))
    words = new(9)
    yield asked("the same words in another order", 0.5, " ".join(words), " ".join(reversed(words)), new.text(5))
    for name, change in (("capitals", str.upper), ("commas and points", "{},".format), ("lines", "\n  {}".format)):
        words, added = new(8), new(2)
        changed = " ".join(change(word) if place in (2, 5) else word for place, word in enumerate(words + added))
        yield asked(name, 0.6, " ".join(words), new.text(6), changed)
    phrase = new(3)
    again, begun = " ".join(phrase * 4), " ".join(phrase * 2)
    yield asked("a phrase that comes again and again", 0.5, ending([again], 4), ending([again], 4), begun)
    short = new.text(2)
    yield asked("fewer words than a shingle", 0.9, new.text(2), short, new.text(1), short)
    yield asked("no two alike", 0.3, *(new.text(6) for _ in range(4)))
    kinds = [new(14), new(12)]
    yield asked("two kinds in turn", 0.6, *(ending(kinds[place % 2], 2) for place in range(7)))
    stems = [one + other for one, other in zip(new(6), new(6), strict=True)]
    yield asked("words that look alike", 0.5, *(" ".join(stem + end for stem in stems) for end in "xy"))
    words, digits = new(9), stream.integers(10, 80, 9).tolist()
    kinds = [(places, more) for places in ((2, 6), range(9)) for more in (0, 11)]
    texts = (numbered(words, [digit + more for digit in digits], places) for places, more in kinds)
    yield asked("other digits", 0.15, new.text(5), *texts)
    words = new(9)
    known = f"{' '.join(words[:3])} {digits[0]} {' '.join(words[3:])}"
    ended, full = (numbered(words, digits, places) for places in ((8,), (1, 4, 7)))
    yield asked("numbers", 0.6, " ".join(words), known, ended, new.text(4), full)
    # Each pair is alike enough with shingles of up to two, three, four and five words.
    begun = [new(count) for count in (5, 6, 7, 8)]
    yield asked("pairs that share more and more", 0.45, *(ending(words, 2) for words in begun * 2))
