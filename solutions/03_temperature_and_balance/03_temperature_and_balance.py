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
# The distillation loss has two knobs: the temperature T and the balance alpha. Recipes give values for both. In this
# lab you turn each knob, compare with a control, and find out how much the knob matters and how sure you can be. An
# optional second half asks whether it helps to match the teacher's hidden states too, and how much text a student
# needs.
#
# **After this lab you can**
#
# - say what T squared is for, and what it cannot do;
# - sweep T and alpha cheaply, because the teacher is asked only once;
# - say when T matters little and when it matters a lot;
# - read a calibration curve, and say what perplexity does not show.
#
# {{ header }}

# %% [markdown]
# ## Before you start
#
# | You need | Where to read it |
# |---|---|
# | The distillation loss: soft part, hard part, T squared | Lab 2 of this course |
# | Calibration | [Guo et al., 2017](https://arxiv.org/abs/1706.04599), sections 1 and 2 |
# | For the optional half: the Transformer's residual stream, one hidden state per token and layer | [The Illustrated GPT-2](https://jalammar.github.io/illustrated-gpt2/) |
#
# Run the cells from top to bottom, including the folded one below, which finds the course. If a cell needs a function
# that you have not written yet, it says so in one sentence, and the cells after it still run. A check calls your
# function on a few {{ term("probes", "probe") }}, inputs with a known answer.

# %% tags=["set-up"]
import torch
import torch.nn.functional as F

from utils.checks import check
from utils.notebook import begin, committed, guess, ready

profile, outputs = begin("03_temperature_and_balance")

# %% [markdown]
# ## Step 1. What T squared is for
#
# A student learns from the gradient of the loss, not from its value. For the soft part you can write this gradient down
# by hand. At one position, let $q$ be the student's probabilities at temperature $T$ and $p$ the teacher's. Then
#
# $$\frac{\partial\, \mathrm{KL}(p \,\|\, q)}{\partial z_i} = \frac{q_i - p_i}{T}$$
#
# where $z$ are the student's logits. Each logit is pushed up if the teacher gives its token more probability than the
# student does, and down if it gives less. Write this gradient without the factor $T^2$.
#
# **Difficulty:** 1 of 5. **Time:** about 5 minutes.
#
# <details><summary>Hint 1: the idea</summary>
#
# You need two distributions over the same tokens, both at temperature T. No autograd is needed.
#
# </details>
# <details><summary>Hint 2: the formula</summary>
#
# Both logits are divided by T before the softmax over the last axis. The difference, student minus teacher, is divided by
# T once more: that is the chain rule.
#
# </details>
# <details><summary>Hint 3: the functions</summary>
#
# `torch.softmax(..., dim=-1)`, twice.
#
# </details>


# %% nbgrader={"grade": false, "grade_id": "soft_gradient", "locked": false, "schema_version": 3, "solution": true, "task": false}
def soft_gradient(student_logits, teacher_logits, temperature):
    """The gradient of KL(teacher at T || student at T) on student_logits, without the factor T squared.

    (..., V), (..., V) -> (..., V): each position on its own, no mean.  No gradient has to flow through the result.
    """
    ### BEGIN SOLUTION
    student = torch.softmax(student_logits / temperature, dim=-1)
    teacher = torch.softmax(teacher_logits / temperature, dim=-1)
    return (student - teacher) / temperature
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "check_soft_gradient", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
check("soft_gradient", soft_gradient)

# %% [markdown]
# Now load teacher and student, and try your function on a batch of real text. As in Lab 2, first check whether this
# teacher is worth asking. The check takes seconds and may save an hour.

# %%
from utils.data import batches
from utils.data.corpus import load_corpus
from utils.measuring import evaluation, premises
from utils.models.loading import load_pair

pair = load_pair(profile)
tokenizer, pad = pair.tokenizer, pair.tokenizer.pad_token_id
text = load_corpus(profile.text, profile.min_characters)
train_rows = batches.rows_of(text.train, tokenizer, profile.max_length, profile.sweep_rows)
validation_rows = batches.rows_of(text.validation, tokenizer, profile.max_length, profile.evaluation_rows)

before = [evaluation.evaluate(model, validation_rows, pad) for model in (pair.teacher, pair.student)]
print(premises.teacher_against_student(*before))
print(premises.repeated_text(text.train, text.validation))

plan = batches.BatchPlan(tuple(train_rows), profile.batch_size, pad, pool=profile.length_pool)
batch = batches.to_device(next(iter(plan.epoch(0))), pair.teacher.device)
with torch.no_grad():
    student_logits, teacher_logits = (
        model(**batches.model_inputs(batch)).logits for model in (pair.student, pair.teacher)
    )

# %% [markdown]
# **Predict first.** At T = 10 the teacher's targets are nearly flat. By what factor does the soft part's gradient on
# the student's logits shrink from T = 1 to T = 10, if the loss is not multiplied by T squared?

# %%
my_factor = None  # how many times smaller
my_factor = guess(my_factor, low=0)

# %%
from utils.figures import sweeps as sweep_plots
from utils.figures.base import show
from utils.losses.core import shifted

temperatures = (1.0, 3.0, 5.0, 10.0)
norms = sweep_plots.gradient_norms(student_logits, teacher_logits, batch["labels"], temperatures)
if ready(soft_gradient):
    rows = [shifted(logits, batch["labels"])[0] for logits in (student_logits, teacher_logits)]
    for temperature, autograd, _ in norms:
        yours = soft_gradient(*rows, temperature).norm().item() / len(rows[0])
        print(f"T = {temperature:>4g}: gradient norm per token, yours {yours:.2e}, from autograd {autograd:.2e}")
print(f"without T squared: {norms[0][1] / norms[-1][1]:.0f} times smaller; your guess: {my_factor}")
print(f"with T squared:    {norms[0][2] / norms[-1][2]:.1f} times smaller")
show(
    sweep_plots.gradient_figure(norms),
    "Gradient norm by T: "
    + ", ".join(f"T {t:g}: {without:.2g} without T squared, {square:.2g} with" for t, without, square in norms),
)

# %% [markdown]
# One power of T comes from the chain rule, because the logits are divided by T. The other comes from the distributions:
# once they are nearly flat, their difference shrinks like 1 / T as well. T squared undoes both powers, and at high T the
# upper line becomes level. Without it, a sweep over T would be a sweep over alpha in disguise.
#
# Now look at the left end. Between T = 1 and T = 3 the gradient shrinks *even with* T squared. The rule only holds for
# high T. At T = 1 the gradient is concentrated on a few likely tokens. As T rises, it spreads over the whole
# vocabulary, which is large. So for a language model T still changes the balance, here about tenfold from T = 1 to
# T = 10. Always read a sweep over T together with one over alpha.

# %% [markdown]
# ## Step 2. Ask the teacher once
#
# A sweep trains the student again and again on the same rows, and the teacher never changes. So its answers are
# computed once and kept: at each position, one number for every token of the vocabulary. The next cell first checks
# whether that fits into memory. For our small vocabulary it does. For GPT-2's, which is twelve times as large, it
# hardly ever does. Then only the last hidden states are kept, and the output layer recomputes the same logits from
# them.
#
# The cache is named after a hash of its teacher, rows and settings. If you change one of them, you get another cache,
# never an outdated answer.

# %%
from utils.configuration import text_config
from utils.teachers import cache_settings
from utils.teachers.cache import cache_answers
from utils.teachers.cached import CachedTeacher
from utils.teachers.remembering import RememberingTeacher

depth = text_config(pair.teacher).num_hidden_layers
layers = tuple(range(1, depth + 1))  # for the optional half
if cache_settings.whole_answers_fit(pair.teacher, train_rows, outputs / "teacher", layers):
    settings = cache_settings.CacheSettings(hidden_layers=layers)
    cache = cache_answers(pair.teacher, train_rows, outputs / "teacher", settings)
    print(cache.describe())
    teacher = CachedTeacher(cache, pair.teacher.device)
else:
    teacher = RememberingTeacher(pair.teacher)

# %% [markdown]
# You call the cached teacher like any other model. Does it give the same answers? The cache is in half precision, so
# the loss differs a little; the last column shows by how much.

# %%
from utils.losses.core import soft_loss

with torch.no_grad():
    kept_logits = teacher(**batches.model_inputs(batch)).logits
for temperature in (1.0, 10.0):
    live, kept = (
        soft_loss(student_logits, logits, batch["labels"], temperature).mean().item()
        for logits in (teacher_logits, kept_logits)
    )
    print(f"T = {temperature:>4g}: soft part {live:.5f} with the teacher, {kept:.5f} cached, {kept / live - 1:+.1e}")

# %% [markdown]
# ## Step 3. Which temperature?
#
# Four students are trained from the same start at T = 1, 3, 5 and 10. A fifth student, CE-only, is trained on the
# labels alone. It is the {{ term("control") }}. All of them read the same {{ results.sweeps.rows_swept }} rows (in the
# embedded profile) in the same order. Recipes say: T between 2 and 5.
#
# **Predict first.** Which of the four temperatures gives the lowest perplexity?

# %%
my_temperature = None  # 1, 3, 5 or 10
my_temperature = guess(my_temperature, 1, 3, 5, 10)

# %% [markdown]
# On so few rows, labels alone need a lower learning rate than soft targets do. So each point of a sweep uses the
# learning rate that was best for it on a third split, which is used neither for training nor for evaluation.
#
# You may interrupt the sweep. Finished points are kept, and when you run the cell again, the sweep continues with the
# next point.

# %%
from utils.measuring.sweeps import Setting, Sweep, arm_name, best_rate, wins

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
show(figure, sweep_plots.describe_knob("temperature", live, control.evaluation.perplexity))

# %% [markdown]
# {{ table(results.sweeps.temperature, {"temperature": "T", "perplexity": "perplexity", "ratio to CE-only": "ratio to CE-only, with 95 % interval", "share of draws won": "share of draws won"}) }}
#
# *Ours, over five seeds; yours will differ a little.* For the last column, we draw documents and
# {{ term("seeds", "seed") }} again and again, with replacement. It says how often each temperature had the lowest
# perplexity. T = 1 and T = 3 share the wins, and the other two never win. But look at the size of the differences too.
# T = 3 at its own best rate costs next to nothing, and T = 10 costs about a third of what distilling gains over
# CE-only. A report needs both: which temperatures can win, and how much you lose with the others.
#
# Even T = 20, where all targets look alike, is better than labels alone: in another experiment of ours its ratio was
# {{ results.soft_targets.effects["T = 20"].ratio | number }} ({{ results.soft_targets.effects["T = 20"].low | number }}
# to {{ results.soft_targets.effects["T = 20"].high | number }}). The differences between the logits shrink to a
# twentieth, but T squared makes their pull large again.
#
# Why are low temperatures better here? A teacher that sorts pictures into ten classes is nearly certain, and at T = 1
# the probabilities of its wrong answers are too small to learn from. The advice of 2 to 5 comes from there: [Hinton et
# al., 2015](https://arxiv.org/abs/1503.02531) found 2.5 to 4 best for a very small student of handwritten digits. The
# next token is uncertain by nature: with many plausible continuations, the targets are already soft at T = 1. A higher
# T raises the probability of thousands of tokens that neither model expects, and the student spends its capacity on
# them. T = 1 was also found best for large language models ([Busbridge et al.,
# 2025](https://arxiv.org/abs/2502.08606)). And why does T = 10 not cost more? Half of this loss comes from the labels,
# which are always used at T = 1. Step 4 removes them.

# %% [markdown]
# ### What perplexity does not show
#
# A student is {{ term("calibrated", "calibration") }} if the tokens to which it gives 30 percent come in 30 percent of
# the cases. The figure shows accuracy minus confidence: how often the most likely token came, minus the probability
# that the student gave it. Below 0 the student is overconfident. The lines under the figure, and the table after them,
# have the opposite sign: confidence minus accuracy, where *above* 0 means overconfident. A point inside the grey band
# may differ from 0 by chance alone. The number beside each name is the *expected calibration error*, the mean distance
# from 0 over all tokens.
#
# **Predict first.** A student that was distilled at T = 10 is asked at T = 1. Is it over- or underconfident?

# %%
my_direction = None  # "over" or "under"
my_direction = guess(my_direction, "over", "under")

# %%
from utils.measuring.calibration import calibration

curves = {
    "teacher": calibration(pair.teacher, validation_rows, pad),
    "untouched": calibration(pair.student, validation_rows, pad),
    "CE-only": control.calibration,
    **{f"T = {point.temperature:g}": outcome.calibration for point, outcome in by_temperature.items()},
}
show(sweep_plots.reliability(curves), sweep_plots.describe_reliability(curves))
for name, found in curves.items():
    print(f"{name:>9}: error {found.error:.3f}, confidence minus accuracy {found.overconfidence:+.3f}")
print(f"your guess for T = 10: {my_direction}")

# %% [markdown]
# Compare CE-only with the untouched student. Training on the labels alone made the perplexity much better, but not the
# calibration: its error is a little larger, and on average it promises more than before. The student that learned from
# the teacher at T = 1 has the smallest error of all students.
#
# The soft part at a high T compares logits that were divided by T. It says little about how sharp the distribution is
# at T = 1. So you might expect the student of T = 10 to be far off. It is not: on average its confidence is a little
# below its accuracy, as with its teacher. Do the labels, which are half of the loss, keep its confidence in place?
# Step 4 removes them.
#
# Now compare T = 1 and T = 3. They share the wins in perplexity. Yet on average T = 3 is overconfident and T = 1 is not
# (only at its most confident tokens). Perplexity alone would have called the two equal. But is the temperature the
# reason? T = 3 learned at a rate of {{ results.sweeps.learning_rates["T 3, alpha 0.5, 500 rows, 2 epochs"] }}, and
# T = 1 at {{ results.sweeps.learning_rates["T 1, alpha 0.5, 500 rows, 2 epochs"] }}. Each got the rate that was best
# for its *perplexity*, so the comparison changes two things at once. Here is the comparison again, at equal rates:
#
# {{ table(results.sweeps["calibration by rate"], {"learning rate": "learning rate", "temperature": "T", "confidence minus accuracy": "confidence minus accuracy, with the lowest and the highest seed", "calibration error": "calibration error", "perplexity": "perplexity"}) }}
#
# *Ours, over three seeds, at alpha = 0.5.* At the lower rate neither T = 1 nor T = 3 is overconfident by more than a
# thousandth. At the higher rate both are. So the rate alone explains about half of the difference or more: how much
# depends on which of the two you change first. The temperature contributes too: at either rate, T = 3 is more confident
# than T = 1 and has the larger error. The last column answers another question: at equal rates, T = 1 has a lower
# perplexity than T = 3, by about one percent.
#
# For T = 5 and T = 10 the rate decides: both are underconfident at the lower rate and overconfident at the higher one.
# T = 10 looked cautious above because its best rate was the lower one, not because of the temperature alone.

# %% [markdown]
# ## Step 4. Which balance?
#
# {{ term("alpha") }} = 0 is plain training, and alpha = 1 is imitation without labels. A label is one sample of what comes
# next. A good teacher knows the distribution that the sample was drawn from, and a poor one makes mistakes of its own.
#
# **Predict first.** At which alpha is the perplexity lowest, at the temperature of your profile (embedded: T = 1)?

# %%
my_alpha = None  # between 0 and 1
my_alpha = guess(my_alpha, low=0, high=1)

# %% tags=["train"]
alphas = (0.0, 0.3, 0.5, 0.7, 0.9, 1.0)
by_alpha = sweep.run([setting(alpha=alpha) for alpha in alphas], "alpha")

# %%
live = {point.alpha: outcome.evaluation.perplexity for point, outcome in by_alpha.items()}
figure = sweep_plots.knob("alpha", live, control.evaluation.perplexity, recorded["alpha"], my_alpha)
show(figure, sweep_plots.describe_knob("alpha", live, control.evaluation.perplexity))
shares = wins({point.alpha: [outcome.evaluation] for point, outcome in by_alpha.items()})
print("how often each alpha wins on documents drawn again:", {a: round(s, 2) for a, s in shares.items()})

# %% [markdown]
# {{ table(results.sweeps.alpha, {"alpha": "alpha", "perplexity": "perplexity", "ratio to CE-only": "ratio to CE-only, with 95 % interval", "share of draws won": "share of draws won"}) }}
#
# *Ours, over five seeds.* An optimum is a region, not a number: read the shares before you quote a value. Here the
# teacher is much better than the student, so most of the weight belongs on the teacher. Yet some weight on the labels
# is better than none. With a weaker teacher we would expect a lower alpha to be best. (Your own shares above redraw the
# documents alone, so your one seed looks more certain than it is.)
#
# ### Both knobs at once
#
# **Predict first.** Without labels, at alpha = 1, does T matter more or less than at alpha = 0.5? The map shows every
# combination that we ran, each at its own best learning rate. Make your guess, then move the slice.

# %%
my_matter = None  # "more" or "less"
my_matter = guess(my_matter, "more", "less")

# %% tags=["notebook-only"]
from utils.figures.sliders import surface_explorer

surface_explorer(recorded["surface"])

# %% [markdown]
# The row without labels, in numbers:
#
# {{ table(results.sweeps.surface | selectattr("alpha", "equalto", 1.0) | list, {"temperature": "T", "perplexity": "perplexity", "ratio to CE-only": "ratio to CE-only, with 95 % interval", "calibration error": "calibration error"}) }}
#
# *Ours, two seeds, five at T = 1; a ratio compares the same seeds on both sides.* T matters far more without labels. At
# alpha = 0.5 or less, T changes the perplexity by a few percent. Without labels a high T ruins the student. At T = 5 it
# is no better than the untouched student ({{ results.sweeps.references.untouched.perplexity | number }}), which was not
# trained on this text at all, and at T = 10 it is worse. The student then learns to match the distributions at T, which
# nobody uses. Its loss hardly depends on the few tokens that decide at T = 1, where it is judged.
#
# Its calibration error stays small even without labels (though its learning rate also differs), so the labels are not
# the whole reason. The error is largest at T = 3, but the perplexity is not. A student can be poor and know it, so
# neither measure replaces the other. "T matters little" and "alpha should be high" are both true here, but each only at
# the usual value of the other knob.
#
# (Lab 2 and the profile distil at alpha = 0.5, the value that most recipes start with. It is not the best one here.)

# %% [markdown]
# ## Say it
#
# **Temperature and balance.** A colleague distils a support assistant from a large model on 3,000 of her own dialogues.
# In about 200 words: which T and which alpha do you advise to start with, what would make you change them, which
# control should she run, and what will perplexity not tell her? Refer to at least two numbers from this lab, one of
# them with its uncertainty.
#
# | Points | Rubric |
# |---|---|
# | 1 | Advises a temperature and justifies it by a sweep, winner and size of the differences, not by a recipe |
# | 1 | Advises an alpha and names what it depends on: how good the teacher is, which temperature is used |
# | 1 | Names CE-only on the same rows and steps, with its own learning rate, as the control |
# | 1 | Supports the advice with two numbers of the lab, one with its interval or share of draws |
# | 1 | Says what perplexity leaves out, such as calibration, and when that matters to her |

# %% [markdown] nbgrader={"grade": true, "grade_id": "written_advice", "locked": false, "points": 5, "schema_version": 3, "solution": true, "task": false}
# *A sketch of an answer.* Start at T = 1. In our sweep at alpha = 0.5 it won
# {{ results.sweeps.temperature[0]["share of draws won"] | percent }} of the draws and T = 3 the rest. Even T = 10 was
# within a few percent of it there, but at alpha = 1 a high T was worse than no teacher at all. Start with alpha around
# 0.8 and try its neighbours: 0.7 and 0.9 reached the same perplexity and shared the draws, so the optimum is a region.
# Go lower if the teacher is weak in her domain, or if T has to be high. The control is CE-only on the same dialogues
# and steps, with its own learning rate: on 500 rows ours was
# {{ results.sweeps.learning_rates["CE-only, 500 rows, 2 epochs"] }} while soft targets alone used
# {{ results.sweeps.learning_rates["T 1, alpha 1, 500 rows, 2 epochs"] }}. Our ratio to CE-only was
# {{ results.sweeps.temperature[0]["ratio to CE-only"] | number }} ({{ results.sweeps.temperature[0].low | number }} to
# {{ results.sweeps.temperature[0].high | number }}) at alpha = 0.5. If the assistant's probabilities decide when to
# hand over to a person, perplexity is not enough: look at the calibration curve, above all if she uses a higher
# temperature or learning rate.

# %% [markdown]
# ## Check yourself
#
# Open the choice that you would take. Each one explains itself.
#
# **1. In a sweep T = 5 wins with one seed, by half a percent. What do you report?**
#
# <details><summary>A. T = 5 is best.</summary>
# Another draw of documents or another seed may change the result by half a percent. Say how often T = 5 wins when both
# are drawn again.
# </details>
# <details><summary>B. More seeds first; then by how much T = 5 is ahead, and how often it wins when documents and seeds are drawn again.</summary>
# Right. In our sweep two of four temperatures share the wins, and the other two never win. One run shows neither.
# </details>
# <details><summary>C. Nothing, one seed says nothing.</summary>
# It says something: one seed shows how the settings compare over documents. It does not show what another seed would
# give.
# </details>
#
# **2. You train without labels and want to try T = 5, because it cost little in a sweep at alpha = 0.5. What do you expect?**
#
# <details><summary>A. It costs little here too.</summary>
# In our map it does not. At alpha = 0.5 half of the loss comes from labels, which are used at T = 1.
# </details>
# <details><summary>B. It may cost a lot: the two knobs have to be swept together.</summary>
# Right. Without labels T = 5 was worse than CE-only (ratio
# {{ (results.sweeps.surface | selectattr("alpha", "equalto", 1.0) | selectattr("temperature", "equalto", 5.0) | first)["ratio to CE-only"] | number }}).
# </details>
# <details><summary>C. T squared takes care of it.</summary>
# T squared keeps the size of the gradient. It does not change what the student is asked to match.
# </details>
#
# **3. Two students have the same perplexity. Which of them may be overconfident?**
#
# <details><summary>A. Neither: equal perplexity means equal calibration.</summary>
# No. T = 1 and T = 3 shared the wins in perplexity, and on average one of the two was overconfident.
# </details>
# <details><summary>B. Only a calibration curve can tell.</summary>
# Right. And if their learning rates differ, compare at equal rates before you blame the temperature.
# </details>
# <details><summary>C. The one with the higher temperature, always.</summary>
# Not always. In our sweep T = 10 was a little underconfident at its own best rate, and overconfident at a higher one.
# </details>

# %% [markdown]
# ## Take away
#
# - T squared keeps the size of the soft gradient at high T, but with a large vocabulary not all the way down to T = 1.
# - T = 1 is a good start for a language model. How much T matters depends on alpha: a few percent if half of the loss
#   comes from labels, very much without labels.
# - alpha's optimum is a region; report the shares of the draws, not a single number.
# - Perplexity and calibration are different questions. One can improve while the other does not.
# - You need to ask a teacher only once. Name the cache after a hash of its teacher, rows and settings, and it is never
#   outdated.

# %% [markdown]
# ## Optional second half: hidden states, and how much text
#
# Everything above is complete without this part. It has two exercises and three questions: may you keep less of the
# teacher's answer, does it help to match its hidden states, and how much text does a student need?
#
# ### Step 5. May you keep less?
#
# Often only the k most likely tokens of each answer are kept, and their probabilities are scaled up to sum to 1. What
# does that change? The student here has not been trained yet. "One bin" keeps the probability of all other tokens as
# one more outcome; "scaled up" drops it.

# %%
import itertools

from utils.losses.topk import truncation_bias

some = list(itertools.islice(plan.epoch(0), 4))
for temperature in (1.0, 3.0):
    for k in (64, 512):
        bias = truncation_bias(pair.student, pair.teacher, some, k, temperature)
        print(
            f"T = {temperature:g}, k = {k:>3}: soft part {bias.whole:.2f}, with one bin {bias.with_tail:.2f},"
            f" scaled up {bias.without_tail:.2f}; the others hold {bias.tail_mass:.0%}"
        )

# %% [markdown]
# The loss with one bin is never larger than the whole loss, because it ignores the differences among the other tokens.
# At T = 1 it loses about a seventh with 64 tokens and very little with 512. Scaling up makes a different loss, which
# asks the student to call every other token impossible. At T = 3 most of the probability is outside any short list:
# with 64 tokens, one bin keeps about a fifth of the loss. Scaled up, nearly all of the loss comes from that wrong
# demand.

# %% [markdown]
# ### Step 6. Hidden states
#
# The teacher computes more than its final answer. After every layer it has a state for each token, and you can ask the
# student to match these states too. Two things do not fit: the student has fewer layers, and its states are narrower.
#
# #### Which layer follows which?
#
# Spread the student's layers evenly over the teacher's, so that the last follows the last. With 6 and 24 layers, the
# student's first layer follows the teacher's 4th. Count from 1. If the numbers do not divide evenly, take a
# neighbouring layer, but let the last still follow the last.
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
# Layer i of the student follows layer i * teacher_layers / student_layers of the teacher, rounded down (the check
# accepts a neighbouring layer too).
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
# #### How far apart are two states?
#
# A linear *projection* maps the student's width to the teacher's. It is trained together with the student and thrown
# away afterwards. The loss is the squared difference between the projected state and the teacher's, averaged over the
# real positions and over the teacher's features:
#
# $$\frac{1}{N D_t} \sum_{\text{real } s} \big\lVert P\, h_s^{\text{student}} - h_s^{\text{teacher}} \big\rVert^2$$
#
# with $N$ real positions $s$, and $D_t$ numbers in one state of the teacher. A state is not a prediction, so nothing is
# shifted: the student's state after token $s$ is compared with the teacher's state after token $s$. The gradient reaches
# the student and the projection, never the teacher.
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
# `detach()` keeps the gradient away from the teacher.
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
# #### How large is the loss on the states?
#
# A loss on the logits is a few nats. How large is a squared difference of states? Look before you give it a weight.

# %%
from transformers import AutoModelForCausalLM

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
# adds up what each layer writes. The student is trained on the loss on the logits plus a weight times the mean of your
# `hidden_state_loss` over its layers. The layers with large states dominate that mean, so a weight of 1 means nothing
# until you know these sizes.
#
# #### Does it help?
#
# Compared with what? Not with CE-only, because the loss on the logits is already there. The question is what hidden states
# add to it. A gain could also come from having any extra target at all. So the controls are a projection that stays
# random, layers in reverse, and the states of a teacher that was never trained.
#
# The live run uses a weight of 0.1, which is large, as the sizes above show.
#
# **Predict first.** Will hidden states lower the perplexity further? By how many percent?

# %%
my_percent = None  # such as 2 for two percent lower, -2 for two percent higher
my_percent = guess(my_percent)

# %% tags=["train"]
from utils.measuring.sweeps import Hidden

alone = setting()
if ready(layer_map, hidden_state_loss):
    followed = tuple(layer_map(text_config(pair.student).num_hidden_layers, depth))
    print("the student's layers follow the teacher's layers", list(followed))
    matched, frozen = (setting(hidden=Hidden(0.1, followed, kept, hidden_state_loss)) for kept in (False, True))
    by_hidden = sweep.run([alone, matched, frozen], "hidden states")
    names = ("logits alone", "and hidden states", "control: projection frozen")
    for name, outcome in zip(names, by_hidden.values(), strict=True):
        effect = evaluation.paired_effect([outcome.evaluation], [by_hidden[alone].evaluation])
        print(f"{name:>27}: perplexity {outcome.evaluation.perplexity:6.1f}, ratio {effect.ratio:.3f}")
    print(f"your guess: {my_percent} percent lower")

# %% [markdown]
# {{ table(results.sweeps.hidden | selectattr("hidden states", "in", ["logits alone", "MSE, weight 0.001", "MSE, weight 0.01", "MSE, weight 0.1", "MSE, weight 1", "control, MSE, weight 0.001: projection random and frozen", "control, MSE, weight 0.001: layers in reverse", "control, MSE, weight 0.001: states of an untrained teacher", "cosine, weight 0.1", "control, cosine, weight 0.1: projection random and frozen", "control, cosine, weight 0.1: layers in reverse", "control, cosine, weight 0.1: states of an untrained teacher"]) | list, {"hidden states": "hidden states", "perplexity": "perplexity", "ratio to logits alone": "ratio to logits alone, with 95 % interval"}, 4) }}
#
# *Ours, over five seeds. MSE is your squared difference. The cosine distance compares only the direction of two states,
# not their length.* The first row is the one to beat. Each control removes one thing: the projection that learns, the
# order of the layers, or the teacher's knowledge.
#
# The weight decides. With a weight of 0.1 the squared difference makes the student worse. At this weight the loss on
# the states outweighs the loss on the logits. At 0.001 it does no harm: there is a gain of one or two thousandths, and
# its interval does not reach 1. The cosine distance gains about as much at a weight of 0.1.
#
# Is this the gain that you were looking for? Look at the controls. With a random projection there is no gain, so the
# projection has to learn. With the layers in reverse the gain is no smaller, so the order of the layers, the first
# thing that you wrote in this step, made no difference. An untrained teacher brings about half of the cosine's gain,
# and little of the squared difference's. But its states are small, as you saw above, so at the same weight their
# squared difference pulls less. So the states bring some gain, but nothing here shows that it comes from matching layer
# to layer.
#
# In your live run at 0.1 the frozen projection did more harm than the learned one. If the projection cannot learn, only
# the student can reduce the large loss on the states.
#
# Published gains come with much deeper models, and with long training on the states before the logits are matched
# ([TinyBERT](https://arxiv.org/abs/1909.10351)).

# %% [markdown]
# ### Step 7. How much text?
#
# A label is one sample of what comes next, and a soft target is worth many. So a teacher should be worth most where there
# are few samples. Is it?
#
# **Predict first.** Is the effect of distilling larger with little text or with much?

# %%
my_amount = None  # "little" or "much"
my_amount = guess(my_amount, "little", "much")

# %%
quarter = len(train_rows) // 4
few = Sweep(profile, teacher, train_rows[:quarter], validation_rows, pad, seed=profile.seed)

# %% tags=["train"]
for name, some, rows in (("all rows", sweep, len(train_rows)), ("a quarter of them", few, quarter)):
    distilled, labels_alone = some.run([setting(rows=rows), setting(alpha=0.0, rows=rows)], name).values()
    effect = evaluation.paired_effect([distilled.evaluation], [labels_alone.evaluation])
    print(f"{name:>18}: distilled over CE-only {effect.ratio:.3f} ({effect.low:.3f} to {effect.high:.3f})")

# %%
by_text = recorded["text"], recorded["text at equal updates"]
show(sweep_plots.text_figure(*by_text), sweep_plots.describe_text(*by_text))
print(f"your guess: {my_amount}")

# %% [markdown]
# *Ours, over five seeds; both sides have their own learning rate at every point.* The guess that sounds reasonable is
# wrong here. The effect grows with the text, from a ratio of {{ results.sweeps.text[0]["ratio to CE-only"] | number }}
# on 125 rows to {{ results.sweeps.text[3]["ratio to CE-only"] | number }} on 1,000. From there to 2,000 rows, we cannot
# tell the change from zero.
#
# But if more rows are read equally often, there are more updates too, so the solid line cannot say which of the two
# makes the difference. For the dashed line, 250 rows were read eight times, which takes as many updates as 1,000 rows
# read twice. The ratio for these 250 rows went from {{ results.sweeps.text[1]["ratio to CE-only"] | number }} to
# {{ results.sweeps["text at equal updates"][0]["ratio to CE-only"] | number }}, and the ratio for 1,000 rows is
# {{ results.sweeps["text at equal updates"][1]["ratio to CE-only"] | number }}. So part of the effect comes from the
# updates (or from the repeated reading, which grows with them), and the larger part seems to come from the text.
#
# Why? A soft target is worth more than a label at each position, and each new position is another chance to be taught.
# With few rows there are few positions, and a good learning rate is so low that both students stay near their common
# start. This does not show how the line continues. With endless text, the labels alone would teach all that a teacher
# knows, without its mistakes, so somewhere the line has to turn. Our five seeds cannot tell whether it begins to turn
# at 2,000 rows.

# %% [markdown]
# ### Check yourself on the second half
#
# **1. Hidden states with a random, frozen projection help as much as with a learned one. What follows?**
#
# <details><summary>A. Hidden states carry much knowledge.</summary>
# Perhaps, but this does not show it: with a frozen projection, the targets are still the teacher's own states. You
# would need a control without the teacher's knowledge, such as the states of an untrained teacher.
# </details>
# <details><summary>B. The gain may come from any extra target; a learned match is not shown to matter.</summary>
# Right. Next you would try the states of an untrained teacher. If they help as much, the gain was regularisation.
# </details>
# <details><summary>C. The projection should be frozen in practice.</summary>
# The control tells you where the gain comes from. It is not a recommendation.
# </details>
#
# **2. You keep the top 64 tokens of each answer and scale them up to sum to 1. What goes wrong?**
#
# <details><summary>A. Nothing, the others are negligible.</summary>
# Together they are not: the student is told to give up all of their probability.
# </details>
# <details><summary>B. The student is taught that every other token is impossible.</summary>
# Right. Keep their probability as one bin, and measure what the bin loses.
# </details>
# <details><summary>C. The loss is no longer a KL divergence.</summary>
# It still is one, but not between the distributions that you meant.
# </details>
#
# **Take away.** Know the size of a loss before you give it a weight. Hidden states need controls: if a target without
# knowledge brings the same gain, the gain does not come from the teacher. More text means more updates too, so ask
# which of the two made the difference.

# %% [markdown]
# ## After this: the same knobs elsewhere
#
# | Here | Elsewhere | What to watch |
# |---|---|---|
# | `temperature`, with T squared | `temperature` in TRL's `DistillationTrainer` | no T squared: changing T changes the loss's weight too, and the sampling. In `GKDConfig` it is for sampling alone; the loss stays at T = 1 |
# | `alpha` | none in TRL; `alpha_ce`, `alpha_clm` in the DistilBERT scripts | names differ on which part has the weight |
# | `hidden_state_loss` | FitNets' hint loss, TinyBERT's hidden loss, `alpha_cos` in DistilBERT | cosine ignores the length of a state |
# | forward KL | `beta` in GKD: 0 forward, 1 reverse, between them Jensen-Shannon | read the direction in the code, not in the name |
#
# `utils.losses.divergences` has reverse KL and the Jensen-Shannon divergence, with the same shift, mask and T squared, if
# you want to try them.

# %% tags=["run-only"]
lab_results = {
    "rows": [
        evaluation.comparison_row(
            f"T {s.temperature:g}, alpha {s.alpha:g}" + (", hidden" if s.hidden else ""),
            sum(parameter.numel() for parameter in pair.student.parameters()),
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

# %% [markdown]
# ## What now? A model of your own
#
# The same library trains a pair of your own on text of your own. Change the line that begins with `profile =`:
# `teacher` and `student` take the name of a model on the hub or a folder, and `text` takes a folder of text files. Both
# models need the same tokenizer. If theirs differ, you are told before anything is trained.
#
# ```python
# from dataclasses import replace
# from pathlib import Path
#
# from utils.data import batches, corpus
# from utils.models.loading import load_pair
# from utils.models.profiles import get_profile
# from utils.teachers.cache import cache_answers
# from utils.training.chunked_step import chunked_step, last_hidden_settings
# from utils.training.settings import settings_of
# from utils.training.loop import distill
#
# profile = replace(get_profile("auto"), temperature=2.0)  # also teacher=, student=, text=
# pair = load_pair(profile)
# text = corpus.load_corpus(profile.text, profile.min_characters)
# rows = tuple(batches.rows_of(text.train, pair.tokenizer, profile.max_length, profile.train_rows))
# cache = cache_answers(pair.teacher, rows, Path("outputs/teacher"), last_hidden_settings(pair.teacher))
# plan = batches.BatchPlan(rows, profile.batch_size, pair.tokenizer.pad_token_id, pack_length=2 * profile.max_length)
# history = distill(
#     pair.student,
#     pair.teacher,
#     plan,
#     settings_of(profile, profile.learning_rate),
#     step=chunked_step(profile.temperature, profile.alpha, cache),
#     checkpoint="outputs/mine.pt",
# )
# print(history.epoch_losses())
# ```
#
# `chunked_step` computes the loss a few positions at a time, so a large vocabulary costs little memory. [How fast, in
# how much memory](../../docs/speed.md) says how much, and what to do with little memory or several GPUs. Train CE-only
# beside it, with `step=ce_only_step` and its own learning rate, or you will not know what the teacher added.
