"""A text written round by round: what was drafted, what was kept, what replaced a rejected token.

Every token says what became of it by a sign and a word below it, and by colour as well.  `RoundStepper` shows a round
for each press of its button; `show_rounds` is the same without a button, for a page where no widget lives.
"""

from __future__ import annotations

import html
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import ipywidgets
from IPython.display import display

from utils.decoding.speculative import Round

Decode = Callable[[list[int]], str]

# What became of a token: sign, word, border, background; readable on the light card in any theme.
KEPT = ("✓", "kept", "#006b4f", "#e3f4ee")
REJECTED = ("✗", "rejected", "#a33c00", "#fbe9df")
UNREAD = ("–", "not judged", "#6b6b6b", "#f2f2f2")
INSTEAD = ("→", "instead", "#00508a", "#e2eef8")
ADDED = ("+", "added", "#00508a", "#e2eef8")
_CARD = (
    "background:#fff;color:#111;border:1px solid #bbb;border-radius:6px;padding:0.7em 0.9em;max-width:880px;"
    "line-height:1.5"
)
_TOKEN = (
    "display:inline-block;text-align:center;margin:0.15em 0.2em;padding:0.1em 0.4em;border:2px solid {0};"
    "border-radius:5px;background:{1};color:#111"
)


@dataclass(frozen=True)
class Token:
    """One token of a round, and which of the five things became of it."""

    text: str
    fate: tuple[str, str, str, str]


@dataclass(frozen=True)
class Story:
    """A prompt, the tokens of each round after it, and what each round wrote, all as texts."""

    prompt: str
    rounds: tuple[tuple[Token, ...], ...]
    written: tuple[str, ...]

    @classmethod
    def of(cls, prompt: str, rounds: Sequence[Round], decode: Decode) -> Story:
        """decode: as a tokenizer's, token ids -> text."""
        return cls(
            prompt,
            tuple(_tokens(each, decode) for each in rounds),
            tuple(decode(list(each.added)) for each in rounds),
        )

    def sentence(self, number: int) -> str:
        """What round `number`, counted from 0, did."""
        tokens = self.rounds[number]
        drafted = sum(token.fate in (KEPT, REJECTED, UNREAD) for token in tokens)
        kept = sum(token.fate is KEPT for token in tokens)
        own = [token.text for token in tokens if token.fate in (INSTEAD, ADDED)]
        ending = f"; the target adds {own[0]!r}" if own else "; the text ends inside the round"
        return f"Round {number + 1}: {drafted} drafted, {kept} kept{ending}."

    def plain(self) -> str:
        """All rounds as lines of text."""
        lines = [f"Prompt: {self.prompt!r}"]
        for number, tokens in enumerate(self.rounds):
            signs = "  ".join(f"{token.fate[0]} {token.text!r}" for token in tokens)
            lines.append(f"{self.sentence(number)}  {signs}")
        return "\n".join(lines)

    def page(self, shown: int) -> str:
        """The first `shown` rounds as HTML, with the text so far."""
        so_far = html.escape("".join(self.written[:shown]))
        rows = "".join(self._row(number) for number in range(shown))
        return (
            f'<div style="{_CARD}"><div style="white-space:pre-wrap;margin-bottom:0.5em">'
            f'<span style="color:#555">{html.escape(self.prompt)}</span><b>{so_far}</b></div>{rows}</div>'
        )

    def _row(self, number: int) -> str:
        tokens = "".join(_as_html(token) for token in self.rounds[number])
        return (
            f'<div style="border-top:1px solid #ddd;padding:0.3em 0"><div style="font-size:90%">'
            f"{html.escape(self.sentence(number))}</div>{tokens}</div>"
        )


def show_rounds(story: Story, rounds: int | None = None) -> None:
    """Show all rounds, or the first few, without a button."""
    shown = len(story.rounds) if rounds is None else rounds
    display({"text/html": story.page(shown), "text/plain": story.plain()}, raw=True)


class RoundStepper:
    """Buttons that show one round more, one less, or begin again.  They take the Tab key, Enter and Space."""

    def __init__(self, story: Story):
        self.story, self.shown = story, 1
        self.next = ipywidgets.Button(description="Next round", icon="step-forward")
        self.back = ipywidgets.Button(description="One back", icon="step-backward")
        self.again = ipywidgets.Button(description="From the start", icon="undo")
        self.page = ipywidgets.HTML()
        self.said = ipywidgets.HTML()
        self.box = ipywidgets.VBox([ipywidgets.HBox([self.next, self.back, self.again]), self.said, self.page])
        self.next.on_click(lambda _: self.go(self.shown + 1))
        self.back.on_click(lambda _: self.go(self.shown - 1))
        self.again.on_click(lambda _: self.go(1))
        self.go(1)

    def go(self, shown: int) -> None:
        """Show so many rounds, at least one."""
        last = len(self.story.rounds)
        self.shown = max(1, min(shown, last))
        self.next.disabled, self.back.disabled = self.shown == last, self.shown == 1
        sentence = html.escape(f"{self.shown} of {last} rounds. {self.story.sentence(self.shown - 1)}")
        self.said.value = f'<div role="status" aria-live="polite">{sentence}</div>'
        self.page.value = self.story.page(self.shown)

    def _ipython_display_(self) -> None:
        display(self.box)


def _tokens(each: Round, decode: Decode) -> tuple[Token, ...]:
    """The drafted tokens of a round with their fate, then the target's own."""
    fates = [
        KEPT if place < each.accepted else REJECTED if place < each.judged else UNREAD
        for place in range(len(each.drafted))
    ]
    tokens = [Token(decode([token]), fate) for token, fate in zip(each.drafted, fates, strict=True)]
    own = INSTEAD if REJECTED in fates else ADDED
    return (*tokens, *(Token(decode([token]), own) for token in each.added[each.accepted :]))


def _as_html(token: Token) -> str:
    sign, word, border, background = token.fate
    text = html.escape(token.text).replace("\n", "⏎").replace(" ", "␣")
    struck = "text-decoration:line-through" if token.fate is REJECTED else ""
    code = f'<code style="background:none;color:#111;{struck}">{text}</code>'
    return (
        f'<span style="{_TOKEN.format(border, background)}">{code}'
        f'<br><span style="font-size:80%;color:{border}">{sign} {word}</span></span>'
    )
