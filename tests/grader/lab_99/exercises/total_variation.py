"""``total_variation(target_logits, draft_logits, mask)``: half the sum of |p - q|, averaged over valid positions."""

import numpy as np
import torch

from grader.exercises.ordinary import Catalogue, exercise
from utils.checks.records import Probe

catalogue = Catalogue()


def total_variation(target_logits, draft_logits, mask):
    p, q = target_logits.detach().softmax(-1), draft_logits.softmax(-1)
    return 0.5 * (p - q).abs().sum(-1)[mask.bool()].mean()


def draw(stream):
    for index, rows in enumerate((("1110", "0111"), ("11111", "11000"), ("011", "110", "111"))):
        mask = np.array([[int(sign) for sign in row] for row in rows])
        logits = [np.float32(stream.normal(0, 2, (*mask.shape, 6))) for _ in range(2)]
        given = {"target_logits": logits[0], "draft_logits": logits[1], "mask": mask}
        yield Probe(f"rows {index}", given, ("target_logits", "draft_logits"))


@catalogue.wrong("the half is missing", "Sums |p - q| whole.", "How far apart can two distributions be at most?")
def whole(target_logits, draft_logits, mask):
    return 2 * total_variation(target_logits, draft_logits, mask)


@catalogue.wrong("padding counts", "Ignores the mask.", "Which positions hold a real token?")
def padding(target_logits, draft_logits, mask):
    return total_variation(target_logits, draft_logits, torch.ones_like(mask))


@catalogue.wrong("the mask is inverted", "Scores padding alone.", "Does a 1 in the mask keep a position or drop it?")
def inverted(target_logits, draft_logits, mask):
    return total_variation(target_logits, draft_logits, 1 - mask)


@catalogue.wrong("mean of the rows' means", "A token in a short row weighs more.", "How much does each token weigh?")
def row_means(target_logits, draft_logits, mask):
    rows = [total_variation(*(x[i : i + 1] for x in (target_logits, draft_logits, mask))) for i in range(len(mask))]
    return torch.stack(rows).mean()


@catalogue.wrong("softmax is missing", "Compares raw logits.", "What must the entries of one position sum to?")
def raw(target_logits, draft_logits, mask):
    return 0.5 * (target_logits.detach() - draft_logits).abs().sum(-1)[mask.bool()].mean()


@catalogue.wrong("averaged over the vocabulary", "mean(-1).", "Which axis is summed, and which is averaged?")
def averaged(target_logits, draft_logits, mask):
    return total_variation(target_logits, draft_logits, mask) / target_logits.shape[-1]


@catalogue.wrong("squared instead of absolute", "(p - q) ** 2.", "What does the bar in the formula mean?")
def squared(target_logits, draft_logits, mask):
    p, q = target_logits.detach().softmax(-1), draft_logits.softmax(-1)
    return 0.5 * (p - q).square().sum(-1)[mask.bool()].mean()


@catalogue.wrong("gradient flows into the target", "No detach.", "Which of the two is to learn?")
def into_the_target(target_logits, draft_logits, mask):
    p, q = target_logits.softmax(-1), draft_logits.softmax(-1)
    return 0.5 * (p - q).abs().sum(-1)[mask.bool()].mean()


@catalogue.wrong("the draft is detached", "No gradient reaches it.", "What cuts a tensor off from the graph?")
def detached(target_logits, draft_logits, mask):
    return total_variation(target_logits, draft_logits.detach(), mask)


@catalogue.wrong("1 - TV is returned", "The acceptance rate.", "What is the answer for two equal distributions?")
def acceptance(target_logits, draft_logits, mask):
    return 1 - total_variation(target_logits, draft_logits, mask)


@catalogue.right
def by_minimum(target_logits, draft_logits, mask):
    kept = torch.minimum(target_logits.detach().softmax(-1), draft_logits.softmax(-1)).sum(-1)
    return 1 - (kept * mask).sum() / mask.sum()


@catalogue.right
def by_relu(target_logits, draft_logits, mask):
    with torch.no_grad():
        p = torch.softmax(target_logits, dim=2)
    return ((p - torch.softmax(draft_logits, dim=2)).relu().sum(2) * mask).sum() / mask.sum()


@catalogue.right
def by_norm(target_logits, draft_logits, mask):
    apart = target_logits.detach().softmax(-1) - draft_logits.softmax(-1)
    return torch.linalg.vector_norm(apart[mask == 1], ord=1, dim=-1).mean() / 2


@catalogue.right
def by_rows(target_logits, draft_logits, mask):
    rows = zip(target_logits.detach(), draft_logits, mask, strict=True)
    return torch.cat([(t.softmax(-1) - d.softmax(-1)).abs().sum(-1)[m > 0] / 2 for t, d, m in rows]).mean()


@catalogue.right
def by_l1_loss(target_logits, draft_logits, mask):
    p, q = target_logits.detach().softmax(-1)[mask.bool()], draft_logits.softmax(-1)[mask.bool()]
    return torch.nn.functional.l1_loss(q, p, reduction="sum") / (2 * len(p))


@catalogue.right
def by_einsum(target_logits, draft_logits, mask):
    apart = (target_logits.detach().softmax(-1) - draft_logits.softmax(-1)).abs()
    return torch.einsum("bsv,bs->", apart, mask.to(apart.dtype)) / (2 * mask.sum())


@catalogue.right
def by_masked_select(target_logits, draft_logits, mask):
    apart = (target_logits.detach().softmax(-1) - draft_logits.softmax(-1)).abs().sum(-1)
    return apart.masked_select(mask.bool()).mean() * 0.5


@catalogue.right
def by_logs(target_logits, draft_logits, mask):
    p, q = target_logits.detach().log_softmax(-1).exp(), draft_logits.log_softmax(-1).exp()
    return torch.where(mask[..., None] == 1, (p - q).abs(), 0.0).sum() / (2.0 * mask.sum())


EXERCISE = exercise(
    "total_variation", "99", total_variation, draw, [("value", 4, ("rows 0", "rows 1", "rows 2"))], catalogue
)
