"""Which verb?  `python -m cli VERB ...`: a verb is a module of this folder, found by its file, imported when called.

A verb's module opens with a docstring (its first line is the help text) and has `add_arguments(parser)` and `main(args)
-> int`. One that sets `PASS_THROUGH = True` gets the arguments it does not know as `args.rest`. So there is no list of
verbs to maintain, and `--help` does not wait for torch.
"""

import argparse
import ast
import importlib
import io
import sys
from pathlib import Path

from utils.errors import CourseError
from utils.machine.own_names import others_called
from utils.machine.waiting import wait_briefly

FOLDER = Path(__file__).parent


def find_verbs(folder: Path = FOLDER) -> dict[str, str]:
    """Every verb with its one line of help, without importing any of them."""
    files = [path for path in sorted(folder.glob("*.py")) if not path.stem.startswith("_")]
    docstrings = {path.stem: ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or "" for path in files}
    return {verb: text.partition("\n")[0] for verb, text in docstrings.items()}


def overview(verbs: dict[str, str]) -> str:
    lines = [f"  {verb:<10} {text}" for verb, text in verbs.items()]
    return "\n".join(["usage: python3 course.py VERB ...", "", *lines, "", "python3 course.py VERB --help says more."])


def call(verb: str, arguments: list[str]) -> int:
    """Read one verb's arguments and do what it says."""
    module = importlib.import_module(f"cli.{verb}")
    parser = argparse.ArgumentParser(
        prog=f"course.py {verb}",
        description=module.__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    module.add_arguments(parser)
    if getattr(module, "PASS_THROUGH", False):
        args, args.rest = parser.parse_known_args(arguments)
    else:
        args = parser.parse_args(arguments)
    return module.main(args)


def main(arguments: list[str]) -> int:
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")  # a name or a line of a table that an old encoding lacks ends nothing
    wait_briefly()  # for this process, and for the kernels that it starts
    verbs = find_verbs()
    if not arguments or arguments[0] in ("-h", "--help"):
        print(overview(verbs))
        return 0
    for origin in others_called(("utils", "cli", "grader")):
        print(f"course.py: {origin} has the name of a part of the course; the course's own is used.", file=sys.stderr)
    verb, *rest = arguments
    if verb not in verbs:
        print(f"course.py: there is no verb '{verb}'. There are: {', '.join(verbs)}.", file=sys.stderr)
        return 2
    try:
        return call(verb, rest)
    except CourseError as error:
        print(f"course.py: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\ncourse.py: stopped.", file=sys.stderr)
        return 130


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
