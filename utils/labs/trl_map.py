"""The same divergence in TRL, to compare with, and TRL's defaults.  Is what you wrote what the tools compute?

TRL's `DistillationTrainer` takes hidden states and output layers; with an identity matrix for the output layer it
takes logits.  At `beta=0` its divergence is KL(teacher || student) at a temperature, in nats per valid token, without
the factor T^2 and without a hard part.  Tried with TRL 1.16 (requirements-trl.txt).
"""

from __future__ import annotations

import dataclasses
import os

import torch
from torch import Tensor

from utils.data.batches import IGNORE
from utils.machine.workspace import install_command


def trl_divergence(
    student_logits: Tensor, teacher_logits: Tensor, labels: Tensor, temperature: float = 1.0, beta: float = 0.0
) -> Tensor | None:
    """TRL's divergence on the shifted, valid positions of (B, S, V) logits; None where TRL is not installed.

    beta 0 is KL(teacher || student), 1 is KL(student || teacher), which is TRL's default.
    """
    try:
        from trl.trainer.distillation_trainer import _chunked_divergence_loss
    except ImportError:
        return None
    identity = torch.eye(student_logits.shape[-1], device=student_logits.device)
    divergence, _, _ = _chunked_divergence_loss(
        student_hidden_states=student_logits[:, :-1].float(),
        teacher_hidden_states=teacher_logits[:, :-1].float(),
        student_lm_head_weight=identity,
        teacher_lm_head_weight=identity,
        completion_mask=labels[:, 1:] != IGNORE,
        beta=beta,
        temperature=temperature,
    )
    return divergence


ON_POLICY_NAMES = (
    "lmbda", "beta", "seq_kd", "temperature", "max_new_tokens", "max_completion_length", "disable_dropout",
)  # fmt: skip


def trl_defaults() -> dict[str, dict[str, object]]:
    """ON_POLICY_NAMES and their defaults in the settings of TRL's two trainers; empty where TRL is not installed."""
    os.environ.setdefault("TRL_EXPERIMENTAL_SILENCE", "1")
    try:
        from trl import DistillationConfig
        from trl.experimental.gkd import GKDConfig
    except ImportError:
        return {}
    found = {}
    for config in (GKDConfig, DistillationConfig):
        defaults = {field.name: field.default for field in dataclasses.fields(config)}
        found[config.__name__] = {name: defaults[name] for name in ON_POLICY_NAMES if name in defaults}
    return found


def how_to_install() -> str:
    """What to do where TRL is not installed."""
    return f"TRL is not installed. This line in a terminal installs it: {install_command('requirements-trl.txt')}"
