"""verify(target_probabilities, draft_probabilities, drafted, uniforms): how many are kept, and what comes next."""

from grader.exercises.lab04 import rounds
from grader.exercises.lab04.verify.right import catalogue
from grader.exercises.lab04.verify.rule import verify
from grader.exercises.lab04.verify.wrong import TOKEN
from grader.exercises.ordinary import exercise

PARTS = (
    (
        "how many are kept: the target's own next distribution",
        3.0,
        (*rounds.KEPT, rounds.REJECTED[0]),
        (
            "kept where u is above",
            "the ratio is q/p",
            "u is compared with p alone",
            "one u for all",
            "how many are rejected",
            "the target's rows are read one too late",
        ),
    ),
    (
        "a rejection: what is left of the target's distribution",
        5.0,
        (*rounds.REJECTED, *rounds.IMPOSSIBLE),
        (
            "the rejected token is kept",
            "the residual",
            "after a rejection",
            "softmax of the residual",
            "|p - q|",
            "p - q is not cut",
            "logarithms are subtracted",
            "only the rejected token",
        ),
    ),
    ("nothing counts behind the first rejection", 2.0, rounds.LATER),
)
ROW = f"instead of ({rounds.VOCABULARY},)"
WORDS = {
    "part 2 is an int instead of a tensor": TOKEN,
    f"part 2 has shape () {ROW}": TOKEN,
    f"part 2 has shape (1,) {ROW}": TOKEN,
}
EXERCISE = exercise("verify", "04", verify, rounds.draw, PARTS, catalogue, words=WORDS)
