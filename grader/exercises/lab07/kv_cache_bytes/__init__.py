"""kv_cache_bytes(config, batch, tokens, bytes_per_number): the memory that keys and values take."""

from __future__ import annotations

from grader.exercises.lab07.kv_cache_bytes.probes import draw
from grader.exercises.lab07.kv_cache_bytes.right import catalogue
from grader.exercises.lab07.kv_cache_bytes.rule import kv_cache_bytes
from grader.exercises.ordinary import exercise

PARTS = (
    (
        "keys and values of every layer, token and text",
        1.0,
        ("every head has its own", "four bits a number"),
        (
            "keys without values",
            "the batch is forgotten",
            "the layers are forgotten",
            "the tokens are forgotten",
            "the bytes of a number",
            "bytes_per_number is rounded",
            "bits instead of bytes",
            "bytes_per_number is read",
            "gibibytes",
            "gigabytes",
            "mebibytes",
            "megabytes",
            "one token too few",
        ),
    ),
    (
        "fewer heads for keys and values",
        1.0,
        ("grouped", "one for all"),
        ("the whole width is kept", "the size of a group", "the query heads are counted"),
    ),
    ("a head of a size of its own", 0.5, ("wide heads", "every head has its own")),
    (
        "a configuration without head_dim",
        0.5,
        ("GPT-2", "grouped, no head_dim", "every head has its own"),
    ),
)
EXERCISE = exercise("kv_cache_bytes", "07", kv_cache_bytes, draw, PARTS, catalogue)
