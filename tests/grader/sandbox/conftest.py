"""One open sandbox for a module of tests."""

import pytest

from grader.sandbox.client import Sandbox
from grader.sandbox.process import ServerProcess


@pytest.fixture(scope="module")
def sandbox():
    with ServerProcess(confined=True) as server, Sandbox(server) as opened:
        yield opened
