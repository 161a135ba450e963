"""Lab 8's references say what peft does: the forward pass, the merge, the start, and how many numbers learn."""

import pytest
import torch
from peft import LoraConfig, get_peft_model
from transformers.pytorch_utils import Conv1D

from grader.exercises.lab08.initialise import initialise
from grader.exercises.lab08.lora_forward import lora_forward
from grader.exercises.lab08.merge import merge
from grader.exercises.lab08.trainable_parameters import trainable_parameters

ALPHA, RANK = 6.0, 2


class Plain(torch.nn.Module):
    """One layer with 5 inputs and 3 outputs, as torch keeps it or transposed."""

    def __init__(self, transposed: bool):
        super().__init__()
        self.layer = Conv1D(3, 5) if transposed else torch.nn.Linear(5, 3)

    def forward(self, x):
        return self.layer(x)


@pytest.fixture(params=[False, True], ids=["Linear", "Conv1D"])
def layer(request):
    """The layer as peft wraps it, with a B that is not zero, and its weight (out, in) and bias."""
    torch.manual_seed(0)
    config = LoraConfig(r=RANK, lora_alpha=ALPHA, target_modules=["layer"], fan_in_fan_out=request.param)
    model = get_peft_model(Plain(request.param), config).eval()
    wrapped = model.base_model.model.layer
    torch.nn.init.normal_(wrapped.lora_B["default"].weight)
    weight = wrapped.base_layer.weight.detach().clone()
    return model, weight.T if request.param else weight, wrapped


def matrices(wrapped):
    return wrapped.lora_A["default"].weight, wrapped.lora_B["default"].weight


def test_the_forward_pass_is_that_of_peft_in_value_and_gradient(layer):
    model, weight, wrapped = layer
    x = torch.randn(4, 5, generator=torch.Generator().manual_seed(1))
    ours = lora_forward(x, weight, *matrices(wrapped), ALPHA, RANK) + wrapped.base_layer.bias
    theirs = model(x)
    assert torch.allclose(ours, theirs, atol=1e-6)
    for one, other in zip(
        *(torch.autograd.grad(y.square().sum(), matrices(wrapped)) for y in (ours, theirs)), strict=True
    ):
        assert torch.allclose(one, other, atol=1e-4)


def test_the_merge_is_that_of_peft_also_where_the_weight_is_transposed(layer):
    model, weight, wrapped = layer
    ours = merge(weight, *(matrix.detach() for matrix in matrices(wrapped)), ALPHA, RANK)
    merged = model.merge_and_unload().layer
    theirs = merged.weight.T if isinstance(merged, Conv1D) else merged.weight
    assert torch.allclose(ours, theirs, atol=1e-6) and not torch.allclose(weight, theirs, atol=1e-2)


def test_as_many_numbers_learn_as_in_peft(layer):
    model, _, wrapped = layer
    plain = Plain(isinstance(wrapped.base_layer, Conv1D))
    assert trainable_parameters(plain, RANK, ["layer"]) == model.get_nb_trainable_parameters()[0] == RANK * (5 + 3)


def test_the_start_has_the_range_of_peft():
    torch.manual_seed(0)
    config = LoraConfig(r=200, target_modules=["layer"])
    A, B = matrices(get_peft_model(Plain(False), config).base_model.model.layer)
    ours, zero = initialise(torch.tensor([[0.0] * 5, [1.0] * 5]), 3)
    assert A.min().item() == pytest.approx(ours.min().item(), abs=0.01)
    assert A.max().item() == pytest.approx(ours.max().item(), abs=0.01)
    assert not B.any() and not zero.any() and zero.shape == (3, 2)
