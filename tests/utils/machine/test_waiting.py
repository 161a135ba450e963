"""Threads wait briefly in whatever the course starts, unless the user said otherwise."""

import os
import subprocess
import sys

from utils.machine.waiting import SETTINGS, wait_briefly
from utils.machine.workspace import ROOT


def test_a_setting_of_the_user_s_stays(monkeypatch):
    for name in SETTINGS:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("OMP_WAIT_POLICY", "ACTIVE")
    wait_briefly()
    assert {name: os.environ.get(name) for name in SETTINGS} == dict.fromkeys(SETTINGS) | {"OMP_WAIT_POLICY": "ACTIVE"}


def test_every_verb_sets_it_before_torch_is_loaded():
    program = (
        "import os, sys; import cli.__main__ as cli; import utils.machine.waiting as waiting\n"
        "cli.main([]); assert 'torch' not in sys.modules; print({name: os.environ[name] for name in waiting.SETTINGS})"
    )
    environment = {name: value for name, value in os.environ.items() if name not in SETTINGS}
    command = [sys.executable, "-c", program]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == str(SETTINGS)
