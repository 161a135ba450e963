"""agreement(student_logits, teacher_logits, mask): how often both choose the same token, and KL(teacher || student)."""

from __future__ import annotations

from grader.exercises.lab09.agreement.probes import draw
from grader.exercises.lab09.agreement.right import catalogue
from grader.exercises.lab09.agreement.rule import agreement
from grader.exercises.ordinary import exercise

PARTS = (
    ("the same choice, and KL", 2, ("no padding", "equal models", "never the same choice")),
    ("positions that count, each alike", 2, ("padding", "a student that is surer")),
    ("a student that is more or less sure", 1, ("a student that is less sure", "one position")),
)
EXERCISE = exercise("agreement", "09", agreement, draw, PARTS, catalogue)
