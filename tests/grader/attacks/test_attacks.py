"""A hostile submission earns nothing, costs nobody else, and touches nothing outside of its sandbox.

All of them run in one batch beside honest work, with limits of two seconds.
"""

import hashlib
import os
import shutil
import sys
from pathlib import Path

import pytest

from grader.marking import batch, report, results
from grader.marking.matching import read_release
from grader.sandbox.limits import MEGABYTE, Limits
from tests.grader.attacks import files, odd
from tests.grader.fixture_lab import NAME, POINTS, WRITTEN, honest, released, save, save_release

LIMITS = Limits(cell_seconds=2.0, ask_seconds=2.0, cpu_seconds=6.0, memory=512 * MEGABYTE, processes=16)
CELLS = Path(__file__).parent / "cells"


def attacks() -> dict[str, str]:
    """The hostile cells by name, from the files of ``cells/``; three more hold what no file of Python may."""
    found = {
        "null_bytes": "x = 1\0\n",
        "deep_expression": "x = " + "(" * 5000 + ")" * 5000,
        "magics": "!rm -rf MARK /course\n!pip install evil\n%pip install evil\n%load_ext evil\nraise SystemExit",
    }
    for path in sorted(CELLS.glob("*.py")):
        for part in path.read_text().split("\n# %% ")[1:]:
            name, _, source = part.partition("\n")
            assert name not in found, f"two attacks are called {name}"
            found[name] = source
    return found


ATTACKS = attacks()
HONEST_STUDENTS = ("honest_first", "honest_middle", "zz_honest_last")

needs_sandbox = pytest.mark.skipif(
    not (sys.platform == "linux" and shutil.which("bwrap")) and not os.environ.get("CI"),
    reason="bubblewrap is not installed, and the attacks run only inside of it",
)


def fingerprint(folder: Path) -> dict[str, str]:
    """Every file below a folder with a hash of what it holds."""
    paths = sorted(path for path in folder.rglob("*") if path.is_file() and not path.is_symlink())
    return {str(path): hashlib.sha256(path.read_bytes()).hexdigest() for path in paths}


def rows_of(out: Path) -> dict[tuple[str, str], dict]:
    return {(row["student"], row["exercise"]): row for row in results.read(out / "results.csv")}


def grade(home: Path, jobs: int = 2, confined: bool = True, **settings: object) -> dict[tuple[str, str], dict]:
    """Grade home/submissions into home/out; the rows of results.csv."""
    lab = read_release(home / "labs" / NAME / f"{NAME}.ipynb")
    out = home / "out"
    options = {"limits": LIMITS, "jobs": jobs, "confined": confined} | settings
    batch.run(batch.Settings(lab, home / "submissions", out, str(out / "gradebook.db"), **options), lambda _: None)
    return rows_of(out)


@pytest.fixture(scope="module")
def attacked(tmp_path_factory):
    """One batch with every attack of a cell: rows, and what a folder beside the grading held before and after."""
    home = tmp_path_factory.mktemp("attacked")
    outside = home / "outside"
    save(outside, "neighbour", honest())
    save_release(home / "labs")
    for student in HONEST_STUDENTS:
        save(home / "submissions", student, honest())
    for name, source in ATTACKS.items():
        attack = released({"distillation_loss": source.replace("MARK", str(outside))})
        save(home / "submissions", f"attack_{name}", attack)
    watched = (outside, home / "labs", home / "submissions")
    before = [fingerprint(folder) for folder in watched]
    rows = grade(home)
    return rows, before, [fingerprint(folder) for folder in watched], home


@needs_sandbox
@pytest.mark.parametrize("name", ATTACKS)
def test_an_attack_earns_nothing(attacked, name):
    for exercise in POINTS:  # the others are open in it: a cell may attack those too
        row = attacked[0][f"attack_{name}", exercise]
        assert float(row["score"]) == 0.0, row
        assert row["status"] not in ("ok", "partial")
        assert row["message"]


@needs_sandbox
@pytest.mark.parametrize(
    ("name", "exercise"),
    [
        ("counts_without_end", "train_step"),
        ("outer_product_of_a_trace", "train_step"),
        ("outer_product_of_gradients", "distillation_loss"),
    ],
)
def test_arrays_of_impossible_shapes_are_refused_before_the_judge_computes(attacked, name, exercise):
    assert "it sent numbers of shape" in attacked[0][f"attack_{name}", exercise]["message"]


@needs_sandbox
def test_honest_neighbours_keep_every_point(attacked):
    for student in HONEST_STUDENTS:
        for exercise, points in POINTS.items():
            row = attacked[0][student, exercise]
            assert (float(row["score"]), row["status"]) == (points, "ok"), row


@needs_sandbox
def test_the_batch_is_complete(attacked):
    students = {*HONEST_STUDENTS, *(f"attack_{name}" for name in ATTACKS)}
    assert set(attacked[0]) == {(student, task) for student in students for task in (*POINTS, WRITTEN)}


@needs_sandbox
def test_a_name_makes_no_row_no_mistake_and_no_formula(attacked):
    out = attacked[3] / "out"
    assert len(results.read(out / "results.csv")) == len(attacked[0])
    naming = {f"attack_{name}" for name in ATTACKS if name.endswith(("_in_a_name", "_for_a_type"))}
    assert naming <= {student for student, _ in attacked[0]} and naming
    found = report.summarise(report.read(out / "results.csv", "02"))
    theirs = [mistake.name for mistake in found.mistakes if naming & set(mistake.students)]
    for name in theirs:
        assert name.startswith(("an exception", "a no causal shift")) and len(name) <= 120, name
    for text in ((out / "results.csv").read_text(), report.as_csv(found, names=True)):
        assert "\n=" not in text and ",=" not in text and ',"=' not in text
        assert not any(sign in text for sign in ("\r", "\x1b", "\u2028"))


@needs_sandbox
def test_nothing_outside_the_sandbox_is_touched(attacked):
    _, before, after, home = attacked
    assert before == after
    assert not list(home.rglob("owned"))
    assert not Path("/tmp/owned").exists()


@needs_sandbox
def test_no_process_of_a_submission_is_left(attacked):
    assert not [line for line in _command_lines() if "grader.sandbox.server" in line]


def _command_lines() -> list[str]:
    """Of this process's children."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            text = path.read_bytes().replace(b"\0", b" ").decode(errors="replace")
            parent = (path.parent / "stat").read_text(errors="replace").rpartition(")")[2].split()[1]
            if parent == str(os.getpid()):
                found.append(text)
        except OSError:
            continue
    return found


@pytest.fixture(scope="module")
def damaged(tmp_path_factory):
    """One batch of files that are broken, linked, in other formats, or of students with odd names."""
    home = tmp_path_factory.mktemp("damaged")
    save_release(home / "labs")
    folder = home / "submissions"
    links = files.place_links(folder, home / "outside")
    for name, content in files.BROKEN.items():
        save(folder, f"broken_{name}", content)
    for name, content in files.HONEST.items():
        save(folder, f"unusual_{name}", content)
    for name, content in odd.submissions().items():
        save(folder, f"unusual_{name}", content)
    for name in files.NAMES:
        save(folder, name, honest())
    odd_name = os.path.join(os.fsencode(folder), files.ODD_BYTES)
    os.mkdir(odd_name)
    shutil.copy(save(home / "extra", "x", honest()), os.path.join(odd_name, os.fsencode(f"{NAME}.ipynb")))
    return grade(home), links, home


@needs_sandbox
@pytest.mark.parametrize("name", files.BROKEN)
def test_a_broken_file_earns_nothing_and_is_listed(damaged, name):
    for exercise in POINTS:
        row = damaged[0][f"broken_{name}", exercise]
        assert float(row["score"]) == 0.0
        assert row["status"] in ("unreadable", "missing"), row
        assert row["message"]


@needs_sandbox
def test_a_link_is_not_followed(damaged):
    rows, links, _ = damaged
    for student in links:
        row = rows[student, "distillation_loss"]
        assert (float(row["score"]), row["status"]) == (0.0, "missing" if student == "no_notebook" else "unreadable")


@needs_sandbox
@pytest.mark.parametrize("name", [*files.HONEST, *odd.submissions()])
def test_honest_work_in_an_unusual_notebook_keeps_every_point(damaged, name):
    for exercise, points in POINTS.items():
        row = damaged[0][f"unusual_{name}", exercise]
        assert (float(row["score"]), row["status"]) == (points, "ok"), row


@needs_sandbox
def test_a_student_may_have_any_name(damaged):
    rows, _, home = damaged
    for name in [*(name.replace("\n", "\\n") for name in files.NAMES), "not-\\xff-utf8"]:
        assert rows[name, "perplexity"]["status"] == "ok", name
    pages = list((home / "out" / "feedback").rglob("*.html"))
    assert all(page.parent.parent == home / "out" / "feedback" for page in pages)
    assert not any("<script>" in page.read_text() for page in pages)
