"""``distillation_loss(student_logits, teacher_logits, labels, temperature, alpha)``: the soft and the hard part."""

from grader.exercise import Exercise, Part
from grader.exercises import loss_further, loss_right, loss_table, loss_whole, loss_wrong
from grader.exercises.loss_probes import FRAMES, PARAMETERS

NAMES = [frame.name for frame in FRAMES]
SPECIAL = ("extra/unmasked", "extra/empty row", "extra/one label", "extra/temperature one")
PARTS = (
    Part("hard", 2.0, tuple(f"{name}/hard" for name in NAMES)),
    Part("soft", 3.0, tuple(f"{name}/soft" for name in NAMES)),
    Part("blend", 2.5, tuple(f"{name}/blend" for name in NAMES)),
    Part("special cases", 1.5, SPECIAL),
    Part("large logits", 1.0, ("huge/hard", "huge/soft")),
)
EXERCISE = Exercise(
    "distillation_loss",
    "02",
    PARAMETERS,
    PARTS,
    loss_table.table,
    loss_wrong.misconceptions() + loss_whole.WHOLE + loss_further.FURTHER,
    loss_right.RIGHT,
)
