"""Whose text should a student learn from, and by which divergence?  Lab 6's arms, at equal tokens and equal seconds.

    python -m benchmarks.on_policy [--seeds 10] [--pair FOLDER] [--part arms seconds mixtures gap]

Each arm has its own learning rate: the best on the tune split with seed 0, from a grid that grows where the best lies
at its edge.  The verdict is on validation questions, with an interval over questions and seeds.  The lab trains six of
the arms.  Every part is written down when it is done; an interrupted run goes on, and a part that is not asked for
stays as it was written last.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from benchmarks.common import RESULTS, next_rates, share_with_interval, write_result
from benchmarks.on_policy_arms import CE, LARGER, PAIR, REFERENCE, SMALLER, TEACHER, TEMPERATURES, Arm, Arms, Scale
from utils.labs.reasoning import FOLDER
from utils.machine.allocator import keep_freed_memory

PARTS = ("arms", "seconds", "mixtures", "gap")
RATES, MOST_RATES = (1e-3, 2e-3, 4e-3), 6
SHARES, BETAS = (0.0, 0.5, 1.0), {"forward": 0.0, "half": 0.5, "reverse": 1.0}
LIVE = {  # the arms that the lab trains, by the names that it has for them
    "SFT, world": Arm(REFERENCE, 0.0, CE),
    "SFT, teacher": Arm(TEACHER, 0.0, CE),
    "forward, teacher": Arm(TEACHER, 0.0, 0.0),
    "reverse, teacher": Arm(TEACHER, 0.0, 1.0),
    "forward, student": Arm(TEACHER, 1.0, 0.0),
    "reverse, student": Arm(TEACHER, 1.0, 1.0),
}
GRID = tuple(Arm(TEACHER, share, beta) for share in SHARES for beta in BETAS.values())
MIXTURES = tuple(arm for arm in GRID if arm not in LIVE.values())
CONTROL, PAYS = "SFT, world", "reverse, student"  # what all are compared with; whose seconds all others get
GAPS = ((PAIR, 0), (PAIR, None), (PAIR, 300), (SMALLER, None), (LARGER, None))  # and its warm-up, None for the usual
FEWER = 5  # what so many seeds would have shown
MINUS = {"minus": "control", "minus start": "start"}  # by its name in the lab's table
IN_GAPS = ("SFT, world", "reverse, teacher", "reverse, student")
AXES = {  # what changing one choice does, the other held
    "the student's text for the teacher's, forward KL": ("forward, student", "forward, teacher"),
    "the student's text for the teacher's, reverse KL": ("reverse, student", "reverse, teacher"),
    "reverse for forward KL, the teacher's text": ("reverse, teacher", "forward, teacher"),
    "reverse for forward KL, the student's text": ("reverse, student", "forward, student"),
}


def best_rates(arms: Arms, asked: Sequence[Arm]) -> tuple[dict[str, float], list[dict]]:
    """Each arm's rate that solves most questions of the tune split, and what was tried."""
    best, tried = {}, []
    for arm in asked:
        rows: list[dict] = []
        more: tuple[float, ...] = RATES
        while more and len(rows) < MOST_RATES:
            runs = arms.judged([replace(arm, rate=rate) for rate in more], "tune")
            rows += [
                {"arm": arm.name, "rate": one.rate, "solved": run["greedy"]["solved"], "stopped": run["stopped"]}
                for one, run in runs.items()
            ]
            missed = {row["rate"]: -row["solved"] for row in sorted(rows, key=lambda row: row["rate"])}
            best[arm.name], more = min(missed, key=missed.get), next_rates(missed)
        tried += rows
    return best, tried


def runs_of(arms: Arms, asked: Mapping[str, Arm], seeds: int, look: bool = False) -> dict[str, list[dict]]:
    """The runs of every arm by its name here, a list over seeds; every arm's first seed before any arm's second."""
    wanted = [replace(arm, seed=seed) for seed in range(seeds) for arm in asked.values()]
    done = arms.judged(wanted, look=look)
    return {name: [done[replace(arm, seed=seed)] for seed in range(seeds)] for name, arm in asked.items()}


def solved(runs: Sequence[Mapping]) -> np.ndarray:
    """(seeds, questions) of 0 and 1."""
    return np.array([run["greedy"]["by question"] for run in runs], dtype=np.float64)


def share(runs: Sequence[Mapping], minus: Sequence[Mapping] = ()) -> dict[str, float]:
    """The share solved, or by how much it is larger than that of other runs of the same seeds, with its interval."""
    found = solved(runs) - (solved(minus[: len(runs)]) if minus else 0)
    return share_with_interval(found, np.ones(found.shape[1]))


def row(runs: Sequence[Mapping], control: Sequence[Mapping], before: Sequence[Mapping], seconds: float) -> dict:
    """One arm: what it solves, against control and start on the same questions, what it cost, and where it errs."""
    found: dict = {"seeds": len(runs), **share(runs), "by seed": solved(runs).mean(axis=1).tolist()}
    found |= {
        "minus control": share(runs, control),
        "minus start": share(runs, before),
        "seconds": seconds * runs[0]["steps"],
    } | errors(runs)
    found |= {name: [run[name] for run in runs] for name in ("tokens", "own tokens", "steps", "stopped")}
    for name in (f"sampled at {temperature:g}" for temperature in TEMPERATURES):
        if name in runs[0]:
            found[name] = added([run[name] for run in runs])
    for name in (f"nats on {text} text" for text in (REFERENCE, TEACHER)):
        if name in runs[0]:
            found[name] = sum(sum(run[name]["nats"]) for run in runs) / sum(sum(run[name]["tokens"]) for run in runs)
    return found


def errors(runs: Sequence[Mapping]) -> dict:
    """By position, how many steps fail of those before which all was right; and how many are right behind an error."""
    risk, failed = (np.array([run["greedy"][name] for run in runs]).sum(axis=0) for name in ("at_risk", "failed"))
    right, wrong = (sum(run["greedy"][f"{name}_behind"] for run in runs) for name in ("right", "wrong"))
    return {
        "at risk by step": risk.tolist(),
        "failed by step": failed.tolist(),
        "right behind an error": right,
        "wrong behind an error": wrong,
    }


def added(counts: Sequence[Mapping[str, int]]) -> dict[str, int]:
    """Counts of several runs, added up."""
    return {name: sum(one[name] for one in counts) for name in counts[0]}


def of_arms(arms: Arms, seeds: int) -> dict:
    """Costs, rates, where the arms start, and what each makes of it at equal tokens."""
    rates, tried = best_rates(arms, tuple(LIVE.values()))
    found = {"scale": arms.scale.__dict__, "costs": arms.costs(), "rates": rates, "tried": tried}
    found |= {"before": arms.start(), "teacher": arms.teachers_worth()}
    return found | at_equal_tokens(arms, rates, seeds)


def axes(runs: Mapping[str, Sequence[Mapping]]) -> list[dict]:
    """What each of the two choices does, on the same questions and seeds."""
    return [{"change": name, **share(runs[one], runs[other])} for name, (one, other) in AXES.items()]


def starts(arms: Arms, seeds: int) -> list[dict]:
    """What every seed's warm student solves before any of the runs."""
    return [{"greedy": arms.start(seed=seed)} for seed in range(seeds)]


def at_equal_tokens(arms: Arms, rates: Mapping[str, float], seeds: int) -> dict:
    """The lab's arms for as many steps of as many rows, and what each of the two choices does."""
    runs = runs_of(arms, {name: replace(arm, rate=rates[arm.name]) for name, arm in LIVE.items()}, seeds, look=True)
    costs, before = arms.costs(), starts(arms, seeds)
    return {
        "start": {"arm": "none: the start", "by seed": solved(before).mean(axis=1).tolist(), **share(before)},
        "tokens": {name: row(some, runs[CONTROL], before, LIVE[name].seconds(costs)) for name, some in runs.items()},
        "axes": axes(runs),
        "axes of fewer seeds": axes({name: some[:FEWER] for name, some in runs.items()}),
    }


def at_equal_seconds(arms: Arms, rates: Mapping[str, float], seeds: int) -> dict:
    """As many steps as the paying arm's seconds buy."""
    costs = arms.costs()
    steps = {
        name: round(arms.scale.steps * LIVE[PAYS].seconds(costs) / arm.seconds(costs)) for name, arm in LIVE.items()
    }
    asked = {name: replace(arm, rate=rates[arm.name], steps=steps[name]) for name, arm in LIVE.items()}
    asked = {name: replace(arm, steps=None) if arm.steps == arms.scale.steps else arm for name, arm in asked.items()}
    runs, before = runs_of(arms, asked, seeds), starts(arms, seeds)
    rows = {name: row(some, runs[CONTROL], before, LIVE[name].seconds(costs)) for name, some in runs.items()}
    return {"seconds": rows, "axes in seconds": axes(runs)}


def mixtures(arms: Arms, rates: Mapping[str, float], seeds: int, costs: Mapping[str, float]) -> dict[str, dict]:
    """The rest of the grid of lambda and beta."""
    runs = runs_of(arms, {arm.name: replace(arm, rate=rates[arm.name]) for arm in MIXTURES}, seeds)
    control = runs_of(arms, {CONTROL: replace(LIVE[CONTROL], rate=rates[LIVE[CONTROL].name])}, seeds)[CONTROL]
    before = starts(arms, seeds)
    return {arm.name: row(runs[arm.name], control, before, arm.seconds(costs)) for arm in MIXTURES}


def by_gap(arms: Arms, seeds: int) -> list[dict]:
    """Three arms with students that are nearer to the teacher and farther from it, each at its own best rate."""
    rows = []
    for student, warm_up in GAPS:
        start = {"student": student, "warm-up steps": arms.scale.warm_up if warm_up is None else warm_up}
        before = [{"greedy": arms.start(student, seed, warm_up)} for seed in range(seeds)]
        rows.append({**start, "arm": "none: the start", "seeds": seeds, **share(before)})
        arm_of = {name: replace(LIVE[name], student=student, warm_up=warm_up) for name in IN_GAPS}
        rates, _ = best_rates(arms, tuple(arm_of.values()))
        asked = {name: replace(arm, rate=rates[arm.name]) for name, arm in arm_of.items()}
        runs = runs_of(arms, asked, seeds)
        for name, some in runs.items():
            found = share(some) | {"minus control": share(some, runs[CONTROL]), "minus start": share(some, before)}
            rows.append({**start, "arm": name, "rate": asked[name].rate, "seeds": seeds, **found})
    return rows


def shown(result: Mapping) -> dict:
    """The tables of the lab's text."""
    tokens = result["tokens"]
    found = {
        "seeds": tokens[CONTROL]["seeds"],
        "live rates": {name: result["rates"][arm.name] for name, arm in LIVE.items()},
        "rows": [_line(name, one) | {"rate": result["rates"][LIVE[name].name]} for name, one in tokens.items()],
        "choices": [
            line | {"fewer": signed(one)}
            for line, one in zip(choices(result["axes"]), result["axes of fewer seeds"], strict=True)
        ],
        "errors": [_errors(name, one) for name, one in tokens.items()],
        "diversity": [
            _diversity(name, one, temperature) for name, one in tokens.items() for temperature in TEMPERATURES
        ],
    }
    one = result["start"]
    start = {"arm": one["arm"], "solved": one["share"], "low": one["low"], "high": one["high"]}
    start |= {"minus": "", "minus start": "", "rate": ""}
    found["rows_and_start"] = [start, *found["rows"]]
    if "seconds" in result:
        found["choices_in_seconds"] = choices(result["axes in seconds"])
        found["rows_in_seconds"] = [_line(name, one) for name, one in result["seconds"].items()]
    if "gap" in result:
        found["gaps"] = [
            {name: one[name] for name in ("student", "warm-up steps", "arm", "share", "low", "high", "seeds")}
            | {"rate": one.get("rate", "")}
            | {short: signed(one[f"minus {what}"]) if f"minus {what}" in one else "" for short, what in MINUS.items()}
            for one in result["gap"]
        ]
    if "mixtures" in result:
        named = {LIVE[name].name: one for name, one in tokens.items()} | result["mixtures"]
        found["grid"] = [
            {"lambda": part} | {column: bounds(named[Arm(TEACHER, part, beta).name]) for column, beta in BETAS.items()}
            for part in SHARES
        ]
    return found


def choices(differences: Sequence[Mapping]) -> list[dict]:
    """A line of the lab's table for each choice."""
    return [{"change": one["change"], "difference": signed(one)} for one in differences]


def signed(one: Mapping[str, float]) -> str:
    """A difference with its interval."""
    return f"{one['share']:+.3f} [{one['low']:+.3f}, {one['high']:+.3f}]"


def bounds(one: Mapping[str, float]) -> str:
    """A share with its interval."""
    return f"{one['share']:.3f} [{one['low']:.3f}, {one['high']:.3f}]"


def _line(name: str, one: Mapping) -> dict:
    cost = {"steps": one["steps"][0], "tokens": float(np.mean(one["tokens"])), "seconds": one["seconds"]}
    found = {"solved": one["share"], "low": one["low"], "high": one["high"]}
    differences = {"minus": signed(one["minus control"]), "minus start": signed(one["minus start"])}
    return {"arm": name, **found, **differences, **cost}


def _errors(name: str, one: Mapping) -> dict:
    steps = zip(one["failed by step"], one["at risk by step"], strict=True)
    right, wrong = one["right behind an error"], one["wrong behind an error"]
    shares = {f"step {place}": failed / max(1, risk) for place, (failed, risk) in enumerate(steps, start=1)}
    return {"arm": name, **shares, "behind": right / max(1, right + wrong), "steps behind": right + wrong}


def _diversity(name: str, one: Mapping, temperature: float) -> dict:
    counts = one[f"sampled at {temperature:g}"]
    return {
        "arm": name,
        "temperature": temperature,
        "right": counts["right"] / counts["texts"],
        "distinct": counts["distinct"] / counts["questions"],
        "any": counts["any_right"] / counts["questions"],
        "nats": one[f"nats on {TEACHER} text"],
    }


def known_rates(known: Mapping, rates: Mapping[str, float], tried: list[dict]) -> dict:
    """These rates and what was tried for them, beside those of other arms; what is measured again is new."""
    others = [row for row in known.get("tried", ()) if row["arm"] not in rates]
    return {"rates": {**known.get("rates", {}), **rates}, "tried": tried + others}


def measured(part: str, arms: Arms, known: Mapping, seeds: int) -> dict:
    """One part measured; ``known`` is what the parts before it found, and what other parts found earlier."""
    if part == "arms":
        found = of_arms(arms, seeds)
        return found | known_rates(known, found["rates"], found["tried"])
    if part == "seconds":
        return at_equal_seconds(arms, known["rates"], seeds)
    if part == "gap":
        return {"gap": by_gap(arms, seeds)}
    tuned = known_rates(known, *best_rates(arms, MIXTURES))
    return tuned | {"mixtures": mixtures(arms, tuned["rates"], seeds, known["costs"])}


def main() -> None:
    """Tune, train, judge, and write benchmarks/results/on_policy.json after every part."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--pair", type=Path, default=FOLDER, help="folder with teacher/ and student/")
    parser.add_argument("--part", nargs="*", choices=PARTS, default=PARTS)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    keep_freed_memory()
    arms, written = Arms(arguments.pair, Scale(), "lab"), RESULTS / "on_policy.json"
    result = json.loads(written.read_text(encoding="utf-8")) if written.exists() else {}
    for part in (part for part in PARTS if part in arguments.part):
        result |= measured(part, arms, result, arguments.seeds)
        result |= shown(result)
        write_result("on_policy", result)


if __name__ == "__main__":
    main()
