"""Lab 6's experiment from end to end on a pair that knows nothing: every arm runs, is counted, and is kept."""

import json

import pytest
import torch
from transformers import LlamaConfig, LlamaForCausalLM

from benchmarks import common, on_policy
from benchmarks.on_policy_arms import (
    CE,
    CROSS_ENTROPY,
    DIVERGENCE,
    LARGER,
    REFERENCE,
    SMALLER,
    STUDENT_WRITES,
    TEACHER,
    TEACHER_WRITES,
    Arm,
    Arms,
    Scale,
)
from utils.pretrained.make_reasoning_pair import make_tokenizer

TINY = Scale(warm_up=2, steps=2, batch=4, lengths=(2,), new_tokens=24, validation=6, sampled=3, samples=2)


@pytest.fixture
def arms(tmp_path, monkeypatch):
    monkeypatch.setattr(common, "partial_results", lambda: tmp_path / "kept")
    monkeypatch.setattr("benchmarks.on_policy_arms.partial_results", lambda: tmp_path / "kept")
    tokenizer = make_tokenizer()
    for name, layers in (("teacher", 6), ("student", 3)):
        torch.manual_seed(layers)
        config = LlamaConfig(
            vocab_size=len(tokenizer), hidden_size=16, intermediate_size=16, num_hidden_layers=layers,
            num_attention_heads=2, max_position_embeddings=128, tie_word_embeddings=True,
            bos_token_id=tokenizer.bos_token_id, eos_token_id=tokenizer.eos_token_id,
            pad_token_id=tokenizer.pad_token_id,
        )  # fmt: skip
        LlamaForCausalLM(config).save_pretrained(tmp_path / name)
        tokenizer.save_pretrained(tmp_path / name)
    return Arms(tmp_path, TINY, "tiny")


def test_an_arm_trains_on_the_text_that_it_is_named_after(arms):
    reference, teacher, own = (
        Arm(REFERENCE, 0.0, CE), Arm(TEACHER, 0.0, 0.0), Arm(TEACHER, 1.0, 1.0)
    )  # fmt: skip
    runs = arms.judged([reference, teacher, own])
    rows = {text: arms.rows(text, 0, TINY.steps * TINY.batch) for text in (REFERENCE, TEACHER)}
    assert runs[reference]["tokens"] == sum(row.valid for row in rows[REFERENCE])
    assert runs[teacher]["tokens"] == sum(row.valid for row in rows[TEACHER])
    assert runs[own]["tokens"] == runs[own]["own tokens"] > 0
    assert runs[reference]["own tokens"] == runs[teacher]["own tokens"] == 0


def test_a_step_costs_the_text_that_it_is_made_on():
    costs = {CROSS_ENTROPY: 1.0, DIVERGENCE: 2.0, STUDENT_WRITES: 10.0, TEACHER_WRITES: 100.0}
    assert Arm(REFERENCE, 0.0, CE).seconds(costs) == 1
    assert Arm(TEACHER, 0.0, CE).seconds(costs) == 101
    assert Arm(TEACHER, 0.0, 1.0).seconds(costs) == 102
    assert Arm(TEACHER, 1.0, 1.0).seconds(costs) == 12
    assert Arm(TEACHER, 0.5, 0.0).seconds(costs) == 57


def test_an_arm_is_trained_once(arms, monkeypatch):
    arm = Arm(REFERENCE, 0.0, CE)
    first = arms.judged([arm], "tune")[arm]
    monkeypatch.setattr(arms, "_train", lambda *arguments: pytest.fail("trained again"))
    assert arms.judged([arm], "tune")[arm] == first
    assert arms.judged([arm])[arm]["tokens"] == first["tokens"]


def test_the_grid_of_rates_grows_until_the_best_is_inside(arms, monkeypatch):
    monkeypatch.setattr(on_policy, "RATES", (1.0, 2.0))
    solved = {0.25: 1, 0.5: 3, 1.0: 2, 2.0: 1}
    run = lambda arm: {"greedy": {"solved": solved[arm.rate]}, "stopped": ""}  # noqa: E731
    monkeypatch.setattr(arms, "judged", lambda asked, split: {arm: run(arm) for arm in asked})
    arm = Arm(REFERENCE, 0.0, CE)
    best, tried = on_policy.best_rates(arms, [arm])
    assert best == {arm.name: 0.5} and {row["rate"]: row["solved"] for row in tried} == solved


@pytest.mark.parametrize(("student", "layers"), [(SMALLER, 2), (LARGER, 3)])
def test_the_other_students_have_other_layers_and_write(arms, student, layers):
    model = arms.untrained(student)
    assert len(model.model.layers) == layers == model.config.num_hidden_layers
    assert len(arms.greedy(model, "validation")["by question"]) == TINY.validation


def test_the_whole_table_is_made(arms, monkeypatch):
    monkeypatch.setattr(on_policy, "RATES", (1e-3,))
    monkeypatch.setattr(on_policy, "MOST_RATES", 1)
    monkeypatch.setattr(on_policy, "GAPS", ((SMALLER, 1),))
    monkeypatch.setattr("benchmarks.on_policy_arms.TURNS", 1)
    rates, tried = on_policy.best_rates(arms, (*on_policy.LIVE.values(), *on_policy.MIXTURES))
    result = {"rates": rates, "tried": tried, **on_policy.at_equal_tokens(arms, rates, 2)}
    result |= on_policy.at_equal_seconds(arms, rates, 1)
    result["gap"] = on_policy.by_gap(arms, 1)
    result["mixtures"] = on_policy.mixtures(arms, rates, 1, arms.costs())
    tokens = result["tokens"]
    assert set(rates) == {row["arm"] for row in tried} and set(tokens) == set(on_policy.LIVE)
    assert tokens[on_policy.CONTROL]["minus control"]["share"] == 0
    assert set(result["seconds"]) == set(tokens) and len(result["gap"]) == 1 + len(on_policy.IN_GAPS)
    for row in tokens.values():
        assert row["at risk by step"][0] == 2 * TINY.validation and len(row["tokens"]) == 2
    found = on_policy.shown(result)
    assert [row["arm"] for row in found["rows"]] == list(found["live rates"]) == list(on_policy.LIVE)
    assert [row["arm"] for row in found["rows_and_start"]] == ["none: the start", *on_policy.LIVE]
    assert len(found["grid"]) == 3 and found["rows"][0]["minus"] == "+0.000 [+0.000, +0.000]"
    json.dumps([result, found])


def test_arms_that_are_measured_again_leave_the_rates_of_the_others(monkeypatch) -> None:
    fresh = {"rates": {"a": 0.1}, "tried": [{"arm": "a", "rate": 0.1}]}
    monkeypatch.setattr(on_policy, "of_arms", lambda arms, seeds: dict(fresh))
    known = {"rates": {"a": 0.9, "b": 0.2}, "tried": [{"arm": "a", "rate": 0.9}, {"arm": "b", "rate": 0.2}]}
    found = on_policy.measured("arms", None, known, 10)
    assert found == {"rates": {"a": 0.1, "b": 0.2}, "tried": [*fresh["tried"], {"arm": "b", "rate": 0.2}]}
