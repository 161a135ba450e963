"""Why can a folder's model or tokenizer not be loaded?  Which file it is, what is wrong with it, and what to do.

Asked only after transformers failed: it reads a dozen formats, and what it can read is not for this module to forbid.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import torch
from transformers import CONFIG_MAPPING
from transformers.models.auto.modeling_auto import MODEL_FOR_CAUSAL_LM_MAPPING_NAMES

from utils.errors import CourseError
from utils.machine.files import file_fault, require_open

TOKENIZER_FILES = ("tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "vocab.json", "merges.txt")
TOKENIZER_FILES += ("vocab.txt", "tokenizer.model", "spiece.model", "config.json")
WEIGHTS = ("model.safetensors", "pytorch_model.bin")
VOCABULARIES = ("tokenizer.json", "*vocab*", "*.model", "*.tiktoken", "*.bpe")  # one of them has a tokenizer's tokens


def require_tokenizer_files(folder: Path) -> None:
    """Raise CourseError where a folder has no tokenizer: transformers would make one up, of no tokens."""
    complaint = _not_a_folder(folder)
    if not complaint and not any(path for pattern in VOCABULARIES for path in folder.glob(pattern)):
        complaint = (
            f"The folder {str(folder)!r} holds no tokenizer (tokenizer.json, with tokenizer_config.json). Copy the "
            "tokenizer's files of the model into it, or save them there: tokenizer.save_pretrained(FOLDER)."
        )
    if complaint:
        raise CourseError(complaint)


def require_folder(folder: Path) -> None:
    """Raise CourseError where a path is not a folder."""
    complaint = _not_a_folder(folder)
    if complaint:
        raise CourseError(complaint)


def why_no_model(folder: Path, error: Exception) -> str:
    """One or two sentences on a folder whose model could not be loaded; `error` is what transformers raised."""
    return (
        _fault_of_config(folder)
        or _fault_of_weights(folder)
        or _in_its_own_words(f"The model in {str(folder)!r}", error)
    )


def why_no_tokenizer(folder: Path, error: Exception) -> str:
    """One or two sentences on a folder whose tokenizer could not be loaded."""
    for name in TOKENIZER_FILES:
        fault = file_fault(folder / name) if (folder / name).exists() else ""
        if fault:
            return _sentence(folder / name, fault)
    for name, needed in (("tokenizer.json", ("model", "added_tokens")), ("tokenizer_config.json", ())):
        content = _json_of(folder / name)
        if content is not None and not (isinstance(content, dict) and content.keys() >= set(needed)):
            return _sentence(folder / name, "is JSON, but not a tokenizer's. Copy the model's own file")
    needs = re.search(r"(sentencepiece|tiktoken|protobuf)", str(error))
    if needs:
        return (
            f"The tokenizer in {str(folder)!r} needs the package {needs[1]}, which is not installed. Install it, or "
            "take a folder with a tokenizer.json."
        )
    return _in_its_own_words(f"The tokenizer in {str(folder)!r}", error)


def _not_a_folder(folder: Path) -> str:
    require_open(folder)
    if folder.is_file():
        what = "a GGUF file; this course reads safetensors" if folder.suffix == ".gguf" else "a file"
        return f"{str(folder)!r} is {what}. Give the folder with the model's config.json, weights and tokenizer."
    if not folder.exists():
        return f"There is no folder {str(folder)!r}. Give the folder of a model, or its name on the hub (OWNER/NAME)."
    return ""


def _fault_of_config(folder: Path) -> str:
    path = folder / "config.json"
    if not path.exists():
        return _without_config(folder)
    fault = file_fault(path)
    if fault:
        return _sentence(path, fault)
    config = json.loads(path.read_text(encoding="utf-8"))
    kind = config.get("model_type") if isinstance(config, dict) else None
    if not kind:
        return f"{str(path)!r} does not say which kind of model it is (model_type). Copy the model's own config.json."
    if kind not in CONFIG_MAPPING and "auto_map" not in config:
        return (
            f"{str(path)!r} names the kind {kind!r}, which the transformers here does not know. Choose another model."
        )
    if kind not in MODEL_FOR_CAUSAL_LM_MAPPING_NAMES and "auto_map" not in config:
        return (
            f"{str(path)!r} is of a {kind!r}, which is not a causal language model. Choose one such as GPT-2 or Llama."
        )
    return ""


def _without_config(folder: Path) -> str:
    if (folder / "adapter_config.json").exists():
        return (
            f"The folder {str(folder)!r} holds an adapter (LoRA) and no whole model. Merge it into its model and save "
            "that: merge_and_unload(), then save_pretrained(FOLDER)."
        )
    inside = sorted(path.parent for path in [*folder.glob("*/config.json"), *folder.glob("snapshots/*/config.json")])
    if inside:
        return f"The folder {str(folder)!r} holds no model itself. Did you mean {str(inside[0])!r}?"
    if any(folder.glob("*.gguf")):
        return f"The folder {str(folder)!r} holds a GGUF file; the course reads safetensors. Fetch the model so."
    held = ", ".join(sorted(path.name for path in folder.iterdir())[:5]) or "nothing"
    return (
        f"The folder {str(folder)!r} holds no model: there is no config.json, but {held}. Give the model's own folder."
    )


def _fault_of_weights(folder: Path) -> str:
    files = list(_weight_files(folder))
    if not files:
        others = sorted(
            path.name for path in folder.iterdir() if path.suffix in (".safetensors", ".bin", ".pt", ".gguf")
        )
        seen = f", but {', '.join(others[:3])}" if others else ""
        return f"The folder {str(folder)!r} holds no weights ({' or '.join(WEIGHTS)}){seen}. Copy or rename them."
    for path in files:
        fault = file_fault(path) or _fault_inside(path)
        if fault:
            return _sentence(path, fault)
    return ""


def _fault_inside(path: Path) -> str:
    """What is wrong with the content of a file of weights, or of an index, that is whole."""
    if path.suffix == ".json":
        content = _json_of(path)
        known = isinstance(content, dict) and isinstance(content.get("weight_map"), dict)
        return "" if known else "does not say which file holds which weights (weight_map). Copy it again"
    if path.suffix != ".bin":
        return ""
    try:
        content = torch.load(path, map_location="meta", weights_only=True)
    except Exception as error:  # of pickle, zipfile or torch: they share no kind
        if "Unsupported global" in str(error):
            return "holds Python objects and not weights alone. Save it anew: model.save_pretrained(FOLDER)"
        return "is not a file that torch has written. Copy or fetch it again"
    kind = type(content).__name__
    return "" if isinstance(content, dict) else f"holds a {kind} and not weights by name. Save it anew: save_pretrained"


def _json_of(path: Path) -> object:
    """The content of a JSON file; None where it is not there or cannot be read."""
    with suppress(OSError, ValueError):
        return json.loads(path.read_text(encoding="utf-8"))
    return None


def _weight_files(folder: Path) -> Iterator[Path]:
    """The weights as transformers looks for them: one file, or an index and the parts that it names."""
    for name in WEIGHTS:
        index = folder / f"{name}.index.json"
        if (folder / name).exists() or (folder / name).is_symlink():
            yield folder / name
            return
        if index.exists():
            yield index
            try:
                parts = json.loads(index.read_text(encoding="utf-8"))["weight_map"].values()
            except (ValueError, KeyError, AttributeError):
                return
            yield from (folder / part for part in sorted(set(parts)))
            return


def _sentence(path: Path, fault: str) -> str:
    return f"{str(path)!r} {fault}."


def _in_its_own_words(what: str, error: Exception) -> str:
    words = " ".join(str(error).split()) or "no reason given"
    return f"{what} could not be loaded. transformers says: {type(error).__name__}: {words[:300].rstrip('.')}."
