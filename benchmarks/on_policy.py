"""Whose text should a student learn from, and by which divergence?  Lab 6's arms, at equal tokens and equal seconds.

    python -m benchmarks.on_policy [--seeds 5] [--pair FOLDER] [--part tokens seconds gap]

Each arm has its own learning rate, the best of RATES on the tune split with seed 0; the verdict is on validation
questions, with an interval over questions and seeds.  Seconds are this process's own, and the teacher's text costs its
writing.  An interrupted run goes on where it was, and two starts share the work.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from benchmarks.common import write_result
from benchmarks.on_policy_arms import CE, LARGER, PAIR, REFERENCE, SMALLER, TEACHER, TEMPERATURES, Arm, Arms, Scale
from benchmarks.speculation import share_with_interval
from utils.labs.reasoning import FOLDER

RATES = (5e-4, 1e-3, 2e-3)
BETAS = (0.0, 0.5, 1.0)
SFT = (Arm(REFERENCE, 0.0, CE), Arm(TEACHER, 0.0, CE))
GRID = tuple(Arm(TEACHER, share, beta) for share in (0.0, 0.5, 1.0) for beta in BETAS)
ARMS = (*SFT, *GRID)
CONTROL = SFT[0].name
IN_SECONDS = (*SFT, *(arm for arm in GRID if arm.share in (0.0, 1.0) and arm.beta in (0.0, 1.0)))
PAYS = Arm(TEACHER, 1.0, 1.0).name  # whose seconds all others get
GAPS = ((PAIR, 0), (PAIR, 50), (PAIR, 100), (PAIR, 200), (SMALLER, 100), (LARGER, 100))  # and its warm-up
IN_GAPS = (SFT[0], *(arm for arm in GRID if arm.share in (0.0, 1.0) and arm.beta == 1.0))


def best_rates(arms: Arms) -> tuple[dict[str, float], list[dict]]:
    """Each arm's rate that solves most questions of the tune split, and what was tried."""
    tried = arms.judged([replace(arm, rate=rate) for arm in ARMS for rate in RATES], "tune")
    rows = [
        {"arm": arm.name, "rate": arm.rate, "solved": run["greedy"]["solved"], "stopped": run["stopped"]}
        for arm, run in tried.items()
    ]
    best = {arm.name: max((r for r in rows if r["arm"] == arm.name), key=lambda r: r["solved"])["rate"] for arm in ARMS}
    return best, rows


def run_all(arms: Arms, asked: Sequence[Arm], seeds: int) -> dict[str, list[dict]]:
    """The runs of every arm, a list over seeds."""
    wanted = [replace(arm, seed=seed) for arm in asked for seed in range(seeds)]
    done = arms.judged(wanted)
    return {arm.name: [done[replace(arm, seed=seed)] for seed in range(seeds)] for arm in asked}


def solved(runs: Sequence[Mapping], where: str = "greedy") -> np.ndarray:
    """(seeds, questions) of 0 and 1."""
    return np.array([run[where]["by question"] for run in runs], dtype=np.float64)


def row(runs: Sequence[Mapping], control: Sequence[Mapping]) -> dict:
    """One arm: what it solves, against the control on the same questions, what it cost, and where it errs."""
    found: dict = {"seeds": len(runs)}
    for where in ("greedy", "longer"):
        ours = solved(runs, where)
        one_each = np.ones(ours.shape[1])
        found[where] = share_with_interval(ours, one_each)
        found[where]["by seed"] = ours.mean(axis=1).tolist()
        found[where][f"minus {CONTROL}"] = share_with_interval(ours - solved(control, where), one_each)
        found[where] |= errors(runs, where)
    for name in ("tokens", "own tokens", "steps", "stopped"):
        found[name] = [run[name] for run in runs]
    found["seconds"] = [run["training seconds"] + run["text seconds"] for run in runs]
    found["of which text"] = [run["text seconds"] for run in runs]
    for temperature in TEMPERATURES:
        found[f"sampled at {temperature:g}"] = added([run[f"sampled at {temperature:g}"] for run in runs])
    for text in (REFERENCE, TEACHER):
        known = [run[f"nats on {text} text"] for run in runs]
        found[f"nats a token of {text} text"] = sum(sum(k["nats"]) for k in known) / sum(
            sum(k["tokens"]) for k in known
        )
    return found


def errors(runs: Sequence[Mapping], where: str) -> dict:
    """By position, how many steps fail of those before which all was right; and how many are right behind an error."""
    risk, failed = (np.array([run[where][name] for run in runs]).sum(axis=0) for name in ("at_risk", "failed"))
    right, wrong = (sum(run[where][f"{name}_behind"] for run in runs) for name in ("right", "wrong"))
    return {
        "at risk by step": risk.tolist(),
        "failed by step": failed.tolist(),
        "right behind an error": right,
        "wrong behind an error": wrong,
    }


def added(counts: Sequence[Mapping[str, int]]) -> dict[str, int]:
    """Counts of several runs, added up."""
    return {name: sum(one[name] for one in counts) for name in counts[0]}


def at_equal_tokens(arms: Arms, rates: Mapping[str, float], seeds: int) -> dict[str, dict]:
    """Every arm for as many steps of as many rows."""
    runs = run_all(arms, [replace(arm, rate=rates[arm.name]) for arm in ARMS], seeds)
    return {name: row(some, runs[CONTROL]) for name, some in runs.items()}


def at_equal_seconds(arms: Arms, rates: Mapping[str, float], seeds: int, tokens: Mapping[str, Mapping]) -> dict:
    """As many steps as the paying arm's seconds buy, by what a step cost in the runs at equal tokens."""
    a_step = {name: sum(one["seconds"]) / sum(one["steps"]) for name, one in tokens.items()}
    steps = {arm.name: round(arms.scale.steps * a_step[PAYS] / a_step[arm.name]) for arm in IN_SECONDS}
    asked = [replace(arm, rate=rates[arm.name], steps=steps[arm.name]) for arm in IN_SECONDS]
    runs = run_all(arms, asked, seeds)
    return {name: row(some, runs[CONTROL]) for name, some in runs.items()}


def by_gap(arms: Arms, rates: Mapping[str, float], seeds: int) -> list[dict]:
    """The same comparison with students that are nearer to the teacher and farther from it."""
    rows = []
    for student, warm_up in GAPS:
        before = [arms.start(student, seed, warm_up)["by question"] for seed in range(seeds)]
        asked = [replace(arm, rate=rates[arm.name], student=student, warm_up=warm_up) for arm in IN_GAPS]
        runs = run_all(arms, asked, seeds)
        start = {"student": student, "warm-up steps": warm_up, "solved before": float(np.mean(before))}
        rows += [{**start, "arm": name, **row(some, runs[CONTROL])["greedy"]} for name, some in runs.items()]
    return rows


LIVE = {  # the arms that the lab trains, by the names that it has for them
    "SFT, world": SFT[0],
    "SFT, teacher": SFT[1],
    "forward, teacher": Arm(TEACHER, 0.0, 0.0),
    "reverse, teacher": Arm(TEACHER, 0.0, 1.0),
    "forward, student": Arm(TEACHER, 1.0, 0.0),
    "reverse, student": Arm(TEACHER, 1.0, 1.0),
}


def shown(result: Mapping) -> dict:
    """The tables of the lab's text."""
    tokens, seconds = result["tokens"], result.get("seconds", {})
    return {
        "seeds": tokens[CONTROL]["seeds"],
        "live rates": {name: result["rates"][arm.name] for name, arm in LIVE.items()},
        "rows": [_line(name, tokens[arm.name]) for name, arm in LIVE.items()],
        "rows_in_seconds": [_line(name, seconds[arm.name]) for name, arm in LIVE.items() if arm.name in seconds],
        "grid": [
            {"lambda": share}
            | {
                column: tokens[Arm(TEACHER, share, beta).name]["greedy"]["share"]
                for column, beta in zip(("forward", "half", "reverse"), BETAS, strict=True)
            }
            for share in (0.0, 0.5, 1.0)
        ],
        "errors": [_errors(name, tokens[arm.name]["greedy"]) for name, arm in LIVE.items()],
        "diversity": [
            _diversity(name, tokens[arm.name], temperature)
            for name, arm in LIVE.items()
            for temperature in TEMPERATURES
        ],
    }


def _line(name: str, one: Mapping) -> dict:
    minus = one["greedy"][f"minus {CONTROL}"]
    bounds = {key: one["greedy"][key] for key in ("low", "high")}
    more = f"{minus['share']:+.3f} [{minus['low']:+.3f}, {minus['high']:+.3f}]"
    cost = {name: float(np.mean(one[name])) for name in ("steps", "tokens", "seconds")}
    return {"arm": name, "solved": one["greedy"]["share"], **bounds, "minus": more, **cost}


def _errors(name: str, found: Mapping) -> dict:
    shares = [
        failed / max(1, risk) for failed, risk in zip(found["failed by step"], found["at risk by step"], strict=True)
    ]
    right, wrong = found["right behind an error"], found["wrong behind an error"]
    steps = {f"step {place}": share for place, share in enumerate(shares, start=1)}
    return {"arm": name, **steps, "behind": right / max(1, right + wrong)}


def _diversity(name: str, one: Mapping, temperature: float) -> dict:
    counts = one[f"sampled at {temperature:g}"]
    return {
        "arm": name,
        "temperature": temperature,
        "right": counts["right"] / counts["texts"],
        "distinct": counts["distinct"] / counts["questions"],
        "any": counts["any_right"] / counts["questions"],
        "nats": one[f"nats a token of {TEACHER} text"],
    }


def main() -> None:
    """Tune, train, judge, and write benchmarks/results/on_policy.json."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--pair", type=Path, default=FOLDER, help="folder with teacher/ and student/")
    parser.add_argument("--part", nargs="*", choices=("seconds", "gap"), default=("seconds", "gap"))
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    arms = Arms(arguments.pair, Scale(), "lab")
    rates, tried = best_rates(arms)
    result: dict = {"scale": arms.scale.__dict__, "rates": rates, "tried": tried}
    result["before"] = arms.start()
    result["teacher"] = arms.teachers_worth()
    result["tokens"] = at_equal_tokens(arms, rates, arguments.seeds)
    if "seconds" in arguments.part:
        result["seconds"] = at_equal_seconds(arms, rates, arguments.seeds, result["tokens"])
    if "gap" in arguments.part:
        result["gap"] = by_gap(arms, rates, arguments.seeds)
    write_result("on_policy", shown(result) | result)


if __name__ == "__main__":
    main()
