"""The probes of verify: rounds whose outcome is known before, with a margin that rounding does not cross."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from utils.checks.records import Probe

VOCABULARY = 6
KEPT = ("three kept", "one kept of one", "all kept, with u near 1")
REJECTED = ("the first is rejected", "the middle one is rejected", "the last is rejected", "one rejected of one")
LATER = ("a later one would pass", "two rejections")
IMPOSSIBLE = ("a token that the target never says",)

# What happens to each drafted token if it is looked at: kept because p > q, kept by its u, rejected, rejected though
# the target likes it best, rejected because p = 0.
ABOVE, BY_CHANCE, REJECT, BEST, NEVER = "above", "by chance", "reject", "best", "never"
PATTERNS: dict[str, tuple[str, ...]] = {
    KEPT[0]: (ABOVE, BY_CHANCE, ABOVE),
    KEPT[1]: (BY_CHANCE,),
    KEPT[2]: (ABOVE, ABOVE),
    REJECTED[0]: (REJECT, REJECT, REJECT),
    REJECTED[1]: (ABOVE, REJECT, REJECT),
    REJECTED[2]: (ABOVE, BY_CHANCE, REJECT),
    REJECTED[3]: (REJECT,),
    LATER[0]: (ABOVE, BY_CHANCE, REJECT, ABOVE),
    LATER[1]: (BEST, ABOVE, REJECT),
    IMPOSSIBLE[0]: (ABOVE, NEVER),
}


TELLING = (KEPT[0], REJECTED[2], LATER[0])  # one of each part: here the rules of `_mistaken` give another count


def draw(random: np.random.Generator) -> list[Probe]:
    """One probe for each pattern."""
    return [_probe(random, name, pattern) for name, pattern in PATTERNS.items()]


def _probe(random: np.random.Generator, name: str, pattern: Sequence[str]) -> Probe:
    while True:
        rows = [_row(random, outcome) for outcome in pattern]
        bonus = random.dirichlet(np.ones(VOCABULARY))
        inputs = {
            "target_probabilities": np.array([p for p, *_ in rows] + [bonus], dtype=np.float32),
            "draft_probabilities": np.array([q for _, q, *_ in rows], dtype=np.float32),
            "drafted": np.array([token for *_, token, _ in rows]),
            "uniforms": np.array([u for *_, u in rows], dtype=np.float32),
        }
        if name not in TELLING or _kept(*inputs.values()) not in _mistaken(*inputs.values()):
            return Probe(name, inputs)


def _kept(p: np.ndarray, q: np.ndarray, drafted: np.ndarray, uniforms: np.ndarray) -> int:
    """How many tokens pass before the first that does not."""
    place = np.arange(len(drafted))
    return int(np.cumprod(uniforms < p[place, drafted] / q[place, drafted]).sum())


def _mistaken(p: np.ndarray, q: np.ndarray, drafted: np.ndarray, uniforms: np.ndarray) -> set[int]:
    """The counts of two mistakes whose outcome would else be a matter of luck: one u for all, rows read too late."""
    return {_kept(p, q, drafted, np.full_like(uniforms, uniforms[0])), _kept(p[1:], q, drafted, uniforms)}


def _row(random: np.random.Generator, outcome: str) -> tuple[np.ndarray, np.ndarray, int, float]:
    """p, q, the drafted token and its u.  The drafted token is hardly ever the likeliest of both."""
    while True:
        p, q = (0.9 * random.dirichlet(np.ones(VOCABULARY)) + 0.1 / VOCABULARY for _ in range(2))
        token = int(random.integers(VOCABULARY))
        ratio = p[token] / q[token]
        if outcome == NEVER:
            p[token] = 0
            return p / p.sum(), q, token, float(random.uniform(0.02, 0.3))
        if outcome == ABOVE and 1.2 < ratio < 5 and token != p.argmax():
            return p, q, token, float(random.uniform(0.93, 0.99))
        if outcome == BY_CHANCE and 0.45 < ratio < 0.85 and token != p.argmax():
            return p, q, token, float(ratio * random.uniform(0.75, 0.9))
        wanted = outcome == REJECT or (outcome == BEST and token == p.argmax())
        if wanted and 0.2 < ratio < 0.8:
            return p, q, token, float(ratio + (1 - ratio) * random.uniform(0.2, 0.6))
