"""Notebooks as JupyterLab, VS Code and Colab give them back, with what each of these tools really does to a file."""

from __future__ import annotations

import copy
import random
from collections.abc import Callable, Iterator

from tests.grader.fixture_lab import cell

TOOLS: dict[str, Callable[[dict], dict]] = {}


def tool(change: Callable[[dict], None]) -> Callable[[dict], dict]:
    """Enter a change of a notebook into the list."""

    def changed(notebook: dict) -> dict:
        made = copy.deepcopy(notebook)
        change(made)
        return made

    TOOLS[change.__name__] = changed
    return changed


def _lines(text: str | list[str]) -> list[str]:
    return "".join(text).splitlines(keepends=True)


def _grade_id(each: dict) -> str:
    return each["metadata"].get("nbgrader", {}).get("grade_id", "")


def _is_solution(each: dict) -> bool:
    return each["metadata"].get("nbgrader", {}).get("solution", False)


@tool
def jupyterlab_saves(notebook: dict) -> None:
    """Sources as lists of lines, trust, timing and folding in the metadata, and outputs."""
    for number, each in enumerate(notebook["cells"]):
        each["source"] = _lines(each["source"])
        each["metadata"] |= {"trusted": True, "jp-MarkdownHeadingCollapsed": True, "editable": True, "slideshow": {}}
        if each["cell_type"] == "code":
            each["metadata"]["execution"] = {"iopub.execute_input": "2026-01-01T00:00:00Z"}
            each["execution_count"] = number
            each["outputs"] = [{"output_type": "stream", "name": "stdout", "text": ["x\n"]}]


@tool
def jupyterlab_with_20_mb_of_outputs(notebook: dict) -> None:
    picture = {"output_type": "display_data", "metadata": {}, "data": {"image/png": "A" * (20 << 20)}}
    next(each for each in notebook["cells"] if each["cell_type"] == "code")["outputs"] = [picture]


@tool
def jupyterlab_splits_cells(notebook: dict) -> None:
    """Ctrl-Shift-minus above each function and in the middle of an essay: both halves carry the metadata."""
    made = []
    for each in notebook["cells"]:
        text = "".join(each["source"])
        if not _is_solution(each):
            made.append(each)
            continue
        at = text.index("def ") if "def " in text else len(text) // 2
        head = "# my own helper\nscale = 1.0\n" + text[:at] if each["cell_type"] == "code" else text[:at]
        made += [each | {"source": head}, copy.deepcopy(each) | {"source": text[at:], "id": f"split-{len(made)}"}]
    notebook["cells"] = made


@tool
def jupyterlab_merges_the_check_into_the_function(notebook: dict) -> None:
    _merge(notebook, lambda first, second: _is_solution(first) and first["cell_type"] == second["cell_type"] == "code")


@tool
def jupyterlab_merges_the_essay_into_the_text_above(notebook: dict) -> None:
    _merge(notebook, lambda first, second: first["cell_type"] == "markdown" and _is_essay(second))


@tool
def jupyterlab_merges_the_text_below_into_the_essay(notebook: dict) -> None:
    _merge(notebook, lambda first, second: second["cell_type"] == "markdown" and _is_essay(first))


def _is_essay(each: dict) -> bool:
    return _is_solution(each) and each["cell_type"] == "markdown"


def _merge(notebook: dict, wanted: Callable[[dict, dict], bool]) -> None:
    """Shift-M: the first cell keeps its id and metadata, the second is gone."""
    made: list[dict] = []
    for each in notebook["cells"]:
        if made and wanted(made[-1], each):
            made[-1] = made[-1] | {"source": "\n\n".join("".join(part["source"]) for part in (made[-1], each))}
        else:
            made.append(each)
    notebook["cells"] = made


@tool
def jupyter_notebook_of_2019_saves(notebook: dict) -> None:
    """nbformat 4.2 knows no ids."""
    notebook["nbformat_minor"] = 2
    for each in notebook["cells"]:
        each.pop("id")


@tool
def a_jupyter_to_come_saves(notebook: dict) -> None:
    notebook["nbformat_minor"] = 9
    notebook["future"] = {"anything": []}
    for each in notebook["cells"]:
        each["future"] = 1


@tool
def vs_code_saves(notebook: dict) -> None:
    """Languages in the metadata, and new ids where the file said nbformat 4.4."""
    notebook["metadata"] |= {"vscode": {"interpreter": {"hash": "0"}}, "language_info": {"name": "python"}}
    for each, identity in zip(notebook["cells"], _identities(), strict=False):
        each["id"] = identity
        each["metadata"]["vscode"] = {"languageId": "python" if each["cell_type"] == "code" else "markdown"}


@tool
def vs_code_pastes_all_cells_into_a_new_notebook(notebook: dict) -> None:
    """Copied cells come without metadata, with new ids."""
    for each, identity in zip(notebook["cells"], _identities(), strict=False):
        each["metadata"], each["id"] = {}, identity


@tool
def vs_code_with_an_essay_in_a_plain_text_cell(notebook: dict) -> None:
    """A new cell whose language was set to plain text is a cell of code in the file."""
    made = []
    for each in notebook["cells"]:
        made.append(each)
        if _is_essay(each):
            text, each["source"] = "".join(each["source"]), "Write your answer here."
            made.append(cell("code", text) | {"metadata": {"vscode": {"languageId": "plaintext"}}})
    notebook["cells"] = made


@tool
def colab_saves(notebook: dict) -> None:
    """nbformat 4.0 without ids; its own ids and addresses in the metadata; a badge above all."""
    notebook["nbformat_minor"] = 0
    notebook["metadata"] = {"colab": {"provenance": []}, "kernelspec": {"name": "python3"}, "accelerator": "GPU"}
    for each, identity in zip(notebook["cells"], _identities(), strict=False):
        each.pop("id")
        each["source"] = _lines(each["source"])
        each["metadata"] |= {"id": identity, "outputId": identity, "colab": {"base_uri": "https://localhost:8080/"}}
    badge = cell("markdown", '<a href="https://colab.research.google.com/x"><img alt="Open In Colab"/></a>')
    badge.pop("id")
    badge["metadata"] = {"id": "view-in-github", "colab_type": "text"}
    notebook["cells"].insert(0, badge)


@tool
def colab_saves_without_what_it_does_not_know(notebook: dict) -> None:
    colab = TOOLS["colab_saves"](notebook)
    for each in colab["cells"]:
        each["metadata"] = {name: each["metadata"].get(name, "") for name in ("id", "colab", "cellView")}
    notebook.update(colab)


@tool
def colab_with_forms_and_its_own_cells(notebook: dict) -> None:
    """#@title above a function, and cells of a learner's own between the lab's."""
    colab = TOOLS["colab_saves_without_what_it_does_not_know"](notebook)
    made = []
    for each in colab["cells"]:
        text = "".join(each["source"])
        if each["cell_type"] == "code" and text.startswith("def "):
            mount = cell("code", "from google.colab import drive\ndrive.mount('/content/drive')\n!nvidia-smi")
            mount.pop("id")
            made.append(mount)
            each["source"] = ["#@title My answer {display-mode: form}\n", *_lines(text)]
            each["metadata"]["cellView"] = "form"
        made.append(each)
    notebook.update(colab | {"cells": made})


@tool
def nbformat_strips_all_metadata(notebook: dict) -> None:
    for each in notebook["cells"]:
        each["metadata"] = {}
        each.pop("id")


def _identities() -> Iterator[str]:
    """Ids as tools draw them."""
    chance = random.Random(20)
    while True:
        yield f"{chance.getrandbits(32):08x}"
