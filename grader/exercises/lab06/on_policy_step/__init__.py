"""``on_policy_step(student, teacher, prompts, optimizer, sample, loss)``: one update on the student's own text."""

from grader.exercise import Exercise, Part
from grader.exercises.lab06.on_policy_step.right import RIGHT
from grader.exercises.lab06.on_policy_step.table import table
from grader.exercises.lab06.on_policy_step.wrong import MISCONCEPTIONS
from utils.checks.on_policy import LEARNING, SCORING, WRITING
from utils.checks.plays.on_policy_step import ARGUMENTS

PARTS = (
    Part("the student writes", 2.0, (WRITING,)),
    Part("both score what it wrote", 3.0, (SCORING,)),
    Part("the student learns", 2.0, (LEARNING,)),
)
EXERCISE = Exercise("on_policy_step", "06", ARGUMENTS, PARTS, table, MISCONCEPTIONS, RIGHT)
