"""Text: where it comes from, how it is cut into rows, and how rows become batches."""

HOLDS_NO_ANSWER = True
