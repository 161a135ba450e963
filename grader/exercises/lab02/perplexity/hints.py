"""A thought for each mistake in a perplexity, by the name that a verdict gives it."""

from grader.exercises.variants import hints

HINTS = hints(
    {
        "How many tokens does each batch's mean cover? Each token counts once, whatever batch it is in.": (
            "mean of the batches' means",
            "weighted by the number of rows, not of tokens",
            "weighted by the rows' length, not by the tokens that were scored",
            "median of the batches instead of the mean",
        ),
        "exp is taken once, of the mean over all tokens. When do you take it?": (
            "mean of the batches' perplexities instead of exp of the mean loss",
            "mean of the rows' perplexities instead of exp of the mean loss",
            "mean of the tokens' perplexities instead of exp of the mean loss",
        ),
        "Does a token in a short row weigh more in your mean?": ("mean of the rows' means",),
        "Which tokens were really scored? The attention mask also counts each row's first token.": (
            "weighted by attention_mask.sum(), not by the tokens that were scored",
            "weighted by the shifted attention mask, not by the tokens that were scored",
            "tokens counted wrongly: all of attention_mask",
            "tokens counted wrongly: the shifted attention mask",
            "tokens counted wrongly: the attention mask without its last column",
        ),
        "Nobody predicts the first token of a row. Do you count the labels before or after the shift?": (
            "weighted by the labels before the shift (off by one a row)",
            "tokens counted wrongly: off by one a row, before the shift",
        ),
        "How many positions hold padding, and do they belong in the count?": (
            "weighted by all positions, padding included",
            "tokens counted wrongly: all positions, padding included",
        ),
        "What does the sum of nats have to be divided by: rows, batches, or tokens?": (
            "tokens counted wrongly: rows instead of tokens",
            "tokens counted wrongly: batches instead of tokens",
            "the batches' sums are averaged over batches",
            "the loss is summed over batches, not averaged",
        ),
        "A text twice as long should not double the loss.": ("the loss is summed over tokens, not averaged",),
        "The count starts at 0 and grows by the scored tokens of each batch. What else do you add?": (
            "tokens counted wrongly: one more in each batch",
            "tokens counted wrongly: one fewer in each batch",
        ),
        "Is your count added up over all batches, or overwritten by the last one?": (
            "tokens counted wrongly: only those of the last batch",
        ),
        "You sum means and divide by tokens. Which of the two should be a sum over tokens?": (
            "the batches' means are divided by the number of tokens",
        ),
        "Divide what was summed by how many were summed, once, at the end.": (
            "masked positions enter each batch's mean as zeros",
        ),
        "Does your loop keep what earlier batches gave?": ("only the last batch counts",),
        "Does your loop go on after its first batch?": ("only the first batch counts",),
        "Every batch counts. Over which of them does your loop run?": (
            "the last batch is left out",
            "the first batch is left out",
        ),
        "A perplexity is exp of a mean over tokens, not of a median.": ("median of the tokens instead of the mean",),
        "Take the logarithm of each token's probability first, then the mean.": (
            "the labels' probabilities are averaged, not their logarithms",
            "log forgotten: probabilities are averaged",
        ),
        "Dropout makes a model's answer noisy. Which mode switches it off?": (
            "the model is left in train mode: dropout is on",
        ),
        "With padding on the left, how does the model know where the text begins?": (
            "attention_mask is not passed to the model",
            "another mask than attention_mask is passed to the model",
        ),
        "What is kept in memory for a gradient that nobody asks for?": (
            "gradients are computed while evaluating (no torch.no_grad)",
        ),
        "To measure a model is not to change it. Which line changes its weights?": (
            "the model's weights are changed while evaluating",
        ),
        "At position t the model has read token t. Which token is it scored on?": (
            "no causal shift",
            "causal shift in the wrong direction",
            "shift by two positions instead of one",
        ),
        "Which tensor carries -100 where a position must not count?": (
            "padding counted",
            "attended tokens counted whose label is ignored",
        ),
        "A pad may share its id with a real token. What marks a position that must not count?": (
            "masked by token id: real tokens with the padding's id are dropped",
        ),
        "Every position with a valid label is scored. Which do you cut off, and why?": (
            "the first label that is scored in a row is left out",
            "the last position of a row is left out",
            "only the last label of a row is scored",
        ),
        "Logits, labels and mask must speak of the same positions. Which of them did you cut?": (
            "labels shifted but the mask is not",
        ),
        "A perplexity is a number of equally likely tokens. Which function turns nats into it?": (
            "exp missing: the mean loss is no perplexity",
            "bits per token instead of a perplexity",
        ),
        "cross_entropy gives nats, a natural logarithm. Which base undoes it?": (
            "2 to the power of nats: base 2 against base e",
            "10 to the power of nats: base 10 against base e",
            "nats turned into bits, but still raised to e",
        ),
        "Should a better model have a larger or a smaller perplexity?": ("exp of minus the mean: sign flipped",),
        "exp is taken once.": ("exp taken twice",),
        "cross_entropy takes logits. What do you pass it?": ("softmax taken twice: cross_entropy of probabilities",),
        "What does cross_entropy do to logits before it picks the label's entry?": (
            "softmax missing: raw logits are averaged",
        ),
        "Does a reshape move the numbers, or only cut the same sequence of numbers at other places?": (
            "logits reshaped instead of transposed: tokens and vocabulary are mixed up",
        ),
        "A perplexity judges the model as it is, at temperature 1.": ("a temperature of {} is left in the logits",),
        "Smoothing helps training. What does a measure want to know?": ("label smoothing of {} is left in",),
        "How surprised was the model by the token that came, not by its own guesses?": (
            "the entropy of the predictions instead of the labels' cross-entropy",
            "the likeliest token is scored instead of the label",
        ),
        "Keep the decimals: students differ by less than 1.": ("rounded to a whole number",),
        "A comparison needs a plain number. Which method turns a tensor of one element into one?": (
            "a tensor is returned instead of a Python float",
        ),
        "The function returns one plain number.": ("a {} is returned instead of a Python float",),
        "The function returns the perplexity as a number.": ("nothing returned",),
        "Pass the model the batch's own input_ids, every batch once.": (
            "the model is not asked on every batch's input_ids",
        ),
        "A second call must find the same batches. Copy what you change.": (
            "the batches are changed: a second call would find others",
        ),
        "Which block switches gradients off only for itself?": ("gradients are switched off and never on again",),
        "To measure a model is not to change it. It must be trainable afterwards.": (
            "the model's parameters are frozen: it could not be trained afterwards",
        ),
    }
)
