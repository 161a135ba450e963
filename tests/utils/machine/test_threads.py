"""One thread inside of the block, as many as before after it, whatever happened there."""

import pytest
import torch

from utils.machine.threads import one_thread


def test_the_number_of_threads_comes_back():
    torch.set_num_threads(3)
    with pytest.raises(ValueError, match="inside"), one_thread():
        assert torch.get_num_threads() == 1
        raise ValueError("inside")
    assert torch.get_num_threads() == 3
