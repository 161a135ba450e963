"""What kv_cache_bytes is asked."""

from __future__ import annotations

from grader.exercises.lab07 import configs
from utils.checks.records import Probe


def draw(random):
    made = {
        "every head has its own": configs.llama(random),
        "four bits a number": configs.llama(random),
        "grouped": configs.grouped(random),
        "one for all": configs.llama(random, num_key_value_heads=1),
        "wide heads": configs.wide_heads(random, "qwen3"),
        "GPT-2": configs.gpt2(random),
        "grouped, no head_dim": configs.grouped_without_head_dim(random),
    }
    texts, lengths = random.permutation([2, 3, 5, 6, 7, 9, 10]), random.permutation([16, 17, 33, 40, 50, 80, 100])
    sizes, bytes_each = zip(texts, lengths, strict=True), (2, 0.5, 2, 1, 4, 2, 2)
    for (name, config), (batch, tokens), size in zip(made.items(), sizes, bytes_each, strict=True):
        yield Probe(name, {"config": config, "batch": int(batch), "tokens": int(tokens), "bytes_per_number": size})
