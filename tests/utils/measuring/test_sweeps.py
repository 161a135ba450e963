"""A sweep changes the knob alone, goes on where it stopped, and says how sure its winner is."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from utils.errors import CourseError
from utils.measuring import sweeps
from utils.measuring.evaluation import Evaluation
from utils.measuring.sweeps import Hidden, Setting, Sweep, best_rate, wins
from utils.models import loading as models
from utils.models.loading import freeze
from utils.models.profiles import get_profile


@pytest.fixture
def sweep(make_model, make_rows, monkeypatch):
    monkeypatch.setattr(models, "load_model", lambda *_: make_model(2, 37, layers=2, width=8))
    rows = make_rows((9, 3, 14, 2, 7, 11), 37)
    profile = replace(get_profile("smoke", announce=False), batch_size=3)
    return Sweep(profile, freeze(make_model(1, 37, layers=3)), rows[:4], rows[4:], 0)


def perplexities(outcomes):
    return [outcome.evaluation.perplexity for outcome in outcomes.values()]


def test_the_same_setting_gives_the_same_student_and_another_one_another(sweep):
    first = perplexities(sweep.run([Setting(1.0, 0.5), Setting(3.0, 0.5), Setting(1.0, 0.9)]))
    assert len(set(first)) == 3
    again = Sweep(sweep.profile, sweep.teacher, sweep.train_rows, sweep.judged_rows, 0)
    assert perplexities(again.run([Setting(1.0, 0.9)])) == first[2:]


def test_an_arm_has_its_own_recorded_rate_and_another_profile_its_own_two():
    profile = replace(get_profile("smoke", announce=False), learning_rate=0.1, ce_learning_rate=0.2)
    recorded = {"profile": "smoke", "learning_rates": {"soft targets": 0.3}}
    assert best_rate(recorded, profile, "soft targets") == 0.3
    assert best_rate(recorded, profile, "another arm") == 0.1
    other = replace(profile, name="full")
    assert best_rate(recorded, other, "soft targets") == 0.1
    assert best_rate(recorded, other, "hard labels", control=True) == 0.2


def test_without_the_soft_part_the_temperature_changes_nothing(sweep):
    one, other = perplexities(sweep.run([Setting(1.0, 0.0), Setting(10.0, 0.0)]))
    assert one == other


def test_what_was_computed_is_kept_and_not_computed_again(sweep, monkeypatch):
    settings = [Setting(t, 0.5) for t in (1.0, 2.0, 3.0)]
    outcome, asked = sweep.outcome, []

    def stops(setting):
        asked.append(setting)
        if len(asked) == 2:
            raise KeyboardInterrupt
        return outcome(setting)

    monkeypatch.setattr(sweep, "outcome", stops)
    with pytest.raises(KeyboardInterrupt, match="stopped with 1 of 3"):
        sweep.run(settings)
    assert list(sweep.run(settings)) == settings
    assert asked == [settings[0], settings[1], settings[1], settings[2]]


def test_hidden_states_train_the_student_and_leave_no_projection(sweep):
    plain, matched = Setting(), Setting(hidden=Hidden(1.0, (1, 3)))
    assert not any("projections" in name for name in sweep.trained(matched).state_dict())
    assert len(set(perplexities(sweep.run([plain, matched])))) == 2


def test_a_frozen_projection_stays(sweep, monkeypatch):
    seen = []
    monkeypatch.setattr(sweeps, "drop_projections", lambda student: seen.append(student.projections[0].weight.clone()))
    for frozen in (True, False):
        sweep.trained(Setting(hidden=Hidden(1.0, (1, 3), frozen)))
        sweep.trained(Setting(hidden=Hidden(5.0, (1, 3), frozen)))
    assert torch.equal(seen[0], seen[1]) and not torch.equal(seen[2], seen[3])


def judged(nats):
    nats = np.asarray(nats, dtype=np.float64)
    names = tuple(f"document {i}" for i in range(len(nats)))
    return Evaluation(names, nats, np.full(len(nats), 10), np.full(len(nats), 40))


def test_a_clear_optimum_wins_nearly_always_and_equal_ones_share():
    base = np.random.Generator(np.random.PCG64(0)).normal(30, 3, 80)
    clear = wins({0.3: [judged(base + 2)], 0.5: [judged(base)], 0.9: [judged(base + 2)]})
    assert clear == {0.3: 0.0, 0.5: 1.0, 0.9: 0.0}
    noise = np.random.Generator(np.random.PCG64(1)).normal(0, 1, 80)
    noise -= noise.mean()
    shared = wins({0.3: [judged(base + noise)], 0.5: [judged(base - noise)]})
    assert sum(shared.values()) == pytest.approx(1) and 0.3 < shared[0.3] < 0.7


def test_an_optimum_needs_the_same_documents():
    with pytest.raises(CourseError, match="different documents"):
        wins({0.3: [judged([1, 2])], 0.5: [judged([1, 2, 3])]})
