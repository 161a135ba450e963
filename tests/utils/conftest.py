"""What the tests of utils share: a tiny tokenizer, tiny random GPT-2s, and rows of random tokens."""

import functools
from collections.abc import Callable

import numpy as np
import pytest
import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import GPT2Config, GPT2LMHeadModel, PreTrainedTokenizerFast

from utils.data.batches import BatchPlan, Row
from utils.models import fingerprint

END = "<|endoftext|>"
TEXT = (
    "The teacher answers with a distribution and the label with a single token.",
    "A student that learns from both reads what the teacher holds for likely.",
    "Ein Schüler liest auch Umlaute, 日本語 and emoji 🙂, which take several bytes each.",
)


@pytest.fixture(autouse=True)
def one_thread():
    """Sums in one order, so that equal runs are equal to the bit."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def build_tokenizer(words: tuple[str, ...] = TEXT) -> PreTrainedTokenizerFast:
    """A byte-level BPE of about 300 tokens."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(
        vocab_size=300, special_tokens=[END], show_progress=False, initial_alphabet=alphabet
    )  # fmt: skip
    tokenizer.train_from_iterator(words * 3, trainer)
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer, eos_token=END, bos_token=END, unk_token=END)


@pytest.fixture(scope="session")
def tokenizer() -> PreTrainedTokenizerFast:
    return build_tokenizer()


@pytest.fixture(scope="session")
def other_tokenizer() -> PreTrainedTokenizerFast:
    """As large as `tokenizer`, with other tokens behind the ids."""
    return build_tokenizer(tuple(text[::-1] for text in TEXT))


@pytest.fixture(scope="session")
def make_model() -> Callable[..., GPT2LMHeadModel]:
    """Builds a GPT-2 with random weights large enough that its predictions differ, in eval mode."""

    def make(
        seed: int = 0, vocabulary: int = 64, layers: int = 1, width: int = 16, context: int = 64, dropout: float = 0.0
    ) -> GPT2LMHeadModel:
        torch.manual_seed(seed)
        config = GPT2Config(
            vocab_size=vocabulary, n_positions=context, n_embd=width, n_layer=layers, n_head=2, initializer_range=0.3,
            resid_pdrop=dropout, embd_pdrop=dropout, attn_pdrop=dropout, bos_token_id=0, eos_token_id=0,
        )  # fmt: skip
        return GPT2LMHeadModel(config).eval()

    return make


@pytest.fixture(scope="session")
def make_rows() -> Callable[..., list[Row]]:
    """Builds rows of random tokens of the given lengths, each a document of its own."""

    def make(lengths: tuple[int, ...], vocabulary: int = 64, seed: int = 0) -> list[Row]:
        random = np.random.Generator(np.random.PCG64(seed))
        tokens = [tuple(random.integers(1, vocabulary, size=length).tolist()) for length in lengths]
        return [Row(ids, ids, f"document {i}", 3 * len(ids)) for i, ids in enumerate(tokens)]

    return make


@pytest.fixture
def plan(make_rows):
    return BatchPlan(tuple(make_rows((5, 9, 12, 3, 16, 4, 7, 8, 2, 6))), 2, 0)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "run.pt"


@pytest.fixture
def teacher(make_model):
    return make_model(1).requires_grad_(False)


@pytest.fixture
def new_student(make_model):
    return functools.partial(make_model, 0, dropout=0.2)


@pytest.fixture
def any_step(monkeypatch):
    """Steps that stop at another call are one step here: what a run is, is tested on its own."""
    real = fingerprint.of_function

    def of_function(function):
        return "any" if getattr(function, "__name__", "") == "step" else real(function)

    monkeypatch.setattr(fingerprint, "of_function", of_function)
