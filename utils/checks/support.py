"""What can still be said of a part that nothing in the catalogue explains: properties of its gradient alone.

The mistake this prevents is silence where half of it is certain: along which axis a softmax ran, which positions count,
and whether the right divergence is there but its tokens do not count alike.
"""

from __future__ import annotations

import numpy as np

from utils.checks.parts import FIT, TINY, Evidence, Fingerprints, project

AXES = (
    ("sequence", (1,)),
    ("batch", (0,)),
    ("tokens", (0, 1)),
    ("row and the vocabulary at once", (1, 2)),
    ("tokens and the vocabulary at once", (0, 1, 2)),
)
LEFT_OUT = "some valid tokens are left out{}"
UNEQUAL = "valid tokens do not all count the same{}"
EVEN = 1e-2  # weights that lie nearer together than this count as equal


def support(prints: Fingerprints, evidence: Evidence) -> tuple[str, ...]:
    """For a kernel that nobody listed: the axis of its softmax if that is wrong, else which positions it counts."""
    if evidence.gradients is None or not all(np.isfinite(gradient).all() for gradient in evidence.gradients):
        return ()
    axis = _axis(evidence.gradients)
    if axis:
        return (f"softmax over the {axis} instead of the vocabulary{{}}",)
    plain = len(prints.pattern_entries)
    fits = np.ones(plain, dtype=bool)
    for index in prints.frames:
        seen = np.linalg.norm(evidence.gradients[index], axis=-1)
        seen = seen > 1e-5 * max(seen.max(), 1e-12)
        fits &= np.all((prints.patterns[index][:plain] != 0) == seen, axis=(1, 2))
    chosen = np.flatnonzero(fits)
    known = tuple(prints.pattern_entries[chosen[0]][0]) if len(chosen) else ()
    return (*known, *_by_weights(prints, evidence.gradients, bool(len(chosen))))


def _by_weights(prints: Fingerprints, gradients: tuple[np.ndarray, ...], known: bool) -> tuple[str, ...]:
    """Where each token's gradient is a positive multiple of the right one: do all multiples of a batch agree?

    known: which positions count has a name already.
    """
    right = [index for index, (names, _) in enumerate(prints.kernels) if not names][:1]
    uneven, lacking = False, False
    for index in prints.frames:
        weights, lengths, left = project(prints.gradients[index][right], gradients[index])
        if not right or left.sum() > FIT**2 * np.sum(gradients[index] ** 2):
            return ()
        used = (lengths[0] > TINY) & (np.abs(weights[0]) > TINY)
        counted, valid = weights[0][used], prints.patterns[index][0] != 0
        if np.any(counted < 0):
            return ()
        uneven |= bool(counted.size and np.ptp(counted) > EVEN * counted.max())
        lacking |= bool(np.any(valid & ~used) and not np.any(used & ~valid))
    return (LEFT_OUT,) if lacking and not known else (UNEQUAL,) if uneven else ()


def _axis(gradients: tuple[np.ndarray, ...]) -> str:
    """A softmax's gradient sums to zero along its axis, and only there; "" for the vocabulary or none."""

    def vanishes(axes: tuple[int, ...]) -> bool:
        return all(
            np.abs(gradient.sum(axes)).max() <= 1e-4 * max(np.abs(gradient).max(), 1e-12) for gradient in gradients
        )

    if vanishes((2,)) or not any(np.any(gradient) for gradient in gradients):
        return ""
    return next((name for name, axes in AXES if vanishes(axes)), "")
