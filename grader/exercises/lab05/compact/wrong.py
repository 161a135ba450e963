"""Wrong ways to write compact."""

from __future__ import annotations

import re

from grader.exercises.lab05.chains import SIGNS
from grader.exercises.lab05.compact.rule import EQUATION, answer_in, compact, steps_in
from grader.exercises.ordinary import Catalogue

catalogue = Catalogue()
wrong = catalogue.wrong


WRITTEN = "Is the trace wrong on purpose? Who decides that, this function or a filter?"


@wrong("the answer is dropped", "Only equations are joined.", "What will the filter for answers read?")
def answer_dropped(trace):
    return ";".join(steps_in(trace))


@wrong(
    "the last step is lost",
    "A pattern that knows First and Therefore.",
    "With which word does the last step begin?",
)
def last_lost(trace):
    if ";" in trace:
        return trace
    return ";".join(
        [step.replace(" ", "") for step in re.findall(rf"(?:First|Therefore), ({EQUATION})", trace)] + answer_in(trace)
    )


@wrong("the first step is lost", "Begins behind the first line.", "How many steps go in, and how many come out?")
def first_lost(trace):
    return trace if ";" in trace else ";".join(steps_in(trace)[1:] + answer_in(trace))


@wrong(
    "the answer comes first",
    "Puts the answer in front of its steps.",
    "A student writes from left to right. What has it worked out when it writes the answer?",
)
def answer_first(trace):
    return trace if ";" in trace else ";".join(answer_in(trace) + steps_in(trace))


@wrong("the full stops stay", "Takes words and spaces away only.", "What ends a step in the compact form?")
def with_full_stops(trace):
    if ";" in trace:
        return trace
    return ";".join([step + "." for step in steps_in(trace)] + answer_in(trace))


@wrong("the words stay", "Takes spaces and line breaks away only.", "What does 'Therefore' tell the student?")
def with_words(trace):
    lines = trace.split("\n")
    return ";".join([line if "Answer" in line else line.replace(" ", "").rstrip(".") for line in lines])


@wrong("the spaces stay in the steps", "Only the words are taken away.", "How many characters has 7+5=12?")
def with_spaces(trace):
    return ";".join(re.findall(EQUATION, trace) + answer_in(trace))


@wrong("every space goes, also the answer's", "replace(' ', '') on the whole.", "How is the answer written?")
def no_space(trace):
    return compact(trace).replace(" ", "")


@wrong("a ; at the end", "Adds one behind each piece.", "What does ; stand between?")
def ends_open(trace):
    return compact(trace).rstrip(";") + ";"


@wrong("the steps are joined without a ;", "Joins with nothing or a space.", "Where does a step end?")
def joined_by_space(trace):
    return trace if ";" in trace else " ".join(steps_in(trace) + answer_in(trace))


@wrong("the steps are still lines", "Joins with line breaks.", "How many lines has a compact trace?")
def joined_by_lines(trace):
    return trace if ";" in trace else "\n".join(steps_in(trace) + answer_in(trace))


@wrong("the pieces are joined by '; '", "A space behind each ;.", "Compare with the example, sign by sign.")
def joined_wide(trace):
    return "; ".join(steps_in(trace) + answer_in(trace))


@wrong("false steps are put right", "Computes each result anew.", WRITTEN)
def computed_anew(trace):
    steps = [step.split("=")[0] for step in steps_in(trace)]
    found = [re.fullmatch(r"(-?\d+)([-+*])(\d+)", step).groups() for step in steps]
    written = [f"{step}={SIGNS[sign](int(a), int(b))}" for step, (a, sign, b) in zip(steps, found, strict=True)]
    return ";".join(written + answer_in(trace))


@wrong(
    "the answer is taken from the last step",
    "Writes the last result in place of the answer that was given.",
    "The steps say 36 and the answer says 37. What does the compact form say?",
)
def answer_fromsteps_in(trace):
    steps = steps_in(trace)
    return ";".join([*steps, *([f"Answer: {steps[-1].split('=')[1]}"] if answer_in(trace) else [])])


@wrong(
    "an answer is invented where there is none",
    "Always writes Answer:.",
    "What is the answer of a solution that broke off?",
)
def answer_invented(trace):
    return ";".join(steps_in(trace) + (answer_in(trace) or ["Answer: None"]))


@wrong("Answer: none is lost", "Only numbers are kept.", "What does a model answer that cannot know?")
def none_lost(trace):
    return ";".join(steps_in(trace) + re.findall(r"Answer: -?\d+", trace))


@wrong("a minus is lost in the compact form", "Digits only.", "What is 3 - 8?")
def minus_lost(trace):
    if ";" in trace:
        return trace
    steps = ["".join(step) for step in re.findall(r"(\d+) ([-+*]) (\d+) (=) -?(\d+)", trace)]
    return ";".join(steps + answer_in(trace))


@wrong("only the results stay", "Drops what they were computed from.", "What is left of a step without its numbers?")
def results_only(trace):
    return trace if ";" in trace else ";".join([step.split("=")[1] for step in steps_in(trace)] + answer_in(trace))


@wrong("only the left sides stay", "Drops the results.", "What does the next step start from?")
def left_only(trace):
    return trace if ";" in trace else ";".join([step.split("=")[0] for step in steps_in(trace)] + answer_in(trace))


@wrong("a step that comes twice is kept once", "A set or dict of steps.", WRITTEN)
def made_unique(trace):
    return ";".join([*dict.fromkeys(steps_in(trace)), *answer_in(trace)])


@wrong(
    "a compact trace does not come back as it is",
    "Expects lines with words.",
    "What does your function make of its own result?",
)
def not_again(trace):
    lines = [line for line in trace.splitlines() if ", " in line]
    return ";".join([line.split(", ")[1].rstrip(".").replace(" ", "") for line in lines] + answer_in(trace))


@wrong(
    "the full stops stay",
    "Takes the words away, and neither spaces nor full stops.",
    "What ends a step in the compact form?",
)
def with_full_stops_and_spaces(trace):
    return ";".join(re.sub(r"^\w+, ", "", line) for line in trace.split("\n"))


@wrong(
    "the steps are joined without a ;", "Joins with nothing or a space, a compact trace too.", "Where does a step end?"
)
def all_joined_by_space(trace):
    return " ".join(steps_in(trace) + answer_in(trace))


@wrong("the steps are joined without a ;", "Joins with nothing, a compact trace too.", "Where does a step end?")
def all_joined_by_nothing(trace):
    return "".join(steps_in(trace) + answer_in(trace))


@wrong(
    "the steps are still lines", "Joins with line breaks, a compact trace too.", "How many lines has a compact trace?"
)
def all_joined_by_lines(trace):
    return "\n".join(steps_in(trace) + answer_in(trace))


@wrong(
    "the answer is taken from the last step",
    "Writes the last result, also where another answer or none was given.",
    "The steps say 36 and the answer says 37. What does the compact form say?",
)
def answer_always_from_steps(trace):
    steps = steps_in(trace)
    return ";".join([*steps, f"Answer: {steps[-1].split('=')[1]}"])


@wrong(
    "a minus is lost in the compact form", "Digits only, so a step below zero is lost with its minus.", "What is 3 - 8?"
)
def steps_below_zero_lost(trace):
    steps = [step.replace(" ", "") for step in re.findall(r"\d+ ?[-+*] ?\d+ ?= ?\d+", trace)]
    return ";".join(steps + answer_in(trace))


@wrong("a minus is lost in the compact form", "A start has no minus in the pattern.", "What is 3 - 8?")
def minus_of_the_start_lost(trace):
    steps = [step.replace(" ", "") for step in re.findall(r"\d+ ?[-+*] ?\d+ ?= ?-?\d+", trace)]
    return ";".join(steps + answer_in(trace))


@wrong("a minus is lost in the compact form", "A result has no minus in the pattern.", "What is 3 - 8?")
def steps_to_below_zero_lost(trace):
    steps = [step.replace(" ", "") for step in re.findall(r"-?\d+ ?[-+*] ?\d+ ?= ?\d+", trace)]
    return ";".join(steps + answer_in(trace))
