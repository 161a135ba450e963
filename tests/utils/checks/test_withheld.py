"""Where hidden tests ask, the library's own functions earn nothing, and afterwards they work again."""

import functools
from types import SimpleNamespace

import pytest
import torch

from grader.notebook.hidden import hidden_record
from utils.checks.hidden_tests import hush, points
from utils.checks.withheld import library_withheld
from utils.losses import core
from utils.losses.core import distillation_loss


def lazily(*arguments, **options):
    from importlib import import_module

    return import_module("utils.losses.core").distillation_loss(*arguments, **options)


def wrapped(student_logits, teacher_logits, labels, temperature=3.0, alpha=0.5):
    return distillation_loss(student_logits, teacher_logits, labels, temperature, alpha)


@pytest.fixture(scope="module")
def record():
    return hidden_record("distillation_loss", SimpleNamespace(name="09_any"), seed=5)


@pytest.mark.parametrize("answer", [distillation_loss, wrapped, lazily, functools.partial(distillation_loss)])
def test_the_librarys_answer_earns_nothing_and_says_why(record, answer, capsys):
    hush()
    assert points(answer, record, 7) == 0.0
    assert "write it yourself" in capsys.readouterr().out


def test_the_library_works_again_afterwards():
    logits, labels = torch.zeros(1, 3, 5), torch.ones(1, 3, dtype=torch.long)
    before = core.distillation_loss(logits, logits, labels)
    with pytest.raises(ImportError, match="write it yourself"), library_withheld():
        core.distillation_loss(logits, logits, labels)
    assert core.distillation_loss(logits, logits, labels) == before
