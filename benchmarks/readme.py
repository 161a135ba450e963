"""Put the recorded results into README.md and draw its figure, so that no number there is typed by hand.

python -m benchmarks.readme
"""

from __future__ import annotations

import matplotlib

from benchmarks.pages import recorded, with_sections
from utils.figures import base as plots
from utils.machine.workspace import ROOT
from utils.measuring.shown import interval

FIGURE = ROOT / "docs" / "comparison.png"


def section() -> str:
    """The README's results as Markdown: the figure, the table, the effect with its interval."""
    result = recorded("effect")
    effect, profile = result["effects"]["distilled_vs_ce_only"], result["profile"]
    lines = [
        f"![{plots.describe_rows(result['rows'])}](docs/{FIGURE.name})",
        "",
        "| model | parameters | perplexity | 95 % interval | bits per byte |",
        "|---|---|---|---|---|",
    ]
    for row in result["rows"]:
        lines.append(
            f"| {plots.NAMES[row['model']]} | {row['parameters']:,} | {row['perplexity']:.1f} "
            f"| {interval(row)} | {row['bits_per_byte']:.3f} |"
        )
    lines += [
        "",
        f"Distilling lowers the perplexity of CE-only by {1 - effect['ratio']:.1%} "
        f"(95 % interval {1 - effect['high']:.1%} to {1 - effect['low']:.1%}; {effect['seeds']} seeds, paired over "
        f"{result['documents']:,} documents, {profile['train_rows']:,} rows, {profile['epochs']} epochs).",
    ]
    return "\n".join(lines)


def with_results(readme: str) -> str:
    """The README with its results renewed."""
    return with_sections(readme, "readme", {"results": section()})


def main() -> None:
    """Write README.md and its figure."""
    matplotlib.use("Agg")
    FIGURE.parent.mkdir(exist_ok=True)
    FIGURE.write_bytes(plots.png(plots.comparison(recorded("effect")["rows"])))
    path = ROOT / "README.md"
    path.write_text(with_results(path.read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    main()
