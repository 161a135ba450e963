"""Right ways to write may_train, in other styles."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from itertools import chain, product

from grader.exercises.lab09.may_train.more import catalogue
from grader.exercises.lab09.may_train.rule import Decision

right = catalogue.right


@right
def with_two_flags(record, policy):
    refused = asked = False
    models = [record] + record["chain"]
    if record["base"]:
        models.append(record["base"])
    for model in models:
        asked |= model["licence"] is None and model["provider"] is None
        names = [model["licence"], model["provider"]] + ([record["data_licence"]] if model is record else [])
        for name in names:
            if name is None:
                continue
            if name not in policy:
                asked = True
                continue
            terms = policy[name]
            if terms["date"] and terms["date"] != model["terms_date"]:
                asked = True
                continue
            answer = terms["uses"].get(record["purpose"])
            refused |= answer == "no"
            asked |= answer not in ("yes", "no")
            if terms["most_users"]:
                if record["users_at_release"] is None:
                    asked = True
                elif record["users_at_release"] > terms["most_users"]:
                    refused = True
    return Decision("no" if refused else "ask" if asked else "yes", "flags")


@right
def by_keyword(record, policy):
    found = set()
    for model in [record, record["base"], *record["chain"]]:
        if model is not None:
            found |= _told(model, record, policy)
    if record["data_licence"]:
        found |= _told({"licence": record["data_licence"], "provider": None, "terms_date": None}, record, policy)
    answer = "no" if "no" in found else "ask" if "ask" in found else "yes"
    return Decision(reason=f"of {sorted(found)}", answer=answer)


def _told(model, record, policy):
    """The answers of one model's terms, as a set."""
    told, names = set(), {model["licence"], model["provider"]} - {None}
    if not names:
        return {"ask"}
    for name in names:
        terms = policy.get(name)
        if terms is None or terms["date"] not in (None, model["terms_date"]):
            told.add("ask")
            continue
        told.add(terms["uses"].get(record["purpose"], "ask"))
        if terms["most_users"] is not None:
            users = record["users_at_release"]
            told.add("ask" if users is None else "no" if users > terms["most_users"] else "yes")
    return told


@right
def as_the_least(record, policy):
    models = [record, *filter(None, [record["base"]]), *record["chain"]]
    told = set().union(*(_told(model, record, policy) for model in models))
    extra = record["data_licence"]
    if extra is not None:
        told |= _told(record | {"licence": extra, "provider": None}, record, policy)
    return Decision(min(told, key=["no", "ask", "yes"].index), "the least of them")


@right
def with_levels(record, policy):
    level = {"yes": 0, "ask": 1, "no": 2}
    worst = 0
    models = [record, *record["chain"]] + ([] if record["base"] is None else [record["base"]])
    if record["data_licence"] is not None:
        models.append({"licence": record["data_licence"], "provider": None, "terms_date": None})
    for model in models:
        worst = max(worst, *(level[answer] for answer in _told(model, record, policy)))
    return Decision(next(name for name, value in level.items() if value == worst), "levels")


@right
def by_counting(record, policy):
    models = list(chain([record], [record["base"]] if record["base"] else [], record["chain"]))
    counts = Counter(answer for model in models for answer in _told(model, record, policy))
    if record["data_licence"]:
        counts.update(_told({"licence": record["data_licence"], "provider": None, "terms_date": ""}, record, policy))
    for answer in ("no", "ask"):
        if counts[answer]:
            return Decision(answer, f"{counts[answer]} of its terms")
    return Decision(answer="yes", reason="all")


@right
def by_going_down(record, policy):
    def worse(a, b):
        return a if "no" in (a,) or (a == "ask" and b == "yes") else b

    def down(models):
        if not models:
            return "yes"
        own = "yes"
        for answer in _told(models[0], record, policy):
            own = worse(answer, own)
        return worse(own, down(models[1:]))

    data = record["data_licence"]
    models = [record] + [record["base"]] * (record["base"] is not None) + record["chain"]
    models += [{"licence": data, "provider": None, "terms_date": None}] * (data is not None)
    return Decision(down(models), "the worse of all")


@right
def as_a_list_of_triples(record, policy):
    """Triples of name, date, and whether it may be absent."""
    people = [record, *record["chain"]] if not record["base"] else [record, record["base"], *record["chain"]]
    answers = ["ask"] if any(one["licence"] is one["provider"] is None for one in people) else ["yes"]
    named = [(one[key], one["terms_date"]) for one, key in product(people, ("licence", "provider")) if one[key]]
    if record["data_licence"]:
        named.append((record["data_licence"], None))
    for name, day in named:
        entry = policy.get(name, {"uses": {}, "date": None, "most_users": None})
        if entry["date"] in (None, day):
            answers.append(entry["uses"].get(record["purpose"], "ask"))
            if entry["most_users"] is not None:
                users = record["users_at_release"]
                answers.append("ask" if users is None else ("yes", "no")[users > entry["most_users"]])
        else:
            answers.append("ask")
    return Decision(sorted(answers, key=["yes", "ask", "no"].index)[-1], str(answers))


@dataclass
class Verdict:
    answer: str
    reason: str


@right
def as_a_dataclass(record, policy):
    strict = Verdict("yes", "nothing forbids it")
    models = [m for m in (record, record["base"], *record["chain"]) if m is not None]
    for model in models:
        for answer in sorted(_told(model, record, policy)):
            if answer == "no" or (answer == "ask" and strict.answer == "yes"):
                strict = Verdict(answer, model["model"])
    if record["data_licence"] is not None:
        told = _told({"licence": record["data_licence"], "provider": None, "terms_date": None}, record, policy)
        strict = Verdict("no", "data") if "no" in told else strict
        strict = Verdict("ask", "data") if "ask" in told and strict.answer != "no" else strict
    return strict
