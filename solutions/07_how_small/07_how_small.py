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
# # Lab 7. How small: 7 B or 3 B, which layers may go, and in how many steps?
#
# You choose a student's size before you train it. At that moment you can already compute most of what it will cost:
# memory, seconds, money. You also choose its *shape*. The cheapest student is a part of its teacher: take blocks out,
# and train the rest for a short while. This lab asks two questions: how small must the student be, and which blocks may
# go?
#
# **After this lab you can**
#
# - compute a model's costs from its configuration: parameters, cache, seconds per token, dollars per million tokens;
# - tell whether memory or arithmetic is the limit, and what a smaller model, fewer bits or a larger batch would change;
# - measure how much each block of a model does, and take blocks out so that the rest is a working model;
# - judge a pruned student before and after healing, beside its controls.
#
# {{ header }}

# %% [markdown]
# ## Before you start
#
# | You need | Where to read it |
# |---|---|
# | Distillation, perplexity, the CE-only control | Labs 1 and 2 of this course |
# | What a key-value cache keeps | [Transformers, Caching](https://huggingface.co/docs/transformers/main/en/cache_explanation) |
# | Grouped-query attention | [Ainslie et al., 2023](https://arxiv.org/abs/2305.13245), section 2 |
# | Block influence | [Men et al., 2024](https://arxiv.org/abs/2403.03853), section 3 |
#
# Run the cells from top to bottom. The folded cell below finds the course; run it too. If a cell needs a function that
# you have not written yet, it says so in one sentence, and the cells after it still run.

# %% tags=["set-up"]
import torch

from utils.checks import check
from utils.notebook import begin, committed, guess, ready

profile, outputs = begin("07_how_small")

# %% [markdown]
# ## Step 1. How many parameters?
#
# A model's configuration is a short list of numbers. They determine how many parameters the model has. A Llama has
#
# - an embedding, vocabulary x width. The output layer is a second table of this size, or it is the same table
#   (`tie_word_embeddings`);
# - four attention matrices in each block. The query matrix and the output matrix have `num_attention_heads` heads, the
#   key matrix and the value matrix have `num_key_value_heads`. Each head has `head_dim` numbers. With `attention_bias`,
#   each of the four matrices has a bias;
# - three feed-forward matrices in each block, between the width and `intermediate_size`;
# - two norms in each block and one at the end, with one number for each feature.
#
# **Difficulty:** 2 of 5. **Time:** about 10 minutes.
#
# <details><summary>Hint 1: the idea</summary>
#
# Write down the shape of every matrix of one block, then multiply.
#
# </details>
# <details><summary>Hint 2: the formula</summary>
#
# Attention: 2 width (heads + key-value heads) head_dim. Feed-forward: 3 width intermediate_size.
#
# </details>
# <details><summary>Hint 3: the functions</summary>
#
# `config.hidden_size` is the width. A bias is as long as its matrix's output. True counts as 1.
#
# </details>


# %% nbgrader={"grade": false, "grade_id": "parameter_count", "locked": false, "schema_version": 3, "solution": true, "task": false}
def parameter_count(config):
    """How many parameters a Llama of this configuration has; a whole number.

    config: a transformers LlamaConfig, with vocab_size, hidden_size, intermediate_size, num_hidden_layers,
    num_attention_heads, num_key_value_heads, head_dim, attention_bias and tie_word_embeddings.
    """
    ### BEGIN SOLUTION
    width = config.hidden_size
    queries = config.num_attention_heads * config.head_dim
    keys = config.num_key_value_heads * config.head_dim
    attention = 2 * width * queries + 2 * width * keys
    if config.attention_bias:
        attention += queries + 2 * keys + width
    feed_forward = 3 * width * config.intermediate_size
    block = attention + feed_forward + 2 * width
    table = config.vocab_size * width
    tables = table if config.tie_word_embeddings else 2 * table
    return tables + config.num_hidden_layers * block + width
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "check_parameter_count", "locked": true, "points": 6, "schema_version": 3, "solution": false, "task": false}
check("parameter_count", parameter_count)

# %% [markdown]
# Compare your function with two other counts. One is from the model's page. For the other, the library builds the model
# without allocating memory and counts its parameters:

# %%
from utils.measuring.published import published, published_config
from utils.models.costs import sizes_of

if ready(parameter_count):
    for name, count in published().items():
        config = published_config(name)
        if config.model_type == "llama":
            print(
                f"{name:>28}: {parameter_count(config):>14,}, its page {count:,}, built {sizes_of(config).parameters:,}"
            )

# %% [markdown]
# ## Step 2. The cache
#
# While a model writes, each layer keeps a key and a value for each token so far, one pair for each key-value head. All
# texts share the weights, but each text has a cache of its own.
#
# **Predict first:** Llama-2-7B has as many key-value heads as query heads. Qwen2.5-7B has 28 query heads and 4
# key-value heads. How many times smaller is its cache for one token, all layers together: 2, 9 or 30?

# %%
my_ratio = None  # 2, 9 or 30
my_ratio = guess(my_ratio, 2, 9, 30)

# %% [markdown]
# **Difficulty:** 1 of 5. **Time:** about 6 minutes.
#
# <details><summary>Hint 1: the idea</summary>
#
# Count numbers first: per token, per layer. Then multiply.
#
# </details>
# <details><summary>Hint 2: the formula</summary>
#
# 2 x layers x key-value heads x numbers in a head x texts x tokens x bytes.
#
# </details>
# <details><summary>Hint 3: the functions</summary>
#
# `getattr(config, "num_key_value_heads", None)`: a GPT-2's configuration has neither that nor `head_dim`.
#
# </details>


# %% nbgrader={"grade": false, "grade_id": "kv_cache_bytes", "locked": false, "schema_version": 3, "solution": true, "task": false}
def kv_cache_bytes(config, batch, tokens, bytes_per_number):
    """The bytes of all keys and values of `batch` texts of `tokens` tokens each.

    config: of any model with plain attention. Where it has no num_key_value_heads, each head has its own keys; where it
    has no head_dim, a head has hidden_size / num_attention_heads numbers.
    """
    ### BEGIN SOLUTION
    heads = getattr(config, "num_key_value_heads", None) or config.num_attention_heads
    size = getattr(config, "head_dim", None) or config.hidden_size // config.num_attention_heads
    return 2 * config.num_hidden_layers * heads * size * batch * tokens * bytes_per_number
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "check_kv_cache_bytes", "locked": true, "points": 3, "schema_version": 3, "solution": false, "task": false}
check("kv_cache_bytes", kv_cache_bytes)

# %%
if ready(kv_cache_bytes):
    for name in ("Llama-2-7b-hf", "Llama-3.1-8B", "Llama-3.2-3B", "Qwen2.5-7B", "Qwen2.5-3B"):
        print(f"{name:>14}: {kv_cache_bytes(published_config(name), 1, 1, 2) / 1024:5.0f} KiB for a token in 16 bits")
    print(f"your guess for Llama-2-7B over Qwen2.5-7B: {my_ratio}")

# %% [markdown]
# Compare Llama-3.2-3B with Qwen2.5-7B: the smaller model needs twice the cache. The number of parameters alone does not
# tell you what serving costs.
#
# ## Step 3. Seconds
#
# A decoding step writes one token for each text of a batch. It reads every weight once, and it reads all caches. It
# computes 2 FLOP for each weight and text: one multiplication and one addition. Reading and computing happen at the
# same time.
#
# **Difficulty:** 2 of 5. **Time:** about 6 minutes.
#
# <details><summary>Hint 1: the idea</summary>
#
# There are two times, one for reading and one for computing. The step waits for the longer one.
#
# </details>
# <details><summary>Hint 2: the formula</summary>
#
# Bytes over bandwidth, FLOP over rate.
#
# </details>
# <details><summary>Hint 3: the functions</summary>
#
# `max`.
#
# </details>


# %% nbgrader={"grade": false, "grade_id": "decode_seconds", "locked": false, "schema_version": 3, "solution": true, "task": false}
def decode_seconds(parameters, bytes_per_parameter, cache_bytes, batch, bandwidth, rate):
    """The seconds of one step for a batch, as a limit that no program can beat.

    cache_bytes: keys and values of all texts together.  bandwidth: bytes per second.  rate: FLOP per second.
    """
    ### BEGIN SOLUTION
    reading = (parameters * bytes_per_parameter + cache_bytes) / bandwidth
    computing = 2 * parameters * batch / rate
    return max(reading, computing)
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "check_decode_seconds", "locked": true, "points": 3, "schema_version": 3, "solution": false, "task": false}
check("decode_seconds", decode_seconds)

# %% [markdown]
# A prompt takes one such step, with all its tokens at once. The weights are still read once, but there are products for
# every token. So a long prompt waits for the arithmetic, and the first token takes longer than the later ones.
#
# **Predict first:** take one A100 with 80 GB, weights in 16 bits, and texts of 4,096 tokens. How many times as many
# tokens a second does a 3 B write as an 8 B, if there is one text? And if each model has the largest batch that fits?

# %%
my_gain = {"one text": None, "largest batch": None}  # such as 2
my_gain = guess(my_gain, low=0)

# %%
from utils.measuring.serving import Serving, hardware

if ready(parameter_count, kv_cache_bytes, decode_seconds):
    machine, context = hardware("A100"), 4096
    for name, size in (("Llama-3.1-70B", 0.5), ("Llama-3.1-8B", 2), ("Llama-3.1-8B", 0.5), ("Llama-3.2-3B", 2)):
        config = published_config(name)
        served = Serving(sizes_of(config), machine, size, context=context)
        first = served.first_token_seconds(context)
        print(f"{name} in {8 * size:.0f} bits: {first:.2f} s for a prompt of {context:,} tokens")
        for batch in sorted({1, served.largest_batch}):
            cached = kv_cache_bytes(config, batch, context, 2)
            seconds = decode_seconds(parameter_count(config), size, cached, batch, machine.bandwidth, machine.rate)
            low, high = (1e6 * seconds / batch * price / 3600 for price in machine.price)
            print(f"    batch {batch:3}: {1000 * seconds:5.1f} ms a step, ", end="")
            print(f"{batch / seconds:7,.0f} tokens a second, {low:.2f} to {high:.2f} dollars a million")
    print(f"your guesses: {my_gain}")

# %% [markdown]
# These times are limits for one machine that is never idle. The prices count the decoding steps, not the prompts. They
# are from early 2026 and will change. For one text, the weights are most of what a step reads, so a smaller model helps
# a lot. For the largest batch, caches fill the memory of every model. Then every model takes about the same time for a
# step, and the smaller one gains only through its larger batch. To check your guesses, divide the tokens a second of
# two lines.
#
# Below you can move sliders for a 70 B, a 7 B and a 3 B. Tab and the arrow keys work too. The sliders compute the same
# limit with two refinements: a table counts as not read if only single rows of it are looked up, and attention over the
# cached tokens adds FLOP. Answer two questions for the A100:
#
# 1. With 4 bits and texts of 512 tokens, from which batch does each model wait for the arithmetic?
# 2. And with texts of 4,096 tokens?

# %% tags=["notebook-only"]
from utils.figures.sliders import serving_explorer

sizes = {name: sizes_of(published_config(name)) for name in ("Llama-3.1-70B", "Qwen2.5-7B", "Llama-3.2-3B")}
serving_explorer(sizes)

# %% [markdown]
# This is the same picture without sliders, for 4 bits and 64 texts of 4,096 tokens each.

# %%
from utils.figures import base as plots
from utils.figures.serving import ServingScene

sizes = {name: sizes_of(published_config(name)) for name in ("Llama-3.1-70B", "Qwen2.5-7B", "Llama-3.2-3B")}
scene = ServingScene(sizes, hardware("A100"))
scene.move(4, 64, 4096)
plots.show(scene.figure, scene.sentence(4, 64, 4096))

# %% [markdown]
# The answers to both questions, with 16 bits beside 4:

# %%
from utils.labs.how_small import waits_from

for context in (512, 4096):
    for name, one in sizes.items():
        for bits in (16, 4):
            batch = waits_from(Serving(one, hardware("A100"), bits / 8, context=context))
            print(f"{context:>5,} tokens, {name:>13} in {bits:2} bits: waits for arithmetic", end=" ")
            print("at no batch" if batch is None else f"from a batch of {batch}")

# %% [markdown]
# A larger batch shares the reading of the weights among more texts, so at some batch the arithmetic becomes the limit.
# Fewer bits move this point to a smaller batch. But each text also brings a cache. If reading one text's cache takes
# longer than computing its token, a larger batch never helps: the step waits for the memory at every batch. The batch
# must also fit: the sliders say which is the largest.
#
# ### Is the limit true here?
#
# Now compare the formula with the clock on your own machine. Its rate and its bandwidth are measured first, in about a
# second. All models have weights in 32 bits and write one text.
#
# **Predict first:** how many times the predicted seconds will a token take? Guess for the course's teacher and for
# SmolLM2-135M.

# %%
my_misses = {"teacher": None, "SmolLM2-135M": None}  # such as 1.5
my_misses = guess(my_misses, low=0)

# %%
from transformers import AutoConfig

from utils.labs.how_small import predicted_and_measured, small_configs

own = {"teacher": AutoConfig.from_pretrained(profile.teacher), "student": AutoConfig.from_pretrained(profile.student)}
timed = predicted_and_measured(own if profile.name == "smoke" else small_configs(**own))
for row in timed:
    print(
        f"{row['model']:>14}, {row['parameters']:>11,} parameters: predicted {1000 * row['predicted']:6.2f} ms, "
        f"measured {1000 * row['measured']:6.2f} ms, {row['measured'] / row['predicted']:5.1f} times"
    )
print(f"your guesses: {my_misses}")

# %% [markdown]
# No model should beat its limit by much. A small gain is possible, because the bandwidth was measured too, and other
# programs may have been running. The formula does not say how far a model stays above its limit. Each layer also costs
# the program some time, however small its matrices are. A tiny model waits for neither memory nor arithmetic, but for
# the program.
#
# ## Step 4. Which blocks matter?
#
# At each position, a block reads one state and writes another. Take 1 minus the cosine of the two. The *influence* of
# the block is the mean of these numbers over all positions that count, of all texts together. Padding does not count.
# If a block hardly turns its states, the model may not miss it.
#
# Be careful with the last state. `output_hidden_states` gives it after the final norm. This course's `block_states`
# gives what the last block wrote, before the norm.
#
# **Difficulty:** 2 of 5. **Time:** about 8 minutes.
#
# <details><summary>Hint 1: the idea</summary>
#
# Take pairs of neighbouring states. Compute one cosine for each position, then one mean for each block.
#
# </details>
# <details><summary>Hint 2: the formula</summary>
#
# Mean over positions where mask is True of 1 - cos(hidden_states[i], hidden_states[i + 1]).
#
# </details>
# <details><summary>Hint 3: the functions</summary>
#
# `torch.nn.functional.cosine_similarity(a, b, dim=-1)`, a boolean mask as an index, `torch.stack`.
#
# </details>


# %% nbgrader={"grade": false, "grade_id": "block_influence", "locked": false, "schema_version": 3, "solution": true, "task": false}
def block_influence(hidden_states, mask):
    """The influence of each block, a tensor (L,): the mean of 1 - cosine over all positions that count.

    hidden_states: a list of L + 1 tensors (B, S, D): before the first block, and after each block. The cosine is taken
    along D, at each position. mask: (B, S) bool, True at positions that count.
    """
    ### BEGIN SOLUTION
    found = []
    for block in range(len(hidden_states) - 1):
        read, written = hidden_states[block], hidden_states[block + 1]
        similar = torch.nn.functional.cosine_similarity(read, written, dim=-1)
        found.append((1 - similar)[mask].mean())
    return torch.stack(found)
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "check_block_influence", "locked": true, "points": 4, "schema_version": 3, "solution": false, "task": false}
check("block_influence", block_influence)

# %% [markdown]
# Now choose the blocks to keep: the most influential ones, in the order of the model.
#
# **Difficulty:** 1 of 5. **Time:** about 3 minutes.
#
# <details><summary>Hint 1: the idea</summary>
#
# Find the largest values. After that, only their places matter.
#
# </details>
# <details><summary>Hint 2: the formula</summary>
#
# The places of the `keep` largest values, ascending.
#
# </details>
# <details><summary>Hint 3: the functions</summary>
#
# `influence.topk(keep).indices`, `sorted`, `.tolist()`.
#
# </details>


# %% nbgrader={"grade": false, "grade_id": "kept_layers", "locked": false, "schema_version": 3, "solution": true, "task": false}
def kept_layers(influence, keep):
    """The places of the `keep` blocks with the largest influence, counted from 0 and ascending; a list of ints.

    influence: a tensor (L,), no two values alike.
    """
    ### BEGIN SOLUTION
    return sorted(influence.topk(keep).indices.tolist())
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "check_kept_layers", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
check("kept_layers", kept_layers)

# %% [markdown]
# ## Step 5. Take blocks out
#
# A pruned model must be complete: its configuration says how many blocks it has, and each block knows its place in the
# cache. Do not change the given model, nor its configuration: it will be the teacher. Do not keep the removed blocks
# either.
#
# **Difficulty:** 3 of 5. **Time:** about 12 minutes.
#
# <details><summary>Hint 1: the idea</summary>
#
# Copy the model and replace its list of blocks. Then find out what else depends on the old depth.
#
# </details>
# <details><summary>Hint 2: the formula</summary>
#
# GPT-2 keeps its blocks in `model.transformer.h`, Llama in `model.model.layers`. The depth is
# `config.num_hidden_layers`. A block's place is `layer_idx` of `block.attn` in GPT-2 and of `block.self_attn` in Llama.
#
# </details>
# <details><summary>Hint 3: the functions</summary>
#
# `copy.deepcopy`, `torch.nn.ModuleList`, `enumerate`, `hasattr`.
#
# </details>


# %% nbgrader={"grade": false, "grade_id": "prune", "locked": false, "schema_version": 3, "solution": true, "task": false}
def prune(model, layers):
    """A copy of a GPT-2 or Llama that keeps only the blocks at these places, in this order.

    The copy shares neither weights nor configuration with the model, which stays as it was.

    layers: places from 0, ascending.
    """
    ### BEGIN SOLUTION
    import copy

    small = copy.deepcopy(model)
    is_gpt2 = hasattr(small, "transformer")
    blocks = small.transformer.h if is_gpt2 else small.model.layers
    kept = torch.nn.ModuleList(blocks[place] for place in layers)
    for place, block in enumerate(kept):
        (block.attn if is_gpt2 else block.self_attn).layer_idx = place
    if is_gpt2:
        small.transformer.h = kept
    else:
        small.model.layers = kept
    small.config.get_text_config().num_hidden_layers = len(layers)
    return small
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "check_prune", "locked": true, "points": 6, "schema_version": 3, "solution": false, "task": false}
check("prune", prune)

# %% [markdown]
# ### Predict first
#
# The course's teacher has six blocks, 0 to 5. You can take out each one alone. Which one does the model miss most, and
# which one least?

# %%
my_blocks = {"missed most": None, "missed least": None}  # 0 to 5
my_blocks = guess(my_blocks, low=0, high=5)

# %%
from utils.data import batches
from utils.data.corpus import load_corpus
from utils.measuring.evaluation import evaluate
from utils.models.loading import count_parameters, freeze, load_model, load_tokenizer
from utils.models.pruning import block_states, blocks_of

tokenizer = load_tokenizer(profile.teacher)
teacher, pad = freeze(load_model(profile.teacher)), tokenizer.pad_token_id
text = load_corpus(profile.text, profile.min_characters)
train_rows = batches.rows_of(text.train, tokenizer, profile.max_length, profile.sweep_rows)
tune_rows = batches.rows_of(text.tune, tokenizer, profile.max_length, 64)
validation_rows = batches.rows_of(text.validation, tokenizer, profile.max_length, profile.evaluation_rows)
depth = len(blocks_of(teacher))

if ready(block_influence, prune):
    some = batches.pad(tune_rows, pad)
    influence = block_influence(block_states(teacher, some), some["attention_mask"].bool())
    print(f"the whole teacher: perplexity {evaluate(teacher, validation_rows, pad).perplexity:.1f}")
    for place in range(depth):
        rest = prune(teacher, [other for other in range(depth) if other != place])
        perplexity = evaluate(rest, validation_rows, pad).perplexity
        print(f"block {place}: influence {influence[place]:.3f}; without it, perplexity {perplexity:,.1f}")
    print(f"your guesses: {my_blocks}")

# %% [markdown]
# Compare the two columns. Does the influence find the block that is missed most? Does it put the other blocks in the
# right order?
#
# {% set without = results.how_small.unhealed.without %}
# <details><summary>Our answer</summary>
#
# Block 0 is missed most, by far: without it the perplexity is {{ without[0].perplexity | number }}. The influence finds
# this block. Block 3 is missed least, with {{ without[3].perplexity | number }}, and block 4 follows closely with {{
# without[4].perplexity | number }}. The influence does not find them. It is smallest for block 1 ({{
# without[1].influence | number }}), whose removal costs more ({{ without[1].perplexity | number }}). And it is larger
# for block 4 ({{ without[4].influence | number }}) than for blocks 1, 2 and 3. The influence measures how much a block
# changes its states. It does not measure what later blocks do with the change.
#
# </details>
#
# ## Step 6. Heal
#
# A pruned model is damaged, and a short training repairs much of the damage. We ask two questions at once, so we need
# two controls:
#
# - **which blocks**: half of the blocks by influence, or the first half;
# - **how healed**: on labels alone (CE-only), or distilled from the teacher. Both take the same number of steps.
#
# **Predict first:** what makes the larger difference after healing: which blocks are kept, or how they are healed?

# %%
my_factor = None  # "which blocks" or "how healed"
my_factor = guess(my_factor, "which blocks", "how healed")

# %% tags=["train"]
import functools

from utils.losses.core import distillation_loss
from utils.teachers.remembering import RememberingTeacher
from utils.training.loop import ce_only_step, distill, train_step
from utils.training.settings import settings_of

if ready(block_influence, kept_layers, prune):
    half = depth // 2
    choices = {"by influence": kept_layers(influence, half), "the first": list(range(half))}
    loss = functools.partial(distillation_loss, temperature=1.0, alpha=0.5)
    healings = {"CE-only": (1e-3, None, ce_only_step), "distilled": (2e-3, loss, train_step)}
    remembering = RememberingTeacher(teacher)
    plan = batches.BatchPlan(tuple(train_rows), profile.batch_size, pad, profile.seed, pool=profile.length_pool)
    healed = {}
    for choice, layers in choices.items():
        for healing, (rate, objective, step) in healings.items():
            student = prune(teacher, layers).requires_grad_(True)
            name = f"{choice}, {healing}"
            distill(
                student, remembering if objective else None, plan, settings_of(profile, rate, profile.seed), objective,
                step, checkpoint=outputs / f"{name.replace(' ', '_').replace(',', '')}.pt", name=name,
            )  # fmt: skip
            healed[choice, healing] = freeze(student)

# %%
lab_results = {"rows": []}
if ready(block_influence, kept_layers, prune):
    for choice, layers in choices.items():
        cut = prune(teacher, layers)
        row = {"blocks": choice, "kept": str(layers), "parameters": count_parameters(cut)}
        row["not healed"] = evaluate(cut, validation_rows, pad).perplexity
        row |= {how: evaluate(healed[choice, how], validation_rows, pad).perplexity for how in healings}
        lab_results["rows"].append(row)
        shown = ", ".join(f"{how} {row[how]:.1f}" for how in ("not healed", *healings))
        print(f"{choice} {layers}, {row['parameters']:,} parameters: perplexity {shown}")
    print(f"your guess: {my_factor}")

# %% [markdown]
# This was one seed. Compare two rows to see what the choice of blocks does. Compare two numbers of a row to see what
# the healing does. The first table has more choices and more seeds. For "by trial" we measured all {{
# results.how_small.unhealed.halves | length }} choices before healing and took the best one. "Random" draws other
# blocks for each seed.
#
# {% set rules = ["evenly spaced", "by trial", "by influence", "the first", "the last", "random"] %}
# {{ table(results.how_small.rows | selectattr("student", "in", rules) | selectattr("epochs", "equalto", 2) | rejectattr("healing", "equalto", "distilled, and hidden states") | list, {"student": "blocks", "kept": "kept", "healing": "healed", "perplexity": "perplexity", "over the teacher": "over the teacher's, with 95 % interval", "seeds": "seeds"}) }}
#
# The second table compares two students in each row. A ratio below 1 means that the first one is better.
#
# {{ table(results.how_small.effects[0:6] + results.how_small.effects[9:17], {"student": "student, healing, epochs", "against": "against", "ratio": "ratio of perplexities, with 95 % interval"}) }}
#
# *These are our runs with {{ results.how_small.train_rows }} training rows. The intervals are over documents and seeds.
# We chose the learning rates for three blocks, on other text.*
#
# {% set effects = results.how_small.effects %}
# <details><summary>Our answer</summary>
#
# Which blocks, in most comparisons. Evenly spaced blocks win. With distillation they reach {{ effects[14].ratio |
# number }} times the perplexity of the blocks by influence, and the first half has {{ effects[16].ratio | number }}
# times. The last half loses block 0, and {{ results.how_small.rows[9]["over the teacher"] | number }} times the
# teacher's perplexity remain after healing. How the student is healed changes less: distilled over CE-only is {{
# effects[0].ratio | number }} for the blocks by influence and {{ effects[2].ratio | number }} for evenly spaced ones.
# The first half is the exception among those that keep block 0: for it, the healing (a ratio of {{ effects[3].ratio |
# number }}) matters about as much as another choice of blocks.
#
# Influence comes third of the four choices that keep block 0. It finds the block that must stay; without that block,
# this short healing does not help enough. But influence also kept the last two blocks. Each influence is measured while
# all other blocks are in place, so it says nothing about pairs. A trial of all choices is better than influence ({{
# effects[12].ratio | number }}), and yet it does not find the best choice after healing.
#
# Distilling beats CE-only for every choice of blocks. A third epoch on labels alone takes about as many seconds as
# distilling, and it does not close the gap: distilled over CE-only is then {{ effects[9].ratio | number }} by influence
# and {{ effects[10].ratio | number }} for the first half. "Random" has three seeds, and two of them lost block 0, so do
# not read its mean.
#
# </details>
#
# ### Fewer blocks, or narrower ones?
#
# You can also halve the parameters of the blocks in another way: keep all blocks, with half of the heads and half of
# the neurons in each. "Narrow, a third" has about a third of the blocks' parameters: 3 of 8 heads and 320 of 1,024
# neurons. It is as large as two whole blocks. The table answers two more questions. Do the teacher's weights help, or
# is the shape enough? And what happens if hidden states are matched too? There, each kept block is matched to the state
# that the next kept block read in the teacher.
#
# {% set shapes = ["narrow, half", "evenly spaced", "by influence", "narrow, a third", "2 by influence", "fresh weights"] %}
# {{ table(results.how_small.rows | selectattr("student", "in", shapes) | selectattr("epochs", "equalto", 2) | rejectattr("healing", "equalto", "CE-only") | list, {"student": "student", "healing": "healed", "parameters": "parameters", "perplexity": "perplexity", "over the teacher": "over the teacher's, with 95 % interval", "seconds": "our seconds", "seeds": "seeds"}) }}
#
# {{ table(results.how_small.effects[21:28], {"student": "student, healing, epochs", "against": "against", "ratio": "ratio of perplexities, with 95 % interval"}) }}
#
# *We chose the narrow students' learning rates for half of the heads, on other text. The lowest rate that we tried was
# the best, by a small margin, so a still lower one might be better.*
#
# The next table has the time for one token, divided by the teacher's time, on one thread. The brackets hold the middle
# half of our rounds. They are not a 95 % interval.
#
# {% set timed = [] %}{% for row in results.how_small["seconds a token"] %}{% set _ = timed.append(dict(row, student=row.student.replace("1 blocks", "1 block"))) %}{% endfor %}
# {{ table(timed, {"student": "student", "share of the teacher's": "share of the teacher's seconds"}) }}
#
# {% set rows = results.how_small.rows %}{% set times = results.how_small["seconds a token"] %}
# <details><summary>What you should see</summary>
#
# At equal parameters the narrow student is better than every choice of blocks that we healed. Over evenly spaced blocks
# the ratio is {{ effects[24].ratio | number }}. But it is slower: a token takes {{ times[1]["share of the teacher's"] |
# number(2) }} of the teacher's time, against {{ times[0]["share of the teacher's"] | number(2) }} for three blocks,
# because each block costs the program time. So "small" has two meanings: few parameters, or few seconds.
#
# Fresh weights in the shape of three blocks reach a perplexity of {{ rows[24].perplexity | number }} in as many steps.
# With the teacher's weights, three blocks by influence reach {{ rows[1].perplexity | number }}. They had {{
# results.how_small.unhealed.halves[6].perplexity | number }} before any training. So in a training this short, the
# teacher's weights are worth more than anything else in the table.
#
# Matching hidden states helped the student by influence (a ratio of {{ effects[25].ratio | number }}), for a little
# more time.
#
# </details>
#
# **Predict first:** is there a student that is both faster and better than "narrow, half"?

# %%
my_front = None  # "yes" or "no"
my_front = guess(my_front, "yes", "no")

# %%
from utils.figures.serving import describe_frontier, frontier

recorded = committed("how_small")
cost = {row["student"]: row["share of the teacher's"] for row in recorded["seconds a token"]}
cost["1 block"] = cost.pop("1 blocks")
shape = {
    "1 by influence": "1 block",
    "2 by influence": "2 blocks",
    "by influence": "3 blocks",
    "evenly spaced": "3 blocks",
    "the first": "3 blocks",
    "4 by influence": "4 blocks",
    "5 by influence": "5 blocks",
    "narrow, half": "6 blocks, 4 heads, 512 neurons",
    "narrow, a third": "6 blocks, 3 heads, 320 neurons",
}
points = [
    row | {"cost": cost[shape[row["student"]]]}
    for row in recorded["rows"]
    if row["student"] in shape and (row["healing"], row["epochs"]) == ("distilled", 2)
]
plots.show(frontier(points), describe_frontier(points))
print(f"your guess: {my_front}")

# %% [markdown]
# {% set rows = results.how_small.rows %}{% set times = results.how_small["seconds a token"] %}
# Yes. Four blocks by influence are both faster ({{ times[5]["share of the teacher's"] | number(2) }} of the teacher's
# seconds, against {{ times[1]["share of the teacher's"] | number(2) }}) and better ({{ rows[27]["over the teacher"] |
# number }} times its perplexity, against {{ rows[13]["over the teacher"] | number }}). The pair at about equal seconds
# is five blocks by influence and "narrow, half". Five blocks take {{ times[6]["share of the teacher's"] | number(2) }}
# of the seconds and have {{ rows[28]["over the teacher"] | number }} times the perplexity. So the narrow students win
# at equal *parameters*, and they lose at equal *seconds*. The students with more blocks have more parameters, so they
# need more memory. Which axis is your budget?
#
# ### In one step, or in two?
#
# "Progressive" distillation takes two steps. First you make a middle student and heal it. Then you make the small
# student from the middle one. Here the middle has three blocks by influence, and the small student has two of them. The
# middle gives the small student its weights. It can be its teacher too, or the large teacher can teach both. The
# seconds include the training of the middle and all teachers:
#
# {% set steps = ["2 by influence", "progressive, taught by the middle", "progressive, taught by the teacher"] %}
# {{ table(results.how_small.rows | selectattr("student", "in", steps) | selectattr("healing", "equalto", "distilled") | list, {"student": "student", "epochs": "its epochs", "perplexity": "perplexity", "over the teacher": "over the teacher's, with 95 % interval", "seconds": "our seconds", "seeds": "seeds"}) }}
#
# "2 by influence" is the direct student, without a middle. The next table compares each progressive student with it. A
# ratio above 1 means that the progressive student is worse.
#
# | student | direct student | ratio of perplexities, with 95 % interval |
# | :-- | :-- | --: |
# {% for row in results.how_small.effects[28:] -%}
# | {{ row.student.split(", distilled")[0] }} | {{ row.against[-1] }} epochs | {{ "%.3f" | format(row.ratio) }} [{{ "%.3f" | format(row.low) }}, {{ "%.3f" | format(row.high) }}] |
# {% endfor %}
#
# The progressive student trains for four epochs in total: two for the middle and two of its own. The direct student
# with four epochs has read equally many tokens. The direct student with five epochs has one epoch more than the
# progressive one. It is there because it takes about as many seconds.
#
# {% set effects = results.how_small.effects %}{% macro ratio(row) %}{{ "%.3f" | format(row.ratio) }} [{{ "%.3f" | format(row.low) }}, {{ "%.3f" | format(row.high) }}]{% endmacro %}
# <details><summary>What you should see</summary>
#
# With the middle as its teacher, the small student is worse than all three direct ones.
#
# With the large teacher, it beats the direct student of two epochs: {{ ratio(effects[31]) }}. But that one had read
# half as many tokens. At equal tokens the progressive student is slightly worse: {{ ratio(effects[32]) }}, and the
# interval does not contain 1. At about equal seconds the two cannot be told apart: {{ ratio(effects[33]) }}. There the
# direct student had five epochs against four. Its fifth epoch did not help: its perplexity is {{ rows[18].perplexity |
# number }}, and {{ rows[17].perplexity | number }} with four (from different numbers of seeds).
#
# So the first comparison alone would have shown a gain that comes from more training. Our sizes differ by less than a
# factor of three. These runs do not tell you what happens with a factor of a hundred.
#
# </details>

# %% [markdown]
# ## Step 7. A real model
#
# Our teacher is small. Is a model that people use like it? SmolLM2-135M has thirty blocks. Where its package is installed
# (`requirements-smollm.txt`), your functions choose twenty of them, and the next cell cuts it. Nothing is healed yet.
#
# **Predict first:** twenty blocks by influence, or twenty at equal distances, the first and the last among them: which cut
# is better before healing?

# %%
my_cut = None  # "by influence" or "evenly spaced"
my_cut = guess(my_cut, "by influence", "evenly spaced")

# %%
from utils.labs.dark_knowledge import load_smollm2, smollm2_folder, smollm2_is_here

if ready(block_influence, kept_layers, prune) and smollm2_is_here(profile.name):
    smollm2, its_tokenizer = load_smollm2(smollm2_folder())
    few = batches.rows_of(text.tune, its_tokenizer, 48, 16)
    batch = batches.pad(few, its_tokenizer.pad_token_id)
    found = block_influence(block_states(smollm2, batch), batch["attention_mask"].bool())
    evenly = [round(place * 29 / 19) for place in range(20)]
    for name, kept in {"by influence": kept_layers(found, 20), "evenly spaced": evenly}.items():
        perplexity = evaluate(prune(smollm2, kept), few, its_tokenizer.pad_token_id).perplexity
        print(f"{name:>13}: left out {sorted(set(range(30)) - set(kept))}, perplexity {perplexity:,.0f}")
    del smollm2
print("your guess:", my_cut)

# %% [markdown]
# {% set real = results.smollm.blocks %}{% macro reached(kept, healing) %}{{ (real.rows | selectattr("kept", "equalto", kept) | selectattr("healing", "equalto", healing) | first).perplexity | number }}{% endmacro %}
# Ours, on other text of the same kind. Two of the cuts were healed for {{ results.smollm.steps }} steps on Python's
# documentation, with the rate that suited the tune split best. The control is the whole model, trained alike:
#
# {{ table(real.rows, {"kept": "blocks kept", "healing": "healing", "perplexity": "perplexity", "ratio": "over the whole model as it comes"}) }}
#
# *One seed. In brackets: 95 % {{ term("interval") }} over documents.*
#
# {% set taught = real["distilled over CE-only"] %}{% macro within(row) %}{{ "%.3f" | format(row.ratio) }} [{{ "%.3f" | format(row.low) }}, {{ "%.3f" | format(row.high) }}]{% endmacro %}
# <details><summary>Our answer</summary>
#
# Before healing, influence finds a cut that still predicts: {{ reached("by influence", "not healed") }}, against
# {{ reached("evenly spaced", "not healed") }} for equal distances. Those leave out block 1, which turns its states more than
# all but two of the others ({{ real.influence[1] | number }}). The first and the last twenty are worse still.
#
# Healing does not make the cuts equal. On labels they reach {{ reached("by influence", "CE-only") }} and
# {{ reached("evenly spaced", "CE-only") }}. Distilled over CE-only, the cut by influence gains nothing that shows:
# {{ within(taught[0]) }}. The worse cut gains: {{ within(taught[1]) }}. So the choice of blocks matters more than the way
# of healing, as with our teacher. But there equal distances won, and here influence does. No rule is safe: cut in several
# ways, and measure.
#
# Mind the control. After healing, the cut by influence predicts this text better than the whole model as it comes. That is
# the new text's doing: the whole model, trained alike, reaches {{ reached("all thirty", "CE-only") }}. Beside that model
# the cut still costs a great deal.
#
# </details>

# %% [markdown]
# ## Say it
#
# **Choose a student.** You serve texts of 4,096 tokens on one machine that has a price: the A100, or the H100 (write
# `hardware("H100")` in the cell of Step 3). You may spend a given sum for a million tokens. In about 150 words, choose
# a size, the bits of its weights, and a batch. Give both times: for a prompt of 4,096 tokens, and for each token after
# it. Say for each of them whether memory or arithmetic is the limit. What would you do first if it had to cost half as
# much? What will that do to the quality? You cannot know yet, so guess, and give a reason with a number from Step 6.
#
# | Points | Rubric |
# |---|---|
# | 1 | Names machine, size, bits and batch, and shows that they fit |
# | 1 | Gives both times, for the prompt and for each token, and the limit of each |
# | 1 | Says what to change for half the price, and why that lowers the price |
# | 1 | Guesses what this does to the quality, with a reason and a number from this lab |

# %% [markdown] nbgrader={"grade": true, "grade_id": "written_choose", "locked": false, "points": 4, "schema_version": 3, "solution": true, "task": false}
# *A sketch of an answer.* I choose the A100 and the 3 B in 16 bits, at the largest batch that Step 3 prints, because
# larger batches do not fit. Weights and caches together fill the memory. The lines of Step 3 give both times. The
# prompt waits for the arithmetic, because the weights are read once for all of its tokens. Each token after that waits
# for the memory: at this batch most of what a step reads is caches, and reading them takes longer than computing.
#
# For half the price I would first keep keys and values in 8 bits. Then twice the batch fits, and a step reads as much
# as before, so a token costs half. I guess that this costs little quality, but this lab has not measured it. Fewer bits
# for the weights would change little here. A student with fewer blocks would need smaller caches too, because each
# layer has its own. For our small teacher, half of the blocks, evenly spaced and distilled, have {{
# results.how_small.rows[5]["over the teacher"]
# | number }} times the teacher's perplexity. I would expect a smaller loss for a larger model with more blocks, and
# measure it on my own text before I decide.

# %% [markdown]
# ## Check yourself
#
# Open the answer that you would choose. Each one says why it is right or wrong.
#
# **1. A 7 B in 16 bits writes one short text. You store its weights in 4 bits instead. At best, how long does a token
# take?**
#
# <details><summary>A. About a quarter of the time.</summary>
# Right. For one text a step waits for the weights, and now they have a quarter of the bytes.
# </details>
# <details><summary>B. As long as before: the number of products is the same.</summary>
# The number of products is the same. But here the processor waits for the memory, and it could compute many more.
# </details>
# <details><summary>C. A sixteenth: reading and computing both take a quarter.</summary>
# Fewer bits leave the number of products as it was. And the two times are not multiplied: a step takes the longer one.
# </details>
#
# **2. A block has an influence of 0.05. Can it go?**
#
# <details><summary>A. Yes, it hardly changes anything.</summary>
# It hardly turns its states. But the influence does not measure what later blocks do with this small change.
# </details>
# <details><summary>B. It is a candidate. Take it out and measure.</summary>
# Right. You saw that the order of small influences is not the order of the damage.
# </details>
# {% set without = results.how_small.unhealed.without %}
# <details><summary>C. Yes, if no other block has a smaller influence.</summary>
# In our teacher, block 1 has the smallest influence. Without it the perplexity is {{ without[1].perplexity | number }},
# and without block 3 it is only {{ without[3].perplexity | number }}.
# </details>
#
# **3. A pruned model gives the right logits in one call, and `generate` fails. What was forgotten?**
#
# <details><summary>A. The final norm.</summary>
# Without it, the logits of a single call would be wrong too.
# </details>
# <details><summary>B. The blocks' places in the cache.</summary>
# Right. `layer_idx` is used only with a cache, and `generate` uses one.
# </details>
# <details><summary>C. Healing.</summary>
# Healing improves the text, but it does not repair an index.
# </details>

# %% [markdown]
# ## Take away
#
# - You can compute parameters, cache, seconds and price from a configuration and a few figures of the machine. Do it
#   before you train.
# - One text waits for the memory, so bytes count: use fewer parameters or fewer bits. The caches limit the largest
#   batch. Their size depends on layers and key-value heads, not on the number of parameters.
# - The influence of a block is cheap to measure, and it finds the block that must stay. It does not put the other
#   blocks in order: evenly spaced blocks beat it here.
# - The choice of blocks still matters after healing. Compare choices after healing, each beside its control.
# - At equal parameters the narrow student was better. At equal seconds the shallow one was. Say which of the two you
#   pay for.
# - Compare two steps with one step that reads as many tokens. Count the tokens of the middle student too.
#
# ## After this: the tools people use
#
# | Here | There | What to watch |
# |---|---|---|
# | `prune(model, layers)` | mergekit, `merge_method: passthrough` with `layer_range` | the end of a range is not included |
# | influence, then healing | NVIDIA ModelOpt, `prune(mode="mcore_minitron")` | needs NeMo and a GPU; it can search depth and width together |
# | `Serving` | vLLM's start-up lines, "GPU KV cache size" | weights and cache share the part of the memory that `gpu_memory_utilization` allows |
# | perplexity | lm-eval | pruned models often lose arithmetic first, and a perplexity hides it |
#
# Your pruned model is a complete model. The last cell saves it, loads it again with transformers, and compares what
# both write.

# %%
import tempfile

from transformers import AutoModelForCausalLM

if ready(prune):
    small = prune(teacher, [0, depth - 1])
    ids = torch.tensor([tokenizer("Return the number of", add_special_tokens=False)["input_ids"]], device=small.device)
    settings = {"max_new_tokens": 16, "do_sample": False, "use_cache": True, "pad_token_id": pad}
    settings["attention_mask"] = torch.ones_like(ids)
    with tempfile.TemporaryDirectory() as folder:
        small.save_pretrained(folder)
        loaded = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).to(small.device).eval()
    small.forward = type(small).forward.__get__(small)  # float32, as the loaded one
    same = small.generate(ids, **settings).tolist() == loaded.generate(ids, **settings).tolist()
    print(f"loaded again, it writes the same tokens: {same}")
