"""Sliders on the figures of this room: a temperature, a loss, a surface, a divergence.

A step draws only what moves, as SVG above a picture that stays, and a drag never queues: the browser sends the next
value only when the drawing for the last one is there.  Only ipywidgets' own controls are used, so it works in Colab
too. Every control has a label and takes the arrow keys; the numbers are beside the picture as text.  Where no widget
lives, `show_temperature` and `show_loss_parts` draw the same figures.
"""

from __future__ import annotations

import base64
import html
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import ipywidgets
from IPython.display import display
from torch import Tensor
from traitlets import CFloat, Int

from utils.errors import CourseError
from utils.figures.adapters import SpectrumScene
from utils.figures.live_picture import LivePicture
from utils.figures.loss_parts import TEMPERATURES, LossScene, loss_curves
from utils.figures.modes import ModesScene
from utils.figures.provenance import COMPANIES, FIRST_COMPANY, SourcesScene
from utils.figures.serving import BATCHES, BITS, CONTEXTS, FIRST, ServingScene
from utils.figures.sweeps import SurfaceScene
from utils.figures.temperature import HIGHEST, LOWEST, TemperatureScene
from utils.labs.dark_knowledge import Prediction
from utils.machine.threads import one_thread
from utils.measuring.serving import known_hardware
from utils.models.costs import Sizes
from utils.provenance.gate import Decide, decide
from utils.provenance.terms import PURPOSES, Policy

_ALT = "Figure that follows the sliders; the text below it says what it shows."
_WIDE = ipywidgets.Layout(width="auto", max_width="880px")
_LAYERS = ipywidgets.Layout(width="100%", min_width="640px", max_width="880px")  # two panels, that can be read
_SCROLLS = ipywidgets.Layout(width="100%", overflow="auto hidden")
# Both in one place, one above the other, from the same upper edge.
_LAYER = ipywidgets.Layout(grid_area="1 / 1", width="100%", margin="0", align_self="flex-start")
_NAMES = {"description_width": "8em"}


Scene = TemperatureScene | LossScene | ModesScene | SurfaceScene | SpectrumScene | SourcesScene | ServingScene


class QuietSlider(ipywidgets.FloatSlider):
    """A slider whose kernel does not send back what the browser has just sent: one message less before the picture."""

    value = CFloat(0.0).tag(sync=True, echo_update=False)


class QuietStops(ipywidgets.SelectionSlider):
    """The same with stops in place of numbers."""

    index = Int().tag(sync=True, echo_update=False)


@dataclass(frozen=True)
class Explorer:
    """Controls, a picture and its numbers.  `box` is what a notebook shows; the parts can be driven from code.

    picture: what does not move; moving: what does, as SVG laid over it, and the numbers below, as text.  One message
    brings both, because the browser draws for each.  still: makes one PNG of all that is to be seen now.
    """

    box: ipywidgets.VBox
    sliders: tuple[QuietSlider | QuietStops, ...]
    picture: ipywidgets.Image
    moving: ipywidgets.HTML
    still: Callable[[], bytes]
    choice: ipywidgets.Dropdown | None = None

    def _ipython_display_(self) -> None:
        name = f"still-{uuid.uuid4().hex}"
        display(self.box)
        picture = base64.b64encode(self.still()).decode("ascii")
        page = _STILL.format(name=name, picture=picture, numbers=html.escape(self.numbers))
        page += _AROUND.replace("NAME", name)
        display({"text/html": page, "text/plain": self.numbers}, raw=True)

    @property
    def numbers(self) -> str:
        """What the picture shows now, in words."""
        return html.unescape(self.moving.value.rpartition("</div>")[0].rpartition(">")[2])


def temperature_explorer(
    predictions: Sequence[Prediction], students: Sequence[Prediction] | None = None, temperature: float = 1.0
) -> Explorer:
    """Turn the temperature of one prediction at a time.

    Each of `predictions` stands beside the one-hot label or, with `students`, beside the student's prediction for the
    same prompt.  Raises CourseError where there is no prediction, or not one student's for each.
    """
    if not predictions:
        raise CourseError("There is no prediction to show. Give at least one, from saved_predictions() or ask().")
    beside: Sequence[Prediction | None] = [None] * len(predictions) if students is None else students
    if len(beside) != len(predictions):
        raise CourseError(
            f"There are {len(predictions)} predictions and {len(beside)} of students; give one for each prompt."
        )
    slider = _slider("temperature", temperature, LOWEST, HIGHEST, 0.1)
    options = [(f"{one.kind}: {one.prompt!r}", place) for place, one in enumerate(predictions)]
    choice = ipywidgets.Dropdown(options=options, description="prompt", layout=_WIDE, style=_NAMES)

    def scene_of() -> tuple[TemperatureScene, Callable[[], str]]:
        scene = TemperatureScene(predictions[choice.value], beside[choice.value])
        return scene, lambda: scene.sentence(scene.move(slider.value))

    return _explorer((slider,), scene_of, choice)


def loss_explorer(
    student_logits: Tensor, teacher_logits: Tensor, labels: Tensor, temperature: float = 1.0, alpha: float = 0.5
) -> Explorer:
    """Turn T and alpha of the loss on one batch.  Logits: (B, S, V) before the shift; labels: (B, S), -100 ignored."""
    curves = loss_curves(student_logits, teacher_logits, labels)
    first = _slider("temperature", temperature, TEMPERATURES[0], TEMPERATURES[-1], TEMPERATURES[1] - TEMPERATURES[0])
    second = _slider("alpha", alpha, 0.0, 1.0, 0.05)

    return _explorer((first, second), lambda: _following(LossScene(curves), first, second))


def surface_explorer(surface: Sequence[Mapping]) -> Explorer:
    """Move a slice through a recorded surface over (T, alpha): rows with both, and "ratio to CE-only"."""
    scene = SurfaceScene(surface)
    options = [(f"{temperature:g}", temperature) for temperature in scene.temperatures]
    slider = QuietStops(options=options, description="temperature", layout=_WIDE, style=_NAMES)

    return _explorer((slider,), lambda: _following(scene, slider))


def divergence_explorer(beta: float = 0.0) -> Explorer:
    """Slide beta from forward KL (0) to reverse KL (1): a student with one mode is fitted to a teacher with two."""
    slider = _slider("beta", beta, 0.0, 1.0, 0.05)

    def scene_of() -> tuple[ModesScene, Callable[[], str]]:
        scene = ModesScene()
        return scene, lambda: scene.sentence(slider.value, scene.move(slider.value))

    return _explorer((slider,), scene_of)


def spectrum_explorer(changes: Mapping[str, Sequence[float]], ranks: Sequence[int]) -> Explorer:
    """Cut the singular values of a matrix's change at a rank.  changes: by the matrix's name, largest value first."""
    if not changes or not ranks:
        raise CourseError("There is no change to cut, or no rank to cut it at. Give at least one of each.")
    options = [(str(rank), rank) for rank in ranks]
    slider = QuietStops(options=options, description="rank", layout=_WIDE, style=_NAMES)
    choice = ipywidgets.Dropdown(options=list(changes), description="matrix", layout=_WIDE, style=_NAMES)

    return _explorer((slider,), lambda: _following(SpectrumScene(changes, choice.value), slider), choice)


def sources_explorer(rows: Sequence[dict], policy: Policy, decide: Decide = decide) -> Explorer:
    """Choose the purpose and the size of the company: which rows of a data set may be used, and what is lost.

    rows: with "subject" and "provenance".  Raises CourseError where there is none.
    """
    if not rows:
        raise CourseError("There is no row to show. Give at least one, with its provenance.")
    slider = QuietStops(options=list(COMPANIES), value=FIRST_COMPANY, description="users", layout=_WIDE, style=_NAMES)
    choice = ipywidgets.Dropdown(options=PURPOSES, value="product", description="purpose", layout=_WIDE, style=_NAMES)
    return _explorer(
        (slider,),
        lambda: _following(SourcesScene(rows, policy, choice.value, decide), slider, read=COMPANIES.get),
        choice,
    )


def serving_explorer(models: Mapping[str, Sizes]) -> Explorer:
    """Set the bits of the weights, the batch and the context of several models, on one machine at a time."""
    if not models:
        raise CourseError("There is no model to serve. Give the sizes of at least one.")
    stops = {"bits": BITS, "batch": BATCHES, "context": CONTEXTS}
    sliders = tuple(
        QuietStops(
            options=[(f"{stop:,}", stop) for stop in some], value=first, description=name, layout=_WIDE, style=_NAMES
        )
        for (name, some), first in zip(stops.items(), FIRST, strict=True)
    )
    options = [(machine.name, machine) for machine in known_hardware().values()]
    choice = ipywidgets.Dropdown(options=options, description="machine", layout=_WIDE, style=_NAMES)

    return _explorer(sliders, lambda: _following(ServingScene(models, choice.value), *sliders), choice)


def _following(
    scene: Scene, *sliders: QuietSlider | QuietStops, read: Callable = lambda value: value
) -> tuple[Scene, Callable[[], str]]:
    """The scene, and what moves it to where the sliders are and says so.  read: of a value, what the scene is given."""

    def move() -> str:
        now = [read(slider.value) for slider in sliders]
        scene.move(*now)
        return scene.sentence(*now)

    return scene, move


def _explorer(
    sliders: tuple[QuietSlider | QuietStops, ...],
    scene_of: Callable[[], tuple[Scene, Callable[[], str]]],
    choice: ipywidgets.Dropdown | None = None,
) -> Explorer:
    """Put the parts together.  A slider moves artists on the kept picture; only another choice makes a new picture."""
    picture, moving = ipywidgets.Image(format="png", layout=_LAYER), ipywidgets.HTML(layout=_LAYER)

    def new_scene(*_: object) -> None:
        scene, move = scene_of()
        move()
        state["picture"], state["move"] = LivePicture(scene.figure, scene.moving), move
        picture.value = state["picture"].background
        step()

    def step(*_: object) -> None:
        with one_thread():
            sentence = state["move"]()
        numbers = f'<div style="line-height:1.5;margin:0 1em">{html.escape(sentence)}</div>'
        moving.value = state["picture"].overlay() + numbers

    state: dict = {}
    new_scene()
    for slider in sliders:
        slider.observe(step, "value")
    if choice is not None:
        choice.observe(new_scene, "value")
    controls = (*sliders,) if choice is None else (choice, *sliders)
    layers = ipywidgets.Box([ipywidgets.GridBox([picture, moving], layout=_LAYERS)], layout=_SCROLLS)
    box = ipywidgets.VBox([*controls, layers])
    return Explorer(box, sliders, picture, moving, lambda: state["picture"].still(), choice)


def _slider(name: str, value: float, low: float, high: float, step: float) -> QuietSlider:
    return QuietSlider(
        value=value, min=low, max=high, step=step, description=name, readout_format=".2f", continuous_update=True,
        layout=_WIDE, style=_NAMES,
    )  # fmt: skip


# Below the sliders: the same picture, still and folded. A notebook that is opened again has no kernel and no sliders.
_STILL = (
    '<details id="{name}"><summary>The same picture without sliders (if there are none above, run this cell again)'
    '</summary><div style="overflow-x:auto"><img alt="{numbers}" src="data:image/png;base64,{picture}" '
    'style="width:100%;min-width:640px;max-width:880px"></div><p>{numbers}</p></details>'
)
# ipywidgets names neither a slider's handle nor a picture (and a tooltip on a picture breaks it), so a screen reader
# would say "slider" and "image" and nothing else, and of a slider with stops only which stop it is. The script names
# them, and opens the still picture where the sliders are dead, in place of an error about a missing model.
_AROUND = """<script>
(() => {
  const still = document.getElementById("NAME");
  const outputs = still && still.closest(".jp-OutputArea, .output, body");
  const revive = () => {
    if (!outputs || outputs.querySelector(".widget-slider")) return;
    still.open = true;
    outputs.querySelectorAll(".jupyter-widgets").forEach((dead) => {
      if (dead.textContent.startsWith("Error displaying widget")) dead.style.display = "none";
    });
  };
  const name = () => {
    document.querySelectorAll(".widget-slider .noUi-handle").forEach((handle) => {
      const slider = handle.closest(".widget-slider");
      const label = slider.querySelector(".widget-label");
      const value = slider.querySelector(".widget-readout");
      if (label && !handle.hasAttribute("aria-label")) handle.setAttribute("aria-label", label.textContent);
      if (!value || handle.dataset.said) return;
      const say = () => {
        const said = value.value || value.textContent;
        if (handle.getAttribute("aria-valuetext") !== said) handle.setAttribute("aria-valuetext", said);
      };
      handle.dataset.said = "yes";
      new MutationObserver(say).observe(value, {childList: true, characterData: true, subtree: true});
      new MutationObserver(say).observe(handle, {attributes: true, attributeFilter: ["aria-valuetext"]});
      say();
    });
    document.querySelectorAll(".widget-vbox img.widget-image:not([alt])").forEach((picture) => {
      const numbers = picture.parentElement.querySelector(".widget-html");
      if (!numbers) return;
      numbers.id = numbers.id || "numbers-" + Math.random().toString(36).slice(2);
      picture.alt = "ALT";
      picture.setAttribute("aria-describedby", numbers.id);
    });
  };
  let tries = 0;
  const timer = setInterval(() => {
    name();
    if (++tries > 12) revive();
    if (tries > 40) clearInterval(timer);
  }, 250);
})();
</script>""".replace("ALT", _ALT)
