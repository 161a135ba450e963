"""Does the picture of the rounds say what became of each token, by sign and word, and do its buttons step?"""

import re

import pytest

from utils.decoding.speculative import Round
from utils.figures.rounds import RoundStepper, Story, show_rounds

WORDS = {1: " the", 2: " <b>", 3: " of", 4: "\n", 9: " a"}
ROUNDS = [
    Round((1, 2, 3), 1, (1, 9), 2),  # kept, rejected, not judged; one instead
    Round((1, 3), 2, (1, 3, 4), 2),  # all kept; one added
    Round((1, 4), 2, (1, 4), 2),  # an end of text inside: nothing added
]


def decode(tokens):
    return "".join(WORDS[token] for token in tokens)


@pytest.fixture
def story():
    return Story.of("Return", ROUNDS, decode)


def fates(page):
    return re.findall(r"([✓✗–→+]) (kept|rejected|not judged|instead|added)<", page)


def test_each_token_has_its_sign_and_its_word(story):
    first = [("✓", "kept"), ("✗", "rejected"), ("–", "not judged"), ("→", "instead")]
    assert fates(story.page(1)) == first
    assert fates(story.page(2)) == [*first, ("✓", "kept"), ("✓", "kept"), ("+", "added")]
    assert fates(story.page(3))[7:] == [("✓", "kept"), ("✓", "kept")]


def test_the_text_so_far_is_what_the_rounds_shown_have_written(story):
    assert "<b> the a</b>" in story.page(1) and "<b> the a the of\n</b>" in story.page(2)


def test_tokens_cannot_write_into_the_page(story):
    assert "␣&lt;b&gt;" in story.page(1) and "> <b><" not in story.page(1)


def test_the_sentence_counts_and_names_the_targets_token(story):
    assert story.sentence(0) == "Round 1: 3 drafted, 1 kept; the target adds ' a'."
    assert story.sentence(2) == "Round 3: 2 drafted, 2 kept; the text ends inside the round."
    assert story.plain().splitlines()[1].endswith("✓ ' the'  ✗ ' <b>'  – ' of'  → ' a'")


def test_the_buttons_go_on_and_back_and_stop_at_both_ends(story):
    stepper = RoundStepper(story)
    assert stepper.shown == 1 and stepper.back.disabled and not stepper.next.disabled
    stepper.next.click()
    assert stepper.shown == 2 and stepper.page.value == story.page(2)
    assert "2 of 3 rounds. Round 2" in stepper.said.value and 'aria-live="polite"' in stepper.said.value
    stepper.next.click()
    assert stepper.next.disabled
    stepper.again.click()
    assert stepper.shown == 1 and stepper.page.value == story.page(1)


def test_the_twin_without_buttons_shows_all_rounds_and_has_them_as_text(story, monkeypatch):
    shown = []
    monkeypatch.setattr("utils.figures.rounds.display", lambda data, raw: shown.append(data))
    show_rounds(story)
    assert shown == [{"text/html": story.page(3), "text/plain": story.plain()}]
