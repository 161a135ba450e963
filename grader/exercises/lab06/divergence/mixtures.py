"""Wrong divergences of one position: the wrong direction, the wrong mixture, the wrong ends."""

from __future__ import annotations

from grader.exercises.lab06.divergence.gaps import between, gap, kl, mean_over, mixed
from grader.exercises.ordinary import Catalogue

catalogue = Catalogue()
wrong = catalogue.wrong


@wrong(
    "the two ends of beta are swapped: 0 gives reverse KL",
    "The mixture is right, and the special cases are not.",
    "At beta = 0, whose tokens should the sum be weighted by?",
)
@mean_over
def ends_swapped(q, p, beta):
    return gap(q, p, 1 - beta if beta in (0, 1) else beta)


@wrong(
    "beta is 1 - beta everywhere: teacher and student are swapped",
    "Computes the divergence of the pair the other way round.",
    "At beta = 0, whose tokens should the sum be weighted by?",
)
@mean_over
def swapped_everywhere(q, p, beta):
    return gap(q, p, 1 - beta)


@wrong(
    "the mixture's weights are swapped: beta belongs to the teacher",
    "Mixes (1 - beta) P + beta Q and keeps the outer weights.",
    "For beta near 0, is the mixture near the student or near the teacher?",
)
@mean_over
def mixture_swapped(q, p, beta):
    return gap(q, p, beta, mixed(q, p, 1 - beta))


@wrong(
    "the outer weights are swapped: beta belongs to KL(teacher || mixture)",
    "Weighs the teacher's part by 1 - beta.",
    "Which of the two parts should be left alone as beta goes to 1?",
)
@mean_over
def weights_swapped(q, p, beta):
    return between(q, p, 1 - beta, mixed(q, p, beta)) if 0 < beta < 1 else gap(q, p, beta)


@wrong(
    "the mixture is always half and half",
    "Uses M = (P + Q) / 2 for every beta.",
    "What does beta do to the mixture?",
)
@mean_over
def half_mixture(q, p, beta):
    return gap(q, p, beta, mixed(q, p, 0.5))


@wrong(
    "both parts weigh one half, whatever beta is",
    "The mixture moves and the weights do not.",
    "What does beta do outside of the mixture?",
)
@mean_over
def half_weights(q, p, beta):
    return between(q, p, 0.5, mixed(q, p, beta)) if 0 < beta < 1 else gap(q, p, beta)


@wrong(
    "always beta = 1/2: beta is not used in between",
    "The plain Jensen-Shannon divergence.",
    "Call it with 0.2 and with 0.8: should both give the same?",
)
@mean_over
def always_half(q, p, beta):
    return gap(q, p, 0.5 if 0 < beta < 1 else beta)


@wrong(
    "forward and reverse KL are averaged: there is no mixture",
    "(1 - beta) KL(P || Q) + beta KL(Q || P).",
    "Two distributions that share no token: is your divergence finite at beta = 1/2?",
)
@mean_over
def averaged_kl(q, p, beta):
    return (1 - beta) * kl(p, q) + beta * kl(q, p)


@wrong(
    "forward and reverse KL are averaged with beta turned round: there is no mixture",
    "beta KL(P || Q) + (1 - beta) KL(Q || P).",
    "At beta = 0, whose tokens should the sum be weighted by? And where is the mixture?",
)
@mean_over
def averaged_kl_swapped(q, p, beta):
    return beta * kl(p, q) + (1 - beta) * kl(q, p)


@wrong(
    "log-probabilities are mixed instead of probabilities",
    "M is a geometric mean, and it does not sum to 1.",
    "A mixture draws from P in beta of all cases. Is that a sum of probabilities or of their logarithms?",
)
@mean_over
def geometric(q, p, beta):
    return gap(q, p, beta, beta * p + (1 - beta) * q)


@wrong(
    "logits are mixed instead of probabilities",
    "M is the softmax of mixed logits: a normalised geometric mean.",
    "A mixture draws from P in beta of all cases. Is that a sum of probabilities or of their logarithms?",
)
@mean_over
def mixed_logits(q, p, beta):
    return gap(q, p, beta, (beta * p + (1 - beta) * q).log_softmax(-1))


@wrong(
    "KL(M || P) and KL(M || Q): the mixture comes first",
    "F.kl_div takes its arguments the other way round than the formula.",
    "F.kl_div(input, target) is KL(target || input). Which of yours is the target?",
)
@mean_over
def mixture_first(q, p, beta):
    mixture = mixed(q, p, beta)
    return beta * kl(mixture, p) + (1 - beta) * kl(mixture, q) if 0 < beta < 1 else gap(q, p, beta)


@wrong(
    "the arguments of F.kl_div are swapped throughout",
    "Every KL is turned round, at the ends too.",
    "F.kl_div(input, target) is KL(target || input). Which of yours is the target?",
)
@mean_over
def every_kl_swapped(q, p, beta):
    mixture = mixed(q, p, beta)
    return beta * kl(mixture, p) + (1 - beta) * kl(mixture, q) if 0 < beta < 1 else gap(q, p, 1 - beta)


@wrong(
    "always forward KL: beta is not used",
    "Ignores beta.",
    "Call it with 0, 0.5 and 1: should all three give the same?",
)
@mean_over
def forward_always(q, p, beta):
    return kl(p, q)


@wrong(
    "always reverse KL: beta is not used",
    "Ignores beta.",
    "Call it with 0, 0.5 and 1: should all three give the same?",
)
@mean_over
def reverse_always(q, p, beta):
    return kl(q, p)


@wrong(
    "divided by beta (1 - beta) in between",
    "Rescaled so that nothing jumps at the ends; the formula has no such factor.",
    "Put beta = 1/2 into the formula: is there a factor of 4?",
)
@mean_over
def rescaled(q, p, beta):
    return gap(q, p, beta) / (beta * (1 - beta) if 0 < beta < 1 else 1)


@wrong(
    "only the teacher's part: KL(student || mixture) is missing",
    "beta KL(P || M) alone.",
    "How many KLs does the formula have?",
)
@mean_over
def teachers_part(q, p, beta):
    return beta * kl(p, mixed(q, p, beta)) if 0 < beta < 1 else gap(q, p, beta)


@wrong(
    "the parts are not weighted: KL(P || M) + KL(Q || M)",
    "beta mixes, and does not weigh.",
    "Two distributions that share no token: what is the largest value at beta = 1/2?",
)
@mean_over
def unweighted(q, p, beta):
    return 2 * between(q, p, 0.5, mixed(q, p, beta)) if 0 < beta < 1 else gap(q, p, beta)


@wrong(
    "the square root is taken: a distance instead of the divergence",
    "scipy's jensenshannon does so.",
    "Is the divergence asked, or the distance that is its root?",
)
@mean_over
def square_root(q, p, beta):
    return gap(q, p, beta).sqrt()


@wrong(
    "the sign is turned round: descending drives the student away",
    "Returns minus the divergence.",
    "An optimizer makes the loss small. What becomes of the student?",
)
@mean_over
def negative(q, p, beta):
    return -gap(q, p, beta)


@wrong(
    "log of a softmax: an unlikely token's logarithm is infinite",
    "Computes probabilities first; they underflow.",
    "What is exp(-2000) on a computer, and what its logarithm?",
)
def underflow(student_logits, teacher_logits, mask, beta):
    q, p = (each.softmax(-1).log() for each in (student_logits, teacher_logits.detach()))
    return gap(q, p, beta)[mask].mean()


def _with_a_small_number(epsilon):
    @wrong(
        "a small number is added to the probabilities: no logarithm is below its own",
        "It keeps log(0) away, and every unlikely token looks equally unlikely.",
        "The teacher says 1e-20, the student 1e-30. What do both become with 1e-8 added?",
    )
    def with_a_small_number(student_logits, teacher_logits, mask, beta):
        q, p = ((each.softmax(-1) + epsilon).log() for each in (student_logits, teacher_logits.detach()))
        return gap(q, p, beta)[mask].mean()


for small in (1e-8, 1e-9, 1e-10, 1e-12):
    _with_a_small_number(small)


@wrong(
    "softmax over the positions instead of the vocabulary",
    "Normalises along the wrong axis.",
    "Along which axis do the probabilities of one position lie?",
)
def wrong_axis(student_logits, teacher_logits, mask, beta):
    return gap(student_logits.log_softmax(1), teacher_logits.detach().log_softmax(1), beta)[mask].mean()
