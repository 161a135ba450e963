"""Is what is faster also the same: kernels, number types, positions?"""

import copy

import pytest
import torch
from transformers.activations import NewGELUActivation

from utils.data.batches import model_inputs, pad
from utils.models import forward
from utils.models.forward import with_fast_forward, with_fast_kernels, with_fused_activation, with_positions


@pytest.mark.parametrize(
    ("dtype", "dropout", "kind"),
    [(torch.float32, 0.0, "sdpa"), (torch.float32, 0.1, "eager"), (torch.bfloat16, 0.0, "eager")],
)
def test_attention_on_a_cpu_is_computed_the_way_that_is_faster_there(make_model, monkeypatch, dtype, dropout, kind):
    monkeypatch.setattr(forward, "fastest_dtype", lambda _: dtype)
    assert with_fast_kernels(make_model(dropout=dropout)).config._attn_implementation == kind


def test_the_fused_activation_is_the_same_function(make_model, make_rows):
    model, batch = make_model(layers=2), model_inputs(pad(make_rows((9, 5)), 0))
    before = model(**batch).logits
    after = with_fused_activation(model)(**batch).logits
    assert not any(isinstance(module, NewGELUActivation) for module in model.modules())
    torch.testing.assert_close(after, before)


def test_logits_come_out_in_float32_and_near_those_of_float64(make_model, make_rows):
    model = make_model()
    ids = torch.tensor([make_rows((16,))[0].input_ids])
    fast = with_fast_forward(copy.deepcopy(model), torch.bfloat16)
    logits, expected = fast(ids).logits, model.double()(ids).logits
    assert logits.dtype == torch.float32
    assert {parameter.dtype for parameter in fast.parameters()} == {torch.float32}
    assert 0 < (logits - expected).norm() <= 2e-2 * expected.norm()


def test_a_deep_copy_of_a_fast_model_runs_its_own_weights(make_model):
    model = with_fast_forward(with_positions(make_model()), torch.bfloat16)
    copied = copy.deepcopy(model)
    ids = torch.tensor([[1, 2, 3]])
    before = model(ids).logits
    with torch.no_grad():
        for parameter in copied.parameters():
            parameter.zero_()
    assert not copied(ids).logits.any()
    assert torch.equal(model(ids).logits, before)


def test_positions_that_are_given_are_kept(make_model):
    model, ids = make_model(), torch.tensor([[1, 2, 3]])
    positions, mask = torch.tensor([[4, 5, 6]]), torch.ones(1, 3, dtype=torch.int64)
    expected = model(ids, attention_mask=mask, position_ids=positions).logits
    assert torch.equal(with_positions(model)(ids, attention_mask=mask, position_ids=positions).logits, expected)


def test_the_measured_number_type_is_bfloat16_only_where_it_is_faster(monkeypatch):
    for seconds, expected in ((0.9, torch.float32), (0.5, torch.bfloat16), (float("inf"), torch.float32)):
        monkeypatch.setattr(
            forward, "_matmul_seconds", lambda _, dtype, s=seconds: s if dtype == torch.bfloat16 else 1.0
        )
        assert forward.fastest_dtype.__wrapped__("cpu") == expected
