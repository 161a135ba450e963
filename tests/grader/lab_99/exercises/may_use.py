"""``may_use(record)``: a decision with its reason, which may be worded freely; a record in, a record out."""

from collections import namedtuple

from grader.exercises.ordinary import Catalogue, exercise
from utils.checks.records import Probe

catalogue = Catalogue()
Decision = namedtuple("Decision", ["answer", "reason"])
KNOWN = {"MIT": "yes", "NC": "no"}


def may_use(record):
    return Decision(KNOWN.get(record["licence"], "ask"), "because of its licence")


def draw(stream):
    licences = [("MIT", "NC", "?")[place] for place in stream.permutation(3)]
    return [Probe(f"record {licence}", {"record": {"licence": licence, "rows": 3}}) for licence in licences]


@catalogue.wrong("unknown terms are taken for permission", "Defaults to yes.", "What do you know of unknown terms?")
def permissive(record):
    return Decision(KNOWN.get(record["licence"], "yes"), "")


@catalogue.wrong("unknown terms are taken for refusal", "Defaults to no.", "Whom could you ask?")
def strict(record):
    return Decision(KNOWN.get(record["licence"], "no"), "")


@catalogue.right
def another_reason(record):
    return {"answer": KNOWN.get(record["licence"], "ask"), "reason": "see the terms"}


PROBES = ("record MIT", "record NC", "record ?")
EXERCISE = exercise("may_use", "99", may_use, draw, [("decision", 1, PROBES)], catalogue, free=("reason",))
