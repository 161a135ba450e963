"""Are the two models a pair, does the student learn in float32, and is every model that cannot be had one sentence?"""

import copy
import json

import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import GPT2LMHeadModel

from utils.data.batches import BatchPlan, model_inputs, pack, pad
from utils.errors import CourseError
from utils.losses.core import distillation_loss
from utils.machine import hub
from utils.models import loading as models
from utils.models.forward import with_fast_forward, with_positions
from utils.models.loading import (
    count_parameters,
    freeze,
    load_model,
    load_pair,
    load_tokenizer,
    require_context,
    require_frozen,
    require_one_vocabulary,
    sample_text,
)
from utils.models.profiles import Profile
from utils.training.loop import TrainingSettings, distill


@pytest.fixture
def save_pair(tmp_path, make_model, tokenizer):
    """Writes a tiny teacher and student in the hub's file layout; the weights in the number type asked for."""

    def save(dtype=torch.float32) -> Profile:
        for name, layers in (("teacher", 3), ("student", 1)):
            make_model(layers, vocabulary=len(tokenizer), layers=layers).to(dtype).save_pretrained(tmp_path / name)
            tokenizer.save_pretrained(tmp_path / name)
        return Profile("mine", str(tmp_path / "teacher"), str(tmp_path / "student"), "python", 8, 8, max_length=16)

    return save


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16, torch.float32])
def test_a_pair_is_loaded_in_float32_whatever_the_file_holds(save_pair, dtype):
    pair = load_pair(save_pair(dtype), "cpu")
    assert {p.dtype for model in (pair.teacher, pair.student) for p in model.parameters()} == {torch.float32}


def test_the_teacher_comes_frozen_and_the_student_ready_to_learn(save_pair):
    pair = load_pair(save_pair(), "cpu")
    require_frozen(pair.teacher)
    assert not pair.teacher.training
    assert all(parameter.requires_grad for parameter in pair.student.parameters())
    assert pair.tokenizer.pad_token_id is not None
    assert pair.compression == count_parameters(pair.teacher) / count_parameters(pair.student) > 1


def test_a_loaded_model_answers_the_same_to_a_row_padded_on_either_side(save_pair, make_rows, monkeypatch):
    monkeypatch.setattr(models, "fastest_dtype", lambda _: torch.float32)
    student = load_pair(save_pair(), "cpu").student
    rows = make_rows((4, 9))
    right, left = (student(**model_inputs(pad(rows, 0, side))).logits[0] for side in ("right", "left"))
    torch.testing.assert_close(left[-4:], right[:4])


def test_a_loaded_model_answers_packed_documents_as_it_answers_each_alone(save_pair, make_rows, monkeypatch):
    monkeypatch.setattr(models, "fastest_dtype", lambda _: torch.float32)
    student = load_pair(save_pair(), "cpu").student
    rows = make_rows((9, 5))
    packed = student(**model_inputs(pack(rows, 16, 0))).logits[0]
    for row, start in zip(rows, (0, 9), strict=True):
        alone = student(**model_inputs(pad([row], 0))).logits[0]
        torch.testing.assert_close(packed[start : start + len(alone)], alone)


def test_to_freeze_is_to_switch_off_both_gradients_and_dropout(make_model):
    teacher = freeze(make_model(dropout=0.5).train())
    require_frozen(teacher)
    assert torch.equal(teacher(torch.tensor([[1, 2, 3]])).logits, teacher(torch.tensor([[1, 2, 3]])).logits)


def test_every_parameter_of_a_loaded_student_moves(save_pair, make_rows):
    pair = load_pair(save_pair(torch.bfloat16), "cpu")
    before = {name: parameter.detach().clone() for name, parameter in pair.student.named_parameters()}
    teacher_before = copy.deepcopy(pair.teacher.state_dict())
    plan = BatchPlan(tuple(make_rows((16, 16, 16, 16))), 2, pair.tokenizer.pad_token_id)
    distill(pair.student, pair.teacher, plan, TrainingSettings(1e-4, epochs=2), distillation_loss)
    assert {parameter.dtype for parameter in pair.student.parameters()} == {torch.float32}
    still = [name for name, parameter in pair.student.named_parameters() if torch.equal(parameter, before[name])]
    assert still == []
    assert all(torch.equal(tensor, teacher_before[name]) for name, tensor in pair.teacher.state_dict().items())


def test_a_tied_output_layer_counts_once(make_model):
    model = make_model()
    assert count_parameters(model) == sum(t.numel() for n, t in model.state_dict().items() if n != "lm_head.weight")


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_a_loaded_model_writes_text_and_pads_on_either_side_alike(make_model, tokenizer, dtype):
    tokenizer.pad_token = tokenizer.eos_token
    plain = make_model(vocabulary=len(tokenizer))
    loaded = with_fast_forward(with_positions(copy.deepcopy(plain)), dtype).train()
    text = sample_text(loaded, tokenizer, "the teacher", tokens=8)
    assert text == sample_text(loaded, tokenizer, "the teacher", tokens=8) and loaded.training
    assert text != sample_text(loaded, tokenizer, "the teacher", tokens=8, seed=1)
    if dtype == torch.float32:
        assert text == sample_text(plain, tokenizer, "the teacher", tokens=8)


def test_a_sample_leaves_the_random_stream_as_it_was(make_model, tokenizer):
    tokenizer.pad_token = tokenizer.eos_token
    model = make_model(vocabulary=len(tokenizer))
    torch.manual_seed(3)
    expected = torch.rand(1)
    torch.manual_seed(3)
    sample_text(model, tokenizer, "a", tokens=2)
    assert torch.rand(1) == expected


def test_a_teacher_that_still_learns_is_refused_with_the_number_of_parameters(make_model):
    teacher = freeze(make_model())
    teacher.transformer.ln_f.bias.requires_grad_()
    with pytest.raises(CourseError, match="16 of the teacher's parameters still require a gradient"):
        require_frozen(teacher)


def test_vocabularies_that_only_look_alike_are_refused_with_a_token(make_model, tokenizer, other_tokenizer):
    model = make_model(vocabulary=len(tokenizer))
    require_one_vocabulary(tokenizer, copy.deepcopy(tokenizer), model, model)
    assert len(tokenizer) == len(other_tokenizer)
    with pytest.raises(CourseError, match=r"do not share a tokenizer: 300 and 300 tokens.*for example '"):
        require_one_vocabulary(tokenizer, other_tokenizer, model, model)


def test_vocabularies_of_different_size_are_refused_with_the_sizes(make_model, tokenizer):
    longer = copy.deepcopy(tokenizer)
    longer.add_tokens(["<more>"])
    one, padded, small = (make_model(vocabulary=size) for size in (300, 304, 290))
    with pytest.raises(CourseError, match="300 and 301 tokens"):
        require_one_vocabulary(tokenizer, longer, one, one)
    with pytest.raises(CourseError, match="differ in size: the teacher's output has 304 entries, the student's 300"):
        require_one_vocabulary(tokenizer, tokenizer, padded, one)
    with pytest.raises(CourseError, match="knows ids up to 299 and the models only 290"):
        require_one_vocabulary(tokenizer, tokenizer, small, small)


def test_rows_longer_than_the_context_are_refused_with_both_lengths(make_model, make_rows):
    require_context(make_model(context=16), make_rows((16,)))
    with pytest.raises(CourseError, match="17 tokens and the model's context only 16"):
        require_context(make_model(context=16), make_rows((3, 17)))


def test_a_tokenizer_without_an_end_of_text_is_refused(save_pair, tmp_path):
    save_pair()
    path = tmp_path / "student" / "tokenizer_config.json"
    config = json.loads(path.read_text())
    path.write_text(json.dumps({**config, "eos_token": None}))
    with pytest.raises(CourseError, match="no end-of-text token"):
        load_tokenizer(str(tmp_path / "student"))


def test_a_hub_that_is_not_there_is_one_sentence_at_once(monkeypatch):
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    monkeypatch.setattr("time.sleep", lambda seconds: pytest.fail(f"waits {seconds} s before it tries again"))
    for load in (load_model, load_tokenizer):
        with pytest.raises(CourseError, match=r"'nobody/nothing' could not be fetched.*embedded profile"):
            load("nobody/nothing")


def test_nobody_is_asked_for_a_folder(save_pair, tmp_path, monkeypatch):
    save_pair()
    monkeypatch.setattr(hub, "hub_answers", lambda: pytest.fail("the hub was asked"))
    assert isinstance(load_model(str(tmp_path / "student"), "cpu"), GPT2LMHeadModel)


@pytest.mark.parametrize("offline", ["1", "true", "ON"])
def test_a_hub_that_is_switched_off_does_not_answer(monkeypatch, offline):
    monkeypatch.setenv("HF_HUB_OFFLINE", offline)
    monkeypatch.setattr("urllib.request.urlopen", lambda *_, **__: pytest.fail("the hub was asked"))
    assert not hub.hub_answers()


@pytest.mark.parametrize("endpoint", ["http://127.0.0.1:9", "not an address"])
def test_an_endpoint_that_is_not_there_does_not_answer(monkeypatch, endpoint):
    monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)
    monkeypatch.setenv("HF_ENDPOINT", endpoint)
    assert not hub.hub_answers()


def test_weights_that_are_missing_or_of_another_shape_are_one_sentence(save_pair, tmp_path):
    save_pair()
    file = tmp_path / "student" / "model.safetensors"
    whole = load_file(file)
    name = "transformer.h.0.ln_1.weight"
    save_file({key: tensor for key, tensor in whole.items() if key != name}, file, {"format": "pt"})
    with pytest.raises(CourseError, match=f"lack 1 tensors, such as '{name}'"):
        load_model(str(tmp_path / "student"), "cpu")
    save_file({**whole, name: torch.ones(3)}, file, {"format": "pt"})
    with pytest.raises(
        CourseError, match=r"do not fit its config\.json: transformer.h.0.ln_1.weight is \[3\] in the file and \[16\]"
    ):
        load_model(str(tmp_path / "student"), "cpu")


def test_an_empty_prompt_is_one_sentence(save_pair):
    pair = load_pair(save_pair(), "cpu")
    with pytest.raises(CourseError, match="The prompt is empty"):
        sample_text(pair.student, pair.tokenizer, "")


def test_every_part_of_a_model_gets_back_the_mode_it_had():
    model = torch.nn.Sequential(torch.nn.Dropout(), torch.nn.Sequential(torch.nn.Dropout())).train()
    model[1].eval()
    with models.in_eval_mode(model):
        assert not any(module.training for module in model.modules())
    assert model.training and model[0].training and not model[1].training and not model[1][0].training
