# Finds the course, or fetches it for a notebook that stands alone (in Colab, or downloaded). A second run does nothing.
import os
import shutil
import subprocess
import sys
from pathlib import Path

COURSE_ADDRESS = os.environ.get("COURSE_ADDRESS") or "ADDRESS"


def course_folder() -> Path:
    here, clone = Path.cwd(), Path.cwd() / "distillation-course"
    for place in (Path(os.environ.get("COURSE_ROOT") or here), here, *here.parents, clone):
        if (place / "course.py").is_file() and (place / "utils").is_dir():
            return place
    if not COURSE_ADDRESS:
        sys.exit("The course is not in this folder or above it. Set COURSE_ROOT to its folder, or COURSE_ADDRESS.")
    if not shutil.which("git"):
        sys.exit(f"The course must be fetched from {COURSE_ADDRESS}, and there is no git here: install git first.")
    print(f"Fetching the course (about 30 MB) from {COURSE_ADDRESS} into the folder {clone.name}.")
    if subprocess.run(["git", "clone", "--quiet", "--depth", "1", COURSE_ADDRESS, str(clone)]).returncode:
        sys.exit(f"Nothing could be fetched from {COURSE_ADDRESS}: check the network and the address.")
    return clone


sys.path.insert(0, str(course_folder()))
from utils.bootstrap import install_missing  # noqa: E402

install_missing()
