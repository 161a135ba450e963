"""Who proposes: a small model, a table of trigrams, or the text itself.  Any of them leaves the result exact.

A draft says which tokens it proposes and from which distribution it drew each; the rule needs no more.  One that has
nothing to propose proposes nothing, and the round is a plain step of the target.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

import torch
import torch.nn.functional as F
from torch import Tensor
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from utils.configuration import text_config
from utils.decoding.chance import Chance, probabilities
from utils.decoding.reader import Reader
from utils.errors import CourseError
from utils.models.loading import require_one_tokenizer


@dataclass(frozen=True)
class Proposal:
    """drafted: (g,) tokens; probabilities: (g, V), the distributions that they were drawn from.  g may be 0."""

    drafted: Tensor
    probabilities: Tensor

    @classmethod
    def of(cls, drafted: Sequence[int], rows: Sequence[Tensor], vocabulary: int) -> Proposal:
        """From lists, also empty ones."""
        stacked = torch.stack(list(rows)) if rows else torch.empty(0, vocabulary)
        return cls(torch.tensor(list(drafted), dtype=torch.int64), stacked)


class Draft(Protocol):
    """What `speculate` asks of a draft."""

    def propose(self, tokens: Sequence[int], gamma: int, temperature: float, chance: Chance) -> Proposal:
        """At most gamma tokens to go on with after `tokens`."""

    def start(self, prompt: Sequence[int]) -> None:
        """Read a new prompt, so that the first round does not pay for it."""


class ModelDraft:
    """A small causal model as a draft.

    vocabulary: how many tokens the target knows.  A draft whose output is padded to another size is cut or filled with
    zeros, and proposes nothing after a token that it does not know; the result stays exact, because what the draft
    never proposes still comes from the target.
    """

    def __init__(self, model: PreTrainedModel, vocabulary: int):
        self.model, self.vocabulary = model, vocabulary
        self.reader = Reader(model)

    def start(self, prompt: Sequence[int]) -> None:
        """Read all of the prompt but its last token, whose logits the first round asks for."""
        self.reader = Reader(self.model)
        kept = prompt[: self.reader.context][:-1]
        if kept:
            self.reader.logits(kept, last=1)

    def propose(self, tokens: Sequence[int], gamma: int, temperature: float, chance: Chance) -> Proposal:
        """gamma tokens, fewer where the draft's own context ends."""
        text, drafted, rows = list(tokens), [], []
        room = gamma if self.reader.context is None else min(gamma, self.reader.context + 1 - len(text))
        if max(text) >= text_config(self.model).vocab_size:
            room = 0
        for _ in range(room):
            row = self._fitted(self.reader.logits(text, last=1)[0], temperature)
            drafted.append(chance.token(row))
            rows.append(row)
            text.append(drafted[-1])
        return Proposal.of(drafted, rows, self.vocabulary)

    def _fitted(self, logits: Tensor, temperature: float) -> Tensor:
        row = probabilities(logits[: self.vocabulary], temperature)
        return F.pad(row, (0, self.vocabulary - len(row)))


def draft_for(
    target: PreTrainedModel,
    model: PreTrainedModel,
    target_tokenizer: PreTrainedTokenizerBase,
    draft_tokenizer: PreTrainedTokenizerBase,
) -> ModelDraft:
    """The model as a draft for the target; one line says so where their outputs differ in size by padding alone.

    Raises CourseError where token i does not mean the same to both.
    """
    require_one_tokenizer(target_tokenizer, draft_tokenizer)
    sizes = text_config(target).vocab_size, text_config(model).vocab_size
    last = max(target_tokenizer.get_vocab().values())
    if last >= min(sizes):
        raise CourseError(
            f"The tokenizer knows ids up to {last:,}, the target {sizes[0]:,} tokens and the draft {sizes[1]:,}. "
            "Use the tokenizer that both were trained with."
        )
    if sizes[0] != sizes[1]:
        print(
            f"The target's output has {sizes[0]:,} entries and the draft's {sizes[1]:,}; the tokenizer knows "
            f"{last + 1:,} tokens. The draft proposes from the {min(sizes):,} that both have."
        )
    return ModelDraft(model, sizes[0])


class TrigramDraft:
    """How often did which token follow these two?  Absolute discounting, backed off to pairs and to single tokens.

    texts: token ids to count; vocabulary: how many tokens there are.  Costs microseconds a token, where a model costs
    milliseconds.
    """

    def __init__(self, texts: Iterable[Sequence[int]], vocabulary: int, discount: float = 0.75):
        if not 0 < discount < 1:
            raise CourseError(f"The discount is {discount}; it is taken off every count and lies between 0 and 1.")
        counts: list[defaultdict[tuple[int, ...], Counter]] = [defaultdict(Counter) for _ in range(2)]
        single = torch.ones(vocabulary, dtype=torch.float64)
        for text in texts:
            ids = list(text)
            single += torch.bincount(torch.tensor(ids, dtype=torch.int64), minlength=vocabulary)
            for length, table in enumerate(counts, start=1):
                for end in range(length, len(ids)):
                    table[tuple(ids[end - length : end])][ids[end]] += 1
        self.counts, self.discount = counts, discount
        self.single = (single / single.sum()).float()
        self.vocabulary = vocabulary

    def start(self, prompt: Sequence[int]) -> None:
        """A table has nothing to read."""

    def distribution(self, tokens: Sequence[int]) -> Tensor:
        """(V,) probabilities of the next token after the last two of `tokens`."""
        row = self.single
        for length, table in enumerate(self.counts, start=1):
            followers = table.get(tuple(tokens[-length:])) if len(tokens) >= length else None
            if followers:
                total = followers.total()
                row = row * (self.discount * len(followers) / total)
                ids = torch.tensor(list(followers))
                row[ids] += (torch.tensor(list(followers.values())) - self.discount) / total
        return row

    def propose(self, tokens: Sequence[int], gamma: int, temperature: float, chance: Chance) -> Proposal:
        """gamma tokens, drawn one after the other."""
        text, drafted, rows = list(tokens), [], []
        for _ in range(gamma):
            row = self.distribution(text)
            row = row if temperature == 1 else probabilities(row.log(), temperature)
            drafted.append(chance.token(row))
            rows.append(row)
            text.append(drafted[-1])
        return Proposal.of(drafted, rows, self.vocabulary)


class PromptLookupDraft:
    """Has the text said this before?  Proposes what followed the last time that its last tokens came.

    longest: the longest run of last tokens that is looked for; shorter ones follow, down to one.  Nothing is proposed
    where none came before.  Its distribution has all its weight on the token that it proposes.
    """

    def __init__(self, vocabulary: int, longest: int = 3, shortest: int = 1):
        if not 1 <= shortest <= longest:
            raise CourseError(
                f"Runs of {shortest} to {longest} tokens were asked for. Take 1 or more, the longest last."
            )
        self.vocabulary, self.longest, self.shortest = vocabulary, longest, shortest

    def start(self, prompt: Sequence[int]) -> None:
        """Nothing to read."""

    def propose(self, tokens: Sequence[int], gamma: int, temperature: float, chance: Chance) -> Proposal:
        """At most gamma tokens that followed before."""
        drafted = self._followers(list(tokens), gamma)
        rows = F.one_hot(torch.tensor(drafted, dtype=torch.int64), self.vocabulary).float()
        return Proposal.of(drafted, list(rows), self.vocabulary)

    def _followers(self, tokens: list[int], gamma: int) -> list[int]:
        for length in range(min(self.longest, len(tokens) - 1), self.shortest - 1, -1):
            run = tokens[-length:]
            for start in range(len(tokens) - length - 1, -1, -1):
                if tokens[start : start + length] == run:
                    return tokens[start + length : start + length + gamma]
        return []
