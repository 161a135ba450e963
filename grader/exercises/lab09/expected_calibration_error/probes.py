"""What expected_calibration_error is asked."""

from __future__ import annotations

import numpy as np

from grader.exercises.lab09.texts import probe


def draw(stream):
    def asked(name, bins, held):
        """held: a bin -> how many predictions it holds, and how many of them are right."""
        confidence, correct = [], []
        for place, (count, good) in held.items():
            inside = np.resize([0.3, 0.5, 0.7], count) + stream.uniform(-0.03, 0.03, count)
            confidence += ((place + inside) / bins).tolist()
            correct += [i < good for i in range(count)]
        return mixed(name, bins, confidence, correct)

    def mixed(name, bins, confidence, correct):
        order = stream.permutation(len(confidence))
        arrays = np.array(confidence)[order], np.array(correct)[order]
        return probe(name, confidence=arrays[0], correct=arrays[1], bins=bins)

    yield asked("all bins", 5, {0: (4, 3), 1: (6, 0), 2: (5, 5), 3: (9, 3), 4: (12, 12)})
    yield asked("too sure below, too timid above", 4, {0: (5, 0), 1: (8, 1), 2: (8, 8), 3: (5, 5)})
    yield asked("empty bins", 10, {2: (3, 2), 5: (4, 0), 9: (10, 10)})
    certain = [1.0] * 5 + [0.93, 0.91, 0.94, 0.55, 0.42, 0.48]
    yield mixed("some are certain", 8, certain, [True, False, False, True, False, True, True, True, False, True, False])
    yield asked("many bins", 20, {3: (2, 1), 8: (3, 0), 9: (2, 2), 15: (4, 1), 18: (6, 6), 19: (5, 3)})
    yield asked("one bin", 1, {0: (9, 5)})
    yield asked("crowded at the end", 10, {1: (1, 1), 6: (1, 0), 8: (5, 5), 9: (30, 21)})
