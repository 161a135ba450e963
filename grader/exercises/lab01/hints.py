"""A thought for each mistake in Lab 1's functions, by the name that a verdict gives it."""

from __future__ import annotations

from grader.exercises.variants import hints

BITS = ("bits instead of nats (base 2)", "base-10 logarithm instead of nats")
FACTORS = ("halved", "doubled", "scaled by 0.1", "scaled by 10")
CONSTANT = "a constant, whatever the input is"
AXES = (
    "softmax over the first axis instead of the last",
    "softmax over the second axis instead of the last",
    "softmax over the last axis but one instead of the last",
)

SOFT_TARGETS = hints(
    {
        "Change only the temperature between two calls. What should change in the result?": (
            "temperature is not used",
        ),
        "At a higher temperature, should the differences between the logits grow or shrink?": (
            "logits multiplied by the temperature instead of divided",
        ),
        "Look at the formula: which power of T divides the logits?": (
            "logits divided by T squared",
            "logits divided by the square root of T",
        ),
        "Which of the two arguments is divided by the other?": (
            "temperature divided by the logits (arguments swapped)",
        ),
        "Softmax raises a number to the power of each logit. Which number is it?": ("base 2 instead of e", *BITS),
        "T = 0.5 is a temperature too. Should it make the distribution sharper or leave it as it is?": (
            "a temperature below 1 is raised to 1",
        ),
        "T may be 2.5. What does your code make of it?": ("temperature cut to a whole number",),
        "Logits are real numbers. What is lost when you round them?": ("the scaled logits are rounded down",),
        "T is an argument. Where do you use a fixed number in its place?": ("temperature hard-coded to {}",),
        "A probability lies between 0 and 1. Which sign do your numbers have?": (
            "log-probabilities instead of probabilities",
        ),
        "Your numbers already sum to 1 after one softmax. What does a second one do to them?": ("softmax taken twice",),
        "Do the numbers in one of your rows lie between 0 and 1, and do they sum to 1?": (
            "softmax missing: the scaled logits are returned",
        ),
        "What do the exponentials of one row sum to, and what should they sum to?": (
            "not normalised: exp without the division by the sum",
        ),
        "You divide by the largest term. By what must you divide to make the sum 1?": (
            "divided by the largest, not by the sum",
        ),
        "A sigmoid looks at one class at a time. What do the classes of one row have to share?": (
            "sigmoid instead of softmax",
        ),
        "Which class should get the largest probability: the one with the largest logit or the smallest?": (
            "sign of the logits flipped",
        ),
        "A logit can be negative. Which function makes every term positive before you divide?": (
            "exp missing: logits divided by their sum",
        ),
        "Soft targets also rank the wrong answers. How much is left for them in your result?": (
            "only the top token is left (argmax)",
        ),
        "Each row is a distribution of its own. Which terms belong in its sum?": (
            "normalised over everything, not over the last axis",
        ),
        "The classes are on the last axis. Along which axis do your probabilities sum to 1?": AXES,
        "Dividing probabilities by T changes each of them. Do they still sum to 1?": (
            "temperature applied after the softmax",
        ),
        "T divides the logits. What does it divide in your code?": (
            "softmax taken before the division by T, and again after it",
        ),
        "A power changes the proportions as T should. What do your rows sum to afterwards?": (
            "not normalised: probabilities to the power of 1 / T",
        ),
        "T = 5 should make a row flatter. Does your power do that, and what does the row sum to?": (
            "not normalised: probabilities to the power of T",
        ),
        "The sum below the fraction has exponentials too. Are their logits divided by T?": (
            "temperature missing in the sum below: not normalised",
        ),
        "Large logits mean a sure prediction. What is left of that once they are standardised?": (
            "logits standardised before the softmax",
        ),
        "Each probability belongs to a class. In which order do you return them?": (
            "probabilities sorted: they belong to other tokens now",
        ),
        "Every class keeps a share, however small. Which ones do you set to 0?": (
            "only the {} likeliest tokens are kept, the others set to 0",
        ),
        "exp(1000) is infinite in a computer. What may you subtract from a row without changing its softmax?": (
            "unstable at large logits: exp or log leaves the range",
        ),
        "A difference of 100 between two logits counts too. What do you clamp, round or add?": (
            "unstable at large logits: a clamp or an epsilon cuts something off",
        ),
        "Every row should sum to 1. By which factor are your sums off?": FACTORS,
        "A probability is never negative. Where does the minus sign come from?": ("sign flipped",),
        "The result has the same shape as the logits. Which step changes it?": ("a tensor of shape {} instead of {}",),
        "Give the function two different rows. Which of them should get which result?": (CONSTANT,),
    }
)

SUMS = {
    "Nats come from the natural logarithm. Which base has yours?": BITS,
    "Your result is the right one times a fixed number. Which factor is not in the formula?": FACTORS,
    "A division by log V squeezes the result between 0 and 1. Is there one in the formula?": (
        "divided by the log of the number of classes (normalised)",
    ),
    "Is the formula a sum or a mean over the classes?": ("averaged over the vocabulary instead of summed",),
    "Each row has a result of its own. Over which axes do you sum?": (
        "summed over everything, not over the last axis",
    ),
    "Ten rows should give ten numbers. Where do you average them?": ("averaged over all rows",),
    "The formula sums over the classes and leaves the rows apart. Over what do you average?": (
        "averaged over everything, not summed over the last axis",
        "averaged over the first axis instead of summed over the last",
    ),
    "On which axis are the classes, and over which one do you sum?": (
        "summed over the first axis instead of the last",
        "summed over the second axis instead of the last",
    ),
    "The result has one axis fewer than the input. What keeps the last one in yours?": (
        "the last axis is kept with size 1",
    ),
    "You still have one number per class. What does the formula do with them?": ("not summed over the last axis",),
    "The formula adds up all terms of a row. What do you do with all but the largest?": (
        "maximum over the last axis instead of the sum",
    ),
    "Should the result of a row depend on how many other rows there are?": (
        "divided by the number of rows (batchmean)",
    ),
    "The exp turns nats into a perplexity. Which of the two does the task ask for?": (
        "exp of it (a perplexity) is returned",
    ),
    "Is there a root in the formula?": ("root of it is returned",),
    "Most tokens of a vocabulary have tiny probabilities. What does your clamp or epsilon do to them?": (
        "small probabilities are off: a clamp or an epsilon cuts them off",
        "{} added inside the log: small probabilities are off",
    ),
    "One axis, the last, is summed away, and all others stay. Which axes does your result have?": (
        "a tensor of shape {} instead of {}",
    ),
    "Give the function two different rows. Should their results be equal?": (CONSTANT,),
}

ENTROPY = hints(
    SUMS
    | {
        "log p is negative or 0. What makes the entropy positive?": ("sign flipped",),
        "A token that hardly ever comes should hardly count. What weighs the surprise of each token?": (
            "probabilities missing as weights: only logs are summed",
        ),
        "The input already holds probabilities. What does a softmax do to them?": (
            "probabilities are softmaxed once more",
            "log_softmax of probabilities instead of their log",
        ),
        "The surprise of a token is -log p. Where is the logarithm in your formula?": (
            "log forgotten: squared probabilities instead of p log p",
            "squared error from certainty (Gini) instead of p log p",
        ),
        "To which power does p weigh its logarithm?": ("squared probabilities weigh the logs",),
        "What weighs the logarithm of p: the probability that the token comes, or that it does not?": (
            "1 - p weighs the logs instead of p",
        ),
        "As p goes to 0, its surprise grows without end. What does log(1 + p) do there?": (
            "log(1 + p) instead of log p",
        ),
        "One answer out of V is drawn, once. Do you also count each class that is not drawn?": (
            "the binary entropy of each class is added",
        ),
        "The entropy asks about all classes. What does your result know besides the largest probability?": (
            "log of the largest probability (min-entropy) instead of the entropy",
            "one minus the largest probability instead of the entropy",
        ),
        "Do you take the mean of logarithms, or the logarithm of a mean?": (
            "log of the sum of squares (Renyi) instead of the entropy",
        ),
        "A one-hot row has an entropy of 0. What does yours give?": (
            "the entropy is subtracted from the largest possible one, log of the classes",
        ),
        "When all classes are equally likely, the entropy is largest. How large is the variance then?": (
            "variance of the probabilities instead of the entropy",
        ),
        "A computer says that 0 times minus infinity is not a number. What should p log p be at p = 0?": (
            "0 log 0 is not 0: a zero probability gives NaN",
            "NaN or infinite",
        ),
        "A class with probability 0 adds nothing to the sum. What does it add to yours?": (
            "0 log 0 is not 0: a zero probability adds something",
        ),
    }
)

KL_DIVERGENCE = hints(
    SUMS
    | {
        "KL is never negative. Which logarithm is subtracted from which?": ("sign flipped",),
        "KL asks what it costs to believe q where p is true. Which of the two weighs the sum?": (
            "KL the wrong way round: q weighs the sum",
        ),
        "When both predictions are the same, KL is 0. What is left of yours?": (
            "cross-entropy instead of KL: p's entropy is not subtracted",
        ),
        "Change only q. What should change in the result?": ("only p's entropy: q is not used",),
        "Should KL(p || q) and KL(q || p) be the same number?": (
            "symmetric KL (both directions added)",
            "symmetric KL (mean of both directions)",
        ),
        "Does the formula compare p with q, or both with their mean?": ("Jensen-Shannon divergence instead of KL",),
        "A token that p finds unlikely should hardly count. What weighs the difference of the logarithms?": (
            "the weights p are missing from the sum",
        ),
        "The formula subtracts two logarithms. What do you subtract?": (
            "log forgotten: probabilities are subtracted",
            "absolute difference of probabilities instead of KL",
            "total variation distance instead of KL",
        ),
        "Is there a square in the formula, and what weighs each term?": (
            "squared difference of probabilities instead of KL",
            "squared difference of logits instead of KL",
            "squared difference of log-probabilities instead of KL",
        ),
        "A single term may be negative; only the sum may not. What do you do with negative terms?": (
            "negative terms are cut off at 0",
            "absolute values of the terms are summed",
        ),
        "What does p weigh: the difference of both logarithms, or the first one alone?": (
            "brackets missing: p weighs its own log alone",
        ),
        "log(p / q) is a difference of logarithms. What do you do with the two?": (
            "the logs are divided instead of subtracted",
        ),
        "Both logarithms have the same weight, p. What weighs the log of q in your sum?": (
            "difference of the entropies",
        ),
        "Whose probabilities weigh the sum: p's, or the mean of both?": (
            "the mean of both distributions weighs the terms instead of p",
        ),
        "p gives every token a share. How many of them count in your sum?": (
            "cross-entropy with p's likeliest class instead of KL",
        ),
        "The task is at T = 1. By what do you divide the logits?": (
            "logits divided by {}: a temperature is used",
            "logits divided by {} and T squared applied: a temperature is used",
        ),
        "Which form of q does the formula have in its brackets: a probability or its logarithm?": (
            "q's probabilities where its log-probabilities belong",
        ),
        "The arguments are logits. What turns them into probabilities that sum to 1?": (
            "softmax missing on p and q: logits are used as they are",
            "softmax of p missing in the weights",
            "softmax missing: exp of p's logits weighs raw logits",
            "kl_div gets raw logits as its target",
        ),
        "A logit is not yet the logarithm of a probability. What must be subtracted from it?": (
            "softmax missing in the logarithms: raw logits are subtracted",
            "softmax of q missing (raw logits)",
        ),
        "A softmax of probabilities is almost flat. How often do you take it?": (
            "softmax taken twice",
            "softmax taken twice on q",
            "softmax taken twice on p",
        ),
        "Did you say log_target=True? Then kl_div takes the exp of its target.": (
            "p's probabilities where its log-probabilities belong (log_target)",
        ),
        "kl_div takes the logarithm of its target itself, unless log_target is set. What did you give it?": (
            "kl_div gets log-probabilities as its target, without log_target",
        ),
        "kl_div(input, target) computes KL(target || input). Which of p and q is its target?": (
            "the arguments of kl_div are swapped: the log of q comes first, then p",
        ),
        "Weights sum to 1 over a row. Do yours?": ("p's log-probabilities where its probabilities belong",),
        "A logit may be negative. What is the logarithm of a negative number?": (
            "the logarithm is taken of raw logits",
        ),
        "Logits and log-probabilities may be negative. Of which numbers do you take a logarithm or a root?": (
            "NaN or infinite",
        ),
        "The classes are on the last axis. Along which axis do your probabilities sum to 1?": AXES,
        "A large logit overflows in exp, and a small probability rounds to 0 before its log. "
        "Which function computes log-probabilities in one step?": (
            "unstable at large logits: exp or log leaves the range",
        ),
        "Training needs the gradient of q, the student. What cuts it off: detach, no_grad, numpy, .item()?": (
            "no gradient reaches q_logits",
            "a Python number instead of a tensor: no gradient can flow",
        ),
        "q's logits are above and below the fraction in its softmax. Which part is detached or under no_grad?": (
            "another gradient reaches q_logits: a part of the formula is cut off",
        ),
    }
)
