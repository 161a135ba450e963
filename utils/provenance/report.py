"""What a data set is made of: its sources as a table, and as a section of a model card."""

from __future__ import annotations

from collections.abc import Sequence

from utils.provenance.gate import Decide, decide, duties_of, names_of, sources_of
from utils.provenance.records import Record
from utils.provenance.terms import CHECK, Policy

NO_ADVICE = f"This is no legal advice. {CHECK}."


def sources(records: Sequence[Record], policy: Policy, decide: Decide = decide) -> list[dict]:
    """A row for each kind of trace, largest first: writer, what came before it, terms, answer, rows."""
    found: dict[tuple, dict] = {}
    for record in records:
        decision = decide(record, policy)
        answer, reason = decision.answer, decision.reason
        before = ", ".join(source["model"] for source in sources_of(record)[1:]) or "–"
        terms = ", ".join(names_of(record)) or "unknown"
        row = {"model": record["model"], "before it": before, "terms": terms, "purpose": record["purpose"]}
        row = found.setdefault((*row.values(), answer, reason), {**row, "answer": answer, "reason": reason, "rows": 0})
        row["rows"] += 1
    return sorted(found.values(), key=lambda row: -row["rows"])


def of_one_base(records: Sequence[Record], student_base: str) -> list[str]:
    """The writers that share the student's base: their traits can pass through text that looks clean.

    Source: Cloud et al., Subliminal Learning (arXiv 2507.14805).
    """
    near = [record["model"] for record in records if student_base in (r["model"] for r in sources_of(record))]
    return sorted(set(near))


def card_section(records: Sequence[Record], policy: Policy, student_base: str = "") -> str:
    """The section of a model card in Markdown: a table of sources, duties, and writers of the student's own base."""
    rows = sources(records, policy)
    read = sorted({policy[name]["read"] for record in records for name in names_of(record) if name in policy})
    lines = ["## Where the training text comes from", "", "| model | before it | terms | answer | rows |"]
    lines.append("|---|---|---|---|---|")
    lines += [
        f"| {' | '.join(str(row[key]) for key in ('model', 'before it', 'terms', 'answer', 'rows'))} |" for row in rows
    ]
    duties = duties_of(records, policy)
    lines += ["", *(f"- {duty}" for duty in duties)] if duties else []
    near = of_one_base(records, student_base) if student_base else []
    lines += ["", f"Of the student's own base ({student_base}): {', '.join(near)}."] if near else []
    return "\n".join([*lines, "", f"Terms read: {', '.join(read) or 'none'}. {NO_ADVICE}", ""])
