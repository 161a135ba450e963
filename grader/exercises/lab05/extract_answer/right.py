"""Right ways to write extract_answer, in other styles."""

from __future__ import annotations

import re

from grader.exercises.lab05.extract_answer.wrong import catalogue

right = catalogue.right


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
    found = re.match(r" *([+-]?[0-9]+)", rest)
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
    answers = [match.group("rest") for match in re.finditer(r"(?m)(?:^|;)Answer: *(?P<rest>[^\n;]*)", text)]
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
        return int(re.match(r"[ ]*(-?\d+)", rest)[1])
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
