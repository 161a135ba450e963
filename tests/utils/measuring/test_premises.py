"""Is a teacher that has nothing to teach named before training, and text that was read before?"""

import numpy as np
import pytest

from utils.data.documents import Document
from utils.errors import CourseError
from utils.measuring.evaluation import Evaluation
from utils.measuring.premises import repeated_text, teacher_against_student


def judged(nats_per_token: np.ndarray, names: str = "d") -> Evaluation:
    tokens = np.full(len(nats_per_token), 50.0)
    documents = tuple(f"{names}{i:03d}" for i in range(len(tokens)))
    return Evaluation(documents, nats_per_token * tokens, tokens, 4 * tokens)


@pytest.fixture
def hard():
    """How hard each of 60 documents is, in nats a token: far more spread than any two models differ."""
    return np.random.Generator(np.random.PCG64(0)).normal(4.0, 0.8, size=60)


@pytest.mark.parametrize(
    ("difference", "sentence"),
    [
        (-0.1, "The teacher knows this text better than the untouched student"),
        (0.1, "The teacher is worse than the untouched student"),
        (0.0, "The teacher is not clearly better than the untouched student"),
    ],
)
def test_a_teacher_is_compared_with_the_student_document_by_document(hard, difference, sentence):
    scatter = np.random.Generator(np.random.PCG64(1)).normal(0.0, 0.1, size=60)
    said = teacher_against_student(judged(hard + difference + scatter - scatter.mean()), judged(hard))
    assert said.startswith(sentence)
    assert f"{np.exp(difference):.3g} times as much" in said and "on the same documents" in said


def test_the_same_answers_are_not_clearly_better(hard):
    assert "not clearly better" in teacher_against_student(judged(hard), judged(hard))


def test_evaluations_of_other_documents_are_refused(hard):
    with pytest.raises(CourseError, match="different documents"):
        teacher_against_student(judged(hard), judged(hard, "other"))


def words(subject: int, count: int = 40) -> str:
    return " ".join(f"word{subject}x{i}" for i in range(count))


def test_text_to_judge_on_that_was_trained_on_is_counted():
    train = [Document(f"t{i}", words(i), "here") for i in range(20)]
    fresh = [Document(f"v{i}", words(100 + i), "there") for i in range(7)]
    assert "None of the 7 documents" in repeated_text(train, fresh)
    repeats = [Document("a", words(3), "there"), Document("b", words(200, 10) + " " + words(4), "there")]
    hardly = [Document("c", words(300, 200) + " " + words(5, 15), "there")]
    assert repeated_text(train, [*fresh, *repeats, *hardly]).startswith("2 of the 10 documents to judge on repeat")
