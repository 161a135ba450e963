"""Which arguments may go on to JupyterLab?  Those that it knows; any other is answered in one sentence of ours.

JupyterLab itself would show a page of usage, or a warning that nobody sees before it opens.
"""

from __future__ import annotations

from collections.abc import Sequence

from utils.errors import CourseError

ALSO = {"--help-all", "--version", "-V"}
ITS_OPTIONS = "`python -m jupyterlab --help` lists them"


def require_known(arguments: Sequence[str], place_of_words: str) -> None:
    """Raise CourseError for the first argument that JupyterLab has no use for.

    place_of_words: what to do about a word that is neither an option nor an option's value.
    """
    if not arguments:
        return
    flags, aliases = flags_and_aliases()
    remaining = iter(arguments)
    for argument in remaining:
        name, equals, _ = argument.partition("=")
        takes_value = name in aliases or is_setting(name)
        if not argument.startswith("-"):
            raise CourseError(f"{argument!r} is neither an option nor an option's value. {place_of_words}")
        if not takes_value and name not in flags:
            raise CourseError(f"Neither course.py nor JupyterLab has an option {name}; {ITS_OPTIONS}.")
        if not takes_value and equals:
            raise CourseError(f"The option {name} takes no value, and {argument!r} gives it one.")
        if takes_value and not equals and name not in flags and next(remaining, None) is None:
            raise CourseError(f"The option {name} needs a value, such as {name}=VALUE.")


def flags_and_aliases() -> tuple[set[str], set[str]]:
    """JupyterLab's options without a value, and those with one; its server reads the same line and has its own."""
    from jupyter_server import serverapp
    from jupyterlab.labapp import LabApp

    return as_typed([*LabApp.flags, *serverapp.flags]) | ALSO, as_typed([*LabApp.aliases, *serverapp.aliases])


def as_typed(keys: Sequence[str | tuple[str, ...]]) -> set[str]:
    names = {name for key in keys for name in ((key,) if isinstance(key, str) else key)}
    return {f"--{name}" for name in names} | {f"-{name}" for name in names if len(name) == 1}


def is_setting(name: str) -> bool:
    """Whether this is any class's setting: --ServerApp.port."""
    kind, dot, trait = name.removeprefix("--").partition(".")
    return name.startswith("--") and bool(dot) and kind.isidentifier() and bool(trait)
