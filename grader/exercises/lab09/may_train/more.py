"""More wrong ways to write may_train: what is returned, what is overwritten, what is left too early, all unknowns."""

from __future__ import annotations

from grader.exercises.lab09.may_train import rule
from grader.exercises.lab09.may_train.rule import Decision
from grader.exercises.lab09.may_train.wrong import BEFORE, STRICT, UNKNOWN, USERS, by, catalogue, wrong

DOT = "The gate reads decision.answer and decision.reason. Which of the names above your function makes such an object?"
WHY = "The answer stops a training run. What will the person who is stopped want to read?"


@catalogue.wrong("a tuple instead of an object with .answer and .reason", "Returns a plain tuple.", DOT)
def plain_tuple(record, policy):
    return rule.may_train(record, policy).answer, "the strictest of its terms"


@catalogue.wrong("a dict instead of an object with .answer and .reason", "Returns a dict.", DOT)
def plain_dict(record, policy):
    return {"answer": rule.may_train(record, policy).answer, "reason": "the strictest of its terms"}


@catalogue.wrong(
    "the reason is missing: a text that is not empty is asked", "Returns None or '' beside the answer.", WHY
)
def no_reason(record, policy):
    return Decision(rule.may_train(record, policy).answer, "")


@catalogue.wrong(
    "record changed in place", "Puts the writer into the record's own chain.", "Whose list do you append to?"
)
def chain_changed(record, policy):
    decision = rule.may_train(record, policy)
    record["chain"].insert(0, record["base"])
    return decision


def overwritten(terms, source, record):
    """The users are asked last, and what they say replaces what the purpose said."""
    if terms is None or not rule.same_version(terms, source):
        return "ask"
    if terms["most_users"] is not None and record["users_at_release"] is None:
        return "ask"
    return rule.of(terms, source, record)


def few_overwrite(terms, source, record):
    if terms is None or not rule.same_version(terms, source) or terms["most_users"] is None:
        return rule.of(terms, source, record)
    return rule.limit(terms, record)


OVER = "The purpose and the number of users both have an answer. Which of the two may replace the other?"
wrong(USERS, "unknown users replace a refusal by a question", "Assigns ask after the purpose's no.", OVER)(
    by(of=overwritten)
)
wrong(USERS, "the answer of the users replaces that of the purpose", "Assigns yes, ask or no afterwards.", OVER)(
    by(of=few_overwrite)
)


def listed(record, policy, within=False):
    """Every answer by itself: the use, and that of the users where they are too many, or always."""
    for source in rule.sources(record):
        names = rule.names_of(source)
        if not names:
            yield "ask"
        for name in names:
            yield from of_one(policy.get(name), source, record, within)
    if record["data_licence"] is not None:
        yield from of_one(policy.get(record["data_licence"]), record, record, within)


def of_one(terms, source, record, within):
    if terms is None or not rule.same_version(terms, source):
        yield "ask"
        return
    yield rule.use(terms, record)
    users = rule.limit(terms, record)
    if users != "yes" or (within and terms["most_users"] is not None):
        yield users


def deciding(decide, within=False):
    return lambda record, policy: Decision(decide(list(listed(record, policy, within))), "")


def first_no_yes(found):
    return next((one for one in found if one != "yes"), "yes")


def commonest(found):
    return max(dict.fromkeys(found), key=found.count)


def mildest(found):
    return min(found, key=rule.ORDER.index)


EARLY = "You stop at a question. Could what comes behind it forbid the trace anyway?"
for several in (False, True):
    wrong(BEFORE, "the mildest answer decides", "One yes is enough.", STRICT)(deciding(mildest, several))
    wrong(BEFORE, "the last answer decides", "Each overwrites the one before.", STRICT)(
        deciding(lambda found: found[-1], several)
    )
    wrong(BEFORE, "allowed because most of it is", "The commonest answer, the first of two.", STRICT)(
        deciding(commonest, several)
    )
wrong(BEFORE, "allowed because most of it is", "The commonest of each one's answer.", STRICT)(by(decide=commonest))
wrong(BEFORE, "the first answer that is no yes decides", "Returns at ask, and a no comes later.", EARLY)(
    deciding(first_no_yes)
)
unknown_refused = "whatever is not known is taken for refusal"
wrong(BEFORE, unknown_refused, "Unknown terms, and no terms at all.", UNKNOWN)(
    by(of=lambda terms, source, record: "no" if terms is None else rule.of(terms, source, record), nothing="no")
)
allowed = "whatever is not known is taken for permission"
wrong(BEFORE, allowed, "Unknown terms, and no terms at all.", UNKNOWN)(
    by(of=lambda terms, source, record: "yes" if terms is None else rule.of(terms, source, record), nothing="yes")
)
