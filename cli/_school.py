"""What `grades` and `handback` have in common: a graded class, its policy for late work, and the grades of both."""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from grader.notebook.labs import is_called
from utils.errors import CourseError
from utils.machine.workspace import ROOT, write_whole

if TYPE_CHECKING:
    from grader.school.grades import Grade
    from grader.school.intake import Row

_CHOSEN = Path(".grading", "class.json")  # below --out: the class and deadlines that late work is counted by


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--class", dest="home", metavar="DIR", type=Path, required=True, help="as for intake")
    parser.add_argument("--out", metavar="DIR", type=Path, default=Path("graded"), help="grade's folder (graded)")
    parser.add_argument("--db", metavar="URL", help="nbgrader's gradebook, as grade was told (OUT/gradebook.db)")
    parser.add_argument(
        "--late", metavar="FILE", type=Path, help="deadlines and penalty (DIR/late.toml, if it is there)"
    )


@dataclass(frozen=True)
class Class:
    """grades: of everybody. intake: lab -> what came in. labs: those that are graded."""

    grades: Sequence[Grade]
    intake: dict[str, list[Row]]
    labs: tuple[str, ...]

    @classmethod
    def of(cls, args: argparse.Namespace) -> Class:
        """The class as it is graded; the gradebook and the pages learn who is late, now and whenever `grade` runs.

        Raises CourseError.
        """
        found = cls.counted(args.home, args.out, args.db, args.late)
        chosen = {"home": args.home, "late": args.late}
        write_whole(
            args.out / _CHOSEN, json.dumps({name: path and str(path.resolve()) for name, path in chosen.items()})
        )
        return found

    @classmethod
    def counted(cls, home: Path, out: Path, db: str | None, late: Path | None) -> Class:
        """home: of the class. out, db: of the grading. late: deadlines, None for those of the class."""
        from grader.marking.gradebook import opened
        from grader.school import grades, handback, in_gradebook, intake, lateness, roster

        rows = grades.read_results(out)
        labs = tuple(sorted({row["lab"] for row in rows}))
        known = roster.load(home)
        students = [*known.students, *known.strangers]
        if not students:
            raise CourseError(f"{str(home)!r} holds no class: run `course.py intake` first, with --class {home}.")
        came = {lab: intake.read_rows(home, lab) for lab in labs}
        usual = home / "late.toml"
        path = late or (usual if usual.is_file() else None)
        names = {*labs, *(folder.name for folder in (ROOT / "labs").glob("[0-9][0-9]_*"))}
        policy = lateness.read(path, students, names) if path else lateness.Policy()
        address = in_gradebook.address(out, db)
        extra = {}
        if address:
            with opened(address) as book:
                extra = in_gradebook.extra_credit(book)
        found = grades.compute(rows, students, came, policy, extra)
        if address:
            with opened(address) as book:
                in_gradebook.set_deadlines(book, {lab: policy.deadline(lab) for lab in labs})
                in_gradebook.record(book, found)
        handback.add_notes(out, found)
        return cls(found, came, labs)

    def tell(self) -> None:
        """Say in a few lines what there is to know."""
        waiting = [grade for grade in self.grades if grade.waiting]
        print(f"{len(self.grades)} students, {', '.join(self.labs)}.")
        for lab in self.labs:
            of_lab = [grade.labs[lab] for grade in self.grades]
            absent = sum(one.status == "absent" for one in of_lab)
            late = [one for one in of_lab if one.late.note]
            print(f"{lab}: {len(of_lab) - absent} handed in, {absent} did not, {len(late)} late.")
        if waiting:
            print(f"{len(waiting)} wait for marks by hand: `course.py mark`, then `course.py grade` again.")


def count_again(out: Path, db: str | None) -> None:
    """What `grades` has done for this grading, once more: `grade` writes scores and pages without late work.

    Says so where that cannot be; does nothing where `grades` never ran.
    """
    try:
        chosen = json.loads((out / _CHOSEN).read_text(encoding="utf-8"))
        home, late = (Path(path) if path else None for path in (chosen["home"], chosen["late"]))
    except (OSError, ValueError, KeyError, TypeError):
        return
    try:
        found = Class.counted(home, out, db, late)
    except CourseError as error:
        print(f"Late work is not counted on the pages: {error}")
        return
    count = sum(bool(one.late.note) for grade in found.grades for one in grade.labs.values())
    if count:
        pages = "1 page says it" if count == 1 else f"{count} pages say it"
        print(f"Late work: {pages}, as `course.py grades` counts it for {home}.")


def named(pairs: Sequence[str], labs: Sequence[str]) -> dict[str, str]:
    """What was given as NN=VALUE, by the lab's name. Raises CourseError."""
    found = {}
    for pair in pairs:
        number, sign, value = pair.partition("=")
        fitting = [lab for lab in labs if is_called(lab, number)]
        if not sign or not value or not fitting:
            raise CourseError(f"{pair!r} must be the number of a graded lab, =, and a value ({', '.join(labs)}).")
        found[fitting[0]] = value
    return found
