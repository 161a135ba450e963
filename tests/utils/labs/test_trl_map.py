"""The names and defaults of TRL's two trainers, which Lab 6 prints."""

import sys

import pytest

from utils.labs.trl_map import how_to_install, trl_defaults


def test_the_defaults_are_those_of_the_settings_themselves():
    trl = pytest.importorskip("trl")
    found = trl_defaults()
    assert list(found) == ["GKDConfig", "DistillationConfig"]
    settings = trl.DistillationConfig(output_dir="unused", report_to="none", bf16=False)
    assert found["DistillationConfig"] == {name: getattr(settings, name) for name in found["DistillationConfig"]}
    assert {"lmbda", "beta", "seq_kd", "temperature"} <= set(found["GKDConfig"])


def test_without_trl_there_are_none_and_a_line_says_how_to_install_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "trl", None)
    assert trl_defaults() == {} and "requirements-trl.txt" in how_to_install()
