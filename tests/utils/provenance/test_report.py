"""The sources of a data set as a table and as a card's section."""

from tests.utils.provenance.test_gate import POLICY, TUNED, record, source
from utils.provenance.report import card_section, of_one_base, sources

LLAMA = record(source("ours"), base=source("Llama-8B", "Llama"))


def test_a_row_for_each_kind_of_trace_with_its_answer_and_count():
    rows = sources([record(), TUNED, record(), LLAMA], POLICY)
    assert [(row["model"], row["before it"], row["terms"], row["answer"], row["rows"]) for row in rows] == [
        ("m", "–", "MIT", "yes", 2),
        ("tuned", "closed", "MIT, Closed", "no", 1),
        ("ours", "Llama-8B", "MIT, Llama", "yes", 1),
    ]


def test_writers_of_the_students_own_base_are_named_wherever_it_stands():
    rows = [LLAMA, record(), record(source("late"), chain=[source("Llama-8B")]), record(source("Llama-8B"))]
    assert of_one_base(rows, "Llama-8B") == ["Llama-8B", "late", "ours"]


def test_a_card_has_table_duties_dates_and_no_advice():
    card = card_section([record(), LLAMA], POLICY, student_base="Llama-8B")
    assert "| ours | Llama-8B | MIT, Llama | yes | 1 |" in card
    assert "- The name begins with Llama. (Llama)" in card
    assert "own base (Llama-8B): ours." in card
    assert "Terms read: 2026-01-02. This is no legal advice. Check the current terms." in card
