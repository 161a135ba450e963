"""The numbers in a lab's text: Markdown cells are Jinja templates over the committed results of benchmarks/.

A number typed by hand is true once. In a Markdown cell of a source these work:

- ``{{ header }}``: minutes of work (`grader.notebook.minutes`), seconds, memory and download, from
  ``benchmarks/results/lab_NN.json``, links to the labs beside it, and to Colab where the course has an address;
- ``{{ term("seeds", "seed") }}``: a link to a word of ``docs/glossary.md``; the second name where the text bends it;
- ``{{ results.effect.ratio | number }}``: a value of ``benchmarks/results/effect.json``; the filters are ``number`` and
  ``percent``;
- ``{{ table("effect") }}``: the rows of effect.json; ``table("effect", {"model": "model", "perplexity": "nats"})``
  chooses columns and their headings, and rows of any other place will do: ``table(results.effect.seeds)``. ``low`` and
  ``high`` of a row go into brackets behind the value in front of them;
- ``{{ source("utils/labs/listing.py", "listing_loss") }}``: the text of one function of the course, as a code block;
- ``{{ picture("effect", alt="…") }}``: ``pictures/effect.png`` beside the source, or ``benchmarks/results/effect.png``,
  carried inside the notebook, because Colab opens a notebook without its folder.
"""

from __future__ import annotations

import ast
import base64
import functools
import json
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path

from jinja2 import Environment, StrictUndefined, TemplateError
from nbformat import NotebookNode

from grader.notebook import ways
from grader.notebook.labs import Lab
from grader.notebook.minutes import minutes
from utils.errors import CourseError
from utils.measuring.shown import number, with_intervals

IMAGE_TYPES = {".png": "image/png", ".jpg": "image/jpeg", ".svg": "image/svg+xml"}
LEAST_PICTURE = 560  # pixels: on a narrower page the picture scrolls
LONGEST_ALT = 600


class Results:
    """The files of benchmarks/results as attributes: ``results.effect`` is what effect.json holds."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def __getattr__(self, name: str) -> object:
        path = self._folder / f"{name}.json"
        script = f"labs {name.removeprefix('lab_')}" if name.startswith("lab_") else name
        try:
            return json.loads(path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            raise CourseError(
                f"benchmarks/results/{path.name} is not there and a text draws on it: "
                f"python -m benchmarks.{script} makes it."
            ) from None
        except ValueError as error:
            raise CourseError(f"benchmarks/results/{path.name} is not JSON ({error}): make it again.") from None


class Header:
    """The lines under a lab's title; made when a template asks for them, so that other cells need no measured run."""

    def __init__(self, lab: Lab, results: Results, cells: Sequence[NotebookNode]) -> None:
        self._lab = lab
        self._results = results
        self._cells = cells

    def __str__(self) -> str:
        measured = getattr(self._results, f"lab_{self._lab.number}")
        lines = [header_line(measured, self._cells), ways.neighbours(self._lab), colab_link(self._lab)]
        return "\n\n".join(filter(None, lines))


def header_line(measured: Mapping, cells: Sequence[NotebookNode]) -> str:
    """What the lab costs: minutes from its cells, the rest from one measured run."""
    try:
        main, optional = minutes(cells, measured)
        memory, download = measured["memory_mb"], measured["download_mb"]
    except KeyError as error:
        raise CourseError(
            f"The measured run of this lab does not say its {error}: run python -m benchmarks.labs again."
        ) from None
    cores = measured.get("machine", {}).get("cores")
    where = f" on {cores} CPU cores" if cores else ""
    profile = measured.get("profile", "embedded")
    fetched = f"{download:,.0f} MB" if download else "nothing"
    more = f", and about {optional.work} for the optional part" if optional.work else ""
    return (
        f"**Your time:** about {main.work} minutes{more}. **Computing in it:** {measured['seconds']:.0f} seconds and "
        f"{memory / 1000:.1f} GB of memory in the {profile} profile{where}. **To download:** {fetched}."
    )


def project_address(root: Path) -> str:
    """The course's address from [project.urls] in pyproject.toml, or "" while there is none."""
    with open(root / "pyproject.toml", "rb") as file:
        urls = tomllib.load(file).get("project", {}).get("urls", {})
    return str(urls.get("course", "")).removesuffix("/").removesuffix(".git")


def colab_link(lab: Lab) -> str:
    """A Markdown link that opens the learner's notebook in Colab; "" unless the course lies on GitHub."""
    host, _, repository = project_address(lab.root).partition("github.com/")
    if not host or not repository:
        return ""
    path = lab.released.relative_to(lab.root).as_posix()
    return f"[Open in Colab](https://colab.research.google.com/github/{repository}/blob/main/{path})"


def percent(value: float, digits: int = 0) -> str:
    """A share as a percentage: 0.131 is "13 %"."""
    return f"{100 * value:.{digits}f} %"


def markdown_table(rows: Sequence[Mapping], columns: Mapping[str, str] | Sequence[str] = (), digits: int = 3) -> str:
    """Rows as a Markdown table. columns: keys with their headings, or keys alone, or nothing for all keys."""
    if not rows or not isinstance(rows, Sequence):
        raise CourseError("A table was asked for and there are no rows for it: make the results again.")
    shown = [with_intervals(row, digits) for row in rows]
    keys = list(columns or dict.fromkeys(key for row in shown for key in row))
    headings = [columns[key] if isinstance(columns, Mapping) else key.replace("_", " ") for key in keys]
    textual = [any(isinstance(row.get(key), str) for row in rows) for key in keys]
    lines = [headings, [":--" if text else "--:" for text in textual]]
    lines += [[row.get(key, "–").replace("|", "\\|") for key in keys] for row in shown]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


class Renderer:
    """Renders a lab's Markdown cells one by one; `attachments` are the pictures of the last one."""

    def __init__(self, lab: Lab, cells: Sequence[NotebookNode]) -> None:
        self._lab = lab
        self._folders = (lab.source.parent / "pictures", lab.root / "benchmarks" / "results")
        self.attachments: dict[str, dict[str, str]] = {}
        self._results = Results(lab.root / "benchmarks" / "results")
        # comments would begin at `{#`, which TeX writes too
        settings = {"undefined": StrictUndefined, "keep_trailing_newline": True, "comment_start_string": "{##"}
        self._environment = Environment(**settings)
        self._environment.filters |= {"number": number, "percent": percent}
        self._environment.globals |= {
            "header": Header(lab, self._results, cells),
            "results": self._results,
            "table": self._table,
            "picture": self._picture,
            "source": self._source,
            "term": functools.partial(ways.term, lab.root),
        }

    def render(self, text: str, where: str) -> str:
        """The text with its expressions replaced. where: names the cell in an error."""
        self.attachments = {}
        if "{{" not in text and "{%" not in text:
            return text
        try:
            return self._environment.from_string(text).render()
        except TemplateError as error:
            raise CourseError(f"{where}: its text cannot be filled in ({error.message}).") from None
        except CourseError as error:
            raise CourseError(f"{where}: {error}") from None

    def _table(self, rows: str | Sequence[Mapping], *rest: object) -> str:
        if isinstance(rows, str):
            rows = getattr(self._results, rows).get("rows", [])
        return markdown_table(rows, *rest)

    def _picture(self, name: str, alt: str = "") -> str:
        alt = " ".join(alt.split())
        if not alt or len(alt) > LONGEST_ALT:
            raise CourseError(f"The picture {name!r} needs an alt text of at most {LONGEST_ALT} characters.")
        candidates = [folder / (name + suffix) for folder in self._folders for suffix in IMAGE_TYPES]
        path = next((path for path in candidates if path.is_file()), None)
        if path is None:
            raise CourseError(
                f"There is no picture {name!r}: it should be benchmarks/results/{name}.png, or pictures/{name}.png "
                "beside the source."
            )
        content = base64.b64encode(path.read_bytes()).decode("ascii")
        self.attachments[path.name] = {IMAGE_TYPES[path.suffix]: content}
        image = f"![{alt.replace('[', '(').replace(']', ')')}](attachment:{path.name})"
        return f'<div style="overflow-x:auto"><div style="min-width:{LEAST_PICTURE}px">\n\n{image}\n\n</div></div>'

    def _source(self, path: str, name: str) -> str:
        text = (self._lab.root / path).read_text(encoding="utf-8")
        found = [node for node in ast.parse(text).body if getattr(node, "name", None) == name]
        if not found:
            raise CourseError(f"{path} defines no {name!r}, whose text was asked for.")
        return f"```python\n{ast.get_source_segment(text, found[0])}\n```"
