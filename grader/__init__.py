"""Grading: what is right, what goes wrong, and how to tell from plain numbers. Never imported by ``utils``."""
