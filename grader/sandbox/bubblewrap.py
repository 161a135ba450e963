"""Which command closes the sandbox, and what is missing where it cannot be closed?

Everything that may be seen is named, and nothing else is there: a list of what must be hidden is always one folder
short.
"""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

from grader.sandbox.namespaces import OWN, SCRATCH
from utils.errors import CourseError

COURSE = "/course"
_SYSTEM = ("/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64")
_ETC = ("ld.so.cache", "ld.so.conf", "ld.so.conf.d", "localtime", "mime.types", "alternatives")
_TOO_WIDE = {Path("/"), Path("/home"), Path("/root"), Path("/etc"), Path("/var"), Path("/tmp"), Path("/opt")}

_APPARMOR = "on Ubuntu 24.04 `sudo sysctl kernel.apparmor_restrict_unprivileged_userns=0`"
_DOCKER = "in Docker start the container with `--cap-add SYS_ADMIN --security-opt seccomp=unconfined"
# what stands in the error -> what mends it; the first that fits is shown
ADVICE = (
    (
        "No permissions to create new namespace",
        f"allow user namespaces: `sudo sysctl kernel.unprivileged_userns_clone=1`, {_APPARMOR}, {_DOCKER}`",
    ),
    ("setting up uid map", f"allow user namespaces: {_APPARMOR}"),
    ("Creating new namespace failed", f"raise `user.max_user_namespaces`, or {_DOCKER}`"),
    ("proc", "in Docker add `--security-opt systempaths=unconfined`"),
    ("Operation not permitted", f"{_DOCKER} --security-opt apparmor=unconfined`"),
    ("Permission denied", "the Python that runs this must be readable for every user"),
)


def environment(course: str) -> dict[str, str]:
    """All that a submission finds in its environment. course: the folder with the reduced ``utils``."""
    threads = {f"{name}_NUM_THREADS": "1" for name in ("OMP", "OPENBLAS", "MKL", "NUMEXPR", "VECLIB")}
    return threads | {
        "PATH": "/usr/local/bin:/usr/bin:/bin",
        "HOME": f"{SCRATCH}/home",
        "TMPDIR": f"{SCRATCH}/tmp",
        "LANG": "C.UTF-8",
        "PYTHONPATH": course,
        "COURSE_ROOT": course,  # where a set-up cell looks for the course
        "COURSE_OUT": f"{OWN}/outputs",
        "COURSE_CACHE": f"{OWN}/cache",
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONNOUSERSITE": "1",
        "MPLBACKEND": "Agg",
        "MPLCONFIGDIR": SCRATCH,
        "IPYTHONDIR": SCRATCH,
        "HF_HUB_OFFLINE": "1",
        "TOKENIZERS_PARALLELISM": "false",
        "NBGRADER_EXECUTION": "autograde",
        "COURSE_PROFILE": "smoke",
    }


def visible_folders() -> list[Path]:
    """Where the running Python and its packages live, outside of the system's own folders."""
    roots = {Path(sys.prefix), Path(sys.base_prefix), Path(os.path.realpath(sys.executable)).parent.parent}
    roots |= {path.resolve() for path in roots}
    return sorted(
        path for path in roots if path not in _TOO_WIDE and not path.is_relative_to("/usr") and path != Path.home()
    )


def command(stage: Path, inside: list[str]) -> list[str]:
    """The command line that runs ``inside`` with ``stage`` as /course and nothing else of the machine."""
    line = [str(shutil.which("bwrap")), "--die-with-parent", "--new-session", "--unshare-pid", "--unshare-ipc"]
    line += ["--unshare-net", "--unshare-uts", "--unshare-cgroup-try", "--hostname", "grading", "--clearenv"]
    if os.geteuid() == 0:
        # Forks become nobody, which needs setuid; the server mounts /proc itself and then gives that right up.
        line += ["--cap-drop", "ALL", "--dir", "/proc"]
        for capability in ("CAP_SETUID", "CAP_SETGID", "CAP_SYS_ADMIN"):
            line += ["--cap-add", capability]
    else:
        line += ["--unshare-user", "--uid", "65534", "--gid", "65534", "--cap-drop", "ALL", "--proc", "/proc"]
    for name, value in environment(COURSE).items():
        line += ["--setenv", name, value]
    for folder in _SYSTEM:
        if os.path.islink(folder):
            line += ["--symlink", os.readlink(folder), folder]
        elif os.path.isdir(folder):
            line += ["--ro-bind", folder, folder]
    for name in _ETC:
        line += ["--ro-bind-try", f"/etc/{name}", f"/etc/{name}"]
    line += ["--dev", "/dev", "--dir", "/tmp", "--tmpfs", SCRATCH]
    for folder in visible_folders():
        for parent in reversed(folder.parents[:-1]):  # those that bubblewrap makes by itself only root may enter
            line += ["--perms", "0755", "--dir", str(parent)]
        line += ["--ro-bind", str(folder), str(folder)]
    line += ["--ro-bind", str(stage), COURSE, "--chdir", SCRATCH, "--remount-ro", "/dev", "--remount-ro", "/"]
    return [*line, "--", *inside]


def require() -> None:
    """Raise CourseError, with what to install or switch on, where no sandbox can be made here."""
    way_on = "Or grade without it, at your own risk: --no-sandbox."
    if not sys.platform.startswith("linux"):
        raise CourseError(f"Safe grading needs Linux (this is {sys.platform}): use a Linux machine or WSL 2. {way_on}")
    if not shutil.which("bwrap"):
        raise CourseError(
            "Safe grading needs bubblewrap, which is not installed: `sudo apt install bubblewrap` or"
            f" `sudo dnf install bubblewrap`. {way_on}"
        )


def complaint(error_text: str) -> CourseError:
    """What to do about a sandbox that did not open. error_text: what bubblewrap or the server wrote."""
    lines = [line for line in error_text.strip().splitlines() if line.strip()]
    last = lines[-1][:300] if lines else "it ended without a word"
    advice = next((advice for sign, advice in ADVICE if sign in error_text), "see docs/grading.md")
    return CourseError(f"The sandbox did not open ({last}). To mend it: {advice}. Or go on without: --no-sandbox.")
