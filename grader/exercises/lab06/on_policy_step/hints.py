"""A thought for each mistake in an on-policy step, by the name that a verdict gives it."""

from grader.exercises.lab02.train_step.hints import HINTS as OF_ANY_STEP
from grader.exercises.variants import hints
from utils.checks import on_policy

OF_THE_TEXT = hints(
    {
        "On-policy means that the student's own text is judged. Who writes in your step?": (
            on_policy.NOBODY,
            on_policy.TEACHER_WRITES,
        ),
        "The text is fixed once the student has written it. Which tokens does the teacher read?": (
            on_policy.OWN_CONTINUATION,
            on_policy.OTHER_LOGITS,
            *on_policy.PROMPTS_READ.values(),
        ),
        "The student of this step is another one than that of the last. Whose text do you use?": (on_policy.STALE,),
        "Dropout changes what a model writes. Which mode switches it off while it writes, and on again?": (
            on_policy.TRAIN_MODE,
        ),
        "Sampled tokens are whole numbers: no gradient flows through them. What does a graph over all steps of the "
        "writing cost?": (on_policy.GRADIENTS,),
        "sample takes the prompts as the step gets them. What do you do to them?": (on_policy.PROMPTS,),
        "One text is enough for one step. What is the other one for?": (on_policy.OFTEN,),
        "The logits at position t say what token t + 1 should be. Which entry of completion_mask speaks of it?": (
            on_policy.NOT_SHIFTED,
            on_policy.SHIFTED_TWICE,
            on_policy.OTHER_POSITIONS,
        ),
        "Has the model at position t + 1 already seen token t + 1?": (on_policy.LOGITS_LATE,),
        "Should the student be taught to write the question, too?": (on_policy.EVERYTHING, on_policy.PROMPT_TOO),
        "The last logits predict nothing, and nothing predicts the first token. What has to be cut, and where?": (
            on_policy.LENGTHS,
        ),
        "Which number says how far the student is from the teacher?": (on_policy.NO_LOSS,),
        "The step returns the loss that moved the student.": (on_policy.RETURNED,),
    }
)
HINTS = {
    name.replace("loss_function", "loss"): thought.replace("loss_function", "loss")
    for name, thought in OF_ANY_STEP.items()
} | OF_THE_TEXT
