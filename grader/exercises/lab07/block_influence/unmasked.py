"""Each wrong measure once more, by people who also leave the mask out."""

from __future__ import annotations

from collections.abc import Callable

import torch

from grader.exercises.lab07.block_influence import wrong

OF_THE_MASK = "Change the states at a padded position: does your answer change?"
MEASURES = (
    wrong.cosine,
    wrong.negative,
    wrong.to_the_end,
    wrong.input_to_the_end,
    wrong.from_the_beginning,
    wrong.first_left_out,
    wrong.last_left_out,
    wrong.one_too_many,
    wrong.two_apart,
    wrong.over_positions,
    wrong.flattened,
    wrong.averaged_first,
    wrong.not_normalised,
    wrong.distance,
    wrong.relative_distance,
    wrong.mean_square,
    wrong.absolute,
    wrong.squared,
    wrong.angle,
    wrong.over_blocks,
    wrong.summed,
)


def _unmasked(measure: Callable) -> Callable:
    def of_all_positions(hidden_states, mask):
        return measure(hidden_states, torch.ones_like(mask))

    return of_all_positions


catalogue = wrong.catalogue
for single in [entry for entry in catalogue.wrong_ones if entry.implementation in MEASURES]:
    catalogue.wrong(
        f"padding counts, and {single.name}", f"{single.sentence} Padding counts.", f"{single.hint} {OF_THE_MASK}"
    )(_unmasked(single.implementation))
