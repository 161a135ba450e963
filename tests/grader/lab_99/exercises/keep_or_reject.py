"""``keep_or_reject(target, draft, drafted, uniforms)``: accepted tokens, and the next distribution."""

import numpy as np

from grader.exercises.ordinary import Catalogue, exercise
from utils.checks.records import Probe

catalogue = Catalogue()


def keep_or_reject(target, draft, drafted, uniforms):
    for place, token in enumerate(drafted.tolist()):
        if uniforms[place] >= target[place, token] / draft[place, token]:
            residual = (target[place] - draft[place]).clamp(min=0)
            return place, residual / residual.sum()
    return len(drafted), target[-1]


def draw(stream):
    for index, uniforms in enumerate(([0.0] * 3, [0.999] * 3, [0.0, 0.999, 0.0])):
        target, draft = (np.float32(stream.dirichlet(np.ones(5), rows)) for rows in (4, 3))
        drafted = np.argmax(draft / target[:3], axis=1)  # where the draft is too sure, so that a high u rejects
        yield Probe(
            f"case {index}", {"target": target, "draft": draft, "drafted": drafted, "uniforms": np.float32(uniforms)}
        )


@catalogue.wrong("the residual is not normalised", "Its sum is below 1.", "What must the entries sum to?")
def unnormalised(target, draft, drafted, uniforms):
    place, following = keep_or_reject(target, draft, drafted, uniforms)
    return place, (target[place] - draft[place]).clamp(min=0) if place < len(drafted) else following


@catalogue.wrong(
    "the draft's distribution after a rejection", "q, not p - q.", "What has the draft offered too rarely?"
)
def from_the_draft(target, draft, drafted, uniforms):
    place, following = keep_or_reject(target, draft, drafted, uniforms)
    return place, draft[place] if place < len(drafted) else following


@catalogue.right
def with_a_loop(target, draft, drafted, uniforms):
    accepted = 0
    while accepted < len(drafted):
        token = int(drafted[accepted])
        if float(uniforms[accepted]) < min(1.0, float(target[accepted][token]) / float(draft[accepted][token])):
            accepted += 1
            continue
        rest = (target[accepted] - draft[accepted]).relu()
        return [accepted, rest / rest.sum()]
    return accepted, target[accepted]


EXERCISE = exercise(
    "keep_or_reject", "99", keep_or_reject, draw, [("accepted", 2, ("case 0", "case 1", "case 2"))], catalogue
)
