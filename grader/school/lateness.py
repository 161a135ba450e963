"""Who is late, by how much, and what that costs: deadlines, extensions and one rule, in a small TOML file.

    timezone = "Europe/Berlin"

    [deadlines]
    02 = 2025-05-14T23:59:00

    [rule]                    # 10 % of the points earned for each day that has begun, at most half, none after a week
    percent = 10
    per = "day"               # or "hour"
    of = "earned"             # or "maximum"
    at_most = 50
    grace_minutes = 10
    nothing_after_days = 7

    [extensions."4711"]       # a student's id, e-mail address, login or folder
    02 = 2025-05-21T23:59:00

A rule may also be a plugin of nbgrader's (`nbgrader.plugins.LateSubmissionPlugin` is one), with its settings:

    [rule]
    plugin = "nbgrader.plugins.LateSubmissionPlugin"
    penalty_method = "zero"
"""

from __future__ import annotations

import math
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, tzinfo
from functools import cached_property
from pathlib import Path

from grader.notebook.labs import is_called
from grader.school.intake import Row
from grader.school.roster import Student
from grader.school.times import local, zone_called
from utils.errors import CourseError

_SECONDS = {"hour": 3600.0, "day": 86400.0}


@dataclass(frozen=True)
class Rule:
    """percent of the points (`of`: earned or maximum) for each `per` that has begun; at_most: percent altogether."""

    percent: float = 0.0
    per: str = "day"
    of: str = "earned"
    at_most: float = 100.0
    grace_minutes: float = 0.0
    nothing_after_days: float = math.inf
    plugin: str = ""
    settings: Mapping[str, object] = field(default_factory=dict)

    def penalty(self, student: str, points: float, maximum: float, seconds: float) -> float:
        """The points that are taken off: never more than were earned."""
        late = seconds - 60 * self.grace_minutes
        if late <= 0:
            return 0.0
        if self.plugin:
            return min(points, max(0.0, float(self._plugin.late_submission_penalty(student, points, seconds) or 0.0)))
        if late > self.nothing_after_days * _SECONDS["day"]:
            return points
        begun = math.ceil(late / _SECONDS[self.per])
        share = min(self.percent * begun, self.at_most) / 100
        return round(min(points, share * (points if self.of == "earned" else maximum)), 4)

    @cached_property
    def _plugin(self):
        from traitlets.utils.importstring import import_item

        try:
            return import_item(self.plugin)(**self.settings)
        except Exception as error:  # whatever somebody's module raises
            raise CourseError(
                f"The rule's plugin {self.plugin!r} cannot be used ({type(error).__name__}: {error})."
            ) from None


@dataclass(frozen=True)
class Lateness:
    """seconds: after the deadline; None where the time is not known. note: one sentence for the learner, or ""."""

    seconds: float | None = None
    penalty: float = 0.0
    note: str = ""
    due: datetime | None = None
    submitted: datetime | None = None


@dataclass(frozen=True)
class Policy:
    """deadlines: lab's number or name -> time. extensions: student -> lab -> time. zone: None is this machine's."""

    zone: tzinfo | None = None
    deadlines: Mapping[str, datetime] = field(default_factory=dict)
    extensions: Mapping[str, Mapping[str, datetime]] = field(default_factory=dict)
    rule: Rule = field(default_factory=Rule)

    def deadline(self, lab: str) -> datetime | None:
        """The deadline for everybody."""
        return _of_lab(self.deadlines, lab)

    def due(self, lab: str, student: Student) -> datetime | None:
        """The student's deadline, with an extension where there is one."""
        own = next((self.extensions[key] for key in _names(student) if key in self.extensions), {})
        return _of_lab(own, lab) or self.deadline(lab)

    def judge(self, lab: str, student: Student, row: Row | None, points: float, maximum: float) -> Lateness:
        """How late one submission is and what that costs. row: of its notebook in the intake."""
        due = self.due(lab, student)
        if due is None or row is None:
            return Lateness()
        if row.submitted:
            submitted = local_time(row.submitted, self.zone)
            seconds = (submitted - due).total_seconds()
            if seconds <= 0:
                return Lateness(0.0, 0.0, "", due, submitted)
            cost = self.rule.penalty(student.folder, points, maximum, seconds)
            return Lateness(
                seconds, cost, f"Handed in {_span(seconds)} after the deadline{_cost(cost)}", due, submitted
            )
        if not row.late:
            return Lateness(due=due)
        period = _SECONDS[self.rule.per]
        cost = self.rule.penalty(student.folder, points, maximum, 60 * self.rule.grace_minutes + period)
        words = f"Marked late by Canvas, which says no time: counted as one {self.rule.per}{_cost(cost)}"
        return Lateness(None, cost, words, due)


def read(path: Path, students: Iterable[Student], labs: Iterable[str]) -> Policy:
    """The policy in a TOML file. Raises CourseError where it names a lab, a student or a setting that there is not."""
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else error
        raise CourseError(f"{str(path)!r} cannot be read as TOML ({reason}).") from None
    _refuse_others(path, "setting", content, {"timezone", "deadlines", "rule", "extensions"})
    zone = zone_called(content.get("timezone", ""))
    labs, names = list(labs), {name for student in students for name in _names(student)}
    extensions = content.get("extensions", {})
    _refuse_others(path, "student", extensions, names)
    try:
        deadlines = _moments(path, content.get("deadlines", {}), labs, zone)
        own = {who: _moments(path, given, labs, zone) for who, given in extensions.items()}
        return Policy(zone, deadlines, own, _rule(path, content.get("rule", {})))
    except (TypeError, AttributeError) as error:
        raise CourseError(
            f"{str(path)!r} has something of another kind than `grades --help` shows ({error})."
        ) from None


def local_time(text: str, zone: tzinfo | None) -> datetime:
    """An ISO time of the intake, with its zone. Raises CourseError."""
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        raise CourseError(f"The intake holds the time {text!r}, which is none: take the download in again.") from None
    return time if time.tzinfo else local(time, zone)


def _rule(path: Path, given: dict) -> Rule:
    if "plugin" in given:
        own = {key: value for key, value in given.items() if key in ("plugin", "grace_minutes", "per")}
        return Rule(**own, settings={key: value for key, value in given.items() if key not in own})
    _refuse_others(path, "setting of the rule", given, set(Rule.__dataclass_fields__) - {"settings", "plugin"})
    rule = Rule(**given)
    numbers = (rule.percent, rule.at_most, rule.grace_minutes, rule.nothing_after_days)
    if rule.per not in _SECONDS or rule.of not in ("earned", "maximum") or min(numbers) < 0:
        raise CourseError(
            f"{str(path)!r}: the rule needs numbers from 0 on, per = 'day' or 'hour', and of = 'earned' or 'maximum'."
        )
    return rule


def _moments(path: Path, given: Mapping[str, object], labs: list[str], zone: tzinfo | None) -> dict[str, datetime]:
    found = {}
    for lab, time in given.items():
        if not any(is_called(name, lab) for name in labs):
            raise CourseError(f"{str(path)!r} has a deadline of lab {lab!r}; graded are {', '.join(labs) or 'none'}.")
        if not isinstance(time, datetime):
            raise CourseError(f"{str(path)!r}: {lab} = {time!r} is no time; write one such as 2025-05-14T23:59:00.")
        found[lab] = time if time.tzinfo else local(time, zone)
    return found


def _refuse_others(path: Path, kind: str, given: Iterable[str], known: set[str]) -> None:
    others = sorted(set(given) - known)
    if others:
        some = ", ".join(sorted(known)[:6])
        raise CourseError(f"{str(path)!r} names the {kind} {others[0]!r}, which there is not (there are: {some}).")


def _names(student: Student) -> tuple[str, ...]:
    return tuple(filter(None, (student.folder, student.id, student.canvas, student.email, student.login)))


def _of_lab(given: Mapping[str, datetime], lab: str) -> datetime | None:
    return next((time for name, time in given.items() if is_called(lab, name)), None)


def _span(seconds: float) -> str:
    minutes = max(1, round(seconds / 60))
    days, hours, minutes = minutes // 1440, minutes // 60 % 24, minutes % 60
    parts = [
        f"{count} {unit}{'s' * (count != 1)}" for count, unit in ((days, "day"), (hours, "hour"), (minutes, "minute"))
    ]
    return " and ".join([part for part in parts if not part.startswith("0 ")][:2])


def _cost(cost: float) -> str:
    return f"; {cost:g} points are taken off." if cost else "."
