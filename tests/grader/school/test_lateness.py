"""Late is what came after the deadline or the student's own extension, and costs what the rule says, never more."""

import re
from datetime import UTC, datetime, timedelta

import pytest

from grader.school import lateness
from grader.school.intake import Row
from grader.school.lateness import Rule
from grader.school.roster import Student
from grader.school.times import moment, zone_called
from tests.grader.school.school import LAB, write
from utils.errors import CourseError
from utils.machine.workspace import ROOT

HOUR, DAY = 3600.0, 86400.0
ZOE = Student("998", "Zoë Müller", email="zoe@x.org", folder="Muller_Zoe_998")
ANNA = Student("997", "Anna", folder="Anna_997")
POLICY = """
timezone = "Europe/Berlin"
[deadlines]
02 = 2025-05-14T23:59:00
[rule]
percent = 10
at_most = 30
grace_minutes = 10
nothing_after_days = 7
[extensions."zoe@x.org"]
02 = 2025-05-16T23:59:00
"""


def policy(tmp_path, text=POLICY):
    return lateness.read(write(tmp_path / "late.toml", text), [ZOE, ANNA], [LAB, "03_other"])


def handed_in(time, late=""):
    return Row("file", ANNA.folder, submitted=time, late=late)


@pytest.mark.parametrize(
    ("seconds", "penalty"),
    [(-5, 0), (0, 0), (600, 0), (601, 1), (DAY + 600, 1), (DAY + 601, 2), (6 * DAY, 3), (7 * DAY + 601, 10)],
)
def test_a_rule_counts_days_that_have_begun_after_the_grace(seconds, penalty):
    rule = Rule(percent=10, at_most=30, grace_minutes=10, nothing_after_days=7)
    assert rule.penalty("anna", 10.0, 20.0, seconds) == penalty


def test_a_penalty_may_be_of_the_maximum_and_is_never_more_than_was_earned():
    rule = Rule(percent=25, per="hour", of="maximum")
    assert rule.penalty("anna", 10.0, 20.0, HOUR) == 5.0
    assert rule.penalty("anna", 3.0, 20.0, HOUR) == 3.0


def test_nbgraders_own_plugin_is_a_rule(tmp_path):
    text = '[rule]\nplugin = "nbgrader.plugins.LateSubmissionPlugin"\npenalty_method = "zero"\n'
    rule = policy(tmp_path, text).rule
    assert rule.penalty("anna", 7.0, 10.0, 1.0) == 7.0
    assert rule.penalty("anna", 7.0, 10.0, 0.0) == 0.0


def test_a_plugin_that_is_not_there_is_said(tmp_path):
    with pytest.raises(CourseError, match=r"plugin 'nowhere\.Late' cannot be used"):
        policy(tmp_path, '[rule]\nplugin = "nowhere.Late"\n').rule.penalty("anna", 1.0, 1.0, 1.0)


def test_an_extension_is_the_students_own_deadline(tmp_path):
    found = policy(tmp_path)
    late = handed_in("2025-05-15T12:00:00+02:00")
    assert found.judge(LAB, ZOE, late, 10.0, 10.0).penalty == 0.0
    assert found.judge(LAB, ANNA, late, 10.0, 10.0).penalty == 1.0


def test_a_time_without_a_zone_is_the_policys(tmp_path):
    judged = policy(tmp_path).judge(LAB, ANNA, handed_in("2025-05-15T00:59:00"), 10.0, 10.0)
    assert judged.seconds == HOUR
    utc = policy(tmp_path).judge(LAB, ANNA, handed_in("2025-05-14T22:59:00+00:00"), 10.0, 10.0)
    assert utc.seconds == HOUR


def test_the_learner_is_told_by_how_much_and_what_it_costs(tmp_path):
    note = policy(tmp_path).judge(LAB, ANNA, handed_in("2025-05-16T02:00:00+02:00"), 10.0, 10.0).note
    assert note == "Handed in 1 day and 2 hours after the deadline; 2 points are taken off."


def test_canvas_mark_without_a_time_counts_as_one_day_and_says_so(tmp_path):
    judged = policy(tmp_path).judge(LAB, ANNA, handed_in("", "LATE"), 10.0, 10.0)
    assert (judged.seconds, judged.penalty) == (None, 1.0)
    assert "says no time: counted as one day" in judged.note


def test_nobody_is_late_without_a_deadline_or_a_time(tmp_path):
    assert not policy(tmp_path).judge("03_other", ANNA, handed_in("2030-01-01T00:00:00"), 10.0, 10.0).note
    assert not policy(tmp_path).judge(LAB, ANNA, handed_in(""), 10.0, 10.0).note


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[deadline]\n02 = 2025-05-14T23:59:00", "names the setting 'deadline'"),
        ("[deadlines]\n07 = 2025-05-14T23:59:00", "a deadline of lab '07'"),
        ("[deadlines]\n02 = 'tomorrow'", "no time"),
        ("[extensions.nobody]\n02 = 2025-05-14T23:59:00", "names the student 'nobody'"),
        ("[rule]\nprecent = 10", "names the setting of the rule 'precent'"),
        ("[rule]\nper = 'week'", "per = 'day' or 'hour'"),
        ("[rule]\npercent = -1", "numbers from 0 on"),
        ("[rule]\npercent = '10'", "of another kind"),
        ("timezone = 'Mars'", "no time zone 'Mars'"),
        ("[rule", "cannot be read as TOML"),
    ],
)
def test_a_slip_in_the_file_is_said_and_not_passed_over(tmp_path, text, message):
    with pytest.raises(CourseError, match=message):
        policy(tmp_path, text)


def test_the_example_in_the_docs_is_read(tmp_path):
    (shown,) = re.findall(r"```toml\n(.*?)```", (ROOT / "docs" / "school.md").read_text(encoding="utf-8"), re.DOTALL)
    found = policy(tmp_path, shown.replace("zoe@example.org", "zoe@x.org"))
    assert found.due(LAB, ZOE) - found.due(LAB, ANNA) == timedelta(days=7)
    assert (found.rule.percent, found.rule.at_most) == (10, 50)


@pytest.mark.parametrize(
    "text",
    [
        "Friday, 16 May 2025, 3:05 PM",
        "Friday, May 16, 2025, 3:05 PM",
        "May 16, 2025, 3:05 PM",
        "Freitag, 16. Mai 2025, 15:05",
        "vendredi 16 mai 2025, 15:05",
        "viernes, 16 de mayo de 2025, 15:05",
        "2025-05-16 15:05",
        "2025-05-16T13:05:00Z",
        "2025-05-16 13:05:00.000 UTC",
        "16/05/2025 15:05",
    ],
)
def test_times_of_both_systems_are_read(text):
    expected = datetime(2025, 5, 16, 13, 5, tzinfo=UTC)
    assert abs(moment(text, zone_called("Europe/Berlin")) - expected) < timedelta(seconds=1)


@pytest.mark.parametrize("text", ["soon", "99 May 2025", ""])
def test_what_is_no_time_is_none(text):
    assert moment(text, None) is None
