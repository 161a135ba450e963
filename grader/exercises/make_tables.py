"""Build the tables that ship with ``utils.checks``: ``python -m grader.exercises.make_tables [NAME ...]``.

Without a name all tables are built. A test builds them again and compares, so a table never drifts from its exercise.
"""

from __future__ import annotations

import sys

from grader.exercises import all_exercises, get
from utils.checks import TABLES


def main(names: list[str]) -> None:
    """Write one table for each of these exercises, on its fixed probes."""
    TABLES.mkdir(exist_ok=True)
    for exercise in map(get, names) if names else all_exercises():
        path = TABLES / f"{exercise.name}.npz"
        exercise.table(None).save(path)
        print(f"{path.name}: {path.stat().st_size / 1024:.0f} KiB")


if __name__ == "__main__":
    main(sys.argv[1:])
