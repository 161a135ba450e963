"""expected_calibration_error(confidence, correct, bins): how far accuracy and confidence lie apart, bin by bin."""

from __future__ import annotations

from grader.exercises.lab09.expected_calibration_error.probes import draw
from grader.exercises.lab09.expected_calibration_error.right import catalogue
from grader.exercises.lab09.expected_calibration_error.rule import expected_calibration_error
from grader.exercises.ordinary import exercise

PARTS = (
    ("the gap of each bin, weighed", 2, ("all bins", "too sure below, too timid above", "crowded at the end")),
    ("equally wide bins, as many as asked for", 1, ("many bins", "one bin")),
    ("empty bins and the last edge", 1, ("empty bins", "some are certain")),
)
EXERCISE = exercise("expected_calibration_error", "09", expected_calibration_error, draw, PARTS, catalogue)
