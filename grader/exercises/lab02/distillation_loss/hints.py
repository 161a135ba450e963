"""A question or a pointer for each mistake, by its name; {} stands for a number, an axis or a part.

Mistakes that any exercise can show, such as a wrong type, have theirs in ``utils.checks.hints``.
"""

from __future__ import annotations

import re

TEXT = """
no causal shift | At position t the model has read token t. Which token is it scored on?
causal shift in the wrong direction | Does position t predict the token after it, or the one before?
shift by two positions instead of one | How far is the token that position t predicts away from t?
labels shifted but the mask is not | You cut the labels. Does your mask still describe the same positions?
the wrong end of the logits is cut off | Which position has no next token: the first one or the last?
labels rolled around: the last position is scored against the first token |
 What does the last position predict, and is that token in the row?
flattened before the shift: a row's end is scored on the next row's start |
 Which token follows a row's last position once all rows are one long row?
padding counted | Imagine changing only a position whose label is ignored. Should the loss change?
the mask is inverted: only ignored positions count | Print your mask for one row: is it true where the label is -100?
masked by token id instead of -100: {} | Padding can share its id with a real token. What marks the ignored ones?
only the first row of the batch counts | Change the second row only. Does your loss notice?
only the last position counts | The student predicts a token at every position. How many of them does your loss see?
only the last valid position counts | How many valid labels does a row have, and how many of them do you use?
only the first position counts | How many valid labels does a row have, and how many of them do you use?
the first position is left out | Position 0 predicts token 1. Where do you drop it?
the last position is left out | Count: a row of S tokens has S - 1 predictions. How many do you keep?
the last valid position is left out | Compare the number of your terms with the number of valid labels.
positions whose own token is ignored are dropped as well |
 A position counts if the label that it predicts is valid. Does the label of its own token matter?
ignored labels are taken to stand at the end of each row | Ignored labels may also stand at the start of a row. Try one.
the first row's mask is used for every row | Do all rows have their ignored labels at the same positions?
divided by the batch size (batchmean), not by the number of valid tokens |
 "batchmean" divides by the size of the first axis. What is that axis in your tensor?
summed, not divided by the number of valid tokens | Should a batch of twice as many tokens have twice the loss?
divided by all positions, ignored ones included | Add padding to every row. Should the loss get smaller?
the number of valid tokens is counted before the shift | Does the first label of a row belong to any prediction?
averaged over the vocabulary as well | A divergence sums over the vocabulary. What does your mean divide by?
divided by the size of the vocabulary, not by the number of valid tokens |
 The sum runs over the vocabulary, the mean over tokens. Over which of them do you divide?
divided by the row length, not by the number of valid tokens |
 A batch has several rows, and not every position counts. By what should the sum be divided?
divided by the number of valid tokens and by the batch size | You take a mean twice. Which of the two is one too many?
divided by the number of valid tokens twice | You take a mean twice. Where is the first one?
the number of valid tokens is off by one | Count the valid labels of one short batch by hand, after the shift.
divided by the valid tokens of a mean row, not of all rows | Do you count the valid tokens of the batch, or of a row?
one more token counted per row than there is | Count the valid labels of one row by hand, after the shift.
mean of the rows' means: a token in a short row counts more |
 Take one row with one token and one with ten. How much does each token weigh in your mean?
teacher one position {} the student | Print the slices of student and teacher: do they start at the same position?
KL the wrong way round (student || teacher) | Which distribution weighs the terms of the sum: the teacher's or yours?
soft cross-entropy instead of KL (the teacher's entropy is not subtracted) |
 What does your loss give when student and teacher are equal? What should it give?
soft cross-entropy of the student against the teacher |
 Which of the two belongs inside the logarithm here, and what should remain when both are equal?
Jensen-Shannon divergence instead of KL | You compare both with their mixture. Which two distributions does KL compare?
symmetric KL (both directions added) instead of KL | You add two directions. Which one does the formula ask for?
symmetric KL (mean of both directions) instead of KL | You average two directions. Which one does the formula ask for?
total variation distance instead of KL | You add up differences of probabilities. Where is the logarithm?
mean squared error of logits instead of KL | Add 5 to all logits of a token: its probabilities stay. Does your loss?
mean squared error of probabilities instead of KL |
 What does a logarithm see that a squared difference does not, where a probability is tiny?
mean squared error of log-probabilities instead of KL |
 Your sum treats likely and unlikely tokens alike. By what does KL weigh each of them?
absolute difference of probabilities instead of KL | You add up differences of probabilities. Where is the logarithm?
absolute difference of logits instead of KL | Add 5 to all logits of a token: its probabilities stay. Does your loss?
Hellinger distance instead of KL | You compare square roots of probabilities. What does KL compare?
Huber loss of logits instead of KL | Add 5 to all logits of a token: its probabilities stay. Does your loss?
square root of KL instead of KL | What do you do with each token's divergence before you take the mean?
cosine distance instead of KL | An angle ignores how long a vector is. What does the length of the logits say?
student probabilities where log-probabilities belong (log forgotten) |
 In which form does kl_div want its first argument?
log forgotten on both distributions | A divergence compares logarithms. Where are yours?
softmax of the student forgotten (raw logits) | Do the student's numbers, before kl_div, come from a log-softmax?
softmax of the teacher forgotten (raw logits as target) | Do the teacher's numbers sum to one over the vocabulary?
softmax of the teacher forgotten (logits as log-target) | A log-target must be normalised. Does its exp sum to one?
teacher log-probabilities where probabilities belong (log_target) |
 What does kl_div expect as its target unless you tell it otherwise?
teacher probabilities where log-probabilities belong (log_target) |
 You announce a logarithm to kl_div. Is that what the teacher's tensor holds?
kl_div's arguments swapped, log forgotten | Which of kl_div's arguments is the student's, and which of them is a log?
softmax taken twice on {} | What does a softmax make of numbers that are already probabilities?
the teacher's top token as a hard label instead of its distribution |
 What does the teacher know about the tokens that are not its favourite?
maximum over the vocabulary instead of the sum | You keep the largest term. What does KL do with all the others?
only the teacher's top token of the sum over the vocabulary | You keep one term of the sum. Where are the others?
the teacher's weights missing from the KL sum | By what is each difference of logarithms multiplied before it is added?
negative terms of the KL sum are cut off at 0 | The sum cannot be negative. Does that hold for each of its terms?
absolute values of the KL's terms are summed | The sum cannot be negative. Does that hold for each of its terms?
skewed KL ({} of the teacher mixed into the student) instead of KL | What do you mix into the student, and why?
temperature applied after the softmax instead of before |
 Does a probability divided by T give a softer distribution, or only a smaller number?
temperature applied after the softmax instead of before on the {} |
 Does dividing by T after the softmax make this distribution softer?
logits are standardised (mean 0, deviation 1) before they are divided by T |
 The size of the logits says how sure a model is. What is left of it?
only the teacher's top tokens (top-k) instead of the whole vocabulary |
 Where does the probability of all other tokens go?
only the label's token of the sum over the vocabulary | Does the label have a place in the soft part?
the log-ratio at the label instead of the sum over the vocabulary | Does the label have a place in the soft part?
log forgotten in the hard part (probability instead of log-probability) |
 nll_loss takes no logarithm itself. What do you hand it?
one minus the probability instead of its negative log | What should a label of probability 0 cost?
softmax missing in the hard part (raw logits) | nll_loss only picks an entry. What must that entry be?
softmax taken twice in the hard part | cross_entropy takes a softmax itself. What do you hand it?
cross-entropy of the teacher instead of the student | Whose prediction is scored on the label, and who is to learn?
the teacher's top token as the label | Where does the hard part get its labels from?
the teacher's distribution instead of the label | Change the labels only. Does your hard part notice?
squared error of probabilities instead of cross-entropy | What should a label of probability 0 cost: 1, or more?
squared error of logits instead of cross-entropy | The logits become probabilities first. What does a label then cost?
binary cross-entropy instead of cross-entropy | Is the next token one choice among V, or V separate yes-or-no questions?
focal loss instead of cross-entropy | By what do you multiply each token's cross-entropy, and does the task ask for it?
sum of log-probabilities over the whole vocabulary | Which of the V log-probabilities does a label pick?
the label's id is one too {} | Print one label and the id that your code looks up for it.
an epsilon of {} | How large is your epsilon beside the probability of a token that is hardly ever right?
label smoothing ({}) | The task asks for plain cross-entropy. How much of the probability do you give to other tokens?
logits reshaped instead of transposed: tokens and vocabulary are mixed up |
 A reshape keeps the order of the numbers in memory. Does it swap two axes?
ignored positions are counted in the hard part, with logits of zero |
 What does a position cost whose logits are all zero? Should it be in the sum at all?
the value is right, the gradient is not: softmax's normaliser is detached |
 What depends on the student and is computed under no_grad, or detached?
softmax over the {} | Along which axis do the probabilities of one position sum to one? Print a sum.
unstable at large logits: an exp or a log leaves the range |
 What is the log of a probability that rounds to 0, or the exp of 1000? Which function avoids both?
unstable at large logits: a clamp or an epsilon cuts the loss off |
 A very wrong student should have a very large loss. What in your code puts an upper end to it?
temperature missing in the softmax of both | T is in your factor. Which logits does it divide?
temperature missing on the {} | One of the two is softened. What about the other?
logits multiplied by the temperature instead of divided | Should T = 10 make a distribution flatter or sharper?
{} logits multiplied by the temperature instead of divided | Does a higher T make this distribution flatter or sharper?
logits divided by T squared | T squared belongs to the loss. Which power of T divides the logits?
temperature applied twice on the {} | Follow these logits: how often do they meet T?
logits divided by the square root of T | Which power of T divides the logits?
temperature hard-coded to {} | Call your function with two temperatures. Does the softmax notice?
a fractional temperature is cut to a whole number | Try T = 1.5 and T = 1. What happens to T on the way?
T + 1 instead of T divides the logits | At T = 1 the logits should stay as they are. Do yours?
temperatures below 2 are raised to 2 | Try T = 1 and T = 2. Should they give the same?
temperature in the hard part | The labels are not softened. Which logits does plain cross-entropy see?
logits multiplied by the temperature in the hard part | Should the hard part change with T at all?
T squared missing | Divided logits make the soft gradient smaller as T grows. Which factor makes up for it?
scaled by T instead of T squared | By which power of T does the soft gradient shrink? Vary T and look.
divided by T squared instead of multiplied | The soft gradient shrinks with T. Should your factor shrink it more?
divided by T instead of multiplied by T squared | The soft gradient shrinks with T. Should your factor shrink it more?
T squared applied twice | Where does T enter after the divergence, and how often?
scaled by T cubed instead of T squared | By which power of T does the soft gradient shrink? Vary T and look.
scaled by the square root of T instead of T squared | Which power of T is a square root, and which a square?
T squared on the hard part as well | T softens one of the parts. Does the other one need a factor for it?
hard part scaled by T | Should the hard part change with T at all?
hard part divided by T squared | Which of the two parts needs a factor of T, and in which direction?
hard part divided by T | Should the hard part change with T at all?
T to the fourth power on the hard part | Should the hard part change with T at all?
T squared hard-coded to {} | Call your function with two temperatures. Does the factor before the soft part change?
sign flipped | Should a better student have a larger or a smaller loss?
bits instead of nats (base 2) | To which base is the logarithm that PyTorch and the formula use?
exp of the cross-entropy, a perplexity, | A perplexity reports a loss. Which of the two is trained on?
the cross-entropy is squared | Which number in the formula is squared, and which is not?
2 ** T instead of T squared | Which of the two numbers is the base, and which is the exponent?
the divergence is squared | Which number in the formula is squared, and which is not?
the divergence with its T squared is squared | Where does your square begin, and where does it end?
exp of the loss (a perplexity) is returned | A perplexity reports a loss. Which of the two is trained on?
no gradient reaches the student | What cuts a tensor off from the graph, and where do you use it on the student's side?
gradient flows into the teacher | Should this loss ever change the teacher? What cuts a tensor off from the graph?
student and teacher swapped: {} | Which argument comes first in your function, and which of the two is to learn?
alpha and 1 - alpha swapped | At alpha = 1, which of the two parts should be left?
1 - alpha missing on the hard part | At alpha = 1, how much of the hard part should be left?
alpha missing on the soft part | At alpha = 0, how much of the soft part should be left?
alpha missing on the hard part | At alpha = 0, how much of each part should be left, and how much of yours is?
1 + alpha instead of 1 - alpha on the hard part | At alpha = 1, how much of the hard part should be left?
soft and hard part are added without alpha | Vary alpha. Does your loss change?
alpha hard-coded instead of the argument | Vary alpha. Which weights does your loss use?
alpha is not used | Vary alpha. Does your loss change?
the hard part is missing | At alpha = 0 only one part should be left. Which one do you see?
the soft part is missing | At alpha = 1 only one part should be left. Which one do you see?
alpha on both parts: 1 - alpha missing on the hard part | At alpha = 0, is your loss 0? What should be left?
1 - alpha on both parts: alpha missing on the soft part | At alpha = 1, is your loss 0? What should be left?
alpha does not enter linearly | The loss at alpha = 0.5 should lie halfway between those at 0 and 1. Does yours?
T squared weighs the hard part too: 1 - alpha times T squared instead of 1 - alpha |
 Two weights should sum to 1. Which number is your second weight the rest of?
1 - alpha without brackets: {} | In which order does Python subtract and multiply?
a term is added that alpha does not weigh | The formula has two parts whose weights sum to 1. What else is in your sum?
a constant: the loss does not depend on its input | On which of the arguments should the loss depend?
temperature and alpha swapped in the list of arguments | In which order does the task give the arguments?
valid tokens do not all count the same | Each token counts once. What gives some of yours more weight?
nothing returned | Is there a return at the end?
some valid tokens are left out | Every position with a valid label counts. Which condition removes some of yours?
"""
_STEMS = dict(line.split(" | ") for line in re.sub(r"\|\n ", "| ", TEXT.strip()).splitlines())
# A verdict may add in which part a mistake was made.
HINTS: dict[str, str] = _STEMS | {f"{name} in {{}}": hint for name, hint in _STEMS.items()}
