"""JupyterLab on a free port, with copies of notebooks, and a page that drives it: nothing here stands in for either."""

from __future__ import annotations

import contextlib
import json
import os
import re
import secrets
import shutil
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

from playwright.sync_api import Page

from cli._connection import SETTING
from utils.machine.workspace import ROOT

CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")
CHROMIUM_FLAGS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking"]
SETTINGS = {
    "@jupyterlab/notebook-extension/tracker": {"autoStartDefaultKernel": True},
    "@jupyterlab/apputils-extension/notification": {"fetchNews": "false", "checkForUpdates": False},
    "@jupyterlab/docmanager-extension/plugin": {"autosave": False},
}
RUN_SECONDS = 240


class JupyterServer:
    """A running JupyterLab whose files are a folder of copies, so that no committed notebook is touched.

    folder: where it keeps what is its own; files: the folder that it shows, or None for an empty one in `folder`.
    """

    def __init__(self, folder: Path, files: Path | None = None):
        self.folder = files or folder / "notebooks"
        self.folder.mkdir(parents=True, exist_ok=True)
        settings = folder / "settings"
        for plugin, values in SETTINGS.items():
            path = settings / f"{plugin}.jupyterlab-settings"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(json.dumps(values), encoding="utf-8")
        self.token = secrets.token_hex(16)
        command = [
            sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root", "--ServerApp.port=0",
            f"--ServerApp.root_dir={self.folder}", f"--IdentityProvider.token={self.token}",
            f"--LabApp.user_settings_dir={settings}", f"--LabApp.workspaces_dir={folder / 'workspaces'}",
            "--LabApp.expose_app_in_browser=True", "--LabApp.news_url=", SETTING,
        ]  # fmt: skip
        environment = {
            **os.environ,
            "COURSE_ROOT": str(ROOT),
            "PYTHONPATH": str(ROOT),  # where the server finds the course's connection, as `course.py lab` does
            "COURSE_PROFILE": "smoke",
            "COURSE_OUT": str(folder / "outputs"),
            "JUPYTER_CONFIG_DIR": str(folder / "config"),
            "JUPYTER_RUNTIME_DIR": str(folder / "runtime"),
            "HF_HUB_OFFLINE": "1",
        }
        self._log = (folder / "jupyter.log").open("w+")
        self._process = subprocess.Popen(  # in its folder, where nbgrader looks for a course's settings
            command, cwd=self.folder, env=environment, stdout=self._log, stderr=subprocess.STDOUT
        )
        self.address = self._wait_for_address(folder / "jupyter.log")

    def add(self, notebook: Path) -> str:
        """Copy a notebook to where the server finds it; returns its name there."""
        shutil.copy(notebook, self.folder / notebook.name)
        return notebook.name

    def url(self, notebook: str) -> str:
        """The address that opens a notebook alone in a fresh workspace."""
        return f"{self.address}/lab/workspaces/{secrets.token_hex(4)}/tree/{notebook}?token={self.token}"

    def stop(self) -> None:
        """End the server and its kernels."""
        self._process.terminate()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
        self._log.close()

    def _wait_for_address(self, log: Path) -> str:
        deadline = time.monotonic() + 90
        while time.monotonic() < deadline and self._process.poll() is None:
            written = log.read_text(encoding="utf-8")
            for port in re.findall(r"http://(?:localhost|127\.0\.0\.1):(\d+)/lab\S*\n", written):
                address = f"http://127.0.0.1:{port}"
                with contextlib.suppress(OSError):  # named in the log a moment before it answers
                    urllib.request.urlopen(f"{address}/api/status?token={self.token}", timeout=60).close()
                    return address
            time.sleep(0.2)
        raise RuntimeError(f"JupyterLab did not start: {log.read_text(encoding='utf-8')[-2000:]}")


class OpenNotebook:
    """A notebook in JupyterLab, seen through the page and moved through JupyterLab's own commands."""

    def __init__(self, page: Page, url: str):
        self.page = page
        page.goto(url)
        page.wait_for_function(
            "window.jupyterapp?.shell.currentWidget?.sessionContext?.session?.kernel?.connectionStatus === 'connected'",
            timeout=120_000,
        )
        page.wait_for_selector(".jp-Notebook .jp-Cell")

    def cell(self, words: str) -> int:
        """The number of the first code cell whose source holds `words`."""
        return self.page.evaluate(
            """words => window.jupyterapp.shell.currentWidget.content.widgets.findIndex(
                 cell => cell.model.type === 'code' && cell.model.sharedModel.getSource().includes(words))""",
            words,
        )

    def write(self, cell: int, source: str) -> None:
        """Replace a cell's source, as typing would."""
        self.page.evaluate(
            "([cell, source]) => window.jupyterapp.shell.currentWidget.content.widgets[cell]"
            ".model.sharedModel.setSource(source)",
            [cell, source],
        )

    def run(self, cell: int) -> None:
        """Run one cell and wait for it."""
        self.page.evaluate(
            """cell => { const content = window.jupyterapp.shell.currentWidget.content;
                 content.deselectAll(); content.activeCellIndex = cell;
                 return window.jupyterapp.commands.execute('notebook:run-cell'); }""",
            cell,
        )

    def run_all(self) -> None:
        """Run every cell and wait until the last one has."""
        self.page.set_default_timeout(RUN_SECONDS * 1000)
        self.page.evaluate("() => window.jupyterapp.commands.execute('notebook:run-all-cells')")

    def shows(self, words: str) -> bool:
        """Whether an output of a cell that has run holds `words`."""
        return self.page.evaluate(
            """words => window.jupyterapp.shell.currentWidget.content.widgets
                 .filter(cell => cell.model.type === 'code')
                 .some(cell => JSON.stringify(cell.model.sharedModel.getOutputs()).includes(words))""",
            words,
        )

    def errors(self) -> list[str]:
        """What cells raised, with the first line of each cell that did."""
        return self.page.evaluate(
            """() => window.jupyterapp.shell.currentWidget.content.widgets
                 .filter(cell => cell.model.type === 'code')
                 .flatMap(cell => cell.model.sharedModel.getOutputs()
                   .filter(output => output.output_type === 'error')
                   .map(output => `${cell.model.sharedModel.getSource().split('\\n')[0]}: ${output.evalue}`))"""
        )

    def not_run(self) -> int:
        """How many code cells have not been run."""
        return self.page.evaluate(
            """() => window.jupyterapp.shell.currentWidget.content.widgets
                 .filter(cell => cell.model.type === 'code' && cell.model.sharedModel.getSource().trim())
                 .filter(cell => !cell.model.executionCount).length"""
        )

    def output(self, cell: int):
        """The place in the page where a cell's output stands, scrolled into view."""
        place = self.page.locator(".jp-Notebook .jp-Cell").nth(cell).locator(".jp-Cell-outputWrapper")
        place.scroll_into_view_if_needed()
        place.locator(".jp-OutputArea-child").first.wait_for()  # JupyterLab draws what comes into view, after a moment
        return place

    def theme(self, name: str) -> None:
        """Change to "Light" or "Dark"."""
        self.page.evaluate(
            "name => window.jupyterapp.commands.execute('apputils:change-theme', {theme: `JupyterLab ${name}`})", name
        )
        self.page.wait_for_function(
            "light => document.body.dataset.jpThemeLight === light", arg="true" if name == "Light" else "false"
        )
