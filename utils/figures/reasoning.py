"""The figures of Lab 5: accuracy against what is written for it, and a solution whose steps are marked and changed.

Every step says what is true of it by a sign and a word, and by colour as well.  `StepEditor` lets the reader change one
result by hand and asks the student to go on from there; `show_solution` is the same without controls.
"""

from __future__ import annotations

import html
from collections.abc import Callable, Mapping, Sequence

import ipywidgets
from IPython.display import display
from matplotlib.figure import Figure

from utils.figures.base import COLOURS, new_figure, with_legend_below
from utils.labs import arithmetic
from utils.labs.arithmetic import Question

SIGNS = {
    arithmetic.RIGHT: ("✓", "#006b4f", "#e3f4ee"),
    arithmetic.WRONG: ("✗", "#a33c00", "#fbe9df"),
    arithmetic.SKIPPED: ("–", "#6b6b6b", "#f2f2f2"),
}
_CARD = (
    "background:#fff;color:#111;border:1px solid #bbb;border-radius:6px;padding:0.7em 0.9em;max-width:880px;"
    "line-height:1.7"
)
GoOn = Callable[[str], str]


def frontier(rows: Sequence[Mapping]) -> Figure:
    """Accuracy against the characters that a student writes; rows as in benchmarks/results/reasoning.json."""
    figure, (axis,) = new_figure("frontier", height=3.8)
    for place, row in enumerate(rows):
        error = [[max(0.0, row["accuracy"] - row["low"])], [max(0.0, row["high"] - row["accuracy"])]]
        colour, mark = list(COLOURS.values())[place % len(COLOURS)], "osD^vPX"[place % 7]
        axis.errorbar(
            row["characters"], row["accuracy"], yerr=error, fmt=mark, color=colour, capsize=3, label=row["arm"]
        )
    axis.set(
        title="What an answer costs, and how often it is right", xlabel="characters that the student writes for it",
        ylabel="share of right answers", ylim=(-0.02, 1.02), xlim=(0, None),
    )  # fmt: skip
    return with_legend_below(figure)


def describe_frontier(rows: Sequence[Mapping]) -> str:
    """The same as a sentence for each arm."""
    lines = [f"{row['arm']}: {row['characters']:.0f} characters, right {row['accuracy']:.3f}" for row in rows]
    return "Characters that a student writes, and its share of right answers.\n" + "\n".join(lines)


def solution_page(question: Question, trace: str) -> str:
    """A solution as HTML: the question, each step with its mark, and the answer beside the right one."""
    steps = "".join(_step(text, mark) for text, mark in arithmetic.marked(question, trace))
    given = trace.rsplit("Answer:", 1)[-1].strip() if "Answer:" in trace else "not given"
    right = arithmetic.NO_ANSWER if question.answer is None else question.answer
    good = given == str(right)
    sign, border, _ = SIGNS[arithmetic.RIGHT if good else arithmetic.WRONG]
    said = f"{sign} answer {html.escape(given)}, {'right' if good else f'it should be {right}'}"
    head = f'<div>Question: <code style="background:none;color:#111">{html.escape(question.text)}</code></div>'
    return f'<div style="{_CARD}">{head}{steps}<div style="color:{border}"><b>{said}</b></div></div>'


def solution_text(question: Question, trace: str) -> str:
    """The same as lines of text."""
    lines = [f"{SIGNS[mark][0]} {text} ({mark})" for text, mark in arithmetic.marked(question, trace)]
    return "\n".join([f"Question: {question.text}", *lines, trace.rsplit("\n", 1)[-1]])


def show_solution(question: Question, trace: str) -> None:
    """Show a solution with its marks, without controls."""
    display({"text/html": solution_page(question, trace), "text/plain": solution_text(question, trace)}, raw=True)


def _step(text: str, mark: str) -> str:
    sign, border, background = SIGNS[mark]
    return (
        f'<div style="border-left:4px solid {border};background:{background};color:#111;margin:0.2em 0;'
        f'padding:0 0.6em"><code style="background:none;color:#111">{html.escape(text)}</code> '
        f'<span style="color:{border}">{sign} {mark}</span></div>'
    )


def changed(trace: str, step: int, result: int) -> str:
    """The beginning of a verbose trace up to a step, counted from 1, whose result is another one now."""
    lines = trace.split("\n")[:step]
    head, equals, _ = lines[-1].rpartition(" = ")
    return "\n".join([*lines[:-1], f"{head}{equals}{result}."]) + "\n"


class StepEditor:
    """Choose a step, write another result, and let the student go on.  Works with Tab, arrows and Enter.

    go_on: the beginning of a trace -> what the student writes after it.
    """

    def __init__(self, question: Question, trace: str, go_on: GoOn):
        self.question, self.original, self.go_on = question, trace, go_on
        steps = [line for line in trace.split("\n") if " = " in line]
        options = [(f"{number}: {line}", number) for number, line in enumerate(steps, 1)]
        names = {"description_width": "8em"}
        self.step = ipywidgets.Dropdown(options=options, description="step", style=names)
        self.result = ipywidgets.IntText(value=0, description="its result", style=names)
        self.button = ipywidgets.Button(description="Go on from there", icon="play")
        self.said, self.page = ipywidgets.HTML(), ipywidgets.HTML()
        self.box = ipywidgets.VBox([self.step, self.result, self.button, self.said, self.page])
        self.trace = trace
        self.step.observe(lambda _: self._suggest(), "value")
        self.button.on_click(lambda _: self.change(self.step.value, self.result.value))
        self._suggest()
        self._show("The student's own solution.")

    def change(self, step: int, result: int) -> None:
        """Put this result into the step, and show how the student goes on."""
        beginning = changed(self.original, step, result)
        self.trace = beginning + self.go_on(beginning)
        later = arithmetic.equations(self.trace)[step:]
        follows = bool(later) and later[0][0] == result
        how = "goes on from your number" if follows else "does not take up your number"
        self._show(f"Step {step} says {result} now. The student {how if later else 'writes no further step'}.")

    def _suggest(self) -> None:
        self.result.value = arithmetic.equations(self.original)[self.step.value - 1][3] + 1

    def _show(self, sentence: str) -> None:
        self.said.value = f'<div role="status" aria-live="polite">{html.escape(sentence)}</div>'
        self.page.value = solution_page(self.question, self.trace)

    def _ipython_display_(self) -> None:
        display(self.box)
