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
# # Lab 8. Adapters: which rank does distillation need?
#
# An {{ term("adapter") }} is a pair of thin matrices beside a frozen one. Training the pair needs less memory than training
# the frozen matrix. How thin can it be? "Use rank 32 to 64 for distillation, more than for fine-tuning" is common
# advice. This lab asks whether that is true, and what a {{ term("rank") }} costs.
#
# **After this lab you can**
#
# - write a layer with an adapter, initialise it so that the model starts out unchanged, and merge it into the weight;
# - count what an adapter trains and stores, and say what it costs;
# - compare ranks fairly: each with its own learning rate, beside the same matrices trained in full;
# - say how to test a claim about the *difference* between two curves.
#
# {{ header }}

# %% [markdown]
# ## Before you start
#
# | You need | Where to read it |
# |---|---|
# | Distillation, and the {{ term("CE-only") }} control | Labs 1 and 2 of this course |
# | Rank and singular values of a matrix | any course on linear algebra |
# | LoRA, in its inventors' words | [Hu et al., 2021](https://arxiv.org/abs/2106.09685), section 4 |
#
# Run the cells from top to bottom. If a cell needs a function that you have not written yet, it says so in one
# sentence, and the cells after it still run. Two things are called alpha: the loss has its {{ term("alpha") }}, and an adapter has one
# too. In your functions, alpha is the adapter's.

# %% tags=["set-up"]
import torch

from utils.checks import check
from utils.notebook import begin, committed, guess, ready

profile, outputs = begin("08_adapters")

# %% [markdown]
# ## Step 1. One layer
#
# A linear layer multiplies by $W$, of shape (out, in). Freeze it, and add the product of two thin matrices, $A$ of
# shape (rank, in) and $B$ of shape (out, rank):
#
# $$y = W x + \frac{\alpha}{r} \, B A x$$
#
# $BA$ has the shape of $W$, and its rank is at most $r$. The factor $\alpha / r$ keeps the size of the added term in
# check when you change the rank. $W$ gets no gradient.
#
# **Difficulty:** 1 of 5. **Time:** about 8 minutes.
#
# <details><summary>Hint 1: the idea</summary>
#
# Apply A, then B. Do not build the large product B A for every x.
#
# </details>
# <details><summary>Hint 2: the formula</summary>
#
# The rows of x are vectors: compute x W^T, and add alpha / rank times x A^T B^T.
#
# </details>
# <details><summary>Hint 3: the functions</summary>
#
# `@`, `.T`, `.detach()`.
#
# </details>


# %% nbgrader={"grade": false, "grade_id": "lora_forward", "locked": false, "schema_version": 3, "solution": true, "task": false}
def lora_forward(x, weight, A, B, alpha, rank):
    """The output of a frozen linear layer with an adapter beside it.

    x: (..., in); weight: (out, in), which gets no gradient; A: (rank, in); B: (out, rank).  Returns (..., out).
    """
    ### BEGIN SOLUTION
    return x @ weight.detach().T + alpha / rank * (x @ A.T @ B.T)
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "check_lora_forward", "locked": true, "points": 4, "schema_version": 3, "solution": false, "task": false}
check("lora_forward", lora_forward)

# %% [markdown]
# ### The start changes nothing
#
# Before its first step, the model should say exactly what it said without the adapter. So $B$ starts at zero. $A$
# starts with uniform numbers between $-1/\sqrt{\text{in}}$ and $1/\sqrt{\text{in}}$. Your function is given uniform
# numbers from 0 to 1.
#
# **Difficulty:** 1 of 5. **Time:** about 5 minutes.
#
# <details><summary>Hint 1: the idea</summary>
#
# Stretch the range from 0 to 1 and move its middle to 0.
#
# </details>
# <details><summary>Hint 2: the formula</summary>
#
# (2 u - 1) / sqrt(in). How many columns does A have?
#
# </details>
# <details><summary>Hint 3: the functions</summary>
#
# `torch.zeros`, `math.sqrt` or `** 0.5`, `uniforms.shape`.
#
# </details>


# %% nbgrader={"grade": false, "grade_id": "initialise", "locked": false, "schema_version": 3, "solution": true, "task": false}
def initialise(uniforms, out_features):
    """The initial matrices of an adapter: (A, B).

    uniforms: (rank, in), numbers from 0 to 1.  A has their shape; B is (out_features, rank).
    """
    ### BEGIN SOLUTION
    rank, columns = uniforms.shape
    return (2 * uniforms - 1) / columns**0.5, torch.zeros(out_features, rank)
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "check_initialise", "locked": true, "points": 3, "schema_version": 3, "solution": false, "task": false}
check("initialise", initialise)

# %% [markdown]
# **Predict first:** at the very first step, which of the two matrices gets a gradient that is not zero?

# %%
my_gradient = None  # "A", "B" or "both"
my_gradient = guess(my_gradient, "A", "B", "both")

# %%
if ready(lora_forward, initialise):
    generator = torch.Generator().manual_seed(0)
    weight, x = torch.randn(6, 8, generator=generator), torch.randn(4, 8, generator=generator)
    A, B = (matrix.requires_grad_() for matrix in initialise(torch.rand(2, 8, generator=generator), 6))
    y = lora_forward(x, weight, A, B, 4.0, 2)
    y.square().mean().backward()
    print(f"the output is that of the layer alone: {torch.allclose(y, x @ weight.T)}")
    print(f"largest gradient of A: {A.grad.abs().max():.3g}, of B: {B.grad.abs().max():.3g}; your guess: {my_gradient}")

# %% [markdown]
# <details><summary>What you should see</summary>
#
# Only B. The gradient of A contains B as a factor, and B is zero. After one step B is no longer zero, and A learns too.
# If both started at zero, neither would ever get a gradient.
#
# </details>
#
# ## Step 2. Merge
#
# You can use the model without a separate adapter: add it to the weight once, and the model is as fast as it was
# before.
#
# **Difficulty:** 1 of 5. **Time:** about 5 minutes.
#
# <details><summary>Hint 1: the idea</summary>
#
# Which single matrix gives the same y for every x?
#
# </details>
# <details><summary>Hint 2: the formula</summary>
#
# W + alpha / rank B A.
#
# </details>
# <details><summary>Hint 3: the functions</summary>
#
# `@`. Return a new matrix, and do not change the given weight.
#
# </details>


# %% nbgrader={"grade": false, "grade_id": "merge", "locked": false, "schema_version": 3, "solution": true, "task": false}
def merge(weight, A, B, alpha, rank):
    """One matrix (out, in) that does what the frozen layer and its adapter do together.  The weight stays as it is."""
    ### BEGIN SOLUTION
    return weight + alpha / rank * (B @ A)
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "check_merge", "locked": true, "points": 3, "schema_version": 3, "solution": false, "task": false}
check("merge", merge)

# %% [markdown]
# {% set reading = results.adapters_cost.reading %}
# Until it is merged, the adapter adds work at every layer. To read one batch, our untouched student takes
# {{ "%.1f" | format(reading[0].milliseconds) }} ms. With an adapter of rank {{ reading[1].rank }} beside every matrix it takes
# {{ "%.1f" | format(reading[1].milliseconds) }} ms, and after merging {{ "%.1f" | format(reading[2].milliseconds) }} ms.
#
# GPT-2 stores its matrices as (in, out), in a layer type of its own called `Conv1D`. There you have to add the
# transpose of $BA$. If you forget it and the matrix is square, there is no error, only a worse model. `peft` has a
# setting for this, `fan_in_fan_out`. At the end of the lab, you compare your merge with `peft`'s on such a model.
#
# ## Step 3. Count, and cost
#
# How many numbers do the adapters of a whole model hold? A target names layers by the part of their name after the
# last dot, such as `c_fc`. The whole part must be equal: `proj` does not name `c_proj`. The model may be a GPT-2 or a
# Llama, and the layers need not be square.
#
# **Difficulty:** 2 of 5. **Time:** about 8 minutes.
#
# <details><summary>Hint 1: the idea</summary>
#
# Each targeted layer has one A and one B. Biases and the layer itself are not trained.
#
# </details>
# <details><summary>Hint 2: the formula</summary>
#
# rank (in + out), added up over the layers.
#
# </details>
# <details><summary>Hint 3: the functions</summary>
#
# `model.named_modules()`, `name.split('.')[-1]`, `module.weight.shape`. The two sides of a weight have the same sum in
# Linear and Conv1D.
#
# </details>


# %% nbgrader={"grade": false, "grade_id": "trainable_parameters", "locked": false, "schema_version": 3, "solution": true, "task": false}
def trainable_parameters(model, rank, targets):
    """How many numbers the adapters of this rank hold, beside every layer whose last name is one of the targets; an int."""
    ### BEGIN SOLUTION
    layers = [module for name, module in model.named_modules() if name.split(".")[-1] in targets]
    return sum(rank * sum(layer.weight.shape) for layer in layers)
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "check_trainable_parameters", "locked": true, "points": 3, "schema_version": 3, "solution": false, "task": false}
check("trainable_parameters", trainable_parameters)

# %%
from utils.labs import adapters
from utils.models.loading import count_parameters, load_model, load_pair

TARGETS = ("c_attn", "c_proj", "c_fc")  # every matrix of attention and MLP
pair = load_pair(profile)

if ready(trainable_parameters):
    print(f"the student: {count_parameters(pair.student):,} parameters")
    for rank in (1, 8, 32, 64):
        wrapped = adapters.with_adapter(load_model(profile.student), rank, 2.0 * rank, TARGETS)
        yours, theirs = trainable_parameters(pair.student, rank, TARGETS), wrapped.get_nb_trainable_parameters()[0]
        print(f"rank {rank:>2}: {yours:>7,} numbers learn by your count, {theirs:>7,} by peft's")

# %% [markdown]
# What does that save? For every number that learns, AdamW keeps two more in memory. On disk you store only the
# adapter. Time is another matter:
#
# {{ table(results.adapters_cost.rows, {"what": "what learns", "trained": "numbers that learn", "optimizer MB": "AdamW keeps, MB", "saved MB": "file on disk, MB", "milliseconds": "ms for a step"}) }}
#
# *Ours: the median of {{ results.adapters_cost.rounds }} steps of about {{ results.adapters_cost.tokens }} tokens, on labels
# alone, with {{ results.adapters_cost.machine.threads }} thread(s). "The same matrices in full" trains the adapters' targets
# themselves. "Everything" trains all {{ results.adapters_cost.student | number }} parameters, including the embeddings.*
#
# {% set rows = results.adapters_cost.rows %}{% set eight = rows | selectattr("what", "equalto", "rank 8") | first %}{% set full = rows | selectattr("what", "equalto", "the same matrices in full") | first %}
# The optimizer needs less memory when fewer numbers learn: at rank 8 it needs {{ (eight["optimizer MB"] / full["optimizer MB"]) | percent }} of
# what it needs in full. The time does not fall: our step at rank 8 takes {{ (eight.milliseconds / full.milliseconds) | number(2) }} times as long as in full. The forward
# and backward passes still go through every frozen matrix, and the adapter's products come on top. Use adapters for
# models that would otherwise not fit, and for keeping many versions of one model.
#
# Mind the width. A square matrix of width $d$ has $d^2$ numbers, and its adapter has $2 d r$. At $r = d / 2$ the two
# are equal. Our student's width is 128, so its square matrices reach this point at rank 64. The table still shows
# {{ (results.adapters_cost.rows | selectattr("what", "equalto", "rank 64") | first).trained | number }} against {{ full.trained | number }} there, because most of the matrices are not square: only `attn.c_proj` is.
# The others are longer on one side, and reach the point later. In a model of width 4096, rank 64 is a thin slice. A
# rank alone says little. State the rank together with the width.
#
# ## Step 4. Does distillation need a higher rank?
#
# There is a reason for the advice: a label is one token, but a teacher's distribution is a whole row of numbers, so
# there is more to learn. This is a claim about a *difference*. Going from full matrices to a low rank should cost the
# distilled student more than it costs the student that learns from labels alone.
#
# So train ranks 1, 8 and 32, and the same matrices in full, each with both objectives, on the same text. An adapter may
# need a different learning rate from a full matrix, and so may each rank. Every student below uses the learning rate
# that was best for it on the tune split. We tried {{ results.adapters["rates tried"].adapters | join(", ") }} for adapters and
# {{ results.adapters["rates tried"].full | join(", ") }} in full, and further rates where the best was at an end.
#
# From here on, `peft` trains the adapters. At the end of the lab you compare your own merge with `peft`'s. A run in the
# `smoke` profile only shows that the cells work: it trains on very little text, and its numbers are noise.
#
# **Predict first:** we test the ranks 1, 2, 4, 8, 16, 32 and 64. What is the smallest rank at which a distilled student
# is as good as at 64, to one percent?

# %%
my_rank = None  # 1, 2, 4, 8, 16, 32 or 64
my_rank = guess(my_rank, 1, 2, 4, 8, 16, 32, 64)

# %%
import functools

from utils.data import batches
from utils.data.corpus import load_corpus
from utils.losses.core import distillation_loss

pad = pair.tokenizer.pad_token_id
text = load_corpus(profile.text, profile.min_characters)
train_rows = batches.rows_of(text.train, pair.tokenizer, profile.max_length, profile.sweep_rows)
validation_rows = batches.rows_of(text.validation, pair.tokenizer, profile.max_length, profile.evaluation_rows)

OBJECTIVES = {"CE-only": None, "distilled": functools.partial(distillation_loss, temperature=1.0, alpha=0.5)}
recorded = committed("adapters")
rates = {(row["rank"], row["objective"]): row["rate"] for row in recorded["rows"] if row["what"] != "everything"}
trained, lab_results = {}, {"rows": []}

# %% tags=["train"]
from utils.teachers.remembering import RememberingTeacher
from utils.training.loop import ce_only_step, distill, train_step
from utils.training.settings import settings_of


def fresh_student(rank):
    """The student with an adapter of this rank; at rank 0, the targeted matrices themselves are trained."""
    student = load_model(profile.student)
    if rank:
        return adapters.with_adapter(student, rank, 2.0 * rank, TARGETS, profile.seed)
    adapters.train_only(student, TARGETS)
    return student


teacher = RememberingTeacher(pair.teacher)
plan = batches.BatchPlan(tuple(train_rows), profile.batch_size, pad, profile.seed, pool=profile.length_pool)
if ready(lora_forward, initialise):
    for rank, objective in rates:
        if rank not in (0, 1, 8, 32):
            continue
        loss, name = OBJECTIVES[objective], f"rank {rank}, {objective}" if rank else f"in full, {objective}"
        student, settings = fresh_student(rank), settings_of(profile, rates[rank, objective], profile.seed)
        if loss is None:
            distill(student, None, plan, settings, None, ce_only_step, name=name)
        else:
            distill(student, teacher, plan, settings, loss, train_step, name=name)
        trained[rank, objective] = student.eval()

# %%
from utils.figures import adapters as adapter_plots
from utils.figures import base as plots
from utils.measuring.evaluation import evaluate

in_full = {}
for (rank, objective), student in sorted(trained.items()):
    name = f"rank {rank}, {objective}" if rank else f"in full, {objective}"
    perplexity = evaluate(student, validation_rows, pad, name=name).perplexity
    in_full.setdefault(objective, perplexity)  # rank 0 comes first
    row = {"rank": rank, "objective": objective, "perplexity": perplexity, "ratio": perplexity / in_full[objective]}
    lab_results["rows"].append(row)
    print(f"{name:>20}: perplexity {perplexity:.1f}, {row['ratio']:.3f} times that in full")
if trained:
    curves = [row for row in recorded["rows"] if row["rank"]]
    live = [row for row in lab_results["rows"] if row["rank"]]
    plots.show(adapter_plots.rank_curves(curves, live, my_rank), adapter_plots.describe_ranks(curves, live))
    flat = next(one["rank"] for one in recorded["flat from"] if one["objective"] == "distilled")
    print(f"smallest rank within 1 % of rank 64, distilled, in our runs: {flat}; your guess: {my_rank}")

# %% [markdown]
# Ours, over {{ results.adapters.seeds }} {{ term("seeds", "seed") }}:
#
# {% set rows = results.adapters.rows %}
# | what learns | CE-only | over full | distilled | over full |
# |:--|--:|--:|--:|--:|
# {% for row in rows if row.objective == "CE-only" %}{% set other = rows | selectattr("what", "equalto", row.what) | selectattr("objective", "equalto", "distilled") | first -%}
# | {{ row.what }} | {{ "%.1f" | format(row.perplexity) }} | {{ "%.3f" | format(row.ratio) }} [{{ "%.3f" | format(row.low) }}, {{ "%.3f" | format(row.high) }}] | {{ "%.1f" | format(other.perplexity) }} | {{ "%.3f" | format(other.ratio) }} [{{ "%.3f" | format(other.low) }}, {{ "%.3f" | format(other.high) }}] |
# {% endfor %}
# *Perplexity on {{ results.adapters.documents }} validation documents; the untouched student has {{ "%.1f" | format(results.adapters.untouched) }}. "Over full" is the
# perplexity divided by that of the same matrices trained in full, on the same documents and seeds, with its 95 %
# {{ term("interval") }}. There were {{ results.adapters.train_rows }} training rows.*
#
# ### The gap of gaps
#
# Two curves with intervals do not answer the question. Both use the same documents and seeds, so you cannot read the
# interval of their difference off the picture. Compute the difference itself, in pairs: divide "distilled, rank r over
# full" by "CE-only, rank r over full". If the result is above 1, a low rank costs distillation more:
#
# {{ table(results.adapters["gap of gaps"], {"rank": "rank", "ratio": "gap of gaps"}, 4) }}
#
# {% set gaps = results.adapters["gap of gaps"] %}{% set effect = results.adapters["distilled over CE-only"] %}
# <details><summary>Our answer</summary>
#
# Up to rank {{ gaps | selectattr("low", "gt", 1) | map(attribute="rank") | max }} the intervals lie above 1: a low rank costs distillation more, by
# {{ (gaps[0].ratio - 1) | percent(1) }} at rank {{ gaps[0].rank }}. At ranks 16 and 32 they contain 1. No difference was found there, and both
# intervals end within one percent of 1. So the direction of the advice is right, but its number is not: rank 16, below
# the advised 32, already closes the gap. At {{ gaps[6].rank }} the ratio is {{ "%.3f" | format(gaps[6].ratio) }} [{{ "%.3f" | format(gaps[6].low) }}, {{ "%.3f" | format(gaps[6].high) }}]: there the low rank
# costs distillation less than labels.
#
# Why? A teacher has more to give than labels do, and a low rank cannot take it in. Compared with labels alone,
# distilling lowers the perplexity by {{ (1 - effect[0].ratio) | percent(1) }} at rank 1, by {{ (1 - effect[7].ratio) | percent(1) }} with the same matrices in full, and by {{ (1 - effect[8].ratio) | percent(1) }} where everything learns.
#
# </details>
#
# **From which rank on is a curve flat?** We take the smallest rank within 1 % of rank 64:
#
# {% for one in results.adapters["flat from"] -%}
# - **{{ one.objective }}**: rank {{ one.rank }}. Of the draws of documents and seeds, {% for rank, share in one["share of draws"].items() if share >= 0.001 %}{{ share | percent(1) }} say {{ rank }}{{ ", " if not loop.last }}{% endfor %}.
# {% endfor %}
# This looks like a different answer: the distilled curve is still falling where the curve for labels is flat. But this
# compares with rank 64, which is itself an adapter, not a control. At 64, the distilled student is as good as its own
# full matrices or a little better. At 32, both curves are about one percent above full. Always say what you compare
# with.
#
# **The last row of the table.** Where embeddings and biases learn too, the perplexity is lower than with the same
# matrices in full, by {{ (1 - rows[16].ratio) | percent }} (labels) and {{ (1 - rows[17].ratio) | percent }} (distilled). Leaving these out costs
# more than any rank from 8 on. Our student is small, and {{ (1 - rows[14].parameters / rows[16].parameters) | percent }} of its parameters are outside the adapted matrices. In a
# large model this share is small.
#
# <details><summary>The learning rates</summary>
#
# {{ table(rows, {"what": "what learns", "objective": "objective", "rate": "best rate"}, 2) }}
#
# Low ranks want higher rates, up to {{ (rows[0].rate / rows[14].rate) | number(1) }} times the full matrices' rate. *LoRA Without Regret* (below) recommends about
# ten times. With one rate for all ranks, you would only learn which rank that rate suits.
#
# </details>
#
# **What others found.**
#
# | For a higher rank | Against |
# |---|---|
# | [LoRA Learns Less and Forgets Less](https://arxiv.org/abs/2405.09673): the changes made by full fine-tuning have 10 to 100 times the rank of usual adapters, and these adapters learn less | [LoRA Without Regret](https://thinkingmachines.ai/blog/lora/): ranks 1 to 512 follow the curve of full training until an adapter's capacity is used up; for reinforcement learning rank 1 is enough |
# | [TRL's guide](https://huggingface.co/docs/trl/main/en/lora_without_regret) to LoRA Without Regret uses rank 256 for SFT, and 1 to 32 for reinforcement learning | [On-Policy Distillation](https://thinkingmachines.ai/blog/on-policy-distillation/): at rank 32 an adapter is 13 % behind full training after SFT, and only 6 % after distilling on the student's own texts |
#
# We know of no published comparison that runs distillation and training on labels rank by rank, each with its own
# learning rate and with full matrices as control. "32 to 64" is a habit. The last entry points the opposite way to our
# low ranks. That study distils on the student's own texts; we use fixed text, so the two answer different questions.
#
# ## Step 5. Which matrices, and which alpha?
#
# With GPT-2, `peft` adapts only `c_attn` unless you say otherwise. We did not measure `c_attn` alone: "attention" in
# the table is `c_attn` and `attn.c_proj`. At the same rank, more matrices also mean more numbers:
#
# {{ table(results.adapters["which matrices"], {"matrices": "matrices", "objective": "objective", "parameters": "numbers", "perplexity": "perplexity", "ratio": "over full"}) }}
#
# *Ours, at rank {{ results.adapters["which matrices"][0].rank }}, each with its own rate.* Attention alone is worst. It also has the fewest numbers. Is
# that because of the place, or the count? All matrices at rank 2 have even fewer numbers ({{ results.adapters.rows[2].parameters | number }}),
# and they do better. The seeds are the same, so we can compare in pairs. Divide the perplexity of
# attention alone at rank {{ results.adapters["which matrices"][0].rank }} by that of all matrices at rank 2:
#
# {% set places = results.adapters["which matrices"] %}{% set two = results.adapters.rows -%}
# - on labels, seed by seed: {% for one in places[0]["by seed"] %}{{ "%.3f" | format(one / two[2]["by seed"][loop.index0]) }}{{ ", " if not loop.last }}{% endfor %};
# - distilled: {% for one in places[1]["by seed"] %}{{ "%.3f" | format(one / two[3]["by seed"][loop.index0]) }}{{ ", " if not loop.last }}{% endfor %}.
#
# Each of them is above 1, although attention alone has more numbers. So the place matters, and not only the count.
# Three seeds are few, but they agree. *LoRA Without Regret* finds the same: all matrices, and the MLP's before the others.
#
# Now alpha. If you sweep the rank and hold alpha, the scale alpha / rank falls as the rank grows. Here every row uses
# the learning rate of rank 8, and alpha is 16 or twice the rank:
#
# | rank | alpha | scale | objective | perplexity | over full |
# |--:|--:|--:|:--|--:|--:|
# {% for row in results.adapters.alpha -%}
# | {{ row.rank }} | {{ row.alpha | int }} | {{ row.alpha / row.rank }} | {{ row.objective }} | {{ "%.1f" | format(row.perplexity) }} | {{ "%.3f" | format(row.ratio) }} [{{ "%.3f" | format(row.low) }}, {{ "%.3f" | format(row.high) }}] |
# {% endfor %}
# *Ours, {{ results.adapters.alpha[0].seeds }} seeds.* {% set some = results.adapters.alpha %}{% set all = results.adapters.rows %}At rank 1 the scale hardly matters. At rank 32 it does, in opposite
# directions for the two objectives. This is the gap of gaps at rank 32, seed by seed:
#
# - alpha held at 16: {% for _ in some[6]["by seed"] %}{% set i = loop.index0 %}{{ "%.3f" | format(some[8]["by seed"][i] / all[15]["by seed"][i] / (some[6]["by seed"][i] / all[14]["by seed"][i])) }}{{ ", " if not loop.last }}{% endfor %};
# - the scale held at 2: {% for _ in some[7]["by seed"] %}{% set i = loop.index0 %}{{ "%.3f" | format(some[9]["by seed"][i] / all[15]["by seed"][i] / (some[7]["by seed"][i] / all[14]["by seed"][i])) }}{{ ", " if not loop.last }}{% endfor %}.
#
# Read alone, the first sweep suggests that distillation suffers at rank 32, and the second that it gains. Three seeds
# do not say how large either effect is. With its own rate for each student, and five seeds, no difference was found.
# The scale acts much like a learning rate, and the two objectives want different ones.
#
# ## Step 6. What is forgotten
#
# The student was trained on other text before this lab. How well does it still predict that text? The numbers below
# divide its perplexity by that of the untouched student. Above 1, something was forgotten. The cell reads 100 documents
# of this text, and our table below {{ results.adapters["general text"].documents }}, so the two differ a little.
#
# **Predict first:** which of your students forgets more, rank 1 or full matrices?

# %%
my_forgetful = None  # "rank 1" or "full"
my_forgetful = guess(my_forgetful, "rank 1", "full")

# %%
if trained:
    general = adapters.general_rows(pair.tokenizer, profile.max_length, 8 if profile.name == "smoke" else 100)
    before = evaluate(pair.student, general, pad, name="untouched").perplexity
    for row in lab_results["rows"]:
        row["general"] = evaluate(trained[row["rank"], row["objective"]], general, pad).perplexity / before
        what = f"rank {row['rank']}" if row["rank"] else "in full"
        print(f"{what:>8}, {row['objective']:>9}: general text {row['general']:.3f} times the untouched student")
    print("your guess:", my_forgetful)

# %% [markdown]
# {% set rows = results.adapters.forgotten %}
# | what learns | CE-only: general text over untouched | distilled |
# |:--|--:|--:|
# {% for row in rows if row.objective == "CE-only" %}{% set other = rows | selectattr("what", "equalto", row.what) | selectattr("objective", "equalto", "distilled") | first -%}
# | {{ row.what }} | {{ "%.3f" | format(row.ratio) }} [{{ "%.3f" | format(row.low) }}, {{ "%.3f" | format(row.high) }}] | {{ "%.3f" | format(other.ratio) }} [{{ "%.3f" | format(other.low) }}, {{ "%.3f" | format(other.high) }}] |
# {% endfor %}
# *Ours, over {{ results.adapters.seeds }} seeds, on {{ results.adapters["general text"].documents }} docstrings of a package that
# the student was pretrained on.*
#
# <details><summary>Our answer</summary>
#
# {% set learned = results.adapters.rows %}{% set ranks = rows | selectattr("rank", "gt", 0) | list %}
# {% set taught = ranks | selectattr("objective", "equalto", "distilled") | list %}{% set labelled = ranks | selectattr("objective", "equalto", "CE-only") | list %}
# Rank 1 forgets least, but it has also learned least. Between the two, forgetting does not simply rise with rank.
#
# - **Distilled:** every rank forgets less than full matrices. At ranks {{ taught | selectattr("high", "lt", rows[15].low) | map(attribute="rank") | join(", ") }} the intervals lie apart.
# - **On labels:** ranks {{ labelled | selectattr("high", "lt", rows[14].low) | map(attribute="rank") | join(", ") }} lie below full matrices with their whole interval. Rank {{ labelled | selectattr("low", "gt", rows[14].high) | map(attribute="rank") | join(", ") }} lies above: {{ rows[8].ratio | number(4) }}
#   against {{ rows[14].ratio | number(4) }}, at a rate {{ (learned[8].rate / learned[14].rate) | number(1) }} times as high. At the other ranks the intervals overlap.
#
# So "adapters forget less" does not hold for every rank and rate here.
#
# Compare students that learned equally much, because it is easy to forget less if you have learned less. And change one
# thing only. Distilled at rank 64 and distilled in full end at almost the same perplexity, {{ "%.1f" | format(learned[13].perplexity) }} and {{ "%.1f" | format(learned[15].perplexity) }}. The
# adapter forgets less: {{ rows[13].ratio | number(4) }} against {{ rows[15].ratio | number(4) }}. On labels, rank 64 ends at {{ "%.1f" | format(learned[12].perplexity) }} and full matrices at {{ "%.1f" | format(learned[14].perplexity) }}, and the
# ratios are {{ rows[12].ratio | number(4) }} and {{ rows[14].ratio | number(4) }}. Each still has its own best learning rate.
#
# </details>
#
# ## Step 7. How much of the change can a rank hold?
#
# Take the change that full training made to a matrix, and compute its singular values. The best approximation of rank
# $r$ keeps the $r$ largest. Their share of the sum of squares says how close rank $r$ *could* come to this change.
# Choose a matrix and move the slider, with the mouse or the arrow keys.

# %%
if trained:
    changes = adapters.weight_changes(pair.student, trained[0, "distilled"], TARGETS)
    print(f"{len(changes)} matrices have changed")

# %% tags=["notebook-only"]
from utils.figures.sliders import spectrum_explorer

spectrum_explorer(changes, (1, 2, 4, 8, 16, 32, 64)) if trained else None

# %% [markdown]
# The same picture without controls, at rank 8:

# %%
if trained:
    scene = adapter_plots.SpectrumScene(changes, next(iter(changes)))
    scene.move(8)
    plots.show(scene.figure, scene.sentence(8))

# %% [markdown]
# This picture suggests that rank 8 must lose a large part. **Predict first:** cut the change of every matrix to its
# best approximation of rank 8. Is that student better than the adapter that was *trained* at rank 8, or worse?

# %%
my_cut = None  # "better" or "worse"
my_cut = guess(my_cut, "better", "worse")

# %%
if trained:
    perplexities = {(row["rank"], row["objective"]): row["perplexity"] for row in lab_results["rows"]}
    for rank in (1, 8, 32):
        cut = adapters.cut_to_rank(pair.student, trained[0, "distilled"], TARGETS, rank)
        found = evaluate(cut, validation_rows, pad, name=f"cut to rank {rank}").perplexity
        print(f"rank {rank:>2}: full change, cut: {found:.1f}; adapter: {perplexities[rank, 'distilled']:.1f}")
    untouched = evaluate(pair.student, validation_rows, pad, name="untouched").perplexity
    print(f"untouched: {untouched:.1f}; the change in full: {perplexities[0, 'distilled']:.1f}; your guess: {my_cut}")

# %% [markdown]
# <details><summary>What you should see</summary>
#
# Worse, at every rank. The adapter trained at rank 1 is better than the untouched student; the full change, cut to rank
# 1, hardly is. The cut keeps the largest part of one change that happened to use all ranks. An adapter finds its own
# change, and puts its few numbers where the loss falls most. So the spectrum says how the full change is spread. It
# does not say which rank you need. (One seed, from your own run.)
#
# </details>

# %% [markdown]
# ## Step 8. A real model
#
# SmolLM2-135M is {{ results.smollm.width }} wide, and has a gate in each MLP. Where its package is installed
# (`requirements-smollm.txt`), count what adapters on all its seven kinds of matrices hold:

# %%
from utils.labs.dark_knowledge import load_smollm2, smollm2_folder, smollm2_is_here

LLAMA = ("q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj")
if ready(trainable_parameters) and smollm2_is_here(profile.name):
    smollm2, _ = load_smollm2(smollm2_folder())
    for rank in (4, 32):
        yours = trainable_parameters(smollm2, rank, LLAMA)
        print(f"rank {rank:>2}: {yours:>9,} numbers learn, {yours / count_parameters(smollm2):.1%} of the model")
    del smollm2

# %% [markdown]
# In Lab 7 we cut this model to twenty of its thirty blocks, and healed the cut for {{ results.smollm.steps }} steps. Here
# adapters do the same on the same text: on labels, or distilled toward the whole model. Each row has the rate
# that was best for it on the tune split:
#
# {{ table(results.smollm.adapters.rows, {"rank": "rank", "objective": "objective", "rate": "rate", "trained": "numbers that learn", "perplexity": "perplexity", "ratio": "over the same cut, healed in full"}) }}
#
# *One seed. In brackets: 95 % {{ term("interval") }} over documents.*
#
# {% set found = results.smollm.adapters.rows %}{% macro within(row) %}{{ "%.3f" | format(row.ratio) }} [{{ "%.3f" | format(row.low) }}, {{ "%.3f" | format(row.high) }}]{% endmacro %}
# <details><summary>Our answer</summary>
#
# On labels, rank 32 does as well as all weights: {{ within(found[2]) }}. Distilled, it does not: {{ within(found[3]) }}.
# At rank 4 both lose, and distilling loses more: {{ within(found[1]) }} against {{ within(found[0]) }}. So on this model
# the advice holds as far as we looked: distilling asks for a higher rank than labels do.
#
# Do not read too much into it. This is one seed and {{ results.smollm.steps }} steps, and an adapter that is distilled may only be
# slower. And a higher rank is not the only way out: trained on labels, either rank ends lower than the same rank
# distilled ({{ found[0].perplexity | number }} against {{ found[1].perplexity | number }}, and {{ found[2].perplexity | number }} against {{ found[3].perplexity | number }}).
#
# </details>

# %% [markdown]
# ## Say it
#
# **Which rank would you use, and how would you find out?** A colleague will distil a model of width 4096 and has read
# "rank 32 to 64". In about 150 words: what does this lab say about that advice, what does it not say, and which runs
# would you make? Refer to at least one number from this lab.
#
# | Points | Rubric |
# |---|---|
# | 1 | Says what the difference of the two curves shows here, with its interval |
# | 1 | Says why the rank does not carry over (the width of the matrices), and what does |
# | 1 | Gives each rank its own learning rate, or holds alpha's scale and says so |
# | 1 | Names a control: the same matrices in full, or labels alone, on equal text |

# %% [markdown] nbgrader={"grade": true, "grade_id": "written_which_rank", "locked": false, "points": 4, "schema_version": 3, "solution": true, "task": false}
# *A sketch of an answer.* {% set one = results.adapters["gap of gaps"][0] %}{% set gaps = results.adapters["gap of gaps"] %}At rank {{ one.rank }} the gap of gaps was {{ "%.3f" | format(one.ratio) }}, with the interval
# {{ "%.3f" | format(one.low) }} to {{ "%.3f" | format(one.high) }}{% for gap in gaps if gap.rank == 32 %}; at rank 32 it was {{ "%.3f" | format(gap.ratio) }}, {{ "%.3f" | format(gap.low) }} to {{ "%.3f" | format(gap.high) }}{% endfor %}. So a very low rank
# costs distillation more than it costs training on labels, and at 32 no difference was found. The advice has the right
# direction, but its number is a habit.
#
# The rank itself does not carry over. In a matrix of width 4096, rank 32 is a much smaller share than here. What
# carries over is the method.
#
# I would train three ranks, such as 8, 32 and 128, on all matrices, with the scale alpha / rank held. Each is trained
# with the distillation loss and with labels alone. Each gets its best learning rate from the same grid, on text that
# the verdict does not use. Full matrices, if they fit, are the control. I would choose the smallest rank within a
# margin that I name beforehand.

# %% [markdown]
# ## Check yourself
#
# Open the choice that you would take. Each one explains itself.
#
# **1. You start with A and B both at zero, to be sure that the start changes nothing. What happens?**
#
# <details><summary>A. It trains as usual.</summary>
# No. The gradient of A contains B as a factor, and the gradient of B contains A. Both are zero, and they remain zero.
# </details>
# <details><summary>B. Nothing is ever learned.</summary>
# Right. One of the two must be zero at the start, and the other must not be.
# </details>
# <details><summary>C. Only B is trained.</summary>
# B's gradient contains A as a factor, and A is zero.
# </details>
#
# **2. You go from rank 8 to rank 64, with alpha at 16 and the same learning rate. The result is worse. Is rank 64 too high?**
#
# <details><summary>A. Yes: it overfits.</summary>
# Perhaps, but this run cannot tell: the scale alpha / rank fell from 2 to 0.25 at the same time.
# </details>
# <details><summary>B. You cannot know: the scale has changed too.</summary>
# Right. Hold alpha / rank, and give each rank its own learning rate.
# </details>
# <details><summary>C. No, a higher rank is always better.</summary>
# It can hold more. Whether training finds it depends on the scale, the learning rate and the text.
# </details>
#
# **3. Two curves of perplexity by rank have overlapping intervals at every rank. Is there no difference between them?**
#
# <details><summary>A. None, they overlap.</summary>
# Both curves use the same documents and seeds. What is hard is hard for both. So their difference may be known much
# more precisely than either curve.
# </details>
# <details><summary>B. Compute the difference in pairs, and its own interval.</summary>
# Right. That is the gap of gaps.
# </details>
# <details><summary>C. The lower curve is better.</summary>
# By how much, and how certainly? A picture of two curves does not say.
# </details>

# %% [markdown]
# ## Take away
#
# - An adapter adds alpha / rank times B A to a frozen matrix. B starts at zero, A does not.
# - A merged adapter costs nothing in use. Where the weight is stored transposed, transpose the change too.
# - An adapter of rank r holds r (in + out) numbers. State the rank together with the width.
# {% set gaps = results.adapters["gap of gaps"] %}
# - "Distillation needs a higher rank" is a claim about a difference of two differences. Test it in pairs, with full
#   matrices as control and each student at its own learning rate. Here it held up to rank {{ gaps | selectattr("low", "gt", 1) | map(attribute="rank") | max }}, and not at 16 or 32.
# - A sweep that holds alpha and one that holds the scale disagree. The spectrum of a full change does not tell you
#   which rank you need.

# %% [markdown]
# ## After this: the same thing in peft
#
# | Here | In `LoraConfig` | Its default |
# |---|---|---|
# | `rank` | `r` | 8 |
# | `alpha` | `lora_alpha` | 8 |
# | `targets` | `target_modules` | a list for each kind of model; `"all-linear"` takes all but the head |
# | scale alpha / rank | `use_rslora=False` | True divides by the square root of the rank |
# | (in, out) weights of GPT-2 | `fan_in_fan_out` | False; `peft` corrects it with a warning |
# | no dropout | `lora_dropout` | 0.0 |
# | biases are frozen | `bias` | "none" |
#
# `get_peft_model(model, config)` wraps a model, `merge_and_unload()` merges, `disable_adapter()` runs the model without
# it. A trainer such as TRL's `SFTTrainer` takes the config as `peft_config`. The next cell compares your merge with
# `peft`'s, on the student that you trained:

# %%
if trained and ready(merge):
    model = trained[8, "distilled"]
    layers = {name: layer for name, layer in model.named_modules() if hasattr(layer, "lora_A")}
    yours = {}
    for name, layer in layers.items():
        A, B = layer.lora_A["default"].weight.detach(), layer.lora_B["default"].weight.detach()
        turned = layer.base_layer.weight.detach().T  # Conv1D keeps (in, out)
        yours[name.removeprefix("base_model.model.")] = merge(turned, A, B, 16.0, 8).T
    merged = model.merge_and_unload()
    worst = max((merged.get_submodule(name).weight - weight).abs().max().item() for name, weight in yours.items())
    print(f"{len(yours)} matrices; largest difference between your merge and that of peft: {worst:.1g}")
