"""TRL counts the tokens that the library's trace_labels counts, the end of text among them, and no padding."""

import pytest

from utils.labs import arithmetic, reasoning, traces, trl_labels
from utils.models.loading import load_model


def test_trl_counts_the_trace_and_its_end_of_text_alone():
    pytest.importorskip("trl")
    pair = reasoning.load_reasoning_pair()
    tokenizer = pair.tokenizer
    asked = [arithmetic.Question(7, (("+", 5),)), arithmetic.Question(7, (("+", 5), ("*", 3), ("-", 4)))]
    texts = [(question.text + "\n", question.trace()) for question in asked]
    rows = trl_labels.completion_only(texts, load_model(reasoning.STUDENT), tokenizer)
    length = len(rows[1][0])
    for question, row in zip(asked, rows, strict=True):
        prompt = reasoning.prompt_of(question, tokenizer)
        trace = [*reasoning.ids_of(tokenizer, question.trace()), tokenizer.eos_token_id]
        assert traces.trace_labels(prompt, trace, length, tokenizer.pad_token_id) == row
    assert rows[0][1][-1] == -100 and rows[1][1][-1] == tokenizer.eos_token_id
