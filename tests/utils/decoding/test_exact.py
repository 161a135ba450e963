"""Is the text of speculative decoding distributed as the target's own?  Summed over every path, not sampled."""

import pytest
import torch

from utils.decoding.drafts import PromptLookupDraft, TrigramDraft
from utils.decoding.exact import CELLS, distribution_of, largest_difference, written_alone
from utils.decoding.reader import Reader
from utils.decoding.rules import accept_if_equal, residual, verify
from utils.decoding.speculative import decode, speculate

FIRST, TOKENS = 1, 3


def written(target, new_draft, rule=verify, gamma=2, tokens=TOKENS, cells=CELLS, prompt=(FIRST,)):
    def run(chance):
        return speculate(target, new_draft(), prompt, tokens, gamma, chance=chance, rule=rule).tokens

    return distribution_of(run, cells)


def draws_the_targets_own_after_a_rejection(p, q, drafted, uniforms):
    kept, _ = verify(p, q, drafted, uniforms)
    return kept, p[kept]


def swaps_the_ratio(p, q, drafted, uniforms):
    place = torch.arange(len(drafted))
    kept = int((uniforms < q[place, drafted] / p[place, drafted]).long().cumprod(dim=0).sum())
    return kept, p[kept] if kept == len(drafted) else residual(p[kept], q[kept])


def keeps_what_passes_later(p, q, drafted, uniforms):
    place = torch.arange(len(drafted))
    kept = int((uniforms < p[place, drafted] / q[place, drafted]).sum())
    return kept, p[kept] if kept == len(drafted) else residual(p[kept], q[kept])


def bonus_of_the_draft(p, q, drafted, uniforms):
    kept, following = verify(p, q, drafted, uniforms)
    return kept, q[-1] if kept == len(drafted) > 0 else following


BIASED = {  # how many tokens show it
    draws_the_targets_own_after_a_rejection: 2,
    swaps_the_ratio: 2,
    keeps_what_passes_later: 3,
    bonus_of_the_draft: 2,
}


@pytest.mark.parametrize("gamma", [1, 2])
@pytest.mark.parametrize("rule", [verify, accept_if_equal])
def test_three_tokens_are_distributed_as_the_targets_own(target, new_draft, rule, gamma):
    found = written(target, new_draft, rule, gamma)
    assert sum(found.values()) == pytest.approx(1, abs=1e-12)
    assert largest_difference(found, written_alone(target, FIRST, TOKENS)) < 1e-12


@pytest.mark.parametrize("rule", BIASED)
def test_a_biased_rule_is_seen_by_the_same_sum(target, new_draft, rule):
    tokens = BIASED[rule]
    found = written(target, new_draft, rule, tokens=tokens)
    assert largest_difference(found, written_alone(target, FIRST, tokens)) > 0.01


def test_a_cache_that_is_not_cut_back_is_seen_by_the_same_sum(target, new_draft, monkeypatch):
    def forget_to_crop(self, tokens):
        del self.read[max(tokens, 0) :]

    monkeypatch.setattr(Reader, "keep", forget_to_crop)
    assert largest_difference(written(target, new_draft), written_alone(target, FIRST, TOKENS)) > 0.01


def test_a_draft_that_proposes_one_certain_token_leaves_the_distribution_as_it_is(target):
    found = written(target, lambda: PromptLookupDraft(3), prompt=(0, FIRST, 0, FIRST))
    assert largest_difference(found, written_alone(target, 0 + FIRST + 0 + FIRST, TOKENS)) < 1e-12


def test_without_a_draft_the_target_writes_its_own_distribution(target):
    found = distribution_of(lambda chance: decode(target, (FIRST,), TOKENS, chance=chance).tokens)
    assert largest_difference(found, written_alone(target, FIRST, TOKENS)) < 1e-12


def test_at_temperature_0_there_is_one_path_and_it_is_the_likeliest(target, new_draft):
    found = distribution_of(
        lambda chance: speculate(target, new_draft(), (FIRST,), TOKENS, 2, temperature=0, chance=chance).tokens
    )
    assert found == {(1, 2, 1): pytest.approx(1)} == {greedy(target): pytest.approx(1)}


def greedy(target):
    text = [FIRST]
    for _ in range(TOKENS):
        text.append(int(target.after(sum(text)).argmax()))
    return tuple(text[1:])


def test_the_share_kept_is_sum_min_for_the_one_rule_and_sum_of_products_for_the_other(target, new_draft):
    p, q = target.after(FIRST), new_draft().model.after(FIRST)
    for rule, expected in ((verify, torch.minimum(p, q).sum()), (accept_if_equal, (p * q).sum())):
        kept = distribution_of(
            lambda chance, rule=rule: (
                speculate(target, new_draft(), (FIRST,), 2, 1, chance=chance, rule=rule).statistics.accepted,
            )
        )
        assert kept[(1,)] == pytest.approx(float(expected))


def test_a_trigram_table_is_a_distribution_that_follows_its_counts():
    draft = TrigramDraft([[0, 1, 2, 0, 1, 2, 0, 1, 1]], 4)
    after = draft.distribution([0, 1])
    assert after.sum().item() == pytest.approx(1, abs=1e-6) and after.argmax() == 2
    assert (draft.distribution([3, 3]) > 0).all() and draft.distribution([3]).sum().item() == pytest.approx(1, abs=1e-6)
