"""Does the predicted acceptance come true in real rounds, and what do a round's length and a filter do to it?

    python -m benchmarks.speculation_rounds [--seeds 5] [--profile embedded]

Runs after benchmarks.speculation, on its drafts.  Everything is sampled at T = 1 in float32, with caches.  Predicted is
the mean of sum min(p, q) at the places that were judged, counted is accepted over judged, both in the same texts.  No
time is taken here: benchmarks.speculation_speed does that.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor, nn

from benchmarks.common import arguments_of, share_with_interval, shared, write_result
from benchmarks.speculation_drafts import OBJECTIVES, UNTOUCHED, Draft, Drafts
from utils.configuration import text_config
from utils.data.batches import model_inputs, pad
from utils.decoding.chance import Seeded
from utils.decoding.drafts import ModelDraft
from utils.decoding.rules import emitted, expected_tokens, overlap
from utils.decoding.speculative import speculate
from utils.losses.core import soft_targets
from utils.models.forward import with_fast_forward
from utils.models.profiles import get_profile
from utils.notebook import committed

PROMPTS, TOKENS, GAMMA = 64, 32, 4
GAMMAS = (1, 2, 4, 8)
KEPT = (10, 50, 200)
ROWS_FILTERED = 64


class Rounds:
    """The target, the drafts and the prompts of real rounds."""

    def __init__(self, drafts: Drafts):
        self.drafts = drafts
        self.target = with_fast_forward(drafts.target, torch.float32)
        self.prompts = drafts.prompts()[:PROMPTS]
        self.end = drafts.tokenizer.eos_token_id

    def counted(self, draft: Draft, gamma: int) -> dict:
        """For each prompt: judged, accepted, the predicted sum at the judged places; and the rounds added up."""
        model = with_fast_forward(self.drafts.trained(draft), torch.float32)
        proposing = ModelDraft(model, text_config(self.target).vocab_size)
        found: dict[str, list] = {"judged": [], "accepted": [], "predicted": []}
        by_position = np.zeros((gamma, 2), dtype=int)
        full = {"rounds": 0, "tokens": 0}
        for number, prompt in enumerate(self.prompts):
            chance = Seeded(1000 * draft.seed + number)
            done = speculate(self.target, proposing, prompt, TOKENS, gamma, chance=chance, end_of_text=self.end)
            places, start = [], len(prompt)
            for each in done.statistics.rounds:
                places += range(start, start + each.judged)
                start += len(each.added)
                if len(each.drafted) == gamma and done.tokens[start - len(prompt) - 1] != self.end:
                    full["rounds"] += 1
                    full["tokens"] += len(each.added)
            for place, (judged, accepted) in enumerate(done.statistics.judged_by_position):
                by_position[place] += judged, accepted
            found["judged"].append(len(places))
            found["accepted"].append(done.statistics.accepted)
            found["predicted"].append(self._predicted(model, [*prompt, *done.tokens], places))
        return found | {"by position": by_position.tolist(), "full": full}

    @torch.no_grad()
    def _predicted(self, model: nn.Module, text: Sequence[int], places: Sequence[int]) -> float:
        """sum min(p, q) added up over the places whose token was judged."""
        ids = torch.tensor([text])
        values = overlap(self.target(input_ids=ids).logits[0], model(input_ids=ids).logits[0])
        return values[[place - 1 for place in places]].double().sum().item()

    @torch.no_grad()
    def filtered(self, draft: Draft) -> list[dict]:
        """How far the first token of a round is from the target's own where top-k works on one side alone."""
        rows = self.drafts.continuations()[:ROWS_FILTERED]
        model = self.drafts.trained(draft)
        found = []
        p, q = (self._probabilities(one, rows) for one in (self.target, model))
        for kept in KEPT:
            cut = top_k(q, kept)
            for name, drawn, told in (
                ("the same distribution", cut, cut),
                ("drawn from top-k, told the whole", cut, q),
                ("drawn from the whole, told top-k", q, cut),
            ):
                distance = 0.5 * (emitted(p, drawn, told) - p).abs().sum(dim=-1)
                numbers = {"mean": distance.mean(), "median": distance.median(), "worst": distance.max()}
                found.append({"k": kept, "draft": name} | {key: float(value) for key, value in numbers.items()})
        return found

    def _probabilities(self, model: nn.Module, rows: Sequence) -> Tensor:
        """(positions, V) over all tokens that the target wrote."""
        found = []
        for row in rows:
            batch = pad([row], self.drafts.experiment.pad)
            logits = model(**model_inputs(batch)).logits[0].float()
            found.append(soft_targets(logits[:-1][batch["labels"][0, 1:] >= 0], 1.0))
        return torch.cat(found)


def top_k(probabilities: Tensor, kept: int) -> Tensor:
    """The k largest of each row, normalised, and 0 elsewhere."""
    values, places = probabilities.topk(kept, dim=-1)
    return torch.zeros_like(probabilities).scatter_(-1, places, values / values.sum(dim=-1, keepdim=True))


def summary(runs: Sequence[dict]) -> dict:
    """Predicted and counted over all seeds, and their difference, paired over prompts."""
    sums = {
        name: np.array([run[name] for run in runs], dtype=np.float64) for name in ("judged", "accepted", "predicted")
    }
    positions = np.sum([run["by position"] for run in runs], axis=0)
    return {
        "judged": int(sums["judged"].sum()),
        "predicted": float(sums["predicted"].sum() / sums["judged"].sum()),
        "counted": float(sums["accepted"].sum() / sums["judged"].sum()),
        "counted minus predicted": ratio_with_interval(sums["accepted"] - sums["predicted"], sums["judged"]),
        "by position": [{"judged": int(j), "accepted": int(a), "share": float(a / j)} for j, a in positions],
        "tokens a round": sum(run["full"]["tokens"] for run in runs) / sum(run["full"]["rounds"] for run in runs),
        "seeds": len(runs),
    }


def line(name: str, one: dict) -> dict:
    """A draft as a line of a table."""
    minus = one["counted minus predicted"]
    return {
        "draft": name,
        "predicted": one["predicted"],
        "counted": one["counted"],
        "counted minus predicted": minus["share"],
        "low": minus["low"],
        "high": minus["high"],
        "tokens a round": one["tokens a round"],
    }


def ratio_with_interval(sums: np.ndarray, counts: np.ndarray) -> dict[str, float]:
    """sums / counts, both (seeds, prompts), with a 95 % interval over prompts and seeds."""
    return share_with_interval(sums, counts.mean(axis=0))


def main() -> None:
    """Run every round and write benchmarks/results/speculation_rounds.json."""
    arguments = arguments_of(__doc__)
    rounds = Rounds(Drafts(get_profile(arguments.profile)))
    rates = committed("speculation")["learning_rates"]
    arms = {name: [Draft(name, rate=rates[name], seed=s) for s in range(arguments.seeds)] for name in OBJECTIVES}
    arms[UNTOUCHED] = [Draft(UNTOUCHED, seed=s) for s in range(arguments.seeds)]  # a seed draws other texts
    asked = {(draft, GAMMA) for some in arms.values() for draft in some}
    lengths = [(name, gamma) for name in ("CE-only", "forward KL") for gamma in GAMMAS]
    asked |= {(arms[name][0], gamma) for name, gamma in lengths}
    keys = {(draft, gamma): f"{rounds.drafts.name}/rounds-{draft.key}-gamma{gamma}" for draft, gamma in asked}
    done = shared(
        {key: functools.partial(rounds.counted, *ask) for ask, key in sorted(keys.items(), key=lambda i: i[1])}
    )
    by_length = []
    for name, gamma in lengths:
        found = summary([done[keys[arms[name][0], gamma]]])
        predicted = expected_tokens(found["predicted"], gamma)
        by_length.append({"draft": name, "gamma": gamma, "predicted tokens a round": predicted, **found})
    found = {name: summary([done[keys[draft, GAMMA]] for draft in some]) for name, some in arms.items()}
    result = {
        "profile": rounds.drafts.profile.name,
        "prompts": PROMPTS,
        "tokens": TOKENS,
        "gamma": GAMMA,
        "drafts": found,
        "rows": [line(name, one) for name, one in found.items()],
        "by gamma": by_length,
        "filters": rounds.filtered(arms["forward KL"][0]),
    }
    print(write_result("speculation_rounds", result))


if __name__ == "__main__":
    main()
