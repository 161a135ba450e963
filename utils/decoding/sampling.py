"""Many texts at once from one model: sampling with a key-value cache, for prompts of different lengths.

Prompts are padded on the left, so that all of them go on at the same place; positions follow each prompt's own tokens.
A text that has ended leaves the batch, and the others go on without it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from transformers import DynamicCache, PreTrainedModel

from utils.configuration import context_of
from utils.errors import CourseError
from utils.machine import progress
from utils.models.forward import in_eval_mode
from utils.settings import plain_number


@dataclass(frozen=True)
class Completion:
    """What a model wrote after one prompt: its token ids, the end of text among them where it came.

    log_probabilities: of each token under the distribution that it was drawn from, at the temperature of the draw.
    """

    ids: tuple[int, ...]
    log_probabilities: tuple[float, ...]
    ended: bool


def sample(
    model: PreTrainedModel,
    prompts: Sequence[Sequence[int]],
    new_tokens: int,
    end_of_text: int | None,
    temperature: float = 1.0,
    generator: torch.Generator | None = None,
    batch_size: int = 256,
    name: str = "writing",
) -> list[Completion]:
    """Up to `new_tokens` tokens after each prompt, drawn at a temperature; 0 takes the likeliest token every time.

    The whole distribution is drawn from: no top-k, no top-p.  No gradient is kept, dropout is off, and the model is
    left as it was.  The same generator state draws the same texts.  Raises CourseError for no prompt, an empty prompt,
    a prompt and new tokens beyond the model's context, and numbers that cannot be.
    """
    new_tokens = plain_number("new_tokens", new_tokens, whole=True)
    batch_size = plain_number("batch_size", batch_size, whole=True)
    temperature = plain_number("temperature", temperature, whole=False)
    if new_tokens < 1 or batch_size < 1 or temperature < 0:
        raise CourseError(
            f"new_tokens is {new_tokens}, batch_size {batch_size} and temperature {temperature}; the first two must be "
            "at least 1, the last at least 0."
        )
    _require_prompts(model, prompts, new_tokens)
    order = sorted(range(len(prompts)), key=lambda place: len(prompts[place]))
    found: dict[int, Completion] = {}
    starts = range(0, len(order), batch_size)
    with torch.no_grad(), in_eval_mode(model), progress.bar(starts, desc=name, unit="batch", delay=5) as parts:
        for start in parts:
            places = order[start : start + batch_size]
            written = _written(
                model, [prompts[place] for place in places], new_tokens, end_of_text, temperature, generator
            )
            found |= dict(zip(places, written, strict=True))
    return [found[place] for place in range(len(prompts))]


def _written(
    model: PreTrainedModel,
    prompts: Sequence[Sequence[int]],
    new_tokens: int,
    end_of_text: int | None,
    temperature: float,
    generator: torch.Generator | None,
) -> list[Completion]:
    """One batch, token by token."""
    device = next(model.parameters()).device
    ids, mask = (tensor.to(device) for tensor in _left_padded(prompts))
    positions = (mask.cumsum(dim=1) - 1).clamp(min=0)
    cache = DynamicCache(config=model.config)
    tokens: list[list[int]] = [[] for _ in prompts]
    scores: list[list[float]] = [[] for _ in prompts]
    running = list(range(len(prompts)))
    ended: set[int] = set()
    for _ in range(new_tokens):
        output = model(
            input_ids=ids, attention_mask=mask, position_ids=positions, past_key_values=cache, use_cache=True
        )
        chosen, log_probability = _drawn(output.logits[:, -1].float(), temperature, generator)
        for place, token, score in zip(running, chosen.tolist(), log_probability.tolist(), strict=True):
            tokens[place].append(token)
            scores[place].append(score)
        stays = torch.ones_like(chosen, dtype=torch.bool) if end_of_text is None else chosen != end_of_text
        ended |= {place for place, stay in zip(running, stays.tolist(), strict=True) if not stay}
        if not stays.any():
            break
        if not stays.all():
            cache.batch_select_indices(stays.nonzero()[:, 0])
            running = [place for place in running if place not in ended]
        ids = chosen[stays, None]
        mask = torch.cat([mask[stays], mask.new_ones(len(ids), 1)], dim=1)
        positions = positions[stays, -1:] + 1
    return [Completion(tuple(t), tuple(s), i in ended) for i, (t, s) in enumerate(zip(tokens, scores, strict=True))]


def _drawn(logits: Tensor, temperature: float, generator: torch.Generator | None) -> tuple[Tensor, Tensor]:
    """(B, V) -> the chosen tokens and their log-probabilities, both (B,)."""
    log_probabilities = torch.log_softmax(logits / temperature if temperature else logits, dim=-1)
    if temperature:
        chosen = torch.multinomial(log_probabilities.exp(), 1, generator=generator)[:, 0]
    else:
        chosen = logits.argmax(dim=-1)
    return chosen, log_probabilities.gather(1, chosen[:, None])[:, 0]


def _left_padded(prompts: Sequence[Sequence[int]]) -> tuple[Tensor, Tensor]:
    """(B, S) ids and mask; what stands in front of a shorter prompt is masked, so any id will do there."""
    longest = max(map(len, prompts))
    ids = torch.tensor([[prompt[0]] * (longest - len(prompt)) + list(prompt) for prompt in prompts])
    mask = torch.tensor([[0] * (longest - len(prompt)) + [1] * len(prompt) for prompt in prompts])
    return ids, mask


def _require_prompts(model: PreTrainedModel, prompts: Sequence[Sequence[int]], new_tokens: int) -> None:
    if not prompts:
        raise CourseError("There is no prompt to go on from. Give a list of lists of token ids, one list a prompt.")
    if not all(len(prompt) for prompt in prompts):
        raise CourseError("A prompt is empty. Give each at least one token, such as the end of text.")
    context, longest = context_of(model), max(map(len, prompts))
    if context is not None and longest + new_tokens > context:
        raise CourseError(
            f"A prompt of {longest} tokens and {new_tokens} new ones make {longest + new_tokens}, and the model reads "
            f"{context} at most. Shorten one of them."
        )
