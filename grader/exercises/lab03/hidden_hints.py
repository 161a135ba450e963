"""A thought for each mistake in a ``hidden_state_loss``, by the name that a verdict gives it."""

from __future__ import annotations

from grader.exercises.lab03 import hidden_variants as states
from grader.exercises.lab03.hidden_variants import STATES
from grader.exercises.variants import hints

HINTS = hints(
    {
        "Which positions hold real tokens, and what does the mask say at the others?": (
            STATES + "padding counts",
            STATES + "all rows are cut to the longest, padding of the others counts",
        ),
        "Is the mask 1 at real tokens or at padding?": (STATES + "inverted: only padding counts",),
        "Every real position has a state to learn from. Which ones do you leave out?": (
            STATES + "only the last real position of a row counts",
            STATES + "only the last position of a row counts",
            STATES + "the first real position of a row is left out",
        ),
        "The batch has several rows. Which of them enter your mean?": (
            STATES + "only the first row counts",
            STATES + "rows with padding are left out",
        ),
        "Padding can be on the left, too. Where does your code look for it?": (
            STATES + "padding is taken to stand at the end of each row",
        ),
        "An index of whole numbers picks rows by number. What type must a mask have to pick positions?": (
            states.WHOLE_ROWS,
        ),
        "At padding you compare zeros with the other model's states. What should be left out, and on which sides?": (
            states.ONE_SIDE,
        ),
        "By how many positions should the sum be divided: all of them, or the real ones?": (
            states.ALL_POSITIONS,
            states.LONGEST,
        ),
        "Does a position in a short row count more than one in a long row?": (states.MEAN_OF_ROWS,),
        "A state at position t belongs to token t in both models. Is a next token predicted here?": (
            "states shifted: student at t against teacher at t + 1",
            "states shifted: student at t + 1 against teacher at t",
            "states shifted: the first position is cut off",
            states.CUT_LAST,
        ),
        "The formula squares each difference. What does yours do with it?": (
            "absolute instead of the squared difference",
            "Huber loss instead of the squared difference",
            "plain difference instead of the squared difference",
        ),
        "Is there a factor of one half in the formula?": ("half of it instead of the squared difference",),
        "The length of a state should be matched, too. What do you do to the states first?": (states.UNIT,),
        "A cosine sees only directions. What should the loss say about the lengths of the states?": (states.COSINE,),
        "The projection is linear. What do you apply after it?": (states.ACTIVATED,),
        "Should the mean of a state be matched as well? What do you subtract first?": (
            "centred states instead of the squared difference",
        ),
        "Is there a root in the formula, and over what is averaged?": (
            "length of the difference instead of the squared difference",
            "root of the mean instead of the squared difference",
        ),
        "A state is not a prediction over a vocabulary. What does a KL divergence need that states are not?": (
            states.KL,
            states.RAW_KL,
        ),
        "A teacher's state has D_t numbers. Do you sum over them or average?": (
            states.SUMMED_FEATURES,
            "positions and features are summed, not averaged",
        ),
        "Should twice as many tokens give twice the loss?": ("positions are summed, features averaged",),
        "The formula divides by N real positions. Do you divide by rows?": (
            "divided by the rows of the batch, features summed",
            "divided by the rows of the batch, not by the real positions",
        ),
        "The projected state has the teacher's width. By which width do you divide?": (states.STUDENT_WIDTH,),
        "Which of the two models has to come to the width of the other?": (states.TEACHER_PROJECTED,),
        "The two states have different widths. What is the argument `projection` for?": (
            "the projection is not used: states are cut to the narrower width",
            "the projection is not used: the student's states keep their own width",
        ),
        "A linear layer multiplies with its transposed weight. What happens if you call the projection instead?": (
            "the projection's weight is multiplied without its transpose",
        ),
        "The mask is (B, S) and the difference (B, S, D). Which axis does the mask lack?": (
            "the mask is multiplied without an axis for the features",
        ),
        "A projection of zeros is its bias. What is left at padding, and is it counted?": (
            "the states are masked before the projection: its bias stays at padding",
        ),
        "A linear layer may add a bias to the product. What does a call of it do that your product does not?": (
            "the projection's bias is left out: only its weight is multiplied",
        ),
        "A mean over positions says little about each token. When do you average: before or after you compare?": (
            states.POOLED,
            "states are averaged over all positions before they are compared",
        ),
        "Differences of opposite sign cancel in a mean. What comes first, the square or the mean?": (
            "the mean difference is squared, not the differences",
        ),
        "By what does the formula divide? Are the teacher's own values in it?": (
            "divided by the teacher's mean square",
        ),
        "The teacher stays as it is. What keeps the gradient away from its states?": (
            "gradient flows into teacher_hidden",
        ),
        "The student should learn from this loss. What cuts its states off from the graph?": (
            "no gradient reaches student_hidden",
        ),
        "The projection learns with the student. What cuts its weight off from the graph?": (
            "no gradient reaches projection",
        ),
        "A squared difference is never negative. Where does the minus sign come from?": ("sign flipped",),
        "Your loss is the right one times a fixed number. Which factor is not in the formula?": (
            "halved",
            "doubled",
            "scaled by 0.1",
            "scaled by 10",
            "bits instead of nats (base 2)",
            "base-10 logarithm instead of nats",
        ),
        "The loss is a single number for the whole batch. Over which axes do you still have to average?": (
            "a tensor of shape {} instead of {}",
        ),
        "Should the loss be the same for every student?": ("a constant, whatever the input is",),
        "How does the division go when there are no positions left, or a root of a negative number?": (
            "NaN or infinite",
        ),
    }
)
