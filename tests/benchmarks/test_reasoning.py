"""Single arms of Lab 5's experiment beside the recorded ones: nothing that was recorded changes."""

import copy
import json

from benchmarks import reasoning
from benchmarks.common import RESULTS


def _run(right):
    found = {"right": right, "characters": [9] * len(right), "marks": {"right": 3, "wrong": 1, "skipped": 0}}
    return found | {f"right at {length}": right for length in reasoning.arithmetic.LONGER} | {"seconds": 2.0}


def test_single_arms_go_beside_what_is_recorded():
    recorded = json.loads((RESULTS / "reasoning.json").read_text(encoding="utf-8"))
    before = copy.deepcopy(recorded)
    new, old, other = "answers alone, as many seconds", "reference traces", "unfiltered"
    kept = [row for row in before["rows"] if row["arm"] != new]
    recorded["rows"] = copy.deepcopy(kept)
    arms = {old: [_run([1.0, 1.0])] * 2, new: [_run([0.0, 1.0])] * 2}
    found = reasoning.beside_recorded(recorded, arms)
    assert [row for row in found["rows"] if row["arm"] != new] == kept
    (row,) = (row for row in found["rows"] if row["arm"] == new)
    assert row["accuracy"] == 0.5 and found["rows"].index(row) == list(reasoning.ARMS).index(new) + 2
    (pair,) = (one for one in found["differences"] if (one["arm"], one["minus"]) == (old, new))
    assert pair["difference"] == 0.5
    same = [one for one in before["differences"] if other in (one["arm"], one["minus"])]
    assert [one for one in found["differences"] if other in (one["arm"], one["minus"])] == same
