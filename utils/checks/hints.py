"""What to think about, for a mistake's name. One question or fact each; never the code, never the formula's answer."""

from __future__ import annotations

# A word in the name -> the thought. The first that occurs counts, so the special ones stand first.
HINTS = (
    (
        "wrong direction",
        "Which token does the model predict at position t: the one it has just read, or the one after?",
    ),
    ("by two positions", "How far is the token that position t predicts away from t?"),
    ("teacher one position", "Teacher and student must be compared at the same position."),
    ("mask is not", "Logits, labels and the mask must speak of the same positions: which of them did you cut?"),
    ("shift", "At position t the model has read token t. Which token is it scored on?"),
    ("wrong end", "The last position has no next token. Which position must go, from logits and from labels?"),
    ("rolled", "What does the last position predict, and is that token in the batch?"),
    ("token id", "A pad may share its id with a real token. What marks a position that must not count?"),
    ("inverted", "Which positions carry -100: the ones that count, or the others?"),
    ("padding", "Change only an ignored position in your mind: should the loss notice?"),
    ("swapped", "At alpha = 1, which part should be left alone?"),
    ("alpha", "Set alpha to 0 and to 1: what should be left each time?"),
    ("default", "Compare the defaults in your def line with the task's."),
    ("top token", "What does the teacher know besides its favourite?"),
    ("T squared on the hard", "The hard part has no temperature. What should the factor make up for, and where?"),
    ("T squared", "Dividing logits by T shrinks the soft gradient by T squared. What keeps the two parts comparable?"),
    ("temperature in the hard", "The labels are not softened. Which logits does plain cross-entropy see?"),
    ("temperature", "Follow T through the soft part: which logits meet it, how often, and from which argument?"),
    ("scaled by T", "By which power of T does the soft gradient shrink?"),
    ("wrong way round", "Which of the two distributions weighs the sum, the teacher's or the student's?"),
    ("arguments", "Read kl_div's documentation again: which argument is the log of what?"),
    ("log-prob", "Which of the two distributions enters as a logarithm?"),
    ("log forgotten", "A divergence compares logarithms. Where do yours come from?"),
    ("twice on", "What does a softmax do to numbers that are already probabilities?"),
    ("taken twice", "Is what you pass on still logits, or already probabilities?"),
    ("raw logits", "Do these numbers sum to one over the vocabulary?"),
    ("over the", "Along which axis do the probabilities of one position sum to one?"),
    ("vocabulary", "The vocabulary is summed over. What is averaged?"),
    ("batch", "The mean is per token. How many tokens count in the batch?"),
    ("divided", "How many tokens count, after shift and mask?"),
    ("number of valid", "Count the labels that are left after the shift."),
    ("summed", "Twice as long a text should not double the loss."),
    ("mean of the rows", "One token, one vote: does a token in a short row weigh more?"),
    ("only the", "Every position with a valid label should count."),
    ("left out", "Every position with a valid label should count."),
    ("unstable", "What is the log of a probability that rounds to 0? Is there a way without the probability?"),
    ("bits", "Natural logarithms give nats."),
    ("sign", "Should a better student have a larger or a smaller loss?"),
    ("smoothing", "The task asks for plain cross-entropy."),
    ("into the teacher", "Should this loss ever change the teacher?"),
    ("no gradient", "What cuts a tensor off from the graph?"),
    ("Python number", "What does backward() need?"),
    ("in place", "Somebody still needs these inputs after you. Work on a copy."),
    ("random", "Nothing in the formula is left to chance."),
    ("constant", "On which of the inputs should the loss depend?"),
    ("missing", "The loss has two parts. Where does each of them enter?"),
    ("instead of one number", "The loss is one number for the whole batch."),
    ("instead of KL", "The soft part is a KL divergence: zero for equal distributions, weighed by the teacher."),
    ("cross-entropy", "The hard part is the student's negative log-probability of the label."),
    ("", "Compute the probe by hand for a single token and compare."),
)


def hint(name: str) -> str:
    """The thought for a mistake's name."""
    return next(thought for word, thought in HINTS if word in name)
