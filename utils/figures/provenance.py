"""The picture of Lab 9: what a data set is made of, which part may be used, and what a student would lose.

An answer is told by its word and its pattern, and by colour as well.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from matplotlib.figure import Figure

from utils.figures.base import COLOURS, new_figure
from utils.provenance.gate import Decide, decide, names_of
from utils.provenance.records import COLUMN
from utils.provenance.terms import CHECK, Policy

# Word, colour, pattern.
MARKS = {
    "yes": ("yes", COLOURS["soft"], ""),
    "ask": ("ask", COLOURS["hard"], "//"),
    "no": ("NO", COLOURS["distilled"], "xx"),
}
MOST = 700_000_000
# Users, by a name: None, for an unknown number, would be no choice of a slider at all.
COMPANIES = {
    "20 thousand": 20_000, "2 million": 2_000_000, "700 million": MOST, "701 million": MOST + 10**6, "unknown": None
}  # fmt: skip
FIRST_COMPANY = "2 million"


class SourcesScene:
    """Bars by source and by subject, for one purpose; `move` sets the company's users at the models' release.

    rows: with "subject" and "provenance".
    """

    def __init__(self, rows: Sequence[dict], policy: Policy, purpose: str, decide: Decide = decide):
        self._rows, self._policy, self._purpose, self._decide = rows, policy, purpose, decide
        self._sources = Counter(_name(row) for row in rows)
        self._subjects = Counter(row["subject"] for row in rows)
        self.figure, (left, right) = new_figure("sources", columns=2, width=6.4, height=4.2)
        for axis, counts in ((left, self._sources), (right, self._subjects)):
            axis.barh(range(len(counts)), counts.values(), color="#e8e8e8")
            axis.set_yticks(range(len(counts)), counts, fontsize="small")
            axis.set(xlim=(0, max(counts.values()) * 1.25), ylim=(len(counts) - 0.5, -0.5), xlabel="rows")
        self._bars = left.barh(range(len(self._sources)), self._sources.values(), edgecolor="white")
        self._kept = right.barh(range(len(self._subjects)), [0] * len(self._subjects), color=COLOURS["soft"])
        self._words = [left.text(n + 4, place, "", va="center") for place, n in enumerate(self._sources.values())]
        self._lost = [right.text(n + 6, place, "", va="center") for place, n in enumerate(self._subjects.values())]
        left.set_title(f"May it be used for: {purpose}?")
        self._company = right.set_title("")
        self.figure.tight_layout()
        self.moving = (*self._bars, *self._kept, *self._words, *self._lost, self._company)

    def move(self, users: int | None) -> None:
        """Ask for a company of so many users."""
        self._answers, self._left = {}, Counter()
        for row in self._rows:
            name = _name(row)
            if name not in self._answers:
                record = row[COLUMN] | {"purpose": self._purpose, "users_at_release": users}
                self._answers[name] = self._decide(record, self._policy).answer
            self._left[row["subject"]] += self._answers[name] == "yes"
        self._company.set_text(f"Left with {'unknown' if users is None else f'{users:,}'} users (grey: lost)")
        for name, bar, word in zip(self._sources, self._bars, self._words, strict=True):
            said, colour, pattern = MARKS[self._answers[name]]
            bar.set_facecolor(colour)
            bar.set_hatch(pattern)
            word.set_text(said)
        for (subject, count), bar, word in zip(self._subjects.items(), self._kept, self._lost, strict=True):
            bar.set_width(self._left[subject])
            word.set_text(f"{self._left[subject] / count:.0%}")

    def sentence(self, users: int | None) -> str:
        """The picture in words."""
        named = {answer: [n.splitlines()[0] for n in self._sources if self._answers[n] == answer] for answer in MARKS}
        parts = "; ".join(f"{MARKS[answer][0]}: {', '.join(names)}" for answer, names in named.items() if names)
        gone = [subject for subject in self._subjects if not self._left[subject]]
        company = f"a company of {'an unknown number of' if users is None else f'{users:,}'} users"
        left = f"{sum(self._left.values()):,} of {len(self._rows):,} rows"
        lost = ", ".join(gone) or "no subject"
        return f"For {self._purpose}, {company}: {left} may be used. {parts}. Lost altogether: {lost}. {CHECK}."


def sources(
    rows: Sequence[dict], policy: Policy, purpose: str, users: int | None, decide: Decide = decide
) -> tuple[Figure, str]:
    """The same picture without controls, and its sentence."""
    scene = SourcesScene(rows, policy, purpose, decide)
    scene.move(users)
    return scene.figure, scene.sentence(users)


def _name(row: dict) -> str:
    """A source as the picture names it: the writer above the terms."""
    record = row[COLUMN]
    return f"{record['model']}\n{', '.join(names_of(record)) or 'no terms known'}"
