"""A cell that fails says so in a sentence, and what does not need it still runs."""

import pytest
from IPython.core.interactiveshell import InteractiveShell

from utils.machine.cells import CellWatch

RIGHT = "def entropy(p):\n    return 'old'"


class Notebook:
    """A shell whose cells are watched, as a lab's are."""

    def __init__(self, capsys):
        self.shell = InteractiveShell()
        self.watch = CellWatch(self.shell, ["entropy", "train_step"])
        self.shell.user_ns["watch"] = self.watch
        self._capsys = capsys

    def run(self, source: str) -> tuple[bool, str]:
        """Whether the cells below would still run, and what was said."""
        result = self.shell.run_cell(source)
        printed = self._capsys.readouterr()
        return result.success, printed.out + printed.err


@pytest.fixture
def notebook(capsys):
    return Notebook(capsys)


def test_an_error_of_the_course_is_its_sentence_and_no_trace(notebook):
    assert notebook.run("from utils.errors import CourseError\nraise CourseError('alpha is 2.')") == (
        False,
        "alpha is 2.\n",
    )


def test_an_interrupt_is_one_sentence_and_stops_what_comes_after_it(notebook):
    goes_on, said = notebook.run("raise KeyboardInterrupt")
    assert not goes_on and said == "Stopped. What was finished is kept; run this cell again to go on.\n"
    assert notebook.run("raise KeyboardInterrupt('distilled: stopped.')") == (False, "distilled: stopped.\n")


def test_what_breaks_because_a_function_is_not_right_yet_stops_nothing_else(notebook):
    goes_on, said = notebook.run("watch.doubt('entropy')\nNone + 1")
    assert goes_on and said.startswith("This cell stops with TypeError: ") and "Mend entropy first" in said
    assert len(said.splitlines()) == 1


def test_a_defect_that_is_nobodys_function_keeps_its_trace(notebook):
    goes_on, said = notebook.run("None + 1")
    assert not goes_on and "Traceback" in said
    notebook.run("watch.doubt('entropy')")
    assert not notebook.run("None + 1")[0], "a doubt belongs to its own cell"


def test_after_a_syntax_error_the_old_function_is_not_taken_for_the_new_one(notebook):
    notebook.run(RIGHT)
    goes_on, said = notebook.run("def entropy(p):\n    return (")
    assert goes_on and "SyntaxError" in said
    assert "syntax error in line 2" in notebook.shell.user_ns["entropy"].unread
    said = notebook.run("entropy(1)")[1]
    assert "The cell of entropy has a syntax error" in said
    notebook.run(RIGHT)
    assert notebook.run("print(entropy(1))") == (True, "old\n")


def test_in_a_fresh_kernel_a_syntax_error_leaves_no_bare_name_error(notebook):
    notebook.run("  def entropy(p)\n    return 1\ndef train_step(:\n  pass")
    assert hasattr(notebook.shell.user_ns["train_step"], "unread")
    assert "entropy" not in notebook.shell.user_ns


def test_a_cell_that_stops_before_its_function_says_so_and_one_that_stops_behind_it_keeps_it(notebook):
    notebook.run("import nowhere_at_all\n" + RIGHT)
    assert "stopped with ModuleNotFoundError before" in notebook.shell.user_ns["entropy"].unread
    notebook.run(RIGHT + "\n1 / 0")
    assert not hasattr(notebook.shell.user_ns["entropy"], "unread")


def test_an_exercise_whose_cell_was_never_run_is_named_and_stops_nothing(notebook):
    assert notebook.run("entropy") == (True, "entropy is not there yet: run the cell that defines it, then this one.\n")
    assert not notebook.run("another_name")[0]


def test_a_watch_that_was_stopped_says_nothing_any_more(notebook):
    notebook.watch.stop()
    assert "Traceback" in notebook.run("raise KeyboardInterrupt")[1]
