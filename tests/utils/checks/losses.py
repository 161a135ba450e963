"""A right distillation loss, for tests of what surrounds the judging of one."""

from __future__ import annotations

import torch.nn.functional as F


def right(student_logits, teacher_logits, labels, temperature=3.0, alpha=0.5):
    keep = labels[:, 1:] != -100
    student, teacher = student_logits[:, :-1][keep], teacher_logits[:, :-1][keep].detach()
    log_q, log_p = ((x / temperature).log_softmax(-1) for x in (student, teacher))
    soft = F.kl_div(log_q, log_p, reduction="batchmean", log_target=True)
    return alpha * temperature**2 * soft + (1 - alpha) * F.cross_entropy(student, labels[:, 1:][keep])
