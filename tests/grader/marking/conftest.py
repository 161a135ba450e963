"""One server and one set of tables for the gradings of a module of tests."""

import functools
from types import SimpleNamespace

import pytest

from grader.marking import batch, judge
from grader.marking.matching import Task
from grader.sandbox.process import ServerProcess
from tests.grader.fixture_lab import NAME
from tests.grader.marking.graded import CONFINED, SHARED, furnished


@pytest.fixture(scope="module")
def shared():
    """One server for all gradings of a module, and one table of an exercise for each seed: both take seconds."""

    @functools.cache
    def drawn(tasks: tuple[Task, ...], seed: int) -> tuple:
        return judge.questions(SimpleNamespace(name=NAME, tasks=tasks), seed)

    with ServerProcess(CONFINED) as started, pytest.MonkeyPatch.context() as patch:
        patch.setattr(batch, "questions", lambda lab, seed, texts: drawn(lab.tasks, seed))
        SHARED.append(started)
        yield
        SHARED.clear()


@pytest.fixture
def home(tmp_path, shared):
    """A course folder whose submissions `tests.grader.marking.graded.grade` can grade."""
    return furnished(tmp_path)
