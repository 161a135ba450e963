"""What prune is asked."""

from __future__ import annotations

from utils.checks.observe import LOOK, ONCE
from utils.checks.pack import Made
from utils.checks.records import Probe

BLOCKS = ("a GPT-2's blocks", "a Llama's blocks")


WHOLE = ("a whole GPT-2", "a whole Llama")


def draw(random):
    asked = ((BLOCKS[0], "gpt2", (1, 3), ONCE), (BLOCKS[1], "llama", (0, 2, 3), ONCE))
    asked += ((WHOLE[0], "gpt2", (0, 1, 3), LOOK), (WHOLE[1], "llama", (0, 3, 4), LOOK))
    for name, family, layers, look in asked:
        model = Made("model", {"family": family, "layers": 5, "seed": int(random.integers(1, 10_000))})
        ids = random.integers(1, 11, (1, 5))
        yield Probe(name, {"model": model, "layers": list(layers)}, toys={look: ids})
