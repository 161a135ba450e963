"""Who handed in this file?  Reads the names that Canvas and Moodle give to files in a download of submissions.

Canvas (`ContentZipper#get_filename` in instructure/canvas-lms): ``lastfirst_LATE_USER_ATTACHMENT_file.ipynb``, or
``anon_CODE_ATTACHMENT_file.ipynb`` where an assignment is anonymous. LATE is there or not.
Moodle (`mod_assign\\downloader` in moodle/moodle): ``Full name_NUMBER_assignsubmission_file`` as a folder, before
Moodle 4.1 with ``_`` at its end, or as the beginning of a file's name. NUMBER belongs to one assignment: the same
student has another one in the next lab.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from functools import cache
from pathlib import PurePosixPath

CANVAS, MOODLE, FOLDER = "canvas", "moodle", "folder"
_CANVAS = re.compile(r"(?P<name>.*?)_(?:(?P<late>LATE|late)_)?(?P<id>\d+)_(?P<attachment>\d+)_(?P<file>.+)", re.DOTALL)
_CANVAS_ANONYMOUS = re.compile(r"(?:(?P<late>LATE)_)?anon_(?P<id>[^_]+)_(?P<attachment>\d+)_(?P<file>.+)", re.DOTALL)
_CANVAS_TEXT = re.compile(r"(?P<name>.*?)_(?:(?P<late>LATE|late)_)?(?P<id>\d+)_(?P<file>(?:text|link)\.html)")
_MOODLE = re.compile(r"(?P<name>[^_]+)_(?P<id>\d+)_assignsubmission_[a-z]+(?:_(?P<file>.*))?", re.DOTALL)
_COPY = re.compile(r"^copy[ _]of[ _]|[-_ ]?copy ?\d*$|[-_ ]?\(\d+\)$|-\d+$", re.IGNORECASE)
_PLAIN = str.maketrans({"ø": "o", "ł": "l", "đ": "d", "ð": "d", "ı": "i", "æ": "ae", "œ": "oe", "þ": "th"})
_UMLAUTS = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "å": "aa"})
ANYBODY = {"participant", "teilnehmerin", "participante", "partecipante", "deelnemer", "deltaker"}  # Moodle, anonymous


@dataclass(frozen=True)
class Owner:
    """Whose file it is, as its name says. system: canvas, moodle, or folder for one that is merely called so.

    prefix: what a file for the same student must be called or lie in, so that the system takes it back.
    """

    system: str
    id: str
    name: str
    file: str
    attachment: str = ""
    late: bool = False
    prefix: str = ""


def owner(path: PurePosixPath) -> Owner | None:
    """The owner of a file of a download, from its path in there; None where the path does not say."""
    for index, part in enumerate(path.parts):
        found = _MOODLE.fullmatch(part)
        if found:
            is_folder = index + 1 < len(path.parts)
            file = path.name if is_folder else found["file"] or ""
            prefix = part + "/" if is_folder else part.removesuffix(file)
            return Owner(MOODLE, found["id"], found["name"].strip(), file, prefix=prefix)
    for pattern in (_CANVAS_ANONYMOUS, _CANVAS, _CANVAS_TEXT):
        found = pattern.fullmatch(path.name)
        if found:
            parts = found.groupdict()
            name, attachment, late = parts.get("name") or "", parts.get("attachment") or "", bool(parts["late"])
            prefix = path.name.removesuffix(parts["file"])
            return Owner(CANVAS, parts["id"], name.strip("_"), parts["file"], attachment, late, prefix)
    if len(path.parts) > 1:
        return Owner(FOLDER, path.parts[0], path.parts[0], path.name, prefix=path.parts[0] + "/")
    return None


def is_of_lab(file: str, lab: str) -> bool:
    """Whether a file's name is the lab's, also as a browser, Jupyter, Colab or Canvas names a second copy of it."""
    stem, dot, ending = file.rpartition(".")
    before = ""
    while dot and before != stem:
        before, stem = stem, _COPY.sub("", stem)
    return ending.lower() == "ipynb" and stem == lab


@cache  # every name of a download is compared with every one of the class
def name_keys(name: str) -> frozenset[str]:
    """Spellings under which a name is the same: without marks, case and spaces, and whichever word it begins with.

    "Müller, Zoë Anna", "Zoë Anna Müller" and Canvas' "mullerzoeanna" have one in common.
    """
    composed = unicodedata.normalize("NFC", name).casefold()
    found: set[str] = set()
    for text in (composed, composed.translate(_UMLAUTS)):
        words = [word for word in map(_letters, re.split(r"[\s,_]+", text)) if word]
        found |= {"".join(words[start:] + words[:start]) for start in range(len(words))}
    return frozenset(found)


def ascii_name(name: str) -> str:
    """The name in Latin letters without marks, words joined by ``_``; empty where it has none."""
    text = unicodedata.normalize("NFKD", name.translate(_PLAIN)).encode("ascii", "ignore").decode()
    return re.sub(r"[^A-Za-z0-9]+", "_", text.replace("'", "")).strip("_")


def _letters(word: str) -> str:
    text = unicodedata.normalize("NFKD", word.translate(_PLAIN))
    return "".join(sign for sign in text if sign.isalnum())
