"""Word problems of two steps for a real small model, and the solutions that it writes."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from utils.decoding.sampling import sample

NEW_TOKENS, TEMPERATURE, LONGEST = 64, 0.7, 2  # LONGEST: steps of a right solution
STORIES = (
    ("{name} has {a} apples and buys {b} more. Then {name} gives {c} away. How many are left?", "+-"),
    ("A bus has {a} people. {c} get off and {b} get on. How many people are on the bus?", "-+"),
    ("{name} packs {a} boxes with {b} pens each, and then loses {c} pens. How many pens are there?", "*-"),
    ("There are {a} birds. {b} fly away, and then {c} come. How many birds are there?", "-+"),
)
NAMES = ("Ada", "Emmy", "Alan", "Grace", "Carl")
SHOWN = """\
Question: Kurt has 8 cards and finds 5 more. Then he loses 3. How many are left?
First, 8 + 5 = 13.
Finally, 13 - 3 = 10.
Answer: 10

Question: A shelf holds 4 rows of 6 cups. 2 cups break. How many cups are there?
First, 4 * 6 = 24.
Finally, 24 - 2 = 22.
Answer: 22

Question: {question}
"""


def problems(count: int, seed: int = 0) -> list[tuple[str, int]]:
    """Word problems with their answers."""
    random = np.random.Generator(np.random.PCG64(seed))
    found = []
    for _ in range(count):
        story, signs = STORIES[int(random.integers(len(STORIES)))]
        a, b, c = (int(random.integers(low, high)) for low, high in ((12, 30), (3, 9), (3, 9)))
        second, third = (c, b) if story.startswith("A bus") else (b, c)
        value = {"+": a + second, "-": a - second, "*": a * second}[signs[0]]
        value = value + third if signs[1] == "+" else value - third
        found.append((story.format(name=NAMES[int(random.integers(len(NAMES)))], a=a, b=b, c=c), value))
    return found


def solutions(
    model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, asked: Sequence[tuple[str, int]], seed: int = 0
) -> list[str]:
    """What the model writes for each problem after two solved examples, up to the next question that it asks itself."""
    prompts = [tokenizer(SHOWN.format(question=question))["input_ids"] for question, _ in asked]
    chance = torch.Generator().manual_seed(seed)
    done = sample(model, prompts, NEW_TOKENS, tokenizer.eos_token_id, TEMPERATURE, chance, batch_size=25)
    texts = (tokenizer.decode(one.ids, skip_special_tokens=True) for one in done)
    return [text.split("\n\n")[0].split("Question:")[0].strip() for text in texts]
