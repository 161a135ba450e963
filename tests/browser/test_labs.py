"""Each lab in JupyterLab itself: cards after wrong and right answers, every cell run, sliders moved, both themes."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path

import jupytext
import pytest

from tests.browser.conftest import ROOT

LABS = sorted((ROOT / "labs").glob("[0-9][0-9]_*/*.ipynb"))
MARKERS = re.compile(r"^ *### (BEGIN|END) SOLUTION\n?", re.MULTILINE)
SERIOUS = {"serious", "critical"}
OURS = (".jp-OutputArea-output .widget-vbox:has(.noUi-handle)", "[role=status][aria-label^='Check of']")


@dataclass
class Lab:
    """A lab in the browser, with the answers that its source has."""

    name: str
    notebook: object
    answers: dict[str, str]
    explorers: int

    @property
    def page(self):
        return self.notebook.page


def answers(name: str) -> dict[str, str]:
    """The solution of every TODO cell, by grade_id."""
    source = jupytext.read(ROOT / "solutions" / name / f"{name}.py")
    marked = [cell for cell in source.cells if cell.cell_type == "code" and "nbgrader" in cell.metadata]
    return {
        cell.metadata["nbgrader"]["grade_id"]: MARKERS.sub("", cell.source)
        for cell in marked
        if cell.metadata["nbgrader"]["solution"]
    }


@pytest.fixture(scope="module", params=LABS, ids=lambda path: path.stem)
def lab(request, jupyter, page):
    from tests.browser.jupyter import OpenNotebook

    path: Path = request.param
    explorers = path.read_text(encoding="utf-8").count("_explorer(")
    return Lab(path.stem, OpenNotebook(page, jupyter.url(jupyter.add(path))), answers(path.stem), explorers)


def card(lab: Lab, todo: str) -> str:
    """Run a TODO's check and read its card."""
    check = lab.notebook.cell(f'check("{todo}"')
    lab.notebook.run(check)
    return lab.notebook.output(check).locator("[role=status]").inner_text()


def test_there_are_labs_to_open():
    assert LABS, "labs/ holds no notebook: python3 course.py build makes them"


def test_open_wrong_and_right_answers_each_get_their_card(lab, artefacts):
    for words in ("Find the course", "begin("):
        lab.notebook.run(lab.notebook.cell(words))
    todo = next(iter(lab.answers))
    cell = lab.notebook.cell(f"def {todo}(")
    lab.notebook.run(cell)
    assert "not yet" in card(lab, todo)
    lab.notebook.write(cell, f"def {todo}(*anything):\n    return 1.0")
    lab.notebook.run(cell)
    wrong = card(lab, todo)
    assert "not yet" in wrong and "passed" not in wrong
    lab.page.screenshot(path=artefacts / f"{lab.name}-wrong.png")
    lab.notebook.write(cell, lab.answers[todo])
    lab.notebook.run(cell)
    assert "passed" in card(lab, todo)
    lab.page.screenshot(path=artefacts / f"{lab.name}-right.png")


def test_every_cell_runs_with_the_solutions_filled_in(lab):
    for todo, source in lab.answers.items():
        cell = lab.notebook.cell(f"def {todo}(")
        lab.notebook.write(cell, source)
    lab.notebook.run_all()
    assert lab.notebook.errors() == []
    assert lab.notebook.not_run() == 0
    assert not lab.notebook.shows("[not yet]") and not lab.notebook.shows("is still open")


def test_sliders_take_mouse_and_keys_and_the_picture_follows(lab, artefacts):
    from tests.browser.sliders import Explorer, explorers

    delays, drags = [], []
    assert lab.page.locator(".jp-OutputArea-output svg[viewBox='0 0 48 48']").count() == 0, "a widget failed to show"
    found = explorers(lab.page)
    assert len(found) == lab.explorers
    for place in found:
        explorer = Explorer(lab.page, place)
        for slider in range(explorer.handles.count()):
            pixels, numbers = explorer.pixels(), explorer.numbers
            delays += explorer.press_arrows(slider, 5)
            assert explorer.pixels() != pixels and explorer.numbers != numbers
            pixels = explorer.pixels()
            pictures, last = explorer.drag(slider, pixels=explorer.far(slider), steps=30)
            assert explorer.pixels() != pixels
            assert pictures <= 31, "a drag must not make more pictures than the mouse made moves"
            drags.append({"moves": 30, "pictures": pictures, "milliseconds_to_the_last_picture": last})
    if delays:
        record = {"lab": lab.name, "key_to_pixels_milliseconds": delays, "drags": drags}
        (artefacts / f"{lab.name}-sliders.json").write_text(json.dumps(record, indent=1), encoding="utf-8")


@pytest.mark.parametrize("theme", ["Light", "Dark"])
def test_widgets_and_cards_have_no_serious_accessibility_finding(lab, artefacts, theme):
    from axe_playwright_python.sync_playwright import Axe

    from tests.browser.sliders import explorers

    lab.notebook.theme(theme)
    for number, place in enumerate(explorers(lab.page)):
        place.scroll_into_view_if_needed()
        lab.page.screenshot(path=artefacts / f"{lab.name}-slider{number}-{theme}.png")
    lab.notebook.output(lab.notebook.cell("check("))
    lab.page.screenshot(path=artefacts / f"{lab.name}-card-{theme}.png")
    present = [selector for selector in OURS if lab.page.locator(selector).count()]
    assert present, "no card and no slider is in the page"
    found = Axe().run(lab.page, context={"include": [[selector] for selector in present]}).response["violations"]
    serious = [
        f"{violation['id']} ({violation['impact']}): {violation['help']}, at {violation['nodes'][0]['html'][:200]}"
        for violation in found
        if violation["impact"] in SERIOUS
    ]
    assert serious == []


def test_the_rounds_of_lab_4_step_on_by_keyboard(lab, artefacts):
    button = lab.page.get_by_role("button", name="Next round")
    if not button.count():
        pytest.skip("this lab writes nothing round by round")
    said = lab.page.locator("[role=status][aria-live=polite]")  # JupyterLab has such places of its own
    said.filter(has_text=re.compile(r"^\s*1 of ")).first.wait_for()
    button.focus()
    lab.page.keyboard.press("Enter")
    said.filter(has_text=re.compile(r"^\s*2 of ")).first.wait_for()
    assert lab.page.get_by_text("Round 2: ").count() >= 2  # in the sentence, in the picture, in its twin
    lab.page.screenshot(path=artefacts / f"{lab.name}-rounds.png")
