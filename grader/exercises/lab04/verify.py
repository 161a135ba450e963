"""verify(target_probabilities, draft_probabilities, drafted, uniforms): how many are kept, and what comes next."""

from __future__ import annotations

import torch
import torch.nn.functional as F

from grader.exercises.lab04 import rounds
from grader.exercises.ordinary import Catalogue, exercise

catalogue = Catalogue()
wrong, right = catalogue.wrong, catalogue.right


def _chosen(probabilities, drafted):
    """(gamma,): what a model gives each drafted token."""
    return probabilities[torch.arange(len(drafted)), drafted]


def _leading(passed):
    """How many are true before the first that is not."""
    return int(passed.long().cumprod(0).sum())


def _passed(p, q, drafted, uniforms):
    return uniforms < _chosen(p, drafted) / _chosen(q, drafted)


def _residual(p, q):
    excess = (p - q).clamp(min=0)
    return excess / excess.sum()


def _following(p, q, kept, rejected=_residual):
    """The target's last row where all are kept, else what `rejected` makes of the rows at the rejection."""
    return p[kept] if kept == len(q) else rejected(p[kept], q[kept])


def verify(target_probabilities, draft_probabilities, drafted, uniforms):
    p, q = target_probabilities, draft_probabilities
    kept = _leading(_passed(p, q, drafted, uniforms))
    return kept, _following(p, q, kept)


# Which tokens are kept


@wrong(
    "kept where u is above p/q: the wrong way round",
    "A token that the target likes much more than the draft is rejected.",
    "p is twice q: should this token ever be rejected?",
)
def above_the_ratio(p, q, drafted, uniforms):
    kept = _leading(~_passed(p, q, drafted, uniforms))
    return kept, _following(p, q, kept)


@wrong(
    "the ratio is q/p instead of p/q",
    "A token that the target never says is always kept.",
    "p = 0: what does your ratio become?",
)
def swapped_ratio(p, q, drafted, uniforms):
    kept = _leading(uniforms < _chosen(q, drafted) / _chosen(p, drafted))
    return kept, _following(p, q, kept)


@wrong(
    "u is compared with p alone: q is not divided by",
    "Keeps a token with the chance p, however often the draft proposes it.",
    "Draft and target agree exactly. How often should a token be kept?",
)
def without_q(p, q, drafted, uniforms):
    kept = _leading(uniforms < _chosen(p, drafted))
    return kept, _following(p, q, kept)


@wrong(
    "kept where p is at least q: u is not used",
    "Rejects every token whose p is below q, instead of some.",
    "p is 0.9 q. In how many of ten cases should the token stay?",
)
def without_chance(p, q, drafted, uniforms):
    kept = _leading(_chosen(p, drafted) >= _chosen(q, drafted))
    return kept, _following(p, q, kept)


@wrong(
    "kept where it is the target's likeliest token: that is the greedy rule",
    "Compares with the argmax and does not sample.",
    "A token with p = q = 0.3 is not the likeliest. Should it always be rejected?",
)
def argmax_match(p, q, drafted, uniforms):
    kept = _leading(p[:-1].argmax(-1) == drafted)
    return kept, _following(p, q, kept)


@wrong(
    "what passes after a rejection is kept too",
    "Counts all tokens that pass; the text behind a rejected token was never drafted.",
    "The second of three is replaced. Which text was the third drafted for?",
)
def counts_all(p, q, drafted, uniforms):
    kept = int(_passed(p, q, drafted, uniforms).sum())
    return kept, _following(p, q, kept)


@wrong(
    "the rejected token is kept",
    "Counts one token more than pass.",
    "Nothing passes: how many tokens are kept?",
)
def rejected_kept(p, q, drafted, uniforms):
    kept = _leading(_passed(p, q, drafted, uniforms))
    return min(kept + 1, len(drafted)), _following(p, q, kept)


@wrong(
    "one u for all drafted tokens",
    "The decisions of a round hang together.",
    "How many uniform numbers come in, and how many do you use?",
)
def one_uniform(p, q, drafted, uniforms):
    kept = _leading(_passed(p, q, drafted, uniforms[0]))
    return kept, _following(p, q, kept)


@wrong(
    "the target's rows are read one too late",
    "Judges token i by the distribution after it.",
    "Which row of the target says how likely the first drafted token was?",
)
def row_too_late(p, q, drafted, uniforms):
    kept = _leading(_passed(p[1:], q, drafted, uniforms))
    return kept, _following(p, q, kept)


@wrong(
    "all or nothing: a single rejection throws the whole round away",
    "Returns 0 kept where any token is rejected.",
    "The third of four is rejected. What is wrong with the first two?",
)
def all_or_nothing(p, q, drafted, uniforms):
    kept = len(drafted) if _passed(p, q, drafted, uniforms).all() else 0
    return kept, _following(p, q, kept)


@wrong(
    "how many are rejected is returned, not how many are kept",
    "Counts from the wrong end.",
    "All pass: which number do you return?",
)
def rejected_count(p, q, drafted, uniforms):
    kept = _leading(_passed(p, q, drafted, uniforms))
    return len(drafted) - kept, _following(p, q, kept)


# What the next token is drawn from


def _after_a_rejection(instead, name, sentence, hint):
    """The right count, and something else than the residual."""

    def variant(target_probabilities, draft_probabilities, drafted, uniforms):
        p, q = target_probabilities, draft_probabilities
        kept = _leading(_passed(p, q, drafted, uniforms))
        return kept, _following(p, q, kept, instead)

    wrong(name, sentence, hint)(variant)


_after_a_rejection(
    lambda p, q: (p - q).clamp(min=0),
    "the residual is not normalised",
    "max(p - q, 0) adds up to the share of rejections, not to 1.",
    "What do the probabilities of a distribution add up to?",
)
_after_a_rejection(
    lambda p, q: q,
    "after a rejection the draft's distribution is drawn from",
    "The text then follows the draft.",
    "Whose text is it in the end?",
)
_after_a_rejection(
    lambda p, q: p,
    "after a rejection the target's whole distribution is drawn from",
    "Tokens that the draft proposes often come too often: accepted ones and drawn ones add up.",
    "A token with q > p comes from acceptances already as often as p. How often should it come again?",
)
_after_a_rejection(
    lambda p, q: (p - q).clamp(min=0).softmax(-1),
    "softmax of the residual instead of dividing by its sum",
    "Every token gets some probability, also those with p < q.",
    "Which probability should a token have whose p is below its q?",
)
_after_a_rejection(
    lambda p, q: (p - q).abs() / (p - q).abs().sum(),
    "|p - q| instead of max(p - q, 0)",
    "Tokens that the draft proposes too often come even more often.",
    "A token with q > p: should it come again?",
)
_after_a_rejection(
    lambda p, q: _residual(q, p),
    "the residual is turned round: max(q - p, 0)",
    "Draws what the draft says too often, not what it says too rarely.",
    "Which tokens did the acceptances give too rarely?",
)
_after_a_rejection(
    lambda p, q: (p - q) / (p - q).abs().sum(),
    "p - q is not cut at 0: some probabilities are negative",
    "Nothing can be drawn with a negative probability.",
    "What is p - q where the draft says a token too often?",
)
_after_a_rejection(
    lambda p, q: F.one_hot((p - q).argmax(), len(p)).to(p.dtype),
    "the likeliest token of the residual instead of its distribution",
    "All weight lies on one token.",
    "What is asked: a token or a distribution?",
)
_after_a_rejection(
    lambda p, q: (p.log() - q.log()).softmax(-1),
    "logarithms are subtracted: p/q, normalised, instead of max(p - q, 0)",
    "Subtracts log-probabilities or logits.",
    "Which probability should a token have whose p is below its q?",
)


@wrong(
    "only the rejected token is taken out of the target's distribution",
    "Sets p of the drafted token to 0 and normalises.",
    "Is the drafted token the only one that the draft says too often?",
)
def token_taken_out(p, q, drafted, uniforms):
    kept = _leading(_passed(p, q, drafted, uniforms))
    if kept == len(drafted):
        return kept, p[kept]
    left = p[kept].clone()
    left[drafted[kept]] = 0
    return kept, left / left.sum()


@wrong(
    "the residual of the first row, wherever the rejection is",
    "Uses row 0 for every rejection.",
    "At which place do p and q belong to the rejected token?",
)
def residual_of_the_first(p, q, drafted, uniforms):
    kept = _leading(_passed(p, q, drafted, uniforms))
    return kept, p[kept] if kept == len(drafted) else _residual(p[0], q[0])


@wrong(
    "the residual of the last row, wherever the rejection is",
    "Uses the last drafted place for every rejection.",
    "At which place do p and q belong to the rejected token?",
)
def residual_of_the_last(p, q, drafted, uniforms):
    kept = _leading(_passed(p, q, drafted, uniforms))
    return kept, p[kept] if kept == len(drafted) else _residual(p[len(drafted) - 1], q[-1])


@wrong(
    "after a rejection the target's last row is drawn from",
    "That row follows all drafted tokens, the rejected one too.",
    "Which text does the last row follow?",
)
def always_the_last_row(p, q, drafted, uniforms):
    return _leading(_passed(p, q, drafted, uniforms)), p[-1]


@wrong(
    "where all are kept, the draft's last distribution is drawn from",
    "The token that follows is the target's own, from its last row.",
    "The target has one row more than the draft. What is it for?",
)
def bonus_of_the_draft(p, q, drafted, uniforms):
    kept = _leading(_passed(p, q, drafted, uniforms))
    return kept, q[-1] if kept == len(drafted) else _residual(p[kept], q[kept])


@wrong(
    "where all are kept, the residual of the last drafted token is drawn from",
    "There was no rejection, so nothing is left over.",
    "All are kept. Was anything said too rarely?",
)
def residual_always(p, q, drafted, uniforms):
    kept = _leading(_passed(p, q, drafted, uniforms))
    place = min(kept, len(drafted) - 1)
    return kept, _residual(p[place], q[place])


@wrong(
    "where all are kept, the target's row is one too early",
    "Draws the last drafted token's distribution a second time.",
    "The target has gamma + 1 rows. Which one follows the last drafted token?",
)
def bonus_one_too_early(p, q, drafted, uniforms):
    kept = _leading(_passed(p, q, drafted, uniforms))
    return kept, p[kept - 1] if kept == len(drafted) else _residual(p[kept], q[kept])


@wrong(
    "the last token is never kept: no round keeps gamma",
    "Stops before the last drafted token, so the target's last row is never used.",
    "All pass: how many are kept?",
)
def never_all(p, q, drafted, uniforms):
    kept = min(_leading(_passed(p, q, drafted, uniforms)), len(drafted) - 1)
    return kept, _residual(p[kept], q[kept])


@right
def with_a_loop(target_probabilities, draft_probabilities, drafted, uniforms):
    for place, token in enumerate(drafted.tolist()):
        p, q = target_probabilities[place], draft_probabilities[place]
        if uniforms[place] >= p[token] / q[token]:
            left = torch.clamp(p - q, min=0)
            return place, left / left.sum()
    return len(drafted), target_probabilities[-1]


@right
def multiplied_out(target_probabilities, draft_probabilities, drafted, uniforms):
    kept = 0
    while kept < len(drafted):
        token = drafted[kept]
        if uniforms[kept] * draft_probabilities[kept, token] > target_probabilities[kept, token]:
            break
        kept += 1
    if kept == len(drafted):
        return kept, target_probabilities[kept]
    return kept, F.normalize(F.relu(target_probabilities[kept] - draft_probabilities[kept]), p=1, dim=0)


@right
def with_gather(target_probabilities, draft_probabilities, drafted, uniforms):
    gamma = drafted.shape[0]
    p = target_probabilities[:gamma].gather(1, drafted[:, None])[:, 0]
    q = draft_probabilities.gather(1, drafted[:, None])[:, 0]
    rejections = (uniforms > torch.clamp(p / q, max=1)).nonzero()[:, 0]
    if len(rejections) == 0:
        return gamma, target_probabilities[gamma]
    first = rejections[0].item()
    left = (target_probabilities[first] - draft_probabilities[first]).clamp(min=0)
    return first, left / left.sum()


@right
def in_logarithms(target_probabilities, draft_probabilities, drafted, uniforms):
    place = torch.arange(len(drafted))
    log_ratio = target_probabilities[place, drafted].log() - draft_probabilities[place, drafted].log()
    kept = int((uniforms.log() < log_ratio).int().cumprod(0).sum())
    if kept == len(drafted):
        return kept, target_probabilities[kept]
    left = torch.maximum(target_probabilities[kept] - draft_probabilities[kept], torch.tensor(0.0))
    return kept, left / left.sum()


@right
def draft_padded_with_zeros(target_probabilities, draft_probabilities, drafted, uniforms):
    q = torch.cat([draft_probabilities, torch.zeros_like(target_probabilities[:1])])
    kept = _leading(_passed(target_probabilities, draft_probabilities, drafted, uniforms))
    left = (target_probabilities[kept] - q[kept]).relu()
    return kept, left / left.sum()


@right
def minimum_taken_off(target_probabilities, draft_probabilities, drafted, uniforms):
    kept = _leading(_passed(target_probabilities, draft_probabilities, drafted, uniforms))
    if kept == len(drafted):
        return kept, target_probabilities[kept]
    p, q = target_probabilities[kept], draft_probabilities[kept]
    return kept, (p - torch.min(p, q)) / (1 - torch.min(p, q).sum())


@right
def with_where(target_probabilities, draft_probabilities, drafted, uniforms):
    rows = zip(target_probabilities, draft_probabilities, drafted, uniforms, strict=False)
    passed = [bool(u <= p[token] / q[token]) for p, q, token, u in rows]
    kept = passed.index(False) if False in passed else len(passed)
    if kept == len(passed):
        return kept, target_probabilities[-1].clone()
    p, q = target_probabilities[kept], draft_probabilities[kept]
    excess = torch.where(p > q, p - q, torch.zeros_like(p))
    return kept, excess.div(excess.sum())


@right
def in_double(target_probabilities, draft_probabilities, drafted, uniforms):
    p, q = target_probabilities.double(), draft_probabilities.double()
    kept = _leading(_passed(p, q, drafted, uniforms.double()))
    return kept, _following(p, q, kept)


@right
def with_argmin(target_probabilities, draft_probabilities, drafted, uniforms):
    passed = _passed(target_probabilities, draft_probabilities, drafted, uniforms)
    kept = torch.cat([passed, torch.tensor([False])]).int().argmin().item()
    return kept, _following(target_probabilities, draft_probabilities, kept)


PARTS = (
    ("all are kept: the target's own next distribution", 3.0, rounds.KEPT),
    ("a rejection: what is left of the target's distribution", 5.0, (*rounds.REJECTED, *rounds.IMPOSSIBLE)),
    ("nothing counts behind the first rejection", 2.0, rounds.LATER),
)
EXERCISE = exercise("verify", "04", verify, rounds.draw, PARTS, catalogue)
