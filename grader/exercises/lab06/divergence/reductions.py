"""Right divergences whose gradient goes another way, or that are averaged over other positions."""

from __future__ import annotations

import torch

from grader.exercises.lab06.divergence.gaps import divergence, gap, mean_over, mixed
from grader.exercises.lab06.divergence.scales import catalogue

wrong = catalogue.wrong


@wrong(
    "gradient flows into teacher_logits",
    "Nothing keeps the teacher out of the graph.",
    "Which of the two models should move?",
)
def teacher_learns(student_logits, teacher_logits, mask, beta):
    return gap(student_logits.log_softmax(-1), teacher_logits.log_softmax(-1), beta)[mask].mean()


@wrong(
    "no gradient reaches student_logits",
    "The student is detached.",
    "What cuts the student off from the graph?",
)
def student_detached(student_logits, teacher_logits, mask, beta):
    return divergence(student_logits.detach(), teacher_logits, mask, beta)


@wrong(
    "the student is detached instead of the teacher",
    "The gradient goes to the wrong model.",
    "Which of the two models should move?",
)
def wrong_one_detached(student_logits, teacher_logits, mask, beta):
    return gap(student_logits.detach().log_softmax(-1), teacher_logits.log_softmax(-1), beta)[mask].mean()


@wrong(
    "the student's probabilities are detached where they weigh the sum",
    "At beta = 1 only log q gets a gradient; its mean is zero.",
    "Reverse KL is a sum of q log(q / p). Where does q stand in it?",
)
@mean_over
def weight_detached(q, p, beta):
    def cut(one, other):
        return (one.exp().detach() * (one - other)).sum(-1)

    if beta in (0, 1):
        return cut(p, q) if beta == 0 else cut(q, p)
    mixture = mixed(q, p, beta)
    return beta * cut(p, mixture) + (1 - beta) * cut(q, mixture)


# Over which positions


@wrong(
    "padding counts: the mask is not used",
    "Averages over all positions.",
    "Change the logits at a position that does not count: does your answer change?",
)
def no_mask(student_logits, teacher_logits, mask, beta):
    return divergence(student_logits, teacher_logits, torch.ones_like(mask), beta)


@wrong(
    "divided by all positions instead of those that count",
    "Sets the others to 0 and takes the mean over B x S.",
    "How many numbers does your mean divide by?",
)
def divided_by_all(student_logits, teacher_logits, mask, beta):
    return divergence(student_logits, teacher_logits, mask, beta) * mask.sum() / mask.numel()


@wrong(
    "divided by the number of rows: F.kl_div's batchmean",
    "A longer row has a larger loss.",
    "Repeat every position: should the loss double?",
)
def batchmean(student_logits, teacher_logits, mask, beta):
    return divergence(student_logits, teacher_logits, mask, beta) * mask.sum() / len(mask)


@wrong(
    "summed over the positions instead of averaged",
    "A longer batch gives a larger loss.",
    "Repeat every row: should the loss double?",
)
def summed(student_logits, teacher_logits, mask, beta):
    return divergence(student_logits, teacher_logits, mask, beta) * mask.sum()


@wrong(
    "averaged over the vocabulary instead of summed over it",
    "F.kl_div's reduction='mean' divides by V too.",
    "What is the largest value at beta = 1/2, and can yours come near it?",
)
def averaged_over_vocabulary(student_logits, teacher_logits, mask, beta):
    return divergence(student_logits, teacher_logits, mask, beta) / student_logits.shape[-1]


def _mean_of_means(empty_rows_count):
    @wrong(
        "a mean of the rows' means instead of one mean over positions",
        "A row of two tokens weighs as much as one of five.",
        "Should a token of a short row weigh more than one of a long row?",
    )
    def mean_of_means(student_logits, teacher_logits, mask, beta):
        rows = [
            divergence(s[None], t[None], m[None], beta)
            for s, t, m in zip(student_logits, teacher_logits, mask, strict=True)
            if m.any()
        ]
        return sum(rows) / (len(mask) if empty_rows_count else len(rows))


_mean_of_means(empty_rows_count=False)
_mean_of_means(empty_rows_count=True)


@wrong(
    "the mask is turned round: the positions that do not count are averaged",
    "Averages where mask is False.",
    "What does True in the mask stand for?",
)
def inverted(student_logits, teacher_logits, mask, beta):
    used = mask if mask.all() else ~mask
    return divergence(student_logits, teacher_logits, used, beta)


@wrong(
    "shifted by one once more: mask and logits are already aligned",
    "Compares the logits of a position with the mask of the next.",
    "Read again what mask says: does it mark logits or labels?",
)
def shifted(student_logits, teacher_logits, mask, beta):
    return divergence(student_logits[:, :-1], teacher_logits[:, :-1], mask[:, 1:], beta)


@wrong(
    "one number for each position instead of their mean",
    "The reduction is missing.",
    "On what can backward() be called?",
)
def not_reduced(student_logits, teacher_logits, mask, beta):
    return gap(student_logits.log_softmax(-1), teacher_logits.detach().log_softmax(-1), beta)[mask]
