"""Notebooks that were handed out before the library had rooms know the course by this file, and import from it."""

from utils.machine.bootstrap import install_missing

HOLDS_NO_ANSWER = True
__all__ = ["install_missing"]
