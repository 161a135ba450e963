"""Two parts in one gradient: which pair of kernels explains it, where alpha does not take them apart.

A learner who hard-codes alpha, or adds the parts without it, never shows one part alone. Position by position the
gradient is then a sum of two known directions; only a pair that fits at every position of every frame counts.
"""

from __future__ import annotations

import numpy as np

from utils.checks.parts import FIT, TINY, Evidence, Explanation, Fingerprints, close, explain_weights

LIKELY = {"soft": 1.6, "hard": 2.1}  # kernels up to this cost are tried in pairs
TRIED = 12
WEAK = 1e-6


def unmix(prints: dict[str, Fingerprints], evidence: Evidence) -> dict[str, Explanation] | None:
    """The cheapest pair {"soft": ..., "hard": ...} with free constants, or None."""
    if evidence.gradients is None or not all(np.isfinite(gradient).all() for gradient in evidence.gradients):
        return None
    likely = {
        part: np.array([i for i, (_, cost) in enumerate(prints[part].kernels) if cost <= LIKELY[part]])
        for part in prints
    }
    frames = prints["soft"].frames
    solved = [_solve(prints, likely, evidence.gradients[index], index) for index in frames]
    lost = sum(left for left, _ in solved)
    size = sum(float(np.sum(gradient**2)) for gradient in evidence.gradients)
    fitting = np.argwhere(lost <= FIT**2 * size)
    price = [
        prints["soft"].kernels[likely["soft"][s]][1] + prints["hard"].kernels[likely["hard"][h]][1] for s, h in fitting
    ]
    best = None
    for place in np.argsort(price, kind="stable")[:TRIED]:
        s, h = fitting[place]
        pair = _explain_pair(prints, likely, evidence, [weights for _, weights in solved], int(s), int(h))
        if pair and (best is None or _cost(pair) < _cost(best)):
            best = pair
    return best


def _cost(pair: dict[str, Explanation]) -> float:
    return sum(explanation.cost for explanation in pair.values())


def _solve(prints: dict[str, Fingerprints], likely: dict, gradient: np.ndarray, frame: int) -> tuple:
    """What each pair leaves over (S, H), and a function (s, h) -> the two weights at each position."""
    soft = prints["soft"].gradients[frame][likely["soft"]]
    hard = prints["hard"].gradients[frame][likely["hard"]]
    ss, hh = np.einsum("kbsv,kbsv->kbs", soft, soft), np.einsum("kbsv,kbsv->kbs", hard, hard)
    sm, hm = np.einsum("kbsv,bsv->kbs", soft, gradient), np.einsum("kbsv,bsv->kbs", hard, gradient)
    left = np.zeros((len(soft), len(hard)))
    for row, position in np.ndindex(gradient.shape[:2]):
        cross = soft[:, row, position] @ hard[:, row, position].T
        first, second = _weights(
            ss[:, None, row, position],
            hh[None, :, row, position],
            cross,
            sm[:, None, row, position],
            hm[None, :, row, position],
        )
        used = first * sm[:, None, row, position] + second * hm[None, :, row, position]
        left += np.maximum(np.sum(gradient[row, position] ** 2) - used, 0)

    def weights(s: int, h: int) -> tuple[np.ndarray, np.ndarray]:
        cross = np.einsum("bsv,bsv->bs", soft[s], hard[h])
        return _weights(ss[s], hh[h], cross, sm[s], hm[h])

    return left, weights


def _weights(ss: np.ndarray, hh: np.ndarray, cross: np.ndarray, sm: np.ndarray, hm: np.ndarray) -> tuple:
    """Least squares of two directions; where one vanishes or both are parallel, the longer one alone."""
    ss, hh, sm, hm = np.broadcast_arrays(ss, hh, sm, hm)
    determinant = ss * hh - cross**2
    proper = determinant > WEAK * np.maximum(ss * hh, TINY)
    safe = np.where(proper, determinant, 1)
    alone_soft = (ss > TINY) & (ss >= hh)
    alone_hard = (hh > TINY) & ~alone_soft
    first = np.where(alone_soft, sm / np.where(ss > TINY, ss, 1), 0)
    second = np.where(alone_hard, hm / np.where(hh > TINY, hh, 1), 0)
    return (
        np.where(proper, (sm * hh - hm * cross) / safe, first),
        np.where(proper, (hm * ss - sm * cross) / safe, second),
    )


def _explain_pair(
    prints: dict[str, Fingerprints], likely: dict, evidence: Evidence, weights: list, s: int, h: int
) -> dict[str, Explanation] | None:
    pairs = [weigh(s, h) for weigh in weights]
    found: dict[str, Explanation] = {}
    for place, (part, index) in enumerate((("soft", likely["soft"][s]), ("hard", likely["hard"][h]))):
        lengths = [np.sum(prints[part].gradients[i][index] ** 2, -1) for i in prints[part].frames]
        chosen = [pair[place] for pair in pairs]
        explanations = explain_weights(prints[part], int(index), chosen, lengths, True, None)
        if not explanations:
            return None
        found[part] = min(explanations, key=lambda explanation: explanation.cost)
    predicted = sum(np.array(explanation.frames) for explanation in found.values())
    return found if close(predicted, evidence.values[: len(predicted)]) else None
