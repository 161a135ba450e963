"""The judge of ``distillation_loss``: parts, blend, and the answer as a whole, from plain answers alone."""

from utils.checks.distillation_loss.verdict import verdict
from utils.checks.judgement import after_error, is_right

__all__ = ["after_error", "is_right", "verdict"]
