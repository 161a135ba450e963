"""Wrong ways to write steps_are_consistent."""

from __future__ import annotations

import itertools
import re

from grader.exercises.lab05.chains import SIGNS, Step
from grader.exercises.lab05.steps_are_consistent.rule import (
    all_linked,
    all_true,
    steps_and_answer,
    steps_are_consistent,
)
from grader.exercises.ordinary import Catalogue

catalogue = Catalogue()
wrong = catalogue.wrong


EACH = "Change one step of a right trace by hand, each in turn. Does your function notice every time?"


@wrong("only the last step is checked", "The steps before it are not looked at.", EACH)
def only_the_last(trace):
    steps, answer = steps_and_answer(trace)
    return bool(steps) and all_true(steps[-1:]) and answer == steps[-1].result


@wrong("only the first step is checked", "Returns from inside the loop.", EACH)
def only_the_first(trace):
    steps, answer = steps_and_answer(trace)
    return bool(steps) and all_true(steps[:1]) and answer == steps[-1].result


@wrong(
    "the last result equals the answer, and no step is checked",
    "An answer that fits may come from wrong steps.",
    "Can a wrong step end in the number that the answer repeats?",
)
def only_the_end(trace):
    steps, answer = steps_and_answer(trace)
    return bool(steps) and answer == steps[-1].result


@wrong("the equations are not computed", "Only the links between steps are checked.", "Is 7 + 5 = 13 a step that fits?")
def not_computed(trace):
    steps, answer = steps_and_answer(trace)
    return bool(steps) and all_linked(steps) and answer == steps[-1].result


@wrong(
    "a step may start from any number: the link to the step before is not checked",
    "Each equation is looked at alone.",
    "Where does the first number of a step come from?",
)
def not_linked(trace):
    steps, answer = steps_and_answer(trace)
    return bool(steps) and all_true(steps) and answer == steps[-1].result


@wrong(
    "a step may start from any earlier result",
    "Asks whether the number was computed at all, not whether it was computed last.",
    "Step 3 starts from the result of step 1. Who used step 2?",
)
def any_earlier(trace):
    steps, answer = steps_and_answer(trace)
    known = [step.result for step in steps]
    linked = all(step.start in known[:place] for place, step in enumerate(steps) if place)
    return bool(steps) and all_true(steps) and linked and answer == steps[-1].result


@wrong(
    "a step may start from any result of the trace, also a later one",
    "Looks a number up in the set of all results.",
    "In which order does a reader compute these steps?",
)
def any_order(trace):
    steps, answer = steps_and_answer(trace)
    known = {step.result for step in steps}
    return bool(steps) and all_true(steps) and all(s.start in known for s in steps[1:]) and answer == steps[-1].result


@wrong(
    "the result before may be anywhere in a step, not only at its beginning",
    "Searches the number in the step's text.",
    "12 is the result. Does 15 - 3 = 12 go on from it?",
)
def anywhere_in_the_step(trace):
    steps, answer = steps_and_answer(trace)
    linked = all(a.result in (b.start, b.number, b.result) for a, b in itertools.pairwise(steps))
    return bool(steps) and all_true(steps) and linked and answer == steps[-1].result


@wrong(
    "the answer is not compared with the last result",
    "The steps are checked and the answer is not read.",
    "The steps end in 32 and the answer says 33. Do they fit?",
)
def answer_not_read(trace):
    steps, _ = steps_and_answer(trace)
    return bool(steps) and all_true(steps) and all_linked(steps)


@wrong(
    "the answer may be the result of any step",
    "Looks the answer up among all results.",
    "Which of the results is the answer?",
)
def answer_of_any_step(trace):
    steps, answer = steps_and_answer(trace)
    return bool(steps) and all_true(steps) and all_linked(steps) and answer in [step.result for step in steps]


@wrong(
    "the answer's text only ends like the last result",
    "Compares texts with endswith.",
    "Does 112 end with the text of 12?",
)
def ends_alike(trace):
    steps, answer = steps_and_answer(trace)
    return bool(steps) and all_true(steps) and all_linked(steps) and str(answer).endswith(str(abs(steps[-1].result)))


@wrong(
    "the last result is somewhere in the answer's text",
    "Compares texts with `in`.",
    "Is the text of 12 inside the text of 120?",
)
def inside_of_the_answer(trace):
    steps, answer = steps_and_answer(trace)
    return bool(steps) and all_true(steps) and all_linked(steps) and str(abs(steps[-1].result)) in str(answer)


@wrong(
    "a trace without an answer passes",
    "The answer is compared only where there is one.",
    "Where did the model stop if there is no answer?",
)
def no_answer_needed(trace):
    steps, answer = steps_and_answer(trace)
    return bool(steps) and all_true(steps) and all_linked(steps) and answer in (None, steps[-1].result)


@wrong(
    "a trace without a step passes",
    "all() of nothing is True.",
    "What is all([]), and is a bare answer a solution?",
)
def no_step_needed(trace):
    steps, answer = steps_and_answer(trace)
    return all_true(steps) and all_linked(steps) and (not steps or answer == steps[-1].result)


@wrong("a minus in front of a number is not read", "Digits only in the pattern.", "Which numbers can 3 - 8 lead to?")
def no_minus(trace):
    pattern = r"(\d+) ?([-+*]) ?(\d+) ?= ?(\d+)"
    steps = [Step(int(a), sign, int(b), int(c)) for a, sign, b, c in re.findall(pattern, trace)]
    return bool(steps) and all_true(steps) and all_linked(steps) and steps_and_answer(trace)[1] == steps[-1].result


@wrong("a step with * is not read", "The pattern knows + and - only.", "Which three signs may a step have?")
def no_products(trace):
    pattern = r"(-?\d+) ?([-+]) ?(\d+) ?= ?(-?\d+)"
    steps = [Step(int(a), sign, int(b), int(c)) for a, sign, b, c in re.findall(pattern, trace)]
    return bool(steps) and all_true(steps) and all_linked(steps) and steps_and_answer(trace)[1] == steps[-1].result


@wrong("numbers are compared without their minus", "abs() on both sides.", "Is 3 - 8 the same as 8 - 3?")
def without_signs(trace):
    steps, answer = steps_and_answer(trace)
    computed = all(abs(SIGNS[step.sign](step.start, step.number)) == abs(step.result) for step in steps)
    linked = all(abs(a.result) == abs(b.start) for a, b in itertools.pairwise(steps))
    fits = answer is not None and bool(steps) and abs(answer) == abs(steps[-1].result)
    return fits and computed and linked


@wrong("results are compared by their last digit", "Modulo 10.", "Is 7 + 5 = 2 true here?")
def last_digit(trace):
    steps, answer = steps_and_answer(trace)
    computed = all((SIGNS[step.sign](step.start, step.number) - step.result) % 10 == 0 for step in steps)
    return bool(steps) and computed and all_linked(steps) and answer == steps[-1].result


@wrong(
    "the two sides of an equation are compared as texts",
    "'7 + 5' is not the text '12'.",
    "Is '7 + 5' == '12' true in Python?",
)
def as_texts(trace):
    steps, answer = steps_and_answer(trace)
    computed = all(f"{s.start} {s.sign} {s.number}" == str(s.result) for s in steps)
    return bool(steps) and computed and all_linked(steps) and answer == steps[-1].result


@wrong("a compact trace is not read", "The pattern wants spaces.", "How does a step look in the compact form?")
def verbose_only(trace):
    return steps_are_consistent(trace) if ";" not in trace else False


@wrong("a verbose trace is not read", "The pattern has no spaces.", "How does a step look in the verbose form?")
def compact_only(trace):
    return steps_are_consistent(trace) if "\n" not in trace else False


@wrong("the first step's equation is not checked", "The loop begins with the second step.", EACH)
def from_the_second(trace):
    steps, answer = steps_and_answer(trace)
    return bool(steps) and all_true(steps[1:]) and all_linked(steps) and answer == steps[-1].result


@wrong("the last step's equation is not checked", "zip(steps, steps[1:]) has one pair less than steps.", EACH)
def but_the_last(trace):
    steps, answer = steps_and_answer(trace)
    return bool(steps) and all_true(steps[:-1]) and all_linked(steps) and answer == steps[-1].result


@wrong("one true step is enough", "any() in place of all().", EACH)
def any_step(trace):
    steps, answer = steps_and_answer(trace)
    return bool(steps) and any(all_true([step]) for step in steps) and all_linked(steps) and answer == steps[-1].result


@wrong("one link that fits is enough", "Remembers only what the last comparison gave.", EACH)
def last_link(trace):
    steps, answer = steps_and_answer(trace)
    return bool(steps) and all_true(steps) and all_linked(steps[-2:]) and answer == steps[-1].result


@wrong(
    "an exception on a trace that lacks its answer",
    "Takes a match for granted.",
    "What does re.search return where nothing is found?",
)
def strict_on_the_answer(trace):
    steps, _ = steps_and_answer(trace)
    answer = int(re.search(r"Answer: (-?\d+)", trace)[1])
    return bool(steps) and all_true(steps) and all_linked(steps) and answer == steps[-1].result


@wrong(
    "an exception on a trace without a step",
    "Takes the last of an empty list.",
    "What is steps[-1] where there is no step?",
)
def strict_on_steps(trace):
    steps, answer = steps_and_answer(trace)
    return all_true(steps) and all_linked(steps) and answer == steps[-1].result
