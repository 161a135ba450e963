"""What is right, and the pieces that wrong and right ways to write may_train share."""

from __future__ import annotations

from collections import namedtuple

Decision = namedtuple("Decision", ["answer", "reason"])
ORDER = ("yes", "ask", "no")


def may_train(record, policy):
    """The strictest answer of all terms that apply to a trace: "yes", "no" or "ask", with a reason."""
    return Decision(strictest(answers(record, policy)), "the strictest of its terms")


def answers(record, policy):
    """An answer for each of the terms, in the order in which they are met."""
    found = []
    for source in sources(record):
        names = names_of(source)
        found += [of(policy.get(name), source, record) for name in names] or ["ask"]
    return found + of_the_data(record, policy)


def of_the_data(record, policy):
    if record["data_licence"] is None:
        return []
    return [of(policy.get(record["data_licence"]), {"terms_date": None}, record)]


def sources(record):
    return [record, *([record["base"]] if record["base"] is not None else []), *record["chain"]]


def names_of(source):
    return [name for name in (source["licence"], source["provider"]) if name is not None]


def strictest(found):
    return max(found, key=ORDER.index)


def of(terms, source, record):
    """What one licence, or one provider's terms, say; terms: None where the policy does not know them."""
    if terms is None or not same_version(terms, source):
        return "ask"
    return strictest([use(terms, record), limit(terms, record)])


def same_version(terms, source):
    return terms["date"] is None or terms["date"] == source["terms_date"]


def use(terms, record):
    return terms["uses"].get(record["purpose"], "ask")


def limit(terms, record, users="users_at_release"):
    """The answer of a limit on users alone."""
    if terms["most_users"] is None:
        return "yes"
    if record[users] is None:
        return "ask"
    return "no" if record[users] > terms["most_users"] else "yes"
