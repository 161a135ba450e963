# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Lab 2. Distil a student: did it work?
#
# A large language model answers well, but it is expensive to run. Distillation trains a small model, the *student*, to
# predict what a large one, the *teacher*, predicts for the next token. In this lab you write the loss, the training
# step and the measure. Then you find out whether the teacher helped, or whether the student would have learned as much
# without it.
#
# **After this lab you can**
#
# - write the distillation loss and say what each factor in it is for;
# - train a student against a frozen teacher without training the teacher by accident;
# - measure perplexity so that padding and batch sizes do not change it;
# - tell the effect of distillation from the effect of more training.
#
# {{ header }}

# %% [markdown]
# ## Before you start
#
# You should know what a language model predicts and what cross-entropy is. If one of these is new to you, read about it
# first. Each takes less than an hour.
#
# | You need | Where to read it |
# |---|---|
# | The Transformer: tokens in, a distribution over the next token out | [The Illustrated GPT-2](https://jalammar.github.io/illustrated-gpt2/) |
# | Softmax and cross-entropy | [Dive into Deep Learning, 4.1](https://d2l.ai/chapter_linear-classification/softmax-regression.html) |
# | A training loop in PyTorch | [PyTorch, Optimizing Model Parameters](https://docs.pytorch.org/tutorials/beginner/basics/optimization_tutorial.html) |
# | Soft targets, temperature, KL divergence in nats | Lab 1 of this course, or [Hinton et al., 2015](https://arxiv.org/abs/1503.02531), sections 1 and 2 |
#
# Run the cells from top to bottom, including the folded one below, which finds the course. If a cell needs a function
# that you have not written yet, it says so in one sentence, and the cells after it still run. A check calls your
# function on a few {{ term("probes", "probe") }}, inputs with a known answer.

# %% tags=["set-up"]
import torch
import torch.nn.functional as F

from utils.checks import check
from utils.notebook import begin, committed, guess, ready, show_rows

profile, outputs = begin("02_distill_a_student")

# %% [markdown]
# ## Step 1. Load the teacher and the student
#
# Both models use the same tokenizer, so token 17 means the same to both, and their predictions can be compared entry by
# entry. The teacher only answers: it is in eval mode and none of its parameters takes a gradient. Only the student
# learns.

# %%
from utils.models.loading import count_parameters, load_model, load_pair, sample_text

pair = load_pair(profile)
teacher, student, tokenizer = pair.teacher, pair.student, pair.tokenizer
pad = tokenizer.pad_token_id

print(f"teacher: {count_parameters(teacher):>12,} parameters, frozen")
print(f"student: {count_parameters(student):>12,} parameters, trainable")
print(f"the student is {pair.compression:.1f} times smaller")

# %% [markdown]
# Each document's *name* decides whether it is trained on, tuned on or judged on, so a document is always on the same
# side. Documents that repeat each other across these splits are left out, so no model is judged on text that it has
# learned by heart. A {{ term("row") }} is one document, cut at the profile's number of tokens.
#
# Both {{ term("embedded") }} models were pretrained on the docstrings of other packages. The teacher has also read the
# documents to train on, and the student has not. So the teacher can pass on a better grasp of language, and knowledge of
# this text.

# %%
from utils.data import batches
from utils.data.corpus import load_corpus

text = load_corpus(profile.text, profile.min_characters)
train_rows = batches.rows_of(text.train, tokenizer, profile.max_length, profile.train_rows)
validation_rows = batches.rows_of(text.validation, tokenizer, profile.max_length, profile.evaluation_rows)
validation_batches = batches.in_order(validation_rows, 16, pad)
plan = batches.BatchPlan(tuple(train_rows), profile.batch_size, pad, profile.seed, pool=profile.length_pool)

print(text.describe())
print(
    f"{len(train_rows):,} rows to train on, {len(validation_rows):,} to judge on, {profile.max_length} tokens at most"
)

# %% [markdown]
# ### What a batch looks like
#
# Rows of different lengths are padded to the longest. The pad token is the end-of-text token, as in GPT-2, so the ids do
# not tell you whether a token is padding or a real end of text. The labels do: they are a copy of the ids, and -100
# where a position must not count.

# %%
batch = next(iter(plan.epoch(0)))
for name, tensor in batch.items():
    print(f"{name:>14} {tuple(tensor.shape)}  end of the first row: {tensor[0, -6:].tolist()}")

# %% [markdown]
# ## Step 2. The loss
#
# A label says which token came. A teacher says how likely *every* token was. The loss blends both:
#
# $$\text{loss} = \alpha \cdot \text{soft} + (1 - \alpha) \cdot \text{hard}$$
#
# $$\text{soft} = \frac{T^2}{N} \sum_{\text{valid}} \mathrm{KL}\big(p_T^{\text{teacher}} \,\|\, p_T^{\text{student}}\big)$$
#
# $$\text{hard} = \frac{1}{N} \sum_{\text{valid}} -\log p_1^{\text{student}}(\text{label})$$
#
# where $p_T = \mathrm{softmax}(\text{logits} / T)$. Three things decide whether it is right:
#
# - **Shift.** The logits at position $t$ predict the token at position $t + 1$. Compare `logits[:, :-1]` with
#   `labels[:, 1:]`, in both parts.
# - **Mask.** A position counts if its shifted label is not -100. $N$ is the number of positions that count, over the
#   whole batch.
# - **Scale.** Dividing the logits by $T$ makes the gradient of the soft part about $T^2$ times smaller at high
#   temperatures. The factor $T^2$ undoes that, so that raising $T$ is not a hidden way of lowering $\alpha$. It does not
#   make both parts pull equally.
#
# Both parts are in {{ term("nats", "nat") }} per token. The gradient flows to the student only.
#
# **Difficulty:** 3 of 5. **Time:** about 15 minutes.
#
# <details><summary>Hint 1: the idea</summary>
#
# Each part gives one number for every position. Compute it everywhere, keep it where the position counts, and take the
# mean of what is left. The mean divides by N.
#
# </details>
# <details><summary>Hint 2: the formula</summary>
#
# For one position, KL(teacher || student) is the sum over tokens of
# p_teacher * (log p_teacher - log p_student). The teacher comes first, so its probabilities are the weights.
#
# </details>
# <details><summary>Hint 3: the functions</summary>
#
# `F.log_softmax`, `F.kl_div`, `F.cross_entropy`. The first argument of `F.kl_div` is the log of the *second*
# distribution; its second argument is the log of the first only with `log_target=True`. Its reduction "batchmean" divides
# by the first dimension, which is rows here, not tokens; "none" sums nothing, so sum over the vocabulary yourself. A
# boolean mask indexes a tensor: `divergence[valid]` has the shape (N,). `F.cross_entropy` takes logits of shape
# (positions, V) and leaves out labels of -100. `detach()` keeps a gradient from the teacher.
#
# </details>


# %% nbgrader={"grade": false, "grade_id": "distillation_loss", "locked": false, "schema_version": 3, "solution": true, "task": false}
def distillation_loss(student_logits, teacher_logits, labels, temperature=3.0, alpha=0.5):
    """alpha * soft + (1 - alpha) * hard, in nats per valid token.

    student_logits, teacher_logits: (B, S, V), before the shift.
    labels: (B, S), a copy of the input ids, -100 where a position must not count.
    At least one position is valid.  Returns a scalar tensor.  Its gradient reaches student_logits; none reaches teacher_logits.
    """
    # 1. Shift, and see which positions count.
    # 2. The soft part: T squared times KL(teacher at T || student at T), per valid token.
    # 3. The hard part: cross-entropy of the student at T = 1 against the labels, per valid token.
    # 4. The blend.
    ### BEGIN SOLUTION
    targets = labels[:, 1:]
    valid = targets != -100
    student = student_logits[:, :-1]
    teacher = teacher_logits[:, :-1].detach()

    divergence = F.kl_div(
        F.log_softmax(student / temperature, dim=-1),
        F.log_softmax(teacher / temperature, dim=-1),
        reduction="none",
        log_target=True,
    ).sum(dim=-1)
    soft = divergence[valid].mean()
    hard = F.cross_entropy(student.flatten(0, 1), targets.flatten())  # leaves out -100
    return alpha * temperature**2 * soft + (1 - alpha) * hard
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "check_distillation_loss", "locked": true, "points": 10, "schema_version": 3, "solution": false, "task": false}
check("distillation_loss", distillation_loss)

# %% [markdown]
# ### A quick test
#
# Random logits know nothing, so the hard part has to be near what pure guessing costs. Here are two rows of ten tokens
# from GPT-2's vocabulary of 50,257, at the default T = 3.
#
# **Predict first.** What will the hard part alone (alpha = 0) be, when every token is about equally likely?

# %%
my_hard_part = None  # nats per token
my_hard_part = guess(my_hard_part, low=0)

# %%
generator = torch.Generator().manual_seed(0)
random_student, random_teacher = torch.randn(2, 2, 10, 50257, generator=generator)
random_labels = torch.randint(50257, (2, 10), generator=generator)

if ready(distillation_loss):
    for name, alpha in (("hard part alone", 0.0), ("soft part alone", 1.0), ("the blend", 0.5)):
        value = distillation_loss(random_student, random_teacher, random_labels, alpha=alpha)
        print(f"{name:>16}: {value.item():.4f} nats per token")
    print(f"your guess for the hard part: {my_hard_part}")

# %% [markdown]
# The logarithm of the vocabulary's size is 10.8. Random logits of variance 1 add about a half, and with only eighteen
# labels the mean is off by about a quarter, by chance. The soft part is near 1 at any high T: the two sets of logits
# differ by a variance of 2, which after dividing by T gives a KL of about 1 / T squared, and the loss multiplies by T
# squared again.
#
# ## Step 3. Train
#
# One training step works like this: the teacher answers without gradients, the student answers with them, the loss
# compares the two, and the optimizer moves the student.
#
# - A batch is a dict of `input_ids`, `attention_mask` and `labels`, each (B, S).
# - Both models are Hugging Face causal language models. Called with ids *and* mask, they return an object with `.logits`.
#   Padding may be on either side, so both models need the mask.
# - The teacher comes in eval mode and the student in train mode. They must run in these modes.
# - Every update uses the gradients of its own batch only. There are none at the first call; clear them once a step,
#   before the backward pass or after the optimizer's step.
# - `loss_function` is called as `loss_function(student_logits, teacher_logits, labels)`.
#
# **Difficulty:** 2 of 5. **Time:** about 10 minutes.
#
# <details><summary>Hint 1: the idea</summary>
#
# The teacher is a fixed function here. Nothing that happens inside it has to be remembered for the backward pass.
#
# </details>
# <details><summary>Hint 2: the order</summary>
#
# Forward (teacher, then student), loss, backward, optimizer step; and once in each round the gradients are set to zero.
# An optimizer step before the backward pass moves the student along old gradients.
#
# </details>
# <details><summary>Hint 3: the functions</summary>
#
# `torch.no_grad()` around the teacher's call; `model(input_ids=..., attention_mask=...).logits`; `loss.backward()`;
# `optimizer.step()`; `optimizer.zero_grad()`; `loss.item()` is a Python float.
#
# </details>


# %% nbgrader={"grade": false, "grade_id": "train_step", "locked": false, "schema_version": 3, "solution": true, "task": false}
def train_step(student, teacher, batch, optimizer, loss_function):
    """One update of the student on one batch; returns the loss before the update as a Python float."""
    ### BEGIN SOLUTION
    student.train()
    optimizer.zero_grad()
    with torch.no_grad():
        teacher_logits = teacher(input_ids=batch["input_ids"], attention_mask=batch["attention_mask"]).logits
    student_logits = student(input_ids=batch["input_ids"], attention_mask=batch["attention_mask"]).logits
    loss = loss_function(student_logits, teacher_logits, batch["labels"])
    loss.backward()
    optimizer.step()
    return loss.item()
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "check_train_step", "locked": true, "points": 6, "schema_version": 3, "solution": false, "task": false}
check("train_step", train_step)

# %% [markdown]
# ### The measure
#
# Decide how you will judge before you train. {{ term("Perplexity", "perplexity") }} is the exponential of the mean
# cross-entropy per token: the number of equally likely tokens that would be as hard to guess. Sum the nats and count the
# tokens over *all* batches, and divide once at the end. In a mean of batch means, a short batch would weigh as much as a
# long one.
#
# The model may come in train mode. Put it into eval mode, or its dropout makes every answer a little random (our small
# pair has no dropout, but most models do). Nothing is learned here, so compute no gradients. The batches are on the
# model's device already, each has a valid label, and you may leave the model in eval mode. Return a Python float.
#
# **Difficulty:** 2 of 5. **Time:** about 10 minutes.
#
# <details><summary>Hint 1: the idea</summary>
#
# Keep two running totals: the nats, and the number of tokens that were predicted. Which positions count is the same
# question as in the loss.
#
# </details>
# <details><summary>Hint 2: the formula</summary>
#
# exp( sum over batches and valid positions of -log p(label) / number of valid positions ).
#
# </details>
# <details><summary>Hint 3: the functions</summary>
#
# `model.eval()` and `torch.no_grad()`; cross-entropy with `reduction="sum"` and its `ignore_index` of -100, on shifted
# logits and labels; `.item()` turns sums into Python numbers, which `math.exp` takes (`import math`).
#
# </details>


# %% nbgrader={"grade": false, "grade_id": "perplexity", "locked": false, "schema_version": 3, "solution": true, "task": false}
import math


def perplexity(model, batches):
    """exp of the mean nats per valid token over all batches (dicts as in train_step), as a Python float."""
    ### BEGIN SOLUTION
    model.eval()
    nats, tokens = 0.0, 0
    with torch.no_grad():
        for batch in batches:
            logits = model(input_ids=batch["input_ids"], attention_mask=batch["attention_mask"]).logits
            targets = batch["labels"][:, 1:]
            nats += F.cross_entropy(logits[:, :-1].flatten(0, 1), targets.flatten(), reduction="sum").item()
            tokens += (targets != -100).sum().item()
    return math.exp(nats / tokens)
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "check_perplexity", "locked": true, "points": 4, "schema_version": 3, "solution": false, "task": false}
check("perplexity", perplexity)

# %% [markdown]
# Your function and the library's should agree on a real model and real batches.

# %%
from utils.measuring import evaluation

device = next(teacher.parameters()).device
some_batches = [batches.to_device(b, device) for b in validation_batches[:4]]
if ready(perplexity):
    print(f"yours {perplexity(student, some_batches):.4f}, library {evaluation.perplexity(student, some_batches):.4f}")

# %% [markdown]
# ### Where both models are before training
#
# Beside each perplexity you see a 95 % {{ term("interval") }}: the documents are drawn again and again, with replacement,
# and the interval holds 95 % of the perplexities that come out. It says how much the number would change with other text
# of the same kind.

# %%
from utils.measuring.premises import teacher_against_student

results = {
    "teacher": evaluation.evaluate(teacher, validation_rows, pad, name="teacher"),
    "untouched": evaluation.evaluate(student, validation_rows, pad, name="untouched student"),
}
for name, result in results.items():
    low, high = result.interval()
    print(f"{name:>10}: perplexity {result.perplexity:.1f} (95 % interval {low:.1f} to {high:.1f})")
print(teacher_against_student(results["teacher"], results["untouched"]))

# %% [markdown]
# ### Predict first
#
# You are about to train the student twice from the same start, on the same rows in the same order:
#
# - **{{ term("CE-only") }}**: on the labels alone, as in plain fine-tuning. This is the {{ term("control") }}. Without it,
#   you could not tell what the teacher added from what any training adds.
# - **distilled**: with your loss and your step.
#
# Write down your guess for the perplexity of the *distilled* student before you look.

# %%
my_guess = None  # a number between the two perplexities above
my_guess = guess(my_guess, low=1)

# %% [markdown]
# ### The control, then the distilled student
#
# The embedded profile distils at T = 1 and alpha = 0.5. Lab 3 asks whether these are good values.
#
# The teacher is frozen, so in the second epoch it would only repeat itself. `RememberingTeacher` asks it once about each
# row and keeps its last hidden states; the output layer makes the same logits from them again.
#
# Each run shows its loss and the time left. You may interrupt it. When you run the cell again, it goes on where it
# stopped.

# %% tags=["train"]
from utils.training.loop import ce_only_step, distill
from utils.training.settings import settings_of

control = load_model(profile.student)
control_history = distill(
    control,
    None,  # no teacher
    plan,
    settings_of(profile, profile.ce_learning_rate, profile.seed),
    step=ce_only_step,
    checkpoint=outputs / "ce_only.pt",
    name="ce_only",
)

# %%
results["ce_only"] = evaluation.evaluate(control, validation_rows, pad, name="CE-only")
print("CE-only, nats per token in each epoch:", [round(loss, 4) for loss in control_history.epoch_losses()])

# %% tags=["train"]
import functools

from utils.teachers.remembering import RememberingTeacher

if ready(distillation_loss, train_step):
    student = load_model(profile.student)  # from the same start, also when this cell runs again
    history = distill(
        student,
        RememberingTeacher(teacher),
        plan,
        settings_of(profile, profile.learning_rate, profile.seed),
        loss=functools.partial(distillation_loss, temperature=profile.temperature, alpha=profile.alpha),
        step=train_step,
        checkpoint=outputs / "distilled.pt",
        name="distilled",
    )

# %%
if ready(distillation_loss, train_step):
    results["distilled"] = evaluation.evaluate(student, validation_rows, pad, name="distilled")
    print("distilled, loss in each epoch:", [round(loss, 4) for loss in history.epoch_losses()])

# %% [markdown]
# The two losses in the left picture cannot be compared: they measure different things, so the lower curve is not the
# better student. The right picture takes the distilled run apart. Which part falls faster, compared with where it
# began? And what happens in the middle of the run?

# %%
from utils.figures import base as plots

if ready(distillation_loss, train_step):
    figure = plots.training_curves([control_history, history], profile.temperature)
    plots.show(
        figure, "Left: training loss by step for CE-only and distilled. Right: soft and hard part, both falling."
    )

# %% [markdown]
# <details><summary>Our answers</summary>
#
# The soft part falls faster: it loses more than a third, the hard part less than a quarter. The text's own uncertainty
# stays in the hard part, however good the student is, while the soft part would end at 0 for a student that predicts
# what its teacher predicts. In the middle the second epoch begins, and the same rows come again. Part of the drop there
# is memory. Whether a student has learned something can only be told on text that it has not read.
#
# </details>
#
# ## Step 4. Did it work?
#
# Four models on the same validation text, with 95 % intervals:

# %%
parameters = {"teacher": teacher, "untouched": control, "ce_only": control, "distilled": student}
rows = [
    evaluation.comparison_row(name, count_parameters(parameters[name]), results[name])
    for name in ("teacher", "untouched", "ce_only", "distilled")
    if name in results
]
plots.show(plots.comparison(rows, guess=my_guess), plots.describe_rows(rows))

# %% tags=["notebook-only"]
show_rows(rows)

# %% [markdown]
# ### What did the teacher add?
#
# The intervals above overlap more than they should for this question, because a hard document is hard for both students.
# If you compare both students document by document, the difference is much clearer. Your run is one
# {{ term("seed") }}. The second line comes from several seeds of the embedded profile that we ran, with the best learning
# rate for each of the two. The number is the perplexity of the distilled student divided by that of CE-only. Below 1, the
# teacher helped.

# %%
if "distilled" in results:
    live = evaluation.paired_effect([results["distilled"]], [results["ce_only"]])
    recorded = committed("effect")["effects"]["distilled_vs_ce_only"]
    figure = plots.effects({"your run, one seed": live.as_dict(), f"ours, {recorded['seeds']} seeds": recorded})
    plots.show(figure, plots.describe_effects(live.as_dict(), recorded))

# %% tags=["run-only"]
lab_results = {"rows": rows, "effects": {}}
if "distilled" in results:
    lab_results["effects"]["distilled_vs_ce_only"] = live.as_dict()

# %% [markdown]
# {{ table("effect") }}
#
# *Ours, embedded profile, Python 3.11, the first of the seeds. Another profile, machine or Python documentation gives
# other numbers. Bits per byte are the same nats divided by the text's bytes, so models with other tokenizers can be
# compared.* Many tutorials compare the distilled student with the untouched one only. Look at the CE-only row: training
# on this text alone already brings most of that gain. Only the difference between CE-only and distilled is the teacher's.
#
# ### What do they write?

# %%
prompt = "Return the number of"
for name, model in (("teacher", teacher), ("CE-only", control), ("distilled", student)):
    print(f"--- {name}\n{prompt}{sample_text(model, tokenizer, prompt)}\n")

# %% [markdown]
# ## What the mistakes cost
#
# Code for this loss is often published with three mistakes, and it runs without a warning: the soft part is divided by
# the number of rows instead of tokens, the labels are not shifted, and padding counts. A fourth mistake is in the
# measure. First look at their size on one batch.
#
# **Predict first.** Which of the three mistakes, made alone, changes the loss most?

# %%
my_mistake = None  # "rows", "shift" or "padding"
my_mistake = guess(my_mistake, "rows", "shift", "padding")

# %%
from utils.labs import listing

batch = batches.to_device(next(iter(plan.epoch(0))), device)
with torch.no_grad():
    logits = [model(**batches.model_inputs(batch)).logits for model in (student, teacher)]
right = listing.listing_loss(*logits, batch["labels"], errors=listing.Errors(), pad_token_id=pad).item()
print(f"{'right':>50}: {right:8.3f}")
for name, errors in listing.ALONE.items():
    value = listing.listing_loss(*logits, batch["labels"], errors=errors, pad_token_id=pad).item()
    print(f"{name:>50}: {value:8.3f}  ({value / right:.1f} times)")
wrong = listing.listing_perplexity(student, [batches.to_device(b, device) for b in validation_batches])
measured = results["distilled" if "distilled" in results else "untouched"].perplexity
print(f"perplexity, padding counted: {wrong:.1f}; right: {measured:.1f}")
print(f"your guess: {my_mistake}")

# %% [markdown]
# A loss that is too large does not yet mean a worse student. So we trained a student with each mistake alone, and judged
# every student with the *right* perplexity:
#
# {{ table("listing", {"variant": "mistake", "perplexity": "perplexity", "ratio": "ratio to no mistake, with 95 % interval"}) }}
#
# *Ours; embedded profile, three seeds, T = 3 and alpha = 0.5. Rows of any length share a batch here, so that there is
# padding to count. Compare these rows with each other, not with the runs above, which used other batches and another T.*
# Four things to think about. Why is the missing shift a catastrophe alone, and so much milder together with the first
# mistake? (Which part then decides?) What is left of the labels when the soft part is divided by rows? Why does padding
# cost next to nothing in the loss? And what does padding do to the *measure*, in the last number above the table?
#
# <details><summary>Our answers</summary>
#
# Alone, the missing shift leaves a hard part that teaches the student to repeat the token it has just read, and the soft
# part cannot outweigh it. Together with the first mistake the soft part is so large that it decides, and it still points
# at the right distribution: the two mistakes hide each other. Divided by rows, the soft part is dozens of times too
# large, which is like an alpha near 1, so the labels hardly count. Padding comes after the text, so no prediction of a
# real token sees it. The student soon learns that padding follows padding, and after that these positions have hardly
# any gradient: they only dilute the mean. The measure is another matter. Our students were never taught to repeat the
# token that the published code pads with, so every padded position is a bad guess, and the perplexity rises with the
# padding.
#
# </details>

# %% [markdown]
# ### Turn the knobs
#
# Here is one batch of real text, your trained student and the teacher. What do T and alpha do to the size of each part,
# and to the size of each part's *gradient*? Move the sliders with the mouse or with the arrow keys.
#
# **Predict first.** Which of the two gradients is larger at alpha = 0.5 and T = 1?

# %%
my_larger = None  # "soft" or "hard"
my_larger = guess(my_larger, "soft", "hard")

# %% tags=["notebook-only"]
from utils.figures.sliders import loss_explorer

loss_explorer(*logits, batch["labels"])

# %% [markdown]
# The hard part has the larger gradient: at T = 1, between three and four times larger. How can the other part matter as
# much as it does? What you see is the gradient on the logits of one batch. The student is trained by what adds up in
# the weights over many batches. A label's gradient is large, but much of it is specific to that one token, and the next
# labels cancel it. The teacher's gradient is smaller, but it changes less from batch to batch, so more of it adds up.

# %% [markdown]
# ## Say it
#
# **The training loop.** In about 150 words: what are the key parts of a distillation training loop, and for each, what goes
# wrong when it is left out? Refer to at least one number from this lab.
#
# | Points | Rubric |
# |---|---|
# | 1 | Names the teacher's forward pass without gradients and in eval mode, and what happens otherwise |
# | 1 | Names the student's forward pass in train mode and the update of the student alone |
# | 1 | Explains the combined loss: both parts, the temperature with its square, alpha |
# | 1 | Supports a claim with a number from the lab, compared with its control |

# %% [markdown] nbgrader={"grade": true, "grade_id": "written_training_loop", "locked": false, "points": 4, "schema_version": 3, "solution": true, "task": false}
# *A sketch of an answer.* The teacher answers in eval mode and without gradients. In train mode a teacher with dropout
# would give noisy targets, and with gradients its activations would be kept for nothing; if the optimizer held its
# parameters too, the teacher would change. The student answers in train mode, or its own dropout would never act, and
# with gradients, and the optimizer holds its parameters only. The loss blends KL(teacher || student) at temperature T
# with the cross-entropy at T = 1. Both are shifted and averaged over valid tokens only; divided by rows instead, the soft
# part would drown the hard one. T squared gives the soft gradient most of its size back, so that a higher T is not a
# lower alpha in disguise. Whether the loop works is shown by the paired comparison with CE-only at equal tokens, not by
# the gain over the untouched student, most of which plain training brings too: here the ratio of the two perplexities is
# {{ results.effect.effects.distilled_vs_ce_only.ratio | number }} over several seeds.
#
# *For comparison, the loss as it is often published*, with its three mistakes as switches; all of them are on by default.
# Read it beside your own:
#
# {{ source("utils/labs/listing.py", "listing_loss") }}

# %% [markdown]
# ## Check yourself
#
# Open the choice that you would take. Each one explains itself.
#
# **1. Your distilled student beats the untouched one by a wide margin. What does this show about the teacher?**
#
# <details><summary>A. That its soft targets carry more than labels.</summary>
# Not yet. Training on the labels alone also beats the untouched student. Only the difference from CE-only is the
# teacher's.
# </details>
# <details><summary>B. Nothing, until you compare with CE-only at equal tokens.</summary>
# Right. The control has the same text, order, steps and start. The rest is the teacher's.
# </details>
# <details><summary>C. That the temperature was right.</summary>
# A comparison at one temperature says nothing about others. For that you have to try several.
# </details>
#
# **2. You mask with `input_ids != tokenizer.pad_token_id`, shifted, instead of with the labels. What goes wrong?**
#
# <details><summary>A. Nothing: padding is ignored.</summary>
# Padding is, but so is every real end of text, because it has the same id. The student never learns to stop.
# </details>
# <details><summary>B. The loss becomes NaN.</summary>
# No, there are still valid positions. The mistake is silent, and that makes it dangerous.
# </details>
# <details><summary>C. Real end-of-text tokens are ignored too.</summary>
# Right. Padding and end-of-text have the same id. The -100 in the labels tells them apart. If you apply the same test to
# the *labels*, it is worse still: -100 is not the pad id, so padding would stay and the ends of text would go.
# </details>
#
# **3. You forget the factor T squared and train at T = 4. What happens?**
#
# <details><summary>A. The soft part's gradient is a sixteenth of what it was with the factor, so the hard part decides more.</summary>
# Right. It looks like a smaller alpha. If you forget the factor, a sweep over T becomes a sweep over alpha.
# </details>
# <details><summary>B. The student diverges.</summary>
# The gradient gets smaller, not larger; nothing diverges.
# </details>
# <details><summary>C. Nothing, the optimizer rescales gradients.</summary>
# Adam rescales the sum of both parts. Their *ratio* has changed, and the optimizer cannot know which ratio you wanted.
# </details>

# %% [markdown]
# ## Take away
#
# - A distillation loss is right when shift, mask and denominator agree in both parts. If one of them is wrong, there is
#   no error message.
# - T squared keeps a high T from acting like a low alpha; the teacher comes first in the KL.
# - Perplexity is one division of two sums. Padding and batch size must not change it.
# - Any training beats the untouched student. The teacher's share is what remains against CE-only, on the same documents
#   and over several seeds.

# %% [markdown]
# ## After this: the same thing in TRL
#
# [TRL](https://huggingface.co/docs/trl) trains students too. The divergence of its `DistillationTrainer`, at `beta=0`,
# is KL(teacher || student) at a temperature, per valid token. Your soft part (the loss at alpha = 1), divided by T
# squared, is the same number on the same positions:
#
# | Here | In TRL's `DistillationTrainer` | What to watch |
# |---|---|---|
# | `alpha` | none | it has no hard part; mix one in yourself if you want labels to count |
# | factor $T^2$ | none | at T other than 1 its gradient is smaller by about T squared |
# | KL(teacher, student) | `beta=0` | the default, `beta=1`, is the reverse, KL(student, teacher) |
# | rows of a data set | none | it trains on text that the student writes (on-policy) |
# | labels, shifted, -100 | completions and their mask | the shift is done inside the trainer |

# %%
from utils.labs import trl_map

if ready(distillation_loss):
    student_logits, teacher_logits = logits
    ours = distillation_loss(student_logits, teacher_logits, batch["labels"], temperature=2.0, alpha=1.0) / 2.0**2
    theirs = trl_map.trl_divergence(student_logits, teacher_logits, batch["labels"], temperature=2.0)
    print(f"your soft part / T^2: {ours.item():.6f}")
    print(f"TRL's divergence:     {trl_map.how_to_install() if theirs is None else f'{theirs.item():.6f}'}")
