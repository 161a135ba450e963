"""The judge of ``distillation_loss``: parts, blend, and the answer as a whole, from plain answers alone."""

from utils.checks.distillation_loss.judge import judge_answers
from utils.checks.judgement import after_error, is_right

__all__ = ["after_error", "is_right", "judge_answers"]
