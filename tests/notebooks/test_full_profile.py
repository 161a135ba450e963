"""Labs 2 and 3 with the full profile: the names of the real models and of WikiText, from a stand-in hub on loopback."""

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


@pytest.fixture(scope="module")
def executed(tmp_path_factory):
    """Labs 2 and 3 with the full profile and the TODOs written, as (number) -> what they show."""
    from grader.notebook.execution import execute

    home = tmp_path_factory.mktemp("full")
    save_models(home / "hub", make_model, build_tokenizer())
    save_text(home / "hub")
    with pytest.MonkeyPatch.context() as patch, serving(home / "hub") as (address, _):
        for name in [name for name in os.environ if name.startswith("HF_")]:
            patch.delenv(name)
        patch.setenv("HF_HOME", str(home / "home"))
        patch.setenv("HF_HUB_DISABLE_XET", "1")
        patch.setenv("HF_ENDPOINT", address)

        def run(number):
            (lab,) = [lab for lab in LABS if lab.number == number]
            found = execute(copy.deepcopy(filled_in(lab)), lab, "full")
            outputs = [output for cell in found.cells for output in cell.get("outputs", [])]
            assert not [output for output in outputs if output.output_type == "error"]
            shown = shown_by(found)
            assert "Profile full: as course.py build says." in shown
            assert "[not yet]" not in shown and "is still open" not in shown and "does not pass" not in shown
            return shown

        yield run


@pytest.mark.nightly
def test_every_cell_of_lab_2_runs_with_the_full_profile(executed):
    shown = executed("02")
    assert "Salesforce/wikitext: 60 documents to train on" in shown and "1 near-duplicates left out" in shown
    yours, library = re.search(r"yours ([\d.]+), library ([\d.]+)", shown).groups()
    assert float(yours) == pytest.approx(float(library), rel=1e-3)
    for curve in ("CE-only, nats per token in each epoch", "distilled, loss in each epoch"):
        (losses,) = re.findall(curve + r": \[([\d., ]+)\]", shown)
        first, last = map(float, losses.split(", "))
        assert last <= first


@pytest.mark.nightly
def test_every_cell_of_lab_3_runs_with_the_full_profile(executed):
    shown = executed("03")
    assert "In full the teacher's answers take" in shown
    assert len(re.findall(r"distilled over CE-only [\d.]+", shown)) == 2
    assert "the student's layers follow the teacher's layers" in shown
