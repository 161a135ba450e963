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
# A large language model answers well and costs much. Distillation trains a small one, the *student*, on what a large
# one, the *teacher*, says about the next token. In this lab you write the loss, the training step and the measure, and
# then you find out whether the teacher helped, or whether the student would have learned as much without it.
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
# You should know what a language model predicts and what a cross-entropy is. If one of these is new to you, read
# about it first; each takes less than an hour.
#
# | You need | Where to read it |
# |---|---|
# | The Transformer: tokens in, a distribution over the next token out | [The Illustrated GPT-2](https://jalammar.github.io/illustrated-gpt2/) |
# | Softmax and cross-entropy | [Dive into Deep Learning, 4.1](https://d2l.ai/chapter_linear-classification/softmax-regression.html) |
# | A training loop in PyTorch | [PyTorch, Optimizing Model Parameters](https://docs.pytorch.org/tutorials/beginner/basics/optimization_tutorial.html) |
# | Soft targets, temperature, KL divergence in nats | Lab 1 of this course, or [Hinton et al., 2015](https://arxiv.org/abs/1503.02531), sections 1 and 2 |
#
# Run the cells from top to bottom. A cell that needs something you have not written yet says so in one sentence and
# stops nothing else.

# %% tags=["set-up"]
import functools
import math
from dataclasses import replace

import torch
import torch.nn.functional as F

from utils.checks import check
from utils.data import batches, corpus
from utils.figures import base as plots
from utils.figures import loss_parts as loss_view
from utils.figures import sliders as widgets
from utils.machine.workspace import output_folder
from utils.measuring import evaluation, premises
from utils.models import loading as models
from utils.models.profiles import get_profile
from utils.notebook import committed, errors_as_sentences, ready, show_rows
from utils.teachers.remembering import RememberingTeacher
from utils.training import loop as training
from utils.training.history import settings_of

errors_as_sentences()
profile = get_profile("auto")
outputs = output_folder("02_distill_a_student")

# %% [markdown]
# ## Step 1. Load the teacher and the student
#
# Both models share one tokenizer, so token 17 means the same to both and their predictions can be compared entry by
# entry. The teacher only answers: it is in eval mode and none of its parameters takes a gradient. Only the student
# learns.

# %%
pair = models.load_pair(profile)
teacher, student, tokenizer = pair.teacher, pair.student, pair.tokenizer

print(f"teacher: {models.count_parameters(teacher):>12,} parameters, frozen")
print(f"student: {models.count_parameters(student):>12,} parameters, trainable")
print(f"the student is {pair.compression:.1f} times smaller")

# %% [markdown]
# The text is split by the *names* of its documents, and documents that repeat each other across the splits are left
# out. Nobody is judged on text that was learned by heart. A *row* is one document, cut at the profile's number of tokens.
#
# Both embedded models come pretrained on the docstrings of other packages. The teacher has read the documents to train
# on as well, the student none of them: so what it can teach is a better grasp of language and a knowledge of this text.

# %%
text = corpus.load_corpus(profile.text, profile.min_characters)
train_rows = batches.rows_of(text.train, tokenizer, profile.max_length, profile.train_rows)
validation_rows = batches.rows_of(text.validation, tokenizer, profile.max_length, profile.evaluation_rows)
validation_batches = batches.in_order(validation_rows, 16, tokenizer.pad_token_id)
plan = batches.BatchPlan(
    tuple(train_rows), profile.batch_size, tokenizer.pad_token_id, profile.seed, pool=profile.length_pool
)

print(text.describe())
print(
    f"{len(train_rows):,} rows to train on, {len(validation_rows):,} to judge on, {profile.max_length} tokens at most"
)

# %% [markdown]
# ### What a batch looks like
#
# Rows of different lengths are padded to the longest. The pad token is the end-of-text token, as in GPT-2, so you
# cannot tell padding from a real end of text by looking at the ids. The labels tell you: they are a copy of the ids,
# and -100 where a position must not count.

# %%
batch = next(iter(plan.epoch(0)))
for name, tensor in batch.items():
    print(f"{name:>14} {tuple(tensor.shape)}  end of the first row: {tensor[0, -6:].tolist()}")

# %% [markdown]
# ## Step 2. The loss
#
# A label says which token came. A teacher says how likely *every* token was. The loss blends both:
#
# $$\text{loss} = \alpha \cdot \underbrace{\frac{T^2}{N} \sum_{\text{valid}} \mathrm{KL}\big(p_T^{\text{teacher}} \,\|\, p_T^{\text{student}}\big)}_{\text{soft part}} + (1 - \alpha) \cdot \underbrace{\frac{1}{N} \sum_{\text{valid}} -\log p_1^{\text{student}}(\text{label})}_{\text{hard part}}$$
#
# where $p_T = \mathrm{softmax}(\text{logits} / T)$. Three things decide whether it is right:
#
# - **Shift.** The logits at position $t$ predict the token at position $t + 1$. Compare `logits[:, :-1]` with
#   `labels[:, 1:]`, in both parts.
# - **Mask.** A position counts where its shifted label is not -100. $N$ is how many of them there are, over the whole
#   batch.
# - **Scale.** Dividing the logits by $T$ makes the gradient of the soft part about $T^2$ times smaller at high
#   temperatures; the factor $T^2$ takes that back, so that raising $T$ is not lowering $\alpha$ in disguise. It does not
#   make both parts pull equally, and from $T = 1$ to 3 it does not take back everything (Lab 3 measures both).
#
# Both parts are in nats per token. The gradient flows to the student only.
#
# **Difficulty:** 3 of 5. **Time:** about 15 minutes.
#
# <details><summary>Hint 1: the idea</summary>
#
# Each part gives one number for every position. Compute it everywhere, keep it where the position counts, and take the
# mean of what is left: that divides by N.
#
# </details>
# <details><summary>Hint 2: the formula</summary>
#
# For one position, KL(teacher || student) is the sum over tokens of
# p_teacher * (log p_teacher - log p_student). The teacher stands first, so its probabilities are the weights.
#
# </details>
# <details><summary>Hint 3: the functions</summary>
#
# `F.log_softmax`, `F.kl_div`, `F.cross_entropy`. `F.kl_div` takes the log of the *second* distribution as its first
# argument, and the log of the first as its second only with `log_target=True`. Its reduction "batchmean" divides by the
# first dimension, which is rows here, not tokens; with "none" it sums nothing, so sum over the vocabulary yourself. A
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
# Random logits have no opinion, so the loss has to be near what guessing costs. Here are two rows of ten tokens from
# GPT-2's vocabulary of 50,257, at the default T = 3. **Predict first:** what will the hard part alone (alpha = 0) be, when
# every token is about equally likely?

# %%
generator = torch.Generator().manual_seed(0)
random_student, random_teacher = torch.randn(2, 2, 10, 50257, generator=generator)
random_labels = torch.randint(50257, (2, 10), generator=generator)

if ready(distillation_loss):
    for name, alpha in (("hard part alone", 0.0), ("soft part alone", 1.0), ("the blend", 0.5)):
        value = distillation_loss(random_student, random_teacher, random_labels, alpha=alpha)
        print(f"{name:>16}: {value.item():.4f} nats per token")

# %% [markdown]
# The logarithm of the vocabulary's size is 10.8. Random logits of variance 1 add about a half to it, and eighteen labels
# scatter the mean by about a quarter. The soft part is near 1 at any high T: two random tables differ by a variance of 2,
# which divided by T squared gives a KL of about 1 / T squared, and the loss multiplies by T squared again.
#
# ## Step 3. Train
#
# One step is: the teacher answers without gradients, the student answers with them, the loss compares, the optimizer
# moves the student.
#
# - A batch is a dict of `input_ids`, `attention_mask` and `labels`, each (B, S).
# - Both models are Hugging Face causal language models: called with ids *and* mask, they return an object with
#   `.logits`. Padding may stand on either side, so the mask goes to both.
# - The teacher comes in eval mode and must run in it. The student must run in train mode.
# - Every update uses the gradients of its own batch only. They are clear at the first call; clear them once a step, before
#   the backward pass or after the optimizer's step.
# - `loss_function` is called as `loss_function(student_logits, teacher_logits, labels)`.
#
# **Difficulty:** 2 of 5. **Time:** about 10 minutes.
#
# <details><summary>Hint 1: the idea</summary>
#
# The teacher is a fixed function here. Nothing that happens to it needs to be remembered for the backward pass.
#
# </details>
# <details><summary>Hint 2: the order</summary>
#
# Forward (teacher, then student), loss, backward, optimizer step; and once in each round the gradients go to zero.
# A step before the backward pass moves the student along old gradients.
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
# Before you train, decide how you will judge. Perplexity is the exponential of the mean cross-entropy per token: the
# number of equally likely tokens that would be as hard to guess. Sum the nats and count the tokens over *all* batches,
# and divide once at the end. A mean of batch means weighs a short batch as much as a long one.
#
# The model may come in train mode: put it into eval mode, or its dropout makes every answer a little random (our small
# pair has none, most models do). Nothing is learned here, so no gradients are computed. The batches are on the model's
# device already, each has a valid label, and you may leave the model in eval mode. Return a Python float.
#
# **Difficulty:** 2 of 5. **Time:** about 10 minutes.
#
# <details><summary>Hint 1: the idea</summary>
#
# Two running totals: nats, and tokens that were predicted. Which positions count is the same question as in the loss.
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
# logits and labels; `.item()` makes Python numbers of sums, and `math.exp` takes them.
#
# </details>


# %% nbgrader={"grade": false, "grade_id": "perplexity", "locked": false, "schema_version": 3, "solution": true, "task": false}
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
device = next(teacher.parameters()).device
some_batches = [batches.to_device(b, device) for b in validation_batches[:4]]
if ready(perplexity):
    print(f"yours {perplexity(student, some_batches):.4f}, library {evaluation.perplexity(student, some_batches):.4f}")

# %% [markdown]
# ### Where both models stand before training

# %%
pad = tokenizer.pad_token_id
results = {
    "teacher": evaluation.evaluate(teacher, validation_rows, pad, name="teacher"),
    "untouched": evaluation.evaluate(student, validation_rows, pad, name="untouched student"),
}
for name, result in results.items():
    low, high = result.interval()
    print(f"{name:>10}: perplexity {result.perplexity:.1f} (95 % interval {low:.1f} to {high:.1f})")
print(premises.teacher_against_student(results["teacher"], results["untouched"]))

# %% [markdown]
# ### Predict first
#
# You are about to train the student twice from the same start, on the same rows in the same order:
#
# - **CE-only**: on the labels alone, as in plain fine-tuning. This is the control. Without it, you could not tell what
#   the teacher added from what any training adds.
# - **distilled**: with your loss and your step.
#
# Write down your guess for the perplexity of the *distilled* student. Commit before you look.

# %%
my_guess = None  # a number between the two perplexities above

# %% [markdown]
# ### The control, then the distilled student
#
# The embedded profile distils at T = 1 and alpha = 0.5. T = 1 came out best of four temperatures on 500 rows (Lab 3 shows by
# how little, and that a higher alpha would do better); T squared is 1 there.
#
# The teacher is frozen, so in the second epoch it would only repeat itself. `RememberingTeacher` asks it once about each
# row and keeps its last hidden states, from which the output layer alone makes the same logits again.
#
# Each run shows its loss and the time left. You may interrupt it: the weights, the history and a checkpoint are kept,
# and running the cell again goes on where it stopped.

# %% tags=["train"]
settings = settings_of(profile, profile.ce_learning_rate, profile.seed)
control = models.load_model(profile.student)
control_history = training.distill(
    control, None, plan, settings, step=training.ce_only_step, checkpoint=outputs / "ce_only.pt", name="ce_only"
)
results["ce_only"] = evaluation.evaluate(control, validation_rows, pad, name="CE-only")
print("CE-only, nats per token in each epoch:", [round(loss, 4) for loss in control_history.epoch_losses()])

# %% tags=["train"]
if ready(distillation_loss, train_step):
    student = models.load_model(profile.student)  # from the same start, also when this cell runs again
    history = training.distill(
        student,
        RememberingTeacher(teacher),
        plan,
        replace(settings, learning_rate=profile.learning_rate),
        loss=functools.partial(distillation_loss, temperature=profile.temperature, alpha=profile.alpha),
        step=train_step,
        checkpoint=outputs / "distilled.pt",
        name="distilled",
        temperature=profile.temperature,
    )
    results["distilled"] = evaluation.evaluate(student, validation_rows, pad, name="distilled")
    print("distilled, loss in each epoch:", [round(loss, 4) for loss in history.epoch_losses()])

# %% [markdown]
# The two losses in the left picture are not comparable: they measure different things, so the lower curve is not the
# better student. The right picture takes the distilled run apart. Which part falls faster, measured against where it
# began? And what happens in the middle of the run?

# %%
if ready(distillation_loss, train_step):
    figure = plots.training_curves([control_history, history], profile.temperature)
    plots.show(
        figure, "Left: training loss by step for CE-only and distilled. Right: soft and hard part, both falling."
    )

# %% [markdown]
# <details><summary>Our answers</summary>
#
# The soft part: it loses more than a third, the hard part less than a quarter. The text's own uncertainty stays in the hard part,
# however good the student is, while the soft part ends at 0 for a student that says what its teacher says. In the middle
# the second epoch begins, and the same rows come again. A part of the step down is memory: what a student has learned
# can only be told on text that it has not read.
#
# </details>
#
# ## Step 4. Did it work?
#
# Four models, the same validation text. The bars are 95 % intervals: the documents are drawn again and again, with
# replacement, and the bar holds 95 % of the perplexities. It says how much the number would move with other text of the
# same kind.

# %%
parameters = {"teacher": teacher, "untouched": control, "ce_only": control, "distilled": student}
rows = [
    evaluation.comparison_row(name, models.count_parameters(parameters[name]), results[name])
    for name in ("teacher", "untouched", "ce_only", "distilled")
    if name in results
]
figure = plots.comparison(rows, guess=my_guess)
plots.show(figure, plots.describe_rows(rows))

# %% tags=["notebook-only"]
show_rows(rows)

# %% [markdown]
# ### What did the teacher add?
#
# The intervals above overlap more than the comparison deserves, because a hard document is hard for both students.
# Compared on the same documents, the difference is much sharper. Your run is one seed; the second line comes from
# several seeds of the embedded profile that were run for this page, CE-only and distilled each at the learning rate that
# was best for it. The number is the perplexity of the distilled student over that of CE-only: below 1, the teacher helped.

# %%
lab_results = {"rows": rows, "effects": {}}
if "distilled" in results:
    live = evaluation.paired_effect([results["distilled"]], [results["ce_only"]])
    lab_results["effects"]["distilled_vs_ce_only"] = live.as_dict()
    recorded = committed("effect")["effects"]["distilled_vs_ce_only"]
    figure = plots.effects({"your run, one seed": live.as_dict(), f"ours, {recorded['seeds']} seeds": recorded})
    plots.show(figure, plots.describe_effects(live.as_dict(), recorded))

# %% [markdown]
# {{ table("effect") }}
#
# *Ours, embedded profile, Python 3.11, the first of the seeds; another profile, machine or Python's documentation gives
# other numbers. Bits per byte are the same nats over the text's bytes, so models with other tokenizers can be compared.* Many
# tutorials compare the distilled student with the untouched one only. Look at the CE-only row: training on this text
# alone already brings most of that gain. What lies between CE-only and distilled is the teacher's share.
#
# ### What do they write?

# %%
prompt = "Return the number of"
for name, model in (("teacher", teacher), ("CE-only", control), ("distilled", student)):
    print(f"--- {name}\n{prompt}{models.sample_text(model, tokenizer, prompt)}\n")

# %% [markdown]
# ## What the mistakes cost
#
# Code for this loss is often published with three errors, and it runs without a warning: the soft part is divided by the
# number of rows instead of tokens, the labels are not shifted, and padding counts. A fourth sits in the measure. First their
# size on one batch; *guess which one is largest before you run it*.

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

# %% [markdown]
# A loss that is too large is not yet a student that is worse. So each error was made alone, a student was trained with
# it, and every one was judged with the *right* perplexity:
#
# {{ table("listing", {"variant": "error", "perplexity": "perplexity", "ratio": "ratio to no error, with 95 % interval"}) }}
#
# *Ours; embedded profile, three seeds, T = 3 and alpha = 0.5; rows of any length share a batch here, so that there is
# padding to count. Compare these rows with each other and not with the runs above, whose batches and T are others.* Four
# things to think about. Why is the missing shift a catastrophe alone, and so much milder together with the first error?
# (Which part then decides?) What is left of the labels when the soft part is divided by rows? Why does padding cost next
# to nothing in the loss? And what does padding do to the *measure*, in the line above?
#
# <details><summary>Our answers</summary>
#
# Alone, the missing shift leaves a hard part that teaches the student to repeat the token it has just read, and the soft
# part cannot outweigh it. Together with the first error the soft part is so large that it decides, and it still points
# at the right distribution: the two errors hide each other. Divided by rows, the soft part is dozens of times too large,
# which is an alpha near 1: the labels hardly count, and without labels T = 3 is a bad temperature (Lab 3 shows how bad).
# Padding stands behind the text, so no prediction of a real
# token sees it. That padding follows padding is soon learned, and what is learned has hardly a gradient: padded
# positions only dilute the mean. The measure is another matter. Our students were never taught to repeat the token that
# the listing pads with, so every padded position is a bad guess, and the perplexity rises with the padding.
#
# </details>

# %% [markdown]
# ### Turn the knobs
#
# One batch of real text, your trained student and the teacher. What do T and alpha do to the size of each part, and to the size
# of each part's *gradient*? Move the sliders with the mouse or with the arrow keys. Before you do: which of the two
# gradients is larger at alpha = 0.5 and T = 1?

# %% tags=["notebook-only"]
widgets.loss_explorer(*logits, batch["labels"])

# %% [markdown]
# The same picture without sliders, at T = 3. The hard part has the larger gradient, at T = 1 about four times. How can the
# other part matter as it does? This is the gradient on the logits of one batch, and a student is trained by what is left
# of it in the weights after many. A label pulls hard, and partly in a direction of its own that the next label takes
# back; what a teacher asks for is less and changes less from batch to batch.

# %%
loss_view.show_loss_parts(*logits, batch["labels"], temperature=3.0, alpha=0.5)

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
# *A sketch of an answer.* The teacher answers in eval mode and without gradients: in train mode a teacher with dropout
# would give noisy targets, and with gradients its activations would be kept for nothing; if the optimizer held its
# parameters too, it would move. The student answers in train mode, or its own dropout would never act, and with gradients,
# and is the only one that the optimizer holds. The loss blends KL(teacher || student) at temperature T with the
# cross-entropy at T = 1. Both are shifted and averaged over valid tokens only; divided by rows instead, the soft part
# would drown the hard one. T squared gives the soft gradient most of its size back, so that a higher T is not a lower
# alpha in disguise. Whether the loop works is told by the paired comparison with CE-only at equal tokens, not by the gain
# over the untouched student, most of which plain training has too: here the ratio of the two perplexities is
# {{ results.effect.effects.distilled_vs_ce_only.ratio | number }} over several seeds.
#
# *For comparison, the printed listing's loss*, with its three errors as switches; all of them are on by default. Read it
# beside your own:
#
# {{ source("utils/labs/listing.py", "listing_loss") }}

# %% [markdown]
# ## Check yourself
#
# Open the choice you would take; each one explains itself.
#
# **1. Your distilled student beats the untouched one by a wide margin. What does this show about the teacher?**
#
# <details><summary>A. That its soft targets carry more than labels.</summary>
# Not yet. Training on the labels alone also beats the untouched student. Only the difference to CE-only is the
# teacher's.
# </details>
# <details><summary>B. Nothing, until you compare with CE-only at equal tokens.</summary>
# Right. The control shares the text, the order, the steps and the start. What is left is the teacher.
# </details>
# <details><summary>C. That the temperature was right.</summary>
# A comparison at one temperature says nothing about others. That takes a sweep.
# </details>
#
# **2. You mask with `input_ids != tokenizer.pad_token_id`, shifted, instead of with the labels. What goes wrong?**
#
# <details><summary>A. Nothing: padding is ignored.</summary>
# Padding is, but so is every real end of text, because it has the same id. The student never learns to stop.
# </details>
# <details><summary>B. The loss becomes NaN.</summary>
# No, there are still valid positions. The error is silent, and that is what makes it dangerous.
# </details>
# <details><summary>C. Real end-of-text tokens are ignored too.</summary>
# Right. Pad and end-of-text share an id. The -100 in the labels is what tells them apart. Applied to the *labels*, the
# same test would be worse still: -100 is not the pad id, so padding would stay and the ends of text would go.
# </details>
#
# **3. You forget the factor T squared and train at T = 4. What happens?**
#
# <details><summary>A. The soft part's gradient is a sixteenth of what it was with the factor, so the hard part decides more.</summary>
# Right. It looks like a smaller alpha. Forgetting it turns a temperature sweep into an alpha sweep.
# </details>
# <details><summary>B. The student diverges.</summary>
# The gradient gets smaller, not larger; nothing diverges.
# </details>
# <details><summary>C. Nothing, the optimizer rescales gradients.</summary>
# Adam rescales the sum of both parts. Their *ratio* has changed, and no optimizer knows what you wanted it to be.
# </details>

# %% [markdown]
# ## Take away
#
# - A distillation loss is right when shift, mask and denominator agree in both parts; none of them raises an error
#   when it is wrong.
# - T squared keeps a high T from being a low alpha; the teacher stands first in the KL.
# - Perplexity is one division of two sums. Padding and batch size must not move it.
# - "Better than untouched" is what training does. "Better than CE-only, on the same documents, over several seeds" is
#   what the teacher does.

# %% [markdown]
# ## After this: the same thing in TRL
#
# [TRL](https://huggingface.co/docs/trl) trains students too. The divergence of its `DistillationTrainer`, at `beta=0`,
# is KL(teacher || student) at a temperature, per valid token. Your soft part, which is the loss at alpha = 1, divided by
# T squared is the same number on the same positions:
#
# | Here | In TRL's `DistillationTrainer` | What to watch |
# |---|---|---|
# | `alpha` | none | it has no hard part; mix one in yourself if you want labels to count |
# | factor $T^2$ | none | at T other than 1 its gradient is smaller by about T squared |
# | KL(teacher, student) | `beta=0` | the default, `beta=1`, is the reverse, KL(student, teacher) |
# | rows of a data set | none | it trains on text that the student writes (on-policy) |
# | labels, shifted, -100 | completions and their mask | the shift is done inside the trainer |

# %%
from utils.labs.trl_map import trl_divergence

if ready(distillation_loss):
    student_logits, teacher_logits = logits
    ours = distillation_loss(student_logits, teacher_logits, batch["labels"], temperature=2.0, alpha=1.0) / 2.0**2
    theirs = trl_divergence(student_logits, teacher_logits, batch["labels"], temperature=2.0)
    print(f"your soft part / T^2: {ours.item():.6f}")
    print(
        "TRL's divergence:     "
        + ("TRL is not installed: pip install -r requirements-trl.txt" if theirs is None else f"{theirs.item():.6f}")
    )
