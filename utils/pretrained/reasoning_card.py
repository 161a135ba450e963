"""Write reasoning/MODEL_CARD.md from what was recorded when that pair was made and asked.

    python -m utils.pretrained.reasoning_card

It reads reasoning/teacher.json and student.json and benchmarks/results/reasoning.json; no figure is typed by hand.
"""

from __future__ import annotations

import json

from jinja2 import Environment, StrictUndefined

from utils.machine.workspace import ROOT
from utils.pretrained.make_reasoning_pair import HERE, UNKNOWN_SHARE

TEMPLATE = """\
# The reasoning pair

Two small Llamas that read one character at a time, made for Labs 5 and 6 of this course. They answer questions such as
`7 +5 *3 -4`, worked out from left to right, and nothing else.

| | teacher | student |
|---|---|---|
{% for key in ("layers", "width", "heads", "mlp", "steps", "batch") -%}
| {{ key }} | {{ teacher.recipe[key] }} | {{ student.recipe[key] }} |
{% endfor -%}
| parameters | {{ "{:,}".format(teacher.parameters) }} | {{ "{:,}".format(student.parameters) }} |
| operations in the questions that it read | {{ teacher.recipe.lengths | join(", ") }} | {{ student.recipe.lengths | join(", ") }} |
| hours on {{ teacher.threads }} CPU core | {{ teacher.hours }} | {{ student.hours }} |
| right answers, greedy, {{ lengths | join(", ") }} operations | {{ cell("teacher") }} | {{ cell("untouched") }} |
| right answers, {{ longer | join(", ") }} operations | {{ far("teacher") }} | {{ far("untouched") }} |

Accuracy is on {{ asked }} questions of the validation split, in brackets a 95 % interval over questions
(benchmarks/reasoning.py). Neither model has read a question of that split.

## Data

Solutions written by `utils/labs/arithmetic.py`, drawn anew for every step from the seeds; in {{ "{:.0%}".format(unknown) }} of
the questions a number is missing, and their answer is `none`. The question itself is not learned.

## Training

Muon on the matrices of the blocks, AdamW (0.9, 0.95) on the rest, one learning rate of {{ teacher.recipe.learning_rate }}
for both, weight decay {{ teacher.recipe.weight_decay }}; linear warm-up over {{ teacher.recipe.warm_up_steps }} steps, constant,
linear decay over the last {{ "{:.0%}".format(teacher.recipe.decay_share) }}; float32, stored as float16; torch {{ teacher.torch }}.
Seeds {{ teacher.recipe.seed }} and {{ student.recipe.seed }}. `utils/pretrained/make_reasoning_pair.py` makes all of it again.

## Limits

They fail on longer questions than they read. At temperature 1 the teacher hardly errs; the labs ask it at a higher one,
where it does. Other releases of torch give slightly different weights from the same script.
"""


def render() -> str:
    """The card's text.  Raises FileNotFoundError where a record is missing."""
    made = {name: json.loads((HERE / f"{name}.json").read_text(encoding="utf-8")) for name in ("teacher", "student")}
    measured = json.loads((ROOT / "benchmarks" / "results" / "reasoning.json").read_text(encoding="utf-8"))
    rows = {row["arm"]: row for row in measured["rows"]}
    longer = measured["questions"]["longer"]
    environment = Environment(undefined=StrictUndefined, keep_trailing_newline=True, autoescape=False)
    return environment.from_string(TEMPLATE).render(
        **made,
        lengths=measured["questions"]["lengths"],
        longer=longer,
        asked=measured["questions"]["asked"],
        unknown=UNKNOWN_SHARE,
        cell=lambda name: "{accuracy:.3f} ({low:.3f} to {high:.3f})".format(**rows[name]),
        far=lambda name: ", ".join(f"{rows[name][f'accuracy at {length}']:.3f}" for length in longer),
    )


if __name__ == "__main__":
    (HERE / "MODEL_CARD.md").write_text(render(), encoding="utf-8")
