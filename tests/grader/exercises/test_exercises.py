"""A lab's exercises are found by their module's name, so a new lab changes no list."""

from pathlib import Path

from grader import exercises
from grader.exercises import all_exercises, find_modules


def test_a_module_of_a_lab_is_found_by_its_name_and_its_helpers_are_not(tmp_path):
    for name in ("lab04/verify.py", "lab02/loss/__init__.py", "label/one.py", "lab4/one.py", "lab05/one.txt"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("\nEXERCISE = exercise()")
    (tmp_path / "lab04" / "cases.py").write_text("RIGHT = ()")
    assert find_modules(tmp_path) == ("lab02.loss", "lab04.verify")


def test_the_exercises_stand_in_the_order_of_the_labs():
    numbers = [exercise.lab for exercise in all_exercises()]
    modules = find_modules(Path(exercises.__file__).parent)
    assert numbers == sorted(numbers)
    assert [f"lab{each.lab}.{each.name}" for each in all_exercises()] == list(modules)
