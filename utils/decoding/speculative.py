"""Speculative decoding: a draft proposes, the target reads the proposal in one call, and a rule decides what stays.

    text = write(target, ModelDraft(student, vocabulary), tokenizer, "Return the number of", tokens=40)
    text.text, text.statistics.acceptance

The text has exactly the distribution that the target alone would give it, at temperature 0 the same tokens (up to
near-ties, which rounding decides).  Both models keep their key-value caches.  `decode` is the same without a draft.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from torch import Tensor
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from utils.configuration import text_config
from utils.data.batches import prompt_ids
from utils.decoding.chance import Chance, Seeded, probabilities
from utils.decoding.drafts import Draft, Proposal
from utils.decoding.reader import Reader
from utils.decoding.rules import require_gamma, verify
from utils.errors import CourseError

Rule = Callable[[Tensor, Tensor, Tensor, Tensor], tuple[int, Tensor]]
LENGTH, END_OF_TEXT, CONTEXT = "length", "end of text", "context"


@dataclass(frozen=True)
class Round:
    """What was drafted, how many of it were accepted, and what the round added to the text.

    `added` is the accepted tokens and the target's own one, cut at an end of text.  `judged` of the drafted tokens were
    looked at: those behind a rejection or an end of text were not.
    """

    drafted: tuple[int, ...]
    accepted: int
    added: tuple[int, ...]
    judged: int
    draft_seconds: float = 0.0
    target_seconds: float = 0.0


@dataclass
class Statistics:
    """The rounds of a text; prompt_seconds is what reading the prompt took, which the rounds do not count."""

    rounds: list[Round] = field(default_factory=list)
    prompt_seconds: float = 0.0

    @property
    def tokens(self) -> int:
        """Tokens that were written."""
        return sum(len(each.added) for each in self.rounds)

    @property
    def drafted(self) -> int:
        """Tokens that were proposed."""
        return sum(len(each.drafted) for each in self.rounds)

    @property
    def accepted(self) -> int:
        """Proposed tokens that were accepted."""
        return sum(each.accepted for each in self.rounds)

    @property
    def judged_by_position(self) -> list[tuple[int, int]]:
        """(judged, accepted) for each place in a round."""
        longest = max((len(each.drafted) for each in self.rounds), default=0)
        return [
            (
                sum(each.judged > place for each in self.rounds),
                sum(each.accepted > place for each in self.rounds),
            )
            for place in range(longest)
        ]

    @property
    def acceptance(self) -> float:
        """Accepted tokens over judged ones; nan where nothing was judged.  Accepted over *drafted* would be lower."""
        judged = sum(each.judged for each in self.rounds)
        return self.accepted / judged if judged else float("nan")

    @property
    def tokens_per_round(self) -> float:
        """Tokens that a call of the target brought."""
        return self.tokens / len(self.rounds) if self.rounds else float("nan")

    @property
    def draft_seconds(self) -> float:
        """Seconds in the draft, without the prompt."""
        return sum(each.draft_seconds for each in self.rounds)

    @property
    def target_seconds(self) -> float:
        """Seconds in the target, without the prompt."""
        return sum(each.target_seconds for each in self.rounds)


@dataclass(frozen=True)
class Writing:
    """The new tokens, why they end ("length", "end of text" or "context"), and how they came about."""

    tokens: tuple[int, ...]
    ended: str
    statistics: Statistics
    text: str = ""


@dataclass(frozen=True)
class _Manner:
    """How a text is written: tokens drafted in a round (0: none), temperature, chance, end of text, rule."""

    gamma: int
    temperature: float
    chance: Chance
    end_of_text: int | None
    rule: Rule = verify


def speculate(
    target: PreTrainedModel,
    draft: Draft,
    prompt: Sequence[int],
    tokens: int,
    gamma: int = 4,
    temperature: float = 1.0,
    chance: Chance | None = None,
    end_of_text: int | None = None,
    rule: Rule = verify,
) -> Writing:
    """At most `tokens` new tokens after the prompt's ids, gamma of them drafted in a round.

    temperature 0 is greedy.  rule: as `verify`.  Raises CourseError for an empty prompt, one that is longer than the
    target's context, gamma or tokens below 1, and a negative temperature.
    """
    require_gamma(gamma)
    return _write(target, draft, prompt, tokens, _Manner(gamma, temperature, chance or Seeded(), end_of_text, rule))


def decode(
    target: PreTrainedModel,
    prompt: Sequence[int],
    tokens: int,
    temperature: float = 1.0,
    chance: Chance | None = None,
    end_of_text: int | None = None,
) -> Writing:
    """The same without a draft: one call of the target for each token, with its cache."""
    return _write(target, None, prompt, tokens, _Manner(0, temperature, chance or Seeded(), end_of_text))


def _write(
    target: PreTrainedModel, draft: Draft | None, prompt: Sequence[int], tokens: int, manner: _Manner
) -> Writing:
    _require_writable(tokens, manner.temperature)
    reader = Reader(target)
    _require_prompt(prompt, reader)
    statistics, text, ended = Statistics(), list(prompt), LENGTH
    statistics.prompt_seconds = _read_prompt(reader, draft, text)
    stop = len(text) + tokens
    if reader.context is not None and stop > reader.context:
        stop, ended = reader.context, CONTEXT
    while len(text) < stop:
        room = min(manner.gamma, stop - len(text) - 1)  # the target adds one token of its own to what is accepted
        done = _cut(_round(reader, draft, text, room, manner), manner.end_of_text)
        statistics.rounds.append(done)
        text += done.added
        if done.added[-1] == manner.end_of_text:
            ended = END_OF_TEXT
            break
    return Writing(tuple(text[len(prompt) :]), ended, statistics)


def _round(reader: Reader, draft: Draft | None, text: list[int], room: int, manner: _Manner) -> Round:
    """One round of at most `room` drafted tokens: propose, read once, decide, and draw the token that is added."""
    started = time.perf_counter()
    proposal = Proposal.of((), (), text_config(reader.model).vocab_size)
    if draft is not None and room:
        proposal = draft.propose(text, room, manner.temperature, manner.chance)
    drafted = proposal.drafted.tolist()
    proposed = time.perf_counter()
    p = probabilities(reader.logits(text + drafted, last=len(drafted) + 1), manner.temperature)
    uniforms = manner.chance.uniforms(len(drafted))
    kept, following = manner.rule(p, proposal.probabilities, proposal.drafted, uniforms)
    accepted = int(kept)
    added, judged = (*drafted[:accepted], manner.chance.token(following)), min(accepted + 1, len(drafted))
    return Round(tuple(drafted), accepted, added, judged, proposed - started, time.perf_counter() - proposed)


def _cut(done: Round, end_of_text: int | None) -> Round:
    """The round up to and with an end of text."""
    if end_of_text not in done.added:
        return done
    added = done.added[: done.added.index(end_of_text) + 1]
    return replace(done, added=added, accepted=min(done.accepted, len(added)), judged=min(done.judged, len(added)))


def _read_prompt(reader: Reader, draft: Draft | None, prompt: list[int]) -> float:
    """Both caches take in the prompt but for its last token; seconds."""
    started = time.perf_counter()
    if len(prompt) > 1:
        reader.logits(prompt[:-1], last=1)
    if draft is not None:
        draft.start(prompt)
    return time.perf_counter() - started


def write(
    target: PreTrainedModel,
    draft: Draft | None,
    tokenizer: PreTrainedTokenizerBase,
    prompt: str,
    tokens: int = 40,
    gamma: int = 4,
    temperature: float = 1.0,
    seed: int = 0,
) -> Writing:
    """Text after a prompt, up to an end of text, with its statistics.  Without a draft the target writes alone."""
    ids = prompt_ids(tokenizer, prompt)
    chance, end = Seeded(seed), tokenizer.eos_token_id
    if draft is None:
        done = decode(target, ids, tokens, temperature, chance, end)
    else:
        done = speculate(target, draft, ids, tokens, gamma, temperature, chance, end)
    return replace(done, text=tokenizer.decode(done.tokens, skip_special_tokens=True))


def _require_writable(tokens: int, temperature: float) -> None:
    if tokens < 1:
        raise CourseError(f"{tokens} tokens were asked for. Ask for at least one.")
    if not 0 <= temperature < float("inf"):
        raise CourseError(f"The temperature is {temperature}; it is a finite number, and 0 takes the likeliest token.")


def _require_prompt(prompt: Sequence[int], reader: Reader) -> None:
    if not len(prompt):
        raise CourseError("The prompt is empty. Give at least one token to go on from.")
    if reader.context is not None and len(prompt) >= reader.context:
        raise CourseError(
            f"The prompt has {len(prompt)} tokens, and the target reads {reader.context}, the new ones included. "
            "Shorten the prompt."
        )
