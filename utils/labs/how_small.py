"""Lab 7: the batch from which arithmetic is the limit; the seconds that a small model takes for a token here."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping

import torch
from transformers import AutoModelForCausalLM, DynamicCache, PreTrainedConfig

from utils.measuring.published import published_config
from utils.measuring.serving import Hardware, Serving, this_machine
from utils.models.costs import sizes_of

SMALL = ("distilbert/distilgpt2", "openai-community/gpt2", "HuggingFaceTB/SmolLM2-135M")
MEMORY = 8e9  # bytes: more than any of these needs
STEPS, ROUNDS = 6, 3


def small_configs(**own: PreTrainedConfig) -> dict[str, PreTrainedConfig]:
    """The configurations of some small published models, behind those that are named here."""
    return own | {name.partition("/")[2]: published_config(name) for name in SMALL}


def waits_from(serving: Serving) -> int | None:
    """The smallest batch for which computing takes at least as long as reading, whether it fits or not.

    None where every text adds more seconds of reading its cache than of computing its token: then no batch does.
    """
    weights = serving.reading_seconds(0)
    gained = serving.computing_seconds(1) - (serving.reading_seconds(1) - weights)
    return None if gained <= 0 else math.ceil(weights / gained)


def predicted_and_measured(
    configs: Mapping[str, PreTrainedConfig], machine: Hardware | None = None
) -> list[dict[str, object]]:
    """For each configuration the limit of the seconds for one token of one text, and what this machine takes.

    The models get weights drawn at random, in 32 bits: the seconds do not depend on what a model has learned.
    """
    machine = machine or this_machine(MEMORY)
    rows = []
    for name, config in configs.items():
        sizes = sizes_of(config)
        serving = Serving(sizes, machine, bytes_per_parameter=4, bytes_per_number=4, context=STEPS)
        row = {"model": name, "parameters": sizes.parameters, "predicted": serving.step_seconds(1)}
        rows.append(row | {"measured": measured_seconds(config)})
    return rows


def measured_seconds(config: PreTrainedConfig) -> float:
    """Seconds for one token of one text, with a cache: the best of some rounds."""
    with torch.random.fork_rng():
        model = AutoModelForCausalLM.from_config(config, dtype=torch.float32).eval()
    return min(step_seconds(model, STEPS) for _ in range(ROUNDS))


@torch.inference_mode()
def step_seconds(model: torch.nn.Module, steps: int, clock: Callable[[], float] = time.perf_counter) -> float:
    """Seconds for one token of one text, with a cache: the mean over so many that follow a first one."""
    cache, token = DynamicCache(config=model.config), torch.zeros(1, 1, dtype=torch.long)
    model(input_ids=token, past_key_values=cache)
    started = clock()
    for _ in range(steps):
        token = model(input_ids=token, past_key_values=cache).logits[:, -1:].argmax(-1)
    return (clock() - started) / steps
