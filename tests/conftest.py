"""Which tests run, and in which order: slow ones only with --nightly, and all of them at the smoke profile."""

import os
import signal

import pytest

from tests import selection


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--nightly", action="store_true", help="run the slow tests too")
    parser.addoption("--lab", action="append", default=[], metavar="NN", help="only tests about this lab")
    parser.addoption("--exercise", action="append", default=[], metavar="NAME", help="only tests about this exercise")


def pytest_configure(config: pytest.Config) -> None:
    os.environ.setdefault("COURSE_PROFILE", "smoke")
    # A run in the background inherits an ignored Ctrl-C and hands it on to the programs that tests interrupt.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    for name, number in selection.exercises().items():
        config.addinivalue_line("markers", f"{name}: about this exercise of Lab {number}")
    for number in sorted(set(selection.labs().values())):
        config.addinivalue_line("markers", f"lab_{number}: about this lab or an exercise of it")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Give the tests their marks, and keep those that were asked for."""
    for item in items:
        selection.add_marks(item)
    items.sort(key=selection.runs_later)
    wanted = [{f"lab_{number.zfill(2)}" for number in config.getoption("--lab")}, set(config.getoption("--exercise"))]
    nightly = config.getoption("--nightly") or "nightly" in config.option.markexpr
    kept, left = [], []
    for item in items:
        names = {mark.name for mark in item.iter_markers()}
        asked_for = all(names & some for some in wanted if some) and (nightly or "nightly" not in names)
        (kept if asked_for else left).append(item)
    if left:
        config.hook.pytest_deselected(items=left)
        items[:] = kept


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> object | None:
    """With several workers the labs are spread over them, also those of one file."""
    from xdist.scheduler import LoadScopeScheduling

    class ByFileAndLab(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            return selection.scope_of(nodeid)

    return ByFileAndLab(config, log) if config.getoption("dist") == "loadfile" else None
