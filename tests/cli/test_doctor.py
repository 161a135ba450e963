"""The doctor answers in one line a question, whatever is broken."""

import argparse

from cli import doctor


def test_every_question_is_one_line_and_a_failing_probe_is_a_line_too(monkeypatch, capsys):
    def broken() -> str:
        raise RuntimeError("driver\nwith a long story")

    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setitem(doctor.PROBES, "GPU", broken)
    monkeypatch.setitem(doctor.PROBES, "text", lambda: "left out here: it takes seconds")
    assert doctor.main(argparse.Namespace()) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split("  ")[0].strip() for line in lines] == [name for name in doctor.PROBES]
    assert "could not be told (RuntimeError: driver)" in lines[list(doctor.PROBES).index("GPU")]
    assert "HF_HUB_OFFLINE" in lines[list(doctor.PROBES).index("model hub")]


def test_a_hub_of_ones_own_is_asked(monkeypatch):
    monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:1")
    assert "http://127.0.0.1:1 does not answer" in doctor.hub()


def test_too_little_memory_is_said(monkeypatch):
    monkeypatch.setattr("psutil.virtual_memory", lambda: (4e9, 0.5e9))
    assert "close other programs" in doctor.memory()
