"""From a download of Canvas or Moodle to the folders that `grade` reads; who is who is kept for the way back.

    HOME/submitted/FOLDER/LAB/LAB.ipynb     nbgrader's own layout, with its timestamp.txt where the time is known
    HOME/unmatched/LAB/...                  files that do not say whose they are
    HOME/students.csv                       a folder's student, with ids and address
    HOME/intake_LAB.csv                     every file of the download: whose it is, when, and where it went

Nothing is dropped: a student who is not on the roster gets a folder and is said. What is written replaces what an
earlier download of the same lab brought for the same students.
"""

from __future__ import annotations

import os
import re
import shutil
import tempfile
import unicodedata
from collections.abc import Iterable
from dataclasses import astuple, dataclass, field, fields, replace
from datetime import datetime, tzinfo
from pathlib import Path, PurePosixPath

from grader.marking.tables import as_csv
from grader.school import roster as rosters
from grader.school import spreadsheets
from grader.school.download import Download, Item, opened
from grader.school.matching import Matches, match_all
from grader.school.names import is_of_lab
from grader.school.roster import Roster, Student
from grader.school.times import moment, utc
from utils.errors import CourseError
from utils.machine.workspace import require_writable, write_whole

SUBMITTED, UNMATCHED = "submitted", "unmatched"
_TIMESTAMP = "timestamp.txt"


@dataclass(frozen=True)
class Row:
    """One file of a download. file: its path there. folder: whose it is, "" where that is not known.

    submitted: an ISO time. time_from: where that is from. kept_as: below HOME, "" where it was not copied.
    """

    file: str
    folder: str = ""
    system: str = ""
    id: str = ""
    attachment: str = ""
    late: str = ""
    submitted: str = ""
    time_from: str = ""
    kept_as: str = ""
    note: str = ""


@dataclass(frozen=True)
class Summary:
    """What came in. strangers: students who are on no list. absent: those of the lists without a file."""

    rows: tuple[Row, ...]
    students: int
    strangers: tuple[Student, ...]
    absent: tuple[Student, ...]
    unmatched: tuple[str, ...] = field(default=())

    @property
    def remarks(self) -> tuple[str, ...]:
        return tuple(f"{row.file}: {row.note}" for row in self.rows if row.note)


@dataclass(frozen=True)
class Settings:
    """home: the class' folder. zone: of times that name none. file_times: use a file's own time as the last resort."""

    lab: str
    home: Path
    lists: tuple[Path, ...] = ()
    zone: tzinfo | None = None
    file_times: bool = False
    anonymous: bool = False


def run(source: Path, settings: Settings) -> Summary:
    """Take a download in. Raises CourseError, and then nothing is changed."""
    require_writable(settings.home, megabytes=100, otherwise="choose another folder with --class")
    roster = rosters.load(settings.home, settings.anonymous)
    for path in settings.lists:
        roster.add_list(path)
    earlier = read_rows(settings.home, settings.lab)
    staging = Path(tempfile.mkdtemp(prefix=".intake-", dir=settings.home))
    try:
        with opened(source) as download:
            matches = match_all(download.items, roster)
            rows = _stage(download, matches, roster, settings, staging)
        _move_in(staging, settings)
    finally:
        shutil.rmtree(staging, ignore_errors=True)
    came = {row.folder for row in rows if row.folder}
    kept = _still_there(settings.home, settings.lab, earlier, rows)
    write_rows(settings.home, settings.lab, [*rows, *kept])
    rosters.save(settings.home, roster)
    here = came | {row.folder for row in kept}
    return Summary(
        rows=tuple(rows),
        students=len(came),
        strangers=tuple(s for s in roster.students if not s.on_roster and s.folder in came),
        absent=tuple(s for s in roster.students if s.on_roster and s.folder not in here),
        unmatched=tuple(row.file for row in rows if not row.folder),
    )


def read_rows(home: Path, lab: str) -> list[Row]:
    """What intake wrote of a lab; nothing where it has not run. Raises CourseError."""
    path = home / f"intake_{lab}.csv"
    if not path.exists():
        return []
    sheet = spreadsheets.read(path)
    if sheet.header != [each.name for each in fields(Row)]:
        raise CourseError(f"{str(path)!r} is not a list that intake wrote: its columns differ.")
    return [Row(*(cell.removeprefix("'") for cell in row)) for row in sheet.rows]


def write_rows(home: Path, lab: str, rows: Iterable[Row]) -> None:
    write_whole(
        home / f"intake_{lab}.csv", as_csv([[each.name for each in fields(Row)], *(astuple(row) for row in rows)])
    )


def _stage(download: Download, matches: Matches, roster: Roster, settings: Settings, staging: Path) -> list[Row]:
    """Copy every file to where it will lie; a row for each."""
    rows = []
    taken: set[str] = set()
    for item in matches.nobodys:
        name = _unused(safe_name("_".join(item.path.parts)), taken)
        note = item.problem or "Its name does not say whose it is."
        rows.append(
            _copied(download, item, staging, f"{UNMATCHED}/{settings.lab}/{name}", Row(str(item.path), note=note))
        )
    for folder, files in matches.by_folder.items():
        (student,) = (each for each in roster.students if each.folder == folder)
        rows += _stage_student(download, student, files, settings, staging)
    return rows


def _stage_student(download: Download, student: Student, files: list, settings: Settings, staging: Path) -> list[Row]:
    names = names_in_folder([(who.file, who.attachment, bool(item.problem)) for item, who, _ in files], settings.lab)
    base = f"{SUBMITTED}/{student.folder}/{settings.lab}"
    submitted, source = _time(download, student, [item for item, _, _ in files], settings)
    rows = []
    for (item, who, note), name in zip(files, names, strict=True):
        row = Row(
            str(item.path), student.folder, who.system, who.id, who.attachment, "LATE" if who.late else "",
            submitted.isoformat() if submitted else "", source, note=" ".join(filter(None, (item.problem, note))),
        )  # fmt: skip
        rows.append(row if who.file == _TIMESTAMP else _copied(download, item, staging, f"{base}/{name}", row))
    (staging / base).mkdir(parents=True, exist_ok=True)
    if submitted:
        (staging / base / _TIMESTAMP).write_text(utc(submitted) + "\n", encoding="utf-8")
    return rows


def _copied(download: Download, item: Item, staging: Path, place: str, row: Row) -> Row:
    if item.problem:
        return row
    download.copy(item, staging / place)
    return replace(row, kept_as=place)


def _time(download: Download, student: Student, items: list[Item], settings: Settings) -> tuple[datetime | None, str]:
    """When a student handed in, and how that is known."""
    if student.submitted:
        found = moment(student.submitted, settings.zone)
        if found is None:
            raise CourseError(
                f"The time {student.submitted!r} of {student.name} is not understood: use one such as 2025-05-14"
                " 15:05, or export the list with Moodle set to English."
            )
        return found, "list"
    for item in items:
        if item.path.name == _TIMESTAMP:
            found = moment(download.text(item, 100), settings.zone)
            if found:
                return found, "nbgrader"
    return (max(item.changed for item in items), "file") if settings.file_times else (None, "")


def names_in_folder(files: list[tuple[str, str, bool]], lab: str) -> list[str]:
    """What each file is called in the student's folder. files: name, Canvas' number of it, whether it is not copied.

    The lab's notebook gets the lab's name: of several, the one with exactly that name, or on Canvas the latest.
    """
    ours = [place for place, (name, _, left_out) in enumerate(files) if is_of_lab(name, lab) and not left_out]
    exact = [place for place in ours if files[place][0] == f"{lab}.ipynb"]
    numbered = [place for place in ours if files[place][1]]
    main = max(numbered, key=lambda place: int(files[place][1]), default=None)
    if main is None and (exact or len(ours) == 1):
        main = (exact or ours)[0]
    taken = {f"{lab}.ipynb".casefold()} if main is not None else set()
    return [
        f"{lab}.ipynb" if place == main else _unused(safe_name(name), taken) for place, (name, _, _) in enumerate(files)
    ]


def safe_name(name: str) -> str:
    """A file's name as it may be written here: no path, nothing hidden, nothing that is not shown."""
    text = re.sub(r"[^\w ,.()@+=-]", "_", unicodedata.normalize("NFC", PurePosixPath(name).name or name))
    stem, dot, ending = text.lstrip(". ").rpartition(".")
    return (stem[:90] + dot + ending[:20]) if dot else ending[:110] or "file"


def _unused(name: str, taken: set[str]) -> str:
    stem, dot, ending = name.rpartition(".") if "." in name else (name, "", "")
    count, found = 1, name
    while found.casefold() in taken:
        count += 1
        found = f"{stem}-{count}{dot}{ending}"
    taken.add(found.casefold())
    return found


def _move_in(staging: Path, settings: Settings) -> None:
    """Put what is staged in the place of what lay there: each student's folder of this lab, whole."""
    fresh = sorted((staging / SUBMITTED).glob("*/*")) + sorted((staging / UNMATCHED).glob("*/*"))
    for place in fresh:
        target = settings.home / place.relative_to(staging)
        target.parent.mkdir(parents=True, exist_ok=True)
        if target.is_dir():
            os.replace(target, staging / f"old-{place.parent.name}")
        os.replace(place, target)


def _still_there(home: Path, lab: str, earlier: list[Row], rows: list[Row]) -> list[Row]:
    """The rows of earlier downloads that this one does not replace. A file that found its student is not kept twice."""
    files, came = {row.file for row in rows}, {row.folder for row in rows if row.folder}
    written = {row.kept_as for row in rows}
    for row in earlier:
        if row.file in files and row.kept_as not in written and row.folder not in came:
            if row.folder:
                shutil.rmtree(home / SUBMITTED / row.folder / lab, ignore_errors=True)
            elif row.kept_as:
                (home / row.kept_as).unlink(missing_ok=True)
    return [row for row in earlier if row.file not in files and row.folder not in came]
