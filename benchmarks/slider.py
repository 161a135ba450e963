"""How long from a slider to its pixels?  In this process, and in a browser where its tests have been run.

    python -m benchmarks.slider [--steps 200]

In process: a new value is set and what moves is drawn.  In the browser: from the key press to the end of the frame in
which the page has painted it, as tests/browser recorded it in outputs/browser; run those first, with nothing else
running.  Writes benchmarks/results/slider.json.  The bar is 60 milliseconds at the 95th percentile, the aim 40.
"""

from __future__ import annotations

import argparse
import json
import time

import matplotlib
import numpy as np
import torch

from benchmarks.common import write_result
from utils.figures.sliders import Explorer, loss_explorer, temperature_explorer
from utils.labs.dark_knowledge import saved_prediction
from utils.machine.workspace import ROOT

BAR_MILLISECONDS = 60
RECORDED = ROOT / "outputs" / "browser"


def percentiles(milliseconds: list[float]) -> dict[str, float | int]:
    """Median, 95th percentile and how many there were."""
    low, high = np.percentile(milliseconds, [50, 95])
    return {"p50_ms": round(float(low), 1), "p95_ms": round(float(high), 1), "steps": len(milliseconds)}


def in_process(explorer: Explorer, steps: int) -> dict[str, float | int]:
    """Every step of the first slider from end to end and over again, timed by wall clock and by this process's own."""
    slider = explorer.sliders[0]
    values = np.linspace(slider.min, slider.max, steps)
    np.random.Generator(np.random.PCG64(0)).shuffle(values)
    wall, own = [], []
    for value in values:
        started, started_own = time.perf_counter(), time.process_time()
        slider.value = float(value)
        wall.append(1000 * (time.perf_counter() - started))
        own.append(1000 * (time.process_time() - started_own))
    return {**percentiles(wall), "own_p95_ms": percentiles(own)["p95_ms"], "svg_bytes": len(explorer.moving.value)}


def in_browser() -> list[dict]:
    """What the browser tests recorded, lab by lab."""
    records = [json.loads(path.read_text(encoding="utf-8")) for path in sorted(RECORDED.glob("*-sliders.json"))]
    return [
        {
            "lab": record["lab"],
            **percentiles(record["key_to_pixels_milliseconds"]),
            "drag_end_max_ms": round(max(drag["milliseconds_to_the_last_picture"] for drag in record["drags"]), 1),
            "drags": record["drags"],
        }
        for record in records
    ]


def main() -> None:
    """Measure, write the result, and say whether the bar is met."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=200)
    arguments = parser.parse_args()
    matplotlib.use("Agg")
    generator = torch.Generator().manual_seed(0)
    logits = torch.randn(2, 8, 128, 4096, generator=generator) * 3
    labels = torch.randint(4096, (8, 128), generator=generator)
    measured = {
        "temperature, 49,152 tokens": temperature_explorer([saved_prediction("A tiger is a large wild")]),
        "loss, 8 x 128 x 4,096": loss_explorer(logits[0], logits[1], labels),
    }
    result = {name: in_process(explorer, arguments.steps) for name, explorer in measured.items()}
    browser = in_browser()
    path = write_result("slider", {"bar_ms": BAR_MILLISECONDS, "in_process": result, "in_browser": browser})
    for name, row in [*result.items(), *((row["lab"] + " in the browser", row) for row in browser)]:
        verdict = "within" if row["p95_ms"] <= BAR_MILLISECONDS else "over"
        print(f"{name}: p50 {row['p50_ms']} ms, p95 {row['p95_ms']} ms, {verdict} the bar of {BAR_MILLISECONDS} ms")
    print(path)


if __name__ == "__main__":
    main()
