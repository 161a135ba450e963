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


def _hidden(**controls):
    """Results in which a loss on states gains two thousandths; controls: the interval of each control."""
    rows = {"logits alone": (1.0, 1.0), "MSE, weight 1": (1.4, 1.6), "MSE, weight 0.01": (0.997, 0.999)}
    rows |= {f"control, MSE, weight 0.01: {name}": ends for name, ends in controls.items()}
    told = [
        {"hidden states": name, "ratio to logits alone": (low + high) / 2, "low": low, "high": high}
        for name, (low, high) in rows.items()
    ]
    return {"hidden": told, "rows_swept": 7, "temperature": [{"temperature": 5.0, "ratio": 1.0, "low": 0.9, "high": 1}]}


@pytest.mark.parametrize(
    ("controls", "said", "added"),
    [
        ({"frozen": (0.9992, 1.0001), "reverse": (0.9995, 1.0)}, "held", ""),
        ({"frozen": (0.9992, 1.0001), "reverse": (0.998, 1.0)}, "not shown", "; as good in the control: reverse"),
    ],
)
def test_a_gain_that_a_control_has_too_is_not_shown(tmp_path, controls, said, added):
    (tmp_path / "sweeps.json").write_text(json.dumps(_hidden(**controls)))
    (row,) = (row for row in claims.rows(tmp_path) if "idden" in row["claim"])
    assert (row["verdict"], row["what"]) == (said, "perplexity over that of logits alone, MSE, weight 0.01" + added)


@pytest.mark.parametrize(
    ("low", "high", "side", "names"),
    [(0.6, 0.7, claims.BELOW, []), (0.4, 0.5, claims.BELOW, ["it"]), (0.4, 0.5, claims.ABOVE, [])],
)
def test_a_control_is_as_good_unless_its_interval_is_short_of_the_claim_s(low, high, side, names):
    measured = {"low": 0.5, "high": 0.55} if side == claims.BELOW else {"low": 0.51, "high": 0.55}
    assert claims.as_good(measured, {"it": {"low": low, "high": high}}, side) == names


def test_a_claim_without_a_recorded_result_is_left_out(tmp_path):
    effect = {"ratio": 0.9, "low": 0.8, "high": 0.95}
    recorded = {"effects": {"distilled_vs_ce_only": effect}, "profile": {"train_rows": 7}}
    (tmp_path / "effect.json").write_text(json.dumps(recorded))
    (row,) = claims.rows(tmp_path)
    assert (row["verdict"], row["found"], row["size"]) == ("held", "0.900 [0.800, 0.950]", "embedded pair, 7 rows")


def test_what_is_written_down_is_what_the_results_say_now():
    written = json.loads((RESULTS / "claims.json").read_text(encoding="utf-8"))
    assert written == claims.whole(), "make it again: python -m benchmarks.claims"


def test_the_readme_shows_the_claims():
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    assert claims.with_claims(text) == text


@pytest.mark.parametrize("claim", claims.CLAIMS, ids=lambda claim: claim.said)
def test_a_claim_names_a_heading_of_its_lab(claim):
    (source,) = (ROOT / "solutions").glob(f"{claim.lab}_*/*.py")
    assert f"## {claim.heading}\n" in source.read_text(encoding="utf-8")
