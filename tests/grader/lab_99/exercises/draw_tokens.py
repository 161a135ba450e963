"""``draw_tokens(tokenizer, texts, sample, generator)``: ids that a function picks, a random set, and whether it is odd.

Functions, tokenizers and chance as arguments; a set and a truth value among the answers.
"""

import torch

from grader.exercises.ordinary import Catalogue, exercise
from utils.checks.pack import Made
from utils.checks.records import Probe

catalogue = Catalogue()


def draw_tokens(tokenizer, texts, sample, generator):
    ids = {tokenizer(text)["input_ids"][sample(text)] for text in texts}
    chance = int(torch.randint(100, (1,), generator=generator))
    return ids, chance % 2 == 1, chance


def draw(stream):
    for index in range(3):
        words = Made("tokenizer", {"words": ["red", "green", "blue"]})
        picks = Made("answers in turn", {"values": [1, int(stream.integers(2))]})  # never the first id alone
        chance = Made("generator", {"seed": int(stream.integers(1 << 30))})
        given = {"tokenizer": words, "texts": ["red green", "blue red"], "sample": picks, "generator": chance}
        yield Probe(f"draw {index}", given)


@catalogue.wrong("sample is not asked", "Always the first id.", "Which function chooses the place?")
def without_sample(tokenizer, texts, sample, generator):
    return draw_tokens(tokenizer, texts, lambda text: 0, generator)


@catalogue.wrong("a list instead of a set", "Keeps repeats.", "May an id stand twice in a set?")
def as_list(tokenizer, texts, sample, generator):
    ids, *rest = draw_tokens(tokenizer, texts, sample, generator)
    return sorted(ids), *rest


@catalogue.right
def with_a_loop(tokenizer, texts, sample, generator):
    ids = set()
    for text in texts:
        ids.add(tokenizer.encode(text)[sample(text)])
    chance = torch.randint(0, 100, size=(1,), generator=generator).item()
    return (ids, bool(chance % 2), chance)


EXERCISE = exercise("draw_tokens", "99", draw_tokens, draw, [("tokens", 2, ("draw 0", "draw 1", "draw 2"))], catalogue)
