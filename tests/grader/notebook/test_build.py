"""A lab's notebooks say what its source says, and nothing of the machine that made them. A tiny lab stands in."""

import argparse
import re

import nbformat
import pytest
from nbformat import NotebookNode

from cli import build as command
from grader.notebook.assemble import set_up
from grader.notebook.build import build, check, prepare
from grader.notebook.execution import clean_outputs, last_states
from grader.notebook.labs import METADATA
from grader.notebook.rendering import colab_link, markdown_table, number, percent
from utils.errors import CourseError


def text_of(notebook: NotebookNode) -> str:
    return "\n".join(cell.source for cell in notebook.cells)


def cell_of(notebook: NotebookNode, name: str) -> NotebookNode:
    return next(cell for cell in notebook.cells if cell.id == name)


def edit(lab, old: str, new: str) -> None:
    source = lab.source.read_text(encoding="utf-8")
    assert old in source
    lab.source.write_text(source.replace(old, new), encoding="utf-8")


@pytest.fixture(scope="module")
def _executed() -> dict:
    return {}


@pytest.fixture
def built(tiny_lab, _executed):
    """The tiny lab with both notebooks; it is executed once for all tests of this file."""
    paths = (tiny_lab.released, tiny_lab.solution)
    if not _executed:
        build(tiny_lab, "smoke", say=lambda words: None)
        _executed.update({path.name + str(index): path.read_text() for index, path in enumerate(paths)})
    for index, path in enumerate(paths):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(_executed[path.name + str(index)])
    return tiny_lab


def test_the_learners_notebook_holds_no_solution_no_hidden_test_and_no_output(tiny_lab):
    learner = prepare(tiny_lab).learner
    text = text_of(learner)
    for secret in ("SOLUTION", "HIDDEN", "x * x", "secret sketch", "record =", "hush"):
        assert secret not in text
    assert "raise NotImplementedError" in cell_of(learner, "squares").source
    assert cell_of(learner, "check_squares").source == 'check("squares", squares)'
    assert cell_of(learner, "written_why").source == "Write your answer here."
    assert not any(cell.get("outputs") or cell.get("execution_count") for cell in learner.cells)


def test_the_solution_holds_the_hidden_tests_and_no_reference(tiny_lab):
    source = cell_of(prepare(tiny_lab).solution, "check_squares").source
    assert source.startswith("### BEGIN HIDDEN TESTS") and source.endswith("### END HIDDEN TESTS")
    assert source.splitlines()[-2] == "points(squares, record, maximum=10)"
    assert "grader" not in source.replace("grader/exercises", "")


def test_text_is_filled_in_from_the_committed_results(tiny_lab):
    text = text_of(prepare(tiny_lab).learner)
    assert "**Your time:** about 25 minutes. **Computing in it:** 3 seconds" in text
    assert "| teacher | 31.4 [30.1, 32.9] |" in text
    assert r"$\frac{a}{b}$ stays." in text


def test_missing_results_are_named_with_the_script_that_makes_them(tiny_lab):
    (tiny_lab.root / "benchmarks" / "results" / "tiny.json").unlink()
    with pytest.raises(CourseError, match=r"cell 6: benchmarks/results/tiny.json .* python -m benchmarks.tiny makes"):
        prepare(tiny_lab)


def test_a_name_that_no_result_has_is_said_with_its_cell(tiny_lab):
    edit(tiny_lab, "# The end.", "# The end {{ results.tiny.ratio }}.")
    with pytest.raises(CourseError, match=r"cell 11: its text cannot be filled in .*ratio"):
        prepare(tiny_lab)


def test_a_picture_travels_in_a_locked_cell_with_its_alt_text(tiny_lab):
    cell = cell_of(prepare(tiny_lab).learner, "picture-curve")
    assert "![A line that rises (slowly) from left to right.](attachment:curve.png)" in cell.source
    assert re.search(r'overflow-x:auto.*min-width:\d+px">\n\n!\[', cell.source), "on a narrow page it scrolls"
    assert set(cell.attachments["curve.png"]) == {"image/png"}
    assert cell.metadata.nbgrader.locked and cell.metadata.editable is False


def test_a_picture_without_alt_text_is_refused(tiny_lab):
    edit(tiny_lab, 'alt="A line that rises [slowly] from left to right."', 'alt=" "')
    with pytest.raises(CourseError, match="'curve' needs an alt text"):
        prepare(tiny_lab)


def test_the_set_up_cell_carries_the_bootstrap_and_the_projects_address(tiny_lab):
    address = 'course = "https://github.com/someone/a-course"'
    (tiny_lab.root / "pyproject.toml").write_text(f"[project.urls]\n{address}\n")
    notebook = prepare(tiny_lab).learner
    cells = [cell for cell in notebook.cells if "set-up" in cell.metadata.get("tags", [])]
    folded, shown = cells
    assert 'or "https://github.com/someone/a-course"' in folded.source
    assert shown.source.endswith('print("checked", name)') and not any("noqa" in cell.source for cell in cells)
    link = "https://colab.research.google.com/github/someone/a-course/blob/main/labs/09_squares/09_squares.ipynb"
    assert link in colab_link(tiny_lab) and link in notebook.cells[0].source


def test_what_a_lone_notebook_needs_is_folded_in_jupyter_and_in_colab(tiny_lab):
    folded = next(cell for cell in prepare(tiny_lab).learner.cells if cell.cell_type == "code")
    assert folded.metadata.jupyter.source_hidden and folded.metadata.cellView == "form"
    assert folded.source.startswith("# @title ")


def test_a_cell_that_is_for_run_alone_is_in_no_notebook(tiny_lab):
    edit(tiny_lab, '# %% tags=["notebook-only"]', '# %% tags=["run-only"]')
    built = prepare(tiny_lab)
    assert "IntSlider" not in text_of(built.learner) + text_of(built.solution)


def test_without_an_address_there_is_no_link_and_an_empty_default(tiny_lab):
    (tiny_lab.root / "pyproject.toml").write_text("[project]\n")
    assert colab_link(tiny_lab) == ""
    assert 'or ""' in set_up(tiny_lab.root)


def test_what_nbgrader_refuses_is_one_sentence(tiny_lab):
    edit(tiny_lab, "    ### END SOLUTION\n", "")
    with pytest.raises(CourseError, match=r"09_squares.py: nbgrader's ClearSolutions refuses it: no end solution"):
        prepare(tiny_lab)


def test_ids_and_version_stay_where_the_text_of_one_cell_changes(tiny_lab):
    before = prepare(tiny_lab).learner
    edit(tiny_lab, "# The end.", "# The very end.")
    after = prepare(tiny_lab).learner
    assert [cell.id for cell in after.cells] == [cell.id for cell in before.cells]
    changed = [cell.id for cell, other in zip(after.cells, before.cells, strict=True) if cell != other]
    assert changed == ["written_why-1"]
    assert after.metadata[METADATA].version != before.metadata[METADATA].version


def test_two_builds_make_the_same_notebooks(tiny_lab):
    assert prepare(tiny_lab) == prepare(tiny_lab)


def test_another_seed_changes_the_hidden_tests_alone(tiny_lab):
    usual, exam = prepare(tiny_lab), prepare(tiny_lab, seed=7)
    assert exam.learner == usual.learner
    pairs = zip(exam.solution.cells, usual.solution.cells, strict=True)
    differing = [cell.id for cell, other in pairs if cell != other]
    assert differing == ["check_squares"]


def test_the_executed_solution_shows_nothing_of_this_machine(built):
    notebook = nbformat.read(built.solution, as_version=4)
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    for private in (str(built.root), "noise", "a warning", "0x", "widget", "UserWarning", "stderr"):
        assert private not in str(outputs)
    shown = "".join(output.get("text", "") for output in outputs)
    assert "100 %" in shown and "10 %\r" not in shown and "solutions/09_squares <object object> smoke" in shown
    assert "widgets" not in notebook.metadata
    assert cell_of(notebook, "check_squares").outputs[-1].data["text/plain"] == "10.0"


def test_the_executed_solution_says_with_what_and_when_it_was_made(built):
    executed = nbformat.read(built.solution, as_version=4).metadata[METADATA].executed
    assert executed.profile == "smoke"
    assert executed.torch
    assert re.fullmatch(r"3\.\d+\.\d+", executed.python) and re.fullmatch(r"20\d\d-\d\d-\d\d", executed.date)


def test_notebooks_that_were_just_built_have_not_drifted(built):
    assert check(built) == []


def test_building_again_changes_nothing_and_runs_nothing(built):
    before = [path.read_bytes() for path in (built.released, built.solution)]
    said = []
    build(built, "smoke", say=said.append)
    assert not any("executing" in words for words in said)
    assert [path.read_bytes() for path in (built.released, built.solution)] == before


def test_new_prose_keeps_the_outputs_and_new_code_does_not(built, monkeypatch):
    edit(built, "# The end.", "# The very end.")
    build(built, "smoke", say=lambda words: None)
    assert cell_of(nbformat.read(built.solution, as_version=4), "check_squares").outputs
    edit(built, 'print("10 %', 'print("20 %')
    executions = []

    def execute(notebook, lab, profile):
        executions.append(profile)
        notebook.metadata[METADATA].executed = NotebookNode()
        return notebook

    monkeypatch.setattr("grader.notebook.execution.execute", execute)
    build(built, "smoke", say=lambda words: None)
    assert executions == ["smoke"]


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda nb: nb.cells[6].update(source="other"), r"cell 7 \(check_squares-1\) differs .* in its text"),
        (lambda nb: nb.cells[5].metadata.nbgrader.update(points=99), r"cell 6 \(check_squares\) .* in its metadata"),
        (lambda nb: nb.cells[3].attachments.clear(), r"cell 4 \(picture-curve\) .* in its pictures"),
        (lambda nb: nb.cells.pop(), r"it has 12 cells, and the source makes 13"),
        (lambda nb: nb.cells.pop(0), r"cell 1 is 'start-1' in the source and 'find-the-course' here"),
        (lambda nb: nb.metadata.kernelspec.update(name="other"), r"its kernelspec differs"),
    ],
)
def test_drift_is_said_in_a_sentence_that_names_the_cell(built, change, sentence):
    for path in (built.released, built.solution):
        notebook = nbformat.read(path, as_version=4)
        change(notebook)
        nbformat.write(notebook, path)
    problems = check(built)
    for place in ("labs", "solutions"):
        start = f"^{place}/09_squares/09_squares.ipynb: "
        assert any(re.search(start + sentence, words) for words in problems), problems


def test_a_notebook_that_is_none_is_to_be_built_again(tiny_lab, capsys):
    for path in (tiny_lab.released, tiny_lab.solution):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("no JSON")
    settings = argparse.Namespace(lab=None, check=True, profile=None, again=False)
    assert command.main(settings, tiny_lab.root) == 1
    said = capsys.readouterr().err.splitlines()
    assert [line.partition(" is not a notebook")[0] for line in said[:2]] == [
        f"{place}/09_squares/09_squares.ipynb" for place in ("labs", "solutions")
    ]
    assert said[2:] == ["Build it again from its source, where changes belong: python3 course.py build 09"]


def test_outputs_do_not_count_as_drift(built):
    notebook = nbformat.read(built.solution, as_version=4)
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs = []
    nbformat.write(notebook, built.solution)
    assert check(built) == []


def test_a_cell_that_fails_stops_the_build_with_its_name(tiny_lab):
    edit(tiny_lab, 'print("10 %', 'raise ValueError("broken"); print("10 %')
    with pytest.raises(CourseError, match=r"cell 8 \(check_squares-2\) failed(?s:.)*broken"):
        build(tiny_lab, "smoke", say=lambda words: None)
    assert not tiny_lab.released.exists()


def test_a_line_that_was_written_over_keeps_its_last_state():
    assert last_states("a\r\nb 1 %\rb 2 %\nc") == "a\nb 2 %\nc"


def test_text_that_arrived_in_pieces_is_one_output():
    texts = ("a 1 %\r", "a 2 %\n", "/secret/b")
    pieces = [NotebookNode(output_type="stream", name="stdout", text=text) for text in texts]
    noise = NotebookNode(output_type="stream", name="stderr", text="noise")
    cleaned = clean_outputs([pieces[0], noise, *pieces[1:]], {"/secret/": ""})
    assert [output.text for output in cleaned] == ["a 2 %\nb"]


def test_a_figure_keeps_its_alt_text_in_the_outputs():
    alt = {"image/png": {"alt": "A line."}}
    figure = NotebookNode(output_type="display_data", data={"image/png": "QQ=="}, metadata=alt)
    assert clean_outputs([figure], {"/secret": ""}) == [figure]


def test_numbers_are_written_for_reading():
    values = (31.416, 0.000123, 5850000, 1234.6, None, "x", 12.0)
    assert [number(value) for value in values] == ["31.4", "0.000123", "5,850,000", "1,235", "–", "x", "12.0"]
    assert percent(0.131) == "13 %" and percent(0.131, 1) == "13.1 %"
    assert markdown_table([{"a": 1.0, "b": "x|y"}]).splitlines() == ["| a | b |", "| --: | :-- |", "| 1.00 | x\\|y |"]
