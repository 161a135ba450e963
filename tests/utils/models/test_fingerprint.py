"""Do two functions, models or texts that differ have two fingerprints, and one function the same tomorrow?"""

import functools
import os
import subprocess
import sys
from dataclasses import replace

import pytest
import torch

from utils.data.batches import Row
from utils.losses.core import distillation_loss
from utils.machine.workspace import ROOT
from utils.models import fingerprint

ALPHA = 0.5


def with_global(student_logits, teacher_logits, labels):
    return distillation_loss(student_logits, teacher_logits, labels, 2.0, ALPHA)


def enclosing(alpha):
    return lambda s, t, labels: distillation_loss(s, t, labels, 2.0, alpha)


class Callable_:
    def __init__(self, alpha):
        self.alpha = alpha

    def __call__(self, s, t, labels):
        return distillation_loss(s, t, labels, 2.0, self.alpha)

    def method(self, s, t, labels):
        return self(s, t, labels)


def keyword_only(s, t, labels, *, alpha=0.5):
    return distillation_loss(s, t, labels, 2.0, alpha)


def recursive(n):
    return recursive(n - 1) if n else {"a", "b", "c"}


def test_functions_that_differ_in_one_number_differ(monkeypatch):
    of = fingerprint.of_function
    assert of(enclosing(0.5)) == of(enclosing(0.5)) != of(enclosing(0.7))
    assert of(Callable_(0.5)) == of(Callable_(0.5)) != of(Callable_(0.7))
    assert of(Callable_(0.5).method) != of(Callable_(0.7).method)
    assert of(functools.partial(distillation_loss, alpha=0.5)) != of(functools.partial(distillation_loss, alpha=0.7))
    binding = [functools.partial(distillation_loss, enclosing(1.0)) for _ in range(2)]
    assert of(binding[0]) == of(binding[1])
    assert of(torch.nn.Linear(2, 2)) != of(torch.nn.Linear(2, 2))
    assert of(recursive) == of(recursive)
    before = of(with_global), of(keyword_only)
    monkeypatch.setitem(with_global.__globals__, "ALPHA", 0.7)
    monkeypatch.setitem(keyword_only.__kwdefaults__, "alpha", 0.7)
    assert of(with_global) != before[0] and of(keyword_only) != before[1]


@pytest.mark.nightly
def test_a_fingerprint_is_the_same_in_the_next_process():
    """Sets change their order from one start of Python to the next, and objects their address."""
    code = (
        "from utils.models import fingerprint; import functools, json\n"
        "def helper(s): return s in {'a', 'b', 'c', 'd'}\n"
        "def loss(s, t, labels): return helper(s) and (lambda x: x + 1)(s)\n"
        "print(json.dumps(fingerprint.of_function(functools.partial(loss, t=helper))))"
    )
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    found = [
        subprocess.run([sys.executable, "-c", code], env={**environment, "PYTHONHASHSEED": seed},
                       capture_output=True, text=True, check=True).stdout
        for seed in ("1", "2")
    ]  # fmt: skip
    assert found[0] == found[1] != ""


def test_weights_and_rows_that_differ_in_one_place_differ(make_model):
    model = make_model()
    before = fingerprint.of_weights(model)
    with torch.no_grad():
        model.transformer.ln_f.bias[3] += 1e-6
    assert fingerprint.of_weights(model) != before
    row = Row((1, 2), (1, 2), "a", 2)
    assert fingerprint.of_rows([row]) != fingerprint.of_rows([replace(row, labels=(1, -100))])


class Bent(torch.nn.Module):
    def __init__(self, temperature):
        super().__init__()
        self.temperature = temperature

    def forward(self, s, t, labels):
        return distillation_loss(s, t, labels, self.temperature)


class BentOtherwise(Bent):
    def forward(self, s, t, labels):
        return distillation_loss(t, s, labels, self.temperature)


class Listed:
    def __init__(self, weights):
        self.weights = weights

    def __call__(self, s, t, labels):
        return self.weights[0]


SETTINGS, SIZE = {"temperature": 2.0}, 3


def with_settings(s, t, labels):
    return distillation_loss(s, t, labels, SETTINGS["temperature"]) * s.SIZE


def test_a_loss_that_holds_its_numbers_elsewhere_is_told_apart_too(monkeypatch):
    of = fingerprint.of_function
    assert of(Bent(1.0)) == of(Bent(1.0).eval()) != of(Bent(8.0))
    assert of(Bent(1.0)) != of(BentOtherwise(1.0))
    assert of(Listed([1, 2])) == of(Listed([1, 2])) != of(Listed([1, 3]))
    before = of(with_settings)
    monkeypatch.setitem(with_settings.__globals__, "SIZE", 4)  # the function reads an attribute of that name
    assert of(with_settings) == before
    monkeypatch.setitem(SETTINGS, "temperature", 8.0)
    assert of(with_settings) != before
