"""The server inside the sandbox: loads torch once, and lends each submission a fork of itself.

Three processes a submission. The *server* forks and reads nothing of a submission. The *supervisor* (a fork of it)
makes namespaces, counts what the tree below uses and ends it. The *learner* (process 1 of those namespaces) runs the
cells and answers. So neither memory nor files nor processes of one submission reach the next.

    python -m grader.sandbox.server CONTROL_FD CONFINED

The host sends on the control socket: one byte with two sockets attached, ``talk`` (to the learner) and ``watch`` (to
the supervisor), for each submission. Nobody but the learner holds ``talk``, nobody but the supervisor ``watch``.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import os
import pkgutil
import random
import select
import signal
import socket
import sys
import tempfile
import time
from collections.abc import Iterator

from grader.sandbox import namespaces
from grader.sandbox.limits import MOST_PATIENCE, Limits, Spent, before_learner_code, own_memory, passed, usage, waited
from grader.sandbox.protocol import Closed, Deadline, Late, Message, ProtocolError, receive, send

_LOOKS_PER_SECOND = 50
_MOST_ORDER = 64 << 20
_LOADED = ("torch.nn.functional", "torch.optim", "matplotlib.pyplot", "ipywidgets", "tqdm.auto")


def main(arguments: list[str]) -> None:
    control, confined = socket.socket(fileno=int(arguments[0])), arguments[1] == "confined"
    linux = sys.platform == "linux"
    if confined:
        namespaces.show_processes()
    shell = _load()
    if linux:
        namespaces.set_dumpable(False)
        _refuse_threads()
    gc.collect()
    gc.freeze()
    control.send(b"!")  # ready
    while True:
        with contextlib.suppress(ChildProcessError):
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass
        if not select.select([control], [], [], 1.0)[0]:
            continue
        byte, sockets, _, _ = socket.recv_fds(control, 1, 2)
        if not byte:
            return
        talk, watch = (socket.socket(fileno=number) for number in sockets)
        if os.fork() == 0:
            control.close()
            _run_and_exit(lambda talk=talk, watch=watch: _supervise(shell, talk, watch, confined, linux))
        talk.close()
        watch.close()


def _load():
    """Everything slow, once, without one parallel region: a fork of a process that has threads may hang."""
    from grader.sandbox.shell import new_shell, run_cell

    for name in _LOADED:
        with contextlib.suppress(ImportError):
            importlib.import_module(name)
    import torch
    from transformers import GPT2Config, GPT2LMHeadModel  # noqa: F401  (loaded here, used by probes and learners)

    import utils
    from utils.checks import ask  # noqa: F401

    for found in pkgutil.walk_packages(utils.__path__, "utils.", onerror=lambda name: None):
        with contextlib.suppress(Exception):  # a module that builds on an absent one
            importlib.import_module(found.name)
    torch.set_num_threads(1)
    shell = new_shell()
    run_cell(shell, "pass")  # loads what IPython loads late
    return shell


def _refuse_threads() -> None:
    threads = len(os.listdir("/proc/self/task")) if os.path.isdir("/proc/self/task") else 1
    if threads > 1:
        raise SystemExit(f"the grading server has {threads} threads and must have one before it forks")


def _run_and_exit(work) -> None:
    """Run to the end of this process, and never back into the server's loop."""
    code = 70
    try:
        work()
        code = 0
    finally:
        os._exit(code)


def _supervise(shell, talk: socket.socket, watch: socket.socket, confined: bool, linux: bool) -> None:
    """Start the learner's process, look at its tree until it ends or passes a bound, then say how it ended."""
    order = receive(watch, 1 << 12, Deadline(60))
    limits, seed = Limits.unpack(order.texts["limits"]), int(order.texts["seed"])
    baseline = own_memory()
    if confined:
        namespaces.become_nobody()
        namespaces.enter_namespaces()
    elif linux:
        namespaces.adopt_orphans()
    learner = os.fork()
    if learner == 0:
        watch.close()
        _run_and_exit(lambda: _learn(shell, talk, limits, seed, confined, linux))
    talk.close()
    send(watch, Message({"kind": "started"}))
    reason, code = _watch(learner, watch, limits, baseline)
    _end_tree(learner)
    with contextlib.suppress(Closed):
        send(watch, Message({"kind": "ended", "reason": reason, "code": str(code)}))


def _watch(learner: int, watch: socket.socket, limits: Limits, baseline: int) -> tuple[str, int]:
    """(bound that was passed, or "ended" or "stopped"; exit status, negative for a signal)."""
    end, spent = time.monotonic() + MOST_PATIENCE * limits.wall_seconds, Spent()
    while True:
        process, status = os.waitpid(learner, os.WNOHANG)
        if process:
            code = os.waitstatus_to_exitcode(status)
            return ("timeout" if code == -signal.SIGXCPU else "ended"), code
        used = usage([learner, *_orphans(learner)], limits.memory, spent)
        reason = passed(limits, used, baseline) or ("timeout" if time.monotonic() > end else "")
        if reason:
            return reason, 0
        if select.select([watch], [], [], 1 / _LOOKS_PER_SECOND)[0]:
            try:
                receive(watch, 1 << 12, Deadline(1))
                send(watch, Message({"kind": "waited", "seconds": str(waited(learner))}))
            except (Closed, Late, ProtocolError):
                return "stopped", 0  # the host has what it wants, or is gone


def _orphans(learner: int) -> list[int]:
    """Other children of this process: without a PID namespace, what outlived its parent in the learner's tree."""
    try:
        with open(f"/proc/self/task/{os.getpid()}/children") as file:
            return [process for process in map(int, file.read().split()) if process != learner]
    except OSError:
        return []


def _end_tree(learner: int) -> None:
    """Kill until nothing is left. In a PID namespace the first signal does, for it ends process 1."""
    for _ in range(200):
        with contextlib.suppress(ProcessLookupError):
            os.kill(learner, signal.SIGKILL)
        for process in _orphans(learner):
            with contextlib.suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL)
        try:
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass
        except ChildProcessError:
            return
        time.sleep(0.01)


def _learn(shell, talk: socket.socket, limits: Limits, seed: int, confined: bool, linux: bool) -> None:
    """Shut every door, then do as the judge asks until it hangs up."""
    os.nice(5)  # what counts and ends it must not have to wait for it
    with contextlib.suppress(OSError), open("/proc/self/oom_score_adj", "w") as file:
        file.write("1000")  # where the machine's own memory ends, this goes first, and not the server of all
    os.setsid()  # a signal to its process group would reach its parents, for a group knows no namespace
    silence = os.open(os.devnull, os.O_RDWR)
    for number in range(3):
        os.dup2(silence, number)
    keep = talk.fileno()
    os.closerange(3, keep)
    os.closerange(keep + 1, 1 << 16)
    sys.stdin, sys.stdout, sys.stderr = open(0), open(1, "w"), open(2, "w")  # noqa: SIM115
    if confined:
        namespaces.furnish(limits)
    else:
        os.chdir(tempfile.mkdtemp())  # what one submission writes is not there for the next to import
    sys.path.insert(0, "")  # as in a notebook: a module that a cell has written can be imported
    before_learner_code(limits, confined)
    if linux:
        namespaces.die_with_parent()
        namespaces.set_dumpable(True)  # an own tree may look at itself; its parents are out of reach
    _seed(seed)
    serve(shell, talk)


def _seed(seed: int) -> None:
    import numpy as np
    import torch

    random.seed(seed)
    np.random.seed(seed % 2**32)
    torch.manual_seed(seed)


def serve(shell, talk: socket.socket) -> None:
    """Run cells and ask functions. What runs here may change this very code: that makes no number right."""
    from grader.sandbox import wire
    from grader.sandbox.shell import definitions, describe, run_cell, used_names
    from utils.checks.ask import as_written, ask

    stack = contextlib.ExitStack()
    stack.enter_context(as_written())  # to the end of this process, for cells that call what they compiled
    while True:
        try:
            order = receive(talk, _MOST_ORDER)
        except (Closed, ProtocolError):
            return
        texts = order.texts
        if texts["kind"] == "run":
            source = definitions(shell, texts["source"]) if texts["part"] == "definitions" else texts["source"]
            send(talk, Message({"kind": "ran", "error": run_cell(shell, source)}))
        elif texts["kind"] == "names":
            found = [used_names(shell, source) for key, source in texts.items() if key != "kind"]
            send(talk, Message({"kind": "names", "used": " ".join(sorted(set().union(*found)))}))
        elif texts["kind"] == "ask":
            probes = [wire.probe_from(receive(talk, _MOST_ORDER)) for _ in range(int(texts["count"]))]
            function = shell.user_ns.get(texts["name"])
            if function is None:
                send(talk, Message({"kind": "absent"}))
                continue
            try:
                with _usual_state():
                    answers = ask(probes, function, float(texts["seconds"]))
            except BaseException as error:
                send(talk, Message({"kind": "failed", "error": describe(error)}))
                continue
            send(talk, Message({"kind": "answers"}))
            for answer in answers:
                send(talk, wire.answer_message(answer))


@contextlib.contextmanager
def _usual_state() -> Iterator[None]:
    """What another cell has switched on for all of torch does not make a right function wrong."""
    import torch

    usual = torch.get_default_device().type == "cpu"
    device = contextlib.nullcontext() if usual else torch.device("cpu")  # each call in it takes longer
    with torch.inference_mode(False), torch.autocast("cpu", enabled=False), device:
        yield


if __name__ == "__main__":
    main(sys.argv[1:])
