"""A lab's `lab_results` as tables on the screen, each value with its interval, and as plain JSON in a file."""

import json
import math
import os
import platform
from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console
from rich.table import Table

from utils.machine.workspace import write_whole
from utils.measuring.shown import with_intervals

DIGITS = 4


def print_results(results: dict, console: Console) -> None:
    """Print the rows as one table and the effects below it; `results` is a lab's `lab_results`."""
    rows = results.get("rows") or []
    if rows:
        shown = [with_intervals(row, DIGITS) for row in rows]
        columns = list(dict.fromkeys(key for row in shown for key in row))
        table = Table()
        for column in columns:
            numeric = all(not isinstance(row.get(column), str) for row in rows)
            table.add_column(column.replace("_", " "), justify="right" if numeric else "left")
        for row in shown:
            table.add_row(*(row.get(column, "") for column in columns))
        console.print(table)
    for name, effect in (results.get("effects") or {}).items():
        parts = [f"{key.replace('_', ' ')} {value}" for key, value in with_intervals(effect, DIGITS).items()]
        console.print(f"{name.replace('_', ' ')}: {', '.join(parts)}")


def plain(value: object) -> object:
    """A value as JSON has it: numbers of numpy and torch become Python's, what is not finite becomes null."""
    if isinstance(value, dict):
        return {str(key): plain(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [plain(part) for part in value]
    if hasattr(value, "item"):
        value = value.item()
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value if isinstance(value, str | int | float | bool | None) else str(value)


def write_json(path: Path, record: dict) -> None:
    """Write the record in one step, so that a reader never sees half of it."""
    write_whole(path, json.dumps(plain(record), indent=2, allow_nan=False) + "\n", "choose another file with --json")


def environment() -> dict[str, object]:
    """What the numbers were made with."""
    import torch
    import transformers

    gpu = torch.cuda.get_device_name(0) if torch.cuda.is_available() else None
    return {
        "python": platform.python_version(),
        "torch": torch.__version__,
        "transformers": transformers.__version__,
        "platform": platform.platform(),
        "cores": os.cpu_count(),
        "threads": torch.get_num_threads(),
        "device": gpu or ("mps" if torch.backends.mps.is_available() else "cpu"),
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
    }
