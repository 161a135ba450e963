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
# # Lab 3. Temperature and balance
#
# The distillation loss has two knobs, the temperature T and the balance alpha, and you could match more than the
# teacher's last word: its hidden states. Recipes give values for all three. In this lab you turn each knob, with the
# control beside it, and find out which of them matters, how much, and how sure you can be.
#
# **After this lab you can**
#
# - sweep T and alpha cheaply, because the teacher is asked only once;
# - say why a low T suits language models, when T matters little and when much, and what T squared is
#   for;
# - read a calibration curve, and say what perplexity does not show;
# - match hidden states across different depths and widths, and tell their effect from that of a random target;
# - say how a teacher's worth changes with the amount of text, and what else changes with it.
#
# {{ header }}

# %% [markdown]
# ## Before you start
#
# | You need | Where to read it |
# |---|---|
# | The distillation loss: soft part, hard part, T squared | Lab 2 of this course |
# | The Transformer's residual stream: one hidden state a token and a layer | [The Illustrated GPT-2](https://jalammar.github.io/illustrated-gpt2/) |
# | Calibration | [Guo et al., 2017](https://arxiv.org/abs/1706.04599), sections 1 and 2 |
#
# Run the cells from top to bottom. A cell that needs something you have not written yet says so in one sentence and
# stops nothing else.

# %% tags=["set-up"]
import itertools
import time

import torch
import torch.nn.functional as F
from transformers import AutoModelForCausalLM

from utils.checks import check
from utils.data import batches, corpus
from utils.figures import base as plots
from utils.figures import sweeps as sweep_plots
from utils.losses import core as losses
from utils.losses import topk as topk_loss
from utils.machine.workspace import output_folder
from utils.measuring import evaluation, premises
from utils.measuring.calibration import calibration
from utils.measuring.sweeps import Hidden, Setting, Sweep, arm_name, best_rate, wins
from utils.models import loading as models
from utils.models.profiles import get_profile
from utils.notebook import committed, errors_as_sentences, ready
from utils.teachers import cache as teacher_cache
from utils.teachers import cache_settings
from utils.teachers.cached import CachedTeacher
from utils.teachers.remembering import RememberingTeacher

errors_as_sentences()
profile = get_profile("auto")
outputs = output_folder("03_temperature_and_balance")

# %% [markdown]
# ## Step 1. Ask the teacher once
#
# A sweep trains the student again and again on the same rows, and a teacher never changes its mind. So its answers are
# computed once and kept. How much is that? For each token one number for every token of the vocabulary. Whether that
# fits is checked first. It does for our small vocabulary; for GPT-2's, twelve times as large, it hardly ever does, and
# then the last hidden states are kept in memory: the output layer makes the same logits of them again. The cache is
# named by a hash of its teacher, rows and settings: change one of them, and you get another cache and never a stale answer.
#
# But first of all: is this teacher worth asking? Two sentences that cost seconds and may save an hour.

# %%
pair = models.load_pair(profile)
tokenizer, pad = pair.tokenizer, pair.tokenizer.pad_token_id
text = corpus.load_corpus(profile.text, profile.min_characters)
train_rows = batches.rows_of(text.train, tokenizer, profile.max_length, profile.sweep_rows)
validation_rows = batches.rows_of(text.validation, tokenizer, profile.max_length, profile.evaluation_rows)

before = [evaluation.evaluate(model, validation_rows, pad) for model in (pair.teacher, pair.student)]
print(premises.teacher_against_student(*before))
print(premises.repeated_text(text.train, text.validation))

depth = pair.teacher.config.num_hidden_layers
layers = tuple(range(1, depth + 1))
if cache_settings.whole_answers_fit(pair.teacher, train_rows, outputs / "teacher", layers):
    settings = cache_settings.CacheSettings(hidden_layers=layers)
    cache = teacher_cache.cache_answers(pair.teacher, train_rows, outputs / "teacher", settings)
    print(cache.describe())
    teacher = CachedTeacher(cache, pair.teacher.device)
else:
    teacher = RememberingTeacher(pair.teacher)

# %% [markdown]
# What is kept is called like any other model, and your `train_step` from Lab 2 would not notice. Is its answer the same?
# The cache is in half precision, so the loss differs by a little; the last column says how little.

# %%
plan = batches.BatchPlan(tuple(train_rows), profile.batch_size, pad, pool=profile.length_pool)
batch = batches.to_device(next(iter(plan.epoch(0))), pair.teacher.device)
with torch.no_grad():
    student_logits = pair.student(**batches.model_inputs(batch)).logits
    began = time.perf_counter()
    live_logits = pair.teacher(**batches.model_inputs(batch)).logits
    asked = time.perf_counter()
    kept_logits = teacher(**batches.model_inputs(batch)).logits
    print(f"the teacher took {asked - began:.3f} s for this batch, what is kept {time.perf_counter() - asked:.3f} s")
for temperature in (1.0, 3.0, 10.0):
    live, kept = (
        losses.soft_loss(student_logits, logits, batch["labels"], temperature).mean().item()
        for logits in (live_logits, kept_logits)
    )
    print(f"T = {temperature:>4g}: soft part {live:.5f} with the teacher, {kept:.5f} cached, {kept / live - 1:+.1e}")

# %% [markdown]
# There is a cheaper way, and it is often taken: keep the k most likely tokens of each answer and scale their
# probabilities up to 1. What does that change? In the table the student has not learned yet. "One bin" keeps the mass of
# all the others as one more outcome; "scaled up" drops it.

# %%
some = list(itertools.islice(plan.epoch(0), 4))
for temperature in (1.0, 3.0):
    for k in (8, 64, 512):
        bias = topk_loss.truncation_bias(pair.student, pair.teacher, some, k, temperature)
        print(
            f"T = {temperature:g}, k = {k:>3}: soft part {bias.whole:.2f}, with one bin {bias.with_tail:.2f},"
            f" scaled up {bias.without_tail:.2f}; the others hold {bias.tail_mass:.0%}"
        )

# %% [markdown]
# One bin never says more than the whole answer does: what it loses is the order among the others. At T = 1 that is about
# a seventh with 64 tokens and next to nothing with 512. Scaled up, the loss is another one: it asks the student to call
# every other token impossible. At T = 3 most of the mass lies outside of any short list. With 64 tokens one bin then keeps
# about a fifth of the loss, and scaled up, nearly all of it is that demand.

# %% [markdown]
# ## Step 2. What T squared is for
#
# **Predict first.** At T = 10 the teacher's targets are nearly flat. By which factor does the soft part's gradient on the
# student's logits shrink from T = 1 to T = 10, if nobody makes up for it?

# %%
my_factor = None  # how many times smaller

# %%
temperatures = (1.0, 3.0, 5.0, 10.0)
norms = sweep_plots.gradient_norms(student_logits, live_logits, batch["labels"], temperatures)
print(f"without T squared: {norms[0][1] / norms[-1][1]:.0f} times smaller; your guess: {my_factor}")
print(f"with T squared:    {norms[0][2] / norms[-1][2]:.1f} times smaller")
plots.show(
    sweep_plots.gradient_figure(norms),
    "Gradient norm by T: "
    + ", ".join(f"T {t:g}: {without:.2g} without T squared, {square:.2g} with" for t, without, square in norms),
)

# %% [markdown]
# One power of T comes from the chain rule, since the logits are divided by T. The other comes from the distributions:
# once they are nearly flat, they differ by about the difference of the logits divided by T and by the size of the
# vocabulary. T squared takes back both powers, and at high T the upper line levels off. Without it, a sweep over T is a
# sweep over alpha in disguise.
#
# Now look at the left end. Between T = 1 and T = 3 the gradient shrinks *also with* T squared. The rule holds in the
# limit of a high T; on the way there, what was gathered on a few likely tokens is spread over the whole vocabulary, and
# a vocabulary is large. So for a language model T still moves the balance, here about tenfold from T = 1 to T = 10, and a
# sweep over T is best read beside one over alpha.

# %% [markdown]
# ## Step 3. Which temperature?
#
# Four students from the same start, on the same rows in the same order, at T = 1, 3, 5 and 10. The control is a fifth
# one, trained on the labels alone. Recipes say: T between 2 and 5.
#
# **Predict first.** Which of the four temperatures gives the lowest perplexity?

# %%
my_temperature = None  # 1, 3, 5 or 10

# %% [markdown]
# Labels alone want a lower learning rate on so few rows than soft targets do, so every point of this lab has the rate
# that was best for it on a third split, which is neither trained on nor judged on. (In Step 5 a student that also matches
# hidden states keeps the rate of the one that does not.)
#
# You may interrupt the sweep: what was computed is kept, and running the cell again goes on.

# %%
sweep = Sweep(profile, teacher, train_rows, validation_rows, pad, seed=profile.seed)
recorded = committed("sweeps")


def setting(temperature=profile.temperature, alpha=profile.alpha, hidden=None, rows=profile.sweep_rows):
    """A point of the sweep, at the learning rate that was best for it."""
    rate = best_rate(recorded, profile, arm_name(temperature, alpha, rows, profile.epochs), control=alpha == 0)
    return Setting(temperature, alpha, hidden, rate)


ce_only = setting(alpha=0.0)

# %% tags=["train"]
control = sweep.run([ce_only], "CE-only")[ce_only]
by_temperature = sweep.run([setting(t) for t in temperatures], "temperature")

# %%
live = {point.temperature: outcome.evaluation.perplexity for point, outcome in by_temperature.items()}
figure = sweep_plots.knob(
    "temperature", live, control.evaluation.perplexity, recorded["temperature"], my_temperature, logarithmic=True
)
plots.show(figure, sweep_plots.describe_knob("temperature", live, control.evaluation.perplexity))

# %% [markdown]
# {{ table(results.sweeps.temperature, {"temperature": "T", "perplexity": "perplexity", "ratio to CE-only": "ratio to CE-only, with 95 % interval", "calibration error": "calibration error", "share of draws won": "share of draws won"}) }}
#
# *Ours, over several seeds; yours will differ a little.* The last column says how often each temperature has the lowest
# perplexity when documents and seeds are drawn again, with replacement. T = 1 and T = 3 share the draws, and the higher
# two never win. Look at the size of the differences beside it: T = 3 at its own best rate costs next to nothing, and T = 10
# about a third of what distilling gains over CE-only. A region that wins, and how much is lost outside it: a report needs both.
#
# Why so low? In a picture of ten classes the teacher is nearly certain, and at T = 1 its wrong answers are too small to
# learn from. The next token is uncertain by nature: a vocabulary's worth of plausible continuations is already soft at
# T = 1. A higher T raises the thousands of tokens that neither model expects, and the student spends its capacity there.
# For large language models T = 1 was found best as well
# ([Busbridge et al., 2025](https://arxiv.org/abs/2502.08606)). And why does T = 10 not cost more? Half of this loss is
# labels, at T = 1 always. Step 4 takes them away.

# %% [markdown]
# ### What perplexity does not show
#
# A student is *calibrated* when tokens that it gives 30 percent come in 30 percent of the cases. The figure shows how often
# the likeliest token came, minus the probability it was given: below 0 the student promised too much. Inside the grey
# band a point may be chance alone, with as many tokens as there are at that confidence. Beside each name stands the
# *expected calibration error*, the mean distance from 0 over all tokens.
#
# **Predict first.** A student that was distilled at T = 10 is asked at T = 1. Is it over- or underconfident?

# %%
my_direction = None  # "over" or "under"

# %%
curves = {
    "teacher": calibration(pair.teacher, validation_rows, pad),
    "untouched": calibration(pair.student, validation_rows, pad),
    "CE-only": control.calibration,
    **{f"T = {point.temperature:g}": outcome.calibration for point, outcome in by_temperature.items()},
}
plots.show(sweep_plots.reliability(curves), sweep_plots.describe_reliability(curves))
for name, found in curves.items():
    print(f"{name:>9}: error {found.error:.3f}, confidence minus accuracy {found.overconfidence:+.3f}")
print(f"your guess for T = 10: {my_direction}")

# %% [markdown]
# Before and after: the untouched student promises too much where it is surest. Training on the text takes a part of that
# away by itself (CE-only, the control), and with the teacher at T = 1 only the last of those points stays outside the band.
#
# The soft part at a high T matches logits divided by T, and says little about how sharp the distribution is at T = 1. So
# one would expect a student of T = 10 to be far off. It is not: on average its confidence is a little below its accuracy,
# like its teacher's. Is it the half of the loss that is labels that holds it in place? Step 4 takes them away. T = 1 and
# T = 3 are the pair to look at. They share the draws in perplexity, and yet the second student is overconfident where the first is not.
# Perplexity alone would have called the two the same. Is it the temperature? T = 3 and T = 5, the two that are
# overconfident, learned at a rate of {{ results.sweeps.learning_rates["T 3, alpha 0.5, 500 rows, 2 epochs"] }}; T = 1 and
# T = 10 at {{ results.sweeps.learning_rates["T 1, alpha 0.5, 500 rows, 2 epochs"] }}. Each T got the rate that was best for
# its *perplexity*, and so the table compares two things at once. Once more, with the rate held still:
#
# {{ table(results.sweeps["calibration by rate"], {"learning rate": "learning rate", "temperature": "T", "confidence minus accuracy": "confidence minus accuracy, with the lowest and the highest seed", "calibration error": "calibration error", "perplexity": "perplexity"}) }}
#
# *Ours, over three seeds, at alpha = 0.5.* At the lower rate no student promises more than a thousandth too much, at the
# higher one every student does, whatever its temperature. So here the sign follows the rate. The temperature has a part of
# its own, in no order of T: T = 3 lies above T = 1 at either rate, and the error is smallest at T = 1 at either. From the
# first table alone you could not have told the two apart. The last column settles something else: with the rate held
# still, T = 1 is ahead of T = 3 by just under one percent at both rates, and not by next to nothing.

# %% [markdown]
# ## Step 4. Which balance?
#
# alpha = 0 is plain training, alpha = 1 is imitation without labels. A label is one sample of what comes next; a good
# teacher knows the distribution that it was drawn from; a poor one is wrong in its own way.
#
# **Predict first.** At which alpha is the perplexity lowest, at the temperature of your profile (embedded: T = 1)?

# %%
my_alpha = None  # between 0 and 1

# %% tags=["train"]
alphas = (0.0, 0.3, 0.5, 0.7, 0.9, 1.0)
by_alpha = sweep.run([setting(alpha=alpha) for alpha in alphas], "alpha")

# %%
live = {point.alpha: outcome.evaluation.perplexity for point, outcome in by_alpha.items()}
figure = sweep_plots.knob("alpha", live, control.evaluation.perplexity, recorded["alpha"], my_alpha)
plots.show(figure, sweep_plots.describe_knob("alpha", live, control.evaluation.perplexity))
shares = wins({point.alpha: [outcome.evaluation] for point, outcome in by_alpha.items()})
print("how often each alpha wins on documents drawn again:", {a: round(s, 2) for a, s in shares.items()})

# %% [markdown]
# {{ table(results.sweeps.alpha, {"alpha": "alpha", "perplexity": "perplexity", "ratio to CE-only": "ratio to CE-only, with 95 % interval", "share of draws won": "share of draws won"}) }}
#
# *Ours, over several seeds.* An optimum is a region, not a number: read the shares before you quote a value. Here the
# teacher is far better than the student and text is scarce, and most of the weight belongs to the teacher; yet a few
# labels beside it are better than none. With a weaker teacher we would expect the region further left. (Your own shares
# above are over documents alone: one seed looks surer than it is.)
#
# ### Both knobs at once
#
# **Predict first.** Without labels, alpha = 1: does T matter more there than at alpha = 0.5, or less? The map shows every
# combination that we ran, each at its own best learning rate. Move the slice.

# %% tags=["notebook-only"]
from utils.figures.sliders import surface_explorer

surface_explorer(recorded["surface"])

# %% [markdown]
# The same without a slider, at the temperature of the profile:

# %%
scene = sweep_plots.SurfaceScene(recorded["surface"])
scene.move(profile.temperature)
plots.show(scene.figure, scene.sentence(profile.temperature))

# %% [markdown]
# The row without labels, in numbers:
#
# {{ table(results.sweeps.surface | selectattr("alpha", "equalto", 1.0) | list, {"temperature": "T", "perplexity": "perplexity", "ratio to CE-only": "ratio to CE-only, with 95 % interval", "calibration error": "calibration error"}) }}
#
# *Ours, two seeds, five at T = 1; a ratio compares the same seeds on both sides.* The knobs are not independent. At alpha
# = 0.5 or less, T moves the perplexity by a few percent. Without labels a high T ruins the student: at T = 5 it is no better than the untouched
# student ({{ results.sweeps.references.untouched.perplexity | number }}), which was not trained on this text at all, and at
# T = 10 it is worse. Its task is then to match distributions that nobody uses, those at T, and hardly anything in its loss
# depends on the few tokens that decide at T = 1, where it is judged. Its calibration error stays small all the while (so it
# was not the labels that held it in place) and is largest at T = 3, where the perplexity is not: a student can be poor and
# know it, so neither measure stands for the other. "T moves little" and "alpha should be high" are both true here, each at the usual value of the other; together
# they mislead.
#
# (Lab 2 and the profile distil at alpha = 0.5, the value that most recipes start with. It is not the best one here.)

# %% [markdown]
# ## Step 5. Hidden states
#
# The teacher computes more than its last word. After every layer there is a state for each token, and one can ask the
# student to be near it there as well. Two things do not fit: the student has fewer layers, and its states are narrower.
#
# ### Which layer follows which?
#
# Spread the student's layers evenly over the teacher's, the last on the last: with 6 and 24 layers the first follows the
# 4th. Count from 1; where it does not divide, take a neighbour, and keep the last on the last.
#
# **Difficulty:** 1 of 5. **Time:** about 5 minutes.
#
# <details><summary>Hint 1: the idea</summary>
#
# How many teacher layers are there for one student layer? After i student layers, how many of the teacher's have passed?
#
# </details>
# <details><summary>Hint 2: the formula</summary>
#
# Layer i of the student follows layer i * teacher_layers / student_layers of the teacher, rounded down (a neighbour
# passes as well).
#
# </details>
# <details><summary>Hint 3: the functions</summary>
#
# `range(1, n + 1)` counts from 1; `//` divides whole numbers and rounds down.
#
# </details>


# %% nbgrader={"grade": false, "grade_id": "layer_map", "locked": false, "schema_version": 3, "solution": true, "task": false}
def layer_map(student_layers, teacher_layers):
    """For each student layer, in order, the teacher layer it follows: a list of whole numbers, counted from 1."""
    ### BEGIN SOLUTION
    return [i * teacher_layers // student_layers for i in range(1, student_layers + 1)]
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "check_layer_map", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
check("layer_map", layer_map)

# %% [markdown]
# ### How far apart are two states?
#
# A linear *projection* maps the student's width to the teacher's; it learns with the student and is thrown away
# afterwards. The loss is the squared difference between the projected state and the teacher's, averaged over the
# positions that are real and over the teacher's features:
#
# $$\frac{1}{N D_t} \sum_{\text{real } s} \big\lVert P\, h_s^{\text{student}} - h_s^{\text{teacher}} \big\rVert^2$$
#
# with $N$ real positions $s$, and $D_t$ numbers in a state of the teacher's. A state is not a prediction: what the student holds
# after token $s$ belongs beside what the teacher holds after token $s$.
# The gradient reaches the student and the projection, never the teacher.
#
# **Difficulty:** 2 of 5. **Time:** about 10 minutes.
#
# <details><summary>Hint 1: the idea</summary>
#
# First select the positions that count and forget the rest.
#
# </details>
# <details><summary>Hint 2: the shapes</summary>
#
# A boolean mask (B, S) picks (N, D_s) from the student and (N, D_t) from the teacher. After the projection both are
# (N, D_t), and the mean over all N * D_t numbers is the loss.
#
# </details>
# <details><summary>Hint 3: the functions</summary>
#
# `attention_mask.bool()`, `projection(...)` is called like a function, `F.mse_loss` averages over everything,
# `detach()` keeps a gradient from the teacher.
#
# </details>


# %% nbgrader={"grade": false, "grade_id": "hidden_state_loss", "locked": false, "schema_version": 3, "solution": true, "task": false}
def hidden_state_loss(student_hidden, teacher_hidden, projection, attention_mask):
    """The squared difference of the projected states, averaged over real positions and features.

    student_hidden: (B, S, D_s); teacher_hidden: (B, S, D_t); attention_mask: (B, S), 1 at real tokens.
    projection: maps the student's width to the teacher's.  Returns a scalar tensor.
    """
    ### BEGIN SOLUTION
    real = attention_mask.bool()
    return F.mse_loss(projection(student_hidden[real]), teacher_hidden[real].detach())
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "check_hidden_state_loss", "locked": true, "points": 4, "schema_version": 3, "solution": false, "task": false}
check("hidden_state_loss", hidden_state_loss)

# %% [markdown]
# ### How large is what is to be matched?
#
# A logit loss is a few nats. What does a squared difference of states come to? Look before you give it a weight.

# %%
torch.manual_seed(profile.seed)
untrained = AutoModelForCausalLM.from_config(pair.teacher.config).eval().to(pair.teacher.device)
with torch.no_grad():
    states, of_untrained = (
        model(**batches.model_inputs(batch), output_hidden_states=True).hidden_states
        for model in (pair.teacher, untrained)
    )
real = batch["attention_mask"].bool()
for layer, both in enumerate(zip(states, of_untrained, strict=True)):
    trained, random = (state[real].float().square().mean() for state in both)
    print(f"after layer {layer}: mean square {trained:8.2f}, of a teacher that was never trained {random:8.4f}")

# %% [markdown]
# Layer 0 is the embedding, and the last state has been through the final layer norm. Between them the residual stream
# adds up what each layer writes. What is trained on is the loss on the logits plus a weight times the mean of your
# `hidden_state_loss` over the student's layers. That mean is mostly the layers whose
# states are large, and a weight of 1 says nothing before you know the size of what it weighs.
#
# ### Does it help?
#
# Compared with what? Not with CE-only: the loss on the logits is already there. The question is what hidden states add to
# it. And a gain could come from the mere presence of another target. So the controls are a projection that stays random,
# layers in reverse, and the states of a teacher that was never trained.
#
# The live run takes the weight 0.1. The numbers above say that it is a large one; the table below has smaller ones, the
# cosine distance, and the controls for each.
#
# **Predict first.** Will hidden states lower the perplexity further? By how many percent?

# %%
my_percent = None  # such as 2 for two percent lower, -2 for two percent higher

# %% tags=["train"]
alone = setting()
if ready(layer_map, hidden_state_loss):
    followed = tuple(layer_map(pair.student.config.num_hidden_layers, depth))
    print("the student's layers follow the teacher's layers", list(followed))
    matched, frozen = (setting(hidden=Hidden(0.1, followed, kept, hidden_state_loss)) for kept in (False, True))
    by_hidden = sweep.run([alone, matched, frozen], "hidden states")
    names = ("logits alone", "and hidden states", "control: projection frozen")
    for name, outcome in zip(names, by_hidden.values(), strict=True):
        effect = evaluation.paired_effect([outcome.evaluation], [by_hidden[alone].evaluation])
        print(f"{name:>27}: perplexity {outcome.evaluation.perplexity:6.1f}, ratio {effect.ratio:.3f}")
    print(f"your guess: {my_percent} percent lower")

# %% [markdown]
# {{ table(results.sweeps.hidden, {"hidden states": "hidden states", "perplexity": "perplexity", "ratio to logits alone": "ratio to logits alone, with 95 % interval"}, 4) }}
#
# *Ours, over five seeds.* Read the first row as the line to beat, and each control by what it takes away: the reading that
# learns, the order of the layers, the knowledge.
#
# A negative result is a result. At weight 0.1 of the squared difference it matters what is matched, and how: the right
# layers with a projection that learns cost less than the layers in reverse, and far less than a random projection. But they
# cost: the student already learns from the logits, and beyond them the states had next to nothing to give here. What states
# can do is disturb: the larger the weight, the more of the update goes into something the student does not need.
#
# At a weight that suits their size, matching gains between one and two thousandths, and so does the cosine distance, which
# sees a state's direction and not its size. That can be told from zero (not so for the cosine distance at weight 1). Is it
# what you set out to show? Look at the controls at the same weight. With a random projection there is no gain: the
# projection has to learn. The layers in reverse gain no less than the right ones, so which layer follows which, the first
# thing that you wrote in this step, made no difference. And the knowledge? By the squared difference an untrained teacher
# gives hardly anything, but all of its states save the last are far smaller, as you saw, and pull less. A control has to
# pull as much. The cosine distance, for which size is nothing, makes it do so, and with it about half of the gain is
# there. So about half of the little that there is, a teacher that knows nothing gives as well.
#
# Published gains come with much deeper models, and with a long training on the states before the logits are matched
# ([TinyBERT](https://arxiv.org/abs/1909.10351)).

# %% [markdown]
# ## Step 6. How much text?
#
# A label is one sample of what comes next, a soft target is worth many. So a teacher should be worth most where samples
# are few. Should it?
#
# **Predict first.** Is the effect of distilling larger with little text or with much?

# %%
my_amount = None  # "little" or "much"

quarter = len(train_rows) // 4
few = Sweep(profile, teacher, train_rows[:quarter], validation_rows, pad, seed=profile.seed)

# %% tags=["train"]
for name, some, rows in (("all rows", sweep, len(train_rows)), ("a quarter of them", few, quarter)):
    distilled, labels_alone = some.run([setting(rows=rows), setting(alpha=0.0, rows=rows)], name).values()
    effect = evaluation.paired_effect([distilled.evaluation], [labels_alone.evaluation])
    print(f"{name:>18}: distilled over CE-only {effect.ratio:.3f} ({effect.low:.3f} to {effect.high:.3f})")

# %%
by_text = recorded["text"], recorded["text at equal updates"]
plots.show(sweep_plots.text_figure(*by_text), sweep_plots.describe_text(*by_text))
print(f"your guess: {my_amount}")

# %% [markdown]
# {{ table(results.sweeps.text, {"rows": "rows", "updates": "updates", "CE-only": "CE-only", "perplexity": "distilled", "ratio to CE-only": "ratio, with 95 % interval"}) }}
#
# And with the same number of updates:
#
# {{ table(results.sweeps["text at equal updates"], {"rows": "rows", "updates": "updates", "CE-only": "CE-only", "perplexity": "distilled", "ratio to CE-only": "ratio, with 95 % interval"}) }}
#
# *Ours, over several seeds; both sides have a learning rate of their own at every point. In the figure "each row read
# equally often" is the first table, "the same number of updates" the second.* The guess that sounds so reasonable is wrong
# here: the effect grows with the text, up to 1,000 rows; from there to 2,000 the change cannot be told from none. But more
# rows that are read equally often are more updates too, so the first table cannot say which of the two it is. In the second,
# 250 rows are read eight times, until they gave as many updates as 1,000 rows in two readings. Their effect stays nearer to
# that of 250 rows than to that of 1,000. So a part of it is the updates (or the readings, which grow with them), and the
# larger part seems to be the text.
#
# Why? A soft target is worth more than a label at each position, and each new position is another chance to be taught. On
# few rows there are few, and a good learning rate is so low that both students stay near their common start. What this
# does not show: how it goes on. With text without end the labels alone would say all that a teacher knows, and nothing
# that it has wrong, so somewhere the line has to turn. Whether it begins to at 2,000 rows, our five seeds cannot
# tell.

# %% [markdown]
# ## Say it
#
# **Temperature and balance.** A colleague distils a support assistant from a large model on 3,000 of her own
# dialogues. In about 200 words: which T and which alpha do you advise to start with, what would make you change them, and
# which control should she run? Refer to at least two numbers from this lab, one of them with its uncertainty.
#
# | Points | Rubric |
# |---|---|
# | 1 | Advises a temperature and justifies it by a sweep, winner and size of the differences, not by a recipe |
# | 1 | Advises an alpha and names what it depends on: how good the teacher is, which temperature is used |
# | 1 | Names CE-only at equal tokens, with its own learning rate, as the control |
# | 1 | Supports the advice with two numbers of the lab, one with its interval or share of draws |
# | 1 | Says what perplexity leaves out, such as calibration, and when that matters to her |

# %% [markdown] nbgrader={"grade": true, "grade_id": "written_advice", "locked": false, "points": 5, "schema_version": 3, "solution": true, "task": false}
# *A sketch of an answer.* Start at T = 1. In our sweep at alpha = 0.5 it won
# {{ results.sweeps.temperature[0]["share of draws won"] | percent }} of the draws and T = 3 the rest; even T = 10 lay within a
# few percent of it there, but at alpha = 1 a high T was worse than no teacher at all. Start with alpha around 0.8 and try
# its neighbours: 0.7 and 0.9 came to the same perplexity and shared the draws, so it is a region. Go lower if the teacher
# is weak in her domain, or if T has to be high. The control is CE-only on the same dialogues and steps, with a learning
# rate of its own: on 500 rows ours was {{ results.sweeps.learning_rates["CE-only, 500 rows, 2 epochs"] }} where soft
# targets alone took {{ results.sweeps.learning_rates["T 1, alpha 1, 500 rows, 2 epochs"] }}. On 2,000 rows our ratio to it was
# {{ results.sweeps.text[4]["ratio to CE-only"] | number }} ({{ results.sweeps.text[4].low | number }} to
# {{ results.sweeps.text[4].high | number }}); on 500 and fewer it was closer to 1, so a small number of
# dialogues is no reason to expect more (all of this at alpha = 0.5). If the assistant's probabilities decide when to hand over to a person, perplexity is not
# enough: look at the calibration curve, above all if she takes a higher temperature or learning
# rate.

# %% [markdown]
# ## Check yourself
#
# Open the choice you would take; each one explains itself.
#
# **1. In a sweep T = 5 wins with one seed, by half a percent. What do you report?**
#
# <details><summary>A. T = 5 is best.</summary>
# Half a percent may be within what another draw of documents or another seed moves. Say how often T = 5 wins when both are
# drawn again.
# </details>
# <details><summary>B. More seeds first; then by how much T = 5 is ahead, and how often it wins when documents and seeds are drawn again.</summary>
# Right. In our sweep two of four temperatures share the draws, and the other two never win. One run shows neither.
# </details>
# <details><summary>C. Nothing, one seed says nothing.</summary>
# It says something: how the settings compare over documents is known from one seed. What another seed would give is not.
# </details>
#
# **2. Hidden states with a random, frozen projection help as much as with a learned one. What follows?**
#
# <details><summary>A. Hidden states carry much.</summary>
# Perhaps, but this does not show it: behind a frozen projection, too, are the teacher's own states. A control without its
# knowledge is missing, such as the states of an untrained teacher.
# </details>
# <details><summary>B. The gain is not shown to come from matching the learned way, perhaps from any extra target.</summary>
# Right. Next you would try the states of an untrained teacher: if they help too, it was regularisation.
# </details>
# <details><summary>C. The projection should be frozen in practice.</summary>
# The control tells where the gain comes from; it is no recommendation.
# </details>
#
# **3. You keep the top 64 tokens of each answer and scale them up to 1. What goes wrong?**
#
# <details><summary>A. Nothing, the others are negligible.</summary>
# Together they are not: their mass is what the student is told to give up.
# </details>
# <details><summary>B. The student is taught that every other token is impossible.</summary>
# Right. Keep their mass as one bin, and measure what the bin loses.
# </details>
# <details><summary>C. The loss is no longer a KL divergence.</summary>
# It is one, between other distributions than you meant.
# </details>

# %% [markdown]
# ## Take away
#
# - Ask a teacher once; a cache is named by the hash of its teacher, rows and settings, so that it is never stale.
# - T squared keeps the soft gradient's size at high T; with a large vocabulary not all the way down to T = 1.
# - T = 1 is a good start for a language model. How much T matters depends on alpha: a few percent with labels at half
#   weight, very much without them.
# - alpha's optimum is a region; give the shares of the draws, not a number.
# - Know the size of a loss before you weigh it. Hidden states need controls: a gain that a random target gives as well
#   is not the teacher's, and beside the logits they may have next to nothing to add.
# - More text means more updates too: ask which of the two made the difference.

# %% [markdown]
# ## After this: the same knobs elsewhere
#
# | Here | Elsewhere | What to watch |
# |---|---|---|
# | `temperature`, with T squared | `temperature` in TRL's `DistillationTrainer` | no T squared: moving T moves the loss's weight too, and the sampling. In `GKDConfig` it is for sampling alone; the loss stays at T = 1 |
# | `alpha` | none in TRL; `alpha_ce`, `alpha_clm` in the DistilBERT scripts | names differ on which part is weighed |
# | `hidden_state_loss` | FitNets' hint loss, TinyBERT's hidden loss, `alpha_cos` in DistilBERT | cosine ignores the length of a state |
# | forward KL | `beta` in GKD: 0 forward, 1 reverse, between them Jensen-Shannon | read the direction in the code, not in the name |
#
# `utils.losses.divergences` has reverse KL and the Jensen-Shannon divergence, with the same shift, mask and T squared, to try
# instead.

# %%
lab_results = {
    "rows": [
        evaluation.comparison_row(
            f"T {s.temperature:g}, alpha {s.alpha:g}" + (", hidden" if s.hidden else ""),
            models.count_parameters(pair.student),
            outcome.evaluation,
        )
        for s, outcome in sweep.results.items()
    ],
    "effects": {
        "distilled_vs_ce_only": evaluation.paired_effect(
            [by_temperature[alone].evaluation], [control.evaluation]
        ).as_dict()
    },
}
