"""Small classes and downloads for the tests of the way into and out of a school."""

import json
import zipfile
from pathlib import Path

from grader.school import intake
from tests.grader.fixture_lab import honest

LAB = "02_small_lab"
NOTEBOOK = json.dumps(honest()).encode()
CANVAS = (
    "Student,ID,SIS User ID,SIS Login ID,Section,Homework (55),Lab 2 (1234),Current Score\n"
    ",,,,,,Manual Posting,\n"
    "    Points Possible,,,,,10,30,(read only)\n"
    '"Müller, Zoë",30211,s1,zoe,A,3,,\n'
    '"O\'Neil, Anna-Lena",30212,s2,anna,A,3,,\n'
    '"Person, Absent",30213,s3,abs,A,,,\n'
    '"Student, Test",1,,,A,,,\n'
)
WORKSHEET = (
    'Identifier,"Full name","Email address",Status,Grade,"Maximum grade","Grade can be changed",'
    '"Last modified (submission)","Last modified (grade)","Feedback comments"\n'
    '"Participant 4711","Zoë Müller",zoe@x.org,Submitted,,15.00,Yes,"Friday, 16 May 2025, 3:05 PM",-,"- good"\n'
    '"Participant 4712","Anna-Lena O\'Neil",anna@x.org,Submitted,,15.00,Yes,"Wednesday, 14 May 2025, 3:05 PM",-,\n'
    '"Participant 4713","Absent Person",abs@x.org,"No submission",,15.00,Yes,-,-,\n'
)
CANVAS_FILES = (
    f"mullerzoe_LATE_30211_998877_{LAB}.ipynb",
    f"oneilannalena_30212_998878_{LAB}-1.ipynb",
)
MOODLE_FILES = (
    f"Zoë Müller_4711_assignsubmission_file_/{LAB}.ipynb",
    f"Anna-Lena O'Neil_4712_assignsubmission_file_/{LAB}.ipynb",
)


def write(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


def zipped(path: Path, *names: str, content: bytes = NOTEBOOK) -> Path:
    """A zip with the same notebook under each name."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in names:
            archive.writestr(name, content)
    return path


def take_in(home: Path, download: Path, *lists: Path, **settings) -> intake.Summary:
    return intake.run(download, intake.Settings(LAB, home, lists, **settings))


def folders(home: Path) -> dict[str, list[str]]:
    """Student's folder -> what lies in it for the lab."""
    return {path.parent.name: sorted(each.name for each in path.iterdir()) for path in home.glob(f"submitted/*/{LAB}")}
