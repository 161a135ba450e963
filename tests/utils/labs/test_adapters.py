"""A student with an adapter trains as any other and learns there alone; peft merges what Lab 8's formula says."""

from types import SimpleNamespace

import pytest
import torch

from utils.data import general
from utils.data.batches import BatchPlan
from utils.data.documents import Document
from utils.errors import CourseError
from utils.labs import adapters
from utils.training.loop import ce_only_step, distill
from utils.training.settings import TrainingSettings

TARGETS = ("c_attn", "mlp.c_proj")


@pytest.fixture
def trained(make_model, make_rows):
    """A GPT-2 with an adapter after a few steps of the course's own loop, and the model that it began as."""
    model = adapters.with_adapter(make_model(width=16), rank=2, alpha=8.0, targets=TARGETS, seed=1)
    plan = BatchPlan(tuple(make_rows((9, 12, 7, 10))), 2, 0, seed=0)
    distill(model, None, plan, TrainingSettings(1e-2, 3), None, ce_only_step)
    return model.eval(), make_model(width=16)


def test_only_the_adapter_has_learned(trained):
    model, before = trained
    start = dict(before.named_parameters())
    for name, parameter in model.named_parameters():
        if "lora_" in name:
            assert parameter.requires_grad
        else:
            plain = name.removeprefix("base_model.model.").replace(".base_layer", "")
            assert not parameter.requires_grad and torch.equal(parameter, start[plain])
    assert any(parameter.abs().max() > 0 for name, parameter in model.named_parameters() if "lora_B" in name)


def test_the_start_changes_nothing_and_follows_from_the_seed(make_model):
    ids = torch.tensor([[3, 5, 7, 2]])
    plain = make_model()(input_ids=ids).logits
    one, same, other = (adapters.with_adapter(make_model(), 2, 4.0, TARGETS, seed) for seed in (1, 1, 2))
    assert torch.equal(one(input_ids=ids).logits, plain)
    drawn = [[p for n, p in model.named_parameters() if "lora_A" in n] for model in (one, same, other)]
    assert all(map(torch.equal, drawn[0], drawn[1])) and not any(map(torch.equal, drawn[0], drawn[2]))


def test_peft_merges_what_the_formula_says_also_where_the_weight_is_transposed(trained):
    model, before = trained
    found = {n: p.detach() for n, p in model.named_parameters() if "lora_" in n}
    merged = dict(model.merge_and_unload().named_parameters())
    name = "transformer.h.0.attn.c_attn"
    A, B = (found[f"base_model.model.{name}.lora_{which}.default.weight"] for which in "AB")
    expected = dict(before.named_parameters())[f"{name}.weight"] + (8.0 / 2) * (B @ A).T  # Conv1D holds (in, out)
    assert torch.allclose(merged[f"{name}.weight"], expected, atol=1e-6)


def test_an_adapter_is_saved_without_its_model(trained, tmp_path):
    model, _ = trained
    numbers = sum(p.numel() for p in model.parameters() if p.requires_grad)
    assert 4 * numbers <= adapters.bytes_of_adapter(model, tmp_path) < 4 * numbers + 4000
    assert adapters.optimizer_bytes(model) == 8 * numbers


def test_the_control_trains_the_same_matrices_and_their_change_has_singular_values(make_model):
    before, after = make_model(), make_model()
    adapters.train_only(after, ("c_attn",))
    assert [n for n, p in after.named_parameters() if p.requires_grad] == ["transformer.h.0.attn.c_attn.weight"]
    with torch.no_grad():
        after.transformer.h[0].attn.c_attn.weight[0, 0] += 3.0
    (values,) = adapters.weight_changes(before, after, ("c_attn",)).values()
    assert values[0] == pytest.approx(3.0, abs=1e-4) and max(values[1:]) < 1e-4


def test_a_change_is_cut_to_the_largest_directions_of_the_targets_alone(make_model):
    before, after = make_model(), make_model()
    with torch.no_grad():
        for layer in (after.transformer.h[0].attn.c_attn, after.transformer.h[0].mlp.c_fc):
            layer.weight[0, 0] += 3.0
            layer.weight[1, 1] += 1.0
    cut, whole = (adapters.cut_to_rank(before, after, ("c_attn",), rank) for rank in (1, 2))
    change = cut.transformer.h[0].attn.c_attn.weight - before.transformer.h[0].attn.c_attn.weight
    assert change[0, 0].item() == pytest.approx(3.0, abs=1e-5) and abs(change[1, 1].item()) < 1e-5
    assert torch.allclose(
        whole.transformer.h[0].attn.c_attn.weight, after.transformer.h[0].attn.c_attn.weight, atol=1e-5
    )
    assert torch.equal(whole.transformer.h[0].mlp.c_fc.weight, before.transformer.h[0].mlp.c_fc.weight)


def test_a_target_that_is_not_there_is_said(make_model):
    with pytest.raises(CourseError, match="ends with one of q_proj"):
        adapters.with_adapter(make_model(), 2, 4.0, ("q_proj",))


def test_a_saved_adapter_beside_a_fresh_student_answers_as_the_trained_one(trained, make_model, tmp_path):
    from peft import PeftModel

    model, _ = trained
    model.save_pretrained(tmp_path)
    ids = torch.tensor([[3, 5, 7, 2]])
    loaded = PeftModel.from_pretrained(make_model(width=16), tmp_path).eval()
    assert torch.equal(loaded(input_ids=ids).logits, model(input_ids=ids).logits)
    assert not torch.allclose(loaded(input_ids=ids).logits, make_model(width=16)(input_ids=ids).logits)


GENERAL, PYTHONS = (" ".join(f"{word}{place}" for place in range(40)) for word in ("general", "python"))


@pytest.fixture
def package(tmp_path, monkeypatch):
    """An installed package with two long docstrings, one of which is in Python's own documentation too."""
    (tmp_path / "plain_package").mkdir()
    code = f'"""{GENERAL}"""\n\n\ndef repeated():\n    """{PYTHONS}"""\n'
    (tmp_path / "plain_package" / "__init__.py").write_text(code, encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(adapters, "GENERAL_PACKAGE", "plain_package")
    corpus = SimpleNamespace(train=[Document("one", PYTHONS, "Python")], tune=[], validation=[])
    monkeypatch.setattr(general, "python_corpus", lambda: corpus)


@pytest.mark.usefixtures("package")
def test_general_text_repeats_nothing_of_the_text_trained_on(tokenizer):
    (row,) = adapters.general_rows(tokenizer, 400, 10)
    text = tokenizer.decode(row.input_ids)
    assert "general0" in text and "python0" not in text


def test_general_text_without_its_package_is_said(tokenizer, monkeypatch):
    monkeypatch.setattr(adapters, "GENERAL_PACKAGE", "no_such_package_here")
    with pytest.raises(CourseError, match="no_such_package_here is not installed"):
        adapters.general_rows(tokenizer, 64, 10)
