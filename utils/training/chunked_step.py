"""A training step that never holds all logits: for a large vocabulary, or for little memory.

No lab needs it; Lab 3's last section and docs/speed.md show it with models of your own, and benchmarks/distillation.py
measures it.  Output layers are paid for at valid positions only, chunk by chunk, and the teacher's layers once: its
last hidden states are a fiftieth of its logits in GPT-2's size, so they can be kept where logits cannot.
"""

from __future__ import annotations

import weakref

import torch
from torch import Tensor, nn

from utils.configuration import text_config
from utils.data.batches import IGNORE, Batch, model_inputs, positions_of
from utils.errors import CourseError
from utils.losses.chunked import CHUNK, chunked_distillation_loss
from utils.losses.core import require_alpha, require_temperature, shifted
from utils.models.forward import computes_in, in_eval_mode
from utils.teachers.cache import TeacherCache
from utils.teachers.cache_settings import CacheSettings
from utils.teachers.cached import batch_columns
from utils.training.steps import LossFunction, Step, update

_LOOKED_AT: weakref.WeakSet[nn.Module] = weakref.WeakSet()  # models whose output layer is known to make their logits


def last_hidden_settings(teacher: nn.Module) -> CacheSettings:
    """Cache settings that keep a teacher's last hidden states and nothing else."""
    return CacheSettings(top_k=0, hidden_layers=(text_config(teacher).num_hidden_layers,))


def chunked_step(temperature: float, alpha: float, cache: TeacherCache | None = None, chunk: int = CHUNK) -> Step:
    """A training step for `distill(step=...)`: the library's blend, from hidden states, `chunk` positions at a time.

    With `cache` (made with `last_hidden_settings`) only the teacher's output layer is asked, but for one row at the
    start, and its hidden states come rounded to float16.  The loss function is not asked: that one takes logits.
    Raises CourseError for T <= 0, alpha outside [0, 1], and models whose logits are more than a product of hidden
    states and output layer.
    """
    require_temperature(temperature)
    require_alpha(alpha)

    def step(
        student: nn.Module,
        teacher: nn.Module,
        batch: Batch,
        optimizer: torch.optim.Optimizer,
        loss_function: LossFunction,
    ) -> float:
        for model in (student, teacher):
            if model not in _LOOKED_AT:
                _require_plain_logits(model, batch)
                _LOOKED_AT.add(model)
        with torch.no_grad():
            theirs = last_hidden(teacher, batch) if cache is None else _kept(cache, batch)
        return update(
            student, optimizer, lambda: blend_from_hidden(student, teacher, batch, theirs, temperature, alpha, chunk)
        )

    return step


def blend_from_hidden(
    student: nn.Module,
    teacher: nn.Module,
    batch: Batch,
    theirs: Tensor,
    temperature: float,
    alpha: float,
    chunk: int = CHUNK,
) -> Tensor:
    """The library's blend in nats per valid token, from the teacher's last hidden states `theirs` (B, S, D_t).

    Of the teacher only the output layer is asked.
    """
    theirs, targets = shifted(theirs, batch["labels"])
    ours, _ = shifted(last_hidden(student, batch), batch["labels"])
    heads, products = (output_layer(student), output_layer(teacher)), computes_in(student)
    return chunked_distillation_loss(
        ours.float(), heads[0], theirs.float(), heads[1], targets, temperature, alpha, chunk, products
    )


def last_hidden(model: nn.Module, batch: Batch) -> Tensor:
    """What the model's output layer is given: (B, S, D), in the number type that the model computes in."""
    inputs = model_inputs(batch)
    inputs.setdefault("position_ids", positions_of(batch["attention_mask"]))
    dtype = computes_in(model)
    with torch.autocast(batch["input_ids"].device.type, dtype=dtype, enabled=dtype != torch.float32):
        return model.base_model(**inputs, use_cache=False).last_hidden_state


def output_layer(model: nn.Module) -> Tensor:
    """The weights (V, D) that make logits from hidden states.  Raises CourseError where they alone do not."""
    layer = model.get_output_embeddings()
    if getattr(layer, "bias", None) is not None:
        raise CourseError("The output layer has a bias, and the chunked loss knows none. Use train_step instead.")
    return layer.weight


@torch.no_grad()
def _require_plain_logits(model: nn.Module, batch: Batch) -> None:
    """Raise CourseError where the output layer alone does not make the logits, seen on the first row of a batch."""
    if not hasattr(model, "base_model") or not hasattr(model, "get_output_embeddings"):
        raise CourseError(
            f"A {type(model).__name__} has no layers to ask. Pass the model itself; kept answers come as cache=."
        )
    row = {name: tensor[:1] for name, tensor in batch.items()}
    dtype = computes_in(model)
    with in_eval_mode(model), torch.autocast(row["input_ids"].device.type, dtype, enabled=dtype != torch.float32):
        ours = last_hidden(model, row) @ output_layer(model).T
        theirs = model(**model_inputs(row)).logits
    counted = row["labels"] != IGNORE
    if not torch.allclose(ours[counted].float(), theirs[counted].float(), rtol=0.02, atol=0.02):
        raise CourseError(
            f"The logits of this {type(model).__name__} are not its hidden states times its output layer: they are "
            "scaled or capped as well, and the chunked loss knows neither. Use train_step instead."
        )


def _kept(cache: TeacherCache, batch: Batch) -> Tensor:
    name = f"hidden_{cache.config.num_hidden_layers}"
    columns = batch_columns(cache, batch["input_ids"], batch["attention_mask"])
    if name not in columns:
        raise CourseError("This cache lacks the last hidden states. Make it with last_hidden_settings(teacher).")
    return columns[name]
