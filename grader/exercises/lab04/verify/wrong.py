"""Wrong ways to keep drafted tokens, and wrong distributions for the one that follows."""

from __future__ import annotations

from collections.abc import Callable

import torch.nn.functional as F

from grader.exercises.lab04.verify.rule import chosen, following, leading, passing, residual
from grader.exercises.ordinary import Catalogue

catalogue = Catalogue()
wrong = catalogue.wrong
TOKEN = "a token is returned instead of the distribution that it is drawn from"


def counted_wrongly(name: str, sentence: str, hint: str) -> Callable[[Callable], Callable]:
    """Enter a mistake that counts other tokens as kept, and is right from there on."""

    def enter(count: Callable) -> Callable:
        def variant(target_probabilities, draft_probabilities, drafted, uniforms):
            kept = count(target_probabilities, draft_probabilities, drafted, uniforms)
            return kept, following(target_probabilities, draft_probabilities, kept)

        return wrong(name, sentence, hint)(variant)

    return enter


@counted_wrongly(
    "kept where u is above p/q: the wrong way round",
    "A token that the target likes much more than the draft is rejected.",
    "p is twice q: should this token ever be rejected?",
)
def above_the_ratio(p, q, drafted, uniforms):
    return leading(~passing(p, q, drafted, uniforms))


@counted_wrongly(
    "the ratio is q/p instead of p/q",
    "A token that the target never says is always kept.",
    "p = 0: what does your ratio become?",
)
def swapped_ratio(p, q, drafted, uniforms):
    return leading(uniforms < chosen(q, drafted) / chosen(p, drafted))


@counted_wrongly(
    "u is compared with p alone: q is not divided by",
    "Keeps a token with the chance p, however often the draft proposes it.",
    "Draft and target agree exactly. How often should a token be kept?",
)
def without_q(p, q, drafted, uniforms):
    return leading(uniforms < chosen(p, drafted))


@counted_wrongly(
    "kept where p is at least q: u is not used",
    "Rejects every token whose p is below q, instead of some.",
    "p is 0.9 q. In how many of ten cases should the token stay?",
)
def without_chance(p, q, drafted, uniforms):
    return leading(chosen(p, drafted) >= chosen(q, drafted))


@counted_wrongly(
    "kept where it is the target's likeliest token: that is the greedy rule",
    "Compares with the argmax and does not sample.",
    "A token with p = q = 0.3 is not the likeliest. Should it always be rejected?",
)
def argmax_match(p, q, drafted, uniforms):
    return leading(p[:-1].argmax(-1) == drafted)


@wrong(
    "kept where it is the target's likeliest token, and then p alone: greedy decoding",
    "Compares with the argmax, and the draft's distribution is never looked at.",
    "A token with p = q = 0.3 is not the likeliest. Should it always be rejected?",
)
def greedy_throughout(p, q, drafted, uniforms):
    kept = leading(p[:-1].argmax(-1) == drafted)
    return kept, p[kept]


@counted_wrongly(
    "everything is kept: no token is ever rejected",
    "The text then is the draft's.",
    "u is 0.9 and p/q is 0.5. Is this token kept?",
)
def everything(p, q, drafted, uniforms):
    return len(drafted)


@wrong(
    TOKEN,
    "Draws or picks the token that follows.",
    "What is asked: a token or a distribution?",
)
def token(p, q, drafted, uniforms):
    kept = leading(passing(p, q, drafted, uniforms))
    return kept, following(p, q, kept).argmax()


@counted_wrongly(
    "what passes after a rejection is kept too",
    "Counts all tokens that pass; the text behind a rejected token was never drafted.",
    "The second of three is replaced. Which text was the third drafted for?",
)
def counts_all(p, q, drafted, uniforms):
    return int(passing(p, q, drafted, uniforms).sum())


@wrong(
    "the rejected token is kept",
    "Counts one token more than pass.",
    "Nothing passes: how many tokens are kept?",
)
def rejected_kept(p, q, drafted, uniforms):
    kept = leading(passing(p, q, drafted, uniforms))
    return min(kept + 1, len(drafted)), following(p, q, kept)


@counted_wrongly(
    "one u for all drafted tokens",
    "The decisions of a round hang together.",
    "How many uniform numbers come in, and how many do you use?",
)
def one_uniform(p, q, drafted, uniforms):
    return leading(passing(p, q, drafted, uniforms[0]))


@counted_wrongly(
    "the target's rows are read one too late",
    "Judges token i by the distribution after it.",
    "Which row of the target says how likely the first drafted token was?",
)
def row_too_late(p, q, drafted, uniforms):
    return leading(passing(p[1:], q, drafted, uniforms))


@counted_wrongly(
    "all or nothing: a single rejection throws the whole round away",
    "Returns 0 kept where any token is rejected.",
    "The third of four is rejected. What is wrong with the first two?",
)
def all_or_nothing(p, q, drafted, uniforms):
    return len(drafted) if passing(p, q, drafted, uniforms).all() else 0


@wrong(
    "how many are rejected is returned, not how many are kept",
    "Counts from the wrong end.",
    "All pass: which number do you return?",
)
def rejected_count(p, q, drafted, uniforms):
    kept = leading(passing(p, q, drafted, uniforms))
    return len(drafted) - kept, following(p, q, kept)


def _after_a_rejection(instead, name, sentence, hint):
    """The right count, and something else than the residual."""

    def variant(target_probabilities, draft_probabilities, drafted, uniforms):
        p, q = target_probabilities, draft_probabilities
        kept = leading(passing(p, q, drafted, uniforms))
        return kept, following(p, q, kept, instead)

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
    "A token with q > p is already accepted as often as p asks. How often should it come again?",
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
    lambda p, q: residual(q, p),
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
    kept = leading(passing(p, q, drafted, uniforms))
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
    kept = leading(passing(p, q, drafted, uniforms))
    return kept, p[kept] if kept == len(drafted) else residual(p[0], q[0])


@wrong(
    "the residual of the last row, wherever the rejection is",
    "Uses the last drafted place for every rejection.",
    "At which place do p and q belong to the rejected token?",
)
def residual_of_the_last(p, q, drafted, uniforms):
    kept = leading(passing(p, q, drafted, uniforms))
    return kept, p[kept] if kept == len(drafted) else residual(p[len(drafted) - 1], q[-1])


@wrong(
    "after a rejection the target's last row is drawn from",
    "That row follows all drafted tokens, the rejected one too.",
    "Which text does the last row follow?",
)
def always_the_last_row(p, q, drafted, uniforms):
    return leading(passing(p, q, drafted, uniforms)), p[-1]


@wrong(
    "where all are kept, the draft's last distribution is drawn from",
    "The token that follows is the target's own, from its last row.",
    "The target has one row more than the draft. What is it for?",
)
def bonus_of_the_draft(p, q, drafted, uniforms):
    kept = leading(passing(p, q, drafted, uniforms))
    return kept, q[-1] if kept == len(drafted) else residual(p[kept], q[kept])


@wrong(
    "where all are kept, the residual of the last drafted token is drawn from",
    "There was no rejection, so nothing is left over.",
    "All are kept. Was anything said too rarely?",
)
def residual_always(p, q, drafted, uniforms):
    kept = leading(passing(p, q, drafted, uniforms))
    place = min(kept, len(drafted) - 1)
    return kept, residual(p[place], q[place])


@wrong(
    "where all are kept, the target's row is one too early",
    "Draws the last drafted token's distribution a second time.",
    "The target has gamma + 1 rows. Which one follows the last drafted token?",
)
def bonus_one_too_early(p, q, drafted, uniforms):
    kept = leading(passing(p, q, drafted, uniforms))
    return kept, p[kept - 1] if kept == len(drafted) else residual(p[kept], q[kept])


@wrong(
    "the last token is never kept: no round keeps gamma",
    "Stops before the last drafted token, so the target's last row is never used.",
    "All pass: how many are kept?",
)
def never_all(p, q, drafted, uniforms):
    kept = min(leading(passing(p, q, drafted, uniforms)), len(drafted) - 1)
    return kept, residual(p[kept], q[kept])
