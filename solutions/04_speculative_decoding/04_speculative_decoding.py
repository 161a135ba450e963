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
# # Lab 4. Speculative decoding: can a student make its own teacher faster, and give up nothing?
#
# A large model needs one call for each token that it writes. But one call can *read* many tokens. So a cheap model, the
# {{ term("draft") }}, proposes a few tokens; the large one, the {{ term("target") }}, reads all of them in one call;
# and a rule decides which of them stay. With the right rule the text has exactly the distribution that it would have
# without the draft. Two questions remain: how many tokens are kept, and does that save time?
#
# **After this lab you can**
#
# - say how many of a draft's tokens a target keeps, before you have drafted one;
# - write the rule that keeps, rejects and replaces, and prove that it changes nothing;
# - train a draft, and see why the better language model is not always the better draft;
# - tell from two measured numbers whether a draft will save time, and when you should not use one.
#
# {{ header }}

# %% [markdown]
# ## Before you start
#
# | You need | Where to read it |
# |---|---|
# | Distillation: soft targets, KL divergence, the CE-only control | Labs 1 and 2 of this course |
# | Sampling from a language model, temperature, greedy decoding | [How to generate text](https://huggingface.co/blog/how-to-generate) |
# | What a key-value cache saves | [Transformers, Caching](https://huggingface.co/docs/transformers/main/en/cache_explanation) |
# | The idea, in its inventors' words | [Leviathan et al., 2023](https://arxiv.org/abs/2211.17192), section 2; [Chen et al., 2023](https://arxiv.org/abs/2302.01318) |
#
# Run the cells from top to bottom, including the folded one below, which finds the course. If a cell needs a function
# that you have not written yet, it says so in one sentence, and the cells after it still run. A check calls your
# function on a few {{ term("probes", "probe") }}, inputs with a known answer.

# %% tags=["set-up"]
import torch

from utils.checks import check
from utils.notebook import begin, committed, guess, ready

profile, outputs = begin("04_speculative_decoding")

# %% [markdown]
# ## Step 1. How often is a drafted token kept?
#
# The teacher of Lab 2 is now the target, and its student the draft. Both use the same tokenizer. Without that, a
# drafted token would mean something else to the target.
#
# Both compute in plain float32 here. A shorter number type would be faster, but one token read alone would be rounded
# differently from the same token read together with four others.

# %%
from utils.configuration import text_config
from utils.data import batches
from utils.data.corpus import load_corpus
from utils.models.forward import with_fast_forward
from utils.models.loading import count_parameters, freeze, load_model, load_pair

pair = load_pair(profile)
tokenizer = pair.tokenizer
target = with_fast_forward(pair.teacher, torch.float32)
untouched = with_fast_forward(freeze(pair.student), torch.float32)
vocabulary, pad, end = text_config(target).vocab_size, tokenizer.pad_token_id, tokenizer.eos_token_id

text = load_corpus(profile.text, profile.min_characters)
train_rows = batches.rows_of(text.train, tokenizer, profile.max_length, profile.sweep_rows)
validation_rows = batches.rows_of(text.validation, tokenizer, profile.max_length, profile.evaluation_rows)
print(f"target {count_parameters(target):,} parameters, draft {count_parameters(untouched):,}")
print(text.describe())

# %% [markdown]
# At each position the target has a distribution $p$ over the next token, and the draft has a distribution $q$. The
# draft draws a token $x$ from $q$. The token is kept
#
# - always, if $p(x) \ge q(x)$: the target says it at least as often as the draft does;
# - with probability $p(x) / q(x)$ otherwise: the draft says it too often, and the surplus has to go.
#
# How often is a drafted token kept? For each token, multiply the chance that it is drafted by the chance that it is
# then kept. Then add these products up:
#
# $$\sum_x q(x) \, \min\!\Big(1, \frac{p(x)}{q(x)}\Big) = \sum_x \min\big(p(x), q(x)\big) = 1 - \underbrace{\tfrac12 \sum_x |p(x) - q(x)|}_{\text{total variation}}$$
#
# This is the area that both distributions share, the {{ term("acceptance") }}. You can compute it without drafting
# anything: the logits of both models on the same text are enough.
#
# **Difficulty:** 1 of 5. **Time:** about 8 minutes.
#
# <details><summary>Hint 1: the idea</summary>
#
# Turn both sets of logits into probabilities, take the smaller one of each pair, and add up over the vocabulary. That
# gives one number for every position. Then average over the positions that count.
#
# </details>
# <details><summary>Hint 2: the formula</summary>
#
# At one position: the sum over tokens of min(p, q). Over positions: one sum, divided by the number of positions where
# the mask is True.
#
# </details>
# <details><summary>Hint 3: the functions</summary>
#
# `torch.softmax(..., dim=-1)`, `torch.minimum`, `.sum(dim=-1)`. A boolean mask indexes a tensor: `overlap[mask]` has
# the shape (N,).
#
# </details>


# %% nbgrader={"grade": false, "grade_id": "acceptance_rate", "locked": false, "schema_version": 3, "solution": true, "task": false}
def acceptance_rate(target_logits, draft_logits, mask):
    """The share of drafted tokens that the target keeps, averaged over the positions that count.

    target_logits, draft_logits: (B, S, V), on the same text.
    mask: (B, S) bool, True where the logits of that position count; already aligned, so nothing is shifted here.
    Returns a scalar tensor between 0 and 1.
    """
    ### BEGIN SOLUTION
    p = torch.softmax(target_logits, dim=-1)
    q = torch.softmax(draft_logits, dim=-1)
    overlap = torch.minimum(p, q).sum(dim=-1)
    return overlap[mask].mean()
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "check_acceptance_rate", "locked": true, "points": 4, "schema_version": 3, "solution": false, "task": false}
check("acceptance_rate", acceptance_rate)

# %% [markdown]
# ### On which text?
#
# When the target writes, the draft proposes tokens of the *target's* text. So a draft should be judged on such text. In
# the next cell the target continues the beginnings of validation documents. The documents themselves are the human text
# for comparison.

# %%
from utils.labs import speculation

prompt_length = 32
new_tokens = 64 if profile.name != "smoke" else 16
long_rows = [row for row in validation_rows if len(row.input_ids) > prompt_length]
prompts = [list(row.input_ids[:prompt_length]) for row in long_rows[: 100 if profile.name != "smoke" else 8]]
written = speculation.write_on(target, prompts, new_tokens, seed=1)
target_rows = speculation.continuation_rows(written, prompt_length)

if ready(acceptance_rate):
    for name, rows in (("text that the target wrote", target_rows), ("human text", validation_rows)):
        share = speculation.acceptance_on(rows, target, untouched, pad, acceptance_rate)
        print(f"untouched student as a draft, on {name}: {share:.3f} of its tokens would be kept")

# %% [markdown]
# ## Step 2. The rule
#
# A round drafts $\gamma$ tokens. The target reads them in one call and gives $\gamma + 1$ distributions: one for each
# drafted token, and one for what would come after all of them. Then:
#
# 1. Go through the drafted tokens in order. Token $i$ is kept if $u_i < p_i(x_i) / q_i(x_i)$, for a uniform random $u_i$.
# 2. Stop at the first token that is not kept. The tokens behind it were drafted for a text that will not be written. The
#    token that replaces it is drawn from what the target still lacks: $\max(p - q, 0)$, divided by its sum.
# 3. If all are kept, the target's last distribution gives one more token for free.
#
# So a round adds between 1 and $\gamma + 1$ tokens, for one call of the target.
#
# Your function decides, but it draws nothing: it receives the uniform numbers, and returns the *distribution* of the
# next token.
#
# **Difficulty:** 3 of 5. **Time:** about 15 minutes.
#
# <details><summary>Hint 1: the idea</summary>
#
# Find the first rejection and call its place k. If there is none, return gamma and the last row of the target's
# probabilities. Otherwise return k and a distribution made from row k of both.
#
# </details>
# <details><summary>Hint 2: the formula</summary>
#
# Why max(p - q, 0)? A token with p < q is kept as often as p says and must not come a second time. A token with p > q
# is kept as often as q says, so p - q is missing. The missing parts add up to the share of rejections, not to 1.
#
# </details>
# <details><summary>Hint 3: the functions</summary>
#
# A loop with `return` is fine: `drafted.tolist()` gives Python numbers. Without a loop: index with
# `torch.arange(len(drafted))` and `drafted` to get each drafted token's probability, and `.cumprod(0).sum()` counts how
# many ones come before the first zero. `.clamp(min=0)` cuts at zero.
#
# </details>


# %% nbgrader={"grade": false, "grade_id": "verify", "locked": false, "schema_version": 3, "solution": true, "task": false}
def verify(target_probabilities, draft_probabilities, drafted, uniforms):
    """How many drafted tokens are kept, and the distribution that the next token is to be drawn from.

    target_probabilities: (gamma + 1, V), row i before drafted token i, the last row after all of them.
    draft_probabilities: (gamma, V), what the draft drew from.  drafted: (gamma,) token ids, each with q > 0.
    uniforms: (gamma,) in [0, 1).
    Returns (accepted, next_distribution): an int from 0 to gamma, and (V,) probabilities that sum to 1.
    """
    ### BEGIN SOLUTION
    for place, token in enumerate(drafted.tolist()):
        p, q = target_probabilities[place], draft_probabilities[place]
        if uniforms[place] >= p[token] / q[token]:
            left_over = (p - q).clamp(min=0)
            return place, left_over / left_over.sum()
    return len(drafted), target_probabilities[-1]
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "check_verify", "locked": true, "points": 10, "schema_version": 3, "solution": false, "task": false}
check("verify", verify)

# %% [markdown]
# ### Does it change nothing? Not a sample, a sum
#
# "The texts look the same" is no proof: a rule that is five percent off looks the same too. But with a vocabulary of
# three tokens, you can add up everything: every draft, every uniform number (in cells of equal size), every token
# drawn. Two made-up models disagree at every position. The sum goes over every path that a text of three tokens can
# take, with rounds and caches as in a real run.
#
# Three other rules are compared with yours:
#
# - **draw from p**: after a rejection, the next token is drawn from the target's whole distribution;
# - **keep later ones**: tokens behind a rejection stay if they pass;
# - **keep if equal**: the target draws a token too, and the drafted one stays if both are the same.
#
# **Predict first:** how many of the four rules change the distribution?

# %%
my_changed = None  # 0, 1, 2, 3 or 4
my_changed = guess(my_changed, 0, 1, 2, 3, 4)

# %%
from utils.decoding import exact
from utils.decoding.drafts import ModelDraft
from utils.decoding.rules import accept_if_equal
from utils.decoding.speculative import speculate


def draw_from_p(p, q, drafted, uniforms):
    kept, _ = verify(p, q, drafted, uniforms)
    return kept, p[kept]


def keep_later_ones(p, q, drafted, uniforms):
    place = torch.arange(len(drafted))
    kept = int((uniforms < p[place, drafted] / q[place, drafted]).sum())
    rejecting = torch.ones(len(drafted) - kept)  # uniforms of 1: nothing is kept, so verify returns the replacement
    return kept, p[-1] if kept == len(drafted) else verify(p[kept:], q[kept:], drafted[kept:], rejecting)[1]


if ready(verify):
    target_table = exact.TableModel(torch.tensor([[0.5, 0.25, 0.25], [0.25, 0.75, 0.0], [0.0, 0.25, 0.75]]))
    draft_table = exact.TableModel(torch.tensor([[0.25, 0.25, 0.5], [0.5, 0.25, 0.25], [0.25, 0.5, 0.25]]))
    alone = exact.written_alone(target_table, first=1, tokens=3)

    def difference(rule):
        """The largest difference to the target alone, over all texts of three tokens."""

        def decode(chance):
            return speculate(target_table, ModelDraft(draft_table, 3), [1], 3, 2, chance=chance, rule=rule).tokens

        return exact.largest_difference(exact.distribution_of(decode), alone)

    for rule in (verify, draw_from_p, keep_later_ones, accept_if_equal):
        print(f"{rule.__name__:>16}: largest difference to the target alone {difference(rule):.2g}")
    print(f"your guess, how many change it: {my_changed}")

# %% [markdown]
# <details><summary>What you should see</summary>
#
# Two of the four. Your rule and "keep if equal" differ from the target alone only by rounding.
#
# "Draw from p" gives tokens with q > p too often: they were already kept as often as p asks. "Keep if equal" is exact,
# so why does nobody use it? Two separate draws are equal with a probability of the sum of p times q, and this is never
# above the sum of min(p, q). Take two models that agree exactly on ten equally likely tokens: that rule keeps one
# drafted token in ten, and yours keeps all of them.
#
# </details>
#
# ### A sentence, round by round
#
# Now the real pair, with your rule. At temperature 0.6 this small target writes clearer text. Draft and target both use
# this temperature, and the rule stays the same. Press *Next round*, or move to the button with the Tab key and press
# Enter.

# %%
from utils.figures import rounds as pictures

if ready(verify):
    draft = ModelDraft(untouched, vocabulary)
    beginning = tokenizer("Return the number of", add_special_tokens=False)["input_ids"]
    told = speculate(target, draft, beginning, 24, gamma=4, temperature=0.6, end_of_text=end, rule=verify)
    story = pictures.Story.of(tokenizer.decode(beginning), told.statistics.rounds, tokenizer.decode)
    print(story.plain())

# %% tags=["notebook-only"]
pictures.RoundStepper(story) if ready(verify) else None

# %% [markdown]
# The same picture without buttons, all rounds at once. Which tokens are kept easily? And what can the draft not know?

# %% tags=["notebook-only"]
if ready(verify):
    pictures.show_rounds(story)

# %% [markdown]
# **Predict first:** over many texts, is a token kept more often if it *begins* a word, or if it *goes on* with one?

# %%
my_easier = None  # "begins" or "goes on"
my_easier = guess(my_easier, "begins", "goes on")

# %% [markdown]
# {{ table(results.speculation.kinds, {"kind": "the target's token", "tokens": "how many", "untouched": "acceptance there"}) }}
#
# *Ours, for the untouched draft.*
#
# <details><summary>Our answer</summary>
#
# Tokens that begin a word. You might think that the rest of a word is half determined by its beginning. But frequent
# words are single tokens here. A word of several pieces is a rare one, such as a name in a program, and the target
# knows more of these than the draft does.
#
# </details>
#
# ### What tools get wrong: a filter on one side
#
# The rule needs the distribution that the draft *drew from*. Suppose a tool draws from the draft's 50 likeliest tokens
# and gives the rule the whole distribution, or the other way round. Nothing crashes, and the text reads well. But it no
# longer has the target's distribution:
#
# {{ table(results.speculation_rounds.filters, {"k": "top-k", "draft": "the draft", "mean": "total variation, mean", "median": "median", "worst": "worst"}) }}
#
# *Ours: how far the distribution of a round's first token is from the target's, over positions of text that the target
# wrote.* This happened in [a widely used library](https://github.com/huggingface/transformers/issues/47932).

# %% [markdown]
# ## Step 3. Train a draft
#
# What should a draft learn? The share of rejected tokens is the total variation between the two distributions. So make
# it small:
#
# $$\text{loss} = \frac1N \sum_{\text{positions that count}} \tfrac12 \sum_x |p(x) - q(x)|$$
#
# One minus this loss is the acceptance. Only the draft learns.
#
# **Difficulty:** 2 of 5. **Time:** about 8 minutes.
#
# <details><summary>Hint 1: the idea</summary>
#
# It is your acceptance, seen from the other side, as a number that gets smaller as the draft gets better.
#
# </details>
# <details><summary>Hint 2: the formula</summary>
#
# Half of the sum of |p - q|, the sum of max(q - p, 0), and 1 minus the sum of min(p, q) are all the same number. Which
# logits must not get a gradient?
#
# </details>
# <details><summary>Hint 3: the functions</summary>
#
# `torch.softmax`, `.abs()`, `.sum(dim=-1)`, a boolean mask as an index, `.detach()`.
#
# </details>


# %% nbgrader={"grade": false, "grade_id": "draft_loss", "locked": false, "schema_version": 3, "solution": true, "task": false}
def draft_loss(draft_logits, target_logits, mask):
    """The total variation between draft and target, averaged over the positions that count; a scalar tensor.

    draft_logits, target_logits: (B, S, V); mask: (B, S) bool, aligned with the logits.
    Its gradient reaches draft_logits; none reaches target_logits.
    """
    ### BEGIN SOLUTION
    q = torch.softmax(draft_logits, dim=-1)
    p = torch.softmax(target_logits.detach(), dim=-1)
    variation = 0.5 * (p - q).abs().sum(dim=-1)
    return variation[mask].mean()
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "check_draft_loss", "locked": true, "points": 5, "schema_version": 3, "solution": false, "task": false}
check("draft_loss", draft_loss)

# %% [markdown]
# ### Predict first
#
# You train three drafts from the same start, on the same {{ term("rows", "row") }} and for as many steps:
#
# - **{{ term("CE-only") }}**: on the labels of human text. This is the {{ term("control") }}, and a common way to make a draft.
# - **forward KL**: on the target's {{ term("soft targets") }} alone (Lab 2's loss at alpha = 1).
# - **total variation**: your loss.
#
# All three will have a lower {{ term("perplexity") }} on human text than the untouched student. What will their acceptance
# be, on text that the target wrote?

# %%
my_guesses = {"untouched": None, "CE-only": None, "forward KL": None, "total variation": None}  # shares, such as 0.5
my_guesses = guess(my_guesses, low=0, high=1)

# %% tags=["train"]
import functools

from utils.losses.core import distillation_loss
from utils.teachers.remembering import RememberingTeacher
from utils.training.loop import ce_only_step, distill, train_step
from utils.training.settings import settings_of

if ready(draft_loss):
    losses = {
        "CE-only": None,
        "forward KL": functools.partial(distillation_loss, temperature=1.0, alpha=1.0),
        "total variation": speculation.as_training_loss(draft_loss),
    }
    rates = committed("speculation")["learning_rates"]
    rates["CE-only"] = rates["CE-only, best perplexity"]
    teacher = RememberingTeacher(freeze(load_model(profile.teacher)))
    plan = batches.BatchPlan(tuple(train_rows), profile.batch_size, pad, profile.seed, pool=profile.length_pool)
    drafts = {"untouched": untouched}
    for name, loss in losses.items():
        student = load_model(profile.student)
        distill(
            student,
            teacher if loss else None,
            plan,
            settings_of(profile, rates[name], profile.seed),
            loss,
            train_step if loss else ce_only_step,
            checkpoint=outputs / f"{name.replace(' ', '_')}.pt",
            name=name,
        )
        drafts[name] = with_fast_forward(freeze(student), torch.float32)

# %%
from utils.figures import base as plots
from utils.figures import speculation as speculation_plots
from utils.measuring.evaluation import evaluate

lab_results = {"rows": [], "effects": {}}
if ready(acceptance_rate, draft_loss):
    for name, model in drafts.items():
        share = speculation.acceptance_on(target_rows, target, model, pad, acceptance_rate)
        perplexity = evaluate(model, validation_rows, pad, name=name).perplexity
        lab_results["rows"].append({"draft": name, "perplexity": perplexity, "acceptance": share})
        print(f"{name:>16}: perplexity on human text {perplexity:5.1f}, acceptance on the target's text {share:.3f}")
    live = {row["draft"]: row["acceptance"] for row in lab_results["rows"]}
    recorded = speculation.recorded_acceptance(committed("speculation"))
    figure = speculation_plots.acceptance(live, recorded, my_guesses)
    plots.show(figure, speculation_plots.describe_acceptance(live, recorded))

# %% [markdown]
# These are our numbers, over several {{ term("seeds", "seed") }}. Each objective has the learning rate that is best for
# its acceptance on other text. CE-only has a second row, with the rate that is best for its perplexity:
#
# {{ table("speculation") }}
#
# *Embedded profile, {{ results.speculation.train_rows }} rows to train on, {{ results.speculation.prompts }} prompts. In
# brackets: 95 % {{ term("interval") }} over prompts and seeds. "Same argmax" is the acceptance of greedy decoding.* These
# are the paired differences, on the same prompts:
#
# {{ table(results.speculation.differences, {"draft": "draft", "difference": "difference in acceptance", "minus": "compared with"}) }}
#
# **A better language model is not a better draft.** Training on human labels lowers the perplexity, and it does not
# raise the acceptance where it counts. Why not? And compare total variation with forward KL: which is the better
# language model, and which is the better draft?
#
# <details><summary>Our answer</summary>
#
# Labels pull the draft towards what *people* wrote. The target's distribution is somewhere else: it is spread over many
# tokens, and a label names only one of them. The distilled drafts move towards the target itself. Our learning rates
# show the same: the smallest one that we tried was best for CE-only's acceptance. The less it learned, the better a
# draft it remained.
#
# Forward KL gives the better language model, total variation the slightly better draft. Forward KL punishes every token
# that the target may say and the draft rules out, however rare. Perplexity does the same. Total variation, and reverse
# KL, may let rare tokens go: they are a small part of the shared area. The gain over forward KL is small, though:
# compare the last two rows with the ones above.
#
# </details>
#
# ### Predicted and counted
#
# The acceptance was computed from logits, without drafting a token. Do real rounds keep as many? Count them.

# %%
if ready(acceptance_rate, verify, draft_loss):
    some = prompts[: 24 if profile.name != "smoke" else 2]
    for name in ("CE-only", "forward KL"):
        counted = speculation.rounds_on(target, ModelDraft(drafts[name], vocabulary), some, new_tokens // 2, 4, verify)
        shares = [f"{kept / judged:.2f}" for judged, kept in counted.judged_by_position if judged]
        print(f"{name:>16}: predicted {live[name]:.3f}, counted {counted.acceptance:.3f}", end="; ")
        print(f"by place in the round {', '.join(shares)}; {counted.tokens_per_round:.2f} tokens a round")

# %% [markdown]
# {{ table("speculation_rounds") }}
#
# *Ours, on the same texts: the acceptance predicted at the judged places, the one counted there, and the difference
# with its 95 % interval over prompts and seeds.* Your run has few prompts, so it may be off by a few hundredths.
#
# The acceptance is the number of accepted tokens over the number of *judged* tokens. Accepted over *drafted* is lower,
# because nothing behind a rejection was judged. Do not put the lower number into the speed model below.
#
# ### Whose text should a draft learn from?
#
# The draft will be used on the target's text. So should it also learn from the target's text? Here the target itself
# wrote the training rows: it continued each human row from its first 16 tokens. The control is the human rows, cut to
# the same lengths. Both have the same number of rows, steps and tokens:
#
# {{ table(results.speculation["whose text"]) }}
#
# *Acceptance on the target's text; the difference is paired over prompts and seeds.* The target's rows help a little on
# the target's text, and they cost something on human text: see both perplexities. How large is this compared with the
# difference between two objectives above? The control matters. Rows that the target writes without a limit are longer
# than human ones, and more tokens help any draft.

# %% [markdown]
# ## Step 4. Does it save time?
#
# Suppose that each drafted token is kept with the same chance $a$. Then a round adds on average
#
# $$1 + a + a^2 + \dots + a^\gamma = \frac{1 - a^{\gamma + 1}}{1 - a}$$
#
# tokens. Let a draft call cost $c$ times as much as a call of the target, and let reading $\gamma + 1$ tokens cost the
# target as much as reading one. Then a round costs as much as $\gamma c + 1$ calls of the target. Alone, the target
# needs one call for each token.
#
# Mind the limit: at $a = 1$ the fraction is 0 / 0, but the sum is well defined.
#
# **Difficulty:** 1 of 5. **Time:** about 6 minutes.
#
# <details><summary>Hint 1: the idea</summary>
#
# Term i is the chance that at least i drafted tokens are kept. A speedup is tokens over cost; for the target alone it
# is 1.
#
# </details>
# <details><summary>Hint 2: the formula</summary>
#
# The sum has gamma + 1 terms, from a to the power 0 up to a to the power gamma. A round costs gamma draft calls at c
# each, and one call of the target.
#
# </details>
# <details><summary>Hint 3: the functions</summary>
#
# `sum(... for i in range(gamma + 1))` has no special case. The second function calls the first.
#
# </details>


# %% nbgrader={"grade": false, "grade_id": "expected_tokens", "locked": false, "schema_version": 3, "solution": true, "task": false}
def expected_tokens(acceptance, gamma):
    """Tokens that a round of gamma drafted ones adds on average, the target's own included; a float.

    acceptance: a float from 0 to 1, both included; gamma: an int of at least 1.
    """
    ### BEGIN SOLUTION
    return float(sum(acceptance**place for place in range(gamma + 1)))
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "check_expected_tokens", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
check("expected_tokens", expected_tokens)


# %% nbgrader={"grade": false, "grade_id": "speedup", "locked": false, "schema_version": 3, "solution": true, "task": false}
def speedup(acceptance, gamma, cost_ratio):
    """Tokens per second with a draft over tokens per second of the target alone; a float.

    cost_ratio: seconds of one draft call over seconds of one target call, above 0.
    """
    ### BEGIN SOLUTION
    return expected_tokens(acceptance, gamma) / (gamma * cost_ratio + 1)
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "check_speedup", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
check("speedup", speedup)

# %% [markdown]
# ### Predict first
#
# The draft has less than a quarter of the target's parameters. If cost were proportional to parameters, $c$ would be
# below 0.25. How many times as fast will the target be with your distilled draft, at the best of gamma 1, 2 and 4?

# %%
my_speed = None  # such as 1.5
my_speed = guess(my_speed, low=0)

# %% [markdown]
# Now a race: the same prompts run with and without a draft, in turns, each with its own cache. A second draft is a
# table of trigrams, counted on the training rows. Calling it costs next to nothing.

# %%
from utils.decoding.drafts import PromptLookupDraft, TrigramDraft
from utils.labs import racing

if ready(verify, draft_loss, expected_tokens, speedup):
    proposers = {
        "forward KL": (ModelDraft(drafts["forward KL"], vocabulary), (1, 2, 4)),
        "trigrams": (TrigramDraft((row.input_ids for row in train_rows), vocabulary), (1, 2, 4)),
    }
    tracks = racing.settings_of(target, proposers, new_tokens // 2, temperature=1.0)
    race = racing.raced(tracks, prompts[: 8 if profile.name != "smoke" else 2], model=speedup)[1:]
    figure = speculation_plots.speed(race, my_speed, "The embedded pair: your run")
    plots.show(figure, speculation_plots.describe_speed(race))
    for row in race:
        print(
            f"{row['draft']:>10}, gamma {row['gamma']}: {row['times as fast']:.2f} times as fast; acceptance "
            f"{row['acceptance']:.2f} and cost ratio {row['cost ratio']:.2f} predict {row['predicted']:.2f}"
        )

# %% [markdown]
# Ours, with nothing else running:
#
# {{ table(results.speculation_speed.embedded.table) }}
#
# *"Times as fast" has its 95 % interval over prompts. The speed model predicts from the acceptance and the cost ratio
# that we measured in these rounds.*
#
# **With this pair a distilled draft saves no time.** The cost ratio says why: a call of our draft costs much more than
# its share of the parameters. At this size most of a call is fixed cost: many small operations in each layer. And the
# draft has four layers, the target six. Two measured numbers and your `speedup` tell you this before you deploy
# anything.
#
# Where measurement and prediction disagree, look at the assumption that reading $\gamma + 1$ tokens costs as much as
# reading one:
#
# {{ table(results.speculation_speed.embedded.reading) }}
#
# *Ours: milliseconds for one call that reads that many tokens at once, after a cached text of 40.*
#
# ### A real target
#
# SmolLM2-135M has over twenty times as many parameters as our teacher, so fixed costs matter less. Here the number type
# decides. With float32 weights, reading two tokens takes much longer than reading one, because a different kernel
# computes the product. With bfloat16 weights it takes hardly any longer:
#
# {{ table(results.speculation_speed.smollm2.reading) }}
#
# Two drafts need no model: trigrams, and *prompt lookup*. Prompt lookup finds the previous place where the last few
# tokens occurred, and proposes what followed there. If there is no such place, it proposes nothing.
#
# {{ table(results.speculation_speed.smollm2.table) }}
#
# *Ours: SmolLM2-135M-Instruct with bfloat16 weights, batch size 1. "Three blocks, healed" is a draft that SmolLM2 gave
# itself: its blocks {{ results.speculation_speed.smollm2.kept }}, trained by forward KL on the documentation. Where an
# interval is wide, something else ran on the machine for a moment.*
#
# **A draft can pay, and it need not be a distilled one.** Trigrams gain a little on the documentation. The three-block
# draft has about as many tokens kept as the trigrams, but each of its calls costs about a quarter of a target call, so
# nothing is left of the gain. If the target repeats a text, prompt lookup is mostly right and costs next to nothing.
#
# If `requirements-smollm.txt` is installed, the next cell asks SmolLM2 to repeat a sentence. Look at the tokens per
# round first: if they are near 1, few proposed tokens were kept, and even a draft that costs nothing has little to
# gain.

# %%
from utils.labs.dark_knowledge import load_smollm2, smollm2_folder, smollm2_is_here

if ready(speedup) and smollm2_is_here(profile.name):
    smollm2, its_tokenizer = load_smollm2(smollm2_folder())
    smollm2 = smollm2.to(torch.bfloat16)
    sentence = "The quick brown fox jumps over the lazy dog while the cat sleeps in the warm sun."
    ids = its_tokenizer(f"Repeat this sentence: {sentence}\n\nThe quick brown", add_special_tokens=False)["input_ids"]
    lookup = {"prompt lookup": (PromptLookupDraft(text_config(smollm2).vocab_size), (4, 8))}
    for row in racing.raced(racing.settings_of(smollm2, lookup, 24, temperature=0.0), [ids], model=speedup)[1:]:
        print(f"prompt lookup, gamma {row['gamma']}: {row['times as fast']:.2f} times as fast", end=", ")
        print(f"{row['tokens a round']:.1f} tokens a round")

# %% [markdown]
# ## Say it
#
# **When would you not use a draft?** In about 150 words: name three situations in which a draft does not pay. For each,
# say which quantity of the speed model is to blame, and how you would find out before you deploy it. Refer to at least
# one number from this lab.
#
# | Points | Rubric |
# |---|---|
# | 1 | A situation in which the acceptance is too low (such as another domain, or high temperature), and how to measure it without drafting |
# | 1 | A situation in which the cost ratio is too high (such as a small target), measured by timing one call of each |
# | 1 | A situation in which reading many tokens is not as cheap as reading one (such as large batches, or a number type or kernel) |
# | 1 | Supports a claim with a number from the lab |

# %% [markdown] nbgrader={"grade": true, "grade_id": "written_when_not", "locked": false, "points": 4, "schema_version": 3, "solution": true, "task": false}
# *A sketch of an answer.* A draft pays if a round adds more tokens than gamma c + 1.
#
# It does not pay if the acceptance is low: on text unlike the text it was trained on, or with a draft that learned from
# labels and not from the target. Ours kept
# {{ results.speculation.drafts["CE-only, best perplexity"].written.share | number }} of its tokens after such training,
# and {{ results.speculation.drafts.untouched.written.share | number }} before. One forward pass of both models over
# text that the target wrote tells: it is 1 minus the mean total variation.
#
# It does not pay if the draft is nearly as slow as the target. With our pair c was
# {{ results.speculation_speed.embedded["cost ratio"] | number }}, although the draft has less than a quarter of the
# parameters. Timing one call of each shows this.
#
# And it does not pay if reading gamma + 1 tokens costs much more than reading one: in large batches, where arithmetic
# and not memory is the limit, or with an unlucky kernel, as SmolLM2 showed in float32. Time a call that reads one token
# and one that reads five.
#
# In all three cases the text is still exactly the target's. What is lost is time, and the memory for a second model.

# %% [markdown]
# ## Check yourself
#
# Open the choice that you would take. Each one explains itself.
#
# **1. Your draft's acceptance is 0.6. You raise gamma from 4 to 16. What happens to the quality of the text?**
#
# <details><summary>A. It falls: more tokens come from the small model.</summary>
# No. Every token that stays has passed the rule. The text has the target's distribution at any gamma and for any draft.
# </details>
# <details><summary>B. Nothing. Only the speed changes.</summary>
# Right. And it will be slower: a round rarely gets past the fifth token, but all sixteen are drafted.
# </details>
# <details><summary>C. It rises: the target checks more tokens.</summary>
# The target checks every drafted token at any gamma, and the text is as good as the target's, no better.
# </details>
#
# **2. After a rejection, a colleague draws the next token from the target's distribution p. Texts look fine. What is wrong?**
#
# <details><summary>A. Nothing, p is the target's own distribution.</summary>
# It is, but accepted and drawn tokens add up. Tokens with q > p were already kept as often as p asks, and now they come
# again.
# </details>
# <details><summary>B. Tokens with q > p come too often.</summary>
# Right. Only what is missing may be drawn: max(p - q, 0). You saw the difference in an exact sum. In a few samples you
# would not.
# </details>
# <details><summary>C. It is slower.</summary>
# It takes just as long. But it is wrong.
# </details>
#
# **3. A draft has the lower perplexity of two. Is it the better draft for your target?**
#
# <details><summary>A. Yes, it is the better language model.</summary>
# It is, on the text where perplexity was measured. The acceptance asks how close it is to the *target*, on the target's
# text.
# </details>
# <details><summary>B. Not necessarily. Measure the overlap with the target on text that the target wrote.</summary>
# Right. CE-only had a lower perplexity here, and it was no better a draft than the untouched student.
# </details>
# <details><summary>C. No, perplexity and acceptance always go opposite ways.</summary>
# Distillation improved both.
# </details>

# %% [markdown]
# ## Take away
#
# - The rule keeps a drafted token with the chance min(1, p/q). It replaces a rejected one from max(p - q, 0),
#   normalised. The text has exactly the target's distribution. A sum can prove this, a sample cannot.
# - The acceptance is 1 minus the total variation. You can measure it without drafting, on text that the target wrote.
# - A better language model is not a better draft. Distillation makes better drafts; labels alone do not.
# - Acceptance and cost ratio tell you whether a draft saves time. Measure both before you train one, and check that
#   reading many tokens costs as little as reading one.

# %% [markdown]
# ## After this: the same thing in transformers
#
# `generate(assistant_model=...)` drafts and verifies too; transformers calls it assisted generation. Three settings in
# the *assistant's* `generation_config` decide how many tokens it drafts. If you leave them alone, that number changes
# from round to round:
#
# | Here | In transformers | What to watch |
# |---|---|---|
# | `gamma` | `num_assistant_tokens` | the default is 20 |
# | a fixed gamma | `num_assistant_tokens_schedule="constant"` | "heuristic" adds 2 after a round that was kept whole, and takes 1 off after any other |
# | drafts all gamma tokens | `assistant_confidence_threshold=0.0` | the default, 0.4, stops the assistant early where it is not sure, and is adjusted during the run |
# | `PromptLookupDraft` | `generate(prompt_lookup_num_tokens=...)` | no assistant model then |
# | `temperature=0` | `do_sample=False` | |
#
# Greedy decoding has one right text. Your text, the one from transformers and the target's own should be equal token by
# token. In float32, rounding may decide a near-tie, because reading five tokens at once is not computed exactly like
# reading one. So both models compute in float64 here.

# %%
from transformers.utils import logging

if ready(verify):
    logging.set_verbosity_error()  # transformers warns of its own call to its assistant
    both = (load_model(name).eval() for name in (profile.teacher, profile.student))
    exact_target, assistant = (with_fast_forward(model, torch.float32).double() for model in both)
    assistant.generation_config.num_assistant_tokens = 4
    assistant.generation_config.num_assistant_tokens_schedule = "constant"
    assistant.generation_config.assistant_confidence_threshold = 0.0

    ids = torch.tensor([beginning], device=exact_target.device)
    settings = {"max_new_tokens": 24, "do_sample": False, "use_cache": True, "pad_token_id": pad}
    settings["attention_mask"] = torch.ones_like(ids)
    alone = exact_target.generate(ids, **settings)[0, len(beginning) :].tolist()
    assisted = exact_target.generate(ids, assistant_model=assistant, **settings)[0, len(beginning) :].tolist()

    draft = ModelDraft(assistant, vocabulary)
    ours = speculate(exact_target, draft, beginning, 24, 4, temperature=0, end_of_text=end, rule=verify)
    print(tokenizer.decode(ours.tokens))
    print(f"yours equals the target alone: {list(ours.tokens) == alone}")
    print(f"yours equals transformers:     {list(ours.tokens) == assisted}")
