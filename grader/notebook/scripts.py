"""The cells of a script that was exported from a notebook, as JupyterLab, VS Code and Colab write one.

Code follows a line such as ``# In[3]:`` or ``# %%``; text stands in comments. A script without such lines is one cell.
The text is searched and never run.
"""

from __future__ import annotations

import re

from grader.marking.plain_text import whole_characters
from grader.notebook.notebooks import MOST_CELLS, MOST_SOURCE, Cell, UnreadableError

_CODE = re.compile(r"^# In ?\[[ \d*]*\]:?[ \t]*$", re.MULTILINE)
_PERCENT = re.compile(r"^# ?%%(.*)$", re.MULTILINE)
_COMMENT = re.compile(r"^# ?", re.MULTILINE)


def parse_script(content: bytes) -> tuple[Cell, ...]:
    """The cells of a Python script. Raises UnreadableError."""
    try:
        text = whole_characters(content.decode("utf-8-sig")).replace("\r\n", "\n").replace("\r", "\n")
    except UnicodeDecodeError:
        raise UnreadableError("It is not text in UTF-8: export it again from Jupyter.") from None
    if len(text) > MOST_SOURCE:
        raise UnreadableError(f"It has {len(text):,} characters and at most {MOST_SOURCE:,} are read.")
    cells = _exported(text) if _CODE.search(text) else _percent(text)
    if len(cells) > MOST_CELLS:
        raise UnreadableError(f"It has {len(cells):,} cells and at most {MOST_CELLS:,} are read.")
    return tuple(cell for cell in cells if cell.source)


def _percent(text: str) -> list[Cell]:
    """Cells that begin with ``# %%``, those of text with ``# %% [markdown]``."""
    first, *rest = _PERCENT.split(text)
    heads, bodies = rest[::2], rest[1::2]
    cells = [_text(body) if "[markdown]" in head else _code(body) for head, body in zip(heads, bodies, strict=True)]
    return [_code(first), *cells]


def _exported(text: str) -> list[Cell]:
    """As ``nbconvert --to script`` writes them: behind each cell's code the texts that follow it, in comments."""
    first, *blocks = _CODE.split(text)
    cells = _texts_at_the_end(first)[1]
    for block in blocks:
        code, texts = _texts_at_the_end(block)
        cells += [_code(code), *texts]
    return cells


def _texts_at_the_end(block: str) -> tuple[str, list[Cell]]:
    """(code, the cells of text behind it): paragraphs of nothing but comments, with empty lines around them."""
    paragraphs = re.split(r"\n\n+", block.strip("\n"))
    texts: list[Cell] = []
    while paragraphs and all(line.startswith("#") for line in paragraphs[-1].split("\n")):
        texts.insert(0, _text(paragraphs.pop()))
    return "\n\n".join(paragraphs), texts


def _code(text: str) -> Cell:
    return Cell("code", text.strip("\n"))


def _text(text: str) -> Cell:
    return Cell("markdown", _COMMENT.sub("", text).strip())
