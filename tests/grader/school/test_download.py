"""A download that would write elsewhere, or more than there is room for, is refused before anything is written."""

import io
import stat
import zipfile

import pytest

from grader.school import download
from tests.grader.school.school import CANVAS_FILES, folders, take_in, zipped
from tests.privileges import as_an_ordinary_user
from utils.errors import CourseError


@pytest.mark.parametrize(
    "name", ["../out.ipynb", "a/../../out.ipynb", "/etc/out.ipynb", "..\\out.ipynb", "C:\\out.ipynb", "C:/out.ipynb"]
)
def test_a_path_that_leads_out_is_refused_and_nothing_is_written(tmp_path, name):
    archive = zipped(tmp_path / "in.zip", CANVAS_FILES[0], name)
    with pytest.raises(CourseError, match=r"which leads out of the folder.*nothing of it was unpacked"):
        take_in(tmp_path / "class", archive)
    assert not list((tmp_path / "class").iterdir())
    assert not (tmp_path / "out.ipynb").exists()


def test_a_link_in_a_zip_is_refused(tmp_path):
    entry = zipfile.ZipInfo(CANVAS_FILES[0])
    entry.external_attr = (stat.S_IFLNK | 0o777) << 16
    with zipfile.ZipFile(tmp_path / "in.zip", "w") as archive:
        archive.writestr(entry, "/etc/passwd")
    with pytest.raises(CourseError, match="a link or no ordinary file"):
        take_in(tmp_path / "class", tmp_path / "in.zip")


def test_what_may_not_be_read_is_said_and_nobody_is_left_out(tmp_path):
    first, second = (tmp_path / "in" / f"s{number}" / name for number, name in enumerate(CANVAS_FILES))
    for path in (first, second):
        path.parent.mkdir(parents=True)
        path.write_text("{}")
    for closed, words in (
        (tmp_path / "in", "in' may not be looked into"),
        (second.parent, "s1' may not be looked into"),
        (second, r"' cannot be read \(Permission denied\): allow it"),
    ):
        rights = closed.stat().st_mode
        closed.chmod(0)
        try:
            with as_an_ordinary_user(), pytest.raises(CourseError, match=words):
                take_in(tmp_path / "class", tmp_path / "in")
        finally:
            closed.chmod(rights)


def test_a_link_in_a_folder_is_listed_and_not_followed(tmp_path):
    (tmp_path / "in").mkdir()
    (tmp_path / "secret").write_text("secret")
    (tmp_path / "in" / CANVAS_FILES[0]).symlink_to(tmp_path / "secret")
    summary = take_in(tmp_path / "class", tmp_path / "in")
    assert "is a link" in summary.rows[0].note
    assert list(folders(tmp_path / "class").values()) == [[]]


def test_a_zip_that_unpacks_to_too_much_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(download, "MOST_BYTES", 10_000_000)
    archive = zipped(tmp_path / "in.zip", *CANVAS_FILES, content=bytes(6_000_000))
    assert archive.stat().st_size < 50_000
    with pytest.raises(CourseError, match=r"2 files of 0\.0 GB together.*Nothing was"):
        take_in(tmp_path / "class", archive)
    assert not list((tmp_path / "class").iterdir())


def test_too_many_files_are_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(download, "MOST_FILES", 1)
    with pytest.raises(CourseError, match="2 files"):
        take_in(tmp_path / "class", zipped(tmp_path / "in.zip", *CANVAS_FILES))


def test_one_file_that_is_too_large_costs_that_student_alone(tmp_path, monkeypatch):
    monkeypatch.setattr(download, "MOST_BYTES_PER_FILE", 100_000)
    with zipfile.ZipFile(tmp_path / "in.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(CANVAS_FILES[0], bytes(200_000))
        archive.writestr(CANVAS_FILES[1], b"{}")
    summary = take_in(tmp_path / "class", tmp_path / "in.zip")
    assert [bool(row.kept_as) for row in summary.rows] == [False, True]
    assert "was not copied" in summary.rows[0].note


def test_an_entry_that_lies_about_its_size_ends_in_a_sentence(tmp_path):
    zipped(tmp_path / "good.zip", CANVAS_FILES[0], content=bytes(100_000))
    content = (tmp_path / "good.zip").read_bytes()
    small = content.replace((100_000).to_bytes(4, "little"), (10).to_bytes(4, "little"))
    (tmp_path / "in.zip").write_bytes(small)
    with pytest.raises(CourseError, match="cannot be unpacked"):
        take_in(tmp_path / "class", tmp_path / "in.zip")
    assert not list((tmp_path / "class").iterdir())


@pytest.mark.parametrize("content", [b"", b"no zip", b"PK\x03\x04 half"])
def test_what_is_no_zip_is_said(tmp_path, content):
    (tmp_path / "in.zip").write_bytes(content)
    with pytest.raises(CourseError, match="neither a folder nor a zip"):
        take_in(tmp_path / "class", tmp_path / "in.zip")


def test_a_name_in_utf8_without_the_flag_is_read(tmp_path):
    name = "Zoë Müller_4711_assignsubmission_file_02_small_lab.ipynb"
    flagged = io.BytesIO()
    with zipfile.ZipFile(flagged, "w") as archive:
        archive.writestr(name, b"{}")
    content = bytearray(flagged.getvalue())
    for signature, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        at = content.index(signature) + offset
        content[at : at + 2] = (int.from_bytes(content[at : at + 2], "little") & ~0x800).to_bytes(2, "little")
    (tmp_path / "in.zip").write_bytes(content)
    with download.opened(tmp_path / "in.zip") as found:
        assert [str(item.path) for item in found.items] == [name]


def test_what_a_mac_adds_is_no_submission(tmp_path):
    archive = zipped(tmp_path / "in.zip", CANVAS_FILES[0], f"__MACOSX/._{CANVAS_FILES[0]}", ".DS_Store")
    assert len(take_in(tmp_path / "class", archive).rows) == 1
