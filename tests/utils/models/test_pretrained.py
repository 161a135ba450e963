"""The embedded pair is what its card says: small, a pair, in a form that every tool loads."""

import json

import pytest
import torch
from safetensors import safe_open
from transformers import AutoModelForCausalLM, AutoTokenizer

from utils.data.documents import all_shingles, overlap
from utils.machine.workspace import ROOT
from utils.models.loading import count_parameters
from utils.pretrained import pretrain
from utils.pretrained.make_pair import RECIPES

PAIR = ROOT / "utils" / "pretrained"


@pytest.fixture(scope="module")
def models():
    return {name: AutoModelForCausalLM.from_pretrained(PAIR / name) for name in ("teacher", "student")}


def test_the_pair_is_as_far_apart_as_gpt2_medium_and_distilgpt2(models):
    ratio = count_parameters(models["teacher"]) / count_parameters(models["student"])
    assert ratio == pytest.approx(4.3, abs=0.3)


@pytest.mark.parametrize(("name", "dtype"), [("teacher", torch.float16), ("student", torch.float32)])
def test_each_model_is_stored_in_the_number_type_that_the_card_states(name, dtype):
    with safe_open(PAIR / name / "model.safetensors", framework="pt") as file:
        assert {file.get_tensor(key).dtype for key in file.keys()} == {dtype}  # noqa: SIM118


def test_the_pair_takes_less_than_twenty_megabytes():
    files = [path for name in ("teacher", "student") for path in (PAIR / name).iterdir()]
    assert sum(path.stat().st_size for path in files) < 20e6


def test_both_models_have_one_tokenizer_that_gives_every_text_back():
    ours, theirs = (AutoTokenizer.from_pretrained(PAIR / name) for name in ("teacher", "student"))
    text = "naïve café ≤ 3 \n\tdef f(x): return x**2  # 漢字 🙂"
    assert ours.get_vocab() == theirs.get_vocab()
    assert ours.decode(ours(text)["input_ids"]) == text
    assert ours.eos_token_id == 0


def test_the_student_never_read_the_target():
    account = json.loads((PAIR / "student.json").read_text(encoding="utf-8"))
    assert account["recipe"]["target_share"] == 0
    assert RECIPES["student"].target_share == 0


def test_a_general_document_that_repeats_validation_text_is_found_by_its_shingles(long_documents):
    reference = all_shingles(long_documents[:1])
    assert overlap(long_documents[0], reference) == 1
    assert overlap(long_documents[1], reference) < 0.2


@pytest.fixture
def long_documents():
    from utils.data.documents import Document

    words = [f"word{i}" for i in range(60)]
    return [Document("a", " ".join(words), "x"), Document("b", " ".join(reversed(words)), "x")]


def test_pretraining_resumes_to_the_same_weights(tmp_path):
    import numpy as np

    recipe = pretrain.Recipe(layers=1, width=16, heads=2, tokens=8 * 2 * 256, target_share=0.5, batch=2)
    streams = [
        np.random.Generator(np.random.PCG64(seed)).integers(32, size=256 * 12).astype(np.uint16) for seed in (1, 2)
    ]

    def run(folder, stop_at=None):
        folder.mkdir(exist_ok=True)
        steps = pretrain.batch_at

        def interrupted(step, *arguments):
            if step == stop_at:
                raise KeyboardInterrupt
            return steps(step, *arguments)

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(pretrain, "batch_at", interrupted)
            patch.setattr(torch, "compile", lambda model: model)
            return pretrain.pretrain("tiny", recipe, *streams, 32, 0, folder)[0]

    whole = run(tmp_path / "whole")
    with pytest.raises(KeyboardInterrupt):
        run(tmp_path / "parts", stop_at=3)
    resumed = run(tmp_path / "parts")
    for name, expected in whole.state_dict().items():
        assert torch.equal(resumed.state_dict()[name], expected), name
