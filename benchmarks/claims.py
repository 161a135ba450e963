"""What is said about distillation, and what the nine labs found: each claim with its interval, its size and its cell.

    python -m benchmarks.claims

A claim held where the whole 95 % interval is on its side, and did not hold where the whole interval is on the other.
Otherwise it is not shown, and neither is it where a control, which lacks what the claim names, does as well.
Claims whose experiment has no recorded result are left out.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from benchmarks.common import RESULTS
from benchmarks.pages import recorded, with_sections
from utils.machine.workspace import ROOT

NAME = "claims"
ABOVE, BELOW = "above", "below"


@dataclass(frozen=True)
class Claim:
    """One claim of the topic.

    lab: its number; heading: of the cell that shows it.  results: the file of its experiment; find: what in it measures
    the claim, with "low" and "high".  what: the measured number; it has to be `side` of `nothing`, which is no effect.
    at: the size, with the names of values in the results in braces.  controls: of (results, what was found), the name
    and the row of each control whose interval has to be beyond the claim's.
    """

    said: str
    lab: str
    heading: str
    results: str
    find: Callable[[Mapping], Mapping]
    what: str
    side: str = BELOW
    nothing: float = 1.0
    at: str = "embedded pair, {train_rows} rows"
    controls: Callable[[Mapping, Mapping], Mapping[str, Mapping]] = lambda results, measured: {}


def one(place: str, **wanted: object) -> Callable[[Mapping], Mapping]:
    """The row of a table that has these values."""

    def find(results: Mapping) -> Mapping:
        (row,) = (row for row in results[place] if all(row[key] == value for key, value in wanted.items()))
        return row

    return find


def best_weight(results: Mapping) -> Mapping:
    """Of the losses on hidden states that every control was run beside, the one of the lowest perplexity."""
    beside = [row for row in results["hidden"] if _controls_of(results, row)]
    return min(beside, key=lambda row: row["ratio to logits alone"])


def _controls_of(results: Mapping, measured: Mapping) -> dict[str, Mapping]:
    start = f"control, {measured['hidden states']}: "
    names = {row["hidden states"]: row for row in results["hidden"]}
    return {name.removeprefix(start): row for name, row in names.items() if name.startswith(start)}


LIKE_LAB_5 = "character pair, {questions[N]} questions"
CLAIMS = (
    Claim(
        "Soft labels teach more than hard ones",
        "01",
        "Step 4. Does it help, and what is it that helps?",
        "soft_targets",
        lambda found: found["effects"]["soft targets"],
        "perplexity over that of hard labels",
    ),
    Claim(
        "Soft labels help by what the teacher knows, and not only by smoothing",
        "01",
        "Step 4. Does it help, and what is it that helps?",
        "soft_targets",
        lambda found: found["effects"]["soft_vs_shuffled"],
        "perplexity over that of shuffled targets",
    ),
    Claim(
        "A distilled student beats one trained on labels alone",
        "02",
        "Step 4. Did it work?",
        "effect",
        lambda found: found["effects"]["distilled_vs_ce_only"],
        "perplexity over that of CE-only",
        at="embedded pair, {profile[train_rows]} rows",
    ),
    Claim(
        "A temperature of 5 helps",
        "03",
        "Step 3. Which temperature?",
        "sweeps",
        one("temperature", temperature=5.0),
        "perplexity over that of CE-only; at T = 1 the student is better still",
        at="embedded pair, {rows_swept} rows",
    ),
    Claim(
        "Hidden states, matched layer by layer, add to the logits",
        "03",
        "Step 6. Hidden states",
        "sweeps",
        best_weight,
        "perplexity over that of logits alone, {hidden states}",
        at="embedded pair, {rows_swept} rows",
        controls=_controls_of,
    ),
    Claim(
        "A draft distilled toward its target is accepted more often",
        "04",
        "Step 3. Train a draft",
        "speculation",
        one("differences", draft="forward KL", minus="CE-only"),
        "acceptance, minus that of a CE-only draft",
        ABOVE,
        0.0,
    ),
    Claim(
        "A distilled draft makes the target faster",
        "04",
        "Step 4. Does it save time?",
        "speculation_speed",
        lambda found: one("rows", draft="forward KL", gamma=2)(found["embedded"]),
        "times as fast as the target alone, two tokens a round",
        ABOVE,
        at="embedded pair, cost ratio {embedded[cost ratio]:.2f}",
    ),
    Claim(
        "Traces teach more than answers",
        "05",
        "Step 4. The answer, or the way to it?",
        "reasoning",
        one("differences", arm="reference traces", minus="answers alone"),
        "share of right answers, minus that of answers",
        ABOVE,
        0.0,
        LIKE_LAB_5,
    ),
    Claim(
        "N verified traces beat 10 N unfiltered ones",
        "05",
        "Step 5. What is a filter worth?",
        "reasoning",
        one("differences", arm="all three filters", minus="10 N unfiltered, as many steps"),
        "share of right answers, minus that of 10 N",
        ABOVE,
        0.0,
        LIKE_LAB_5,
    ),
    Claim(
        "A student learns more from its own text than from its teacher's",
        "06",
        "Step 4. The student writes, the teacher scores",
        "on_policy",
        one("axes", change="the student's text for the teacher's, reverse KL"),
        "share solved, minus that on the teacher's text, both by reverse KL",
        ABOVE,
        0.0,
        "character pair, equal tokens, 10 seeds",
    ),
    Claim(
        "Reverse KL makes a better writer than forward KL",
        "06",
        "Step 4. The student writes, the teacher scores",
        "on_policy",
        one("axes", change="reverse for forward KL, the student's text"),
        "share solved, minus that by forward KL, both on the student's text",
        ABOVE,
        0.0,
        "character pair, equal tokens, 10 seeds",
    ),
    Claim(
        "Shrinking in several rounds beats one",
        "07",
        "Step 6. Heal",
        "how_small",
        one(
            "effects",
            student="progressive, taught by the middle, distilled, 2",
            against="2 by influence, distilled, 4",
        ),
        "perplexity over that of one round, at equal tokens",
    ),
    Claim(
        "Distillation needs higher ranks than ordinary fine-tuning",
        "08",
        "Step 4. Does distillation need a higher rank?",
        "adapters",
        one("gap of gaps", rank=8),
        "what rank 8 costs distilling over what it costs CE-only; at 16 and 32 no difference was seen",
        ABOVE,
    ),
    *(
        Claim(
            f"In-domain text beats ten times as much other text ({objective})",
            "09",
            "Step 4. Little of the right text, or much of any?",
            "data",
            lambda found, objective=objective: one(
                "one text over another", text="in-domain N, twice", over="generic 10 N, once", objective=objective
            )(found["text"]),
            "perplexity over that of the other text",
            at="embedded pair, N of {N} tokens, {text[seeds]} seeds",
        )
        for objective in ("CE-only", "distilled")
    ),
)

UNTESTED = {  # what else is said, and why no experiment of this course can judge it
    "Traces of a large reasoner make small models reason (800,000 of them made R1's distilled models)": "Lab 5 has the "
    "mechanism at the size of a toy. The claim is about models and texts that no laptop trains.",
    "Explanations written with care (Orca) and textbook-like text (Phi) make small models strong": "Our models are too "
    "small to read such text.",
    "A 7B student with the teacher's architecture gets better than a 3B with another one": "Lab 7 asks the same of "
    "small models: fewer blocks, or narrower ones.",
    "Serving a student costs ten times less": "That follows from sizes and hardware, and not from how the student was "
    "trained. Lab 7's calculator gives it for yours.",
}


def verdict(low: float, high: float, side: str, nothing: float) -> str:
    """held, did not hold, or not shown: where an interval lies of the value that is no effect."""
    if low > nothing or high < nothing:
        return "held" if (low > nothing) == (side == ABOVE) else "did not hold"
    return "not shown"


def as_good(measured: Mapping, controls: Mapping[str, Mapping], side: str) -> list[str]:
    """The names of the controls whose intervals are not wholly short of the measured one."""
    if side == ABOVE:
        return [name for name, row in controls.items() if row["high"] >= measured["low"]]
    return [name for name, row in controls.items() if row["low"] <= measured["high"]]


def rows(folder: Path = RESULTS) -> list[dict]:
    """A row for each claim that has its result in the folder."""
    found = []
    for claim in CLAIMS:
        path = folder / f"{claim.results}.json"
        if path.exists():
            results = json.loads(path.read_text(encoding="utf-8"))
            found.append(_row(claim, results, claim.find(results)))
    return found


def _row(claim: Claim, results: Mapping, measured: Mapping) -> dict:
    value = next(measured[key] for key in _VALUES if key in measured)
    low, high = measured["low"], measured["high"]
    judged = verdict(low, high, claim.side, claim.nothing)
    equals = as_good(measured, claim.controls(results, measured), claim.side) if judged == "held" else []
    return {
        "claim": claim.said,
        "verdict": "not shown" if equals else judged,
        "found": f"{value:.3f} [{low:.3f}, {high:.3f}]",
        "what": "; as good in the control: ".join([claim.what.format(**measured), *equals]),
        "size": claim.at.format(**results),
        "place": f"Lab {int(claim.lab)}, {claim.heading.partition('.')[0]}",
        "link": f"{_notebook(claim.lab)}#{claim.heading.replace(' ', '-')}",
    }


_VALUES = ("ratio", "ratio to CE-only", "ratio to logits alone", "difference", "share", "times as fast")


def _notebook(lab: str) -> str:
    """Folder and file of a lab's notebook."""
    (folder,) = (ROOT / "labs").glob(f"{lab}_*")
    return f"{folder.name}/{folder.name}.ipynb"


def whole() -> dict[str, list[dict]]:
    """What benchmarks/results/claims.json holds: what was found, and what no experiment here can judge."""
    return {"rows": rows(), "untested": [{"claim": said, "why": why} for said, why in UNTESTED.items()]}


def section() -> str:
    """The claims as a Markdown table, for a page beside the folder of the labs."""
    lines = ["| claim | here | measured | at which size | where |", "|---|---|---|---|---|"]
    lines += [
        f"| {row['claim']} | **{row['verdict']}** | {row['found']}: {row['what']} | {row['size']} "
        f"| [{row['place']}](labs/{row['link']}) |"
        for row in recorded(NAME)["rows"]
    ]
    lines += ["", "Not tested here:", "", "| claim | why not |", "|---|---|"]
    lines += [f"| {row['claim']} | {row['why']} |" for row in recorded(NAME)["untested"]]
    return "\n".join(lines)


def with_claims(readme: str) -> str:
    """The README with its claims renewed."""
    return with_sections(readme, NAME, {NAME: section()})


def main() -> None:
    """Write benchmarks/results/claims.json and the README's table."""
    found = whole()
    (RESULTS / f"{NAME}.json").write_text(json.dumps(found, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    path = ROOT / "README.md"
    path.write_text(with_claims(path.read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    main()
