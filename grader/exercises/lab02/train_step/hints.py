"""A thought for each mistake in a training step, by the name that a verdict gives it."""

from grader.exercises.variants import hints

HINTS = hints(
    {
        "What does backward() do to a gradient that is already there?": (
            "zero_grad is missing: gradients of earlier batches pile up",
        ),
        "Which call moves the weights?": ("optimizer.step() is missing",),
        "What does the optimizer find in the gradients at the moment of its step?": (
            "the optimizer steps before backward()",
            "gradients are zeroed between backward() and step()",
        ),
        "Which call fills the gradients that the optimizer reads?": (
            "backward() is missing: no gradient reaches the optimizer",
        ),
        "How often should one batch move the weights?": (
            "the optimizer steps more than once a batch",
            "the optimizer does not step on every batch",
        ),
        "Dropout makes a model's answer noisy. Which mode switches it off?": (
            "the teacher runs in train mode: dropout is on",
        ),
        "In which mode does a model learn, and in which is it judged?": (
            "the student runs in eval mode: its dropout is off",
        ),
        "The teacher is only asked. What keeps its forward pass out of the graph?": (
            "gradient flows into the teacher (no no_grad, no detach)",
        ),
        "With padding on the left, how does the model know where the text begins?": (
            "attention_mask is not passed to the {}",
            "another mask than attention_mask is passed to the {}",
        ),
        "Which of the batch's tensors carries -100 where a position must not count?": (
            "input_ids are given as labels: padding counts",
            "attention_mask is given as labels",
            "labels are changed before they reach loss_function",
        ),
        "loss_function shifts by itself. Which logits and labels does it expect?": (
            "logits or labels are cut before loss_function, which shifts by itself",
        ),
        "In which order does loss_function take its arguments?": (
            "student and teacher logits swapped in the call of loss_function",
        ),
        "Both arguments come from the same model. Whose prediction is missing?": (
            "the student's logits are given as the teacher's",
            "the teacher's logits are given as the student's",
        ),
        "loss_function takes the softmax itself. What does it expect?": (
            "probabilities instead of the {}'s logits are given to loss_function",
        ),
        "The loss divides by the temperature itself. Pass the logits as the model gives them.": (
            "the {}'s logits are scaled by {} before loss_function",
        ),
        "How many digits do the logits lose on their way?": ("the {}'s logits are rounded before loss_function",),
        "What cuts a tensor off from the graph between the student's forward pass and the loss?": (
            "the student's logits are cut off from the graph: no gradient reaches its weights",
        ),
        "Which block switches gradients off, and is the student's forward pass inside it?": (
            "the student runs without gradients",
        ),
        "A graph is freed by its first backward(). Who calls it a second time?": (
            "backward() is called on the same graph twice, or too early by the function itself",
        ),
        "What does a language model return besides its logits?": (
            "the model's whole output is given to loss_function instead of its logits",
        ),
        "An optimizer was passed in. What else changes the weights in your step?": (
            "weights are changed, but not by the optimizer that is given",
        ),
        "The optimizer should get the gradient as backward() leaves it. What of yours changes it?": (
            "the gradient is scaled by {}",
            "the gradient is clipped to norm {}",
            "gradients are clipped or scaled",
        ),
        "Only the student learns. Which line changes the teacher's weights?": ("the teacher is updated",),
        "One loss is computed a step. What is the other call for?": ("loss_function is called more than once a step",),
        "Which loss does the optimizer follow, if not that of loss_function?": ("loss_function is not called",),
        "Both models must read the batch. Which of them does your step never call?": (
            "the student is not asked",
            "the teacher is not asked",
        ),
        "A history stores plain numbers. Which method turns a tensor of one element into one?": (
            "a tensor is returned instead of a Python float",
        ),
        "The step returns one thing: the loss as a number.": ("a {} is returned instead of a Python float",),
        "Return the loss that this step was made with, computed before the weights moved.": (
            "the loss after the step is returned, not the one the step was made with",
            "the returned number is not this step's loss",
        ),
        "The returned number is the loss itself. What do you do to it on its way out?": (
            "the returned loss is scaled by {}",
            "exp of the loss is returned",
        ),
        "The loss changes from batch to batch. Does the number that you return?": (
            "the returned number is a constant, not the loss",
        ),
        "The step returns its loss, so that a history can be drawn.": ("nothing returned",),
        "Which block switches gradients off only for itself?": ("gradients are switched off and never on again",),
        "The student must still be able to learn after your step.": (
            "the model's parameters are frozen: it could not be trained afterwards",
        ),
    }
)
