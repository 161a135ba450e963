"""Models: the profiles, how a pair is loaded, and what a model predicts."""

HOLDS_NO_ANSWER = True
