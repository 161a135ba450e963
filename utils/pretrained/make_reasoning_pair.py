"""Make the pair of Labs 5 and 6: two Llamas that read one character at a time, and their tokenizer.

    python -m utils.pretrained.make_reasoning_pair --work DIR [--quick] [--only teacher]

The teacher reads solutions of `utils.labs.arithmetic`, steps written out.  The student reads solutions of the shortest
questions alone, of one or two operations, so the labs' own questions are new to it.  Everything follows from the seeds
in RECIPES.  A stopped run goes on where it was.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import math
import time
from pathlib import Path

import torch
from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers
from tqdm.auto import tqdm
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

from utils.data.batches import pad
from utils.labs.arithmetic import FORMS, questions
from utils.labs.reasoning import rows_of
from utils.machine.allocator import keep_freed_memory
from utils.pretrained.pretrain import muon_and_adamw, resume, save, scale_at, set_rate, step_all

HERE = Path(__file__).resolve().parent / "reasoning"
END_OF_TEXT, PADDING = "<|endoftext|>", "<|pad|>"
CONTEXT = 384
UNKNOWN_SHARE = 0.05


@dataclasses.dataclass(frozen=True)
class Recipe:
    """Size and training of one model.  lengths: how many operations the questions have whose solutions it reads."""

    lengths: tuple[int, ...]
    layers: int
    width: int
    heads: int
    mlp: int
    steps: int
    batch: int = 64
    learning_rate: float = 3e-3
    warm_up_steps: int = 50
    decay_share: float = 0.4
    weight_decay: float = 0.05
    seed: int = 0


RECIPES = {
    "student": Recipe((1, 2), layers=3, width=64, heads=4, mlp=128, steps=1200, batch=32, seed=1),
    "teacher": Recipe((2, 3, 4, 5), layers=6, width=128, heads=4, mlp=256, steps=800, batch=32, seed=2),
}
QUICK_SHARE = 1 / 20


def make_tokenizer() -> PreTrainedTokenizerFast:
    """Every character that the task writes is a token."""
    shown = questions(200, unknown=0.5)
    written = {sign for question in shown for form in FORMS for sign in question.text + "\n" + question.trace(form)}
    signs = [END_OF_TEXT, PADDING, *sorted(written | set("0123456789"))]
    tokenizer = Tokenizer(models.WordLevel({sign: number for number, sign in enumerate(signs)}, unk_token=END_OF_TEXT))
    tokenizer.pre_tokenizer = pre_tokenizers.Split(Regex(r"[\s\S]"), "isolated")
    tokenizer.decoder = decoders.Fuse()
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, eos_token=END_OF_TEXT, bos_token=END_OF_TEXT, unk_token=END_OF_TEXT,
        pad_token=PADDING, model_max_length=CONTEXT,
    )  # fmt: skip


def batch_at(step: int, recipe: Recipe, tokenizer: PreTrainedTokenizerFast) -> dict[str, torch.Tensor]:
    """The rows of one step, padded on the right; of a solution the question is not learned."""
    length = recipe.lengths[step % len(recipe.lengths)]  # rows of like length need little padding
    asked = questions(recipe.batch, (length,), seed=recipe.seed * 1_000_000 + step, unknown=UNKNOWN_SHARE)
    rows = rows_of(asked, [one.trace() for one in asked], tokenizer)
    batch = pad(rows, tokenizer.pad_token_id)
    return {name: batch[name] for name in ("input_ids", "labels")}


def train(
    name: str, recipe: Recipe, tokenizer: PreTrainedTokenizerFast, folder: Path
) -> tuple[LlamaForCausalLM, float]:
    """Train to the end of the recipe, with Muon on the blocks' matrices; the model, and the hours over all its runs."""
    torch.manual_seed(recipe.seed)
    model = LlamaForCausalLM(
        LlamaConfig(
            vocab_size=len(tokenizer), hidden_size=recipe.width, intermediate_size=recipe.mlp,
            num_hidden_layers=recipe.layers, num_attention_heads=recipe.heads, num_key_value_heads=recipe.heads,
            max_position_embeddings=CONTEXT, tie_word_embeddings=True, bos_token_id=tokenizer.bos_token_id,
            eos_token_id=tokenizer.eos_token_id, pad_token_id=tokenizer.pad_token_id,
        )
    )  # fmt: skip
    optimizers = muon_and_adamw(model, [p for p in model.model.layers.parameters() if p.ndim == 2], recipe)
    checkpoint = folder / f"{name}.checkpoint.pt"
    first, seconds = resume(checkpoint, recipe, model, optimizers)
    started = time.perf_counter() - seconds
    for step in (bar := tqdm(range(first, recipe.steps), initial=first, total=recipe.steps, desc=name, mininterval=20)):
        set_rate(optimizers, recipe.learning_rate * scale_at(step, recipe))
        loss = model(**batch_at(step, recipe, tokenizer), use_cache=False).loss
        loss.backward()
        step_all(optimizers)
        if step % 50 == 49:
            bar.set_postfix_str(f"loss {loss.item():.4f}", refresh=False)
            save(checkpoint, recipe, step + 1, time.perf_counter() - started, model, optimizers)
    return model, (time.perf_counter() - started) / 3600


def main() -> None:
    """Make the tokenizer and both models, and write them with an account of how."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--work", type=Path, required=True, help="folder for checkpoints")
    parser.add_argument("--out", type=Path, default=HERE, help="where teacher/ and student/ are written")
    parser.add_argument("--only", choices=RECIPES, help="make one of the two")
    parser.add_argument("--quick", action="store_true", help="a twentieth of the steps")
    arguments = parser.parse_args()
    arguments.work.mkdir(parents=True, exist_ok=True)
    keep_freed_memory()
    tokenizer = make_tokenizer()
    for name, recipe in RECIPES.items():
        if arguments.only not in (None, name):
            continue
        if arguments.quick:
            recipe = dataclasses.replace(recipe, steps=math.ceil(recipe.steps * QUICK_SHARE))
        model, hours = train(name, recipe, tokenizer, arguments.work)
        model.to(torch.float16).save_pretrained(arguments.out / name)
        tokenizer.save_pretrained(arguments.out / name)
        account = {
            "model": name, "recipe": dataclasses.asdict(recipe), "hours": round(hours, 3), "torch": torch.__version__,
            "threads": torch.get_num_threads(), "parameters": model.num_parameters(),
        }  # fmt: skip
        (arguments.out / f"{name}.json").write_text(json.dumps(account, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
