"""A verdict as a short card: HTML in a notebook, one paragraph of text elsewhere.

Passed and not passed differ in a word and a sign, not by colour alone. The colours come from the notebook's own theme
with a fallback, and everything of the learner's is escaped.
"""

from __future__ import annotations

from html import escape

from utils.checks.verdict import Verdict


def text(name: str, verdict: Verdict) -> str:
    """The card where there is no HTML."""
    return f"[{'passed' if verdict.passed else 'not yet'}] {name}: {verdict.message}"


def html(name: str, verdict: Verdict) -> str:
    """The card in a notebook, readable in light and dark themes, with a role for screen readers."""
    sign, word, colour = ("✓", "passed", "#2e7d32") if verdict.passed else ("✗", "not yet", "#c77700")
    names = "".join(f"<li>{escape(misconception)}</li>" for misconception in verdict.misconceptions)
    rest = verdict.message.removeprefix(f"Not yet: {'; '.join(verdict.misconceptions)}. ")  # the list says it already
    listed = f'<ul style="margin:.3em 0 .3em 1.2em;padding:0">{names}</ul>' if names else ""
    return (
        f'<div role="status" aria-label="Check of {escape(name, quote=True)}: {word}" style="'
        f"border-left:.35em solid {colour};padding:.5em .9em;margin:.4em 0;max-width:46em;"
        'color:var(--jp-content-font-color1,inherit);background:var(--jp-layout-color2,transparent)">'
        f'<strong><span aria-hidden="true">{sign}</span> <code>{escape(name)}</code>: {word}</strong>{listed}'
        f'<p style="margin:.3em 0 0">{escape(rest)}</p></div>'
    )


def show(name: str, verdict: Verdict) -> None:
    """Display the card in IPython's front end if there is one, print it otherwise."""
    try:
        from IPython import get_ipython
        from IPython.display import display
    except ImportError:
        print(text(name, verdict))
        return
    shell = get_ipython()
    if shell is None or not hasattr(shell, "kernel"):
        print(text(name, verdict))
        return
    display({"text/html": html(name, verdict), "text/plain": text(name, verdict)}, raw=True)
