"""Write MODEL_CARD.md from what was recorded when the pair was made and measured.

    python -m utils.pretrained.card

It reads student.json and teacher.json (written by make_pair) and benchmarks/results/effect.json, so no figure in the
card is typed by hand.
"""

from __future__ import annotations

import json
from pathlib import Path

from jinja2 import Environment, StrictUndefined

from utils.machine.workspace import ROOT

HERE = Path(__file__).resolve().parent
TEMPLATE = """\
# The embedded pair

Two small language models with one tokenizer, made for this course: a teacher and a student in GPT-2's architecture,
{{ ratio }} times apart in parameters, as gpt2-medium and distilgpt2 are. They load with
`AutoModelForCausalLM.from_pretrained` like any other model. They are for learning about distillation on a laptop, and
for nothing else.

| | teacher | student |
|---|---|---|
{% for label, key in sizes -%}
| {{ label }} | {{ teacher.recipe[key] }} | {{ student.recipe[key] }} |
{% endfor -%}
| parameters | {{ "{:,}".format(parameters.teacher) }} | {{ "{:,}".format(parameters.untouched) }} |
| stored as | float16 | float32 |
| tokens read in training | {{ "{:,}".format(teacher.recipe.tokens) }} | {{ "{:,}".format(student.recipe.tokens) }} |
| of these from the target's train split | {{ "{:.1%}".format(teacher.recipe.target_share) }} | none |
| hours on {{ teacher.threads }} CPU cores, shared with other work | {{ teacher.hours }} | {{ student.hours }} |
| perplexity on the target's validation split | {{ cell("teacher") }} | {{ cell("untouched") }} |

The perplexities are on {{ "{:,}".format(tokens) }} tokens, documents cut at {{ profile.max_length }} tokens, with a 95 %
interval over documents (benchmarks/effect.py). The student is *untouched*: it has never read the target's text, so what
a lab teaches it is new to it.

## Data

- **General text** (both models): {{ "{:,}".format(student.general.documents) }} docstrings,
  {{ "{:,}".format(student.general.tokens) }} tokens, of the packages below, read from their installation with `ast`.
  Exact repetitions are removed, and so are {{ "{:,}".format(student.near_duplicates.general_against_tune_and_validation) }}
  documents that share more than 20 % of their runs of 13 words with the target's tune or validation split.
- **Target text** (the teacher only): the train split of {{ teacher.target.name }}, {{ "{:,}".format(teacher.target.documents) }}
  documents, {{ "{:,}".format(teacher.target.tokens) }} tokens: help topics (`pydoc_data.topics`) and docstrings of the
  standard library, under the Python Software Foundation License. {{ "{:,}".format(teacher.near_duplicates.between_the_splits) }}
  documents that repeat each other across the splits were left out. Splits follow a hash of each document's name.

No text is stored here, only the weights. Each package states its own licence:

| package | version | licence as stated | documents |
|---|---|---|---|
{% for package in student.packages -%}
| {{ package.name }} | {{ package.version }} | {{ package.licence }} | {{ "{:,}".format(package.documents) }} |
{% endfor %}
## Training

Muon (torch.optim.Muon, momentum 0.95, updates scaled to AdamW's) on the matrices of the blocks, AdamW (0.9, 0.95) on the
rest, one learning rate of {{ teacher.recipe.learning_rate }} for both, weight decay {{ teacher.recipe.weight_decay }}; windows of
256 tokens, {{ teacher.recipe.batch }} a step for the teacher and {{ student.recipe.batch }} for the student; linear warm-up over
{{ teacher.recipe.warm_up_steps }} steps, constant, linear decay over the last {{ "{:.0%}".format(teacher.recipe.decay_share) }}; bfloat16
forward passes, float32 weights; torch {{ teacher.torch }}. Seeds {{ teacher.recipe.seed }} and {{ student.recipe.seed }}.
The tokenizer is a byte-level BPE of 4,096 tokens, trained on the general text. `make_pair.py` makes all of it again.

## Limits

They know the documentation of Python packages and little else. They write sentences that look like docstrings and mean
nothing. They were trained for minutes, on windows of 256 tokens: longer input is out of their range. Do not use their
output for anything. Other releases of torch give slightly different weights from the same script.
"""


def render() -> str:
    """The card's text.  Raises FileNotFoundError where a record is missing."""
    records = {name: json.loads((HERE / f"{name}.json").read_text(encoding="utf-8")) for name in ("teacher", "student")}
    effect = json.loads((ROOT / "benchmarks" / "results" / "effect.json").read_text(encoding="utf-8"))
    rows = {row["model"]: row for row in effect["rows"]}
    parameters = {name: row["parameters"] for name, row in rows.items()}
    environment = Environment(undefined=StrictUndefined, keep_trailing_newline=True, autoescape=False)
    return environment.from_string(TEMPLATE).render(
        **records,
        parameters=parameters,
        ratio=f"{parameters['teacher'] / parameters['untouched']:.1f}",
        profile=effect["profile"],
        tokens=rows["teacher"]["tokens"],
        sizes=[("layers", "layers"), ("width", "width"), ("heads", "heads")],
        cell=lambda name: "{perplexity:.1f} ({low:.1f} to {high:.1f})".format(**rows[name]),
    )


if __name__ == "__main__":
    (HERE / "MODEL_CARD.md").write_text(render(), encoding="utf-8")
