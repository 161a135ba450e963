"""A data set whose rows say where they come from goes through the gate before anything else is done with it."""

import json

import pytest

from utils.data.corpus import load_corpus
from utils.errors import CourseError

MIT = {"model": "m", "licence": "MIT", "provider": None, "terms_date": None}
WRITTEN = {"base": None, "chain": [], "purpose": "competing"}
ALLOWED = MIT | {"provider": "DeepSeek", "terms_date": "2026-04-29"} | WRITTEN
LLAMA = MIT | WRITTEN | {"base": MIT | {"model": "L", "licence": "Llama 3.3"}, "users_at_release": 9}
FORBIDDEN = ALLOWED | {"model": "gpt", "licence": None, "provider": "OpenAI", "terms_date": "2026-01-01"}


def folder(place, rows):
    for split, part in (("train", rows), ("validation", rows[:1] * 3)):
        lines = [{"text": f"{split} {i} " + f"{split}{i} " * 20, "provenance": row} for i, row in enumerate(part)]
        (place / f"{split}.jsonl").write_text("\n".join(map(json.dumps, lines)))
    return f"hub:{place}"


def test_a_forbidden_teachers_trace_stops_the_text_with_its_line(tmp_path):
    with pytest.raises(CourseError, match=r"train, line 3: 'gpt' is not trained on for competing.*'no'.*3\.3\(e\)"):
        load_corpus(folder(tmp_path, [ALLOWED, ALLOWED, FORBIDDEN, ALLOWED]))


def test_a_row_without_provenance_among_others_stops_it_too(tmp_path):
    with pytest.raises(CourseError, match="train, line 2 has no 'provenance'"):
        load_corpus(folder(tmp_path, [ALLOWED, None, ALLOWED]))


def test_a_text_that_is_allowed_says_what_it_asks_for(tmp_path):
    text = load_corpus(folder(tmp_path, [LLAMA, ALLOWED, LLAMA]))
    assert len(text.train) == 3
    assert 'you owe: The name of a student that is passed on begins with "Llama". (Llama 3.3)' in text.describe()
