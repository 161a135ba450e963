"""Trains in child processes that are stopped from outside, and tells whether what was resumed equals a whole run.

    python stopped_runs.py FOLDER kill:STEP|interrupt:STEP ...

One child trains from start to end.  Then, on one checkpoint, a child is sent each signal after that many of its steps,
and a last one goes on to the end.  Prints JSON: the weights' hash and the history of both, exit codes, what was said.
Children are forked from a process that has imported everything, so that ten of them cost seconds.
"""

import functools
import json
import os
import random
import signal
import sys
import time
from pathlib import Path

import numpy as np
import torch
from transformers import GPT2Config, GPT2LMHeadModel

from utils.data.batches import BatchPlan, Row
from utils.losses.core import distillation_loss
from utils.models import fingerprint
from utils.training import checkpoints
from utils.training.loop import TrainingSettings, distill, train_step

SIGNALS = {"kill": signal.SIGKILL, "interrupt": signal.SIGINT}
SECONDS_PER_STEP = 0.01  # so that a signal arrives near the step it was meant for


def model(seed: int, dropout: float) -> GPT2LMHeadModel:
    torch.manual_seed(seed)
    config = GPT2Config(
        vocab_size=64, n_positions=16, n_embd=16, n_layer=1, n_head=2, bos_token_id=0, eos_token_id=0,
        resid_pdrop=dropout, embd_pdrop=dropout, attn_pdrop=dropout,
    )  # fmt: skip
    return GPT2LMHeadModel(config)


def announced_step(student, teacher, batch, optimizer, loss_function):
    value = train_step(student, teacher, batch, optimizer, loss_function)
    os.write(3, b".")
    time.sleep(SECONDS_PER_STEP)
    return value


def train(checkpoint: Path | None, result: Path) -> None:
    """40 steps with dropout; the weights' hash and the history go to `result`."""
    drawn = np.random.Generator(np.random.PCG64(0))
    tokens = [tuple(drawn.integers(1, 64, size=size).tolist()) for size in drawn.integers(2, 16, size=80)]
    plan = BatchPlan(tuple(Row(ids, ids, str(i), len(ids)) for i, ids in enumerate(tokens)), 4, 0)
    student, teacher = model(0, dropout=0.1), model(1, dropout=0.1).requires_grad_(False)
    loss = functools.partial(distillation_loss, temperature=2.0)
    settings = TrainingSettings(1e-2, epochs=2)
    history = distill(student, teacher, plan, settings, loss, announced_step, checkpoint)
    result.write_text(json.dumps({"weights": fingerprint.of_weights(student), "history": history.to_dict()}))


def child(folder: Path, checkpoint: Path | None, stop: int | None = None, number: signal.Signals | None = None) -> dict:
    """What one child did; with `stop` it is sent the signal after that many of its steps."""
    reading, writing = os.pipe()
    result, said = folder / "result.json", folder / "said.txt"
    result.unlink(missing_ok=True)
    process = os.fork()
    if process == 0:
        os.dup2(writing, 3)
        os.dup2(os.open(said, os.O_WRONLY | os.O_CREAT | os.O_TRUNC), 1)
        signal.signal(signal.SIGINT, signal.default_int_handler)
        try:
            train(checkpoint, result)
            code = 0
        except KeyboardInterrupt as stopped:
            print(stopped)
            code = 130
        sys.stdout.flush()
        os._exit(code)
    os.close(writing)
    for _ in range(stop or 0):
        os.read(reading, 1)
    if number is not None:
        moment = random.Random(stop).uniform(0, 1.5)  # in a step, or while something is saved
        time.sleep(moment * SECONDS_PER_STEP)
        os.kill(process, number)
    while os.read(reading, 4096):
        pass
    os.close(reading)
    _, status = os.waitpid(process, 0)
    found = json.loads(result.read_text()) if result.exists() else {}
    return {"exit": os.waitstatus_to_exitcode(status), "said": said.read_text(), **found}


def main(folder: Path, stops: list[str]) -> None:
    torch.set_num_threads(1)
    checkpoints.SECONDS_BETWEEN = 0.0
    checkpoint = folder / "run.pt"
    whole = child(folder, None)
    stopped = []
    for kind, step in (stop.split(":") for stop in stops):
        stopped.append(child(folder, checkpoint, int(step), SIGNALS[kind]))
        stopped[-1]["kept"] = checkpoints.saved_history(checkpoint).steps_done if checkpoint.exists() else 0
    resumed = child(folder, checkpoint)
    left = sorted(path.name for path in folder.iterdir())
    print(json.dumps({"whole": whole, "stopped": stopped, "resumed": resumed, "left": left}))


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])
