"""Wrong ways to write is_repetitive."""

from __future__ import annotations

import re

from grader.exercises.lab05.is_repetitive.rule import EQUATION, equations_in, is_repetitive
from grader.exercises.ordinary import Catalogue

catalogue = Catalogue()
wrong = catalogue.wrong


SAME = "Two steps are the same: what of them is the same, and how far apart may they be?"


COUNTED = "What is counted against `longest`, and is the answer one of these?"


@wrong("only the number of steps is asked", "Never compares two steps.", "Can a short trace say a thing twice?")
def length_only(trace, longest):
    return len(equations_in(trace)) > longest


@wrong("only repeated steps are asked", "Never counts.", "What is `longest` for?")
def repeats_only(trace, longest):
    return len(set(equations_in(trace))) < len(equations_in(trace))


@wrong("only two same steps side by side are seen", "Compares neighbours.", SAME)
def neighbours(trace, longest):
    steps = equations_in(trace)
    return len(steps) > longest or any(a == b for a, b in zip(steps[1:], steps, strict=False))


@wrong("only a return to the first step is seen", "Compares all with one.", SAME)
def with_the_first(trace, longest):
    steps = equations_in(trace)
    return len(steps) > longest or (steps[:1] * bool(steps[1:]) != [] and steps[0] in steps[1:])


@wrong("exactly the longest length is too long", ">= in place of >.", "May a trace have `longest` steps?")
def at_least(trace, longest):
    return len(equations_in(trace)) >= longest or repeats_only(trace, longest)


@wrong("one step more than the longest length passes", "Compares with longest + 1.", "May it have `longest` + 1 steps?")
def one_more(trace, longest):
    return len(equations_in(trace)) > longest + 1 or repeats_only(trace, longest)


@wrong("the length is counted in characters", "len(trace).", COUNTED)
def characters(trace, longest):
    return len(trace) > longest or repeats_only(trace, longest)


@wrong("the length is counted in words", "len(trace.split()).", COUNTED)
def words(trace, longest):
    return len(trace.split()) > longest or repeats_only(trace, longest)


@wrong("the answer is counted as a step", "Counts lines or pieces, and the answer has one.", COUNTED)
def pieces(trace, longest):
    return len(re.split("[;\n]", trace)) > longest or repeats_only(trace, longest)


@wrong(
    "the last piece is taken for the answer, also where there is none",
    "Counts lines less one.",
    "What is the last line of a trace that never came to its answer?",
)
def less_one(trace, longest):
    return len(re.split("[;\n]", trace)) - 1 > longest or repeats_only(trace, longest)


@wrong("a compact trace counts as one step", "Counts lines with an equation.", "How are compact steps kept apart?")
def lines(trace, longest):
    steps = [line for line in trace.splitlines() if "=" in line]
    return len(steps) > longest or len(set(equations_in(trace))) < len(equations_in(trace))


@wrong(
    "the same step behind another word is not seen",
    "Compares lines with their First and Therefore.",
    "First, 7 + 5 = 12. Therefore, 7 + 5 = 12. Are these two steps?",
)
def with_words(trace, longest):
    steps = [piece for piece in re.split("[;\n]", trace) if "=" in piece]
    return len(steps) > longest or len(set(steps)) < len(steps)


@wrong("a result that comes again counts as a repetition", "Compares results only.", SAME)
def results(trace, longest):
    found = [step.split("=")[1] for step in equations_in(trace)]
    return len(found) > longest or len(set(found)) < len(found)


@wrong("an operation that comes again counts as a repetition", "Compares sign and number only.", SAME)
def operations(trace, longest):
    found = [re.search(r".([-+*]\d+)=", step)[1] for step in equations_in(trace)]
    return len(found) > longest or len(set(found)) < len(found)


@wrong(
    "steps are compared without their results",
    "Compares left sides only.",
    "7 + 5 = 12 and 7 + 5 = 13: are these the same equation?",
)
def left_sides(trace, longest):
    found = [step.split("=")[0] for step in equations_in(trace)]
    return len(found) > longest or len(set(found)) < len(found)


@wrong(
    "the same step with other spaces is not seen",
    "Compares texts with their spaces.",
    "Are 7 + 5 = 12 and 7+5=12 two steps?",
)
def with_spaces(trace, longest):
    found = re.findall(EQUATION, trace)
    return len(found) > longest or len(set(found)) < len(found)


@wrong(
    "`longest` is not used: the limit is a fixed number",
    "Writes 5 in place of the argument.",
    "What does the caller want if `longest` is 2?",
)
def fixed_limit(trace, longest):
    return len(equations_in(trace)) > 5 or repeats_only(trace, longest)


@wrong(
    "the answer is counted as a step, and pieces are compared with their words",
    "Splits into pieces, and compares them as they are.",
    "What of a piece is the step, and is the answer one?",
)
def raw_pieces(trace, longest):
    found = re.split("[;\n]", trace)
    return len(found) > longest or len(set(found)) < len(found)


@wrong(
    "a word that comes again counts as a repetition",
    "Compares all words or signs.",
    "How often does a right trace say Therefore?",
)
def any_word(trace, longest):
    found = re.findall(r"[A-Za-z]+|\d+", trace)
    return len(equations_in(trace)) > longest or len(set(found)) < len(found)


@wrong(
    "a step inside of a longer one counts as the same",
    "Counts a text in a text.",
    "How often is the text 2+9=21 in 12+9=21?",
)
def substrings(trace, longest):
    text = re.sub(r"(?<=[-+*=\d]) | (?=[-+*=])", "", trace)
    return len(equations_in(trace)) > longest or any(text.count(step) > 1 for step in equations_in(trace))


@wrong("both are asked for: too long and repetitive", "and in place of or.", "May a short trace repeat itself?")
def both(trace, longest):
    return length_only(trace, longest) and repeats_only(trace, longest)


@wrong("turned round: True for what is to be kept", "Returns the opposite.", "What does the function's name ask?")
def kept(trace, longest):
    return not is_repetitive(trace, longest)
