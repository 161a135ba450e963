"""The models that come with the course, and the scripts that made them."""

HOLDS_NO_ANSWER = True
