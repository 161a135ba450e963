"""Are results and caches where they were asked for?

The mistake this prevents: figures that nobody finds, and a read-only cache that stops a lab.
"""

from utils.workspace import cache_folder, output_folder, require_writable


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
