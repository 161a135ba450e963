"""Which tests run, and at which size?  Slow ones only with --nightly, and everything at the smoke profile.

The mistake this prevents: a suite that nobody runs because one test of it trains for minutes.
"""

import os
import signal

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--nightly", action="store_true", help="run the slow tests too")


def pytest_configure(config: pytest.Config) -> None:
    os.environ.setdefault("COURSE_PROFILE", "smoke")
    # A run in the background inherits an ignored Ctrl-C and hands it on to the programs that tests interrupt.
    signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Deselect the nightly tests, unless --nightly or a mark expression of the caller's own asks for them."""
    if config.getoption("--nightly") or "nightly" in config.option.markexpr:
        return
    slow = [item for item in items if item.get_closest_marker("nightly")]
    if slow:
        config.hook.pytest_deselected(items=slow)
        items[:] = [item for item in items if item not in slow]
