"""verify(target_probabilities, draft_probabilities, drafted, uniforms): how many are kept, and what comes next."""

from grader.exercises.lab04 import rounds
from grader.exercises.lab04.verify.right import catalogue
from grader.exercises.lab04.verify.rule import verify
from grader.exercises.lab04.verify.wrong import TOKEN
from grader.exercises.ordinary import exercise

PARTS = (
    ("all are kept: the target's own next distribution", 3.0, rounds.KEPT),
    ("a rejection: what is left of the target's distribution", 5.0, (*rounds.REJECTED, *rounds.IMPOSSIBLE)),
    ("nothing counts behind the first rejection", 2.0, rounds.LATER),
)
ROW = f"instead of ({rounds.VOCABULARY},)"
WORDS = {
    "part 2 is an int instead of a tensor": TOKEN,
    f"part 2 has shape () {ROW}": TOKEN,
    f"part 2 has shape (1,) {ROW}": TOKEN,
}
EXERCISE = exercise("verify", "04", verify, rounds.draw, PARTS, catalogue, words=WORDS)
