"""What Labs 5 and 6 do with their pair: ask questions, write solutions, make rows of them, and count right answers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import torch
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from utils.data.batches import IGNORE, Row
from utils.decoding.sampling import sample
from utils.labs.arithmetic import Question
from utils.labs.traces import extract_answer
from utils.machine.workspace import ROOT
from utils.models.loading import Pair, load_pair
from utils.models.profiles import get_profile

FOLDER = ROOT / "utils" / "pretrained" / "reasoning"
TEACHER, STUDENT = str(FOLDER / "teacher"), str(FOLDER / "student")
LONGEST_TRACE = 220  # characters: enough for seven steps
TEACHER_TEMPERATURE = 1.5  # where this teacher errs in about a quarter of its solutions


def load_reasoning_pair() -> Pair:
    """Teacher (frozen), student and tokenizer: two small Llamas that read one character at a time."""
    return load_pair(replace(get_profile("embedded", announce=False), teacher=TEACHER, student=STUDENT))


def ids_of(tokenizer: PreTrainedTokenizerBase, text: str) -> list[int]:
    return tokenizer(text, add_special_tokens=False)["input_ids"]


def prompt_of(question: Question, tokenizer: PreTrainedTokenizerBase) -> list[int]:
    """The ids of a question's line and its end."""
    return ids_of(tokenizer, question.text + "\n")


def written(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    questions: Sequence[Question],
    temperature: float = 0.0,
    seed: int = 0,
    name: str = "writing",
) -> list[str]:
    """What the model answers to each question, as text."""
    prompts = [prompt_of(question, tokenizer) for question in questions]
    generator = torch.Generator(device=model.device).manual_seed(seed)
    done = sample(model, prompts, LONGEST_TRACE, tokenizer.eos_token_id, temperature, generator, name=name)
    return [tokenizer.decode(one.ids, skip_special_tokens=True) for one in done]


def row_of(question: Question, ids: Sequence[int], tokenizer: PreTrainedTokenizerBase) -> Row:
    """The question's line and these ids behind it, of which only the latter count."""
    prompt = prompt_of(question, tokenizer)
    size = len(tokenizer.decode(ids, skip_special_tokens=True))
    return Row((*prompt, *ids), (*[IGNORE] * len(prompt), *ids), question.text, size)


def rows_of(questions: Sequence[Question], traces: Sequence[str], tokenizer: PreTrainedTokenizerBase) -> list[Row]:
    """One row a question: its line, the trace and the end of text; only what follows the question counts."""
    end = tokenizer.eos_token_id
    return [
        row_of(question, [*ids_of(tokenizer, trace), end], tokenizer)
        for question, trace in zip(questions, traces, strict=True)
    ]


def right_answers(questions: Sequence[Question], texts: Sequence[str]) -> np.ndarray:
    """1 where a text gives its question's answer, else 0."""
    return np.array([float(extract_answer(text) == one.answer) for one, text in zip(questions, texts, strict=True)])


def majority(texts: Sequence[str]) -> int | None:
    """The answer that most of several texts give, the first such one in a tie; None where none gives any."""
    counts = Counter(answer for text in texts if (answer := extract_answer(text)) is not None)
    return counts.most_common(1)[0][0] if counts else None
