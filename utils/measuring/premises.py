"""Is this training worth its time?  What can be said before it begins, in a sentence and from what is at hand.

The mistakes this module exists to prevent: a student that learns for an hour from a teacher who knows the text less
well than the student does, and a perplexity on text that the student has read.  Neither is an error; both are said.
"""

from __future__ import annotations

from collections.abc import Sequence

from utils.data.documents import NEAR_DUPLICATE_SHARE, Document, all_shingles, overlap
from utils.measuring.evaluation import Evaluation, paired_effect
from utils.measuring.shown import interval


def teacher_against_student(teacher: Evaluation, student: Evaluation) -> str:
    """Whether the teacher is better on this text than the untouched student: two evaluations of the same rows.

    Judged on the same documents, as `paired_effect` does.  Raises CourseError where the documents differ.
    """
    effect = paired_effect([teacher], [student])
    numbers = (
        f"perplexity {teacher.perplexity:.1f} against {student.perplexity:.1f} on the same documents, "
        f"{effect.ratio:.3g} times as much (95 % interval {interval(effect.as_dict(), '.3g')})"
    )
    if effect.high < 1:
        return f"The teacher knows this text better than the untouched student: {numbers}."
    if effect.low > 1:
        return (
            f"The teacher is worse than the untouched student: {numbers}. Its soft targets are likely to spoil the "
            "student; choose another teacher, text that the teacher knows, or a small alpha."
        )
    return (
        f"The teacher is not clearly better than the untouched student: {numbers}. Do not expect much from its soft "
        "targets; judge on more rows, or choose a better teacher."
    )


def repeated_text(train: Sequence[Document], judged: Sequence[Document]) -> str:
    """How many of the documents to judge on repeat text to train on: those with over a fifth of their runs of 13 words.

    Corpora of `utils.data.corpus` leave such documents out; this is for documents from two places.
    """
    seen = all_shingles(train)
    repeated = sum(overlap(document, seen) > NEAR_DUPLICATE_SHARE for document in judged)
    if not repeated:
        return f"None of the {len(judged):,} documents to judge on repeats the text to train on."
    return (
        f"{repeated:,} of the {len(judged):,} documents to judge on repeat text to train on: a perplexity on them "
        "measures memory. Leave them out, with utils.data.documents.without_near_duplicates."
    )
