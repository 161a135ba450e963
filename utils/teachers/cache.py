"""The teacher's answers, computed once and kept: every epoch, every sweep and every seed reads them from the disk.

A cache that outlives its teacher or its text would train the student on something else, and nothing would show it.  So
a cache's name is a hash of every weight, every row and every setting, and another teacher simply has another cache.

An answer is kept for each token of each row, whatever batch the row comes in.  In full it is the logits in float16,
relative to their largest, where float16 is finest; else the k most likely tokens and the exact mass of all the others
(see utils.losses.topk); and hidden states where they are asked for.  Shards are written whole or not at all, so a run
that was stopped, or whose disk filled up, goes on where it was.
"""

from __future__ import annotations

import hashlib
import inspect
import json
import os
import re
import shutil
import weakref
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path

import numpy as np
import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor, nn

from utils.configuration import text_config
from utils.data.batches import Row, model_inputs, pad, to_device
from utils.errors import CourseError
from utils.machine import progress
from utils.machine.workspace import require_writable
from utils.models import fingerprint
from utils.models.forward import in_eval_mode
from utils.models.loading import require_context
from utils.teachers.cache_settings import SMALL_VOCABULARY, CacheSettings, readable_size, unique_rows

FORMAT = 1
SHARD_BYTES = 64 * 2**20
LOWEST = torch.finfo(torch.float16).min
_CACHE_NAME = re.compile("[0-9a-f]{32}")
_IN_USE: weakref.WeakSet[TeacherCache] = weakref.WeakSet()


def cache_answers(
    teacher: nn.Module,
    rows: Sequence[Row],
    folder: Path,
    settings: CacheSettings | None = None,
    batch_size: int = 16,
) -> TeacherCache:
    """The teacher's answers to the rows, from `folder` where they lie, computed where they do not.

    The teacher answers in eval mode and is left as it was.  Raises CourseError where the disk has no room or fills up
    (what was written stays, and the same call goes on), and where the answers are not finite.
    """
    require_context(teacher, rows)
    settings = settings or CacheSettings()
    everything = unique_rows(rows)
    if not everything:
        raise CourseError("There are no rows for the teacher to answer. Bring at least one.")
    _require_layers(teacher, settings)
    identity = _identity(teacher, everything, settings)
    cache = TeacherCache(folder / identity[:32], identity, settings, text_config(teacher), everything)
    missing = [number for number in range(len(cache.shards)) if not cache.has(number)]
    if not missing:
        with suppress(OSError):  # another's folder may be read and not touched
            os.utime(cache.folder)  # used last, removed last
        return cache
    needed = sum(cache.shard_tokens(number) for number in missing) * cache.bytes_per_token
    _make_room(cache.folder, needed)
    require_writable(cache.folder, needed // 2**20 + 1)
    with in_eval_mode(teacher), progress.bar(missing, desc="the teacher answers", unit="shard") as shards:
        for number in shards:
            cache.write(number, _answers(teacher, [everything[i] for i in cache.shards[number]], settings, batch_size))
    return cache


class TeacherCache:
    """Where each row's answer lies: shards of whole rows, a safetensors file each, of columns with one line a token."""

    def __init__(self, folder: Path, identity: str, settings: CacheSettings, config, rows: Sequence[tuple[int, ...]]):
        self.folder, self.identity, self.settings, self.config = folder, identity, settings, config
        self.bytes_per_token = settings.bytes_per_token(config.vocab_size, config.hidden_size)
        self.tokens = sum(map(len, rows))
        self.shards = _shards(rows, max(1, SHARD_BYTES // max(1, self.bytes_per_token)))
        self._places: dict[bytes, tuple[int, int]] = {}
        self._tokens_in: list[int] = []
        self._open: dict[int, safe_open] = {}
        _IN_USE.add(self)
        for number, members in enumerate(self.shards):
            start = 0
            for index in members:
                self._places[_key(rows[index])] = (number, start)
                start += len(rows[index])
            self._tokens_in.append(start)

    def has(self, number: int) -> bool:
        """Whether a shard is there, whole, and this cache's."""
        try:
            with safe_open(self.path(number), "pt") as shard:
                names = list(shard.keys())
                whole = {shard.get_slice(name).get_shape()[0] for name in names} == {self._tokens_in[number]}
                return whole and (shard.metadata() or {}).get("identity") == self.identity
        except (OSError, SafetensorError):  # absent, or cut short
            return False

    def write(self, number: int, columns: dict[str, Tensor]) -> None:
        """Write a shard beside its place, then put it there.  Raises CourseError where that fails."""
        partial = self.path(number).with_suffix(f".{os.getpid()}.partial")
        try:
            with partial.open("wb") as file:
                file.write(save(columns, {"identity": self.identity}))
                file.flush()
                os.fsync(file.fileno())
            partial.replace(self.path(number))
        except OSError as error:
            partial.unlink(missing_ok=True)
            kept = sum(self.has(other) for other in range(len(self.shards)))
            whole = readable_size(self.tokens * self.bytes_per_token)
            raise CourseError(
                f"The teacher's answers could not be written ({error.strerror}): {kept} of {len(self.shards)} shards "
                f"are kept in {str(self.folder)!r}. Make room (all take {whole}) and run it again; it goes on."
            ) from error

    def knows(self, ids: Sequence[int]) -> bool:
        """Whether the teacher answered this row."""
        return _key(ids) in self._places

    def answer(self, ids: Sequence[int]) -> dict[str, Tensor]:
        """The columns of one row, each (tokens, ...).  Raises CourseError for a row that the teacher did not answer."""
        if not self.knows(ids):
            raise CourseError(
                f"A row of {len(ids)} tokens (first ids {list(ids[:5])}) is not among the {len(self._places):,} that "
                "the teacher answered. Make the cache from the rows that you train on, and pass the attention mask."
            )
        number, start = self._places[_key(ids)]
        if number not in self._open:
            self._open[number] = safe_open(self.path(number), "pt")
        shard = self._open[number]
        return {name: shard.get_slice(name)[start : start + len(ids)] for name in shard.keys()}  # noqa: SIM118

    def shard_tokens(self, number: int) -> int:
        """How many tokens a shard holds."""
        return self._tokens_in[number]

    def path(self, number: int) -> Path:
        """The file of a shard."""
        return self.folder / f"{number:05d}.safetensors"

    def describe(self) -> str:
        """One sentence on what is kept and what it costs."""
        kept = {None: "the whole vocabulary in float16", 0: "no logits"}.get(
            self.settings.top_k, f"the {self.settings.top_k} most likely tokens and the mass of the others"
        )
        layers = f", hidden states {list(self.settings.hidden_layers)}" if self.settings.hidden_layers else ""
        total = readable_size(self.tokens * self.bytes_per_token)
        return f"{self.tokens:,} tokens: {kept}{layers}; {self.bytes_per_token:,} bytes per token, {total}."


def _answers(
    teacher: nn.Module, rows: Sequence[tuple[int, ...]], settings: CacheSettings, batch_size: int
) -> dict[str, Tensor]:
    """The columns of one shard, in the order of its rows."""
    device = next(teacher.parameters()).device
    pieces: dict[str, list[Tensor]] = {}
    # An output layer that nobody reads is a waste; some models have no such switch.
    spared = settings.top_k == 0 and "logits_to_keep" in inspect.signature(type(teacher).forward).parameters
    head = {"logits_to_keep": 1} if spared else {}
    for start in range(0, len(rows), batch_size):
        chunk = [Row(ids, ids, "", 0) for ids in rows[start : start + batch_size]]
        batch = to_device(pad(chunk, 0), device)
        with torch.no_grad():
            output = teacher(**model_inputs(batch), output_hidden_states=bool(settings.hidden_layers), **head)
        real = batch["attention_mask"].bool()
        for name, column in _columns(output, real, settings):
            pieces.setdefault(name, []).append(column.cpu())
    return {name: torch.cat(columns).contiguous() for name, columns in pieces.items()}


def _columns(output, real: Tensor, settings: CacheSettings) -> Iterator[tuple[str, Tensor]]:
    """(name, (tokens, ...)) of everything that is kept of one forward pass; `real` (B, S) marks the tokens."""
    if settings.top_k != 0:
        logits = output.logits[real].float()
        largest = logits.amax(dim=-1, keepdim=True)
        if not torch.isfinite(largest).all() or torch.isnan(logits).any():
            raise CourseError("The teacher's logits hold NaN or infinity. Look at its weights and its number type.")
        relative = logits - largest
        if settings.top_k is None:
            yield "logits", relative.clamp(min=LOWEST).half()
            yield "largest", largest[:, 0]
        else:
            yield from _top_columns(relative, settings)
    for layer in settings.hidden_layers:
        hidden = output.hidden_states[layer][real].half()
        if not torch.isfinite(hidden).all():
            raise CourseError(f"The teacher's hidden states of layer {layer} do not fit into float16. Leave it out.")
        yield f"hidden_{layer}", hidden


def _top_columns(relative: Tensor, settings: CacheSettings) -> Iterator[tuple[str, Tensor]]:
    vocabulary = relative.shape[-1]
    values, ids = relative.topk(min(settings.top_k, vocabulary), dim=-1)
    others = relative.scatter(-1, ids, -torch.inf)
    yield "top_logits", values.clamp(min=LOWEST).half()
    yield "top_ids", (ids - 2**15).short() if vocabulary <= SMALL_VOCABULARY else ids.int()
    yield "others", torch.stack([torch.logsumexp(others / t, dim=-1) for t in settings.temperatures], dim=-1)


def _shards(rows: Sequence[tuple[int, ...]], tokens: int) -> list[range]:
    """Ranges of rows, each of at most `tokens` tokens or of a single row."""
    shards, start, held = [], 0, 0
    for index, ids in enumerate(rows):
        if index > start and held + len(ids) > tokens:
            shards.append(range(start, index))
            start, held = index, 0
        held += len(ids)
    return [*shards, range(start, len(rows))]


def _key(ids: Sequence[int]) -> bytes:
    return np.asarray(ids, dtype=np.int32).tobytes()


def _require_layers(teacher: nn.Module, settings: CacheSettings) -> None:
    """Raise CourseError for a hidden state that the teacher does not have."""
    layers = text_config(teacher).num_hidden_layers if settings.hidden_layers else 0
    for layer in settings.hidden_layers:
        if not 0 <= layer <= layers:
            raise CourseError(
                f"hidden_layers asks for layer {layer} of a teacher with {layers}. Count from 1 to {layers}; 0 are the "
                "embeddings."
            )


def _identity(teacher: nn.Module, rows: Sequence[tuple[int, ...]], settings: CacheSettings) -> str:
    """A hash of every weight, the configuration, every row and the settings."""
    digest = hashlib.sha256()
    forward = str(getattr(teacher, "forward_dtype", None))
    facts = [FORMAT, type(teacher).__qualname__, fingerprint.of_config(teacher), forward, asdict(settings)]
    digest.update(json.dumps(facts, sort_keys=True, default=str).encode())
    for name, tensor in teacher.state_dict().items():
        digest.update(repr((name, tuple(tensor.shape), str(tensor.dtype))).encode())
        digest.update(tensor.detach().cpu().contiguous().flatten().view(torch.uint8).numpy())
    for ids in rows:
        digest.update(b"row" + _key(ids))
    return digest.hexdigest()


def _make_room(folder: Path, needed: int) -> None:
    """Remove older caches beside this one, the oldest first, where there is less than twice the room needed.

    Those that this session has opened stay, and so does a folder whose name is not a cache's.
    """
    if not folder.parent.is_dir():
        return
    kept = {folder, *(cache.folder for cache in _IN_USE)}
    others = [path for path in folder.parent.iterdir() if path not in kept and _CACHE_NAME.fullmatch(path.name)]
    for old in sorted(others, key=lambda path: path.stat().st_mtime):
        if shutil.disk_usage(folder.parent).free >= 2 * needed:
            return
        for shard in old.glob("*.safetensors"):
            with suppress(OSError):  # on Windows nobody may remove what another process reads
                shard.unlink()
