"""Put the recorded times and sizes into docs/speed.md.

python -m benchmarks.speed
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from benchmarks.pages import recorded, with_sections
from grader.notebook.labs import labs_in
from grader.notebook.rendering import markdown_table
from utils.machine.workspace import ROOT

PAGE = ROOT / "docs" / "speed.md"


def sections() -> dict[str, str]:
    """Every part of the page, by its name."""
    distillation = recorded("distillation")
    return {
        "step": _machine(distillation) + _steps(distillation),
        "loss": _losses(distillation["losses"]),
        "truncation": _truncation(recorded("sweeps")["truncation"]),
        "labs": _labs(),
    }


def _machine(result: Mapping) -> str:
    machine, rows = result["machine"], result["rows a batch"]
    faster = (
        "whose bfloat16 products are no faster" if machine["forward"] == "float32" else "which computes in bfloat16"
    )
    return (
        f"{machine['cores']} CPU cores, {machine['platform']}, {faster}; torch {machine['torch']}, {machine['date']}. "
        f"Batches of {rows} rows, of whose {result['rounds measured']['listing'][0]['computed']:,} padded positions "
        f"{result['share of real positions']:.0%} are real; the median of {result['rounds']} rounds.\n\n"
    )


def _steps(result: Mapping) -> str:
    rows = [
        {
            "side": row["side"],
            "first epoch": f"{row['first epoch']:,.0f}",
            "later epochs": f"{row['later epochs']:,.0f}",
            "two epochs": f"{row['two epochs']:,.0f}",
            "times the listing": f"{row['times the listing']:.2f}",
        }
        for row in result["rows"]
        if row["side"] != "ours in float32" or result["machine"]["forward"] != "float32"  # there it is ours once more
    ]
    by_side = {row["side"]: row["two epochs"] for row in result["rows"]}
    share, rate = by_side["ours"] / by_side["floor"], result["matmul GFLOP/s"]
    return (
        f"{markdown_table(rows)}\n\nReal tokens per second. Ours reaches {share:.0%} of the floor, which spends "
        f"{rate:,.0f} GFLOP/s (of several products in the pair's shapes the best, of the rounds the median) on 2 N "
        "of the teacher and 6 N of the student for each token, and on nothing else."
    )


def _losses(rows: Sequence[Mapping]) -> str:
    positions = sorted({row["positions"] for row in rows})
    found = {(row["side"], row["positions"]): row for row in rows}
    sides = list(dict.fromkeys(row["side"] for row in rows))
    return markdown_table(
        [
            {
                "loss": side,
                **{f"MB at {n:,} positions": _measured(found[side, n], "without gradient MB") for n in positions},
                f"seconds at {positions[-1]:,}": _measured(found[side, positions[-1]], "seconds", 2),
            }
            for side in sides
        ]
    )


def _measured(row: Mapping, name: str, digits: int = 0) -> str:
    return f"{row[name]:,.{digits}f}" if name in row else "not measured"


def _truncation(rows: Sequence[Mapping]) -> str:
    return markdown_table(
        [
            {
                "T": f"{row['temperature']:g}",
                "k": str(row["k"]),
                "mass of the others": f"{row['mass of the others']:.0%}",
                "whole": f"{row['whole']:.3f}",
                "one bin": f"{row['one bin']:.3f}",
                "bias": f"{row['one bin'] / row['whole'] - 1:+.0%}",
                "scaled up": f"{row['scaled up']:.2f}",
            }
            for row in rows
        ]
    )


def _labs() -> str:
    rows = []
    for lab in labs_in(ROOT):
        result = recorded(f"lab_{lab.number}")
        rows.append(
            {
                "lab": lab.number,
                "seconds": f"{result['seconds']:.0f}",
                "memory": f"{result['memory_mb']:,} MB",
                "smoke": f"{result['smoke']['seconds']:.0f} s",
                "its longest steps": _longest(result.get("steps", {})),
            }
        )
    return markdown_table(rows)


def _longest(steps: Mapping[str, float], most: int = 4) -> str:
    longest = sorted(steps.items(), key=lambda step: -step[1])[:most]
    return "; ".join(f"{name} {seconds:.0f} s" for name, seconds in longest) or "not measured"


def main() -> None:
    """Write docs/speed.md."""
    PAGE.write_text(with_sections(PAGE.read_text(encoding="utf-8"), "speed", sections()), encoding="utf-8")


if __name__ == "__main__":
    main()
