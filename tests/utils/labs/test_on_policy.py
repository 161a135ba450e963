"""Lab 6's pieces: rows, a student that writes in batches, and solutions judged step by step."""

import pytest
import torch

from utils.checks.made import tiny_model
from utils.data.batches import IGNORE, BatchPlan, pad
from utils.decoding.sampling import Completion
from utils.labs.arithmetic import Question, questions
from utils.labs.on_policy import (
    LearnersStep,
    Writing,
    diversity,
    judged,
    solutions,
    summary,
    written_rows,
)
from utils.labs.reasoning import prompt_of, rows_of
from utils.pretrained.make_reasoning_pair import make_tokenizer
from utils.training.loop import distill
from utils.training.on_policy import prompts_of
from utils.training.settings import NO_PARTS, TrainingSettings

CHAIN = Question(7, (("+", 5), ("*", 3), ("-", 4)))


@pytest.fixture(scope="module")
def tokenizer():
    return make_tokenizer()


@pytest.fixture
def model(tokenizer):
    return tiny_model(2, family="llama", vocabulary=len(tokenizer), positions=96)


def right_rows(asked, tokenizer):
    return rows_of(asked, [one.trace() for one in asked], tokenizer)


def test_written_rows_are_what_was_written(tokenizer):
    ids = tokenizer("Answer: 1", add_special_tokens=False)["input_ids"]
    (row,) = written_rows([CHAIN], [Completion(tuple(ids), (), False)], tokenizer)
    prompt = prompt_of(CHAIN, tokenizer)
    assert list(row.input_ids) == prompt + ids and list(row.labels) == [IGNORE] * len(prompt) + ids
    assert row.label_bytes == len("Answer: 1")


def test_a_student_writes_behind_every_prompt_up_to_its_end_of_text(model, tokenizer):
    asked = questions(5, (2, 3), seed=1)
    prompts = prompts_of(pad(right_rows(asked, tokenizer), tokenizer.pad_token_id))
    end = tokenizer.eos_token_id
    text = Writing(20, end, tokenizer.pad_token_id, 2.0)(model, prompts, torch.Generator().manual_seed(3))
    width = prompts["input_ids"].shape[1]
    assert torch.equal(text["input_ids"][:, :width], prompts["input_ids"])
    assert not text["completion_mask"][:, :width].any()
    behind = [text[name][:, width:] for name in ("input_ids", "completion_mask", "attention_mask")]
    for ids, written, real in zip(*behind, strict=True):
        count = int(written.sum())
        assert written[:count].all() and torch.equal(written.long(), real)
        assert end not in ids[: count - 1] and (ids[count - 1] == end or count == 20)
        assert (ids[count:] == tokenizer.pad_token_id).all()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("First, 7 + 5 = 12.\nTherefore, 12 * 3 = 36.\nFinally, 36 - 4 = 32.\nAnswer: 32", (True, 3, 0, 0)),
        ("First, 7 + 5 = 13.\nTherefore, 13 * 3 = 39.\nFinally, 39 - 4 = 35.\nAnswer: 35", (False, 0, 2, 0)),
        ("First, 7 + 5 = 13.\nTherefore, 12 * 3 = 36.\nFinally, 36 - 4 = 32.\nAnswer: 32", (True, 0, 1, 1)),
        ("First, 7 + 5 = 12.\nFinally, 12 - 4 = 8.\nAnswer: 8", (False, 1, 1, 0)),
        ("First, 7 + 5 = 12.\nTherefore, 12 * 3 = 36.\nFinally, 36 - 4 = 32.\nAnswer: 3", (False, 3, 0, 0)),
        ("", (False, 0, 0, 2)),
    ],
)
def test_a_solution_is_judged_step_by_step(text, expected):
    found = judged(CHAIN, text)
    assert (found.solved, found.right_before, found.right_behind, found.wrong_behind) == expected


def test_counts_are_added_up_and_divided_by_nobody():
    short = Question(2, (("+", 2), ("*", 2)))
    texts = [
        (CHAIN, CHAIN.trace()),
        (short, short.trace()),
        (short, "First, 2 + 2 = 5.\nFinally, 5 * 2 = 10.\nAnswer: 10"),
    ]
    found = summary(judged(question, text) for question, text in texts)
    assert (found["questions"], found["solved"], found["right_behind"]) == (3, 2, 1)
    assert found["at_risk"] == [3, 2, 1] and found["failed"] == [1, 0, 0]


def test_diversity_counts_texts_that_differ_and_questions_with_any_right():
    right = CHAIN.trace()
    found = diversity([CHAIN, CHAIN], [[right, right, "x"], ["y", "z", "y"]])
    assert found == {"texts": 6, "distinct": 4, "right": 2, "questions": 2, "any_right": 1}


def test_solutions_are_so_many_a_question_and_the_same_for_a_seed(model, tokenizer):
    asked = questions(3, (2,), seed=2)
    first, again, other = (solutions(model, asked, tokenizer, 8, 1.5, 2, seed) for seed in (1, 1, 2))
    assert [len(texts) for texts in first] == [2, 2, 2] and first == again != other


def test_a_learner_s_step_gets_prompts_and_its_text_is_counted(model, tokenizer):
    seen = []

    def on_policy_step(student, teacher, prompts, optimizer, sample, loss):
        text = sample(student, prompts)
        seen.append((set(prompts), int(text["completion_mask"].sum())))
        value = loss(student(input_ids=text["input_ids"]).logits, None, None)
        value.backward()
        optimizer.step()
        optimizer.zero_grad()
        return value.item()

    step = LearnersStep(on_policy_step, lambda s, t, m: s.square().mean(), Writing(6, 0, 1, 1.0), seed=4)
    rows = right_rows(questions(4, (2,), seed=3), tokenizer)
    settings = TrainingSettings(1e-3, 1, record_parts_every=NO_PARTS)
    teacher = tiny_model(5, family="llama", vocabulary=len(tokenizer), positions=96).requires_grad_(False)
    history = distill(model, teacher, BatchPlan(tuple(rows), 2, 1, 0), settings, None, step)
    assert [names for names, _ in seen] == [{"input_ids", "attention_mask"}] * 2
    assert history.tokens == sum(count for _, count in seen)
