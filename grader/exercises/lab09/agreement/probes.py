"""What agreement is asked."""

from __future__ import annotations

import numpy as np

from grader.exercises.lab09.texts import probe


def draw(stream):
    def asked(name, lengths, size, alike, sharpness=1.0):
        """alike: how many of the positions that count choose the same token; all others choose another one."""
        shape = (len(lengths), max(lengths), size)
        mask = np.arange(shape[1])[None, :] < np.array(lengths)[:, None]
        teacher, student = (stream.normal(0, 1, shape).clip(max=2.0) for _ in range(2))
        same = np.zeros(mask.shape, dtype=bool)
        same[mask] = np.arange(mask.sum()) % mask.sum() < alike
        best = stream.integers(0, size, mask.shape)
        other = (best + stream.integers(1, size, mask.shape)) % size
        np.put_along_axis(teacher, best[..., None], 3.0 + stream.uniform(0, 1, (*mask.shape, 1)), -1)
        np.put_along_axis(student, best[..., None], 2.5, -1)  # the teacher's choice is at least the second
        np.put_along_axis(
            student, np.where(same, best, other)[..., None], 3.0 + stream.uniform(0, 1, (*mask.shape, 1)), -1
        )
        return probe(name, student_logits=student * sharpness, teacher_logits=teacher, mask=mask)

    yield asked("no padding", (4, 4), 7, 5)
    yield asked("padding", (6, 2, 3), 9, 4)
    yield asked("a student that is less sure", (5, 5), 8, 6, 0.3)
    yield asked("a student that is surer", (3, 7), 8, 3, 2.0)
    equal = asked("equal models", (3, 5), 6, 0)
    yield probe("equal models", **(equal.inputs | {"student_logits": equal.inputs["teacher_logits"].copy()}))
    yield asked("never the same choice", (2, 4), 12, 0)
    yield asked("one position", (1,), 5, 1)
