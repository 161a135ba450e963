"""Each row says where it comes from, in whole, or is named by its line."""

import json
from datetime import datetime

import pytest

from utils.errors import CourseError
from utils.provenance.records import read_records, records_of

WRITER = {"model": "m", "licence": "MIT", "provider": None, "terms_date": None}
ROW = WRITER | {"base": None, "chain": [WRITER], "purpose": "product"}


def test_a_file_of_json_lines_gives_its_records(tmp_path):
    file = tmp_path / "rows.jsonl"
    file.write_text("\n".join(json.dumps({"text": "a", "provenance": row}) for row in (ROW, ROW | {"model": "n"})))
    found = read_records(file)
    assert [record["model"] for record in found] == ["m", "n"]
    assert found[0]["chain"] == [WRITER] and found[0]["users_at_release"] is None


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        ('{"text": "b"}', "line 2 has no 'provenance'"),
        ("[1]", "line 2 has no 'provenance'"),
        ('{"text"', "line 2, is not JSON"),
        (
            json.dumps({"provenance": {k: v for k, v in ROW.items() if k != "base"}}),
            "line 2: .* has no base. Write null",
        ),
        (json.dumps({"provenance": ROW | {"license": "MIT"}}), "line 2: .*'license', which nobody reads"),
        (json.dumps({"provenance": ROW | {"purpose": "fun"}}), "the purpose is 'fun'. Give one of research"),
        (json.dumps({"provenance": ROW | {"chain": ["gpt"]}}), "its chain is 'gpt'. A model has model, licence"),
        (json.dumps({"provenance": ROW | {"base": {"model": "x"}}}), "its base is {'model': 'x'}"),
    ],
)
def test_a_row_that_cannot_be_used_is_named_by_its_line(tmp_path, line, sentence):
    file = tmp_path / "rows.jsonl"
    file.write_text(json.dumps({"provenance": ROW}) + "\n" + line)
    with pytest.raises(CourseError, match=sentence):
        read_records(file)


def test_a_date_that_a_library_has_read_is_a_day_again():
    read = ROW | {"terms_date": datetime(2026, 1, 2), "chain": [WRITER | {"terms_date": datetime(2026, 3, 4)}]}
    (found,) = records_of("rows", [read])
    assert (found["terms_date"], found["chain"][0]["terms_date"]) == ("2026-01-02", "2026-03-04")
