"""compact(trace): the same steps and the same answer in fewer characters."""

from __future__ import annotations

import re

from grader.exercises.lab05.chains import SIGNS, chain, verbose
from grader.exercises.lab05.chains import compact as short
from grader.exercises.ordinary import Catalogue, exercise
from utils.checks.records import Probe

catalogue = Catalogue()
wrong, right = catalogue.wrong, catalogue.right
EQUATION = r"-?\d+ ?[-+*] ?\d+ ?= ?-?\d+"
WRITTEN = "Is the trace wrong on purpose? Who decides that, this function or a filter?"


def compact(trace):
    """A verbose trace in one line, such as ``7+5=12;12*3=36;Answer: 36``.

    Every step stays, as it was written, right or wrong: its equation without word, spaces and full stop. The sign ``;``
    joins the steps and the answer. The answer stays as it was written, with its space. Where there is none, none is
    added. A compact trace comes back as it is.
    """
    return ";".join(_steps(trace) + _answer(trace))


def _steps(trace):
    return [found.replace(" ", "") for found in re.findall(EQUATION, trace)]


def _answer(trace):
    return re.findall(r"Answer: \S+", trace)


def draw(stream):
    def new(steps=3):
        return chain(stream, steps)

    def probe(name, steps, answer=None, form=verbose):
        return Probe(name, {"trace": form(steps, answer)})

    by = int(stream.integers(1, 5))
    yield probe("three steps", new())
    yield probe("five steps", new(5))
    yield probe("two steps", new(2))
    yield probe("one step", new(1))
    yield probe("compact already", new(), form=short)
    yield probe("compact already, one step", new(1), form=short)
    bad = new()
    yield probe("a false step", [bad[0], bad[1]._replace(result=bad[1].result + by), bad[2]])
    yield probe("a false last step", [*bad[:2], bad[2]._replace(result=bad[2].result + by)], bad[2].result)
    bad = new()
    yield probe("an answer that does not fit", bad, bad[-1].result + by)
    twice = new()
    yield probe("a step twice", [twice[0], twice[0], *twice[1:]])
    bad = new()
    yield probe("shuffled", [bad[1], bad[0], bad[2]])
    yield probe("none", new(2), "none")
    yield probe("no answer", new(), "")
    yield probe("no answer, compact already", new(), "", short)
    yield probe("below zero", chain(stream, 3, -99, -2))
    yield probe("below zero, compact already", chain(stream, 3, -99, -2), form=short)


@wrong("the answer is dropped", "Only equations are joined.", "What will the filter for answers read?")
def answer_dropped(trace):
    return ";".join(_steps(trace))


@wrong(
    "the last step is lost",
    "A pattern that knows First and Therefore.",
    "With which word does the last step begin?",
)
def last_lost(trace):
    if ";" in trace:
        return trace
    return ";".join(
        [step.replace(" ", "") for step in re.findall(rf"(?:First|Therefore), ({EQUATION})", trace)] + _answer(trace)
    )


@wrong("the first step is lost", "Begins behind the first line.", "How many steps go in, and how many come out?")
def first_lost(trace):
    return trace if ";" in trace else ";".join(_steps(trace)[1:] + _answer(trace))


@wrong(
    "the answer comes first",
    "Puts the answer in front of its steps.",
    "A student writes from left to right. What has it worked out when it writes the answer?",
)
def answer_first(trace):
    return trace if ";" in trace else ";".join(_answer(trace) + _steps(trace))


@wrong("the full stops stay", "Takes words and spaces away only.", "What ends a step in the compact form?")
def with_full_stops(trace):
    if ";" in trace:
        return trace
    return ";".join([step + "." for step in _steps(trace)] + _answer(trace))


@wrong("the words stay", "Takes spaces and line breaks away only.", "What does 'Therefore' tell the student?")
def with_words(trace):
    lines = trace.split("\n")
    return ";".join([line if "Answer" in line else line.replace(" ", "").rstrip(".") for line in lines])


@wrong("the spaces stay in the steps", "Only the words are taken away.", "How many characters has 7+5=12?")
def with_spaces(trace):
    return ";".join(re.findall(EQUATION, trace) + _answer(trace))


@wrong("every space goes, also the answer's", "replace(' ', '') on the whole.", "How is the answer written?")
def no_space(trace):
    return compact(trace).replace(" ", "")


@wrong("a ; at the end", "Adds one behind each piece.", "What does ; stand between?")
def ends_open(trace):
    return compact(trace).rstrip(";") + ";"


@wrong("the steps are joined without a ;", "Joins with nothing or a space.", "Where does a step end?")
def joined_by_space(trace):
    return trace if ";" in trace else " ".join(_steps(trace) + _answer(trace))


@wrong("the steps are still lines", "Joins with line breaks.", "How many lines has a compact trace?")
def joined_by_lines(trace):
    return trace if ";" in trace else "\n".join(_steps(trace) + _answer(trace))


@wrong("the pieces are joined by '; '", "A space behind each ;.", "Compare with the example, sign by sign.")
def joined_wide(trace):
    return "; ".join(_steps(trace) + _answer(trace))


@wrong("false steps are put right", "Computes each result anew.", WRITTEN)
def computed_anew(trace):
    steps = [step.split("=")[0] for step in _steps(trace)]
    found = [re.fullmatch(r"(-?\d+)([-+*])(\d+)", step).groups() for step in steps]
    written = [f"{step}={SIGNS[sign](int(a), int(b))}" for step, (a, sign, b) in zip(steps, found, strict=True)]
    return ";".join(written + _answer(trace))


@wrong(
    "the answer is taken from the last step",
    "Writes the last result in place of the answer that was given.",
    "The steps say 36 and the answer says 37. What does the compact form say?",
)
def answer_from_steps(trace):
    steps = _steps(trace)
    return ";".join([*steps, *([f"Answer: {steps[-1].split('=')[1]}"] if _answer(trace) else [])])


@wrong(
    "an answer is invented where there is none",
    "Always writes Answer:.",
    "What is the answer of a solution that broke off?",
)
def answer_invented(trace):
    return ";".join(_steps(trace) + (_answer(trace) or ["Answer: None"]))


@wrong("Answer: none is lost", "Only numbers are kept.", "What does a model answer that cannot know?")
def none_lost(trace):
    return ";".join(_steps(trace) + re.findall(r"Answer: -?\d+", trace))


@wrong("a minus is lost in the compact form", "Digits only.", "What is 3 - 8?")
def minus_lost(trace):
    if ";" in trace:
        return trace
    steps = ["".join(step) for step in re.findall(r"(\d+) ([-+*]) (\d+) (=) -?(\d+)", trace)]
    return ";".join(steps + _answer(trace))


@wrong("only the results stay", "Drops what they were computed from.", "What is left of a step without its numbers?")
def results_only(trace):
    return trace if ";" in trace else ";".join([step.split("=")[1] for step in _steps(trace)] + _answer(trace))


@wrong("only the left sides stay", "Drops the results.", "What does the next step start from?")
def left_only(trace):
    return trace if ";" in trace else ";".join([step.split("=")[0] for step in _steps(trace)] + _answer(trace))


@wrong("a step that comes twice is kept once", "A set or dict of steps.", WRITTEN)
def made_unique(trace):
    return ";".join([*dict.fromkeys(_steps(trace)), *_answer(trace)])


@wrong(
    "a compact trace does not come back as it is",
    "Expects lines with words.",
    "What does your function make of its own result?",
)
def not_again(trace):
    lines = [line for line in trace.splitlines() if ", " in line]
    return ";".join([line.split(", ")[1].rstrip(".").replace(" ", "") for line in lines] + _answer(trace))


@right
def by_lines(trace):
    pieces = []
    for line in trace.splitlines():
        if line.startswith("Answer:") or ";" in line:
            pieces.append(line)
        else:
            pieces.append(line.split(", ")[-1].rstrip(".").replace(" ", ""))
    return ";".join(pieces)


@right
def by_replacing(trace):
    text = trace
    for word in ("First, ", "Therefore, ", "Finally, ", "."):
        text = text.replace(word, "")
    body, mark, answer = text.partition("Answer:")
    return body.replace(" ", "").replace("\n", ";") + mark + answer


@right
def by_substitution(trace):
    text = re.sub(r"\b(?:First|Therefore|Finally), |\.$", "", trace, flags=re.MULTILINE)
    return re.sub(r" ([-+*=]) ", r"\1", text).replace("\n", ";")


@right
def one_pattern(trace):
    return ";".join(
        piece if "A" in piece else piece.replace(" ", "") for piece in re.findall(rf"{EQUATION}|Answer:.*", trace)
    )


@right
def early_return(trace):
    if "," not in trace:
        return trace
    *lines, last = trace.split("\n")
    if not last.startswith("Answer"):
        lines, last = [*lines, last], None
    steps = ["".join(line.split()[1:])[:-1] for line in lines]
    return ";".join(steps + ([last] if last else []))


@right
def sign_by_sign(trace):
    body, mark, answer = trace.partition("Answer:")
    kept = "".join(sign for sign in body if sign.isdigit() or sign in "+-*=;\n")
    return kept.replace("\n", ";") + mark + answer


@right
def from_groups(trace):
    steps = [f"{a}{sign}{b}={c}" for a, sign, b, c in re.findall(r"(-?\d+)\s*([-+*])\s*(\d+)\s*=\s*(-?\d+)", trace)]
    answer = re.search(r"Answer:\s*(\S+)", trace)
    return ";".join(steps) + (f";Answer: {answer.group(1)}" if answer else "")


@right
def with_translate(trace):
    head, *tail = re.split(r"(?=Answer:)", trace, maxsplit=1)
    letters = "".join(sorted(set(re.findall(r"[A-Za-z,. ]", head))))
    return head.translate(str.maketrans("\n", ";", letters)) + "".join(tail)


@right
def again_and_again(trace):
    found = []
    for piece in re.split(r"[\n;]", trace):
        word, comma, rest = piece.partition(", ")
        found.append(rest.replace(" ", "").replace(".", "") if comma else word)
    return ";".join(found)


PARTS = [
    (
        "every step",
        2,
        ("three steps", "five steps", "two steps", "one step"),
        (
            "the last step is lost",
            "the first step is lost",
            "the full stops stay",
            "the words stay",
            "the spaces stay",
            "the steps are joined without",
            "the steps are still lines",
            "the pieces are joined by",
            "a ; at the end",
            "every space goes",
            "the answer comes first",
        ),
    ),
    (
        "as it was written",
        1,
        ("a false step", "a false last step", "an answer that does not fit", "a step twice", "shuffled"),
    ),
    (
        "the answer that was given",
        1,
        ("none", "no answer", "an answer that does not fit"),
        ("the answer is taken from the last step", "an answer is invented"),
    ),
    (
        "compact already",
        1,
        ("compact already", "compact already, one step", "no answer, compact already"),
        ("a compact trace does not come back",),
    ),
    ("below zero", 1, ("below zero", "below zero, compact already")),
]
EXERCISE = exercise("compact", "05", compact, draw, PARTS, catalogue)
