"""A specification that tells nothing is refused when its table is made, with what to do."""

import pytest

from grader.exercises.ordinary import Catalogue, exercise
from grader.marking.diagnose import scores
from utils.checks.ask import ask
from utils.checks.records import Probe
from utils.errors import CourseError


def half(x):
    return x / 2


def specify(catalogue=None, reference=half, values=(2.0, 4.0), probes=("probe 0", "probe 1"), more=()):
    def draw(stream):
        return [Probe(f"probe {index}", {"x": value}) for index, value in enumerate(values)]

    return exercise("half", "99", reference, draw, [("all", 1.0, probes), *more], catalogue or Catalogue())


def test_a_mistake_that_shows_on_no_probe_is_refused():
    catalogue = Catalogue()
    catalogue.wrong("rounded up", "ceil", "Which way does it round?")(lambda x: -(-x // 2))
    with pytest.raises(CourseError, match="'rounded up' gives the right answer on every probe"):
        specify(catalogue).table(None)
    assert specify(catalogue, values=(3.0, 4.0)).table(None).texts["mistakes"]


def test_two_mistakes_that_answer_alike_are_refused():
    catalogue = Catalogue()
    catalogue.wrong("doubled", "x * 2", "?")(lambda x: x * 2)
    catalogue.wrong("added twice", "x + x", "?")(lambda x: x + x)
    with pytest.raises(CourseError, match="'added twice' gives the same answers as 'doubled'"):
        specify(catalogue).table(None)


def test_a_part_that_a_constant_earns_is_refused():
    with pytest.raises(CourseError, match="a constant earns the part 'all'"):
        specify(values=(2.0, 2.0)).table(None)


def test_a_part_that_names_no_probe_is_refused():
    with pytest.raises(CourseError, match="names a probe that is not drawn: 'prob 1'"):
        specify(probes=("probe 0", "prob 1")).table(None)


def test_a_reference_that_raises_is_refused():
    with pytest.raises(CourseError, match="reference of half does not answer a probe: error, ZeroDivisionError"):
        specify(reference=lambda x: x / 0).table(None)


SIGN = ("sign", 2.0, ("probe 0", "probe 1"), ("sign",))


def earned(function):
    catalogue = Catalogue()
    catalogue.wrong("sign flipped", "-x / 2", "?")(lambda x: -x / 2)
    catalogue.wrong("doubled", "x * 2", "?")(lambda x: x * 2)
    halved = specify(catalogue, more=[SIGN])
    table = halved.table(5)
    return scores(halved, table, ask(table.probes, function))


def test_a_mistake_with_a_part_of_its_own_costs_that_part_alone():
    assert earned(lambda x: 0 - 0.5 * x) == {"all": 1.0, "sign": 0.0}
    assert earned(lambda x: x + x) == {"all": 0.0, "sign": 0.0}, "a mistake that no part names costs all that it spoils"


def test_a_mistake_beside_other_numbers_is_not_carried_forward():
    assert earned(lambda x: -x / 2 if x < 3 else -x / 3) == {"all": 0.0, "sign": 0.0}


def test_a_part_that_names_no_mistake_of_the_catalogue_is_refused():
    with pytest.raises(CourseError, match="no mistake begins with 'sign', which 'sign' lists"):
        specify(more=[SIGN]).table(None)
