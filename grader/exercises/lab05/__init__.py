"""Lab 5, "The answer, or the way to it?": answers, steps, repetition, labels, a short form."""
