"""A learner's copy stays the learner's: the course loses no word of it, and JupyterLab opens on it, signed in."""

import argparse
import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import urlopen

import pytest

from cli import __main__ as dispatcher
from cli import lab
from cli._copies import copy_missing, find_copy, is_outdated, start_anew
from tests.cli.served import answer
from utils.errors import CourseError
from utils.machine.workspace import ROOT


def notebook(text: str, version: str = "1") -> str:
    cell = {"cell_type": "markdown", "id": "a", "metadata": {}, "source": text}
    kernel = {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"}
    lab = text.split()[-1] if text.startswith("released 0") else "02_second"
    metadata = {"kernelspec": kernel, "distillation_course": {"version": version, "lab": lab}}
    return json.dumps({"cells": [cell], "metadata": metadata, "nbformat": 4, "nbformat_minor": 5})


@pytest.fixture
def course(tmp_path) -> Path:
    """A course with two labs."""
    for name in ("01_first", "02_second"):
        folder = tmp_path / "labs" / name
        folder.mkdir(parents=True)
        (folder / f"{name}.ipynb").write_text(notebook(f"released {name}"))
    (tmp_path / "labs" / "02_second" / "data.txt").write_text("beside")
    return tmp_path


@pytest.fixture
def open_lab(course, monkeypatch, capsys):
    """`course.py lab` without JupyterLab; returns the notebook that would open, the arguments, and what was said."""
    opened = []
    monkeypatch.setattr(lab, "open_jupyter", lambda root, path, rest: opened.append((path, rest)) or 0)

    def start(number=None, fresh=None, rest=()) -> tuple[Path, list, str]:
        arguments = [*([number] if number else []), *rest]
        assert lab.main(argparse.Namespace(fresh=fresh, rest=arguments), course) == 0
        assert (course / "my_labs" / "map.md").is_file()
        return (*opened[-1], capsys.readouterr().out)

    return start


def test_the_first_start_copies_every_lab_and_opens_the_map(course, open_lab):
    path, _, said = open_lab()
    assert path == course / "my_labs" / "map.md"
    assert str(path) in said
    assert (course / "my_labs" / "02_second" / "data.txt").read_text() == "beside"


@pytest.mark.parametrize("number", ["2", "02", "02_second"])
def test_a_lab_is_chosen_by_number_or_name(course, open_lab, number):
    assert open_lab(number)[0].name == "02_second.ipynb"


def test_what_the_learner_wrote_stays_when_the_course_changes(course, open_lab):
    path, *_ = open_lab("02")
    path.write_text(notebook("mine"))
    (course / "labs" / "02_second" / "02_second.ipynb").write_text(notebook("released again", "2"))
    (course / "labs" / "02_second" / "data.txt").write_text("changed")
    _, _, said = open_lab("02")
    assert path.read_text() == notebook("mine")
    assert (path.parent / "data.txt").read_text() == "beside"
    assert "newer version of 02_second" in said and "course.py lab 02 --fresh" in said


def test_nothing_is_said_of_versions_where_they_agree_or_are_unknown(course, open_lab):
    path, *_ = open_lab("02")
    assert not is_outdated(course, path)
    path.write_text("{}")
    assert "newer" not in open_lab("02")[2]


def test_fresh_gives_a_new_copy_and_keeps_every_old_one(course, open_lab):
    path, *_ = open_lab("02")
    for text in ("mine", "mine too"):
        path.write_text(notebook(text))
        opened, _, said = open_lab(fresh="02")
        assert opened == path and path.read_text() == notebook("released 02_second")
        assert re.search(r"kept in .*02_second\.kept-\d{4}-\d\d-\d\d", said)
    kept = sorted((course / "my_labs").glob("02_second.kept-*/02_second.ipynb"))
    assert [old.read_text() for old in kept] == [notebook("mine"), notebook("mine too")]


def test_labs_is_never_written(course, open_lab):
    before = {path: path.read_bytes() for path in course.rglob("labs/**/*.ipynb")}
    open_lab("02")
    open_lab(fresh="02")
    assert {path: path.read_bytes() for path in (course / "labs").rglob("*.ipynb")} == before


def test_a_read_only_course_gives_a_copy_that_can_be_written(course):
    released = course / "labs" / "01_first" / "01_first.ipynb"
    released.chmod(0o444)
    copy_missing(course)
    assert os.stat(find_copy(course, "01")).st_mode & 0o200


def test_a_copy_that_was_cut_short_is_made_again(course):
    partial = course / "my_labs" / ".01_first.partial"
    partial.mkdir(parents=True)
    (partial / "01_first.ipynb").write_text("half")
    copy_missing(course)
    assert find_copy(course, "01").read_text() == notebook("released 01_first")


def test_a_deleted_notebook_comes_back_beside_what_else_the_learner_keeps_there(course):
    copy_missing(course)
    path = find_copy(course, "01")
    (path.parent / "notes.txt").write_text("mine")
    path.unlink()
    copy_missing(course)
    assert path.exists() and (path.parent / "notes.txt").read_text() == "mine"


def test_an_unknown_lab_lists_those_there_are(course):
    with pytest.raises(CourseError, match=r"no lab '12'. There are: 01_first, 02_second"):
        find_copy(course, "12")


def test_starting_anew_loses_nothing_when_the_copy_fails(course, monkeypatch):
    copy_missing(course)
    path = find_copy(course, "01")
    path.write_text(notebook("mine"))
    monkeypatch.setattr("shutil.copyfile", lambda *_: (_ for _ in ()).throw(OSError(28, "No space left on device")))
    with pytest.raises((CourseError, OSError)):
        start_anew(course, path)
    assert any(old.read_text() == notebook("mine") for old in (course / "my_labs").rglob("01_first.ipynb"))


@pytest.mark.parametrize("number", ["02", None])
@pytest.mark.parametrize(
    "rest",
    [
        ["--no-browser", "--port", "9999"],
        ["--port", "9999", "--no-browser"],
        ["--port=9999", "--ServerApp.token", "x", "--LabApp.open_browser=False", "-y"],
        ["--watch", "--sock", "file", "--version"],
    ],
)
def test_the_first_argument_is_the_lab_and_options_with_their_values_go_to_jupyterlab(open_lab, number, rest):
    path, options, _ = open_lab(number, rest=rest)
    assert path.stem == ("02_second" if number else "map") and options == rest


def test_the_value_of_an_option_of_jupyterlabs_is_no_lab(monkeypatch):
    received = []
    monkeypatch.setattr(lab, "main", lambda args: received.append(args) or 0)
    assert dispatcher.main(["lab", "--port", "9999", "--fresh", "02", "--no-browser"]) == 0
    (args,) = received
    assert (args.fresh, lab.split(args.rest)) == ("02", (None, ["--port", "9999", "--no-browser"]))


@pytest.mark.parametrize(
    ("rest", "said"),
    [
        (["02", "01"], "'01' is neither an option nor an option's value. Only the first argument can name a lab"),
        (["--no-browser", "02"], "'02' is neither an option"),
        (["--prot", "9999"], "Neither course.py nor JupyterLab has an option --prot"),
        (["02", "-z"], "has an option -z"),
        (["--no-browser=1"], "--no-browser takes no value"),
        (["--port"], "--port needs a value"),
        (["99"], "There is no lab '99'"),
        (["99", "--prot"], "There is no lab '99'"),
    ],
)
def test_what_nobody_knows_is_a_sentence_before_anything_is_copied(course, open_lab, rest, said):
    with pytest.raises(CourseError) as error:
        open_lab(rest=rest)
    assert said in str(error.value)
    assert not (course / "my_labs").exists()


def test_a_lab_to_open_and_another_to_start_anew_are_refused(course, open_lab):
    with pytest.raises(CourseError, match="'lab 01' opens a lab and '--fresh 02' starts one anew"):
        open_lab("01", fresh="02")
    assert not (course / "my_labs").exists()


def test_jupyterlab_opens_the_copy_signed_in_with_the_courses_python_and_ends_on_ctrl_c(course):
    code = "import sys; from cli import lab; from pathlib import Path; import argparse;"
    code += "a = argparse.Namespace(fresh=None, rest=['02', '--no-browser']);"
    code += f"sys.exit(lab.main(a, Path({str(course)!r})))"
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "JUPYTER_CONFIG_DIR": str(course / "config")}
    streams = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
    process = subprocess.Popen([sys.executable, "-c", code], env=environment, cwd=course, **streams)
    try:
        said, address = "", ""
        for line in process.stdout:
            said += line
            found = re.search(r"http://(?:localhost|127\.0\.0\.1):\d+/lab/tree/\S+", line)
            if found:
                address = found[0]
                break
        assert "my_labs/02_second/02_second.ipynb?token=" in address, said
        base, _, token = address.partition("/lab/tree/")[0], *address.partition("token=")[1:]
        specs = answer(f"{base}/api/kernelspecs?token={token}")
        folder = Path(specs["kernelspecs"]["python3"]["resources"]["logo-svg"])
        assert specs["default"] == "python3" and folder.name
        with pytest.raises(HTTPError, match="404"):
            urlopen(f"{base}/formgrader/gradebook?token={token}", timeout=60)
        process.send_signal(signal.SIGINT)
        rest = process.communicate(timeout=60)[0]
    finally:
        process.kill()
        process.wait()
    assert process.returncode == 0 and "JupyterLab has ended" in rest
    assert "Traceback" not in rest and "Shut down this Jupyter server" not in rest


@pytest.mark.parametrize(
    ("words", "fresh", "rest"),
    [
        (["02", "--fresh"], "", ["02"]),
        (["--fresh", "02"], "02", []),
        (["02", "--fresh", "--no-browser"], "", ["02", "--no-browser"]),
    ],
)
def test_fresh_is_said_before_or_behind_the_lab(monkeypatch, words, fresh, rest):
    received = []
    monkeypatch.setattr(lab, "main", lambda args: received.append(args) or 0)
    assert dispatcher.main(["lab", *words]) == 0
    assert (received[0].fresh, received[0].rest) == (fresh, rest)


def test_fresh_behind_the_lab_starts_that_lab_anew(course, open_lab):
    path, *_ = open_lab("02")
    path.write_text(notebook("mine"))
    opened, _, said = open_lab("02", fresh="")
    assert opened == path and path.read_text() == notebook("released 02_second") and "kept in" in said


def test_fresh_without_a_lab_asks_for_one_and_copies_nothing(course, open_lab):
    with pytest.raises(CourseError, match="Which lab shall start anew"):
        open_lab(fresh="")
    assert not (course / "my_labs").exists()


def test_a_notebook_that_was_given_another_name_is_mentioned(course, open_lab):
    path, *_ = open_lab("02")
    assert "another" not in open_lab("02")[2]
    path.rename(path.with_name("evening.ipynb"))
    (path.parent / "scratch.ipynb").write_text("{}")
    said = open_lab("02")[2]
    assert "another one of this lab: evening.ipynb" in said and "scratch" not in said


def configured_for_learners(program, tmp_path):
    """What a program prints where Jupyter reads the learners' settings alone, as JSON."""
    environment = {
        **os.environ,
        "JUPYTER_CONFIG_PATH": str(lab.FOR_LEARNERS),
        "JUPYTER_CONFIG_DIR": str(tmp_path),
        "JUPYTER_NO_CONFIG": "",
    }
    done = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


def test_a_learner_s_server_does_not_wait_longer_for_an_answer_than_until_the_next_ping(tmp_path):
    # tornado warns on every start if it does
    program = (
        "import json; from jupyter_server.serverapp import ServerApp;"
        "from jupyter_server.base.websocket import WebSocketMixin;"
        "app = ServerApp(); app.load_config_file();"
        "handler = type('Handler', (WebSocketMixin,), {'settings': app.tornado_settings})();"
        "print(json.dumps([handler.ping_interval, handler.ping_timeout]))"
    )
    interval, timeout = configured_for_learners(program, tmp_path)
    assert 0 < timeout <= interval


def test_a_learner_s_jupyterlab_has_no_teacher_s_tools_and_no_news(tmp_path):
    program = (
        "import json; from jupyterlab_server.config import get_page_config;"
        "from jupyter_server.services.config.manager import ConfigManager as Manager;"
        "print(json.dumps([get_page_config([], None)['disabledExtensions'],"
        "Manager(config_dir_name='labconfig').get('default_setting_overrides')]))"
    )
    disabled, settings = configured_for_learners(program, tmp_path)
    assert "@jupyter/nbgrader" in disabled
    assert settings["@jupyterlab/apputils-extension:notification"]["fetchNews"] == "false"
