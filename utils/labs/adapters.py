"""What Lab 8 needs beside `peft`: a student with an adapter, parts of it frozen, general text, and what a run costs."""

from __future__ import annotations

import copy
import warnings
from collections.abc import Sequence
from pathlib import Path

import torch
from transformers import PreTrainedModel, PreTrainedTokenizerBase
from transformers.pytorch_utils import Conv1D

from utils.data.batches import Row, rows_of
from utils.data.general import general_documents
from utils.errors import CourseError

GENERAL_PACKAGE = "pandas"  # one of those that the student was made from, and of the course's own requirements


def with_adapter(
    student: PreTrainedModel, rank: int, alpha: float, targets: Sequence[str], seed: int = 0
) -> PreTrainedModel:
    """The student as `peft` wraps it: frozen, with a LoRA adapter of this rank beside every matrix that is named.

    targets: the last parts of module names, as in `peft`.  GPT-2 keeps its matrices transposed, in Conv1D; `peft` is
    told so.  The seed decides where A begins.  The student itself is changed: give a fresh one.
    """
    from peft import LoraConfig, get_peft_model

    ends = tuple(f".{target}" for target in targets)
    found = [module for name, module in student.named_modules() if name.endswith(ends) and hasattr(module, "weight")]
    if not found:
        raise CourseError(f"No module's name ends with one of {', '.join(targets)}. print(model) lists the names.")
    kinds = {isinstance(module, Conv1D) for module in found}
    config = LoraConfig(r=rank, lora_alpha=alpha, target_modules=list(targets), fan_in_fan_out=kinds == {True})
    with torch.random.fork_rng(devices=[]), warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)
        torch.manual_seed(seed)
        return get_peft_model(student, config)


def train_only(student: PreTrainedModel, targets: Sequence[str]) -> None:
    """Freeze everything but the weights of the modules whose names end so."""
    ends = tuple(f".{target}.weight" for target in targets)
    for name, parameter in student.named_parameters():
        parameter.requires_grad_(name.endswith(ends))


def general_rows(tokenizer: PreTrainedTokenizerBase, max_length: int, documents: int) -> list[Row]:
    """Text that the student was made from: docstrings of an installed package, none of which repeats Python's own."""
    return rows_of(general_documents([GENERAL_PACKAGE]), tokenizer, max_length, documents)


@torch.no_grad()
def cut_to_rank(before: PreTrainedModel, after: PreTrainedModel, targets: Sequence[str], rank: int) -> PreTrainedModel:
    """`before` with the best change of this rank that `after` has to offer, at each targeted matrix; a new model."""
    found = copy.deepcopy(before)
    new = dict(after.named_parameters())
    for name, parameter in found.named_parameters():
        if name.endswith(tuple(f".{target}.weight" for target in targets)):
            left, values, right = torch.linalg.svd(new[name] - parameter, full_matrices=False)
            parameter += (left[:, :rank] * values[:rank]) @ right[:rank]
    return found


def weight_changes(before: PreTrainedModel, after: PreTrainedModel, targets: Sequence[str]) -> dict[str, list[float]]:
    """The singular values of each targeted matrix's change, largest first, by the module's name."""
    old = dict(before.named_parameters())
    return {
        name.removeprefix("transformer.").removesuffix(".weight"): torch.linalg.svdvals(
            (parameter.detach() - old[name].detach()).float()
        ).tolist()
        for name, parameter in after.named_parameters()
        if name.endswith(tuple(f".{target}.weight" for target in targets))
    }


def bytes_of_adapter(model: PreTrainedModel, folder: Path) -> int:
    """How large the adapter is that `peft` saves: its weights alone, without the model."""
    model.save_pretrained(folder)
    return sum(path.stat().st_size for path in folder.glob("*.safetensors"))


def optimizer_bytes(model: torch.nn.Module) -> int:
    """What AdamW keeps: two numbers in single precision for each one that learns."""
    return sum(2 * 4 * parameter.numel() for parameter in model.parameters() if parameter.requires_grad)
