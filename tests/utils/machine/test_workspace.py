"""Are results and caches where they were asked for?"""

import os
import shlex
import shutil
import subprocess
from types import SimpleNamespace

import pytest

from utils.errors import CourseError
from utils.machine.workspace import cache_folder, install_command, output_folder, require_writable


def test_folders_are_the_ones_asked_for(tmp_path, monkeypatch):
    monkeypatch.setenv("COURSE_OUT", str(tmp_path / "out"))
    assert output_folder("02_lab") == tmp_path / "out" and (tmp_path / "out").is_dir()
    monkeypatch.setenv("COURSE_CACHE", str(tmp_path / "cache"))
    assert cache_folder() == tmp_path / "cache"
    (tmp_path / "file").touch()
    monkeypatch.setenv("COURSE_CACHE", str(tmp_path / "file"))
    assert cache_folder() is None
    require_writable(tmp_path, megabytes=0)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["cache", "file", "out"]


def test_a_message_says_only_what_helps_where_it_is_read(tmp_path, monkeypatch):
    (tmp_path / "file").touch()
    monkeypatch.setenv("COURSE_OUT", str(tmp_path / "file" / "out"))
    with pytest.raises(CourseError, match=r"/out' \(.*\): set COURSE_OUT to another folder\.$"):
        output_folder("02_lab")
    with pytest.raises(CourseError, match=r"\): choose another with --there\.$"):
        require_writable(tmp_path / "file", 1, otherwise="choose another with --there")
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=3 * 2**20))
    with pytest.raises(
        CourseError, match=r"Only 3 MB .*; 9 MB are needed: free some space, or choose another folder\.$"
    ):
        require_writable(tmp_path, 9)


@pytest.mark.skipif(os.name == "nt", reason="splits the line as a POSIX shell does")
@pytest.mark.parametrize(
    ("name", "options"), [("requirements-trl.txt", ()), ("requirements-smollm.txt", ("--no-deps",))]
)
def test_the_line_that_a_reader_is_shown_works_in_whatever_folder_he_is(tmp_path, name, options):
    command = [*shlex.split(install_command(name, *options)), "--dry-run", "--no-index"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    read = any(words in done.stderr for words in ("No matching distribution", "ResolutionImpossible"))
    assert done.returncode == 0 or read, done.stderr  # without an index, pip gets no further than the packages' names
    assert "No such file" not in done.stderr
