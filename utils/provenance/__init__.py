"""Where a training text comes from, and whether a student may be trained on it."""
