"""Submissions whose file is the attack or the accident: links, encodings, formats, sizes, names.

``BROKEN`` must earn nothing and say why; ``HONEST`` are honest work in an unusual file and keep every point.
"""

import copy
import json
import os
from pathlib import Path

from tests.grader.fixture_lab import NAME, RIGHT, cell, honest, notebook, released, save


def plain_bytes() -> bytes:
    return json.dumps(honest()).encode()


BROKEN = {
    "empty": b"",
    "spaces": b"  \n\n",
    "not_json": b"PK\x03\x04 this is a zip file",
    "cut_short": plain_bytes()[:-100],
    "deep": b"[" * 200_000 + b"]" * 200_000,
    "deep_metadata": b'{"cells": [], "metadata": ' + b'{"a":' * 200_000 + b"1" + b"}" * 200_000 + b"}",
    "a_list": b"[1, 2, 3]",
    "cells_are_text": b'{"cells": "def distillation_loss", "nbformat": 4}',
    "cells_are_numbers": b'{"cells": [1, null, "x", [], {}], "nbformat": 4}',
    "not_utf8": plain_bytes().replace(b"small lab", b"\xff\xfe\xfa lab"),
    "huge_number": b'{"cells": [' + b"9" * 100_000 + b"]}",
    "many_cells": b'{"cells": [' + b",".join([b'{"cell_type": "code", "source": "1"}'] * 5000) + b"]}",
    "millions_of_values": b'{"cells": [{"source": "1"}], "metadata": [' + b"{}," * 2_000_001 + b"0]}",
    "huge_cell": json.dumps(notebook([cell("code", "x = 1\n" * 400_000)])).encode(),
}


def place_links(folder: Path, outside: Path) -> list[str]:
    """Links of every kind to somebody else's honest work; the students they stand for."""
    target = save(outside, "somebody_else", honest())
    save(folder, "linked_source", honest())
    linked = folder / "linked_source" / f"{NAME}.ipynb"
    for student in ("symbolic_link", "hard_link", "pipe", "folder_as_file"):
        (folder / student).mkdir()
    (folder / "symbolic_link" / linked.name).symlink_to(target)
    os.link(target, folder / "hard_link" / linked.name)
    os.mkfifo(folder / "pipe" / linked.name)
    (folder / "folder_as_file" / linked.name).mkdir()
    (folder / "linked_folder").symlink_to(target.parent)
    (folder / "dangling").symlink_to("/nowhere")
    (folder / "no_notebook").mkdir()
    with open(save(folder, "two_hundred_megabytes", b"x"), "r+b") as file:
        file.truncate(200 << 20)
    return [
        "symbolic_link", "hard_link", "pipe", "folder_as_file", "linked_folder", "dangling", "no_notebook",
        "two_hundred_megabytes",
    ]  # fmt: skip


def _format_three() -> bytes:
    cells = [
        {"cell_type": "code", "input": each["source"], "language": "python", "metadata": {}, "outputs": []}
        for each in honest()["cells"]
        if each["cell_type"] == "code" and "while True" not in each["source"]
    ]
    return json.dumps({"worksheets": [{"cells": cells}], "metadata": {}, "nbformat": 3, "nbformat_minor": 0}).encode()


def _changed(change) -> bytes:
    made = copy.deepcopy(honest())
    change(made["cells"])
    return json.dumps(made).encode()


def _strip(cells: list[dict]) -> None:
    for each in cells:
        each["metadata"] = {}
        each.pop("id")


def _retype(cells: list[dict]) -> None:
    for each in cells:
        if "def distillation_loss" in each["source"]:
            each["cell_type"] = "markdown"


def _repoint(cells: list[dict]) -> None:
    for each in cells:
        marks = each["metadata"].get("nbgrader", {})
        if marks.get("grade"):
            marks |= {"points": 1000.0}
        if marks.get("grade_id") in ("train_step", "perplexity"):
            marks["grade_id"] = "perplexity" if marks["grade_id"] == "train_step" else "train_step"


def _drop_checks(cells: list[dict]) -> None:
    cells[:] = [each for each in cells if not each["metadata"].get("nbgrader", {}).get("grade")]


def _copied(cells: list[dict]) -> None:
    cells.insert(3, copy.deepcopy(cells[2]))


def _reverse(cells: list[dict]) -> None:
    cells[2:8] = cells[2:8][::-1]


def _other_cells(cells: list[dict]) -> None:
    """The answers in new cells below the untouched scaffolds, with a helper and a failing cell in between."""
    scaffolds = released()["cells"]
    new = [cell("code", RIGHT[name]) for name in RIGHT]
    cells[:] = [*scaffolds[:3], cell("code", "1 / 0"), *new, *scaffolds[3:]]


def _noise(cells: list[dict]) -> None:
    """What a working notebook holds: warnings, bars on stderr, plots, widgets, shell lines, magics."""
    noise = (
        "import sys, warnings\nfrom tqdm.auto import tqdm\nfor _ in tqdm(range(3)): pass\nwarnings.warn('old')\n"
        "print('x', file=sys.stderr)\n!pip install nothing\n%matplotlib inline\nimport matplotlib.pyplot as plt\n"
        "plt.plot([1, 2]); plt.show()\nimport ipywidgets\nfrom IPython.display import display\n"
        "display(ipywidgets.IntSlider())\n%timeit 1\nhelper = lambda x: x\n"
    )
    cells.insert(2, cell("code", noise))
    cells.insert(3, cell("code", "%%time\nmagic_helper = 1\n"))
    cells.insert(4, cell("code", "raise SystemExit"))
    body = cells[5]
    assert "def distillation_loss" in body["source"]
    body["source"] = body["source"].replace("    mask =", "    student = helper(student) * magic_helper\n    mask =")


def _half_a_character(cells: list[dict]) -> None:
    """In every text that a notebook says of a cell; twice, so that the feedback has a word to say about it."""
    more = [cell("code", "1", "half \ud800\r\n\x1b[2J\x00", tags=("\udfff",)) for _ in range(2)]
    cells += [each | {"id": "\ud800"} for each in more]


HONEST = {
    "crlf": json.dumps(honest()).replace("\\n", "\\r\\n").encode(),
    "byte_order_mark": b"\xef\xbb\xbf" + plain_bytes(),
    "utf_16": json.dumps(honest()).encode("utf-16"),
    "format_three": _format_three(),
    "metadata_stripped": _changed(_strip),
    "retyped": _changed(_retype),
    "repointed": _changed(_repoint),
    "checks_deleted": _changed(_drop_checks),
    "cell_copied": _changed(_copied),
    "reordered": _changed(_reverse),
    "other_cells": _changed(_other_cells),
    "noise": _changed(_noise),
    "half_a_character": _changed(_half_a_character),
    "lone_surrogate": plain_bytes().replace(b"# A small lab", b"# \\ud800 lab"),
}

NAMES = ["<script>alert(1)<", "..%2F..%2Fx", "..x", "=1+1", "a" * 250, "quote\"'", "new\nline", "Zoë Ångström"]
ODD_BYTES = b"not-\xff-utf8"
