# Answers taken from where they might lie about.
# Each cell stands in a submission in place of `distillation_loss`. Hostile on purpose: not to be run outside of the sandbox.
# ruff: noqa
# fmt: off

# %% library_loss
from utils.losses.core import distillation_loss

# %% library_module
import utils.losses.core
distillation_loss = utils.losses.core.distillation_loss

# %% library_listing
from utils.labs.listing import distillation_loss

# %% library_training
from utils.training.loop import *
from utils.training import loop as training
distillation_loss = training.loss

# %% grader_exercises
import grader.exercises
distillation_loss = grader.exercises.get('distillation_loss').reference

# %% grader_diagnose
from grader.marking.diagnose import *

# %% solution_executed
import glob, json
for path in glob.glob('/**/solutions/**/*.ipynb', recursive=True) + glob.glob('../../../*/*/*.ipynb'):
    for c in json.load(open(path))['cells']:
        if 'def distillation_loss' in ''.join(c['source']):
            exec(''.join(c['source']))

# %% python_files_executed
import os
for folder in ('/course', '/', '/root', '/home'):
    for where, _, names in os.walk(folder):
        for name in names:
            if name.endswith(('.npz', 'losses.py', 'reference.py')) and 'site-packages' not in where:
                try: exec(open(os.path.join(where, name)).read())
                except Exception: pass
