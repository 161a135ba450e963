# @title Find the course, or fetch it (run this cell; there is no need to open it)
# For a notebook that is on its own, in Colab or downloaded. A second run does nothing.
import os
import runpy
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

COURSE_ADDRESS = os.environ.get("COURSE_ADDRESS") or "ADDRESS"


class CourseMissing(Exception):
    def _render_traceback_(self):  # Jupyter shows the sentence alone
        return [str(self)]


def is_course(folder: Path) -> bool:
    half_cloned = (folder / ".git").is_dir() and not (folder / ".git" / "index").is_file()
    return not half_cloned and all((folder / name).is_file() for name in ("course.py", "utils/machine/bootstrap.py"))


def course_folder() -> Path:
    if sys.version_info < (3, 11):  # noqa: UP036
        raise CourseMissing(f"The course needs Python 3.11 or newer; this is {sys.version.split()[0]}. Choose another.")
    here, clone = Path.cwd(), Path.cwd() / "distillation-course"
    beside = sorted(path.parent for path in here.glob("*/course.py"))
    for place in (Path(os.environ.get("COURSE_ROOT") or here), here, *here.parents, clone, *beside):
        if is_course(place):
            return place.absolute()
    if not COURSE_ADDRESS:
        raise CourseMissing(
            f"The course is not in {here} or above it, and this notebook knows no address to fetch it from. Move the "
            "notebook into the course's folder; or make a cell above this one,  %env COURSE_ADDRESS=…  with the "
            "address of the course's git repository, and run both."
        )
    if not shutil.which("git"):
        raise CourseMissing(
            f"The course must be fetched from {COURSE_ADDRESS}, and there is no git here. Install git (git-scm.com), "
            f"or download the course as a ZIP and unpack it into {here}; then run this cell again."
        )
    print(f"Fetching the course (about 20 MB) from {COURSE_ADDRESS} into {clone}.")
    fetch(clone)
    return clone


def fetch(clone: Path) -> None:
    # It gets its name when it is whole: neither a killed fetch nor a second notebook leaves half a course.
    try:
        folder = Path(tempfile.mkdtemp(prefix=".fetching-", dir=clone.parent))
    except OSError as error:
        reason = f"Nothing can be written to {clone.parent} ({error.strerror})"
        raise CourseMissing(f"{reason}. Move this notebook into a folder of your own, and open it there.") from None
    command = ["git", "clone", "--quiet", "--depth", "1", "--", COURSE_ADDRESS, str(folder / "course")]
    silent = {**os.environ, "GIT_TERMINAL_PROMPT": "0", "GCM_INTERACTIVE": "never"}  # do not wait for a password
    reason = "it holds no course"
    try:
        done = subprocess.run(command, env=silent, stdin=subprocess.DEVNULL, capture_output=True)
        if done.returncode:
            said = done.stderr.decode(errors="replace").strip().splitlines() or ["git failed"]
            reason = next((line for line in said if line.startswith("fatal:")), said[-1]).rstrip(".")
        elif is_course(folder / "course") and not is_course(clone):
            if clone.exists():
                clone.rename(clone.with_name(clone.name + folder.name.replace("fetching", "unfinished")))
            (folder / "course").rename(clone)
    except OSError as error:
        reason = str(error)
    finally:
        for left in [folder, *(clone.parent.glob(".fetching-*") if is_course(clone) else ())]:
            shutil.rmtree(left, ignore_errors=True)
    if not is_course(clone):
        problem = f"The course could not be fetched from {COURSE_ADDRESS} ({reason})"
        raise CourseMissing(f"{problem}. Check the network and the address, then run this cell again.")


runpy.run_path(str(course_folder() / "utils/machine/own_names.py"), run_name="__main__")  # the course comes first
from utils.machine.bootstrap import install_missing  # noqa: E402

install_missing()
