# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
# ---

# %% [markdown]
# # Lab 99. Answers of every kind
#
# {{ header }}

# %% tags=["set-up"]
from typing import NamedTuple

import torch

from utils.checks import check
from utils.models.profiles import get_profile
from utils.notebook import ready

profile = get_profile("auto")

# EXERCISES: one cell and one check for each, put here by the test

# %% [markdown]
# ## What you found
#
# | Points | Rubric |
# |---|---|
# | 2 | Says why |

# %% [markdown] nbgrader={"grade": true, "grade_id": "written_why", "locked": false, "points": 2, "schema_version": 3, "solution": true, "task": false}
# A sketch of an answer.
