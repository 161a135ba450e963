"""The picture of a data set's sources: what may be used is told in words and by pattern, for purpose and company."""

import pytest

from utils.errors import CourseError
from utils.figures import sliders
from utils.figures.provenance import MOST, SourcesScene, sources
from utils.labs import mixed_set
from utils.provenance.terms import Decision, read_policy

ROWS, POLICY = mixed_set.rows(), read_policy()


def scene(purpose, users):
    made = SourcesScene(ROWS, POLICY, purpose)
    made.move(users)
    return made


@pytest.mark.parametrize(
    ("purpose", "users", "count", "told"),
    [
        ("product", 2_000_000, 1280, "NO: Qwen3-32B (of a set for study)"),
        ("product", MOST, 1280, "ask: gpt-4.1, chatty-7b, unknown writer"),
        ("product", MOST + 1, 620, "NO: R1-Distill-Llama-8B, Llama-3.3-70B, Qwen3"),
        ("product", None, 620, "ask: R1-Distill-Llama-8B, Llama-3.3-70B, gpt-4.1"),
        ("competing", 2_000_000, 1280, "NO: gpt-4.1, chatty-7b, Qwen3"),
    ],
)
def test_the_picture_says_how_many_rows_are_left_and_who_forbids(purpose, users, count, told):
    sentence = scene(purpose, users).sentence(users)
    assert f"{count:,} of 2,000 rows" in sentence and told in sentence
    assert sentence.endswith("refusals, small talk. Check the current terms.")


def test_an_answer_is_marked_by_word_and_pattern_and_not_by_colour_alone():
    made = scene("competing", 5)
    left = made.figure.axes[0]
    words = [text.get_text() for text in left.texts]
    patterns = [bar.get_hatch() for bar in left.containers[1]]
    assert words == ["yes", "yes", "yes", "NO", "NO", "yes", "NO", "ask"]
    assert {word: pattern for word, pattern in zip(words, patterns, strict=True)} == {
        "yes": "",
        "NO": "xx",
        "ask": "//",
    }


def test_the_picture_asks_the_function_it_is_given():
    assert "2,000 of 2,000 rows" in sources(ROWS, POLICY, "product", 5, lambda record, policy: Decision("yes", ""))[1]


def test_purpose_and_size_of_company_move_the_picture():
    explorer = sliders.sources_explorer(ROWS, POLICY)
    assert "1,280 of 2,000" in explorer.numbers
    explorer.sliders[0].value = "unknown"
    assert "an unknown number" in explorer.numbers
    explorer.sliders[0].value = "701 million"
    assert "620 of 2,000" in explorer.numbers
    explorer.choice.value = "competing"
    assert "For competing" in explorer.numbers and "NO: R1-Distill-Llama-8B" in explorer.numbers


def test_no_row_is_no_picture():
    with pytest.raises(CourseError, match="no row to show"):
        sliders.sources_explorer([], POLICY)
