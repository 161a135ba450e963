"""The full profile against a stand-in hub on loopback: models and text in the hub's own file layout."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.utils.stand_in_hub import save_models, save_text, serving
from utils.machine.workspace import ROOT


@pytest.fixture
def repositories(tmp_path, make_model, tokenizer):
    """A folder with what the hub has."""
    save_models(tmp_path / "hub", make_model, tokenizer)
    save_text(tmp_path / "hub")
    return tmp_path / "hub"


def run(address, home):
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("HF_", "COURSE_"))}
    environment |= {"HF_ENDPOINT": address, "HF_HOME": str(home), "HF_HUB_DISABLE_XET": "1", "PYTHONPATH": str(ROOT)}
    script = Path(__file__).with_name("use_the_hub.py")
    return subprocess.run([sys.executable, str(script)], env=environment, capture_output=True, text=True, cwd=ROOT)


def result(done):
    assert done.returncode == 0, done.stderr[-3000:]
    (line,) = [line for line in done.stdout.splitlines() if line.startswith("RESULT ")]
    return json.loads(line.removeprefix("RESULT "))


@pytest.mark.nightly
def test_the_full_profile_loads_trains_and_judges_from_a_hub_and_then_without_it(repositories, tmp_path):
    with serving(repositories) as (address, asked):
        found = result(run(address, tmp_path / "home"))
    assert found["dtype"] == "torch.float32"  # whatever the file held
    assert found["rows"] == [12, 6] and found["compression"] > 2
    assert found["losses"][-1] < found["losses"][0]
    assert found["distilled"] < found["untouched"]
    assert "60 documents to train on, 20 to tune on, 25 to judge on; 1 near-duplicates left out" in found["text"]
    for name in ("openai-community/gpt2-medium", "distilbert/distilgpt2"):
        assert f"/elsewhere/{name}/model.safetensors" in asked
    for number in range(3):
        assert any(path.endswith(f"/train-{number:05d}-of-00003.parquet") for path in asked)
    again = result(run(address, tmp_path / "home"))  # nobody answers there any more: from the cache
    # Whether bfloat16 is faster is measured anew by each process, so the last digits may differ.
    assert again["rows"] == found["rows"] and again["losses"] == pytest.approx(found["losses"], rel=0.02)


@pytest.mark.nightly
def test_a_hub_that_does_not_answer_is_one_sentence(tmp_path):
    done = run("http://127.0.0.1:9", tmp_path / "home")
    assert done.returncode != 0
    assert "could not be fetched from the model hub" in done.stderr.splitlines()[-1]
