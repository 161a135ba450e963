"""Writes a checkpoint, a teacher cache and a corpus cache onto a small disk that fills up meanwhile.

    python fill_the_disk.py FOLDER

FOLDER lies on a disk of its own.  Prints JSON: what was said, and what was there afterwards.
"""

import contextlib
import functools
import json
import sys
import warnings
from pathlib import Path

import torch
from transformers import GPT2Config, GPT2LMHeadModel

from utils.data import corpus
from utils.data.batches import BatchPlan, Row
from utils.data.documents import Document
from utils.errors import CourseError
from utils.losses.core import distillation_loss
from utils.models import fingerprint
from utils.teachers import cache as teacher_cache
from utils.teachers.cache import cache_answers
from utils.training import checkpoints
from utils.training.loop import distill, train_step
from utils.training.settings import TrainingSettings

LOSS = functools.partial(distillation_loss, temperature=2.0)


def fill(folder: Path) -> None:
    """Write until the disk takes no more."""
    for size in (65536, 256, 1):
        with contextlib.suppress(OSError), (folder / "ballast").open("ab", buffering=0) as ballast:
            while ballast.write(b"x" * size) == size:
                pass


def model(seed: int) -> GPT2LMHeadModel:
    torch.manual_seed(seed)
    config = GPT2Config(
        vocab_size=64, n_positions=16, n_embd=16, n_layer=1, n_head=2, bos_token_id=0, eos_token_id=0
    )  # fmt: skip
    return GPT2LMHeadModel(config)


def rows() -> tuple[Row, ...]:
    tokens = [tuple((11 * i + j) % 63 + 1 for j in range(12)) for i in range(20)]
    return tuple(Row(ids, ids, str(i), 12) for i, ids in enumerate(tokens))


def checkpoint(folder: Path) -> dict:
    """Ten steps, a checkpoint after each; the disk is full from the fifth on, and the run stops after the eighth."""
    teacher, path, weights = model(1).requires_grad_(False).eval(), folder / "run.pt", []

    def step(student, teacher, batch, optimizer, loss_function):
        weights.append(fingerprint.of_weights(student))
        if len(weights) == 5:
            fill(folder)
        if len(weights) == 9:
            raise KeyboardInterrupt
        return train_step(student, teacher, batch, optimizer, loss_function)

    def run(student, path):
        return distill(student, teacher, BatchPlan(rows(), 2, 0), TrainingSettings(1e-2, 1), LOSS, step, path)

    checkpoints.SECONDS_BETWEEN = 0.0
    fingerprint.of_function = lambda function: "any"
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        with contextlib.suppress(KeyboardInterrupt):
            run(model(0), path)
    kept = fingerprint.of_state(torch.load(path)["student"])
    left = sorted(file.name for file in folder.iterdir())
    (folder / "ballast").unlink()
    resumed, whole = model(0), model(0)
    weights += ["", "", ""]  # this time it is not stopped
    step_of_kept = weights.index(kept)
    run(resumed, path)
    run(whole, None)
    return {
        "said": sorted({str(warning.message) for warning in said if "checkpoint" in str(warning.message)}),
        "left": left,
        "kept": step_of_kept,
        "equal": fingerprint.of_weights(resumed) == fingerprint.of_weights(whole),
    }


def answers(folder: Path) -> dict:
    """A cache of several shards; the disk is full from the third on."""
    teacher, calls = model(1).requires_grad_(False).eval(), []
    forward = teacher.forward

    def counted(*args, **kwargs):
        calls.append(1)
        if len(calls) == 3:
            fill(folder)
        return forward(*args, **kwargs)

    teacher.forward, teacher_cache.SHARD_BYTES, said = counted, 8000, ""
    try:
        cache_answers(teacher, rows(), folder)
    except CourseError as error:
        said = str(error)
    left = sorted(file.name for file in folder.rglob("*") if file.is_file())
    (folder / "ballast").unlink()
    cache = cache_answers(teacher, rows(), folder)
    return {"said": said, "left": left, "shards": len(cache.shards), "calls": len(calls)}


def text(folder: Path) -> dict:
    """The documentation of Python, whose cache does not fit any more."""

    def documents(stdlib):
        fill(folder)
        return [Document(f"name{i}", " ".join(f"word{i}x{j}" for j in range(40)), "") for i in range(200)]

    corpus.python_documents, corpus.cache_folder = documents, lambda: folder
    found = corpus.python_corpus()
    left = sorted(file.name for file in folder.iterdir())
    (folder / "ballast").unlink()
    again = corpus.python_corpus()
    return {"left": left, "same": again == found, "documents": len(found.train)}


def main(folder: Path) -> None:
    torch.set_num_threads(1)
    found = {}
    for case in (checkpoint, answers, text):
        place = folder / case.__name__
        place.mkdir()
        found[case.__name__] = case(place)
    print("RESULT " + json.dumps(found))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
