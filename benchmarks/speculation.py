"""Which draft is the best?  Overlap with the target by objective and text, five seeds, paired over prompts.

    python -m benchmarks.speculation [--seeds 5] [--profile embedded] [--skip-tuning]

Lab 4's drafts, on as many rows as the sweeps take.  Each objective has its own learning rate, the one whose draft
overlaps most with the target on text that the target wrote after prompts of the tune split.  The verdict is on
validation prompts.  CE-only has a second row, at the rate that is best for its perplexity.  An interrupted run goes on
where it was, and two starts share the work.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

import numpy as np

from benchmarks.common import arguments_of, from_numbers, pooled_perplexity, share_with_interval, write_result
from benchmarks.speculation_drafts import OBJECTIVES, PROMPT, RATES, UNTOUCHED, WRITTEN, Draft, Drafts
from utils.models.profiles import get_profile

TEXTS = ("cut", "written")
ON_OTHER_TEXT = ("CE-only", "forward KL")
BEST_PERPLEXITY = "CE-only, best perplexity"
PAIRS = (  # which differences are shown
    *((name, UNTOUCHED) for name in (BEST_PERPLEXITY, *OBJECTIVES)),
    ("forward KL", "CE-only"),
    ("reverse KL", "forward KL"),
    ("total variation", "forward KL"),
)


def column(runs: Sequence[Mapping], text: str, name: str) -> np.ndarray:
    """(seeds, documents) of one measure."""
    return np.array([run[text][name] for run in runs], dtype=np.float64)


def row(runs: Sequence[Mapping], controls: Mapping[str, Sequence[Mapping]]) -> dict:
    """A draft's overlap on both texts, and the difference to each control, paired over prompts and seeds."""
    found: dict = {
        "seeds": len(runs),
        "perplexity": pooled_perplexity([from_numbers(run["perplexity"]) for run in runs]),
    }
    found["train tokens"] = [run["train_tokens"] for run in runs]
    for text in ("written", "human"):
        tokens = np.array(runs[0][text]["tokens"], dtype=np.float64)
        sums = column(runs, text, "overlap")
        found[text] = share_with_interval(sums, tokens)
        found[text]["by seed"] = [float(value) for value in sums.sum(axis=1) / tokens.sum()]
        found[text]["same argmax"] = share_with_interval(column(runs, text, "same argmax"), tokens)["share"]
        for name, control in controls.items():
            control = control if len(control) == len(runs) else list(control) * len(runs)
            found[text][f"minus {name}"] = share_with_interval(sums - column(control, text, "overlap"), tokens)
    return found


def table_rows(found: Mapping[str, Mapping]) -> list[dict]:
    """A line for each draft on human text: its acceptance on the target's text, and what else is known of it."""
    return [
        {
            "draft": name,
            "perplexity": one["perplexity"],
            "acceptance": one["written"]["share"],
            "low": one["written"]["low"],
            "high": one["written"]["high"],
            "on human text": one["human"]["share"],
            "same argmax": one["written"]["same argmax"],
        }
        for name, one in found.items()
        if not name.endswith(TEXTS)
    ]


def differences(found: Mapping[str, Mapping]) -> list[dict]:
    """How much more of a draft's tokens are kept than of another's, for each of PAIRS, over prompts and seeds."""
    rows = []
    for name, other in PAIRS:
        minus = found[name]["written"][f"minus {other}"]
        rows.append({"draft": name, "minus": other, "difference": minus["share"]})
        rows[-1] |= {"low": minus["low"], "high": minus["high"]}
    return rows


def best_rates(drafts: Drafts) -> tuple[dict[str, float], float, list[dict]]:
    """Each objective's rate with the largest overlap, CE-only's with the lowest perplexity, and what was tried."""
    asked = [Draft(objective, rate=rate) for objective in OBJECTIVES for rate in RATES]
    tried = []
    for draft, run in drafts.judged(asked, "tune").items():
        share = sum(run["written"]["overlap"]) / sum(run["written"]["tokens"])
        perplexity = from_numbers(run["perplexity"]).perplexity
        tried.append({"objective": draft.objective, "rate": draft.rate, "overlap": share, "perplexity": perplexity})
    best = {
        objective: max((t for t in tried if t["objective"] == objective), key=lambda t: t["overlap"])["rate"]
        for objective in OBJECTIVES
    }
    ce_only = min((t for t in tried if t["objective"] == "CE-only"), key=lambda t: t["perplexity"])["rate"]
    return best, ce_only, tried


def kind_of(text: str) -> str:
    """Which kind of token this is, by its text."""
    if not text.strip():
        return "space or new line"
    if not re.search(r"\w", text):
        return "punctuation"
    return "begins a word" if text[0].isspace() else "goes on with a word"


def by_kind(drafts: Drafts, runs: Mapping[str, Sequence[Mapping]]) -> list[dict]:
    """Each draft's overlap by the kind of the token that the target wrote there."""
    ids = [token for one in drafts.continuations() for token in one.input_ids[PROMPT:]]
    kinds = np.array([kind_of(drafts.tokenizer.decode([token])) for token in ids])
    values = {
        name: np.array([[value for line in run["written"]["by token"] for value in line] for run in some])
        for name, some in runs.items()
    }
    return [
        {"kind": kind, "tokens": int((kinds == kind).sum())}
        | {name: float(some[:, kinds == kind].mean()) for name, some in values.items()}
        for kind in sorted(set(kinds))
    ]


def whose_text(name: str, cut: Sequence[Mapping], written: Sequence[Mapping]) -> dict:
    """One objective on both texts: the acceptance on the target's text, and the difference in pairs."""
    one, other = row(cut, {}), row(written, {"human": cut})
    minus = other["written"]["minus human"]
    return {
        "objective": name,
        "human rows": one["written"]["share"],
        "the target's rows": other["written"]["share"],
        "difference": minus["share"],
        "low": minus["low"],
        "high": minus["high"],
        "perplexity on human text: human rows": one["perplexity"],
        "the target's": other["perplexity"],
    }


def main() -> None:
    """Tune, train and judge every draft, and write benchmarks/results/speculation.json."""
    arguments = arguments_of(__doc__, tunes=True)
    drafts = Drafts(get_profile(arguments.profile))
    rates, for_perplexity, tried = {objective: 4e-3 for objective in OBJECTIVES}, 2e-3, []
    if not arguments.skip_tuning:
        rates, for_perplexity, tried = best_rates(drafts)
    seeds = range(arguments.seeds)
    arms = {UNTOUCHED: [Draft(UNTOUCHED)]}
    arms[BEST_PERPLEXITY] = [Draft("CE-only", rate=for_perplexity, seed=seed) for seed in seeds]
    arms |= {name: [Draft(name, rate=rate, seed=seed) for seed in seeds] for name, rate in rates.items()}
    for name in ON_OTHER_TEXT:
        arms |= {f"{name}, {text}": [Draft(name, text, rates[name], seed) for seed in seeds] for text in TEXTS}
    done = drafts.judged([draft for arm in arms.values() for draft in arm])
    runs = {name: [done[draft] for draft in arm] for name, arm in arms.items()}
    controls = {"untouched": runs[UNTOUCHED], "CE-only": runs["CE-only"], "forward KL": runs["forward KL"]}
    found = {name: row(some, controls) for name, some in runs.items()}
    result = {
        "profile": drafts.profile.name,
        "train_rows": drafts.profile.train_rows,
        "prompt_tokens": PROMPT,
        "written_tokens": WRITTEN,
        "prompts": len(runs[UNTOUCHED][0]["written"]["tokens"]),
        "learning_rates": rates | {BEST_PERPLEXITY: for_perplexity},
        "tuning": tried,
        "drafts": found,
        "rows": table_rows(found),
        "differences": differences(found),
        "whose text": [whose_text(name, *(runs[f"{name}, {text}"] for text in TEXTS)) for name in ON_OTHER_TEXT],
        "kinds": by_kind(drafts, {name: runs[name] for name in (UNTOUCHED, "CE-only", "forward KL")}),
    }
    print(write_result("speculation", result))


if __name__ == "__main__":
    main()
