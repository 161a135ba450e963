"""Load the teacher and the student, count them, freeze the teacher, and see that they are a pair.

Weights become float32: transformers returns what the file holds, and in bfloat16 small updates round away.  A teacher
neither learns nor drops out.  Two vocabularies that only look alike are refused.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from os import PathLike

import torch
from torch import nn
from transformers import AutoModelForCausalLM, AutoTokenizer, PreTrainedModel, PreTrainedTokenizerBase
from transformers.utils import logging

from utils.configuration import context_of, text_config
from utils.data.batches import Row, prompt_ids
from utils.errors import CourseError
from utils.machine.allocator import keep_freed_memory
from utils.machine.files import own_path
from utils.machine.hub import only_cached_where_unreachable, why_not_fetched
from utils.models.folder import require_folder, require_tokenizer_files, why_no_model, why_no_tokenizer
from utils.models.forward import (
    best_device,
    fastest_dtype,
    in_eval_mode,
    with_fast_forward,
    with_fast_kernels,
    with_positions,
)
from utils.models.profiles import Profile
from utils.models.proof import require_causal_in_a_batch, with_right_padding

_LAYER = re.compile(r"\b(?:h|layers|blocks?)\.(\d+)\.")  # as families call a layer in the names of their weights


@dataclass(frozen=True)
class Pair:
    """A frozen teacher and a trainable student with one tokenizer, on one device."""

    teacher: PreTrainedModel
    student: PreTrainedModel
    tokenizer: PreTrainedTokenizerBase

    @property
    def compression(self) -> float:
        """How many times smaller the student is, in parameters."""
        return count_parameters(self.teacher) / count_parameters(self.student)


def load_pair(profile: Profile, device: str | None = None) -> Pair:
    """Teacher (frozen), student (float32, trainable) and their tokenizer, on the best device there is."""
    device = device or best_device()
    tokenizer = load_tokenizer(profile.teacher)
    teacher = freeze(load_model(profile.teacher, device))
    student = load_model(profile.student, device)
    require_one_vocabulary(tokenizer, load_tokenizer(profile.student), teacher, student)
    return Pair(teacher, student, tokenizer)


def load_model(name: str | PathLike[str], device: str | None = None) -> PreTrainedModel:
    """A causal language model with float32 weights from the hub, from HF_ENDPOINT or from a folder.

    Its forward pass computes in bfloat16 where that is faster, hands out float32 logits, and reads positions off the
    mask.  Raises CourseError where it cannot be had.
    """
    logging.disable_progress_bar()
    keep_freed_memory()
    device = device or best_device()
    place = own_path(name)
    name = str(place or name)
    if place:
        require_folder(place)
    try:
        with only_cached_where_unreachable(name), _without_reports():
            model, found = AutoModelForCausalLM.from_pretrained(
                name, dtype=torch.float32, output_loading_info=True, ignore_mismatched_sizes=True
            )
    except Exception as error:  # of transformers, safetensors, tokenizers or the hub: they share no kind
        reason = why_no_model(place, error) if place else why_not_fetched("model", name, error)
        raise CourseError(reason) from error
    if found["mismatched_keys"]:
        tensor, in_file, asked_for = next(iter(found["mismatched_keys"]))
        raise CourseError(
            f"The weights of {name!r} do not fit its config.json: {tensor} is {list(in_file)} in the file and "
            f"{list(asked_for)} by the configuration. Copy both from the same model."
        )
    if found["missing_keys"]:  # they would stay random, and nothing but a report of the loader's would say so
        missing = sorted(found["missing_keys"])
        raise CourseError(
            f"The weights of {name!r} lack {len(missing)} tensors, such as {missing[0]!r}. Copy them again."
        )
    _require_all_layers(model, name, found["unexpected_keys"])
    text_config(model).use_cache = False  # keys and values are kept for `generate` alone, which asks for them itself
    model = with_fast_kernels(with_positions(model.to(device)))
    require_causal_in_a_batch(model, name)
    return with_fast_forward(with_right_padding(model, name), fastest_dtype(device))


def _require_all_layers(model: PreTrainedModel, name: str, unused: Collection[str]) -> None:
    """Raise CourseError where the file holds more layers than the configuration: the rest would be left out."""
    layers = {int(number) for key in unused for number in _LAYER.findall(key)}
    asked_for = getattr(text_config(model), "num_hidden_layers", None)
    if layers and asked_for is not None and max(layers) >= asked_for:
        raise CourseError(
            f"The weights of {name!r} have {max(layers) + 1} layers and its config.json asks for {asked_for}. Copy "
            "both from the same model."
        )


def load_tokenizer(name: str | PathLike[str]) -> PreTrainedTokenizerBase:
    """The tokenizer that belongs to a model.  Where it has no pad token, end-of-text pads, as GPT-2's users do.

    Raises CourseError where it cannot be had or has no end-of-text token.
    """
    place = own_path(name)
    name = str(place or name)
    if place:
        require_tokenizer_files(place)
    try:
        with only_cached_where_unreachable(name):
            tokenizer = AutoTokenizer.from_pretrained(name)
    except Exception as error:  # of transformers, safetensors, tokenizers or the hub: they share no kind
        reason = why_no_tokenizer(place, error) if place else why_not_fetched("tokenizer", name, error)
        raise CourseError(reason) from error
    if not tokenizer.is_fast:
        raise CourseError(
            f"The tokenizer of {name!r} cannot tell where in a text its tokens lie, which bits per byte need. Choose a "
            "model with a tokenizer.json."
        )
    if tokenizer.eos_token_id is None:
        raise CourseError(f"The tokenizer of {name!r} has no end-of-text token. Set its eos_token and save it again.")
    if tokenizer.pad_token is None:
        tokenizer.pad_token = tokenizer.eos_token
    return tokenizer


@contextmanager
def _without_reports() -> Iterator[None]:
    """Inside, transformers does not print its table of tensors: `load_model` says what is wrong with them."""
    before = logging.get_verbosity()
    logging.set_verbosity_error()
    try:
        yield
    finally:
        logging.set_verbosity(before)


def freeze(model: PreTrainedModel) -> PreTrainedModel:
    """The model in eval mode with every gradient off: a teacher only answers."""
    return model.eval().requires_grad_(False)


def require_frozen(teacher: nn.Module) -> None:
    """Raise CourseError where a teacher could still learn."""
    learning = sum(p.numel() for p in teacher.parameters() if p.requires_grad)
    if learning:
        raise CourseError(
            f"{learning:,} of the teacher's parameters still require a gradient. Freeze it: eval mode, and "
            "requires_grad off for every parameter."
        )


def require_context(model: nn.Module, rows: Sequence[Row]) -> None:
    """Raise CourseError where a row is longer than the positions that the model knows."""
    context = context_of(model)
    longest = max((len(row.input_ids) for row in rows), default=0)
    if context is not None and longest > context:
        raise CourseError(
            f"A row has {longest} tokens and the model's context only {context}. Cut rows at max_length={context}."
        )


def count_parameters(model: nn.Module) -> int:
    """Parameters of the model; one that is shared (a tied output layer) counts once."""
    return sum(parameter.numel() for parameter in model.parameters())


def require_one_vocabulary(
    teacher_tokenizer: PreTrainedTokenizerBase,
    student_tokenizer: PreTrainedTokenizerBase,
    teacher: PreTrainedModel,
    student: PreTrainedModel,
) -> None:
    """Raise CourseError, with the reason, unless token i means the same to both models."""
    require_one_tokenizer(teacher_tokenizer, student_tokenizer)
    sizes, theirs = tuple(text_config(model).vocab_size for model in (teacher, student)), teacher_tokenizer.get_vocab()
    if sizes[0] != sizes[1]:
        raise CourseError(
            f"The vocabularies differ in size: the teacher's output has {sizes[0]:,} entries, the student's "
            f"{sizes[1]:,} (often one is padded to a round number). Resize one to the other before distilling."
        )
    if max(theirs.values()) >= sizes[0]:
        raise CourseError(
            f"The tokenizer knows ids up to {max(theirs.values()):,} and the models only {sizes[0]:,} tokens. "
            "Use the tokenizer that the models were trained with."
        )


def require_one_tokenizer(
    teacher_tokenizer: PreTrainedTokenizerBase, student_tokenizer: PreTrainedTokenizerBase
) -> None:
    """Raise CourseError, with the reason, unless token i is the same token in both."""
    theirs, ours = teacher_tokenizer.get_vocab(), student_tokenizer.get_vocab()
    differing = [token for token, index in theirs.items() if ours.get(token) != index]
    if differing or len(theirs) != len(ours):
        example = f"; for example {differing[0]!r}" if differing else ""
        raise CourseError(
            f"Teacher and student do not share a tokenizer: {len(theirs):,} and {len(ours):,} tokens, of which "
            f"{len(differing):,} of the teacher's have another id or none in the student's{example}. "
            "Their logits cannot be compared; choose a pair with one tokenizer."
        )


def sample_text(
    model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, prompt: str, tokens: int = 40, seed: int = 0
) -> str:
    """What the model writes after `prompt`: `tokens` tokens, drawn at temperature 0.8 from its 40 most likely."""
    ids = torch.tensor([prompt_ids(tokenizer, prompt)], device=model.device)
    with in_eval_mode(model), torch.random.fork_rng(), torch.no_grad():
        torch.manual_seed(seed)
        output = model.generate(
            ids, attention_mask=torch.ones_like(ids), max_new_tokens=tokens, do_sample=True, temperature=0.8, top_k=40,
            pad_token_id=tokenizer.pad_token_id,
        )  # fmt: skip
    return tokenizer.decode(output[0, ids.shape[1] :], skip_special_tokens=True)
