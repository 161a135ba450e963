"""The sandbox's server as a process: started before it is needed, waited for when it is, started again when it is gone.

Light on purpose: it imports neither torch nor numpy, so that the server loads them while the grader still does.
"""

from __future__ import annotations

import contextlib
import os
import select
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from grader.sandbox import bubblewrap, stage
from utils.errors import CourseError

_START_SECONDS = 300.0


class ServerProcess:
    """One server inside bubblewrap where ``confined``. ``control`` takes the sockets that it lends to learners."""

    def __init__(self, confined: bool = True, root: Path = stage.ROOT):
        self.confined = confined
        self._root = root
        self._folder: tempfile.TemporaryDirectory | None = None
        self._process: subprocess.Popen | None = None
        self._control: socket.socket | None = None
        self._errors = None
        self._ready = False

    def __enter__(self) -> ServerProcess:
        """Start it and do not wait; what goes wrong is said by whoever needs it first."""
        with contextlib.suppress(CourseError):
            self.launch()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop()
        if self._folder:
            self._folder.cleanup()
            self._folder = None

    def launch(self) -> None:
        """Start the server unless it runs. Raises CourseError where that cannot be."""
        if self._process is not None and self._process.poll() is None:
            return
        self._stop()
        if self.confined:
            bubblewrap.require()
        try:
            self._start(self._course())
        except OSError as error:
            self._stop()
            raise CourseError(
                f"The sandbox cannot be made in {tempfile.gettempdir()!r} ({error.strerror}): it needs 50 MB there, or"
                " set TMPDIR to another folder."
            ) from error

    def control(self) -> socket.socket:
        """The socket to a server that is ready. Raises CourseError where it does not get so far."""
        if self._process is not None and self._ready and self._process.poll() is None:
            return self._control
        self.launch()
        if not self._ready:
            self._wait()
        return self._control

    def kill(self) -> None:
        """End it at once, as anything else on the machine might."""
        self._process.kill()
        self._process.wait()

    def _course(self) -> Path:
        """The folder with the reduced course, which all servers of this object share."""
        if self._folder is None:
            self._folder = tempfile.TemporaryDirectory(prefix="course-grading-", ignore_cleanup_errors=True)
            os.chmod(self._folder.name, 0o755)
        course = Path(self._folder.name) / "course"
        if not course.is_dir():
            partial = Path(self._folder.name) / "partial"
            stage.build(partial, self._root)
            partial.rename(course)
        return course

    def _start(self, course: Path) -> None:
        ours, theirs = socket.socketpair()
        mode = "confined" if self.confined else "open"
        line = [sys.executable, "-m", "grader.sandbox.server", str(theirs.fileno()), mode]
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115  (lives as long as the server)
        settings: dict = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL, "stderr": self._errors}
        if self.confined:
            line = bubblewrap.command(course, line)
        else:
            scratch = course.parent / "scratch"
            scratch.mkdir(exist_ok=True)
            names = ("HOME", "MPLCONFIGDIR", "IPYTHONDIR", "TMPDIR", "COURSE_OUT", "COURSE_CACHE")
            folders = {name: str(scratch) for name in names}
            settings |= {"env": bubblewrap.environment(str(course)) | folders, "cwd": scratch}
        self._control = ours
        with theirs:
            self._process = subprocess.Popen(line, pass_fds=[theirs.fileno()], start_new_session=True, **settings)

    def _wait(self) -> None:
        """Until it says that it is ready: a byte on its socket, and an end of that where it is gone."""
        end = time.monotonic() + _START_SECONDS
        while time.monotonic() < end:
            if select.select([self._control], [], [], 1.0)[0]:
                self._ready = self._control.recv(1) != b""
                break
        if not self._ready:
            self._errors.seek(0)
            text = self._errors.read().decode("utf-8", "replace")
            self._stop()
            raise bubblewrap.complaint(text)

    def _stop(self) -> None:
        if self._control:
            self._control.close()
        if self._process:
            self._process.kill()
            self._process.wait()
        if self._errors:
            self._errors.close()
        self._control = self._process = self._errors = None
        self._ready = False
