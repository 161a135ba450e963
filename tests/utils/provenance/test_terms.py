"""Terms are dated data with a source; a policy that lacks these is refused."""

import re

import pytest

from utils.errors import CourseError
from utils.provenance.terms import PURPOSES, providers, read_policy

DAY = re.compile(r"\d{4}-\d{2}-\d{2}")


def test_every_entry_has_its_source_and_the_day_it_was_read():
    policy = read_policy()
    assert len(policy) >= 15
    for name, terms in policy.items():
        assert set(terms["uses"]) == set(PURPOSES), name
        assert terms["source"].startswith("https://") and DAY.fullmatch(terms["read"]) and terms["condition"], name
        assert terms["date"] is None or (DAY.fullmatch(terms["date"]) and terms["date"] <= terms["read"]), name


def test_the_six_providers_of_the_table_have_what_was_found_and_when():
    table = providers()
    assert len(table) == 6
    assert all(DAY.fullmatch(row["read"]) and row["said"] and row["found"] and row["source"] for row in table)


@pytest.mark.parametrize(
    ("entry", "sentence"),
    [
        ('uses = {}\ncondition = ""\nsource = "x"', "has no read. An answer needs its source"),
        ('uses = { product = "perhaps" }\ncondition = ""\nsource = "x"\nread = "d"', "product = 'perhaps'. Write yes"),
        ('uses = { fun = "yes" }\ncondition = ""\nsource = "x"\nread = "d"', "fun = 'yes'"),
        ('uses = {}\ncondition = ""\nsource = "x"\nread = "d"\nlimit = 3', "has limit. Use uses, date"),
        ("uses = {", "cannot be read"),
    ],
)
def test_a_policy_that_cannot_be_used_is_told(tmp_path, entry, sentence):
    file = tmp_path / "policy.toml"
    file.write_text(f'[terms."MIT"]\n{entry}\n')
    with pytest.raises(CourseError, match=sentence):
        read_policy(file)
