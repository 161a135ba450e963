"""The doctor answers in one line a question, whatever is broken."""

import argparse
import os
import sys

import pytest

from cli import doctor
from utils.data.corpus import Corpus
from utils.data.documents import Document


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


def test_a_hub_is_switched_off_only_by_what_its_own_library_takes_for_yes(monkeypatch):
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:1")
    for value, said in (("0", "does not answer"), ("yes", "is switched off by HF_HUB_OFFLINE")):
        monkeypatch.setenv("HF_HUB_OFFLINE", value)
        assert said in doctor.hub()


@pytest.mark.skipif(sys.platform != "linux", reason="the sandbox is Linux's")
def test_a_sandbox_that_does_not_open_is_said_as_grading_would_say_it(monkeypatch, tmp_path):
    program = tmp_path / "bwrap"
    program.write_text("#!/bin/sh\necho 'bwrap: setting up uid map: Permission denied' >&2\nexit 1\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    said = doctor.sandbox()
    assert "only instructors need it" in said and "setting up uid map" in said and "sysctl" in said


def test_too_little_memory_is_said(monkeypatch):
    monkeypatch.setattr("psutil.virtual_memory", lambda: (4e9, 0.5e9))
    assert "close other programs" in doctor.memory()


def test_the_number_of_documents_that_a_lab_names_stands_beside_the_whole(monkeypatch):
    documents = tuple(Document(str(length), "x" * length, "made up") for length in (60, 80, 81, 200))
    monkeypatch.setattr("utils.data.corpus.load_corpus", lambda _: Corpus("some text", documents, (), documents, 0))
    said = doctor.text()
    assert "some text: 4 documents to train on" in said
    assert said.endswith("to train on, embedded takes the 2 of more than 80 characters")
