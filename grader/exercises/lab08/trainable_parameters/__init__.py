"""trainable_parameters(model, rank, targets): how many numbers the adapters of these layers hold."""

from __future__ import annotations

import numpy as np

from grader.exercises.lab08.trainable_parameters.right import catalogue
from grader.exercises.lab08.trainable_parameters.rule import trainable_parameters
from grader.exercises.ordinary import exercise
from utils.checks.pack import Made
from utils.checks.records import Probe


def draw(random: np.random.Generator) -> list[Probe]:
    """GPT-2s and Llamas: targets in the attention, in the MLP and in both, parts of names, a rank above the width."""
    found = []
    for name, settings, targets in ASKED:
        model = Made("model", {**settings, "seed": int(random.integers(1000))})
        rank = int(random.integers(*(HIGH if name == WIDE else LOW)))
        found.append(Probe(name, {"model": model, "rank": rank, "targets": list(targets)}))
    return found


LOW, HIGH, WIDE = (2, 6), (33, 40), "a rank above the width"


LLAMA = {"family": "llama", "layers": 3, "width": 8}
GROUPED = {"family": "llama", "layers": 2, "heads": 4, "width": 16, "key_value_heads": 2}
ASKED = (
    ("GPT-2's attention", {"layers": 2, "width": 8}, ("c_attn",)),
    ("a Llama's attention", LLAMA, ("q_proj", "v_proj")),
    ("all of GPT-2", {"layers": 2, "width": 12}, ("c_attn", "c_proj", "c_fc")),
    ("a Llama", LLAMA, ("q_proj", "v_proj", "down_proj")),
    ("a Llama with grouped heads", GROUPED, ("k_proj", "up_proj")),
    ("a target that ends a longer name", {"layers": 2, "width": 8}, ("c_fc", "proj")),
    ("a target that is inside a longer name", {"layers": 2, "width": 8}, ("c_fc", "att")),
    ("a target that holds a layer's name", LLAMA, ("v_proj", "gate_up_proj")),
    (WIDE, {"layers": 2, "width": 8}, ("c_attn", "c_fc")),
)
NAMES = tuple(name for name, *_ in ASKED)
PARTS = (
    ("attention", 1.0, NAMES[:2]),
    (
        "several kinds of layer",
        2.0,
        NAMES[2:],
        (
            "A alone",
            "B alone",
            "every layer is taken",
            "biases are counted",
            "one layer of the model",
            "only nn.Linear",
            "only the MLP",
            "all matrices of the model",
            "only the first target",
            "the output layer is adapted",
            "counted twice",
            "the frozen matrices are counted beside",
            "a target counts",
            "a layer counts",
            "the rank is cut",
            "one side of each weight",
            "twice the",
            "the first layer alone",
            "the layers' own biases",
            "each target is counted once",
        ),
    ),
)
EXERCISE = exercise("trainable_parameters", "08", trainable_parameters, draw, PARTS, catalogue)
