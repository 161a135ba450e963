"""Lab 2 with the full profile, GPT-2-medium's and DistilGPT-2's names and WikiText, from a stand-in hub on loopback."""

import copy
import os
import re

import pytest
import torch
from transformers import GPT2Config, GPT2LMHeadModel

from tests.notebooks.test_labs import LABS, filled_in, shown_by
from tests.utils.conftest import build_tokenizer
from tests.utils.stand_in_hub import save_models, save_text, serving


def make_model(seed, vocabulary, layers, width, context):
    torch.manual_seed(seed)
    sizes = {"vocab_size": vocabulary, "n_positions": context, "n_embd": width, "n_layer": layers, "n_head": 2}
    return GPT2LMHeadModel(GPT2Config(**sizes, initializer_range=0.3, bos_token_id=0, eos_token_id=0))


@pytest.mark.nightly
def test_every_cell_of_lab_2_runs_with_the_full_profile(tmp_path, monkeypatch):
    from grader.execution import execute

    save_models(tmp_path / "hub", make_model, build_tokenizer())
    save_text(tmp_path / "hub")
    for name in [name for name in os.environ if name.startswith("HF_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("HF_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("HF_HUB_DISABLE_XET", "1")
    (lab,) = [lab for lab in LABS if lab.number == "02"]
    with serving(tmp_path / "hub") as (address, _):
        monkeypatch.setenv("HF_ENDPOINT", address)
        executed = execute(copy.deepcopy(filled_in(lab)), lab, "full")
    shown = shown_by(executed)
    assert "Profile full: as course.py build says." in shown
    assert "Salesforce/wikitext: 60 documents to train on" in shown and "1 near-duplicates left out" in shown
    assert "[not yet]" not in shown and "is still open" not in shown and "does not pass" not in shown
    errors = [output for cell in executed.cells for output in cell.get("outputs", []) if output.output_type == "error"]
    assert errors == []
    yours, library = re.search(r"yours ([\d.]+), library ([\d.]+)", shown).groups()
    assert float(yours) == pytest.approx(float(library), rel=1e-3)
    for curve in ("CE-only, nats per token in each epoch", "distilled, loss in each epoch"):
        (losses,) = re.findall(curve + r": \[([\d., ]+)\]", shown)
        first, last = map(float, losses.split(", "))
        assert last <= first
    keep = os.environ.get("COURSE_KEEP_NOTEBOOK")
    if keep:
        import nbformat

        nbformat.write(executed, keep)
