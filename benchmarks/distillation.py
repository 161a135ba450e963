"""How fast is a distillation step, and how much memory does its loss need?  The usual listing against this course.

    python -m benchmarks.distillation [--rounds 5] [--rows 8]

The pair has the shapes of GPT-2-medium and DistilGPT-2 and random weights; the rows are the same on both sides.  The
listing: float32, rows padded to 128, all logits held several times, the teacher run in every epoch.  Ours is what the
course's library has for such a pair (docs/speed.md): rows packed, products in bfloat16 where the machine is faster so,
the loss in chunks with both output layers inside, kernels chosen for a CPU, the teacher's last hidden states kept in
memory after the first epoch.  Then ours with each of these left out; Lab 2, where the loss and the step are the
learner's, packs nothing and has all logits.  A round times one step of the first epoch and one of a later epoch for
every side in turn; real tokens are counted, never padding.  The rate of products that the floor spends is measured in
every round, too, for a machine's speed changes by the minute.  All sides run in one process, so the listing, too,
profits from memory that is kept.  Run it with nothing else running.
"""

from __future__ import annotations

import argparse
import functools
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from statistics import median

import numpy as np
import torch
from torch import Tensor
from transformers import GPT2Config, GPT2LMHeadModel

from benchmarks.common import write_result
from benchmarks.distillation_losses import (
    ALPHA,
    LENGTH,
    OTHERS,
    POSITIONS,
    TEMPERATURE,
    VOCABULARY,
    listing,
    measured,
)
from utils.data.batches import Batch, Row, model_inputs, pack, pad, valid_tokens
from utils.losses.core import distillation_loss
from utils.machine.allocator import keep_freed_memory
from utils.models import forward
from utils.models import loading as models
from utils.teachers.remembering import RememberingTeacher
from utils.training import loop as training
from utils.training.chunked_step import blend_from_hidden, last_hidden
from utils.training.steps import update

END = VOCABULARY - 1
OTHER_ROWS = 10_000  # a seed that no round has
PACKED = range(LENGTH // 2, 4 * LENGTH + 1, 16)


@dataclass(frozen=True)
class Side:
    """Which levers are pulled."""

    packs: bool = True
    low_precision: bool = True
    chunks: bool = True
    kernels: bool = True
    keeps: bool = True


OURS = Side()
SIDES = {
    "listing": None,
    "ours": OURS,
    "ours without packing": replace(OURS, packs=False),
    "ours in float32": replace(OURS, low_precision=False),
    "ours with all logits": replace(OURS, chunks=False),
    "ours as Lab 2 has it: all logits, no packing": replace(OURS, chunks=False, packs=False),
    "ours with torch's and transformers' kernels": replace(OURS, kernels=False),
    "ours without keeping": replace(OURS, keeps=False),
}


@dataclass
class Models:
    """A frozen teacher, a student and its optimizer."""

    teacher: GPT2LMHeadModel
    student: GPT2LMHeadModel
    optimizer: torch.optim.Optimizer

    @classmethod
    def made(cls, fused: bool) -> Models:
        """With random weights, the same each time."""
        torch.manual_seed(0)
        sizes = ((24, 1024, 16), (6, 768, 12))
        teacher, student = (_gpt2(*size) for size in sizes)
        return cls(models.freeze(teacher), student, torch.optim.AdamW(student.parameters(), lr=5e-5, fused=fused))


def rows_of_random_tokens(count: int, seed: int) -> list[Row]:
    """Rows of many lengths, cut at 128, as paragraphs are."""
    random = np.random.Generator(np.random.PCG64(seed))
    lengths = np.clip(random.lognormal(4.4, 0.9, count), 8, LENGTH).astype(int)
    ids = [tuple(random.integers(0, END, length).tolist()) for length in lengths]
    return [Row(tokens, tokens, str(place), 0) for place, tokens in enumerate(ids)]


def padded_to_the_maximum(rows: list[Row]) -> Batch:
    """As the listing pads: every row to 128, whatever the longest is; labels are the ids, padding too."""
    batch = pad([*rows, Row((END,) * LENGTH, (END,) * LENGTH, "", 0)], END)
    batch = {name: tensor[:-1] for name, tensor in batch.items()}
    return {**batch, "labels": batch["input_ids"]}


def best_pack(rows: list[Row]) -> Batch:
    """Packed to the length that costs least: positions, and attention, which grows with the length.

    At 416 tokens, attention (its softmax, mask and dropout more than its products) took 0.4 of the layers' other time.
    """
    longest = max(len(row.input_ids) for row in rows)
    packed = [pack(rows, length, END) for length in PACKED if length >= longest]
    return min(packed, key=lambda batch: batch["input_ids"].numel() * (1 + batch["input_ids"].shape[1] / 1000))


class Bench:
    """Two pairs with the same weights, one as transformers makes it and one as the course does, and the steps."""

    def __init__(self, rows: int):
        keep_freed_memory()
        self.rows = rows
        self.plain = Models.made(fused=False)
        self.dtype = forward.fastest_dtype("cpu")
        self.fast = Models.made(fused=True)
        for model in (self.fast.teacher, self.fast.student):
            forward.with_fast_kernels(model)

    def timed(self, side: Side | None, number: int) -> dict:
        """Seconds of a step in the first epoch and in a later one, on batch `number`."""
        rows = rows_of_random_tokens(self.rows, number)
        tokens = valid_tokens(pad(rows, END))
        if side is None:
            batch = padded_to_the_maximum(rows)
            first, later = (_seconds(lambda: self.listing_step(batch)) for _ in range(2))
        else:
            batch = best_pack(rows) if side.packs else pad(rows, END)
            first, later = self.our_steps(side, batch)
        return {"first": first, "later": later, "tokens": tokens, "computed": batch["input_ids"].numel()}

    def listing_step(self, batch: Batch) -> None:
        """The step as it is often printed."""
        self._computing_in(self.plain, torch.float32)
        teacher, student, optimizer = self.plain.teacher, self.plain.student, self.plain.optimizer
        student.train()
        with torch.no_grad():
            teacher_logits = teacher(**model_inputs(batch)).logits
        loss = listing(student(**model_inputs(batch)).logits, teacher_logits, batch["labels"])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()

    def our_steps(self, side: Side, batch: Batch) -> tuple[float, float]:
        """Seconds of a step of the first epoch and of a later one."""
        pair = self.fast if side.kernels else self.plain
        self._computing_in(pair, self.dtype if side.low_precision else torch.float32)
        if not side.chunks:
            teacher = self._remembering(pair.teacher) if side.keeps else pair.teacher
            loss = functools.partial(distillation_loss, temperature=TEMPERATURE, alpha=ALPHA)
            step = functools.partial(training.train_step, pair.student, teacher, batch, pair.optimizer, loss)
            return _seconds(step), _seconds(step)
        kept: list[Tensor] = []

        def step() -> None:
            if not kept or not side.keeps:
                with torch.no_grad():
                    kept[:] = [last_hidden(pair.teacher, batch)]
            loss = functools.partial(blend_from_hidden, pair.student, pair.teacher, batch, kept[0], TEMPERATURE, ALPHA)
            update(pair.student, pair.optimizer, loss)

        return _seconds(step), _seconds(step)

    def _remembering(self, teacher: GPT2LMHeadModel) -> RememberingTeacher:
        """One in the middle of an epoch: in its first step of all it also tries whether it may remember."""
        remembering = RememberingTeacher(teacher)
        remembering(**model_inputs(pad(rows_of_random_tokens(1, OTHER_ROWS), END)))
        return remembering

    def agreement(self) -> float:
        """The relative difference of our loss to the library's dense one in float32, on padded rows."""
        rows = rows_of_random_tokens(self.rows, 0)
        plain, packed = pad(rows, END), best_pack(rows)
        self._computing_in(self.plain, torch.float32)
        self._computing_in(self.fast, self.dtype)
        self.plain.student.eval(), self.fast.student.eval()
        with torch.no_grad():
            logits = [m(**model_inputs(plain)).logits for m in (self.plain.student, self.plain.teacher)]
            dense = distillation_loss(*logits, plain["labels"], TEMPERATURE, ALPHA).item()
            theirs = last_hidden(self.fast.teacher, packed)
            ours = blend_from_hidden(self.fast.student, self.fast.teacher, packed, theirs, TEMPERATURE, ALPHA)
        return ours.item() / dense - 1

    def warm_up(self) -> None:
        """One step of either pair, after which the optimizers' states are there."""
        self.timed(None, 99)
        self.timed(OURS, 99)

    def _computing_in(self, pair: Models, dtype: torch.dtype) -> None:
        for model in (pair.teacher, pair.student):
            forward.with_fast_forward(model, dtype)


def matmul_rate(dtype: torch.dtype) -> float:
    """FLOP a second of the best of several products in the pair's own shapes."""
    rates = []
    for rows, inner, columns in ((1024, 1024, 4096), (1024, 768, 3072), (512, 768, VOCABULARY)):
        left, right = torch.randn(rows, inner).to(dtype), torch.randn(inner, columns).to(dtype)
        seconds = min(_seconds(lambda left=left, right=right: left @ right) for _ in range(8))
        rates.append(2 * rows * inner * columns / seconds)
    return max(rates)


def table(sizes: dict[str, int], done: dict[str, list[dict]], rate: float) -> list[dict]:
    """Real tokens a second over two epochs, the teacher's cost in, by side; the floor last."""
    rows = []
    for name, rounds in done.items():
        first, later = (median(one["tokens"] / one[epoch] for one in rounds) for epoch in ("first", "later"))
        rows.append({"side": name, "first epoch": first, "later epochs": later})
    first, later = rate / (2 * sizes["teacher"] + 6 * sizes["student"]), rate / (6 * sizes["student"])
    rows.append({"side": "floor", "first epoch": first, "later epochs": later})
    for row in rows:
        row["two epochs"] = 2 / (1 / row["first epoch"] + 1 / row["later epochs"])
        row["times the listing"] = row["two epochs"] / rows[0]["two epochs"]
    return rows


def _gpt2(layers: int, width: int, heads: int) -> GPT2LMHeadModel:
    return forward.with_positions(GPT2LMHeadModel(GPT2Config(n_layer=layers, n_embd=width, n_head=heads)))


def _seconds(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def main() -> None:
    """Measure every side in turn and write benchmarks/results/distillation.json."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--rows", type=int, default=8, help="rows of a batch")
    arguments = parser.parse_args()
    losses = [measured(kind, positions) for positions in POSITIONS for kind in ("listing", "ours", *OTHERS)]
    bench = Bench(arguments.rows)
    agreement = bench.agreement()
    bench.warm_up()
    sides = {name: side for name, side in SIDES.items() if bench.dtype != torch.float32 or name != "ours in float32"}
    done: dict[str, list[dict]] = {name: [] for name in sides}
    rates = []
    for number in range(arguments.rounds):
        rates.append(matmul_rate(bench.dtype))
        for name, side in sides.items():
            done[name].append(bench.timed(side, number))
            print(f"round {number + 1} of {arguments.rounds}, {name}: done", file=sys.stderr, flush=True)
    rate = median(rates)
    sizes = {name: models.count_parameters(getattr(bench.plain, name)) for name in ("teacher", "student")}
    result = {
        "rows a batch": arguments.rows,
        "rounds": arguments.rounds,
        "share of real positions": sum(r["tokens"] for r in done["listing"])
        / sum(r["computed"] for r in done["listing"]),
        "parameters": sizes,
        "matmul GFLOP/s": rate / 1e9,
        "matmul GFLOP/s by round": [rate / 1e9 for rate in rates],
        "our loss over the dense one, minus 1": agreement,
        "rows": table(sizes, done, rate),
        "losses": losses,
        "rounds measured": done,
    }
    print(write_result("distillation", result))


if __name__ == "__main__":
    main()
