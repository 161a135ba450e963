"""Lab 6's pieces: texts as training rows, a student that writes for `OnPolicyStep`, and what its solutions are worth.

A solution is judged step by step: a step is right where it does the question's operation on the value that the text
itself had so far.  So a step behind an error can be right again, and whether it is tells how a student does on text
that no teacher would have written.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from itertools import takewhile

import torch
from torch import Tensor, nn
from transformers import PreTrainedTokenizerBase

from utils.data.batches import Batch, Row
from utils.decoding.sampling import Completion, sample
from utils.labs.arithmetic import RIGHT, Question, marked
from utils.labs.reasoning import prompt_of, row_of
from utils.labs.traces import extract_answer
from utils.training.on_policy import as_batch, prompts_of, random_of
from utils.training.steps import LossFunction


def written_rows(
    asked: Sequence[Question], solutions: Sequence[Completion], tokenizer: PreTrainedTokenizerBase
) -> list[Row]:
    """What a model wrote behind the questions as rows, right or wrong, with an end of text only where it wrote one."""
    return [row_of(question, text.ids, tokenizer) for question, text in zip(asked, solutions, strict=True)]


@dataclass(frozen=True)
class Writing:
    """How a student writes while it trains: a `Sampler` of `utils.training.on_policy`."""

    new_tokens: int
    end_of_text: int
    padding: int
    temperature: float = 1.0

    def __call__(self, model: nn.Module, prompts: Batch, chance: torch.Generator) -> Batch:
        """Every prompt with what the model wrote behind it, padded on both sides."""
        given = [
            ids[real.bool()].tolist() for ids, real in zip(prompts["input_ids"], prompts["attention_mask"], strict=True)
        ]
        texts = sample(model, given, self.new_tokens, self.end_of_text, self.temperature, chance, name="the student")
        longest = max(len(text.ids) for text in texts)
        rest = [longest - len(text.ids) for text in texts]
        added = torch.tensor(
            [[*text.ids, *[self.padding] * more] for text, more in zip(texts, rest, strict=True)],
            device=prompts["input_ids"].device,
        )
        written = torch.tensor([[1] * (longest - more) + [0] * more for more in rest], device=added.device)
        before = torch.zeros_like(prompts["attention_mask"])
        return {
            "input_ids": torch.cat([prompts["input_ids"], added], dim=1),
            "attention_mask": torch.cat([prompts["attention_mask"], written], dim=1),
            "completion_mask": torch.cat([before, written], dim=1).bool(),
        }


@dataclass(frozen=True)
class Solution:
    """What a text is worth: the answer is right; right steps before the first error; marks of the steps behind it."""

    solved: bool
    right_before: int
    right_behind: int
    wrong_behind: int
    length: int


def judged(question: Question, text: str) -> Solution:
    """A solution's steps against the question's."""
    marks = [mark for _, mark in marked(question, text)]
    before = len(list(takewhile(lambda mark: mark == RIGHT, marks)))
    behind = marks[before + 1 :]
    solved = question.answer is not None and extract_answer(text) == question.answer
    right = behind.count(RIGHT)
    return Solution(solved, before, right, len(behind) - right, len(question.operations))


def solutions(
    model: nn.Module,
    asked: Sequence[Question],
    tokenizer: PreTrainedTokenizerBase,
    new_tokens: int,
    temperature: float = 0.0,
    samples: int = 1,
    seed: int = 0,
) -> list[list[str]]:
    """For each question so many texts that the model writes; temperature 0: always the likeliest token."""
    prompts = [prompt_of(question, tokenizer) for question in asked for _ in range(samples)]
    chance = torch.Generator().manual_seed(seed)
    found = sample(model, prompts, new_tokens, tokenizer.eos_token_id, temperature, chance)
    texts = [tokenizer.decode(one.ids, skip_special_tokens=True) for one in found]
    return [texts[start : start + samples] for start in range(0, len(texts), samples)]


def summary(found: Iterable[Solution]) -> dict[str, object]:
    """Counts over questions, to be divided once.

    at_risk[k], failed[k]: questions whose first k steps are right and that have a step more, and how many fail there.
    """
    found = list(found)
    longest = max(one.length for one in found)
    at_risk = [sum(one.right_before >= k and one.length > k for one in found) for k in range(longest)]
    failed = [sum(one.right_before == k and one.length > k for one in found) for k in range(longest)]
    totals = {name: sum(asdict(one)[name] for one in found) for name in ("solved", "right_behind", "wrong_behind")}
    return {"questions": len(found), **totals, "at_risk": at_risk, "failed": failed}


def diversity(asked: Sequence[Question], texts: Sequence[Sequence[str]]) -> dict[str, int]:
    """Of several texts a question: how many in all, how many differ, how many are right, questions with any right."""
    right = [[judged(one, text).solved for text in of_it] for one, of_it in zip(asked, texts, strict=True)]
    return {
        "texts": sum(map(len, texts)),
        "distinct": sum(len(set(of_it)) for of_it in texts),
        "right": sum(map(sum, right)),
        "questions": len(texts),
        "any_right": sum(map(any, right)),
    }


@dataclass(frozen=True)
class LearnersStep:
    """A learner's `on_policy_step` as the training loop calls a step.

    loss: of (student_logits, teacher_logits, mask).  The batch becomes what was written, so its tokens are counted.
    """

    step: Callable[..., float]
    loss: Callable[[Tensor, Tensor, Tensor], Tensor]
    writing: Writing
    seed: int = 0
    changes_the_text = True

    def __call__(
        self,
        student: nn.Module,
        teacher: nn.Module,
        batch: Batch,
        optimizer: torch.optim.Optimizer,
        loss_function: LossFunction,
    ) -> float:
        chance = random_of(self.seed, optimizer)

        def sample_of(model: nn.Module, prompts: Batch) -> Batch:
            text = self.writing(model, prompts, chance)
            batch.update(as_batch(text))
            return text

        return self.step(student, teacher, prompts_of(batch), optimizer, sample_of, self.loss)
