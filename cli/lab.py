"""Open your own copy of a lab in JupyterLab.

NN is the number of the lab to open, such as 02, and stands before everything else; without it the first lab opens.

Your copies lie in my_labs/, which belongs to you: an update of the course changes nothing in it, and the notebooks in
labs/ are never written. The browser opens signed in, with the notebook and the course's own Python. Options that are
not listed here go to JupyterLab: --no-browser, --port 9999, --ip ...
"""

import argparse
import os
import sys
from pathlib import Path

from utils.errors import CourseError
from utils.machine.workspace import ROOT

PASS_THROUGH = True


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.usage = "course.py lab [NN] [--fresh NN] [JupyterLab's options]"
    parser.add_argument("--fresh", metavar="NN", help="start this lab anew; your old copy is kept under another name")


def main(args: argparse.Namespace, root: Path = ROOT) -> int:
    from cli._copies import copy_missing, find_copy, is_outdated, start_anew
    from cli._jupyter import require_known

    number, options = split(args.rest)
    if number and args.fresh:
        raise CourseError(
            f"'lab {number}' opens a lab and '--fresh {args.fresh}' starts one anew: give one of the two."
        )
    notebook = find_copy(root, args.fresh or number)
    require_known(options, "Only the first argument can name a lab: course.py lab 02 --no-browser.")
    for made in copy_missing(root):
        print(f"Copied for you: {made}")
    if args.fresh:
        kept = start_anew(root, notebook)
        print(f"A new copy of {notebook.stem}. Your old one is kept in {kept}")
    elif is_outdated(root, notebook):
        print(f"The course has a newer version of {notebook.stem}. Your copy stays as it is; to start with the new one")
        print(f"and keep yours under another name: python3 course.py lab --fresh {notebook.stem.partition('_')[0]}")
    print(f"Your notebook: {notebook}")
    print("Ctrl-C ends JupyterLab; what you saved is there.", flush=True)
    return open_jupyter(root, notebook, options)


def split(arguments: list[str]) -> tuple[str | None, list[str]]:
    """The lab's number, if that is what the first argument is, and JupyterLab's options."""
    number, *options = arguments or [None]
    return (None, arguments) if number is None or number.startswith("-") else (number, options)


def open_jupyter(root: Path, notebook: Path, arguments: list[str]) -> int:
    """Run JupyterLab on a notebook in this process until it is stopped."""
    serve(root, f"/lab/tree/{notebook.relative_to(root).as_posix()}", arguments)
    print(f"\nJupyterLab has ended. Your notebook: {notebook}", file=sys.stderr)
    return 0


def serve(folder: Path, page: str, arguments: list[str]) -> None:
    """Run JupyterLab in a folder, opened on one of its pages, until it is stopped."""
    from jupyterlab.labapp import LabApp

    from cli._connection import SETTING

    prepare_environment()
    os.chdir(folder)
    settings = [
        f"--ServerApp.root_dir={folder}",
        f"--LabApp.default_url={page}",  # so that the printed address leads to the page too
        "--ServerApp.answer_yes=True",  # Ctrl-C ends it at once, without a question in a terminal nobody looks at
        "--PasswordIdentityProvider.hashed_password=",  # a password of the user's own would bring a login page
        "--LabApp.news_url=None",
        "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
        "--Application.log_level=WARN",
        SETTING,
    ]
    if hasattr(os, "geteuid") and os.geteuid() == 0:  # in a container there is nobody else
        settings.append("--allow-root")
    LabApp.launch_instance(argv=[*settings, *arguments])


def prepare_environment() -> None:
    """Let the kernel called python3 be the running interpreter's, whatever kernels the user has installed elsewhere."""
    here = os.path.join(sys.prefix, "share", "jupyter")
    others = [path for path in os.environ.get("JUPYTER_PATH", "").split(os.pathsep) if path and path != here]
    os.environ["JUPYTER_PATH"] = os.pathsep.join([here, *others])
    programs = os.path.dirname(sys.executable)
    os.environ["PATH"] = os.pathsep.join([programs, os.environ.get("PATH", os.defpath)])
