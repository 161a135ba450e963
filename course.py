#!/usr/bin/env python3
"""The one command of the course. It needs a Python and nothing else; the first start sets everything up in .venv.

    python3 course.py run 02        set up, run Lab 2 on the models that come with the course, print its table
    python3 course.py test          set up, pass the tests
    python3 course.py doctor        set up, say what is here and what it means for you
    python3 course.py VERB --help   everything about one verb; `python3 course.py` alone lists the verbs

On Windows say `py` for `python3`.

Setting up means a virtual environment in .venv, filled by pip from requirements.txt with the versions that stand in
constraints.txt. A stamp holds the hash of both files, so that later starts cost nothing; it is written last, so that
whatever was interrupted has none and is made again. So no environment is nearly right.
"""

# Up to the version check this must run on a Python as old as 3.6, and the rest must parse there.
import os
import shutil
import subprocess
import sys

OLDEST, NEWEST = (3, 11), (3, 14)  # the pinned packages are built for these


def wrong_python():
    """Why this Python will not do, and which of the right ones are installed."""
    found = []
    for minor in range(NEWEST[1], OLDEST[1] - 1, -1):
        name = f"python3.{minor}"
        program = shutil.which(name)  # may be a stand-in for a version that is not there: ask it
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        if program and subprocess.call([program, "-c", ""], **quiet) == 0:
            found.append(name)
    this = ".".join(map(str, sys.version_info[:3]))
    need = f"the course needs Python 3.{OLDEST[1]} to 3.{NEWEST[1]}, and this is {this} ({sys.executable})."
    if os.name == "nt":
        start = f"py -3.{NEWEST[1]} course.py (or an older one of those)"
        return f"{need} `py --list` shows what is installed; python.org has them. Start it so: {start}"
    if found:
        return f"{need} Found here: {', '.join(found)}. Start it so: {found[0]} course.py"
    return f"{need} None of those was found on your PATH: install one from python.org or from your system's packages."


if not OLDEST <= sys.version_info[:2] <= NEWEST:
    sys.exit("course.py: " + wrong_python())

import contextlib  # noqa: E402
import hashlib  # noqa: E402
import json  # noqa: E402
import time  # noqa: E402
from pathlib import Path  # noqa: E402

ROOT = Path(__file__).resolve().parent
VENV = ROOT / ".venv"
STAMP = VENV / "course-stamp.json"
WINDOWS = os.name == "nt"
PYTHON = VENV / ("Scripts/python.exe" if WINDOWS else "bin/python")


class SetupError(Exception):
    """What is missing and what to do about it, in one or two sentences."""


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


# ---- is it there already? --------------------------------------------------------------------------------------------


def fingerprint() -> dict:
    """What a finished .venv was made from and where: a change of any of these asks for work."""
    files = [(ROOT / name).read_bytes().splitlines() for name in ("requirements.txt", "constraints.txt")]
    pins = b"\n".join(line for lines in files for line in lines if not line.startswith(b"#"))
    return {"files": hashlib.sha256(pins).hexdigest(), "root": str(ROOT), "python": os.path.realpath(PYTHON)}


def site_packages() -> Path:
    pattern = "Lib/site-packages" if WINDOWS else "lib/python3*/site-packages"
    return next(VENV.glob(pattern), VENV / pattern)


def installed() -> set:
    """The names in site-packages that must still be there at the next start; versions may change under them."""
    with contextlib.suppress(OSError):
        return {name for name in os.listdir(site_packages()) if not name.endswith((".dist-info", "__pycache__"))}
    return set()


def read_stamp() -> dict:
    """The stamp of a finished .venv, or {} where there is none, or where a part of it is gone by now."""
    try:
        stamp = json.loads(STAMP.read_text(encoding="utf-8"))
        whole = PYTHON.exists() and stamp["python"] == os.path.realpath(PYTHON)
        return stamp if whole and installed() >= set(stamp["installed"]) else {}
    except (OSError, ValueError, KeyError, TypeError):
        return {}


def write_stamp() -> None:
    partial = STAMP.with_suffix(".partial")
    partial.write_text(json.dumps({**fingerprint(), "installed": sorted(installed())}), encoding="utf-8")
    partial.replace(STAMP)


def is_ready() -> bool:
    return read_stamp().items() >= fingerprint().items()


# ---- making it -------------------------------------------------------------------------------------------------------


@contextlib.contextmanager
def setup_lock():
    """Held while one start sets up; another one waits here. The system lets go of it when its last holder ends."""
    try:
        handle = open(ROOT / ".venv.lock", "a+b")  # noqa: SIM115
    except OSError as error:
        reason = f"{ROOT} cannot be written to ({error.strerror})"
        raise SetupError(f"{reason}. Copy the course into a folder of your own, and start it there.") from None
    with handle:
        if not try_lock(handle):
            say("Another start is setting up .venv; waiting for it.")
            while not try_lock(handle):
                time.sleep(0.2)
        yield handle


def try_lock(handle) -> bool:
    try:
        if WINDOWS:
            import msvcrt

            handle.seek(0)
            msvcrt.locking(handle.fileno(), msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except (BlockingIOError, PermissionError):
        return False
    except OSError:  # a file system without locks: one start at a time is then up to the user
        return True
    return True


def prepare() -> None:
    """Bring .venv to the state that the files ask for: nothing, a new address, an update, or all of it."""
    with setup_lock() as lock:
        stamp = read_stamp()
        if stamp and stamp["root"] != str(ROOT):
            stamp = relocate(stamp["root"])
        if is_ready():  # moved only, or made by the start that we waited for
            return
        began = time.monotonic()
        check_modules()
        if VENV.exists():
            say(f".venv is {'of older requirements' if stamp else 'unfinished or damaged'}: putting it right.")
        install(lock, fresh=not stamp)
        say(f"Ready after {time.monotonic() - began:.0f} s.")


def check_modules() -> None:
    from importlib.util import find_spec

    absent = [name for name in ("venv", "ensurepip") if find_spec(name) is None]
    if absent:
        package = f"python{sys.version_info[0]}.{sys.version_info[1]}-venv"
        raise SetupError(
            f"this Python has no {' and no '.join(absent)} module, which the set-up needs. On Debian and Ubuntu it "
            f"comes with: sudo apt install {package}; elsewhere a Python from python.org or conda has it."
        )


def relocate(old: str) -> dict:
    """Tell a moved .venv where it is now, and return its new stamp: {} where that cannot be done."""
    new = str(ROOT)
    if WINDOWS or " " in new or len(new) > 90:  # programs with the address built in; lines too long for `#!`
        return {}
    STAMP.unlink()
    scripts = [path for path in PYTHON.parent.iterdir() if path.is_file() and not path.is_symlink()]
    for path in [*scripts, VENV / "pyvenv.cfg", site_packages() / "course.pth"]:
        content = path.read_bytes()
        if os.fsencode(old) in content:
            path.write_bytes(content.replace(os.fsencode(old), os.fsencode(new)))
    write_stamp()
    say("The course's folder was moved; .venv now knows its new place.")
    return read_stamp()


def install(lock, fresh: bool) -> None:
    """Fill .venv. A fresh one starts from nothing: pip takes a package whose files came only halfway for installed."""
    sys.path.insert(0, str(ROOT))  # a Python that is told to leave its script's folder out lacks it
    from cli._packages import InstallError, check_space, install_packages

    try:
        STAMP.unlink(missing_ok=True)
        if fresh:
            import venv

            empty(VENV)
            check_space(ROOT)
            say("Setting up the course in .venv (only the first time).")
            venv.EnvBuilder(with_pip=True, symlinks=not WINDOWS).create(VENV)
        # should this process be killed, pip still holds the lock until it is gone too
        install_packages(ROOT, PYTHON, say, fresh, hold=() if WINDOWS else (lock.fileno(),))
        (site_packages() / "course.pth").write_text(f"{ROOT}\n", encoding="utf-8")  # `import utils` works everywhere
        write_stamp()
    except InstallError as error:
        raise SetupError(str(error)) from None
    except subprocess.CalledProcessError as error:  # ensurepip, inside venv
        raise SetupError(f"Python could not make a virtual environment in {VENV} ({error}).") from None
    except OSError as error:
        raise SetupError(f"the set-up stopped: {error}. When that is mended, the same command goes on.") from None


def empty(folder: Path) -> None:
    """Delete what is in a folder, or a file of that name; a link to a folder elsewhere stays a link."""
    if not folder.is_dir():
        folder.unlink(missing_ok=True)
        return
    for path in folder.iterdir():
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink()


# ---- the start -------------------------------------------------------------------------------------------------------


def hand_over(arguments: list) -> int:
    """Become (on Windows: call) the course's program in .venv; its exit code is ours."""
    command = [str(PYTHON), "-P", "-m", "cli", *arguments]
    before = os.environ.get("PYTHONPATH")  # may hold a `utils` or a `cli` of its own: the course's come first
    os.environ["PYTHONPATH"] = os.pathsep.join([str(ROOT), *([before] if before else [])])
    os.environ.setdefault("PYTHONUTF8", "1")  # for kernels too: Windows would read and print in its own old encoding
    if not WINDOWS:
        os.execv(command[0], command)
    process = subprocess.Popen(command)
    while True:
        with contextlib.suppress(KeyboardInterrupt):  # the program got it too, and ends in its own way
            return process.wait()


def help_alone(arguments: list) -> int:
    """A verb's help, which needs nothing but this Python, before anything is set up."""
    sys.path.insert(0, str(ROOT))
    from cli.__main__ import main as verbs

    return verbs(arguments)


def main(arguments: list) -> int:
    try:
        if not is_ready():
            if not arguments or arguments[0] in ("-h", "--help"):
                print(__doc__)
                return 0
            if {"-h", "--help"} & set(arguments):
                return help_alone(arguments)
            prepare()
        return hand_over(arguments)
    except SetupError as error:
        say(f"course.py: {error}")
        return 1
    except KeyboardInterrupt:
        say("\ncourse.py: stopped while setting up. The same command goes on; pip keeps what was downloaded.")
        return 130


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
