"""The exercise ``distillation_loss``: probes, costs, positions, misconceptions, right variants, hints and points."""

from collections.abc import Callable
from dataclasses import dataclass

from grader.exercise import Exercise
from grader.exercises.lab02.distillation_loss.misconceptions import misconceptions
from grader.exercises.lab02.distillation_loss.points import PARTS, scores
from grader.exercises.lab02.distillation_loss.probes import PARAMETERS
from grader.exercises.lab02.distillation_loss.right import RIGHT
from grader.exercises.lab02.distillation_loss.table import table


@dataclass(frozen=True)
class ExerciseWithScores(Exercise):
    """scores: (table, answers) -> points earned, by part; where parts are not judged by the formula alone."""

    scores: Callable = scores


EXERCISE = ExerciseWithScores("distillation_loss", "02", PARAMETERS, PARTS, table, misconceptions(), RIGHT)
