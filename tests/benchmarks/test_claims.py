"""A claim is judged by the whole of its interval, and the page shows what was recorded."""

import json

import pytest

from benchmarks import claims
from benchmarks.common import RESULTS
from utils.machine.workspace import ROOT


@pytest.mark.parametrize(
    ("low", "high", "side", "nothing", "said"),
    [
        (0.8, 0.9, claims.BELOW, 1.0, "held"),
        (1.1, 1.2, claims.BELOW, 1.0, "did not hold"),
        (0.9, 1.1, claims.BELOW, 1.0, "not shown"),
        (1.1, 1.2, claims.ABOVE, 1.0, "held"),
        (0.8, 0.9, claims.ABOVE, 1.0, "did not hold"),
        (-0.1, 0.2, claims.ABOVE, 0.0, "not shown"),
        (0.1, 0.2, claims.ABOVE, 0.0, "held"),
    ],
)
def test_a_claim_held_where_its_whole_interval_is_on_its_side(low, high, side, nothing, said):
    assert claims.verdict(low, high, side, nothing) == said


def test_a_claim_without_a_recorded_result_is_left_out(tmp_path):
    effect = {"ratio": 0.9, "low": 0.8, "high": 0.95}
    recorded = {"effects": {"distilled_vs_ce_only": effect}, "profile": {"train_rows": 7}}
    (tmp_path / "effect.json").write_text(json.dumps(recorded))
    (row,) = claims.rows(tmp_path)
    assert (row["verdict"], row["found"], row["size"]) == ("held", "0.900 [0.800, 0.950]", "embedded pair, 7 rows")


def test_what_is_written_down_is_what_the_results_say_now():
    written = json.loads((RESULTS / "claims.json").read_text(encoding="utf-8"))
    assert written == {"rows": claims.rows()}, "make it again: python -m benchmarks.claims"


def test_the_readme_shows_the_claims():
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    assert claims.with_claims(text) == text


@pytest.mark.parametrize("claim", claims.CLAIMS, ids=lambda claim: claim.said)
def test_a_claim_names_a_heading_of_its_lab(claim):
    (source,) = (ROOT / "solutions").glob(f"{claim.lab}_*/*.py")
    assert f"## {claim.heading}\n" in source.read_text(encoding="utf-8")
