"""``divergence(student_logits, teacher_logits, mask, beta)``: from forward KL through the mixture to reverse KL."""

import numpy as np

from grader.exercises.lab06.divergence.ends import LOG_0
from grader.exercises.lab06.divergence.gaps import divergence
from grader.exercises.lab06.divergence.right import catalogue
from grader.exercises.ordinary import exercise
from utils.checks.records import Probe

ENDS = {0.0: "beta = 0", 1.0: "beta = 1"}
PLAIN, STUDENT, BOTH = (), ("student_logits",), ("student_logits", "teacher_logits")
ONE = ((0,),)


def _probe(random, name, beta, counted=ONE, gradients=PLAIN, mirrored=False, large=0.0):
    """One position, or rows of five of which some count.

    mirrored: the student holds the teacher's numbers in reverse order, so that both directions have one value.
    """
    shape = (len(counted), 1 if counted is ONE else 5)
    teacher = random.normal(0, 1.5, (*shape, 8))
    if large:  # both like the tokens in between second best, and none of them is the other's best
        teacher = large * np.concatenate([[1.0], random.uniform(0.3, 0.5, 6), [-1.0]]).reshape(1, 1, 8)
    student = np.flip(teacher, -1) if mirrored else teacher + random.normal(0, 1, teacher.shape)
    mask = np.zeros(shape, dtype=bool)
    for row, places in enumerate(counted):
        mask[row, list(places)] = True
    logits = {"student_logits": student.astype(np.float32), "teacher_logits": teacher.astype(np.float32)}
    return Probe(name, {**logits, "mask": mask, "beta": beta}, gradients)


def draw(random):
    for beta, name in ENDS.items():
        yield _probe(random, name, beta, gradients=STUDENT)
    yield _probe(random, "beta = 0.3", 0.3)
    yield _probe(random, "beta = 0.8", 0.8)
    yield _probe(random, "a mask with gaps", 0.0, [(0, 1, 3), (2,), (0, 4)], mirrored=True)
    yield _probe(random, "rows of different lengths", 0.0, [range(5), range(2), range(3)], mirrored=True)
    yield _probe(random, "a row that counts nowhere", 0.0, [(0, 1, 2, 4), (), (3,)], mirrored=True)
    yield _probe(random, "logits of thousands", 0.5, large=4000.0, mirrored=True)
    yield _probe(random, "logits of thousands at beta = 0", 0.0, large=4000.0, mirrored=True)
    yield _probe(random, "the gradient at beta = 0.5", 0.5, gradients=BOTH)
    for beta, name in ENDS.items():
        yield _probe(random, f"the teacher's gradient at {name}", beta, gradients=BOTH[1:], mirrored=True)


POSITIONS = ("a mask with gaps", "rows of different lengths", "a row that counts nowhere")
GRADIENT = ("the gradient at beta = 0.5", *(f"the teacher's gradient at {name}" for name in ENDS.values()))
PARTS = (
    (
        "beta = 0 is forward KL",
        2.0,
        ("beta = 0",),
        (
            "the two ends of beta are swapped",
            "beta is 1 - beta everywhere",
            "0 at both ends",
            "log(beta) is taken at the ends",
        ),
    ),
    ("beta = 1 is reverse KL", 2.0, ("beta = 1",)),
    (
        "the mixture in between",
        2.0,
        ("beta = 0.3", "beta = 0.8"),
        (
            "forward and reverse KL are averaged: ",
            "log-probabilities are mixed",
            "logits are mixed",
            "KL(M || P)",
            "divided by beta (1 - beta) in between",
            "only the teacher's part",
            "the parts are not weighted",
        ),
    ),
    ("only positions that count", 2.0, POSITIONS, ("shifted by one once more",)),
    ("large logits", 1.0, ("logits of thousands", "logits of thousands at beta = 0")),
    ("the gradient reaches the student alone", 1.0, GRADIENT, ("the student's probabilities are detached",)),
)
EXERCISE = exercise("divergence", "06", divergence, draw, PARTS, catalogue, errors={"math domain error": LOG_0})
