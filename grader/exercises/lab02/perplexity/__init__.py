"""``perplexity(model, batches)``: exp of the nats per scored token, played with a tiny GPT-2 in train mode."""

from grader.exercise import Exercise, Part
from grader.exercises.lab02.perplexity.functions import MISCONCEPTIONS, RIGHT
from grader.exercises.lab02.perplexity.table import table
from utils.checks.plays.perplexity import ARGUMENTS

PARTS = (Part("one batch", 2.0, ("one",)), Part("several batches", 3.0, ("several", "others")))
EXERCISE = Exercise("perplexity", "02", ARGUMENTS, PARTS, table, MISCONCEPTIONS, RIGHT)
