"""What is right, and the pieces that wrong and right ways to write agreement share."""

from __future__ import annotations


def same_choice(student_logits, teacher_logits):
    """(B, S), 1 where both like the same token best."""
    return (student_logits.argmax(-1) == teacher_logits.argmax(-1)).to(student_logits.dtype)


def kl(p_logits, q_logits):
    """KL(p || q) in nats, (B, S)."""
    p, q = p_logits.log_softmax(-1), q_logits.log_softmax(-1)
    return (p.exp() * (p - q)).sum(-1)


def mean(values, mask):
    return values[mask].mean().item()


def agreement(student_logits, teacher_logits, mask):
    both = (student_logits, teacher_logits)
    return mean(same_choice(*both), mask), mean(kl(teacher_logits, student_logits), mask)
