"""What the source of a lab must obey, checked before anything is executed. Each problem is a sentence that says what
to do, so that the author of a lab reads it here and not in a learner's notebook.
"""

from __future__ import annotations

import ast
import re

import jupytext
from nbformat import NotebookNode

from grader.notebook.labs import SET_UP, TAGS, Lab
from grader.notebook.uses import TABLES, code_of
from utils.errors import CourseError

CHECK = "check_"
BEGIN_SOLUTION = "### BEGIN SOLUTION"
MARKS = {"grade": bool, "locked": bool, "solution": bool, "schema_version": int, "grade_id": str}
_GRADE_ID = re.compile(r"[A-Za-z0-9_-]{1,50}")
_ASSERT = re.compile(r"^assert\b", re.MULTILINE)
_CALL = re.compile(r"^[ \t]*check\(", re.MULTILINE)
_RUBRIC = re.compile(r"^\| *(\d+) *\|", re.MULTILINE)


def require_rules(notebook: NotebookNode, lab: Lab) -> None:
    """Raise CourseError with a sentence for each rule that the source breaks, and the cell that does."""
    problems = [
        *set_up_problems(notebook),
        *(f"cell {n}: {problem}" for n, cell in enumerate(notebook.cells, 1) for problem in cell_problems(cell)),
        *grade_id_problems(notebook),
        *exercise_problems(notebook),
        *written_problems(notebook),
        *table_problems(notebook, lab),
    ]
    if problems:
        raise CourseError("\n".join(f"{lab.source.name}, {problem}" for problem in problems))


def require_tables(lab: Lab) -> None:
    """Raise CourseError where a check of the lab has no table: without it the cell could only say so."""
    problems = table_problems(jupytext.read(lab.source), lab)
    if problems:
        raise CourseError("\n".join(f"{lab.source.name}, {problem}" for problem in problems))


def marks_of(cell: NotebookNode) -> dict:
    return cell.metadata.get("nbgrader") or {}


def is_todo(cell: NotebookNode) -> bool:
    """Whether a learner writes code in this cell."""
    return cell.cell_type == "code" and marks_of(cell).get("solution") is True and not marks_of(cell).get("grade")


def is_check(cell: NotebookNode) -> bool:
    """Whether this cell checks a function and gives points for it."""
    return cell.cell_type == "code" and marks_of(cell).get("grade") is True and not marks_of(cell).get("solution")


def is_judged(cell: NotebookNode) -> bool:
    """Whether this check has an exercise with a table: every one but an instructor's own in plain asserts."""
    return is_check(cell) and (bool(_CALL.search(cell.source)) or not _ASSERT.search(cell.source))


def set_up_problems(notebook: NotebookNode) -> list[str]:
    count = sum(SET_UP in cell.metadata.get("tags", []) for cell in notebook.cells if cell.cell_type == "code")
    return [] if count == 1 else [f"it has {count} code cells with the tag {SET_UP!r}: give it to exactly one."]


def cell_problems(cell: NotebookNode) -> list[str]:
    """What is wrong with one cell's first line, its tags and nbgrader's marks."""
    unknown = sorted(set(cell.metadata.get("tags", [])) - TAGS)
    title = cell.metadata.get("title", "")  # jupytext's word for what follows "# %%", which no notebook shows
    problems = [f"{title!r} would be lost: put it below the line that begins with # %%."] if title else []
    problems += [f"the tag {tag!r} means nothing here: use one of {', '.join(sorted(TAGS))}." for tag in unknown]
    marks = marks_of(cell)
    if not marks:
        return problems
    wrong = [key for key, kind in MARKS.items() if not isinstance(marks.get(key), kind)]
    if wrong:
        return [*problems, f"its nbgrader metadata lacks {', '.join(wrong)}: copy the line of a cell of the same kind."]
    if not _GRADE_ID.fullmatch(marks["grade_id"]):
        problems.append(f"the grade_id {marks['grade_id']!r} must be 1 to 50 letters, digits, - or _.")
    points = marks.get("points")
    if marks["grade"] and not (isinstance(points, int | float) and points > 0):
        problems.append(f"it is graded and gives {points} points: write a number above 0.")
    return problems


def grade_id_problems(notebook: NotebookNode) -> list[str]:
    problems, seen = [], set()
    for number, cell in enumerate(notebook.cells, start=1):
        grade_id = marks_of(cell).get("grade_id")
        if grade_id and grade_id in seen:
            problems.append(f"cell {number}: the grade_id {grade_id!r} is used twice: give it another.")
        seen.add(grade_id)
    return problems


def exercise_problems(notebook: NotebookNode) -> list[str]:
    """A TODO defines what its grade_id names, its check follows, and cells that use it ask `ready` first."""
    cells, problems = notebook.cells, []
    todos = {marks_of(cell).get("grade_id"): n for n, cell in enumerate(cells) if is_todo(cell)}
    for name, place in todos.items():
        here, source = f"cell {place + 1}: ", cells[place].source
        if f"def {name}(" not in source:
            problems.append(f"{here}its grade_id is {name!r}, and it defines no function of that name: write it.")
        if BEGIN_SOLUTION not in source:
            problems.append(f"{here}the answer needs a line {BEGIN_SOLUTION!r} above it and '### END SOLUTION' below.")
        following = cells[place + 1] if place + 1 < len(cells) else None
        if following is None or not is_check(following) or marks_of(following).get("grade_id") != f"{CHECK}{name}":
            problems.append(f"{here}the next cell must check {name}: grade true, grade_id {CHECK + name!r}.")
    for number, cell in enumerate(cells, start=1):
        if is_judged(cell):
            name = marks_of(cell)["grade_id"].removeprefix(CHECK)
            if name not in todos:
                problems.append(
                    f"cell {number}: it checks {name!r}, and no cell asks for that function: write the TODO."
                )
            elif f'check("{name}", {name})' not in cell.source:
                problems.append(f'cell {number}: it must call check("{name}", {name}).')
        elif cell.cell_type == "code" and not is_todo(cell) and not is_check(cell):
            unguarded = sorted(unguarded_names(cell.source) & set(todos))
            problems += [
                f"cell {number}: it uses {name}, which a learner may not have written yet: put the use beneath "
                f"`if ready({name}):`."
                for name in unguarded
            ]
    return problems


def written_problems(notebook: NotebookNode) -> list[str]:
    """A written question has its rubric in the cell above, and the rubric's points are the question's."""
    problems = []
    for number, cell in enumerate(notebook.cells, start=1):
        marks = marks_of(cell)
        if cell.cell_type != "markdown" or not marks.get("grade"):
            continue
        above = notebook.cells[number - 2].source if number > 1 else ""
        points, rubric = marks.get("points"), sum(map(int, _RUBRIC.findall(above)))
        if "Rubric" not in above:
            problems.append(f"cell {number}: the cell above it needs a table '| Points | Rubric |'.")
        elif points != rubric:
            problems.append(f"cell {number}: it gives {points} points, and its rubric {rubric}: make them equal.")
    return problems


def table_problems(notebook: NotebookNode, lab: Lab) -> list[str]:
    """Every function that is checked needs the table that its specification makes."""
    problems = []
    for number, cell in enumerate(notebook.cells, start=1):
        name = marks_of(cell).get("grade_id", "").removeprefix(CHECK)
        if is_judged(cell) and not (lab.root / TABLES / f"{name}.npz").is_file():
            problems.append(
                f"cell {number}: it checks {name}, and {TABLES.as_posix()} has no table of it: write the exercise in "
                "grader/exercises, and then python -m grader.exercises.make_tables makes its table."
            )
    return problems


def unguarded_names(source: str) -> set[str]:
    """Names that a cell takes when it runs, whatever `ready` would say: not beneath an `if`, not in a function."""
    found: set[str] = set()

    def visit(node: ast.AST) -> None:
        if isinstance(node, ast.If | ast.IfExp | ast.FunctionDef | ast.Lambda | ast.AsyncFunctionDef):
            return
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load):
            found.add(node.id)
        for child in ast.iter_child_nodes(node):
            visit(child)

    visit(code_of(source))
    return found
