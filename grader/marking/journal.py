"""What is graded already?  One small file for each submission, whole or not there at all.

A batch may be killed at any moment, and the next start must go on with the same results. So a result is kept under a
key of everything it depends on, and written beside and moved into place. So there is no half-written list, and no
result of yesterday's submission under today's name.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

from grader.marking.asserts import Asserted
from grader.marking.judge import Question, Result
from grader.marking.matching import Release
from grader.sandbox import importable
from grader.sandbox.limits import Limits
from utils.errors import CourseError
from utils.machine.workspace import write_whole

try:
    import fcntl
except ImportError:  # Windows: two gradings into one folder are not told apart
    fcntl = None


@dataclass(frozen=True)
class Entry:
    """One graded submission. recorded: the gradebook that holds it, if one does.

    remarks: what is unusual in the notebook. file, notes: which file it is, why that one, and what else lay there.
    seen: gradebook -> exercise -> `Result.basis` of what a person who marks finds in that gradebook.
    """

    student: str
    lab: str
    key: str
    seconds: float
    results: tuple[Result, ...]
    remarks: tuple[str, ...]
    recorded: str = ""
    file: str = ""
    notes: tuple[str, ...] = ()
    seen: dict[str, dict[str, str]] = field(default_factory=dict)


def environment_key(lab: Release, asked: tuple[Question | Asserted, ...], seed: int, limits: Limits) -> str:
    """A hash of all that a result depends on besides the submission and the points, which only scale it."""
    cells = repr([replace(cell, points=0.0) for cell in lab.cells])
    digest = hashlib.sha256(f"{cells} {seed} {limits.pack()} {importable.versions()}".encode() + importable.library())
    for question in asked:
        if isinstance(question, Asserted):
            digest.update(repr(question.sources).encode("utf-8", "replace"))
            continue
        digest.update(repr(question.exercise.parts).encode())
        for name, array in sorted(question.table.numbers.items()):
            digest.update(name.encode() + array.tobytes())
    return digest.hexdigest()


def submission_key(environment: str, content: bytes) -> str:
    return hashlib.sha256(environment.encode() + content).hexdigest()


class Journal:
    """The entries of one lab below OUT/.grading/LAB, and the seed of its probes."""

    def __init__(self, out: Path, lab: str):
        self._home = out / ".grading"
        self._folder = self._home / lab

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the folder for this grading alone."""
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            file = open(self._home / "lock", "w")  # noqa: SIM115  (held until the end of the block)
        except OSError as error:
            raise CourseError(
                f"Nothing can be written to {str(self._home.parent)!r} ({error.strerror}): choose another --out."
            ) from error
        with file:
            if fcntl:
                try:
                    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except OSError:
                    raise CourseError(
                        f"Another grading writes to {str(self._home.parent)!r}: wait for it, or choose another --out."
                    ) from None
            yield

    def seed(self, wanted: int | None, fresh: int) -> int:
        """The seed to grade with: the one asked for, else the recorded one, else ``fresh``; recorded in any case."""
        path = self._folder / "seed"
        with contextlib.suppress(OSError, ValueError):
            if wanted is None:
                return int(path.read_text())
        chosen = fresh if wanted is None else wanted
        write_whole(path, f"{chosen}\n")
        return chosen

    def save(self, slug: str, entry: Entry) -> None:
        write_whole(self._folder / f"{slug}.json", json.dumps(asdict(entry), ensure_ascii=True))

    def load(self, slug: str) -> Entry | None:
        """The entry of a submission, or None where there is none that can be read."""
        try:
            return _entry(json.loads((self._folder / f"{slug}.json").read_text(encoding="utf-8")))
        except (OSError, ValueError, TypeError, KeyError):
            return None

    def mark(self, slug: str, entry: Entry, url: str) -> Entry:
        """Note that the gradebook ``url`` holds this entry."""
        seen = entry.seen | {url: {result.exercise: result.basis for result in entry.results}}
        recorded = replace(entry, recorded=url, seen=seen)
        self.save(slug, recorded)
        return recorded

    def news(self, packages: tuple[str, ...]) -> tuple[str, ...]:
        """Which of these packages are not those of the last grading; they are recorded. None where it is the first."""
        path = self._folder / "packages"
        try:
            before = set(path.read_text(encoding="utf-8").split("\n"))
        except OSError:
            before = set(packages)
        write_whole(path, "\n".join(packages))
        return tuple(package for package in packages if package not in before)

    def others(self, this_lab_too: bool) -> list[Entry]:
        """Entries of the labs that were graded into the same folder before, and on demand of this one."""
        files = sorted(self._home.glob("*/*.json"))
        entries = [Journal(self._home.parent, path.parent.name).load(path.stem) for path in files]
        return [entry for entry in entries if entry and (this_lab_too or entry.lab != self._folder.name)]


def _entry(values: dict) -> Entry:
    results = []
    for row in values["results"]:
        parts = tuple((name, points, earned) for name, points, earned in row["parts"])
        results.append(Result(**row | {"misconceptions": tuple(row["misconceptions"]), "parts": parts}))
    sentences = {name: tuple(values.get(name, ())) for name in ("remarks", "notes")}
    return Entry(**values | sentences | {"results": tuple(results)})
