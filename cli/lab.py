"""Open your own copy of a lab in JupyterLab, or the map of all labs.

NN is the number of the lab to open, such as 02, and comes before everything else. Without it the map opens: each lab,
its question, its minutes, and what you have done. `lab 02 --fresh` starts a lab anew and keeps your old copy.

Your copies are in my_labs/, which belongs to you: an update of the course changes nothing in it, and the notebooks in
labs/ are never written. The browser opens signed in, with the page and the course's own Python. Options that are not
listed here go to JupyterLab: --no-browser, --port 9999, --ip ...
"""

import argparse
import os
import sys
from pathlib import Path

from utils.errors import CourseError
from utils.machine.workspace import ROOT

FOR_LEARNERS = Path(__file__).resolve().parent / "for_learners"  # JupyterLab without a teacher's tools
PASS_THROUGH = True
THE_ONE_NAMED = ""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.usage = "course.py lab [NN] [--fresh] [JupyterLab's options]"
    parser.add_argument(
        "--fresh",
        metavar="NN",
        nargs="?",
        const=THE_ONE_NAMED,
        help="start the lab anew; your old copy is kept under another name",
    )


def main(args: argparse.Namespace, root: Path = ROOT) -> int:
    from cli._copies import copy_missing, find_copy, released_labs
    from cli._jupyter import require_known
    from cli._map import write_map

    number, options = split(args.rest)
    if args.fresh == THE_ONE_NAMED and not number:
        raise CourseError("Which lab shall start anew? Name it: course.py lab 02 --fresh.")
    if number and args.fresh:
        raise CourseError(
            f"'lab {number}' opens a lab and '--fresh {args.fresh}' starts one anew: give one of the two."
        )
    if not released_labs(root):
        raise CourseError(f"There is no lab in {root / 'labs'}. Get a whole copy of the course.")
    wanted = args.fresh or number
    notebook = find_copy(root, wanted) if wanted else None
    require_known(options, "Only the first argument can name a lab: course.py lab 02 --no-browser.")
    for made in copy_missing(root):
        print(f"Copied for you: {made}")
    page = write_map(root)
    if notebook is None:
        print(f"The map of the labs: {page}")
    else:
        prepare_copy(root, notebook, fresh=args.fresh is not None)
    print("Ctrl-C ends JupyterLab; what you saved is there.", flush=True)
    return open_jupyter(root, notebook or page, options)


def prepare_copy(root: Path, notebook: Path, fresh: bool) -> None:
    """Start a lab anew where that was asked for, and say what there is to know of the learner's copy."""
    from cli._copies import is_outdated, others, start_anew

    if fresh:
        kept = start_anew(root, notebook)
        print(f"A new copy of {notebook.stem}. Your old one is kept in {kept}")
    elif is_outdated(root, notebook):
        print(f"The course has a newer version of {notebook.stem}. Your copy stays as it is; to start with the new one")
        print(f"and keep yours under another name: python3 course.py lab {notebook.stem.partition('_')[0]} --fresh")
    print(f"Your notebook: {notebook}")
    for other in others(notebook):
        print(f"Beside it is another one of this lab: {other.name}. In JupyterLab's list of files you can open it.")


def split(arguments: list[str]) -> tuple[str | None, list[str]]:
    """The lab's number, if that is what the first argument is, and JupyterLab's options."""
    number, *options = arguments or [None]
    return (None, arguments) if number is None or number.startswith("-") else (number, options)


def open_jupyter(root: Path, notebook: Path, arguments: list[str]) -> int:
    """Run JupyterLab on a notebook or page in this process until it is stopped, without a teacher's tools."""
    configured = [str(FOR_LEARNERS), *filter(None, [os.environ.get("JUPYTER_CONFIG_PATH")])]
    os.environ["JUPYTER_CONFIG_PATH"] = os.pathsep.join(configured)
    options = ["--FileContentsManager.post_save_hook=cli._map.after_save", *arguments]
    serve(root, f"/lab/tree/{notebook.relative_to(root).as_posix()}", options)
    print(f"\nJupyterLab has ended. What you saved is in {notebook.parent}", file=sys.stderr)
    return 0


def serve(folder: Path, page: str, arguments: list[str]) -> None:
    """Run JupyterLab in a folder, opened on one of its pages, until it is stopped."""
    import zmq
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
    if zmq.has("curve"):  # else each kernel warns that it is not encrypted
        settings.append("--KernelManager.transport_encryption=auto")
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
