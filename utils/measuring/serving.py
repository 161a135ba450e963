"""What does it take to serve a model: does it fit, how long does a token take, what does it cost?

A step of decoding reads every weight once for the whole batch, and each text's keys and values, and it computes for
each text one token.  Reading and computing happen at the same time, so the step takes as long as the slower of the two.
Every time here is a limit that no program beats; real ones take longer.
"""

from __future__ import annotations

import time
import tomllib
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import torch

from utils.errors import CourseError
from utils.models.costs import Sizes

TABLE = Path(__file__).with_name("hardware.toml")
HOUR = 3600
_REPEATS = 5


@dataclass(frozen=True)
class Hardware:
    """rate: FLOP per second.  bandwidth: bytes per second.  memory: bytes.

    price: dollars per hour, lowest and highest.  source and price_source: where the figures are from, with a date.
    """

    name: str
    rate: float
    bandwidth: float
    memory: float
    source: str
    price: tuple[float, float] | None = None
    price_source: str = ""

    def times(self, count: int) -> Hardware:
        """So many of them at once, if the work could be divided without a loss: the best case of several devices."""
        if count == 1:
            return self
        price = None if self.price is None else (count * self.price[0], count * self.price[1])
        name = f"{count} x {self.name}"
        more = (count * one for one in (self.rate, self.bandwidth, self.memory))
        return Hardware(name, *more, self.source, price, self.price_source)


@cache
def known_hardware() -> dict[str, Hardware]:
    """The machines of hardware.toml by their short names."""
    entries = tomllib.loads(TABLE.read_text(encoding="utf-8"))
    return {
        short: Hardware(**{**entry, "price": tuple(entry["price"]) if "price" in entry else None})
        for short, entry in entries.items()
    }


def hardware(name: str) -> Hardware:
    """The machine of this short name.  Raises CourseError that lists those there are."""
    known = known_hardware()
    if name not in known:
        raise CourseError(f"There are no figures of {name!r}. There are: {', '.join(known)}.")
    return known[name]


@dataclass(frozen=True)
class Serving:
    """A model in numbers of some size on a machine, for texts of `context` tokens.

    bytes_per_parameter: of the weights, such as 2, or 0.5 for 4 bits.  bytes_per_number: of keys and values.
    """

    sizes: Sizes
    machine: Hardware
    bytes_per_parameter: float = 2
    bytes_per_number: float = 2
    context: int = 4096

    @property
    def weight_bytes(self) -> float:
        return self.sizes.weight_bytes(self.bytes_per_parameter)

    @property
    def largest_batch(self) -> int:
        """How many texts of `context` tokens fit beside the weights; 0 where the weights alone do not."""
        room = self.machine.memory - self.weight_bytes
        return max(0, int(room // self.sizes.cache_bytes(1, self.context, self.bytes_per_number)))

    def reading_seconds(self, batch: int) -> float:
        """Seconds in which the memory hands over what one step reads."""
        cached = self.sizes.cache_bytes(batch, self.context, self.bytes_per_number)
        return (self.sizes.read_bytes(self.bytes_per_parameter) + cached) / self.machine.bandwidth

    def computing_seconds(self, batch: int) -> float:
        """Seconds in which the processor computes one token for each text."""
        return batch * self.sizes.flop(self.context) / self.machine.rate

    def step_seconds(self, batch: int) -> float:
        """Seconds until every text of the batch has one token more, at the end of its context."""
        self.require_room(batch)
        return max(self.reading_seconds(batch), self.computing_seconds(batch))

    def first_token_seconds(self, tokens: int, batch: int = 1) -> float:
        """Seconds until the first token of `batch` texts with a prompt of `tokens` tokens each."""
        self.require_room(batch)
        computing = batch * self.sizes.prompt_flop(tokens) / self.machine.rate
        return max(self.sizes.read_bytes(self.bytes_per_parameter) / self.machine.bandwidth, computing)

    def price_of_a_million(self, batch: int, price_per_hour: float) -> float:
        """Dollars for a million tokens, written one step after another by a machine that is never idle."""
        return 1e6 * self.step_seconds(batch) / batch * price_per_hour / HOUR

    def require_room(self, batch: int) -> None:
        """Raise CourseError where the weights and the batch do not fit."""
        if batch > self.largest_batch:
            cached = self.sizes.cache_bytes(batch, self.context, self.bytes_per_number)
            raise CourseError(
                f"{self.weight_bytes / 1e9:.1f} GB of weights and {cached / 1e9:.1f} GB for a batch of {batch} do not "
                f"fit into the {self.machine.memory / 1e9:.0f} GB of {self.machine.name}. At most {self.largest_batch} "
                f"texts of {self.context:,} tokens fit."
            )


def this_machine(memory: float, dtype: torch.dtype = torch.float32) -> Hardware:
    """This machine's processor, its rate and bandwidth measured in about a second.  memory: bytes that it may use."""
    size = 768
    left, right = (torch.ones(size, size, dtype=dtype) for _ in range(2))
    table = torch.ones(2**25, dtype=torch.float32)  # 128 MiB: more than any cache next to a processor
    vector = torch.ones(2**12)
    matrix = table.view(-1, len(vector))
    rate = 2 * size**3 / _best_seconds(lambda: left @ right)
    bandwidth = table.numel() * table.element_size() / _best_seconds(lambda: matrix @ vector)
    return Hardware("this machine", rate, bandwidth, memory, "measured now")


def _best_seconds(work: Callable[[], object]) -> float:
    times = []
    for _ in range(_REPEATS):
        started = time.perf_counter()
        work()
        times.append(time.perf_counter() - started)
    return min(times)
