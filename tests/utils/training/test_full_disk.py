"""A real disk of 16 MB that fills up while something is written: the last good file stays, and it can go on."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from utils.machine.workspace import ROOT

SCRIPT = Path(__file__).with_name("fill_the_disk.py")


@pytest.fixture(scope="module")
def found():
    """What the script reports from a disk of its own, made of memory, which nobody else sees."""
    if not (sys.platform == "linux" and shutil.which("bwrap")) and not os.environ.get("CI"):
        pytest.skip("a small disk is made with bubblewrap, on Linux, and it is not installed")
    disk = ["bwrap", "--bind", "/", "/", "--dev", "/dev", "--proc", "/proc"]
    disk += ["--size", str(16 * 2**20), "--tmpfs", "/mnt"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1", "TQDM_DISABLE": "1"}
    command = [*disk, sys.executable, str(SCRIPT), "/mnt"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    (line,) = [line for line in done.stdout.splitlines() if line.startswith("RESULT ")]
    return json.loads(line.removeprefix("RESULT "))


def test_a_checkpoint_that_does_not_fit_leaves_the_last_good_one_to_go_on_from(found):
    found = found["checkpoint"]
    assert found["left"] == ["ballast", "run.pt"]
    assert found["kept"] == 4 and found["equal"]
    (said,) = found["said"]
    assert "could not be written" in said and "the one of step 4 is kept, training goes on" in said


def test_a_shard_that_does_not_fit_leaves_the_others_and_only_the_rest_is_asked_again(found):
    found = found["answers"]
    assert "No space left on device" in found["said"] and f"2 of {found['shards']} shards are kept" in found["said"]
    assert found["left"] == ["00000.safetensors", "00001.safetensors", "ballast"]
    assert found["shards"] > 3 and found["calls"] == found["shards"] + 1


def test_a_text_whose_cache_does_not_fit_is_read_all_the_same(found):
    assert found["text"] == {"left": ["ballast"], "same": True, "documents": found["text"]["documents"]}
    assert found["text"]["documents"] > 100
