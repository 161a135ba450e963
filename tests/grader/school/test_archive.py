"""The archive for learners holds what a lab needs and nothing of the grader's, and works in an empty folder."""

import ast
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from cli.__main__ import main
from grader.notebook.assemble import TEMPLATE
from grader.school import archive
from utils.errors import CourseError
from utils.machine.workspace import ROOT

LOSS = """
import torch, torch.nn.functional as F
def distillation_loss(student_logits, teacher_logits, labels, temperature=3.0, alpha=0.5):
    keep = labels[:, 1:] != -100
    s, t, y = student_logits[:, :-1][keep], teacher_logits[:, :-1][keep].detach(), labels[:, 1:][keep]
    soft = F.kl_div(F.log_softmax(s / temperature, -1), F.softmax(t / temperature, -1), reduction="batchmean")
    return alpha * temperature**2 * soft + (1 - alpha) * F.cross_entropy(s, y)
"""


@pytest.fixture(scope="module")
def unpacked(tmp_path_factory) -> Path:
    home = tmp_path_factory.mktemp("learner")
    made = archive.write(ROOT, home / "course.zip")
    with zipfile.ZipFile(made.path) as content:
        content.extractall(home)
    return home / archive.NAME


def run(unpacked: Path, program: str, folder: Path) -> str:
    """A program in a Python that finds nothing of this repository but by what the program does itself."""
    away = f"import sys; sys.path[:] = [each for each in sys.path if each.rstrip('/') not in ('', {str(ROOT)!r})]\n"
    command = [sys.executable, "-P", "-c", away + program]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, env={"PATH": "/usr/bin:/bin"})
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout


def test_nothing_of_the_graders_is_in_it(unpacked):
    assert {path.name for path in unpacked.iterdir()} >= {"labs", "utils", "cli", "course.py", "README.md", "LICENSE"}
    assert not {"solutions", "grader", "tests", ".git"} & {path.name for path in unpacked.iterdir()}
    assert {path.suffix for path in (unpacked / "benchmarks").rglob("*") if path.is_file()} == {".json"}
    text = "".join(path.read_text(encoding="utf-8") for path in (unpacked / "labs").rglob("*.ipynb"))
    assert "BEGIN HIDDEN TESTS" not in text and "BEGIN SOLUTION" not in text


def test_no_module_in_it_needs_what_is_left_out(unpacked):
    for path in unpacked.rglob("*.py"):
        body = ast.parse(path.read_text(encoding="utf-8")).body
        modules = [node.module or "" for node in body if isinstance(node, ast.ImportFrom)]
        assert not [name for name in modules if re.match(r"(grader|tests|benchmarks|solutions)\b", name)], path


def test_the_learners_command_copies_the_labs(unpacked):
    program = f"sys.path.insert(0, {str(unpacked)!r})\nfrom pathlib import Path\nimport cli.lab, cli._copies\n"
    program += f"print(*(path.name for path in cli._copies.copy_missing(Path({str(unpacked)!r}))))"
    assert run(unpacked, program, unpacked).split() == sorted(path.name for path in (unpacked / "labs").iterdir())


def test_a_labs_first_cell_and_its_checks_work_in_it(unpacked):
    folder = next((unpacked / "labs").iterdir())
    cell = TEMPLATE.read_text(encoding="utf-8").replace('"ADDRESS"', '""')
    program = f"{cell}\nfrom utils.checks import check\n{LOSS}\nprint(check('distillation_loss', distillation_loss))\n"
    said = run(unpacked, program + "import utils; print(utils.__file__)", folder)
    assert "Right" in said
    assert said.splitlines()[-1] == str(unpacked / "utils" / "__init__.py")


def test_what_an_instructor_keeps_in_the_folder_stays_there(tmp_path):
    root = tmp_path / "course"
    for name in ("labs/02_any/02_any.ipynb", "labs/03_other/03_other.ipynb", "utils/a.py", "course.py",
                 "school/students.csv", "graded/gradebook.db", "gradebook.db", "solutions/02_any/02_any.ipynb",
                 "grader/judge.py", "utils/__pycache__/a.pyc"):  # fmt: skip
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text("x")
    for name in ("__init__", "__main__", "_packages", "lab", "doctor", "grade"):
        (root / "cli").mkdir(exist_ok=True)
        (root / "cli" / f"{name}.py").write_text("")
    made = archive.write(root, tmp_path / "out.zip", "2")
    assert made.labs == ("02_any",)
    with zipfile.ZipFile(made.path) as content:
        names = {name.removeprefix(f"{archive.NAME}/") for name in content.namelist()}
    assert names == {"README.md", "course.py", "utils/a.py", "labs/02_any/02_any.ipynb"} | {
        f"cli/{name}.py" for name in ("__init__", "__main__", "_packages", "lab", "doctor")
    }
    with pytest.raises(CourseError, match="no released lab 7"):
        archive.write(root, tmp_path / "out.zip", "7")


@pytest.mark.parametrize("place", ["folder", "file/out.zip"])
def test_an_archive_that_cannot_be_written_is_said_without_a_guess(tmp_path, place):
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").write_text("")
    with pytest.raises(CourseError, match=r"cannot be written \((Is a|Not a|File exists)") as error:
        archive.write(ROOT, tmp_path / place, "2")
    assert "free some space" not in str(error.value)


def test_the_command_says_what_to_ask_for(capsys):
    assert main(["release"]) == 1
    assert "release --archive" in capsys.readouterr().err
    assert main(["release", "--archive", "--seed", "1"]) == 1
    assert "holds none" in capsys.readouterr().err
