"""One JupyterLab for the labs, one Chromium for all.  Where they cannot be had, browser tests skip, but never in CI."""

from __future__ import annotations

import importlib.util
import os
from pathlib import Path

import pytest

from utils.machine.workspace import ROOT

ARTEFACTS = ROOT / "outputs" / "browser"


def missing() -> str:
    """What the browser tests lack here, as a sentence; empty where they can run."""
    if importlib.util.find_spec("nbgrader") is None:
        return "nbgrader with its formgrader is not installed"
    if importlib.util.find_spec("playwright") is None or importlib.util.find_spec("axe_playwright_python") is None:
        return "requirements-browser.txt is not installed"
    from tests.browser.jupyter import CHROMIUM

    return "" if CHROMIUM else "there is no Chromium"


@pytest.fixture(scope="session")
def tools() -> None:
    """What every browser test needs."""
    reason = missing()
    if reason:
        if os.environ.get("CI", "").lower() in {"1", "true"}:
            pytest.fail(f"In CI the browser tests must run, and {reason}.")
        pytest.skip(reason)


@pytest.fixture(scope="session")
def jupyter(tools, tmp_path_factory):
    from tests.browser.jupyter import JupyterServer

    server = JupyterServer(tmp_path_factory.mktemp("jupyter"))
    yield server
    server.stop()


@pytest.fixture(scope="session")
def chromium(tools):
    from playwright.sync_api import sync_playwright

    from tests.browser.jupyter import CHROMIUM, CHROMIUM_FLAGS

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=CHROMIUM_FLAGS)
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def artefacts() -> Path:
    ARTEFACTS.mkdir(parents=True, exist_ok=True)
    return ARTEFACTS


@pytest.fixture(scope="module")
def page(chromium):
    page = chromium.new_page(viewport={"width": 1280, "height": 900})
    page.set_default_timeout(60_000)
    yield page
    page.close()
