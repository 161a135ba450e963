"""The exercise ``distillation_loss``: probes, costs, positions, misconceptions, right variants, hints and points."""

from grader.exercise import Exercise
from grader.exercises.lab02.distillation_loss.misconceptions import misconceptions
from grader.exercises.lab02.distillation_loss.points import PARTS, scores
from grader.exercises.lab02.distillation_loss.probes import PARAMETERS
from grader.exercises.lab02.distillation_loss.right import RIGHT
from grader.exercises.lab02.distillation_loss.table import table

EXERCISE = Exercise("distillation_loss", "02", PARAMETERS, PARTS, table, misconceptions(), RIGHT, scores)
