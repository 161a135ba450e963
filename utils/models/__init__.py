"""Models: the profiles, how a pair is loaded, and what a model predicts."""

from utils.moved import names_of

HOLDS_NO_ANSWER = True

__getattr__ = names_of(__name__)
