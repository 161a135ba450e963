"""What does a distillation loss need, in memory and time?  The listing's, this course's, TRL's and Liger Kernel's.

    python -m benchmarks.distillation_losses ours 1024

Everything is in float32 and starts from hidden states of GPT-2-medium's and DistilGPT-2's width, each in a process of
its own, because a process's peak memory never falls again.  TRL's divergence has no hard part and no T squared, so it
does less.  TRL and Liger Kernel are measured where they are installed (Liger Kernel: `pip install --no-deps
liger-kernel`; its chunked losses are plain PyTorch and need no Triton); elsewhere the result says why not.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import time
from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor

from utils.losses.chunked import CHUNK, chunked_distillation_loss
from utils.machine.allocator import keep_freed_memory
from utils.machine.workspace import ROOT

VOCABULARY, LENGTH, WIDTH, TEACHER_WIDTH = 50257, 128, 768, 1024
TEMPERATURE, ALPHA = 3.0, 0.5
POSITIONS = (256, 512, 1024, 2048)
OTHERS = ("TRL", "Liger Kernel")
Loss = Callable[[Tensor, Tensor, Tensor, Tensor, Tensor], Tensor]


def listing(student_logits: Tensor, teacher_logits: Tensor, labels: Tensor) -> Tensor:
    """The loss as it is often printed: no shift, no mask, batchmean.  Logits (B, S, V), labels (B, S)."""
    soft_targets = F.softmax(teacher_logits / TEMPERATURE, dim=-1)
    soft_predictions = F.log_softmax(student_logits / TEMPERATURE, dim=-1)
    soft = F.kl_div(soft_predictions, soft_targets, reduction="batchmean")
    hard = F.cross_entropy(student_logits.view(-1, VOCABULARY), labels.view(-1))
    return ALPHA * TEMPERATURE**2 * soft + (1 - ALPHA) * hard


def loss_of(kind: str) -> Loss:
    """The loss from hidden states (N, D), output layers (V, D) and targets (N,).  ImportError: not installed."""
    return {"listing": _listing, "ours": lambda: _ours, "TRL": _trl, "Liger Kernel": _liger}[kind]()


def _listing() -> Loss:
    def loss(ours, head, theirs, their_head, targets):
        with torch.no_grad():
            teacher_logits = (theirs @ their_head.T).view(-1, LENGTH, VOCABULARY)
        return listing((ours @ head.T).view(-1, LENGTH, VOCABULARY), teacher_logits, targets)

    return loss


def _ours(ours: Tensor, head: Tensor, theirs: Tensor, their_head: Tensor, targets: Tensor) -> Tensor:
    return chunked_distillation_loss(ours, head, theirs, their_head, targets, TEMPERATURE, ALPHA)


def _trl() -> Loss:
    from trl.trainer.distillation_trainer import _chunked_divergence_loss

    def loss(ours, head, theirs, their_head, targets):
        valid = torch.ones_like(targets)[None]
        found = _chunked_divergence_loss(
            ours[None], theirs[None], head, their_head, valid, 0.0, temperature=TEMPERATURE
        )
        return found[0]

    return loss


def _liger() -> Loss:
    from liger_kernel.chunked_loss import LigerFusedLinearJSDLoss

    return LigerFusedLinearJSDLoss(
        weight_hard_loss=1 - ALPHA,
        weight_soft_loss=ALPHA * TEMPERATURE**2,
        beta=0.0,
        temperature=TEMPERATURE,
        compiled=False,
        chunk_size=CHUNK,
    )


def measure(kind: str, positions: int) -> dict:
    """Value, seconds with gradient (the better of two) and peak bytes above the inputs, in this process."""
    try:
        loss = loss_of(kind)
    except ImportError as error:
        return {"not measured": str(error)}
    if kind == "ours":
        keep_freed_memory()
    torch.manual_seed(0)
    ours, head = torch.randn(positions, WIDTH, requires_grad=True), torch.randn(VOCABULARY, WIDTH) / WIDTH**0.5
    theirs, their_head = torch.randn(positions, TEACHER_WIDTH), torch.randn(VOCABULARY, TEACHER_WIDTH)
    inputs = ours, head.requires_grad_(), theirs, their_head.div_(TEACHER_WIDTH**0.5)
    targets = torch.randint(VOCABULARY, (positions,))
    before = _peak()
    seconds = []
    for _ in range(2):
        ours.grad = head.grad = None
        started = time.perf_counter()
        value = loss(*inputs, targets)
        value.backward()
        seconds.append(time.perf_counter() - started)
    return {"value": value.item(), "seconds": min(seconds), "peak": _peak() - before}


def measured(kind: str, positions: int) -> dict:
    """`measure` in a process of its own; the output layer's gradient, which every side needs, apart."""
    command = [sys.executable, "-m", "benchmarks.distillation_losses", kind, str(positions)]
    found = json.loads(subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, check=True).stdout)
    if "peak" in found:
        peak = found.pop("peak")
        found |= {"peak MB": peak / 1e6, "without gradient MB": (peak - VOCABULARY * WIDTH * 4) / 1e6}
    return {"side": kind, "positions": positions, **found}


def _peak() -> int:
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


def main() -> None:
    """Print the measurement of one loss as JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("kind", choices=("listing", "ours", *OTHERS))
    parser.add_argument("positions", type=int)
    arguments = parser.parse_args()
    print(json.dumps(measure(arguments.kind, arguments.positions)))


if __name__ == "__main__":
    main()
