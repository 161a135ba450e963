"""May a student be trained on this text?  Yes, no or ask for each row; nothing is trained unless every row is a yes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from utils.errors import CourseError
from utils.provenance.records import Record, Source
from utils.provenance.terms import ANSWERS, CHECK, Decision, Policy

Decide = Callable[[Record, Policy], Decision]


def decide(record: Record, policy: Policy) -> Decision:
    """The strictest answer of all terms that apply to a trace; what is not known means ask."""
    return max(_answers(record, policy), key=lambda decision: ANSWERS.index(decision.answer))


def sources_of(record: Record) -> list[Source]:
    """Every model that had a part: the writer, its base, and the models before them."""
    return [record, *([record["base"]] if record["base"] else []), *record["chain"]]


def names_of(record: Record) -> list[str]:
    """The names of all terms that apply, each once, in order."""
    names = [name for source in sources_of(record) for name in (source["licence"], source["provider"])]
    return list(dict.fromkeys(name for name in (*names, record["data_licence"]) if name is not None))


def duties_of(records: Sequence[Record], policy: Policy) -> list[str]:
    """What a yes to these records asks for, each duty once, with the terms that say so."""
    names = dict.fromkeys(name for record in records for name in names_of(record))
    return [f"{duty} ({name})" for name in names if name in policy for duty in policy[name]["duties"]]


def require_allowed(name: str, records: Sequence[Record], policy: Policy, decide: Decide = decide) -> list[str]:
    """The duties that come with these records.  name: of the file or data set.

    Raises CourseError at the first row that is not a yes, with its line, rule and source: one such row stops all.
    """
    for line, record in enumerate(records, 1):
        decision = decide(record, policy)
        answer, reason = decision.answer, decision.reason
        if answer != "yes":
            others = sum(decide(other, policy).answer != "yes" for other in records[line:])
            raise CourseError(
                f"{name}, line {line}: {record['model']!r} is not trained on for {record['purpose']}, the answer is "
                f"{answer!r}: {reason} {CHECK}, or remove the row and the {others} after it that are no yes either."
            )
    return duties_of(records, policy)


def _answers(record: Record, policy: Policy) -> Iterator[Decision]:
    for source in sources_of(record):
        names = [name for name in (source["licence"], source["provider"]) if name is not None]
        if not names:
            yield Decision("ask", f"No terms are known for {source['model']!r}.")
        for name in names:
            yield _of(name, source["terms_date"], record, policy)
    if record["data_licence"] is not None:
        yield _of(record["data_licence"], None, record, policy)


def _of(name: str, day: str | None, record: Record, policy: Policy) -> Decision:
    """The answer of one licence or one provider's terms."""
    terms = policy.get(name)
    if terms is None:
        return Decision("ask", f"The policy has no terms named {name!r}.")
    said = f"{terms['condition']} ({name}, {terms['source']}, read {terms['read']}.)"
    if terms["date"] is not None and terms["date"] != day:
        return Decision(
            "ask", f"{name!r} was read in the version of {terms['date']}, and the trace names {day}. {said}"
        )
    answer = terms["uses"].get(record["purpose"], "ask")
    most, users = terms["most_users"], record["users_at_release"]
    if most is None or answer == "no":
        return Decision(answer, said)
    if users is None:
        return Decision("ask", f"Nobody knows how many users the company had. {said}")
    return Decision("no", f"The company had {users:,} users. {said}") if users > most else Decision(answer, said)
