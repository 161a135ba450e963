"""One update from a batch that is too large for the memory, or that several processes share.

Each piece's gradient and loss enter with its share of the batch's tokens, so the update is that of the whole batch up
to rounding; a plain mean over pieces would give a piece with few tokens the weight of a full one.  Any step works, also
one that somebody else wrote: the pieces see an optimizer that only collects.
"""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from utils.data.batches import Batch, valid_tokens
from utils.errors import CourseError
from utils.machine import processes as distributed
from utils.training.steps import Step

# CUDA and MPS, the CPU on Linux and on Windows, cuBLAS
_OUT_OF_MEMORY = ("out of memory", "can't allocate memory", "not enough memory", "alloc_failed")


def pieces_of(batch: Batch, rows: int) -> Iterator[Batch]:
    """The batch in pieces of at most `rows` rows."""
    for start in range(0, len(batch["input_ids"]), rows):
        yield {name: tensor[start : start + rows] for name, tensor in batch.items()}


@dataclass
class PiecewiseStep:
    """A step that takes its batch in pieces of `rows` rows (None: whole), and in smaller ones where memory runs out."""

    step: Step
    rows: int | None = None
    before_retry: Callable[[], object] | None = None  # forgets what the failed attempt has left behind

    def __call__(
        self,
        student: nn.Module,
        teacher: nn.Module | None,
        batch: Batch,
        optimizer: torch.optim.Optimizer,
        loss: Callable,
    ) -> float:
        """One update on the whole batch; returns its loss in nats per token.

        Raises CourseError where a single row does not fit into the memory.
        """
        random = _random_states()
        while True:
            updates = updates_of(optimizer)
            try:
                return self._run(student, teacher, batch, optimizer, loss)
            except (MemoryError, RuntimeError) as error:
                # Nothing may be tried again after half an update, or where other processes wait for this one.
                if not is_out_of_memory(error) or updates_of(optimizer) != updates or distributed.size() > 1:
                    raise
                self._halve(len(batch["input_ids"]), error)
            # Outside of the handler, which holds the failed step's tensors.
            optimizer.zero_grad()
            if not updates:
                optimizer.state.clear()  # the first step may have stopped between two of its tables
            _set_random_states(random)  # the same dropout as if the failed attempt had not been
            if self.before_retry is not None:
                self.before_retry()
            gc.collect()
            if torch.cuda.is_available():
                torch.cuda.empty_cache()

    def _run(self, student, teacher, batch, optimizer, loss) -> float:
        size = len(batch["input_ids"])
        if distributed.size() == 1 and (self.rows is None or self.rows >= size):
            return self.step(student, teacher, batch, optimizer, loss)
        mine = {name: tensor[distributed.rank() :: distributed.size()] for name, tensor in batch.items()}
        collected, tokens, value = _Gradients(student), valid_tokens(batch), 0.0
        for piece in pieces_of(mine, self.rows or size):
            share = valid_tokens(piece) / max(1, tokens)
            if share:
                found = self.step(student, teacher, piece, _Collecting(optimizer, collected, share, batch), loss)
                if not isinstance(found, float):
                    return found  # the loop says what is wrong with it
                value += share * found
        total = torch.tensor(value, dtype=torch.float64)
        collected.add_up(total)
        optimizer.step()
        optimizer.zero_grad()
        return total.item()

    def _halve(self, size: int, error: BaseException) -> None:
        tried = min(self.rows or size, size)
        if tried == 1:
            raise CourseError(
                "The memory does not hold a single row of this batch. Cut rows at a smaller max_length, or take a "
                "smaller model."
            ) from error
        self.rows = tried // 2
        print(
            f"The memory does not hold {tried} rows at once; from here on a batch is computed {self.rows} at a time, "
            "with the same mathematics."
        )


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an error means that memory ran out, on any device."""
    if isinstance(error, MemoryError | torch.OutOfMemoryError):
        return True
    text = str(error).lower()
    return isinstance(error, RuntimeError) and any(words in text for words in _OUT_OF_MEMORY)


class _Gradients:
    """The weighted sum of the pieces' gradients."""

    def __init__(self, student: nn.Module):
        self.parameters = [parameter for parameter in student.parameters() if parameter.requires_grad]
        self.sums: list[Tensor | None] = [None] * len(self.parameters)

    def collect(self, share: float) -> None:
        """Take the gradients off the parameters and add them, weighted."""
        for place, parameter in enumerate(self.parameters):
            if parameter.grad is None:
                continue
            part = parameter.grad.mul_(share)
            before = self.sums[place]
            self.sums[place] = part if before is None else before.add_(part)
            parameter.grad = None

    def add_up(self, total: Tensor) -> None:
        """Put the sums over pieces and processes where the optimizer looks; `total` is summed over processes too."""
        device = self.parameters[0].device
        there = torch.tensor([gradient is not None for gradient in self.sums], dtype=torch.float32, device=device)
        summed = total.to(device=device, dtype=torch.float32 if device.type == "mps" else total.dtype)
        distributed.add_up([there, summed])
        total.copy_(summed)
        for parameter, gradient, used in zip(self.parameters, self.sums, there.tolist(), strict=True):
            if used:
                parameter.grad = torch.zeros_like(parameter) if gradient is None else gradient
                distributed.add_up([parameter.grad])


def real_tokens_per_label(piece: Batch, optimizer: torch.optim.Optimizer) -> float:
    """How many real tokens a piece has for each valid label, against the whole batch; 1 for a whole batch.

    A piece enters with its share of the labels.  Scale mask-averaged terms by this, or pieces change the update.
    """
    if not isinstance(optimizer, _Collecting):
        return 1.0
    whole = optimizer.whole_batch
    real = piece["attention_mask"].sum().item() / whole["attention_mask"].sum().item()
    return real / (valid_tokens(piece) / valid_tokens(whole))


class _Collecting:
    """An optimizer whose step collects the gradients of a piece of a batch; everything else is the real one's."""

    def __init__(self, optimizer: torch.optim.Optimizer, gradients: _Gradients, share: float, whole_batch: Batch):
        self._optimizer, self._gradients, self._share = optimizer, gradients, share
        self.whole_batch = whole_batch

    def step(self, closure: Callable | None = None) -> None:
        self._gradients.collect(self._share)

    def __getattr__(self, name: str) -> object:
        return getattr(self._optimizer, name)


def updates_of(optimizer: torch.optim.Optimizer) -> int:
    """How many updates an optimizer has made."""
    return max((int(state["step"]) for state in optimizer.state.values() if "step" in state), default=0)


def _random_states() -> tuple[Tensor, list[Tensor]]:
    """The states of torch's random streams, here and on the GPUs in use."""
    return torch.get_rng_state(), torch.cuda.get_rng_state_all() if torch.cuda.is_initialized() else []


def _set_random_states(states: tuple[Tensor, list[Tensor]]) -> None:
    torch.set_rng_state(states[0])
    if states[1]:
        torch.cuda.set_rng_state_all(states[1])
