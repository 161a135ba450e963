"""Which text should a student read, what does a leak do to its perplexity, and what does perplexity not see?

    python -m benchmarks.data [--seeds 5] [--profile embedded] [--parts text leaks repeats beyond]

Text: N tokens of the domain against generic text, for labels and for distilling.  Leaks: validation text, or its
natural near-duplicates, in place of as many tokens of training text.  Repeats: training text that repeats itself, at
equal tokens.  Beyond: see `benchmarks.data_beyond`.  Every
arm's learning rate is chosen on the tune split; the verdict is on the validation split.  An interrupted run goes on
where it was, and two starts share the work.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Mapping, Sequence

import numpy as np

from benchmarks.common import RESULTS, from_numbers, pooled_perplexity, write_result
from benchmarks.data_arms import (
    CE,
    CLEAN,
    DISTILLED,
    LEAKS,
    OBJECTIVES,
    REPEATS,
    TEACHER_ALONE,
    TEXTS,
    Data,
    over_seeds,
)
from benchmarks.data_arms import best_rates as best
from benchmarks.data_beyond import beyond
from benchmarks.data_checks import checks
from utils.machine.allocator import keep_freed_memory
from utils.measuring.evaluation import Evaluation, drawn_again, paired_effect
from utils.models.profiles import get_profile

UNIT = {"embedded": 7_000, "smoke": 700}  # N, in tokens
BOTH = (CLEAN, "100 % leaked", "near-duplicates kept")
LEAK_ARMS = [(name, objective) for name in LEAKS for objective in (CE, DISTILLED) if objective == CE or name in BOTH]
COMPARED = (
    ("in-domain N, twice", "generic N, twice"),
    ("half and half, twice", "in-domain N, twice"),
    ("in-domain N, twice", "generic 10 N, once"),
    ("in-domain N, ten times", "generic 10 N, once"),
    ("in-domain N, ten times", "in-domain N, twice"),
    ("in-domain 10 N, once", "in-domain N, ten times"),
)


def evaluations(runs: Sequence[Mapping]) -> list[Evaluation]:
    return [from_numbers(run) for run in runs]


def only(evaluation: Evaluation, names: frozenset[str]) -> Evaluation:
    """The evaluation of these documents alone."""
    chosen = np.array([name in names for name in evaluation.documents])
    documents = tuple(name for name in evaluation.documents if name in names)
    return Evaluation(documents, evaluation.nats[chosen], evaluation.tokens[chosen], evaluation.bytes[chosen])


def text_tables(data: Data, seeds: int) -> dict:
    """Perplexity by text and objective, and what one text is against another."""
    arms = [(name, objective) for name, objectives in OBJECTIVES.items() for objective in objectives]
    rates, tried = best(data, "text", arms)
    done = over_seeds(data, "text", rates, seeds)
    found = {arm: evaluations(runs) for arm, runs in done.items()}
    untouched = [data.references()["untouched"]] * seeds
    rows = [
        {
            "text": name, "objective": objective, "rate": rates[name, objective], "perplexity": pooled_perplexity(runs),
            "over untouched": paired_effect(runs, untouched).as_dict(), "by seed": [one.perplexity for one in runs],
            "documents": [len(data.text_rows(TEXTS[name], seed)) for seed in range(seeds)],
            "tokens read": [run["train_tokens"] for run in done[name, objective]],
        }
        for (name, objective), runs in found.items()
    ]  # fmt: skip
    effects = [
        {"text": one, "over": other, "objective": objective}
        | paired_effect(found[one, objective], found[other, objective]).as_dict()
        for one, other in COMPARED
        for objective in (CE, DISTILLED, TEACHER_ALONE)
        if (one, objective) in found and (other, objective) in found
    ]
    distilling = [
        {"text": name, "objective": objective} | paired_effect(found[name, objective], found[name, CE]).as_dict()
        for name, objective in found
        if objective != CE
    ]
    return {"rows": rows, "one text over another": effects, "over CE-only": distilling, "tuning": tried}


def leak_tables(data: Data, seeds: int) -> dict:
    """What the same number of tokens does with the judged text among them: on what leaked, on the rest, and apart."""
    rates, tried = best(data, "leak", [(CLEAN, objective) for objective in (CE, DISTILLED)])
    done = over_seeds(data, "leak", {arm: rates[CLEAN, arm[1]] for arm in LEAK_ARMS}, seeds)
    found = {arm: evaluations(runs) for arm, runs in done.items()}
    judged = frozenset(document.name for document in data.judged)
    apart = frozenset(document.name for document in data.apart)
    rows = []
    for (name, objective), runs in found.items():
        leak = LEAKS[name]
        seen = frozenset(data.hit) if leak.natural else frozenset(d.name for d in data.leaked(leak))
        places = {"all": judged, "leaked": seen, "others": judged - seen, "apart": apart}
        row = {"leak": name, "objective": objective, "rate": rates[CLEAN, objective], "leaked documents": len(seen)}
        for place, names in places.items():
            if names:
                ours, clean = ([only(one, names) for one in some] for some in (runs, found[CLEAN, objective]))
                row[place] = {"perplexity": pooled_perplexity(ours), **paired_effect(ours, clean).as_dict()}
        row["judged over apart"] = two_texts(runs, judged, apart)
        rows.append(row)
    before = two_texts([data.references()["untouched, leaks"]], judged, apart)
    distilling = [
        {"leak": name, **paired_effect(*([only(run, judged) for run in found[name, o]] for o in (DISTILLED, CE)))
         .as_dict()}
        for name in BOTH
    ]  # fmt: skip
    return {
        "rows": rows,
        "distilled over CE-only": distilling,
        "untouched, judged over apart": before,
        "tuning": tried,
        "documents": {
            "judged": len(data.judged), "apart": len(data.apart), "repeating": len(data.repeating), "hit": len(data.hit)
        },
        "training tokens": [sum(row.valid for row in data.leak_rows(LEAKS[CLEAN], seed)) for seed in range(seeds)],
    }  # fmt: skip


def repeat_tables(data: Data, seeds: int) -> dict:
    """What training text that repeats itself does at equal tokens, on a split that it repeats nowhere."""
    rates, _ = best(data, "leak", [(CLEAN, objective) for objective in (CE, DISTILLED)])
    arms = [(name, objective) for name in REPEATS for objective in (CE, DISTILLED)]
    done = over_seeds(data, "leak", {arm: rates[CLEAN, arm[1]] for arm in arms}, seeds)
    apart = frozenset(document.name for document in data.apart)
    found = {arm: [only(run, apart) for run in evaluations(runs)] for arm, runs in done.items()}
    rows = [
        {"training text": name, "objective": objective, "perplexity": pooled_perplexity(runs)}
        | paired_effect(runs, found[CLEAN, objective]).as_dict()
        for (name, objective), runs in found.items()
    ]
    repeated = len(data.clean) - len(data.distinct)
    return {"rows": rows, "documents": len(data.clean), "documents that repeat others": repeated}


def two_texts(runs: Sequence[Evaluation], first: frozenset[str], second: frozenset[str]) -> dict[str, float]:
    """The perplexity on one text over that on another, with a 95 % interval over documents of both and seeds."""
    logs, value = [], 0.0
    for sign, names, seed in ((1, first, 0), (-1, second, 1)):
        some = [only(run, names) for run in runs]
        nats, tokens = np.stack([one.nats for one in some]), some[0].tokens
        logs.append(sign * drawn_again(nats, seed) / drawn_again(tokens[None], seed))
        value += sign * nats.sum() / tokens.sum() / len(some)
    low, high = np.exp(np.percentile(sum(logs), [2.5, 97.5]))
    return {"ratio": float(np.exp(value)), "low": float(low), "high": float(high)}


def main() -> None:
    """Run the parts that are asked for and write benchmarks/results/data.json; other parts stay as they were."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--profile", default="embedded")
    parts: dict[str, Callable[[Data, int], dict]] = {
        "checks": lambda data, _: checks(data),
        "leaks": leak_tables,
        "repeats": repeat_tables,
        "beyond": beyond,
        "text": text_tables,
    }
    parser.add_argument("--parts", nargs="+", choices=parts, default=list(parts))
    arguments = parser.parse_args()
    keep_freed_memory()
    profile = get_profile(arguments.profile)
    data = Data(profile, UNIT[profile.name])
    path = RESULTS / "data.json"
    result = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    result |= {"profile": profile.name, "N": data.unit}
    for name in arguments.parts:
        result[name] = {**parts[name](data, arguments.seeds), "seeds": arguments.seeds}
        print(name, write_result("data", result), flush=True)


if __name__ == "__main__":
    main()
