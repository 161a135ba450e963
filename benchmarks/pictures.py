"""Draw the pictures that stand in the labs' text, for pages where nothing moves.

    python -m benchmarks.pictures

Writes solutions/01_soft_targets/pictures/temperatures.png from SmolLM2's saved predictions.
"""

from __future__ import annotations

import matplotlib

from utils.figures.base import png
from utils.figures.temperature import temperatures_figure
from utils.labs.dark_knowledge import saved_prediction
from utils.machine.workspace import ROOT


def main() -> None:
    """Draw every picture again."""
    matplotlib.use("Agg")
    folder = ROOT / "solutions" / "01_soft_targets" / "pictures"
    folder.mkdir(exist_ok=True)
    figure = temperatures_figure(saved_prediction("For breakfast I had eggs and"), (1.0, 5.0, 20.0))
    (folder / "temperatures.png").write_bytes(png(figure))


if __name__ == "__main__":
    main()
