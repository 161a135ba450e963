"""What a submission cannot reach or use up, each limit and each wall with a test of its own."""

import os
import shutil
import sys

import numpy as np
import pytest

from grader.sandbox import bubblewrap, stage
from grader.sandbox.client import Ended, Sandbox
from grader.sandbox.limits import MEGABYTE, Limits
from tests.grader.attempts import LIMITS, PROBE, SQUARE, end_of, error_of

pytestmark = pytest.mark.skipif(
    not (sys.platform == "linux" and shutil.which("bwrap")) and not os.environ.get("CI"),
    reason="bubblewrap is not installed",
)


def said(sandbox: Sandbox, expression: str, before: str = "") -> str:
    """What an expression is inside of the sandbox."""
    text = error_of(sandbox, f"{before}\nraise ValueError({expression})")
    assert text.startswith("ValueError: "), text
    return text.removeprefix("ValueError: ")


def test_a_function_answers_with_its_value_and_gradient(sandbox):
    with sandbox.attempt(LIMITS, seed=1) as attempt:
        assert attempt.run(SQUARE) == ""
        (answer,) = attempt.ask("distillation_loss", [PROBE])
    assert answer.outcome == "tensor"
    assert answer.value == 10.0
    assert np.array_equal(answer.gradient("x"), [0.0, 4.0, 8.0])


@pytest.mark.parametrize(
    "source",
    [
        f"{SQUARE}\ndistillation_loss = torch.compile(distillation_loss, fullgraph=True)",
        f"{SQUARE}\ndistillation_loss = torch.compile(distillation_loss)\ndistillation_loss(torch.ones(3), 2.0)",
    ],
    ids=["compiled", "compiled and tried"],
)
def test_a_compiled_function_answers_as_it_was_written(sandbox, source):
    """To compile takes a compiler and longer than a cell may take."""
    with sandbox.attempt(LIMITS, seed=1) as attempt:
        assert attempt.run(source) == ""
        (answer,) = attempt.ask("distillation_loss", [PROBE])
    assert (answer.outcome, answer.value) == ("tensor", 10.0)
    assert "torch._dynamo" not in said(sandbox, "sorted(sys.modules)", f"import sys\n{source}")


def test_what_is_not_defined_is_absent(sandbox):
    with sandbox.attempt(LIMITS, seed=1) as attempt:
        assert attempt.ask("distillation_loss", [PROBE]) == ""


def test_chance_starts_alike_and_does_not_tell_the_seed_of_the_probes(sandbox):
    found = {said(sandbox, "torch.initial_seed()", "import torch") for _ in range(2)}  # attempted with seed 1
    assert len(found) == 1 and found != {"1"}


def test_the_environment_holds_nothing_of_the_host(sandbox):
    os.environ["COURSE_TEST_SECRET"] = "secret"
    names = said(sandbox, "sorted(os.environ)", "import os")
    assert "SECRET" not in names and "PATH" in names


def test_only_the_system_python_and_the_reduced_course_are_visible(sandbox):
    folders = eval(said(sandbox, "os.listdir('/')", "import os"))
    allowed = {"bin", "course", "dev", "etc", "lib", "lib32", "lib64", "proc", "sbin", "scratch", "tmp", "usr"}
    python = {path.parts[1] for path in bubblewrap.visible_folders()}
    assert set(folders) <= allowed | python
    assert not eval(said(sandbox, f"os.path.exists({str(stage.ROOT / 'solutions')!r})", "import os"))
    inside = eval(said(sandbox, "sorted(os.listdir('/course/grader')) + os.listdir('/course')", "import os"))
    marks = {"course.py", "requirements.txt"}  # empty: a set-up cell knows the course by them
    assert set(inside) == {"__init__.py", "sandbox", "grader", "utils"} | marks
    sizes = eval(said(sandbox, f"[os.path.getsize('/course/' + name) for name in {sorted(marks)!r}]", "import os"))
    assert sizes == [0, 0]


def test_a_submission_may_import_what_the_server_has_not_imported_yet(sandbox):
    folders = [str(folder) for path in bubblewrap.visible_folders() for folder in (path, *path.parents)]
    unreadable = said(sandbox, f"[folder for folder in {folders!r} if not os.access(folder, os.X_OK)]", "import os")
    assert unreadable == "[]"


def test_the_network_is_absent(sandbox):
    assert "PermissionError" in error_of(sandbox, "import socket\nsocket.socket(socket.AF_INET)")
    assert "Error" in error_of(sandbox, "import socket\nsocket.create_connection(('127.0.0.1', 80))")
    interfaces = said(sandbox, "open('/proc/net/dev').read().count(':')")
    assert int(interfaces) <= 1  # the loopback device, which is down
    assert "up" not in said(sandbox, "os.listdir('/proc/net')", "import os").split()


@pytest.mark.parametrize("place", ["/", "/dev", "/usr", "/course", "/course/utils", "/etc", "/proc"])
def test_the_system_is_read_only(sandbox, place):
    assert "Error" in error_of(sandbox, f"open('{place}/planted', 'w')")


def test_no_capability_is_left_and_none_can_be_gained(sandbox):
    status = eval(said(sandbox, "[l.split()[1] for l in open('/proc/self/status') if l[:3] in ('Cap', 'NoN', 'Sec')]"))
    assert {int(word, 16) for word in status[:5]} == {0}
    assert "1" in status and "2" in status  # no new privileges; calls are filtered
    uids = said(sandbox, "os.getresuid()", "import os")
    assert "0" not in uids.strip("()").split(", ")


REFUSED = [
    "unshare(0x10000000)",
    "syscall(319, b'x', 0)",  # memfd_create
    "syscall(29, 0, 4096, 0o1600)",  # shmget
    "fcntl(open('own', 'w').fileno(), 1024, 1)",  # a lease, which holds up everybody else who opens the file
    "socketpair(30, 1, 0, ctypes.create_string_buffer(8))",  # of TIPC, in the kernel's less travelled parts
]


@pytest.mark.parametrize("call", REFUSED)
def test_calls_around_the_limits_are_refused(sandbox, call):
    if os.uname().machine != "x86_64" and "syscall" in call:
        pytest.skip("the numbers are those of x86_64")
    before = f"import ctypes\nlibc = ctypes.CDLL(None, use_errno=True)\nresult = libc.{call}"
    assert said(sandbox, "result, ctypes.get_errno()", before) == "(-1, 1)"


def test_wall_time_is_limited(sandbox):
    assert end_of(sandbox, "import time\ntime.sleep(60)", cell_seconds=1.0) == "timeout"


def test_computing_time_of_the_tree_is_limited(sandbox):
    burn = "import os\nfor _ in range(3): os.fork()\nwhile True: pass"
    assert end_of(sandbox, burn, cpu_seconds=1.0, cell_seconds=60.0) == "timeout"


def test_computing_time_of_children_that_nobody_waits_for_is_counted(sandbox):
    """The kernel forgets it where their parent ignores that they end."""
    burn = (
        "import os, signal, time\n"
        "signal.signal(signal.SIGCHLD, signal.SIG_IGN)\n"
        "for _ in range(30):\n"
        "    if os.fork() == 0:\n"
        "        while time.process_time() < 0.2: pass\n"
        "        os._exit(0)\n"
        "    try: os.wait()\n"
        "    except ChildProcessError: pass\n"
    )
    assert end_of(sandbox, burn, cpu_seconds=2.0, cell_seconds=90.0) == "timeout"


def test_memory_of_one_process_is_limited(sandbox):
    assert "MemoryError" in error_of(sandbox, "x = bytearray(2 * 10**9)")


def test_memory_of_the_whole_tree_is_limited(sandbox):
    many = """
import os, time
for _ in range(8):
    if os.fork() == 0:
        x = b"x" * (150 << 20)
        time.sleep(60)
time.sleep(60)
"""
    assert end_of(sandbox, many, cell_seconds=120.0) == "memory"


def test_processes_are_limited_for_root_too(sandbox):
    bomb = "import os, time\nfor _ in range(200):\n    if os.fork() == 0: time.sleep(60)\n"
    try:
        error = error_of(sandbox, bomb, Limits(cell_seconds=20.0, processes=20))
    except Ended as ended:
        assert ended.reason == "processes"
    else:
        assert "BlockingIOError" in error


def test_threads_are_limited(sandbox):
    bomb = "import threading, time\nfor _ in range(200): threading.Thread(target=time.sleep, args=(60,)).start()\n"
    try:
        error = error_of(sandbox, bomb, Limits(cell_seconds=20.0, processes=20))
    except Ended as ended:
        assert ended.reason == "processes"
    else:
        assert "thread" in error


def test_open_files_are_limited(sandbox):
    assert "Too many open files" in error_of(sandbox, "kept = [open('/dev/null') for _ in range(1000)]")


def test_the_size_of_a_file_is_limited(sandbox):
    limits = Limits(file_size=MEGABYTE)
    assert "File too large" in error_of(sandbox, "open('x', 'wb').write(bytes(2 << 20))", limits)


def test_the_disk_is_limited(sandbox):
    fill = "for i in range(100): open(f'{i}', 'wb').write(bytes(1 << 20))"
    assert "No space left" in error_of(sandbox, fill)
    assert "No space left" in error_of(sandbox, "for i in range(10000): open(f'/dev/shm/{i}', 'w').close()")


def test_output_goes_nowhere_and_errors_are_cut(sandbox):
    assert error_of(sandbox, "import os\nfor _ in range(100): os.write(1, bytes(1 << 20))\nprint('x' * 10**7)") == ""
    assert len(error_of(sandbox, "raise ValueError('x' * 10**8)")) < 2000


def test_an_answer_s_size_is_limited_before_it_is_read(sandbox):
    with sandbox.attempt(Limits(answer=4096), seed=1) as attempt:
        attempt.run("import torch\ndef distillation_loss(x, factor): return torch.ones(10**4)")
        with pytest.raises(Ended) as ended:
            attempt.ask("distillation_loss", [PROBE])
    assert ended.value.reason == "garbled"


HANG_UP = """
import os, time
def distillation_loss(x, factor):
    os.closerange(3, 1 << 10)
    time.sleep(60)
"""


def test_who_hangs_up_and_goes_on_has_crashed_and_the_sandbox_has_not(sandbox):
    with sandbox.attempt(LIMITS, seed=1) as attempt:
        attempt.run(HANG_UP)
        with pytest.raises(Ended, match="closed its connection") as ended:
            attempt.ask("distillation_loss", [PROBE])
    assert ended.value.reason == "crashed"


def test_a_crash_says_how(sandbox):
    with pytest.raises(Ended, match="signal 11"):
        error_of(sandbox, "import ctypes\nctypes.string_at(0)")


def test_nothing_is_left_for_the_next_submission(sandbox):
    """Not in memory, on disk, in processes, in signals, in descriptors."""
    plant = """
import builtins, os, time, torch, utils, sys
builtins.planted = utils.planted = torch.planted = 1
torch.set_default_dtype(torch.float64)
for place in ("/tmp", "/scratch", "/scratch/own", "/dev/shm"):
    try: open(place + "/planted", "w").write("x")
    except OSError: pass
for process in range(2, 40):
    try: os.kill(process, 9)
    except OSError: pass
try: os.kill(os.getppid(), 9)
except OSError: pass
if os.fork() == 0:
    os.setsid()
    time.sleep(600)
"""
    found = """
import builtins, os, torch, utils
left = [thing for thing in (builtins, utils, torch) if hasattr(thing, "planted")]
left += [p for p in ("/tmp", "/scratch", "/scratch/own", "/dev/shm") if os.path.exists(p + "/planted")]
left += [torch.get_default_dtype()] if torch.get_default_dtype() != torch.float32 else []
left += [p for p in os.listdir("/proc") if p.isdigit() and p != "1"]
left += [d for d in os.listdir("/proc/self/fd") if int(d) > 2]
"""
    error_of(sandbox, plant)
    left = eval(said(sandbox, "left", found))
    assert len(left) <= 2, left  # the channel to the judge, and the listing of descriptors itself


def test_the_server_s_memory_cannot_be_reached(sandbox):
    others = said(sandbox, "[p for p in os.listdir('/proc') if p.isdigit()], os.getppid()", "import os")
    assert others == "['1'], 0" or others == "(['1'], 0)"


def test_two_submissions_at_a_time_do_not_meet(sandbox):
    with sandbox.attempt(LIMITS, seed=1) as first, sandbox.attempt(LIMITS, seed=1) as second:
        server = "import socket\ns = socket.socket(socket.AF_UNIX)\ns.bind('\\0meeting')\ns.listen()"
        client = "import socket\nsocket.socket(socket.AF_UNIX).connect('\\0meeting')"
        assert first.run(server) == ""
        assert "refused" in second.run(client)


def test_a_killed_server_is_started_again(sandbox):
    sandbox.server.kill()
    assert error_of(sandbox, "x = 1") == ""
