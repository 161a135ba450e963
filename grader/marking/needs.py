"""Which of the lab's own cells must run before a submission is asked?  Those whose names its own cells use.

A lab loads models and text that no answer to an exercise asks for. What the learner wrote or changed always runs; an
untouched cell of the lab runs where something that runs takes a name from it, or where it carries the tag ``set-up``.
Running all of the lab would cost a minute for each of a thousand submissions.
"""

from __future__ import annotations

from grader.marking.matching import Plan, Release
from grader.notebook.labs import SET_UP
from grader.sandbox.names import names


def own_sources(plan: Plan) -> list[str]:
    """The cells that the learner wrote or changed."""
    return [step.source for step in plan.steps if step.place is None and step.source.strip()]


def needed(lab: Release, plan: Plan, used: set[str]) -> set[int]:
    """Numbers of the steps to run. used: names that the learner's cells take from elsewhere."""
    chosen = {step.number for step in plan.steps if step.place is None}
    own = {step.number: (names(step.source), step) for step in plan.steps if step.place is not None}
    wanted = set(used)
    while True:
        more = {
            number
            for number, (found, step) in own.items()
            if number not in chosen and (found is None or found[0] & wanted or SET_UP in lab.cells[step.place].tags)
        }
        if not more:
            return chosen
        chosen |= more
        wanted |= {name for number in more if own[number][0] for name in own[number][0][1]}
