"""What stands beside a submission: no answer, what the lab's cells need, and modules that a cell has written."""

import ast
import os
import shutil
import subprocess
import sys

import pytest

from grader.exercises import all_exercises
from grader.sandbox import stage
from tests.grader.attempts import LIMITS, PROBE, error_of

pytestmark = pytest.mark.skipif(
    not (sys.platform == "linux" and shutil.which("bwrap")) and not os.environ.get("CI"),
    reason="bubblewrap is not installed",
)


def test_the_library_s_answers_are_absent_and_say_so(sandbox):
    with sandbox.attempt(LIMITS, seed=1) as attempt:
        assert (
            attempt.run("from utils.losses.core import distillation_loss\nfrom utils.training.loop import distill")
            == ""
        )
        (answer,) = attempt.ask("distillation_loss", [PROBE])
    assert answer.outcome == "error"
    assert "write it here" in answer.note
    assert answer.line == "", "the line that refuses is the course's, not the learner's"


def test_a_call_of_an_absent_answer_is_shown_at_the_learner_s_line(sandbox):
    cell = "from utils.decoding import rules\ndef distillation_loss(*arguments):\n    return rules.verify(*arguments)"
    with sandbox.attempt(LIMITS, seed=1) as attempt:
        assert attempt.run(cell) == ""
        (answer,) = attempt.ask("distillation_loss", [PROBE])
    assert answer.line == "line 3 in distillation_loss: return rules.verify(*arguments)"


def test_what_the_library_no_longer_has_is_told_apart_from_what_is_withheld(sandbox):
    assert error_of(sandbox, "from utils.losses.core import fused_loss\nfused_loss(1)") == (
        "ImportError: utils.losses.core.fused_loss is not in this edition of the course: do it as the lab does now"
    )
    for gone in ("from utils.losses import fused_loss", "from utils.teacher_cache import fused_loss"):
        assert error_of(sandbox, gone).startswith("ImportError: cannot import name 'fused_loss' from 'utils.")


@pytest.mark.parametrize("place", ["losses", "losses.core"])
def test_an_answer_is_withheld_at_its_old_place_too(sandbox, place):
    error = error_of(sandbox, f"from utils.{place} import distillation_loss\ndistillation_loss(1)")
    assert error.endswith(
        "utils.losses.core.distillation_loss is not here while your notebook is graded: write it here, in your notebook"
    )


def test_a_name_of_an_old_module_s_second_place_is_withheld_under_its_own_name(sandbox):
    error = error_of(sandbox, "from utils.hidden_states import hidden_step\nhidden_step(1)")
    assert error.startswith("ImportError: utils.training.hidden_step.hidden_step is not here")


def test_no_file_of_the_stage_holds_an_answer(tmp_path):
    """Neither a loss, nor a perplexity, nor a table of expected numbers."""
    folder = stage.build(tmp_path / "course")
    assert not list(folder.rglob("*.npz"))
    for name in ("losses/core", "measuring/evaluation", "training/loop", "labs/listing", "teachers/cache"):
        assert (folder / "utils" / f"{name}.py").read_text().startswith(stage.STAND_IN)
    text = "".join(path.read_text() for path in folder.rglob("*.py"))
    assert "kl_div(" not in text and "kl_divergence(" not in text
    asking = stage.asking_modules(stage.ROOT / "utils" / "checks")
    assert not asking & {
        "diagnosis",
        "judgement",
        "loss",
        "mixture",
        "parts",
        "perplexity",
        "steps",
        "support",
        "tables",
    }


def test_no_function_of_the_stage_is_called_as_an_exercise_is(tmp_path):
    """The same name with the same parameters would be an answer to import."""
    folder = stage.build(tmp_path / "course")
    asked = {(exercise.name, exercise.parameters) for exercise in all_exercises()}
    trees = [ast.parse(path.read_text(encoding="utf-8")) for path in folder.rglob("*.py")]
    functions = [node for tree in trees for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)]
    assert not asked & {(one.name, tuple(argument.arg for argument in one.args.args)) for one in functions}


def test_what_is_no_answer_works_in_the_stage(tmp_path):
    """Constants of the library, the pair of models, and batches of their text."""
    folder = stage.build(tmp_path / "course")
    code = """
from utils.data import batches
from utils.losses import core as losses
from utils.models import loading as models
from utils.models.profiles import get_profile
assert (losses.IGNORE, batches.IGNORE) == (-100, -100)
pair = models.load_pair(get_profile("smoke"))
row = batches.Row((1, 2, 3), (1, 2, 3), "a", 9)
batch = batches.pad([row, batches.Row((4, 5), (4, 5), "b", 6)], 0)
assert batch["labels"][1, 2] == -100 and pair.student(**batches.model_inputs(batch)).logits.shape[:2] == (2, 3)
"""
    environment = {**os.environ, "PYTHONPATH": str(folder)}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, cwd=tmp_path)
    assert done.returncode == 0, done.stderr


MODULE = "def distillation_loss(x, factor):\n    return (factor * x**2).sum()\n"


MAGIC, IMPORT = f"%%writefile my_loss.py\n{MODULE}", "from my_loss import distillation_loss"


OPENED = f"open('my_loss.py', 'w').write({MODULE!r})"


WRITTEN_AND_LOADED = [
    (MAGIC, IMPORT),
    (f"%%file my_loss.py\n{MODULE}", "import my_loss\ndistillation_loss = my_loss.distillation_loss"),
    (MAGIC, "%run my_loss.py"),
    (MAGIC, "%run my_loss"),
    (OPENED, "from my_loss import *"),
    (f"import pathlib\npathlib.Path('my_loss.py').write_text({MODULE!r})", IMPORT),
    (
        f"import os\nos.mkdir('mine')\n{OPENED.replace('my_loss', 'mine/loss')}",
        "from mine.loss import distillation_loss",
    ),
    ("%%writefile my_loss.py\n1 / 0", MAGIC, f"%load_ext autoreload\n%autoreload 2\n{IMPORT}"),
]


@pytest.mark.parametrize("cells", WRITTEN_AND_LOADED)
def test_a_module_that_a_cell_has_written_can_be_imported(sandbox, cells):
    with sandbox.attempt(LIMITS, seed=1) as attempt:
        assert [attempt.run(each) for each in cells] == [""] * len(cells)
        assert attempt.ask("distillation_loss", [PROBE])[0].value == 10.0
    assert "ModuleNotFoundError" in error_of(sandbox, "import my_loss")


def test_a_module_of_the_course_s_name_takes_its_place_nowhere(sandbox):
    with sandbox.attempt(LIMITS, seed=1) as attempt:
        attempt.run("import os\nos.makedirs('utils/losses')\nopen('utils/losses/core.py', 'w').write('mine = 1')")
        assert attempt.run("from utils.losses.core import distillation_loss\nimport utils.losses.core as core") == ""
        assert "AssertionError" in attempt.run("assert isinstance(core.mine, int)")
