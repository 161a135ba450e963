"""A lab's exercises are found by their module's name, so a new lab changes no list."""

from pathlib import Path

from grader import exercises
from grader.exercises import all_exercises, find_modules


def test_a_module_of_a_lab_is_found_by_its_name_and_its_helpers_are_not(tmp_path):
    for name in ("lab04.py", "lab02.py", "lab04_cases.py", "label.py", "table.py", "lab05.txt"):
        (tmp_path / name).write_text("")
    assert find_modules(tmp_path) == ("lab02", "lab04")


def test_the_exercises_stand_in_the_order_of_the_labs():
    numbers = [exercise.lab for exercise in all_exercises()]
    modules = find_modules(Path(exercises.__file__).parent)
    assert numbers == sorted(numbers) and {f"lab{number}" for number in numbers} == set(modules)
