"""What does a learner get back?  One page: each exercise, what is wrong in it by name, and the number that shows it.

No hidden probe and no expected value is on it, and everything of the submission's is escaped. The mistake this
prevents: feedback that hands out the answers, or that runs a submission's markup in the reader's browser.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from jinja2 import Environment

from grader.marking import marks
from grader.marking.journal import Entry
from grader.marking.matching import Release
from utils.machine.workspace import write_whole

_PAGE = Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True).from_string("""<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>Feedback: {{ lab }}</title>
<style>
  :root { color-scheme: light dark; }
  body { font: 1rem/1.5 system-ui, sans-serif; max-width: 44rem; margin: 2rem auto; padding: 0 1rem;
         overflow-wrap: anywhere; }
  section { border-top: 1px solid gray; padding: .5rem 0 1rem; }
  h1 { font-size: 1.6rem; line-height: 1.2; }
  h2 { font-size: 1.1rem; margin: .5rem 0; display: flex; flex-wrap: wrap; justify-content: space-between;
       gap: 0 1rem; }
  blockquote { margin: .5rem 0; padding-left: 1rem; border-left: 3px solid #0072b2; white-space: pre-line; }
  table { border-collapse: collapse; } td { padding: .1rem 1rem .1rem 0; }
</style>
<h1>{{ lab|replace("_", "_<wbr>"|safe) }}</h1>
<p>{{ student }}: {{ total }} of {{ maximum }} points{% if open %}; by hand, {{ open }}{% endif %}.</p>
{% for result in results %}
<section>
  <h2><span>{{ result.exercise }}</span> <span>
  {%- if result.score is none %}{{ labels.stale if result.status == "stale" else "to be marked" }}{% else %}
  {{ labels[result.status] }}, {{ "%g"|format(result.score) }} of {{ "%g"|format(result.max_score) }}{% endif %}
  </span></h2>
  <p>{{ result.message }}</p>
  {% if comments[result.exercise] %}
  <blockquote>{{ comments[result.exercise] }}</blockquote>
  {% endif %}
  {% if result.misconceptions %}
  <ul>{% for name in result.misconceptions %}<li>{{ name }}</li>{% endfor %}</ul>
  {% endif %}
  {% if result.parts|length > 1 %}
  <table>
  {% for name, points, earned in result.parts %}
    <tr><td>{{ name }}</td><td>{{ "%g"|format(earned) }} of {{ "%g"|format(points) }}</td></tr>
  {% endfor %}
  </table>
  {% endif %}
</section>
{% endfor %}
{% if remarks %}
<section><h2>About the notebook</h2>
<ul>{% for remark in remarks %}<li>{{ remark }}</li>{% endfor %}</ul></section>
{% endif %}
</html>
""")

LABELS = {
    "ok": "right", "partial": "partly right", "wrong": "not right yet", "missing": "not there",
    "timeout": "took too long", "memory": "took too much memory", "crashed": "crashed", "unreadable": "cannot be read",
    "stale": "marked before the last change",
}  # fmt: skip


def page(lab: Release, entry: Entry, comments: Mapping[str, str]) -> str:
    """The page as HTML. comments: exercise -> what the instructor wrote about it."""
    scores = [result.score for result in entry.results if result.score is not None]
    return _PAGE.render(
        lab=lab.name,
        student=entry.student,
        total=f"{sum(scores):g}",
        maximum=f"{sum(task.points for task in lab.tasks):g}",
        open=marks.said(*marks.counted([entry])),
        results=entry.results,
        comments=comments,
        remarks=[*entry.notes, *entry.remarks],
        labels=LABELS,
    )


def write(path: Path, lab: Release, entry: Entry, comments: Mapping[str, str]) -> None:
    write_whole(path, page(lab, entry, comments))
