"""Two made-up models whose probabilities are quarters, so that sums over every path are exact."""

import pytest
import torch

from utils.decoding.drafts import ModelDraft
from utils.decoding.exact import TableModel

TARGET = torch.tensor([[0.5, 0.25, 0.25], [0.25, 0.75, 0.0], [0.0, 0.25, 0.75]])
DRAFT = torch.tensor([[0.25, 0.25, 0.5], [0.5, 0.25, 0.25], [0.25, 0.5, 0.25]])


@pytest.fixture
def target():
    return TableModel(TARGET)


@pytest.fixture
def new_draft():
    """A draft that disagrees with the target everywhere."""
    return lambda: ModelDraft(TableModel(DRAFT), len(TARGET))
