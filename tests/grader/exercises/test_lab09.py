"""Lab 9's gate is judged by its answers: whatever words a learner gives as the reason, the mistake gets its name."""

from collections import namedtuple

import pytest

from tests.grader.exercises.catalogues import judged
from utils.checks import TABLES
from utils.checks.records import Table

TABLE = Table.load(TABLES / "may_train.npz")
Decision = namedtuple("Decision", ["answer", "reason"])
WRITTEN = """
def may_train(record, policy):
    heard = []
    models = [record]
    if record["base"] is not None:
        models.append(record["base"])
    models += record["chain"]
    for model in models:
        names = [n for n in (model["licence"], model["provider"]) if n is not None]
        if not names:
            heard.append(("ask", f"who knows about {model['model']}"))
        for name in names:
            look(name, model["terms_date"], record, policy, heard)
    if record["data_licence"] is not None:
        look(record["data_licence"], None, record, policy, heard)
    return Decision(*max(heard, key=lambda one: ["yes", "ask", "no"].index(one[0])))

def look(name, day, record, policy, heard):
    if name not in policy:
        heard.append(("ask", f"never heard of {name}"))
        return
    terms = policy[name]
    if terms["date"] is not None and terms["date"] != day:
        heard.append(("ask", f"{name} of {day} was not read"))
        return
    heard.append((terms["uses"].get(record["purpose"], "ask"), f"{name} on {record['purpose']}"))
    users = record["users_at_release"]
    if terms["most_users"] is not None:
        if users is None:
            heard.append(("ask", "nobody counted"))
        elif users > terms["most_users"]:
            heard.append(("no", f"{users} is a crowd"))
"""
LAST = 'return Decision(*max(heard, key=lambda one: ["yes", "ask", "no"].index(one[0])))'
CHOSEN = "from collections import Counter; answers = [one[0] for one in heard]; "
CHANGES = {
    "the base is not asked": ('models.append(record["base"])', "pass"),
    "the chain is not asked": ('models += record["chain"]', "pass"),
    "the users of today are compared": ('record["users_at_release"]', 'record["users_now"]'),
    "the product's own users are compared, not the company's": ('users_at_release', 'product_users'),
    "exactly as many users as the limit are refused": ("users > terms", "users >= terms"),
    "the mildest answer decides": (LAST, LAST.replace("max", "min")),
    "allowed because most of it is": (LAST, CHOSEN + "return Decision(Counter(answers).most_common(1)[0][0], 'votes')"),
    "the last answer decides": (LAST, "return Decision(*heard[-1])"),
    "the first answer that is no yes decides": (
        LAST, "return Decision(*next((one for one in heard if one[0] != 'yes'), ('yes', 'all')))"
    ),
    "the terms' date is ignored": ('terms["date"] is not None and', "False and"),
    "the writer's date is taken for every source": ('model["terms_date"]', 'record["terms_date"]'),
    "unknown terms are taken for refusal": ('("ask", f"never', '("no", f"never'),
    "unknown terms are taken for permission": ('("ask", f"never', '("yes", f"never'),
    "a source without any terms is refused": ('("ask", f"who', '("no", f"who'),
    "a purpose that the terms do not name is refused": ('record["purpose"], "ask"', 'record["purpose"], "no"'),
    "a purpose that the terms do not name is allowed": ('record["purpose"], "ask"', 'record["purpose"], "yes"'),
    "unknown users are taken for too many": ('("ask", "nobody', '("no", "nobody'),
    "unknown users are taken for few": ('("ask", "nobody', '("yes", "nobody'),
    "another version is refused": ('("ask", f"{name} of', '("no", f"{name} of'),
    "the data set's licence is not asked": ('if record["data_licence"] is not None', "if False"),
    "terms without a date are asked for one": ('terms["date"] is not None and ', ""),
    "the limit on users is ignored": ('terms["most_users"] is not None', "False"),
    "a tuple instead of an object with .answer and .reason": (LAST, LAST.replace("Decision(*", "tuple(")),
    "record changed in place": ('models += record["chain"]', 'models = record["chain"]; models.insert(0, record)'),
    "the reason is missing: a text that is not empty is asked": (
        LAST, LAST.replace("return ", "best = ") + "; return Decision(best.answer, None)"
    ),
}  # fmt: skip


def written(old="", new=""):
    assert old in WRITTEN
    names = {"Decision": Decision}
    exec(WRITTEN.replace(old, new, 1) if old else WRITTEN, names)
    return names["may_train"]


def test_it_passes_as_it_is_written():
    assert judged(TABLE, written()).passed


@pytest.mark.parametrize("name", CHANGES)
def test_a_mistake_in_may_train_is_named_whatever_the_reason_says(name):
    found = judged(TABLE, written(*CHANGES[name]))
    assert not found.passed and name in found.misconceptions, found


def test_an_answer_in_capitals_is_shown_without_the_reason():
    loud = written(LAST, LAST.replace("return ", "best = ") + "; return Decision(best.answer.upper(), 'x')")
    found = judged(TABLE, loud)
    assert "answer='YES'" in found.message and "should be answer='yes'" in found.message
