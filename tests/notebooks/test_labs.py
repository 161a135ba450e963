"""Every lab of the course, whatever it teaches: fresh, without answers, with links that lead somewhere, and it runs."""

import copy
import json
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path
from urllib.parse import unquote

import jupytext
import nbformat
import pytest
from nbformat import NotebookNode

from grader.notebook.build import check
from grader.notebook.execution import execute, private_paths
from grader.notebook.labs import Lab, labs_in
from tests.browser.conftest import missing
from utils.machine.workspace import ROOT

LABS = labs_in(ROOT)
EVERY_LAB = pytest.mark.parametrize("lab", LABS, ids=lambda lab: lab.name)
BOTH = pytest.mark.parametrize("which", ["released", "solution"])
LINK = re.compile(r"(?<!!)\[[^\]]*\]\(([^)\s]+)\)|<a [^>]*href=[\"']([^\"']+)")
IMAGE = re.compile(r"!\[([^\]]*)\]\(([^)\s]+)\)")
TAG = re.compile(r"<img\b[^>]*>")
REGION = re.compile(r"### BEGIN SOLUTION\n(.*?)### END SOLUTION", re.DOTALL)


def read(lab: Lab, which: str = "released") -> NotebookNode:
    return nbformat.read(getattr(lab, which), as_version=4)


def code_of(notebook: NotebookNode) -> list[str]:
    return [cell.source for cell in notebook.cells if cell.cell_type == "code"]


def text_of(notebook: NotebookNode) -> list[str]:
    return [cell.source for cell in notebook.cells if cell.cell_type == "markdown"]


def is_todo(cell: NotebookNode) -> bool:
    marks = cell.metadata.get("nbgrader", {})
    return cell.cell_type == "code" and marks.get("solution", False) and not marks.get("grade", False)


def solution_lines(lab: Lab) -> set[str]:
    """Lines of the answers that are long enough to be nobody else's, and do not stand in the open as well."""
    source = lab.source.read_text(encoding="utf-8")
    inside = {line.strip() for region in REGION.findall(source) for line in region.splitlines()}
    cells = jupytext.read(lab.source).cells
    written = [cell.source for cell in cells if cell.metadata.get("nbgrader", {}).get("solution")]
    sketches = {line.strip() for text in written if "### BEGIN" not in text for line in text.splitlines()}
    outside = {line.strip() for line in REGION.sub("", source).splitlines()}
    return {line for line in inside - outside | sketches if len(line) > 15}


@EVERY_LAB
def test_the_notebooks_agree_with_their_source(lab):
    assert check(lab) == []


@EVERY_LAB
def test_the_readme_has_a_row_for_the_lab(lab):
    assert f"| [{lab.number}](labs/{lab.name}/{lab.name}.ipynb) |" in (ROOT / "README.md").read_text(encoding="utf-8")


@EVERY_LAB
def test_the_learners_notebook_holds_no_answer_and_no_hidden_test(lab):
    text = "\n".join(cell.source for cell in read(lab).cells)
    lines = {line.strip() for line in text.splitlines()}
    assert len(solution_lines(lab)) > 5
    # a hint may name a short call inside a sentence
    assert [line for line in solution_lines(lab) if line in lines or (len(line) > 30 and line in text)] == []
    for marker in ("BEGIN SOLUTION", "BEGIN HIDDEN", "hidden_tests", "MARK SCHEME"):
        assert marker not in json.dumps(read(lab))


@EVERY_LAB
def test_the_learners_notebook_has_no_outputs(lab):
    assert not any(cell.get("outputs") or cell.get("execution_count") for cell in read(lab).cells)


@EVERY_LAB
def test_no_code_cell_of_a_lab_calls_what_the_loss_is_to_be_made_of(lab):
    assert not [code for code in code_of(read(lab)) if re.search(r"\bkl_div\b|log_softmax", code)]


@EVERY_LAB
def test_every_todo_raises_until_it_is_written(lab):
    cells = read(lab).cells
    todos = [index for index, cell in enumerate(cells) if is_todo(cell)]
    assert todos
    for index in todos:
        assert "raise NotImplementedError" in cells[index].source


def test_one_cell_of_lab_2_defines_the_loss():
    lab = next(lab for lab in LABS if lab.number == "02")
    assert sum("def distillation_loss" in code for code in code_of(read(lab))) == 1


@EVERY_LAB
def test_every_check_in_the_solution_has_hidden_tests(lab):
    checks = [cell for cell in read(lab, "solution").cells if cell.metadata.get("nbgrader", {}).get("grade")]
    of_code = [cell for cell in checks if cell.cell_type == "code"]
    assert of_code and all("### BEGIN HIDDEN TESTS" in cell.source for cell in of_code)


def test_a_teacher_is_compared_with_the_student_before_anything_is_trained():
    for number in ("02", "03"):
        (lab,) = [lab for lab in LABS if lab.number == number]
        cells = read(lab).cells
        (compared,) = [i for i, cell in enumerate(cells) if "teacher_against_student(" in cell.source]
        trained = [i for i, cell in enumerate(cells) if "train" in cell.metadata.get("tags", [])]
        assert trained and compared < trained[0]


def test_the_requirements_name_only_labs_that_there_are():
    for path in ROOT.glob("requirements*.txt"):
        for words in re.findall(r"\bLabs? (\d+(?:(?:, | and )\d+)*)", path.read_text(encoding="utf-8")):
            assert {number.zfill(2) for number in re.findall(r"\d+", words)} <= {lab.number for lab in LABS}, path.name


def anchors(notebook: NotebookNode) -> set[str]:
    """The names that Jupyter gives to headings."""
    lines = [line for text in text_of(notebook) for line in text.splitlines()]
    headings = [re.sub(r"[`*]", "", line.lstrip("#").strip()) for line in lines if re.match(r"#{1,6} ", line)]
    return {heading.replace(" ", "-") for heading in headings}


@EVERY_LAB
@BOTH
def test_links_lead_somewhere(lab, which):
    notebook = read(lab, which)
    links = [first or second for text in text_of(notebook) for first, second in LINK.findall(text)]
    broken = []
    for link in links:
        path, _, anchor = unquote(link).partition("#")
        if re.match(r"https?://|mailto:", link):
            continue
        there = (getattr(lab, which).parent / path).exists() if path else anchor in anchors(notebook)
        broken += [] if there else [link]
    assert broken == []


@EVERY_LAB
@BOTH
def test_every_picture_has_an_alt_text_and_is_there(lab, which):
    for cell in read(lab, which).cells:
        if cell.cell_type == "markdown":
            for alt, target in IMAGE.findall(cell.source):
                assert alt.strip(), f"{cell.id}: {target} has no alt text"
                name = target.removeprefix("attachment:")
                assert name in cell.get("attachments", {}) or (getattr(lab, which).parent / target).is_file()
                assert cell.metadata.get("nbgrader", {}).get("locked"), f"{cell.id}: a picture must be in a locked cell"
            assert all(re.search(r"alt=[\"'][^\"']+", tag) for tag in TAG.findall(cell.source))
        for output in cell.get("outputs", []):
            assert "image/png" not in output.get("data", {}), (
                f"{cell.id}: Jupyter shows such a figure without its alt text"
            )
            for tag in TAG.findall(output.get("data", {}).get("text/html", "")):
                assert re.search(r"alt=[\"'][^\"']+", tag), f"{cell.id}: a figure has no alt text"


@EVERY_LAB
def test_the_solution_shows_nothing_of_the_machine_that_made_it(lab):
    outputs = [output for cell in read(lab, "solution").cells for output in cell.get("outputs", [])]
    texts = [output.get("text", "") + str(output.get("data", {}).get("text/plain", "")) for output in outputs]
    assert outputs and not any(output.output_type == "error" or output.get("name") == "stderr" for output in outputs)
    private = re.compile(r"(?<![\w.])/(home|root|tmp|usr|Users)/|Warning:|\d+%\|| at 0x")
    here = [path for path in private_paths(ROOT, tempfile.gettempdir()) if path != os.sep]
    assert not [text for text in texts if private.search(text) or any(path in text for path in here)]


def filled_in(lab: Lab) -> NotebookNode:
    """The learner's notebook with every TODO written as the solution has it."""
    notebook = read(lab)
    answers = {cell.id: cell.source for cell in read(lab, "solution").cells}
    for cell in notebook.cells:
        if is_todo(cell):
            cell.source = answers[cell.id]
    return notebook


def shown_by(notebook: NotebookNode) -> str:
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    return "\n".join(str(output.get("text", "")) + str(output.get("data", {})) for output in outputs)


@EVERY_LAB
@pytest.mark.skipif(not missing(), reason="the browser tests run every cell of it with the right answers")
def test_the_learners_notebook_runs_once_the_todos_are_right(lab):
    executed = execute(filled_in(lab), lab, "smoke")
    assert "[not yet]" not in shown_by(executed) and "is still open" not in shown_by(executed)


@EVERY_LAB
def test_an_open_todo_stops_only_what_needs_it_with_a_sentence(lab):
    notebook = read(lab)
    executed = execute(notebook, lab, "smoke")
    assert "is still open" in shown_by(executed)
    assert len(executed.cells) == len(notebook.cells)


@EVERY_LAB
@pytest.mark.nightly
def test_each_todo_can_be_the_only_open_one(lab):
    todos = [cell.id for cell in read(lab).cells if is_todo(cell)]
    for name in todos:
        notebook = filled_in(lab)
        source = next(cell.source for cell in read(lab).cells if cell.id == name)
        next(cell for cell in notebook.cells if cell.id == name).source = source
        assert f"{name} is still open" in shown_by(execute(notebook, lab, "smoke"))


@EVERY_LAB
@pytest.mark.nightly
def test_the_solution_runs_in_full_and_earns_all_points(lab):
    executed = execute(copy.deepcopy(read(lab, "solution")), lab, "smoke")
    for cell in executed.cells:
        marks = cell.metadata.get("nbgrader", {})
        if marks.get("grade") and cell.cell_type == "code":
            assert float(cell.outputs[-1].data["text/plain"]) == marks["points"], cell.id


@EVERY_LAB
@pytest.mark.nightly
def test_nbgrader_validate_tells_an_open_todo_from_a_right_one(lab, tmp_path):
    program = Path(sys.executable).with_name("nbgrader")
    environment = {**os.environ, "COURSE_ROOT": str(ROOT), "PATH": f"{program.parent}{os.pathsep}{os.environ['PATH']}"}
    said = {}
    for name, notebook in (("open", read(lab)), ("right", filled_in(lab))):
        nbformat.write(notebook, tmp_path / f"{name}.ipynb")
        command = [str(program), "validate", str(tmp_path / f"{name}.ipynb")]
        done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=600)
        said[name] = done.stdout + done.stderr
    assert "VALIDATION FAILED" in said["open"].upper()
    assert "Success" in said["right"]


@EVERY_LAB
def test_no_more_than_five_lines_of_set_up_are_in_view(lab):
    first = next(cell for cell in read(lab).cells if cell.cell_type == "code" and "jupyter" not in cell.metadata)
    assert "set-up" in first.metadata.tags
    assert len([line for line in first.source.splitlines() if line.strip()]) <= 5


@EVERY_LAB
def test_a_function_is_asked_for_within_the_first_nine_hundred_words(lab):
    cells = read(lab).cells
    first = next(index for index, cell in enumerate(cells) if is_todo(cell))
    before = [re.sub(r"\]\([^)]*\)|<[^>]*>", " ", c.source) for c in cells[:first] if c.cell_type == "markdown"]
    assert len(re.findall(r"\w[\w'’-]*", " ".join(before))) <= 900


@EVERY_LAB
def test_a_guess_is_read_in_the_cell_that_asks_for_it(lab):
    asked = [code for code in code_of(read(lab)) if re.search(r"^my_\w+ = .*None", code, re.MULTILINE)]
    assert asked
    for code in asked:
        for name in re.findall(r"^(my_\w+) = .*None", code, re.MULTILINE):
            assert f"{name} = guess({name}" in code, name


def test_the_lines_for_a_model_of_your_own_train_one(tmp_path, monkeypatch, capsys):
    (lab,) = [lab for lab in LABS if lab.number == "03"]
    texts = [cell.source for cell in jupytext.read(lab.source).cells if "## What now?" in cell.source]
    (example,) = re.findall(r"```python\n(.*?)```", texts[0], re.DOTALL)
    monkeypatch.setenv("COURSE_PROFILE", "smoke")
    monkeypatch.chdir(tmp_path)
    found: dict = {}
    exec(compile(example, "What now?", "exec"), found)
    assert found["history"].steps_done == found["history"].steps_total > 0
    assert list((tmp_path / "outputs" / "teacher").glob("*/*.safetensors"))
    assert str(found["history"].epoch_losses()) in capsys.readouterr().out
