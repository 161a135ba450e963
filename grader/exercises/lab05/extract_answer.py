"""extract_answer(text): the answer that a model wrote, between its question and whatever it wrote after."""

from __future__ import annotations

import re

from grader.exercises.lab05.chains import chain, compact, question, verbose
from grader.exercises.ordinary import Catalogue, exercise
from utils.checks.records import Probe

catalogue = Catalogue()
wrong, right = catalogue.wrong, catalogue.right
MARK = r"(?:^|;)Answer:"
WHERE = "Behind which word does the answer stand, and where does that word stand?"


def extract_answer(text):
    """The whole number behind the first mark, or None.

    A mark is ``Answer:`` at the beginning of a line, or right behind a ``;``. Any number of spaces may follow it, and
    anything may follow the number. None: there is no mark, or no whole number follows the first one.
    """
    found = re.search(MARK + r" *(-?\d+)?", text, re.MULTILINE)
    return int(found[1]) if found and found[1] else None


def draw(stream):
    def new(end=(2, 9), low=10, high=99):
        return chain(stream, int(stream.integers(2, 5)), low, high, end)

    def told_apart():
        """A chain whose answer is not the number that its question begins with."""
        while True:
            found = new()
            if found[0].start != found[-1].result:
                return found

    def probe(name, text):
        return Probe(name, {"text": text})

    below = (-99, -1)
    two, other = new((10, 99)), new((6, 9))
    yield probe("verbose", verbose(new()))
    yield probe("compact", compact(new()))
    yield probe("alone", verbose(new()).splitlines()[-1])
    asked = new()
    yield probe("question in front", f"{question(asked)}\n{verbose(asked)}")
    asked = new()
    yield probe("question in front, compact", f"{question(asked)}\n{compact(asked)}")
    yield probe("minus", verbose(new((-9, -2), *below)))
    yield probe("minus, compact", compact(new((-9, -2), *below)))
    yield probe("two digits", verbose(two))
    yield probe("two digits, compact", compact(new((10, 99))))
    yield probe("three digits", verbose(new((100, 500))))
    yield probe("a minus and two digits", compact(new((-99, -10), *below)))
    yield probe("no space", compact(new()).replace(": ", ":"))
    yield probe("many spaces", verbose(new()).replace(": ", ":   ") + " ")
    yield probe("a full stop", verbose(new()) + ".")
    yield probe("goes on", f"{verbose(new((2, 5)))}\n{question(other)}\n{verbose(other)}")
    yield probe("goes on, compact", f"{compact(new((2, 5)))};{compact(other)}")
    yield probe("goes on in the line", f"{compact(new())} {' '.join(question(new()).split()[1:])}")
    asked = told_apart()
    yield probe("the word in the question", f"What is the Answer: {question(asked)}\n{verbose(asked)}")
    asked = told_apart()
    yield probe("the word in the question, compact", f"Give the Answer: {question(asked)}\n{compact(asked)}")
    yield probe("none", verbose(two[:1], "none"))
    yield probe("none, then another", f"{verbose(two, 'none')}\n{question(other)}\n{verbose(other)}")
    yield probe("none, then another, compact", f"{compact(two, 'none')};{compact(other)}")
    yield probe("cut off", verbose(new(), ""))
    yield probe("nothing behind the mark", compact(new(), "") + ";Answer:")
    yield probe("empty", "")
    zero = int(stream.integers(2, 10))
    yield probe("zero", f"First, {zero} - {zero} = 0.\nAnswer: 0")


@wrong("the first number in the text is taken", "Reads the question's first number.", WHERE)
def first_number(text):
    found = re.search(r"-?\d+", text)
    return int(found[0]) if found else None


@wrong(
    "the last number in the text is taken",
    "Reads whatever number comes last, also of another question.",
    "What does a model write that does not stop after its answer?",
)
def last_number(text):
    found = re.findall(r"-?\d+", text)
    return int(found[-1]) if found else None


@wrong(
    "the last step's result is taken, not the answer",
    "Reads the number behind the last equals sign.",
    "Must a model answer what its last step says?",
)
def last_result(text):
    found = re.findall(r"= ?(-?\d+)", text)
    return int(found[-1]) if found else None


@wrong("the answer's minus is lost", "No sign in the pattern.", "Which answers are below zero?")
def unsigned(text):
    found = re.search(MARK + r" *-?(\d+)?", text, re.MULTILINE)
    return int(found[1]) if found and found[1] else None


@wrong("an answer below zero is no answer", "A minus in front of the digits is not read.", "Is -3 a whole number?")
def only_positive(text):
    found = re.search(MARK + r" *(\d+)?", text, re.MULTILINE)
    return int(found[1]) if found and found[1] else None


@wrong("only the answer's first digit is read", "The pattern ends after one digit.", "How many digits has an answer?")
def one_digit(text):
    found = re.search(MARK + r" *(-?\d)?", text, re.MULTILINE)
    return int(found[1]) if found and found[1] else None


@wrong("only two digits of an answer are read", "The pattern ends after two digits.", "What is 12 * 9?")
def two_digits(text):
    found = re.search(MARK + r" *(-?\d{1,2})?", text, re.MULTILINE)
    return int(found[1]) if found and found[1] else None


@wrong(
    "the word Answer: in a question is taken for the mark",
    "Searches the word anywhere in a line.",
    "May a question have the word Answer: in it?",
)
def anywhere(text):
    found = re.search(r"Answer: *(-?\d+)?", text)
    return int(found[1]) if found and found[1] else None


@wrong(
    "the last mark decides, not the first",
    "Goes on to the answers of questions that the model made up.",
    "A model goes on with a question of its own. Which answer is to yours?",
)
def last_mark(text):
    found = re.findall(MARK + r" *(-?\d+)?", text, re.MULTILINE)
    return int(found[-1]) if found and found[-1] else None


@wrong(
    "Answer: none is passed over, and a later answer counts",
    "Searches for a mark with a number instead of the first mark.",
    "The model says none, and then answers another question. What was its answer to yours?",
)
def none_passed_over(text):
    found = re.search(MARK + r" *(-?\d+)", text, re.MULTILINE)
    return int(found[1]) if found else None


@wrong(
    "an exception where no number stands behind Answer:",
    "int() gets a word, or nothing.",
    "What does int('none') do?",
)
def strict(text):
    for line in text.replace(";", "\n").splitlines():
        if line.startswith("Answer:"):
            return int(re.match(r"Answer: *(-?\d+|[^\d]*)", line)[1])
    return None


@wrong(
    "an exception where there is no answer",
    "Takes a match for granted.",
    "What does re.search return where nothing is found?",
)
def subscripted(text):
    return int(re.search(MARK + r" *(-?\d+)", text, re.MULTILINE)[1])


@wrong(
    "an exception where there is no answer",
    "Takes a match for granted.",
    "What does re.search return where nothing is found?",
)
def grouped(text):
    return int(re.search(MARK + r" *(-?\d+)", text, re.MULTILINE).group(1))


@wrong("0 where there is no answer", "A default of 0.", "How would a caller tell it from the answer 0?")
def zero_for_none(text):
    return extract_answer(text) or 0


@wrong("-1 where there is no answer", "A default of -1.", "How would a caller tell it from the answer -1?")
def minus_one(text):
    found = extract_answer(text)
    return -1 if found is None else found


@wrong("the answer 0 is taken for no answer", "Asks `if number:`.", "What does Python make of `if 0:`?")
def falsy_zero(text):
    return extract_answer(text) or None


@wrong("the answer is left a text", "No int().", "Is ' 32' equal to 32?")
def as_text(text):
    found = re.search(MARK + r" *(-?\d+)?", text, re.MULTILINE)
    return found[1] if found and found[1] else None


@wrong("the answer's text keeps its spaces", "What follows the mark, as it is.", "Is ' 32' equal to '32'?")
def as_raw_text(text):
    found = re.search(MARK + r"(.*)", text, re.MULTILINE)
    return found[1] if found else None


@wrong("the answer is a float", "float() in place of int().", "Which kind of number does the task ask for?")
def as_float(text):
    found = extract_answer(text)
    return None if found is None else float(found)


@wrong(
    "an answer behind ; is not found", "Only the beginning of a line counts.", "Where is the mark in a compact trace?"
)
def lines_only(text):
    found = re.search(r"^Answer: *(-?\d+)?", text, re.MULTILINE)
    return int(found[1]) if found and found[1] else None


@wrong(
    "an answer at the beginning of a line is not found",
    "Only a mark behind ; counts.",
    "Where is the mark in a verbose trace?",
)
def semicolons_only(text):
    found = re.search(r";Answer: *(-?\d+)?", text)
    return int(found[1]) if found and found[1] else None


@wrong(
    "an answer at the very beginning of the text is not found",
    "Wants a line break or ; in front.",
    "What stands in front of the mark if the model writes nothing but its answer?",
)
def not_at_the_beginning(text):
    found = re.search(r"[\n;]Answer: *(-?\d+)?", text)
    return int(found[1]) if found and found[1] else None


@wrong(
    "the whole rest of the line has to be the number",
    "int() of everything up to the line's end.",
    "What may a model write behind its answer in the same line?",
)
def whole_rest(text):
    for line in text.replace(";Answer:", "\nAnswer:").splitlines():
        if line.startswith("Answer:"):
            rest = line.removeprefix("Answer:").strip()
            return int(rest) if re.fullmatch(r"-?\d+", rest) else None
    return None


@wrong(
    "exactly one space is expected behind Answer:", "The pattern has one space.", "May there be two spaces, or none?"
)
def one_space(text):
    found = re.search(MARK + r" (-?\d+)?", text, re.MULTILINE)
    return int(found[1]) if found and found[1] else None


@right
def by_lines(text):
    for line in text.replace(";", "\n").split("\n"):
        if line.startswith("Answer:"):
            words = re.split(r"[^\d-]", line[len("Answer:") :].lstrip(), maxsplit=1)
            return int(words[0]) if words[0].lstrip("-").isdigit() else None
    return None


@right
def sign_by_sign(text):
    pieces = [piece for line in text.splitlines() for piece in line.split(";")]
    behind = next((piece[7:].lstrip(" ") for piece in pieces if piece[:7] == "Answer:"), "")
    number = ""
    for sign in behind:
        if sign.isdigit() or (sign == "-" and not number):
            number += sign
        else:
            break
    try:
        return int(number)
    except ValueError:
        return None


@right
def by_partition(text):
    _, mark, rest = ("\n" + text.replace(";", "\n")).partition("\nAnswer:")
    found = re.match(r"\s*([+-]?[0-9]+)", rest)
    return int(found.group(1)) if mark and found else None


@right
def two_searches(text):
    mark = re.compile(r"^Answer:|(?<=;)Answer:", re.M).search(text)
    if mark is None:
        return None
    number = re.compile(r" *(-?\d+)").match(text, mark.end())
    return None if number is None else int(number.group())


@right
def every_mark(text):
    answers = [match.group("rest") for match in re.finditer(r"(?m)(?:^|;)Answer:\s*(?P<rest>[^\n;]*)", text)]
    numbers = re.findall(r"^-?\d+", answers[0]) if answers else []
    return int(numbers[0]) if numbers else None


@right
def by_find(text):
    places = [place for place in range(len(text)) if text.startswith("Answer:", place)]
    places = [place for place in places if place == 0 or text[place - 1] in "\n;"]
    if not places:
        return None
    start = places[0] + len("Answer:")
    while text[start : start + 1] == " ":
        start += 1
    end = start + (text[start : start + 1] == "-")
    while text[end : end + 1].isdigit():
        end += 1
    return int(text[start:end]) if text[start:end].strip("-") else None


@right
def with_an_exception(text):
    try:
        rest = re.split(r"(?:^|;)Answer:", text, maxsplit=1, flags=re.MULTILINE)[1]
        return int(re.match(r"\s*(-?\d+)", rest)[1])
    except (IndexError, TypeError):
        return None


@right
def alternatives(text):
    match re.findall(r"(?:^|(?<=;))Answer:(?: *(-?\d+)|)", text, flags=re.MULTILINE):
        case [number, *_] if number:
            return int(number)
    return None


@right
def with_itertools(text):
    from itertools import dropwhile, takewhile

    pieces = dropwhile(lambda piece: not piece.startswith("Answer:"), re.split("[\n;]", text))
    rest = next(pieces, "Answer:")[7:].strip()
    minus, digits = rest.startswith("-"), "".join(takewhile(str.isdecimal, rest.removeprefix("-")))
    return (-int(digits) if minus else int(digits)) if digits else None


PARTS = [
    ("the answer", 1, ("verbose", "compact", "alone", "question in front", "question in front, compact")),
    (
        "the whole number",
        1,
        ("minus", "minus, compact", "two digits", "two digits, compact", "three digits", "a minus and two digits"),
    ),
    ("what stands around it", 1, ("no space", "many spaces", "a full stop", "goes on in the line")),
    (
        "the first mark",
        1,
        ("goes on", "goes on, compact", "the word in the question", "the word in the question, compact"),
    ),
    (
        "no answer",
        1,
        (
            "none",
            "none, then another",
            "none, then another, compact",
            "cut off",
            "nothing behind the mark",
            "empty",
            "zero",
        ),
    ),
]
EXERCISE = exercise("extract_answer", "05", extract_answer, draw, PARTS, catalogue)
