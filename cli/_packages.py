"""Which packages come, from where, how much is that, and what is wrong when they do not?  For course.py, so: standard
library only, and no import of anything that needs more.

Two mistakes this module exists to prevent: gigabytes of CUDA libraries for a computer without an NVIDIA GPU, and forty
lines of pip where "you are offline" is the whole story. What pip is told by its environment and its files holds here.
"""

import contextlib
import json
import os
import platform
import shutil
import subprocess
import sys
import sysconfig
import tempfile
import time
from collections.abc import Callable
from functools import partial
from itertools import dropwhile, takewhile
from pathlib import Path

from utils.machine.pip_reasons import missing_in, question, reason_in

CPU_INDEX = "https://download.pytorch.org/whl/cpu"
OLDEST_MACOS = 14  # of the builds of the torch in constraints.txt
DOWNLOAD_GB = {"cpu": 0.5, "cuda": 3.5}
DISK_GB = {"cpu": 1.9, "cuda": 8.0}
CUT_OFF = ("incomplete-download", "IncompleteRead", "Connection broken", "Read timed out", "ReadTimeoutError")
NO_DRIVER = (
    "There is no NVIDIA driver here, but the only build of torch within reach is the one for NVIDIA GPUs. It works on a"
    " CPU too. For a small one, stop now (Ctrl-C) and let PIP_EXTRA_INDEX_URL or PIP_FIND_LINKS lead to a CPU build"
    f" ({CPU_INDEX} has them)."
)


class InstallError(Exception):
    """Why the packages did not come and what to do, in one or two sentences."""


def install_packages(
    root: Path, python: Path, say: Callable[[str], None], fresh: bool, hold: tuple[int, ...] = ()
) -> None:
    """Install the course's requirements into the environment of `python`; `hold` are open files pip shall keep open."""
    pip = partial(run_pip, root, python, hold)
    kind, options = choose_torch(root, pip)
    surprise = kind == "cuda" and not has_nvidia_driver()
    if surprise:
        say(NO_DRIVER)
    if fresh:
        size = f"about {DOWNLOAD_GB[kind]} GB to download (less what pip holds), {DISK_GB[kind]} GB on disk"
        say(f"Installing torch ({kind}), transformers, JupyterLab and what they need: {size}. This takes minutes.")
        check_space(root, kind)
    else:
        say("Only packages whose versions changed are downloaded, and replace the old ones.")
    if surprise and sys.stderr.isatty():
        time.sleep(10)  # time to read, and to stop
    pip("install", "-r", "requirements.txt", "-c", "constraints.txt", *options)


def check_space(root: Path, kind: str = "cpu") -> None:
    """Ask before, not after: packages go below `root`, and their downloads first to the temporary folder."""
    needs: dict[int, tuple[str, float]] = {}
    for folder, gigabytes in ((str(root), DISK_GB[kind]), (tempfile.gettempdir(), DOWNLOAD_GB[kind])):
        first, sum_so_far = needs.get(os.stat(folder).st_dev, (folder, 0.0))
        needs[os.stat(folder).st_dev] = (first, sum_so_far + gigabytes)
    for folder, gigabytes in needs.values():
        free = shutil.disk_usage(folder).free / 1e9
        if free < gigabytes:
            problem = f"the set-up needs about {gigabytes:.1f} GB in {folder}, and {free:.1f} GB are free there"
            raise InstallError(f"{problem}. Make room, and start the same command again.")


# ---- which torch -----------------------------------------------------------------------------------------------------


def choose_torch(root: Path, pip: Callable[..., list[str]]) -> tuple[str, list[str]]:
    """Which torch will come, "cpu" or "cuda", and the options for pip that make it so.

    Without an NVIDIA driver, what pip is configured to use is asked first, then PyTorch's own index of CPU builds.
    """
    lines = (root / "requirements.txt").read_text(encoding="utf-8").splitlines()
    torch = [line for line in lines if line.startswith("torch")]
    if sys.platform != "linux" or not torch:
        return "cpu", []
    if has_nvidia_driver():
        return "cuda", []
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder, "report.json")
        constraints = ["-c", "constraints.txt", "--report", str(report)]
        pip("install", "--dry-run", "--no-deps", *constraints, torch[0])
        coming = json.loads(report.read_text(encoding="utf-8"))["install"]  # nothing where it is installed already
    if not any(is_cuda_build(wheel["metadata"]) for wheel in coming):
        return "cpu", []
    if not no_index(pip) and cpu_index_answers():
        return "cpu", ["--extra-index-url", CPU_INDEX]
    return "cuda", []


def no_build_of_torch() -> str:
    """Why PyTorch publishes no build for this Python and what to do, or "" where it does."""
    machine = platform.machine()
    if sys.platform == "darwin" and machine == "x86_64":
        other = "On an Apple-silicon Mac, install Python for arm64; on an Intel one, open the labs in Colab"
        return f"This Python is made for Intel processors, and PyTorch's builds for those have ended. {other}."
    version = platform.mac_ver()[0].partition(".")[0]
    if sys.platform == "darwin" and version.isdigit() and 10 < int(version) < OLDEST_MACOS:  # 10: in disguise
        needs = f"PyTorch's builds need macOS {OLDEST_MACOS} or newer, and this is {platform.mac_ver()[0]}"
        return f"{needs}. Update the system, or open the labs in Colab."
    if sys.platform == "win32" and sysconfig.get_platform() != "win-amd64":
        needs = f"PyTorch's builds are for 64-bit Python on AMD64, and this one is {sysconfig.get_platform()}"
        return f"{needs}. Install that Python from python.org; Windows on ARM runs it too."
    if sys.platform == "linux" and machine not in ("x86_64", "aarch64"):
        return f"PyTorch has no build for this processor ({machine}). Open the labs in Colab instead."
    return ""


def has_nvidia_driver() -> bool:
    places = ("/proc/driver/nvidia/version", "/usr/lib/wsl/lib/libcuda.so.1")
    return bool(shutil.which("nvidia-smi")) or any(map(os.path.exists, places))


def is_cuda_build(metadata: dict) -> bool:
    """Whether a wheel's metadata (from pip's report) asks for CUDA libraries on this kind of processor."""
    machine = os.uname().machine
    needs = [need for need in metadata.get("requires_dist", []) if need.startswith(("nvidia-", "cuda-"))]
    return any("platform_machine" not in need or machine in need for need in needs)


def cpu_index_answers() -> bool:
    from urllib.request import urlopen

    with contextlib.suppress(OSError, ValueError), urlopen(CPU_INDEX + "/torch/", timeout=5) as answer:
        return answer.status == 200
    return False


def no_index(pip: Callable[..., list[str]]) -> bool:
    """Whether pip is told, by its environment or its files, to ask no index."""
    settings = [line.partition("=") for line in pip("config", "list")]
    values = [value.strip("'").lower() for key, _, value in settings if key.endswith("no-index")]
    return any(value in ("1", "true", "yes", "on") for value in values)


# ---- pip -------------------------------------------------------------------------------------------------------------


def run_pip(root: Path, python: Path, hold: tuple[int, ...], *arguments: str) -> list[str]:
    """Run pip in the environment and return its lines.  Raises InstallError, with the reason, where it fails."""
    code, lines = call_pip(root, python, hold, *arguments)
    if code:
        raise InstallError(explain(lines, lambda *again: call_pip(root, python, hold, *again)[1]))
    return lines


def call_pip(root: Path, python: Path, hold: tuple[int, ...], *arguments: str) -> tuple[int, list[str]]:
    """pip's exit code and its lines; in a terminal the last one is shown as it goes."""
    environment = {**os.environ, "PIP_USER": "0", "PIP_NO_INPUT": "1", "PIP_DISABLE_PIP_VERSION_CHECK": "1"}
    process = subprocess.Popen(
        [str(python), "-I", "-m", "pip", *arguments],
        cwd=root, env=environment, pass_fds=hold, stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace",
    )  # fmt: skip
    lines = []
    try:
        for line in process.stdout or ():
            lines.append(line.rstrip())
            show(line)
        return process.wait(), lines
    except BaseException:
        process.terminate()
        process.wait()
        raise
    finally:
        show("")


def show(line: str) -> None:
    """One line of a terminal, written over and over; nothing where nobody watches."""
    if sys.stderr.isatty():
        width = shutil.get_terminal_size().columns - 1
        print("\r" + " ".join(line.split())[:width].ljust(width), end="\r", file=sys.stderr, flush=True)


def explain(lines: list[str], pip: Callable[..., list[str]]) -> str:
    """pip's failure in two sentences.  `pip` is asked again, in detail, about a package of which it found no file."""
    if any("No space left" in line for line in lines):
        need = f"{DISK_GB['cpu']} GB for .venv and {DOWNLOAD_GB['cpu']} GB in {tempfile.gettempdir()}"
        return f"the disk is full: the set-up needs about {need}. Make room, and start the same command again."
    for requirement in missing_in(lines):
        # to pip, a system without builds looks like an index without an answer
        unsupported = no_build_of_torch() if requirement.startswith("torch") else ""
        if unsupported:
            return unsupported
        reason = reason_in(pip(*question(requirement)), requirement)
        if reason:
            return f"{requirement} is missing: {reason.cause}. {reason.advice}"
    cut = [line for line in errors_in(lines) if any(sign in line for sign in CUT_OFF)]
    if cut:
        return f"a download broke off ({cut[-1].strip()[:200]}). Start the same command again; pip keeps what is whole."
    return "pip could not install the packages. Its last words:\n" + "\n".join(last_words(lines))


def last_words(lines: list[str]) -> list[str]:
    """What conflicts, where versions do; else pip's errors; else its last lines."""
    after = list(dropwhile(lambda line: "The conflict is caused by" not in line, lines))
    conflict = list(takewhile(bool, after))
    return conflict or errors_in(lines)[-6:] or [line for line in lines if line][-6:]


def errors_in(lines: list[str]) -> list[str]:
    """Without pip's warnings: a try that it repeated with success is no reason."""
    return [line for line in lines if line.startswith(("ERROR", "error"))]
