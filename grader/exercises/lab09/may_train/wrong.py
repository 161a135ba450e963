"""Wrong ways to write may_train."""

from __future__ import annotations

from collections import defaultdict

from grader.exercises.lab09.may_train import rule
from grader.exercises.lab09.may_train.rule import Decision
from grader.exercises.ordinary import Catalogue

catalogue = Catalogue()
MISTAKES: dict[str, list[str]] = defaultdict(list)  # by the part that they cost
WRITER, DATA, BEFORE, USERS, VERSION = (
    "the terms of who wrote it",
    "the data set's licence",
    "what came before",
    "users and duties",
    "versions",
)


def wrong(part, name, sentence, hint):
    MISTAKES[part].append(name)
    return catalogue.wrong(name, sentence, hint)


def by(sources=rule.sources, names=rule.names_of, of=rule.of, decide=rule.strictest, nothing="ask", data=True):
    """may_train with other pieces.  of: (terms, source, record); nothing: the answer where a source has no terms."""

    def may_train(record, policy):
        found = []
        for source in sources(record):
            named = [of(policy.get(name), source, record) for name in names(source)]
            found += named or ([nothing] if nothing else [])
        if data and record["data_licence"] is not None:
            found.append(of(policy.get(record["data_licence"]), record, record))
        return Decision(decide(found), "")

    return may_train


def terms_by(unknown="ask", use=rule.use, limit=rule.limit, version=rule.same_version, other="ask"):
    """What one of the terms says, with other pieces.  other: the answer for another version."""

    def of(terms, source, record):
        if terms is None:
            return unknown
        if not version(terms, source):
            return other
        return rule.strictest([use(terms, record), limit(terms, record)])

    return by(of=of)


UNKNOWN = "You know nothing of these terms. Who could tell you?"
wrong(WRITER, "unknown terms are taken for permission", "Defaults to yes.", UNKNOWN)(terms_by(unknown="yes"))
wrong(WRITER, "unknown terms are taken for refusal", "Defaults to no.", UNKNOWN)(terms_by(unknown="no"))
wrong(
    WRITER,
    "a source without any terms is passed over",
    "Asks nothing of it, so nothing forbids it.",
    "Licence and provider are None. How many answers have you collected, and is none of them an answer?",
)(by(nothing=None, decide=lambda found: rule.strictest(["yes", *found])))
wrong(
    WRITER,
    "a source without any terms is refused",
    "None is a no.",
    UNKNOWN,
)(by(nothing="no"))


@wrong(
    WRITER, "terms that the policy lacks stop the function", "policy[name].", "What does a dict have for a missing key?"
)
def stops(record, policy):
    names = [name for source in rule.sources(record) for name in rule.names_of(source)]
    [policy[name] for name in [*names, record["data_licence"]] if name is not None]
    return rule.may_train(record, policy)


PURPOSE = "May the same text be used for research and for a rival of its provider?"
wrong(WRITER, "the purpose is ignored: always the answer for research", "Reads one purpose.", PURPOSE)(
    terms_by(use=lambda terms, record: terms["uses"]["research"])
)
wrong(WRITER, "the purpose is ignored: the strictest answer of all purposes", "max over purposes.", PURPOSE)(
    terms_by(use=lambda terms, record: rule.strictest(terms["uses"].values()))
)
wrong(WRITER, "a purpose that the terms do not name is allowed", "Defaults to yes.", UNKNOWN)(
    terms_by(use=lambda terms, record: terms["uses"].get(record["purpose"], "yes"))
)
wrong(WRITER, "a purpose that the terms do not name is refused", "Defaults to no.", UNKNOWN)(
    terms_by(use=lambda terms, record: terms["uses"].get(record["purpose"], "no"))
)
ROUTE = "The weights have a licence, and the provider that ran them has terms. Which of the two did you agree to?"
wrong(WRITER, "the provider's terms are not asked where the weights have a licence", "licence or provider.", ROUTE)(
    by(names=lambda source: rule.names_of(source)[:1])
)
wrong(WRITER, "the weights' licence is not asked where there is a provider", "provider or licence.", ROUTE)(
    by(names=lambda source: rule.names_of(source)[-1:])
)
wrong(
    WRITER,
    "a question is taken for a refusal",
    "Anything but yes becomes no.",
    'Somebody should be asked here. Does "no" say so?',
)(by(decide=lambda found: "yes" if set(found) == {"yes"} else "no"))
wrong(
    WRITER,
    "a refusal is taken for a question",
    "Anything but yes becomes ask.",
    'The terms forbid it. Does "ask" say so?',
)(by(decide=lambda found: "yes" if set(found) == {"yes"} else "ask"))

SET = "May a data set's publisher give what the model's terms withhold?"


@wrong(DATA, "the data set's licence is taken for the model's", "Asks it alone where there is one.", SET)
def data_alone(record, policy):
    if record["data_licence"] is None:
        return rule.may_train(record, policy)
    return Decision(rule.of(policy.get(record["data_licence"]), record, record), "")


@wrong(DATA, "the data set's licence fills in for terms that are not known", "licence or data_licence.", SET)
def data_fills_in(record, policy):
    licence = record["licence"] if rule.names_of(record) else record["data_licence"]
    return rule.may_train(record | {"licence": licence}, policy)


wrong(DATA, "the data set's licence is not asked", "Reads the models alone.", "Whose text may its publisher limit?")(
    by(data=False)
)

TURN = "Whose text taught the model that wrote this trace? A licence gives only what its owner had."


def chosen(choose):
    """The writer, its base, and these of the chain."""
    return lambda record: [*rule.sources(record | {"chain": []}), *choose(record["chain"])]


wrong(BEFORE, "the chain is not asked", "A free fine-tune of a rival's text passes.", TURN)(
    by(chosen(lambda chain: []))
)
wrong(BEFORE, "only the first of the chain is asked", "chain[0].", TURN)(by(chosen(lambda chain: chain[:1])))
wrong(BEFORE, "only the last of the chain is asked", "chain[-1].", TURN)(by(chosen(lambda chain: chain[-1:])))
wrong(BEFORE, "the base is not asked", "Writer and chain alone.", "What was the writer, before it was tuned?")(
    by(lambda record: rule.sources(record | {"base": None}))
)
wrong(BEFORE, "the writer alone is asked", "Neither base nor chain.", TURN)(by(lambda record: [record]))
STRICT = "One answer is no, and three are yes. What would the one say to being outvoted?"
wrong(BEFORE, "allowed because most of it is", "The commonest answer.", STRICT)(
    by(decide=lambda found: max(rule.ORDER[::-1], key=found.count))
)
wrong(BEFORE, "the mildest answer decides", "One yes is enough.", STRICT)(
    by(decide=lambda found: min(found, key=rule.ORDER.index))
)
wrong(BEFORE, "the last answer decides", "Each overwrites the one before.", STRICT)(by(decide=lambda found: found[-1]))
wrong(
    BEFORE,
    "the first answer that is no yes decides",
    "Returns at ask, and a no comes later.",
    "You stop at a question. Could what comes behind it forbid the trace anyway?",
)(by(decide=lambda found: next((one for one in found if one != "yes"), "yes")))


@wrong(
    BEFORE,
    "a model without a base is asked for its base",
    "record['base']['licence'] where it is None.",
    "What is the base of a model that was trained from scratch?",
)
def base_of_none(record, policy):
    record["base"]["licence"]
    return rule.may_train(record, policy)


LIMIT = "Read the sentence again: more than, of whom, and when?"


def limited(users="users_at_release", above="no", compare=lambda users, most: users > most, unknown="ask"):
    def limit(terms, record):
        if terms["most_users"] is None:
            return "yes"
        if record[users] is None:
            return unknown
        return above if compare(record[users], terms["most_users"]) else "yes"

    return terms_by(limit=limit)


wrong(USERS, "the limit on users is ignored", "Never compares.", LIMIT)(limited(above="yes", unknown="yes"))
wrong(USERS, "the limit on users is compared the wrong way", "Refuses small companies.", LIMIT)(
    limited(compare=lambda users, most: users < most)
)
wrong(USERS, "exactly as many users as the limit are refused", ">= for >.", LIMIT)(
    limited(compare=lambda users, most: users >= most)
)
wrong(USERS, "the users of today are compared", "users_now.", LIMIT)(limited("users_now"))
wrong(USERS, "the product's own users are compared, not the company's", "product_users.", LIMIT)(
    limited("product_users")
)
wrong(USERS, "unknown users are taken for few", "None is 0.", UNKNOWN)(limited(unknown="yes"))
wrong(USERS, "unknown users are taken for too many", "None is no.", UNKNOWN)(limited(unknown="no"))
wrong(USERS, "more users than the limit are a question", "ask for no.", "May one ask for forgiveness later?")(
    limited(above="ask")
)
DUTY = "You may, if you do something for it. Is that a yes?"


def with_duties(answer):
    return terms_by(
        use=lambda terms, record: rule.strictest([rule.use(terms, record), answer if terms["duties"] else "yes"])
    )


wrong(USERS, "a duty is taken for a question", "Duties become ask.", DUTY)(with_duties("ask"))
wrong(USERS, "a duty is taken for a refusal", "Duties become no.", DUTY)(with_duties("no"))

READ = "The policy's answer holds for one version of the terms. Is it the one under which the trace was made?"
wrong(VERSION, "the terms' date is ignored", "Never compares.", READ)(terms_by(version=lambda terms, source: True))
wrong(VERSION, "newer terms than those read are accepted", "Older ones alone are asked about.", READ)(
    terms_by(
        version=lambda terms, source: rule.same_version(terms, source) or (source["terms_date"] or "") > terms["date"]
    )
)
wrong(VERSION, "older terms than those read are accepted", "Newer ones alone are asked about.", READ)(
    terms_by(
        version=lambda terms, source: (
            rule.same_version(terms, source) or "" < (source["terms_date"] or "") < terms["date"]
        )
    )
)
wrong(VERSION, "an unknown version is accepted", "None is as good as the date.", READ)(
    terms_by(version=lambda terms, source: rule.same_version(terms, source) or source["terms_date"] is None)
)
wrong(VERSION, "another version is refused", "no for ask.", READ)(terms_by(other="no"))
wrong(
    VERSION,
    "terms without a date are asked for one",
    "Compares None with the provider's date.",
    "Which version of a licence is it, whose number is in its name?",
)(terms_by(version=lambda terms, source: terms["date"] == source["terms_date"]))
wrong(
    VERSION,
    "the writer's date is taken for every source",
    "record['terms_date'].",
    "Two providers, two dates. Where is each written?",
)(by(of=lambda terms, source, record: rule.of(terms, record, record)))
