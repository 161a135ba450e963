"""What overlap is asked."""

from __future__ import annotations

from grader.exercises.lab09.texts import Words, numbered, probe


def draw(stream):
    new = Words(stream)
    shared, own = new(9), new(6)
    yield probe("a part is known", document=" ".join(shared + own), index=[new.text(5), " ".join(new(4) + shared)], n=3)
    for name, change in (("capitals", str.capitalize), ("commas and points", "{},".format), ("lines", "\n  {}".format)):
        known, own = new(12), new(3)
        index = " ".join(change(word) if place == 5 else word for place, word in enumerate(known))
        yield probe(name, document=" ".join(known + own), index=[index], n=3)
    first, second, own = new(7), new(8), new(5)
    yield probe(
        "the end of one text and the beginning of another",
        document=" ".join(first[-5:] + second[:5] + own),
        index=[" ".join(first), " ".join(second)],
        n=3,
    )
    pieces = [new(5), new(6), new(7)]
    yield probe(
        "a piece in each text",
        document=" ".join(pieces[0] + pieces[1] + pieces[2]),
        index=[" ".join(piece + new(3)) for piece in pieces],
        n=2,
    )
    again, own = new(4), new(4)
    yield probe(
        "a run that comes again",
        document=" ".join(again * 4 + own),
        index=[" ".join(again + new(4)), " ".join(again)],
        n=3,
    )
    some = new(8)
    yield probe("the same words in another order", document=" ".join(some), index=[" ".join(reversed(some))], n=2)
    short, longer = new(3), new(4)
    yield probe("fewer words than a run", document=" ".join(short), index=[new.text(6), " ".join(short)], n=5)
    yield probe("a short one inside a longer text", document=" ".join(longer), index=[" ".join(new(3) + longer)], n=5)
    one, two, three = new(3)
    yield probe("pieces of words", document=f"{one} {two} {three}", index=[f"{new.text(3)} x{one} {two} {three}x"], n=2)
    yield probe("nothing is known", document=new.text(8), index=[new.text(9), new.text(4)], n=2)
    words, digits = new(12), stream.integers(10, 80, 12).tolist()
    document, other = numbered(words, digits, (3, 8)), numbered(words, [digit + 11 for digit in digits], (3, 8))
    yield probe("other digits", document=document, index=[new.text(3) + " " + other], n=3)
    words = new(11)
    known = f"{' '.join(words[:4])} {digits[0]} {' '.join(words[4:])}"
    yield probe("numbers", document=numbered(words, digits, (7,)), index=[known, new.text(4)], n=2)
    yield probe("no text at all", document=new.text(6), index=[], n=3)
    short = new(3)
    begun = [" ".join(short + new(1)), " ".join(short + new(7))]
    yield probe("a short one that begins another", document=" ".join(short), index=begun, n=5)
    one, two, three = new(3)
    scattered = [f"{one} {new.text(3)} {three} {new.text(2)}", new.text(5)]
    yield probe("a short one whose words are scattered", document=f"{one} {two} {three}", index=scattered, n=4)
    short = new(2)
    yield probe("a short one and the end of a text", document=" ".join(short), index=[" ".join(new(6) + short)], n=4)
    whole = new.text(10)
    yield probe("all is known", document=whole, index=[new.text(4) + " " + whole + " " + new.text(7)], n=6)
