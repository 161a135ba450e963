"""Wrong ways to write extract_answer."""

from __future__ import annotations

import re

from grader.exercises.lab05.extract_answer.rule import MARK, extract_answer
from grader.exercises.ordinary import Catalogue

catalogue = Catalogue()
wrong = catalogue.wrong


WHERE = "Behind which word does the answer stand, and where does that word stand?"


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
    "the word Answer: in a question is taken for the mark",
    "Searches the word anywhere, and its number also in the line below.",
    "May a question have the word Answer: in it?",
)
def anywhere_and_below(text):
    found = re.search(r"Answer:\s*(-?\d+)?", text)
    return int(found[1]) if found and found[1] else None


@wrong(
    "the first Answer: with a number is taken, wherever it stands",
    "Searches word and number anywhere, so a mark without a number is passed over too.",
    "May a question have the word Answer: in it, and may a mark have no number?",
)
def anywhere_with_a_number(text):
    found = re.search(r"Answer: *(-?\d+)", text)
    return int(found[1]) if found else None


@wrong(
    "the first Answer: with a number is taken, wherever it stands",
    "Searches word and number anywhere, also over the end of a line.",
    "May a question have the word Answer: in it, and may a mark have no number?",
)
def anywhere_with_a_number_below(text):
    found = re.search(r"Answer:\s*(-?\d+)", text)
    return int(found[1]) if found else None


@wrong(
    "the number is read from the line below Answer:",
    r"\s takes the end of the line for a space.",
    r"The mark is the last thing in its line. Which signs does \s stand for?",
)
def over_the_end_of_the_line(text):
    found = re.search(MARK + r"\s*(-?\d+)?", text, re.MULTILINE)
    return int(found[1]) if found and found[1] else None


@wrong(
    "Answer: behind a space is taken for a mark",
    "Lets spaces stand between the ; or the beginning of the line and the word.",
    "What stands right in front of a mark?",
)
def behind_a_space(text):
    found = re.search(r"(?:^|;) *Answer: *(-?\d+)?", text, re.MULTILINE)
    return int(found[1]) if found and found[1] else None


@wrong(
    "the beginning of a later line is not seen: re.MULTILINE is missing",
    "^ is the beginning of the text alone.",
    "What does ^ stand for without re.MULTILINE?",
)
def one_line(text):
    found = re.search(MARK + r" *(-?\d+)?", text)
    return int(found[1]) if found and found[1] else None


@wrong(
    "the beginning of a later line is not seen: re.MULTILINE is missing",
    "^ is the beginning of the text alone, and a mark without a number is passed over.",
    "What does ^ stand for without re.MULTILINE?",
)
def one_line_with_a_number(text):
    found = re.search(MARK + r"\s*(-?\d+)", text)
    return int(found[1]) if found else None


@wrong(
    "the first number behind the mark is taken, however far behind",
    "Reads on until a number comes, also in another line.",
    "What may stand between a mark and its number?",
)
def far_behind(text):
    found = re.search(MARK + r".*?(-?\d+)", text, re.MULTILINE | re.DOTALL)
    return int(found[1]) if found else None


@wrong(
    "the first number behind the mark is taken, however far behind",
    "Reads on in the line until a number comes.",
    "What may stand between a mark and its number?",
)
def far_behind_in_the_line(text):
    mark = re.search(MARK + "(.*)", text, re.MULTILINE)
    found = mark and re.search(r"-?\d+", mark[1])
    return int(found[0]) if found else None


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
