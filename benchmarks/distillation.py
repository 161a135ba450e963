"""How fast is a distillation step, and how much memory does its loss need?  The usual listing against this course.

    python -m benchmarks.distillation [--rounds 3] [--rows 8]

The pair has the shapes of GPT-2-medium and DistilGPT-2 and random weights; the rows are the same on both sides.  The
listing: float32, rows padded to 128, all logits held several times, the teacher run in every epoch.  Ours: rows packed,
products in bfloat16 where the machine is faster so, the loss in chunks with both output layers inside, the teacher's
last hidden states kept after the first epoch.  Then ours with each of these left out.  A round times one step of the
first epoch and one of a later epoch for every side in turn; real tokens are counted, never padding.  Run it with
nothing else running; an interrupted run goes on.
"""

from __future__ import annotations

import argparse
import functools
import resource
import subprocess
import sys
import time
from dataclasses import dataclass, replace
from statistics import median

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor
from transformers import GPT2Config, GPT2LMHeadModel

from benchmarks.common import shared, write_result
from utils.batches import Batch, Row, model_inputs, pack, pad, valid_tokens
from utils.chunked_loss import chunked_distillation_loss, valid_positions
from utils.losses import IGNORE, distillation_loss
from utils.models import count_parameters, fastest_dtype, freeze
from utils.workspace import ROOT

VOCABULARY, LENGTH, END = 50257, 128, 50256
TEMPERATURE, ALPHA = 3.0, 0.5
POSITIONS = (256, 512, 1024, 2048)
PACKED = (128, 160, 192, 256, 320, 384, 512)


@dataclass(frozen=True)
class Side:
    """Which levers are pulled."""

    packs: bool = True
    low_precision: bool = True
    chunks: bool = True
    keeps: bool = True


OURS = Side()
SIDES = {
    "listing": None,
    "ours": OURS,
    "ours without packing": replace(OURS, packs=False),
    "ours in float32": replace(OURS, low_precision=False),
    "ours with all logits": replace(OURS, chunks=False),
}


def rows_of_random_tokens(count: int, seed: int) -> list[Row]:
    """Rows whose lengths are spread as those of WikiText's paragraphs cut at 128: about 62 % of the positions real."""
    random = np.random.Generator(np.random.PCG64(seed))
    lengths = np.clip(random.lognormal(4.4, 0.9, count), 8, LENGTH).astype(int)
    ids = [tuple(random.integers(0, END, length).tolist()) for length in lengths]
    return [Row(tokens, tokens, str(place), 0) for place, tokens in enumerate(ids)]


def padded_to_the_maximum(rows: list[Row]) -> Batch:
    """As the listing pads: every row to 128, whatever the longest is; labels are the ids, padding too."""
    batch = pad([*rows, Row((END,) * LENGTH, (END,) * LENGTH, "", 0)], END)
    batch = {name: tensor[:-1] for name, tensor in batch.items()}
    return {**batch, "labels": batch["input_ids"]}


def best_pack(rows: list[Row], width: int) -> Batch:
    """Packed to the length that costs least: positions, and attention, which grows with the length."""
    longest = max(len(row.input_ids) for row in rows)
    packed = [pack(rows, length, END) for length in PACKED if length >= longest]
    return min(packed, key=lambda batch: batch["input_ids"].numel() * (1 + batch["input_ids"].shape[1] / (6 * width)))


class Bench:
    """The pair, one optimizer a side, and the steps."""

    def __init__(self, rows: int):
        torch.manual_seed(0)
        self.rows = rows
        self.teacher = freeze(_gpt2(24, 1024, 16))
        self.student = _gpt2(6, 768, 12)
        self.dtype = fastest_dtype("cpu")
        self.low_teacher = self.teacher
        if self.dtype != torch.float32:
            self.low_teacher = freeze(_gpt2(24, 1024, 16)).to(self.dtype)
            self.low_teacher.load_state_dict(self.teacher.state_dict())
        self.optimizer = torch.optim.AdamW(self.student.parameters(), lr=5e-5)

    def timed(self, side: Side | None, number: int) -> dict:
        """Seconds of a step in the first epoch and in a later one, on batch `number`."""
        rows = rows_of_random_tokens(self.rows, number)
        tokens = valid_tokens(pad(rows, END))
        if side is None:
            batch = padded_to_the_maximum(rows)
            step = functools.partial(self.listing_step, batch)
            seconds = [_seconds(step), _seconds(step)]
            return {"first": seconds[0], "later": seconds[1], "tokens": tokens, "computed": batch["input_ids"].numel()}
        batch = best_pack(rows, self.student.config.n_embd) if side.packs else pad(rows, END)
        kept: list[Tensor] = []
        first = _seconds(lambda: kept.append(self.our_step(side, batch, None)))
        later = _seconds(lambda: self.our_step(side, batch, kept[0] if side.keeps else None))
        return {"first": first, "later": later, "tokens": tokens, "computed": batch["input_ids"].numel()}

    def listing_step(self, batch: Batch) -> None:
        """The step as it is often printed."""
        self.student.train()
        with torch.no_grad():
            teacher_logits = self.teacher(**model_inputs(batch)).logits
        student_logits = self.student(**model_inputs(batch)).logits
        loss = listing(student_logits, teacher_logits, batch["labels"])
        self.optimizer.zero_grad()
        loss.backward()
        self.optimizer.step()

    def our_step(self, side: Side, batch: Batch, theirs: Tensor | None) -> Tensor:
        """One update; returns the teacher's hidden states at the valid positions, to be kept."""
        self.student.train()
        self.optimizer.zero_grad()
        loss, theirs = self.loss(side, batch, theirs)
        loss.backward()
        self.optimizer.step()
        return theirs

    def loss(self, side: Side, batch: Batch, theirs: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """The blend in nats per token, and the teacher's hidden states (N, D_t) that it came from."""
        dtype = self.dtype if side.low_precision else torch.float32
        teacher = self.low_teacher if side.low_precision else self.teacher
        inputs = {**model_inputs(batch), "use_cache": False}
        if theirs is None:
            low = {
                name: x.to(dtype) if torch.is_tensor(x) and x.is_floating_point() else x for name, x in inputs.items()
            }
            with torch.no_grad():
                hidden = teacher.transformer(**low).last_hidden_state
            theirs = valid_positions(hidden, batch["labels"])[0]
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=dtype != torch.float32):
            ours = self.student.transformer(**inputs).last_hidden_state
        ours, targets = valid_positions(ours, batch["labels"])
        heads = self.student.lm_head.weight, teacher.lm_head.weight
        if side.chunks:
            loss = chunked_distillation_loss(
                ours.float(), heads[0], theirs, heads[1], targets, TEMPERATURE, ALPHA, products=dtype
            )
            return loss, theirs
        logits = [(x.to(dtype) @ head.to(dtype).T).float() for x, head in zip((ours, theirs), heads, strict=True)]
        # One row: the first label predicts nothing, so the others stand where the logits do.
        labels = torch.cat([targets.new_full((1,), IGNORE), targets])[None]
        logits = [F.pad(x, (0, 0, 0, 1))[None] for x in logits]
        return distillation_loss(*logits, labels, TEMPERATURE, ALPHA), theirs

    def agreement(self) -> float:
        """The relative difference of our loss to the library's dense one in float32, on padded rows."""
        rows = rows_of_random_tokens(self.rows, 0)
        plain, self.student = pad(rows, END), self.student.eval()
        with torch.no_grad():
            logits = [model(**model_inputs(plain)).logits for model in (self.student, self.teacher)]
            dense = distillation_loss(*logits, plain["labels"], TEMPERATURE, ALPHA).item()
            return self.loss(OURS, best_pack(rows, self.student.config.n_embd))[0].item() / dense - 1


def listing(student_logits: Tensor, teacher_logits: Tensor, labels: Tensor) -> Tensor:
    """The loss as it is often printed: no shift, no mask, batchmean."""
    soft_targets = F.softmax(teacher_logits / TEMPERATURE, dim=-1)
    soft_predictions = F.log_softmax(student_logits / TEMPERATURE, dim=-1)
    soft = F.kl_div(soft_predictions, soft_targets, reduction="batchmean")
    hard = F.cross_entropy(student_logits.view(-1, VOCABULARY), labels.view(-1))
    return ALPHA * TEMPERATURE**2 * soft + (1 - ALPHA) * hard


def matmul_rate(dtype: torch.dtype) -> float:
    """FLOP a second of the best of several products in the pair's own shapes."""
    rates = []
    for rows, inner, columns in ((1024, 1024, 4096), (1024, 768, 3072), (512, 768, VOCABULARY)):
        left, right = torch.randn(rows, inner).to(dtype), torch.randn(inner, columns).to(dtype)
        seconds = min(_seconds(lambda left=left, right=right: left @ right) for _ in range(8))
        rates.append(2 * rows * inner * columns / seconds)
    return max(rates)


def loss_memory(kind: str, positions: int) -> int:
    """Bytes of the loss's peak in this process, above its inputs: hidden states and output layers."""
    torch.manual_seed(0)
    ours, head = torch.randn(positions, 768, requires_grad=True), torch.randn(VOCABULARY, 768, requires_grad=True)
    theirs, their_head = torch.randn(positions, 1024), torch.randn(VOCABULARY, 1024)
    targets = torch.randint(VOCABULARY, (positions,))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    if kind == "ours":
        loss = chunked_distillation_loss(ours, head, theirs, their_head, targets, TEMPERATURE, ALPHA)
    else:
        with torch.no_grad():
            teacher_logits = (theirs @ their_head.T).view(-1, LENGTH, VOCABULARY)
        loss = listing((ours @ head.T).view(-1, LENGTH, VOCABULARY), teacher_logits, targets)
    loss.backward()
    unit = 1 if sys.platform == "darwin" else 1024
    return (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * unit


def measured_memory(kind: str, positions: int) -> dict:
    """`loss_memory` in a process of its own, with and without the output layer's gradient, which both sides need."""
    command = [sys.executable, "-m", "benchmarks.distillation", "--loss-memory", kind, str(positions)]
    peak = int(subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, check=True).stdout)
    gradient = VOCABULARY * 768 * 4
    return {"side": kind, "positions": positions, "peak MB": peak / 1e6, "without gradient MB": (peak - gradient) / 1e6}


def table(bench: Bench, done: dict[str, list[dict]], rate: float) -> list[dict]:
    """Real tokens a second over two epochs, the teacher's cost in, by side; the floor last."""
    rows = []
    sides = {**done, "ours without keeping": [{**one, "later": one["first"]} for one in done["ours"]]}
    for name, rounds in sides.items():
        first, later = (median(one["tokens"] / one[epoch] for one in rounds) for epoch in ("first", "later"))
        rows.append(
            {"side": name, "first epoch": first, "later epochs": later, "two epochs": 2 / (1 / first + 1 / later)}
        )
    teacher, student = count_parameters(bench.teacher), count_parameters(bench.student)
    first, later = rate / (2 * teacher + 6 * student), rate / (6 * student)
    rows.append(
        {"side": "floor", "first epoch": first, "later epochs": later, "two epochs": 2 / (1 / first + 1 / later)}
    )
    base = next(row["two epochs"] for row in rows if row["side"] == "listing")
    return [{**row, "times the listing": row["two epochs"] / base} for row in rows]


def _gpt2(layers: int, width: int, heads: int) -> GPT2LMHeadModel:
    return GPT2LMHeadModel(GPT2Config(n_layer=layers, n_embd=width, n_head=heads))


def _seconds(work) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def main() -> None:
    """Measure every side in turn and write benchmarks/results/distillation.json."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--rows", type=int, default=8, help="rows of a batch")
    parser.add_argument("--loss-memory", nargs=2, metavar=("SIDE", "POSITIONS"), help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.loss_memory:
        print(loss_memory(arguments.loss_memory[0], int(arguments.loss_memory[1])))
        return
    memory = [measured_memory(kind, positions) for positions in POSITIONS for kind in ("listing", "ours")]
    bench = Bench(arguments.rows)
    agreement = bench.agreement()
    bench.our_step(OURS, pad(rows_of_random_tokens(2, 99), END), None)  # the optimizer's state is there from now on
    jobs = {
        f"distillation/rows{arguments.rows}/round{number}-{name.replace(' ', '_')}": (name, number)
        for number in range(arguments.rounds)
        for name in SIDES
    }
    found = shared({key: functools.partial(bench.timed, SIDES[name], number) for key, (name, number) in jobs.items()})
    done: dict[str, list[dict]] = {name: [] for name in SIDES}
    for key, (name, _) in jobs.items():
        done[name].append(found[key])
    rate = matmul_rate(bench.dtype)
    result = {
        "rows a batch": arguments.rows,
        "rounds": arguments.rounds,
        "share of real positions": sum(r["tokens"] for r in done["listing"])
        / sum(r["computed"] for r in done["listing"]),
        "parameters": {"teacher": count_parameters(bench.teacher), "student": count_parameters(bench.student)},
        "matmul GFLOP/s": rate / 1e9,
        "our loss over the dense one, minus 1": agreement,
        "rows": table(bench, done, rate),
        "loss memory": memory,
        "rounds measured": done,
    }
    print(write_result("distillation", result))


if __name__ == "__main__":
    main()
