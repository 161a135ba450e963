"""Run the course's own tests.

Every argument that is not one of the two below goes to pytest: paths, -k, -x, -m ... The slow tests, marked `nightly`,
are left out unless --nightly asks for them.
"""

import argparse
import os
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PASS_THROUGH = True


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.usage = "course.py test [--nightly] [pytest arguments]"
    parser.add_argument("--nightly", action="store_true", help="run the slow tests too")


def main(args: argparse.Namespace) -> int:
    import pytest

    os.chdir(ROOT)
    return int(pytest.main([*(["--nightly"] if args.nightly else []), *args.rest]))
