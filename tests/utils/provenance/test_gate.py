"""The strictest of all terms decides, what is not known means ask, and a row that is no yes stops the data set."""

import pytest

from utils.errors import CourseError
from utils.provenance.gate import decide, duties_of, require_allowed
from utils.provenance.terms import Decision

FREE = {"uses": {"product": "yes", "competing": "yes"}, "date": None, "most_users": None, "duties": []}
FREE |= {"condition": "Free.", "source": "spdx", "read": "2026-01-02"}
POLICY = {
    "MIT": FREE,
    "NC": FREE | {"uses": {"product": "no"}, "condition": "Not for trade."},
    "Llama": FREE | {"most_users": 700, "duties": ["The name begins with Llama."]},
    "No Llama": FREE | {"uses": {"product": "no"}, "most_users": 700},
    "Closed": FREE | {"uses": {"product": "ask", "competing": "no"}, "date": "2026-01-01", "source": "3.3(e)"},
    "Host": FREE | {"date": "2026-01-01"},
}


def source(model="m", licence="MIT", provider=None, day=None):
    return {"model": model, "licence": licence, "provider": provider, "terms_date": day}


def record(writer=None, **fields):
    whole = {"base": None, "chain": [], "purpose": "product", "data_licence": None, "users_at_release": 5}
    return (writer or source()) | whole | fields


CLOSED = source("closed", None, "Closed", "2026-01-01")
TUNED = record(source("tuned"), chain=[CLOSED], purpose="competing")


@pytest.mark.parametrize(
    ("found", "answer"),
    [
        (record(), "yes"),
        (record(CLOSED, purpose="competing"), "no"),
        (record(CLOSED), "ask"),
        (record(CLOSED, purpose="research"), "ask"),
        (TUNED, "no"),
        (record(base=source(licence="NC")), "no"),
        (record(chain=[source(), source(licence="NC"), source()]), "no"),
        (record(chain=[source(licence=None)]), "ask"),
        (record(source(licence=None)), "ask"),
        (record(source(licence=None), data_licence="MIT"), "ask"),
        (record(source(licence=None), chain=[source(licence="NC")]), "no"),
        (record(source(licence="unheard of")), "ask"),
        (record(data_licence="NC"), "no"),
        (record(data_licence="unheard of"), "ask"),
        (record(source(provider="Host", day="2026-01-01")), "yes"),
        (record(source(provider="Host", day="2025-01-01")), "ask"),
        (record(source(provider="Host")), "ask"),
        (record(source(licence="NC", provider="Host", day="2026-01-01")), "no"),
        (record(source("closed", None, "Closed", "2025-01-01"), purpose="competing"), "ask"),
        (record(source(licence="Llama"), users_at_release=700), "yes"),
        (record(source(licence="Llama"), users_at_release=701, users_now=3, product_users=3), "no"),
        (record(source(licence="Llama"), users_at_release=None, users_now=3), "ask"),
        (record(base=source(licence="Llama"), users_at_release=701), "no"),
        (record(source(licence="No Llama"), users_at_release=None), "no"),
    ],
)  # fmt: skip
def test_the_strictest_of_all_terms_decides_and_unknown_means_ask(found, answer):
    assert decide(found, POLICY).answer == answer


def test_a_refusal_names_file_line_rule_and_source():
    sentence = (
        r"rows\.jsonl, line 2: 'tuned' is not trained on for competing, the answer is 'no': "
        r"Free\. \(Closed, 3\.3\(e\), read 2026-01-02\.\) Check the current terms, .* the 1 after it"
    )
    with pytest.raises(CourseError, match=sentence):
        require_allowed("rows.jsonl", [record(), TUNED, record(), TUNED], POLICY)


def test_one_question_among_many_yes_stops_the_set():
    with pytest.raises(CourseError, match=r"line 9: .*'ask': No terms are known for 'x'"):
        require_allowed("rows.jsonl", [*[record()] * 8, record(source("x", None))], POLICY)


def test_the_gate_asks_the_function_it_is_given():
    assert require_allowed("rows.jsonl", [TUNED], POLICY, lambda record, policy: Decision("yes", "")) == []


def test_a_yes_brings_the_duties_of_the_whole_chain_once():
    rows = [record(), record(base=source(licence="Llama")), record(chain=[source(licence="Llama")])]
    assert require_allowed("rows.jsonl", rows, POLICY) == ["The name begins with Llama. (Llama)"]
    assert duties_of(rows[:1], POLICY) == []
