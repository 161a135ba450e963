"""Right ways to write compact, in other styles."""

from __future__ import annotations

import re

from grader.exercises.lab05.compact.rule import EQUATION
from grader.exercises.lab05.compact.wrong import catalogue

right = catalogue.right


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
