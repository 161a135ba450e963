"""``first_number(text)``: the first whole number in a text, or None."""

import re

from grader.exercises.ordinary import Catalogue, exercise
from utils.checks.records import Probe

catalogue = Catalogue()


def first_number(text):
    found = re.search(r"-?\d+", text)
    return int(found[0]) if found else None


def draw(stream):
    a, b = (int(number) for number in stream.choice(range(10, 90), 2, replace=False))
    texts = (f"is it -{a} or {b}", "nothing here", f"{a}{b}!", f"then {b}, then {a}")
    return [Probe(f"text {index}", {"text": text}) for index, text in enumerate(texts)]


@catalogue.wrong("the last number is taken", "findall[-1].", "Which of several numbers is asked for?")
def last(text):
    found = re.findall(r"-?\d+", text)
    return int(found[-1]) if found else None


@catalogue.wrong("the minus is lost", "No sign in the pattern.", "What stands before the digits?")
def unsigned(text):
    found = re.search(r"\d+", text)
    return int(found[0]) if found else None


@catalogue.wrong("an exception where there is no number", "search returns None.", "What if the text has no digit?")
def strict(text):
    return int(re.search(r"-?\d+", text)[0])


@catalogue.wrong("a text instead of a number", "No int().", "Can you add 1 to what you return?")
def as_text(text):
    found = re.search(r"-?\d+", text)
    return found[0] if found else None


@catalogue.wrong("only one digit is read", "No + in the pattern.", "How long may a number be?")
def one_digit(text):
    found = re.search(r"-?\d", text)
    return int(found[0]) if found else None


@catalogue.wrong("0 where there is no number", "A default of 0.", "How would the caller tell 0 from no answer?")
def zero(text):
    return first_number(text) or 0


@catalogue.right
def by_split(text):
    for part in re.split(r"[^0-9-]+", text):
        if part.lstrip("-").isdigit():
            return int(part)
    return None


EXERCISE = exercise(
    "first_number", "99", first_number, draw, [("found", 1, ("text 0", "text 1", "text 2", "text 3"))], catalogue
)
