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
# A student's size is chosen before it is trained, and most of what it will cost can be computed then: memory, seconds,
# money. Its *shape* can be chosen too. The cheapest student is a part of its teacher: take blocks out, and train what is
# left for a short while. Two questions: how small must it be, and which blocks may go?
#
# **After this lab you can**
#
# - say what a model costs from its configuration alone: parameters, cache, seconds a token, dollars a million tokens;
# - tell whether memory or arithmetic is the limit, and what a smaller model, fewer bits or a larger batch would change;
# - measure how much each block of a model does, and take blocks out so that a whole model is left;
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
# Run the cells from top to bottom, also the folded one below, which finds the course. If a cell needs a function that
# you have not written yet, it says so in one sentence, and the cells after it still run.

# %% tags=["set-up"]
import torch

from utils.checks import check
from utils.notebook import begin, committed, guess, ready

profile, outputs = begin("07_how_small")

# %% [markdown]
# ## Step 1. How many parameters?
#
# A model's configuration is a page of numbers, and its parameters follow from them. A Llama has
#
# - an embedding, vocabulary x width; the output layer is as large, or it is the same table (`tie_word_embeddings`);
# - in each block four matrices of attention. Queries and the matrix behind the heads have `num_attention_heads` heads, keys
#   and values `num_key_value_heads`; each head has `head_dim` numbers. With `attention_bias`, each of the four has a bias;
# - in each block three matrices between the width and `intermediate_size`;
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
# Your function against the counts that the models' pages give, and against the library, which builds each model without
# memory and counts its modules:

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
# While a model writes, each layer keeps a key and a value for each token so far, for each head that has its own. Weights are
# there once; the cache is there for every text.
#
# **Predict first:** Llama-2-7B has as many heads for keys as for queries. Qwen2.5-7B has 4 for 28. How many times smaller
# is its cache for one token, all layers together: 2, 9 or 30?

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
# So a 3 B of one family can need twice the cache of another's 7 B. The parameters alone do not say what serving costs.
#
# ## Step 3. Seconds
#
# A step of decoding gives each text of a batch one token. It reads every weight once, and all caches; it computes 2 FLOP for each
# weight and text, because a product is added to a sum. Reading and computing happen at once.
#
# **Difficulty:** 2 of 5. **Time:** about 6 minutes.
#
# <details><summary>Hint 1: the idea</summary>
#
# Two times, and the step waits for one of them.
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
# **Predict first:** on one A100 with 80 GB, in 16 bits and for one text, how many times as fast is a 3 B as an 8 B? And for
# the largest batch that fits, at 4,096 tokens each?

# %%
my_gain = {"one text": None, "largest batch": None}  # such as 2
my_gain = guess(my_gain, low=0)

# %%
from utils.measuring.serving import Serving, hardware

if ready(parameter_count, kv_cache_bytes, decode_seconds):
    machine, context = hardware("A100"), 4096
    for name, size in (("Llama-3.1-70B", 0.5), ("Llama-3.1-8B", 2), ("Llama-3.1-8B", 0.5), ("Llama-3.2-3B", 2)):
        config = published_config(name)
        most = Serving(sizes_of(config), machine, size, context=context).largest_batch
        for batch in sorted({1, most}):
            cached = kv_cache_bytes(config, batch, context, 2)
            seconds = decode_seconds(parameter_count(config), size, cached, batch, machine.bandwidth, machine.rate)
            low, high = (1e6 * seconds / batch * price / 3600 for price in machine.price)
            print(f"{name:>14} in {8 * size:2.0f} bits, batch {batch:3}: {1000 * seconds:5.1f} ms a step, ", end="")
            print(f"{batch / seconds:7,.0f} tokens a second, {low:.2f} to {high:.2f} dollars a million")
    print(f"your guesses: {my_gain}")

# %% [markdown]
# These are limits of one machine that is never idle; the prices are of early 2026 and change. Look at the batch: it fills
# the machine, and the cache limits it.
#
# Now with sliders, 70 B beside 7 B beside 3 B. Tab and the arrows work too. Where does a step begin to wait for the arithmetic?

# %% tags=["notebook-only"]
from utils.figures.sliders import serving_explorer

sizes = {name: sizes_of(published_config(name)) for name in ("Llama-3.1-70B", "Qwen2.5-7B", "Llama-3.2-3B")}
serving_explorer(sizes)

# %% [markdown]
# The same picture without sliders: 4 bits, 64 texts of 4,096 tokens each.

# %%
from utils.figures import base as plots
from utils.figures.serving import ServingScene

sizes = {name: sizes_of(published_config(name)) for name in ("Llama-3.1-70B", "Qwen2.5-7B", "Llama-3.2-3B")}
scene = ServingScene(sizes, hardware("A100"))
scene.move(4, 64, 4096)
plots.show(scene.figure, scene.sentence(4, 64, 4096))

# %% [markdown]
# ### Is the limit true here?
#
# The same formula with this machine's rate and bandwidth, measured in a second, against the clock. All in 32 bits, one text.
#
# **Predict first:** by how much will a small model miss its limit? Say how many times the predicted seconds a token takes, for
# the course's teacher and for SmolLM2-135M.

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
# No model may beat its limit by much: the bandwidth was measured too, while other programs may have been running. How far it
# stays above is not in the formula: each layer also costs the program some
# time, however small its matrices are. A tiny model waits for neither memory nor arithmetic.
#
# ## Step 4. Which blocks matter?
#
# The *influence* of a block is 1 minus the cosine between what it reads and what it writes, averaged over positions. A block that
# hardly turns its states might not be missed.
#
# Mind the last state: `output_hidden_states` gives it behind the final norm. `block_states` of this course gives what the last block
# wrote.
#
# **Difficulty:** 2 of 5. **Time:** about 8 minutes.
#
# <details><summary>Hint 1: the idea</summary>
#
# Pairs of neighbouring states; one cosine for each position; one mean for each block.
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
    """The influence of each block, a tensor (L,).

    hidden_states: a list of L + 1 tensors (B, S, D): before the first block, and after each block.
    mask: (B, S) bool, True at positions that count.
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
# Now choose: the most influential stay, in the order of the model.
#
# **Difficulty:** 1 of 5. **Time:** about 3 minutes.
#
# <details><summary>Hint 1: the idea</summary>
#
# Find the largest, then forget how large they are.
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
# A pruned model must be a whole model: its configuration says how deep it is, and each block knows its place in the cache. The
# model that was given stays as it was, because it will be the teacher.
#
# **Difficulty:** 3 of 5. **Time:** about 12 minutes.
#
# <details><summary>Hint 1: the idea</summary>
#
# Copy everything, replace the list of blocks, then look for what else knows the old depth.
#
# </details>
# <details><summary>Hint 2: the formula</summary>
#
# GPT-2 keeps its blocks in `model.transformer.h`, Llama in `model.model.layers`. The number is `config.num_hidden_layers`, the place is `layer_idx` of `block.attn` or `block.self_attn`.
#
# </details>
# <details><summary>Hint 3: the functions</summary>
#
# `copy.deepcopy`, `torch.nn.ModuleList`, `enumerate`, `hasattr`.
#
# </details>


# %% nbgrader={"grade": false, "grade_id": "prune", "locked": false, "schema_version": 3, "solution": true, "task": false}
def prune(model, layers):
    """A copy of a GPT-2 or Llama that keeps the blocks at these places, in this order; shares nothing with the model.

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
# The course's teacher has six blocks, 0 to 5. Each can be taken out alone. Which one does the model miss most, which least?

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
# Compare the two columns. Does the influence find the block that is missed most? And does it put the ones in the middle in the right
# order? The influence is measured without asking what the rest of the model does with the change.
#
# ## Step 6. Heal
#
# A pruned model is damaged, and a short training repairs much of it. Two questions at once, so two controls:
#
# - **which blocks**: half of them by influence, against the first half;
# - **how healed**: on labels alone (CE-only), against distilled from the teacher it was cut from, for as many steps.
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
# One seed. Read the differences in both directions: down the table, the blocks; along it, the healing. Now more choices, over
# more seeds. "By trial" are the blocks whose model was best *before* healing, of all {{ results.how_small.unhealed.halves | length }}
# choices; "random" draws other blocks for each seed:
#
# {% set rules = ["evenly spaced", "by trial", "by influence", "the first", "the last", "random"] %}
# {{ table(results.how_small.rows | selectattr("student", "in", rules) | selectattr("epochs", "equalto", 2) | rejectattr("healing", "equalto", "distilled, and hidden states") | list, {"student": "blocks", "kept": "kept", "healing": "healed", "perplexity": "perplexity", "over the teacher": "over the teacher's, with 95 % interval", "seeds": "seeds"}) }}
#
# {{ table(results.how_small.effects[0:6] + results.how_small.effects[9:17], {"student": "student, healing, epochs", "against": "against", "ratio": "ratio of perplexities, with 95 % interval"}) }}
#
# *Ours, {{ results.how_small.train_rows }} rows; intervals over documents and seeds. Learning rates were chosen on other text, once
# for three blocks and once for half of the heads. For the heads the lowest rate that we tried was the best, by a hair.*
#
# <details><summary>Our answer</summary>
#
# Which blocks. Evenly spaced ones win, and influence comes third of the four that keep block 0. It finds the block that must
# stay; without it, so few steps heal little. But it kept the last two blocks. Each influence is measured while all other
# blocks are there, and says nothing about pairs.
# A trial of all choices is better than influence, and it is not the best after healing either.
#
# Distilling beats CE-only for every choice, and most where the cut was worst. A third epoch on labels alone, which takes about as
# many seconds as distilling, does not close the gap. "Random" has three seeds and two of them lost block 0: do not read its mean.
#
# </details>
#
# ### Fewer blocks, or narrower ones?
#
# Half of the blocks' parameters can go in another way: all blocks stay, each with half of its heads and neurons. And do
# the teacher's weights help, or the shape alone? And what if the hidden states are matched too, each kept block's to what
# the next one read in the teacher?
#
# {% set shapes = ["narrow, half", "evenly spaced", "by influence", "narrow, a third", "2 by influence", "fresh weights"] %}
# {{ table(results.how_small.rows | selectattr("student", "in", shapes) | selectattr("epochs", "equalto", 2) | rejectattr("healing", "equalto", "CE-only") | list, {"student": "student", "healing": "healed", "parameters": "parameters", "perplexity": "perplexity", "over the teacher": "over the teacher's, with 95 % interval", "seconds": "seconds of ours", "seeds": "seeds"}) }}
#
# {{ table(results.how_small.effects[21:28], {"student": "student, healing, epochs", "against": "against", "ratio": "ratio of perplexities, with 95 % interval"}) }}
#
# And the time for a token, over the teacher's, on one thread (in brackets the middle half of our rounds, not a 95 % interval):
#
# {{ table(results.how_small["seconds a token"], {"student": "student", "share of the teacher's": "share of the teacher's seconds"}) }}
#
# <details><summary>What you should see</summary>
#
# At equal parameters the narrow student is better than every choice of blocks that we healed, and it is slower: each block costs
# the program time. So "as small" has two meanings, and the picture below has the seconds. The narrow shapes had learning rates of their
# own. Fresh weights learn next to nothing in so few steps: the start is what pruning buys. Matching hidden states helped the
# student by influence, for a little more time.
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
shape = {
    "1 by influence": "1 blocks",
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
# The narrow students win at equal *parameters*. At equal *seconds* they lose: four blocks by influence are faster than half of the
# heads and neurons, and better. They have more parameters, so they need more memory. Which axis is your budget?
#
# ### In one step, or in two?
#
# "Progressive" means: first a middle student, healed, and then the small one from it. The middle can be the start of the
# small one, and its teacher too. Two blocks, from the three by influence; the seconds count the middle's training and all teachers:
#
# {% set steps = ["2 by influence", "progressive, taught by the middle", "progressive, taught by the teacher"] %}
# {{ table(results.how_small.rows | selectattr("student", "in", steps) | selectattr("healing", "equalto", "distilled") | list, {"student": "student", "epochs": "its epochs", "perplexity": "perplexity", "over the teacher": "over the teacher's, with 95 % interval", "seconds": "seconds of ours", "seeds": "seeds"}) }}
#
# {{ table(results.how_small.effects[28:], {"student": "student, healing, epochs", "against": "direct, healing, epochs", "ratio": "ratio of perplexities, with 95 % interval"}) }}
#
# Four epochs of the direct student have as many tokens as two of the middle and two of the small one; five take about as many
# seconds.
#
# <details><summary>What you should see</summary>
#
# With the middle as its teacher the small student is worse than a direct one, at equal epochs of its own, equal tokens and equal seconds.
# With the middle as its start only, it beats the direct student of two epochs, which had half the tokens. At equal tokens that gain
# is gone, and at equal seconds the two cannot be told apart. So the first comparison alone would have shown a gain that is
# more training. Our sizes differ by a factor of two. This does not say what holds for a factor of a hundred.
#
# </details>
#
# ## Say it
#
# **Choose a student.** You serve one machine of Step 3, texts of 4,096 tokens, and may spend a given sum for a million tokens. In
# about 150 words: choose a size, the bits of its weights, and a batch. Say what the limit is in your setting, and what you would
# do first if it had to be half as expensive. Use numbers of Steps 3 and 6.
#
# | Points | Rubric |
# |---|---|
# | 1 | Names size, bits and batch, and shows that they fit |
# | 1 | Says whether memory or arithmetic is the limit, with both times |
# | 1 | Says what half the price needs, and what it would cost in quality |
# | 1 | Supports a claim with a number from this lab |

# %% [markdown] nbgrader={"grade": true, "grade_id": "written_choose", "locked": false, "points": 4, "schema_version": 3, "solution": true, "task": false}
# *A sketch of an answer.* I choose the 3 B in 16 bits at the largest batch that fits. Weights and caches fill the memory, and the printed
# lines of Step 3 say how long a step takes and what a million tokens cost. With a batch this large most of what a step reads is caches,
# so the memory is still the limit: reading takes longer than computing.
#
# For half the price I would first keep keys and values in 8 bits: twice the batch fits, and a step reads as much as before. Fewer bits for
# the weights would change little here. A shallower student would need fewer caches too, because each layer has its own. What that costs in
# quality, Step 6 shows for our small teacher: half of the blocks, evenly spaced and distilled, have {{
# results.how_small.rows[5]["over the teacher"] | number }} times the teacher's perplexity. Half of the heads and neurons have {{
# results.how_small.rows[13]["over the teacher"] | number }} times, but a token takes longer. I would measure it on my own text before I decide.

# %% [markdown]
# ## Check yourself
#
# Open the choice you would take; each one explains itself.
#
# **1. One text, a 7 B in 16 bits. You store the weights in 4 bits. What happens to the seconds a token, at best?**
#
# <details><summary>A. About a quarter.</summary>
# Right. For one text a step waits for the weights, and there are a quarter of the bytes.
# </details>
# <details><summary>B. Nothing: there are as many products.</summary>
# There are, but the processor waits for the memory here. It has time for many more.
# </details>
# <details><summary>C. Half: the cache stays as it was.</summary>
# The cache stays, but for one short text it is a small part of what is read.
# </details>
#
# **2. A block has an influence of 0.05. Can it go?**
#
# <details><summary>A. Yes, it hardly changes anything.</summary>
# It hardly turns its states. The influence does not know what later blocks make of the small change.
# </details>
# <details><summary>B. It is a candidate. Take it out and measure.</summary>
# Right. You saw that the order of small influences is not the order of the damage.
# </details>
# <details><summary>C. No, every block was trained.</summary>
# Every block was trained, and some can still be missed, above all after healing.
# </details>
#
# **3. A pruned model gives the right logits in one call, and `generate` fails. What was forgotten?**
#
# <details><summary>A. The final norm.</summary>
# Without it, the logits of a single call would be wrong too.
# </details>
# <details><summary>B. The blocks' places in the cache.</summary>
# Right. Without a cache nobody asks for `layer_idx`.
# </details>
# <details><summary>C. Healing.</summary>
# Healing improves the text, but it does not repair an index.
# </details>

# %% [markdown]
# ## Take away
#
# - Parameters, cache, seconds and price follow from a configuration and two figures of the machine. Compute them before you train.
# - One text waits for the memory, so bytes count: fewer parameters or fewer bits. The largest batch is limited by its caches, and
#   their size depends on key-value heads and layers, not on parameters.
# - The influence of a block is cheap and finds the block that must stay. It does not put the others in order: evenly spaced
#   blocks beat it here.
# - Which blocks are kept still shows after healing. Compare choices after healing, each beside its control.
# - At equal parameters narrow was better; at equal seconds shallow was. Say which of the two you pay for.
# - Two steps must be compared with one step of as many tokens, the middle's included.
#
# ## After this: the tools people use
#
# | Here | There | What to watch |
# |---|---|---|
# | `prune(model, layers)` | mergekit, `merge_method: passthrough` with `layer_range` | the end of a range is not included |
# | influence, then healing | NVIDIA ModelOpt, `prune(mode="mcore_minitron")` | needs NeMo and a GPU; it can search depth and width together |
# | `Serving` | vLLM's start-up lines, "GPU KV cache size" | it reserves a share of the memory (`gpu_memory_utilization`) before the cache |
# | perplexity | lm-eval | pruned models often lose arithmetic first, and a perplexity hides it |
#
# Your pruned model is a whole model: saved and loaded by transformers, it writes the same tokens.

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
