"""``train_step(student, teacher, batch, optimizer, loss_function)``: one update, played with two tiny GPT-2s."""

from grader.exercise import Exercise, Part
from grader.exercises.lab02.train_step.functions import MISCONCEPTIONS, RIGHT
from grader.exercises.lab02.train_step.table import table
from utils.checks.plays.train_step import ARGUMENTS

EXERCISE = Exercise(
    "train_step", "02", ARGUMENTS, (Part("step", 5.0, ("first", "second")),), table, MISCONCEPTIONS, RIGHT
)
