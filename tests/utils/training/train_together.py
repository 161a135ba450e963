"""What `accelerate launch` starts in a test: train a tiny student; write down its weights, losses and their parts."""

from __future__ import annotations

import sys

import torch
from safetensors.torch import save_file
from transformers import GPT2Config, GPT2LMHeadModel

from utils.data.batches import BatchPlan, Row
from utils.losses.core import distillation_loss
from utils.machine import processes as distributed
from utils.models.forward import with_positions
from utils.models.loading import freeze
from utils.training.loop import distill
from utils.training.settings import TrainingSettings


def model(seed: int, width: int) -> GPT2LMHeadModel:
    torch.manual_seed(seed)
    sizes = {"vocab_size": 31, "n_positions": 32, "n_embd": width, "n_layer": 1, "n_head": 2}
    off = {"resid_pdrop": 0.0, "embd_pdrop": 0.0, "attn_pdrop": 0.0, "initializer_range": 0.3}
    return with_positions(GPT2LMHeadModel(GPT2Config(**sizes, **off, bos_token_id=0, eos_token_id=0)))


def main(path: str) -> None:
    """Five rows of different lengths in batches of three, so that processes hold different numbers of tokens."""
    torch.set_num_threads(1)
    rows = []
    for index, length in enumerate((9, 3, 14, 2, 7)):
        ids = tuple((7 * index + 3 * place) % 31 for place in range(length))
        rows.append(Row(ids, ids, str(index), length))
    student, teacher = model(0, 8), freeze(model(1, 16))
    plan = BatchPlan(tuple(rows), 3, 0)
    history = distill(student, teacher, plan, TrainingSettings(learning_rate=1e-2, epochs=3), loss=distillation_loss)
    if distributed.size() > 1 and not torch.cuda.is_available():
        assert torch.distributed.get_backend() == "gloo"
    if distributed.rank() == 0:
        losses = torch.tensor([record.loss for record in history.records])
        parts = torch.tensor([(r.soft, r.hard) for r in history.records if r.soft is not None])
        state = {name: tensor.clone() for name, tensor in student.state_dict().items()}
        told = {"losses": losses, "parts": parts, "processes": torch.tensor(distributed.size())}
        save_file({**state, **told}, path)


if __name__ == "__main__":
    main(sys.argv[1])
