"""Build the tables that ship with ``utils.checks``: ``python -m grader.exercises.table``.

A test builds them again and compares, so that a table never drifts from the catalogue.
"""

from __future__ import annotations

from grader.exercises import EXERCISES
from utils.checks import TABLES


def main() -> None:
    """Write one table for each exercise, on its fixed probes."""
    TABLES.mkdir(exist_ok=True)
    for exercise in EXERCISES:
        path = TABLES / f"{exercise.name}.npz"
        exercise.table(None).save(path)
        print(f"{path.name}: {path.stat().st_size / 1024:.0f} KiB")


if __name__ == "__main__":
    main()
