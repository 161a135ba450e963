"""What decode_seconds is asked."""

from __future__ import annotations

from utils.checks.records import Probe

NAMES = ("parameters", "bytes_per_parameter", "cache_bytes", "batch", "bandwidth", "rate")
MEMORY, ARITHMETIC = ("one text", "many long texts", "four bits"), ("a large batch", "a slow processor")


def draw(random):
    """Sizes whose limit is clear, so that a mistake in one of both times costs the probes of that one alone.

    The caches of many long texts are larger than the weights, those of the others are smaller.
    """
    bandwidth = 1e12
    for name in (*MEMORY, *ARITHMETIC):
        parameters = int(random.integers(1_000, 9_000)) * 1_000_000
        size = {"four bits": 0.5, "a slow processor": 4}.get(name, 2)
        batch = {"one text": 1, "many long texts": 24, "four bits": 3, "a large batch": 8, "a slow processor": 2}[name]
        share = {"many long texts": 2.5, "a large batch": 0.5}.get(name, 0.25) * random.uniform(0.8, 1.2)
        cached = round(share * parameters * size)
        reading = (parameters * size + cached) / bandwidth
        computing = reading * (random.uniform(0.1, 0.3) if name in MEMORY else random.uniform(12, 16))
        rate = round(2 * parameters * batch / computing)
        numbers = (parameters, size, cached, batch, bandwidth, float(rate))
        yield Probe(name, dict(zip(NAMES, numbers, strict=True)))
