"""Move a slider in the page and say what came of it: did the pixels change, and how long did they take?

A delay runs from the key or the mouse to the end of the frame in which the page's main thread has painted what moved.
"""

from __future__ import annotations

import hashlib

from playwright.sync_api import Locator, Page

WATCH = """explorer => {
  const moving = explorer.querySelector('svg').closest('.widget-html-content');
  window.watched = {started: 0, delays: [], pictures: 0, last: 0, told: () => {}};
  const start = () => { window.watched.started = performance.now(); };
  for (const handle of explorer.querySelectorAll('.noUi-handle')) handle.addEventListener('keydown', start, true);
  document.addEventListener('mousemove', start, true);
  const painted = new MessageChannel();
  painted.port1.onmessage = () => {
    const now = performance.now();
    window.watched.pictures += 1; window.watched.last = now;
    if (window.watched.started) window.watched.delays.push(now - window.watched.started);
    window.watched.started = 0;
    window.watched.told();
  };
  const frame = () => requestAnimationFrame(() => painted.port2.postMessage(0));
  new MutationObserver(frame).observe(moving, {childList: true});
}"""
HELD = 100  # milliseconds a finger stays on a key; at 0 the browser's driver would work while the picture is made
# A promise and not a condition that is asked in every frame: asking would cost what is measured.
NEXT_PICTURE = "() => { window.watched.next = new Promise(told => { window.watched.told = told; }); }"


class Explorer:
    """One explorer in the page: its sliders, its picture, its numbers."""

    def __init__(self, page: Page, place: Locator):
        self.page, self.place = page, place
        self.handles = place.locator(".noUi-handle")
        self.picture = place.locator("img")
        place.scroll_into_view_if_needed()
        place.evaluate(WATCH)

    @property
    def numbers(self) -> str:
        """The numbers below the picture, as text."""
        return self.place.locator(".widget-html").last.inner_text()

    def pixels(self) -> str:
        """A digest of what the picture looks like on the screen."""
        return hashlib.sha256(self.picture.screenshot()).hexdigest()

    def at_the_end(self, slider: int) -> bool:
        """Whether the handle cannot go further to the right."""
        return self._value(slider, "now") >= self._value(slider, "max")

    def press_arrows(self, slider: int, times: int) -> list[float]:
        """Press an arrow key on a handle, to and fro between the ends, each time waiting for the picture.

        Returns the delays in milliseconds.
        """
        self._delays()  # those of a drag before do not belong here
        self.handles.nth(slider).focus()
        key = "ArrowRight"
        for _ in range(times):
            if self.at_the_end(slider):
                key = "ArrowLeft"
            elif self._value(slider, "now") <= self._value(slider, "min"):
                key = "ArrowRight"
            self.page.evaluate(NEXT_PICTURE)
            self.page.keyboard.press(key, delay=HELD)
            self.page.evaluate("() => window.watched.next")
        return self._delays()

    def far(self, slider: int) -> float:
        """Pixels that surely reach another stop, at least 150; negative where the handle cannot go further right."""
        track = self.place.locator(".noUi-base").nth(slider).bounding_box()["width"]
        stops = self._value(slider, "max") - self._value(slider, "min")
        return max(150.0, track / max(1.0, stops)) * (-1 if self.at_the_end(slider) else 1)

    def drag(self, slider: int, pixels: float, steps: int) -> tuple[int, float]:
        """Drag a handle; returns how many pictures that took, and milliseconds from letting go to the last of them."""
        self.handles.nth(slider).scroll_into_view_if_needed()  # a tall explorer's picture may have taken its place
        box = self.handles.nth(slider).bounding_box()
        x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
        before = self._pictures()
        self.page.mouse.move(x, y)
        self.page.mouse.down()
        self.page.mouse.move(x + pixels, y, steps=steps)
        self.page.mouse.up()
        released = self.page.evaluate("performance.now()")
        self.page.wait_for_function("before => window.watched.pictures > before", arg=before)
        self._wait_until_still()
        return self._pictures() - before, max(0.0, self.page.evaluate("window.watched.last") - released)

    def _value(self, slider: int, which: str) -> float:
        return float(self.handles.nth(slider).get_attribute(f"aria-value{which}"))

    def _wait_until_still(self) -> None:
        self.page.wait_for_function("performance.now() - window.watched.last > 700")

    def _pictures(self) -> int:
        return self.page.evaluate("window.watched.pictures")

    def _delays(self) -> list[float]:
        return self.page.evaluate("window.watched.delays.splice(0)")


def explorers(page: Page) -> list[Locator]:
    """Every explorer in the notebook, in its order."""
    found = page.locator(".jp-OutputArea-output .widget-vbox:has(img):has(.noUi-handle)")
    return [found.nth(place) for place in range(found.count())]
