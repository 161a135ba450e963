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
# # Lab 6. Who writes the text: the world, the teacher, or the student itself?
#
# A student learns from text. In Lab 2, people had written it. A teacher can write it too, and then every line is
# something that the teacher would say. But when the student is used, it reads neither text: it reads what *it* has
# written so far, including its own mistakes. So should it be trained on its own text, with the teacher as a critic?
# This is called {{ term("on-policy") }} distillation, and it hides two questions: *whose text*, and *which divergence*.
# This lab takes them apart.
#
# **After this lab you can**
#
# - say how likely a model finds a whole text, and count only the tokens that somebody wrote;
# - write one loss that goes from forward to reverse KL, and say what each end does to a student;
# - write a training step in which the student writes and the teacher scores;
# - say what on-policy training costs, why it need not win, and why "on-policy" alone is not a recipe.
#
# {{ header }}

# %% [markdown]
# ## Before you start
#
# | You need | Where to read it |
# |---|---|
# | KL divergence, and that it has a direction | Labs 1 and 2 of this course |
# | The task: chains of small steps, and the pair that solves them | Lab 5 |
# | The idea in its authors' words | [Agarwal et al., 2024](https://arxiv.org/abs/2306.13649) (GKD), sections 2 and 3; [Gu et al., 2024](https://arxiv.org/abs/2306.08543) (MiniLLM) |
# | A report from practice | [Thinking Machines, 2025](https://thinkingmachines.ai/blog/on-policy-distillation/) |
#
# Run the cells from top to bottom, including the folded one below, which finds the course. If a cell needs a function
# that you have not written yet, it says so in one sentence, and the cells after it still run.

# %% tags=["set-up"]
import torch

from utils.checks import check
from utils.notebook import begin, committed, guess, ready

profile, outputs = begin("06_who_writes")

# %% [markdown]
# ## Step 1. Three writers
#
# The pair is the one from Lab 5. The teacher has read solutions of many lengths. The student has read only solutions of
# one or two steps: it can calculate, and it knows what a short solution looks like. The questions of this lab have
# three or four operations. So the student first reads a few thousand right solutions of such questions: a warm-up.
# Every training run in this lab starts from this warm student.

# %%
from utils.data.batches import BatchPlan, model_inputs, pad
from utils.labs import on_policy as lab
from utils.labs.arithmetic import questions
from utils.labs.reasoning import load_reasoning_pair, prompt_of, rows_of
from utils.models.loading import count_parameters, freeze
from utils.training.loop import ce_only_step, distill, train_step
from utils.training.settings import TrainingSettings

small = profile.name == "smoke"
lengths = (3, 4)
batch_size, warm_up, steps, new_tokens = (8, 2, 2, 24) if small else (32, 150, 30, 112)

pair = load_reasoning_pair()
teacher, warm, tokenizer = pair.teacher, pair.student, pair.tokenizer
padding, end = tokenizer.pad_token_id, tokenizer.eos_token_id
asked = questions(20 if small else 300, lengths, "validation")
print(f"teacher {count_parameters(teacher):,} parameters, student {count_parameters(warm):,}")
print(asked[0].text, asked[0].trace(), sep="\n")
if small:
    print("This is the smoke run: a few steps that show that everything works, and no result that means anything.")


# %% tags=["train"]
def trained(student, rows, rate, step=ce_only_step, loss=None, name="warm-up"):
    """One pass over the rows; the student is trained in place."""
    settings = TrainingSettings(rate, epochs=1, record_parts_every=10**9, seed=profile.seed)
    plan = BatchPlan(tuple(rows), batch_size, padding, profile.seed)
    return distill(student, teacher if loss else None, plan, settings, loss, step, name=name)


first = questions(warm_up * batch_size, lengths)
_ = trained(warm, rows_of(first, [one.trace() for one in first], tokenizer), 2e-3)

# %% [markdown]
# Three writers solve the same questions: the world, which is always right, the teacher, and the student. Teacher and
# student sample from their whole distribution, at temperature 1. The example shown is the first one that the student
# gets wrong.

# %%
few = asked[: 5 if small else 100]
readers = {"the teacher": teacher, "the student": warm}
texts = {"the world": [one.trace() for one in few]}
for name, model in readers.items():
    texts[name] = [found[0] for found in lab.solutions(model, few, tokenizer, new_tokens, temperature=1.0, seed=1)]
right = {name: [lab.judged(*pair).solved for pair in zip(few, texts[name], strict=True)] for name in texts}
example = right["the student"].index(False) if False in right["the student"] else 0
for name, written in texts.items():
    print(f"{name} solves {sum(right[name])} of {len(few)}; for {few[example].text!r} it writes:")
    print("    " + written[example].replace("\n", "\n    "))

# %% [markdown]
# ### How likely is a text?
#
# A language model gives each token a probability, given all tokens before it. The probability of a text is their
# product. A product of a hundred small numbers underflows, so we add logarithms:
#
# $$\log p(\text{completion} \mid \text{prompt}) = \sum_{t \,\in\, \text{completion}} \log p(x_t \mid x_{<t})$$
#
# Two things go wrong easily. The logits at position $t$ are about token $t + 1$. And only the completion counts: nobody
# asked the model how likely the question is.
#
# **Difficulty:** 2 of 5. **Time:** about 10 minutes.
#
# <details><summary>Hint 1: the idea</summary>
#
# Turn the logits into log-probabilities, pick the written token's at the position *before* it, and add up where the
# mask says so.
#
# </details>
# <details><summary>Hint 2: the formula</summary>
#
# Cut the last position off the logits, and the first token off the ids and off the mask. Then all three line up.
#
# </details>
# <details><summary>Hint 3: the functions</summary>
#
# `torch.log_softmax(..., dim=-1)`; `.gather(-1, ids.unsqueeze(-1)).squeeze(-1)` picks one entry at each position;
# `torch.where(mask, x, 0.0)`; `.sum(dim=1)`.
#
# </details>


# %% nbgrader={"grade": false, "grade_id": "sequence_log_probability", "locked": false, "schema_version": 3, "solution": true, "task": false}
def sequence_log_probability(logits, input_ids, completion_mask):
    """The log-probability of each row's completion, given what comes before it, in nats.

    logits: (B, S, V), as the model gives them; input_ids: (B, S).
    completion_mask: (B, S) bool, True where the token at that position belongs to the completion; never at position 0.
    Returns (B,): a sum for each row, 0 for a row without a completion.  The gradient reaches logits.
    """
    ### BEGIN SOLUTION
    log_probabilities = torch.log_softmax(logits[:, :-1], dim=-1)
    written = log_probabilities.gather(-1, input_ids[:, 1:].unsqueeze(-1)).squeeze(-1)
    return torch.where(completion_mask[:, 1:], written, 0.0).sum(dim=1)
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "check_sequence_log_probability", "locked": true, "points": 6, "schema_version": 3, "solution": false, "task": false}
check("sequence_log_probability", sequence_log_probability)

# %% [markdown]
# **Predict first:** the student reads three texts: the world's, the teacher's, and its own. Which one does it find most
# likely, per token?

# %%
my_likeliest = None  # "the world", "the teacher" or "the student"
my_likeliest = guess(my_likeliest, "the world", "the teacher", "the student")

# %%
if ready(sequence_log_probability):
    for name, written in texts.items():
        batch = pad(rows_of(few, written, tokenizer), padding)
        written_here = batch["labels"] != -100
        for reader, model in readers.items():
            with torch.no_grad():
                logits = model.eval()(**model_inputs(batch)).logits
            nats = -sequence_log_probability(logits, batch["input_ids"], written_here).sum() / written_here.sum()
            print(f"{reader} reads a text of {name}: {nats:.3f} nats per token")

# %% [markdown]
# <details><summary>What you should see</summary>
#
# To the student the right solution is the likeliest text, likelier than its own. Its own text was sampled, and sampling
# picks an unlikely token now and then; one is enough to go astray. So a student may find right text likely and still
# not write it.
#
# Now the teacher. On right text, teacher and student differ little. But the teacher finds the student's text far less
# likely than the student does. On-policy training hopes to teach that difference, and it exists only on the student's
# own text. Step 4 measures whether such text teaches more.
#
# </details>
#
# ## Step 2. Which tokens did the student write?
#
# A row of sampled text holds more than the student's words: a prompt before them, padding after them, and if a tool
# does not stop at the end of text, even text that nobody will ever read. Only what the student wrote may count, *with*
# its end of text: stopping is a decision too.
#
# The end of text is the trap: GPT-2 and many other models pad with it, and begin a prompt with it.
#
# **Difficulty:** 2 of 5. **Time:** about 10 minutes.
#
# <details><summary>Hint 1: the idea</summary>
#
# Start after the prompt, go on to the first end of text, and include it. Without an end of text, go on to the first
# padding, or to the end of the row.
#
# </details>
# <details><summary>Hint 2: the formula</summary>
#
# A position counts if it comes after the prompt, with no end of text and no padding between the prompt and it. The
# padding itself does not count. If end of text and padding share an id, the first one counts.
#
# </details>
# <details><summary>Hint 3: the functions</summary>
#
# A loop over rows and positions is fine. Without one: `torch.arange(S) >= prompt_lengths[:, None]`, and
# `stops.cumsum(dim=1) - stops.long()` counts, for each position, how many before it are True in `stops`.
#
# </details>


# %% nbgrader={"grade": false, "grade_id": "completion_mask", "locked": false, "schema_version": 3, "solution": true, "task": false}
def completion_mask(input_ids, prompt_lengths, eos_id, pad_id):
    """Which tokens the model wrote itself: (B, S) bool.

    input_ids: (B, S).  prompt_lengths: (B,), how many positions come before each row's completion, including padding in
    front.  The completion goes up to its first end of text, which counts.  If it has none, it goes up to the first
    pad_id or, if there is none either, to the end of the row.  Padding never comes before a completion's end of text.
    pad_id may be eos_id; then every row that is padded has ended.
    """
    ### BEGIN SOLUTION
    written = torch.arange(input_ids.shape[1]) >= prompt_lengths[:, None]
    ended = (input_ids == eos_id) & written
    stops = ended | ((input_ids == pad_id) & written)
    stopped_before = stops.cumsum(dim=1) - stops.long()
    return written & (stopped_before == 0) & (ended | ~stops)
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "check_completion_mask", "locked": true, "points": 5, "schema_version": 3, "solution": false, "task": false}
check("completion_mask", completion_mask)

# %% [markdown]
# Here is the `sample` of this lab. It uses your mask. The model writes after every prompt. `sample` does not switch
# gradients or dropout on or off: its caller does.

# %%
from utils.decoding.sampling import sample as write_many


def sample(model, prompts, chance=None):
    """What the model writes after each prompt: input_ids, attention_mask and completion_mask, each (B, S)."""
    given = [ids[real.bool()].tolist() for ids, real in zip(*prompts.values(), strict=True)]
    found = write_many(model, given, new_tokens, end, temperature=1.0, generator=chance)
    width = prompts["input_ids"].shape[1]
    rows = torch.full((len(given), width + max(len(one.ids) for one in found)), padding)
    rows[:, :width] = prompts["input_ids"]
    for row, one in zip(rows, found, strict=True):
        row[width : width + len(one.ids)] = torch.tensor(one.ids)
    written = completion_mask(rows, torch.full((len(rows),), width), end, padding)
    before = torch.nn.functional.pad(prompts["attention_mask"], (0, rows.shape[1] - width))
    return {"input_ids": rows, "attention_mask": before | written.long(), "completion_mask": written}


# %% [markdown]
# ## Step 3. One loss from forward to reverse KL
#
# The teacher has a distribution $P$ at every position, the student $Q$. Forward KL, $\mathrm{KL}(P \| Q)$, is Lab 2's:
# the student must give weight to all that the teacher might say. Reverse KL, $\mathrm{KL}(Q \| P)$, turns this around:
# the student must not say what the teacher would not. To go from one to the other, use a mixture
# $M = \beta P + (1 - \beta) Q$:
#
# $$\mathrm{JSD}_\beta = \beta \, \mathrm{KL}(P \| M) + (1 - \beta) \, \mathrm{KL}(Q \| M)$$
#
# At $\beta = 0$ or 1, the mixture equals one of the two, and the loss is 0. So there is a common convention:
# $\beta = 0$ means forward KL, and $\beta = 1$ means reverse KL. (They are the limits of $\mathrm{JSD}_\beta / \beta$
# and $\mathrm{JSD}_\beta / (1 - \beta)$.)
#
# **Difficulty:** 3 of 5. **Time:** about 15 minutes.
#
# <details><summary>Hint 1: the idea</summary>
#
# Three cases: 0, 1, and everything between. In each, compute one number for every position, then one mean over the
# positions that count.
#
# </details>
# <details><summary>Hint 2: the formula</summary>
#
# Stay with logarithms: the log of the mixture is `logaddexp(log P + log beta, log Q + log(1 - beta))`. A probability of
# exp(-2000) is 0 on a computer, and its logarithm is lost. Which logits must not get a gradient?
#
# </details>
# <details><summary>Hint 3: the functions</summary>
#
# `torch.log_softmax`, `torch.logaddexp`, `math.log`. `F.kl_div(input, target, log_target=True, reduction="none")` is
# KL(target || input), in this order. `.detach()`.
#
# </details>


# %% nbgrader={"grade": false, "grade_id": "divergence", "locked": false, "schema_version": 3, "solution": true, "task": false}
def divergence(student_logits, teacher_logits, mask, beta):
    """The generalised Jensen-Shannon divergence, averaged over the positions that count; a scalar tensor, in nats.

    student_logits, teacher_logits: (B, S, V); mask: (B, S) bool, aligned with the logits: nothing is shifted here.
    beta: 0 gives KL(teacher || student), 1 gives KL(student || teacher), and in between it is the teacher's weight.
    Its gradient reaches student_logits; none reaches teacher_logits.
    """
    ### BEGIN SOLUTION
    q = torch.log_softmax(student_logits[mask], dim=-1)
    p = torch.log_softmax(teacher_logits[mask].detach(), dim=-1)

    def kl(one, other):
        return (one.exp() * (one - other)).sum(dim=-1)

    if beta == 0:
        return kl(p, q).mean()
    if beta == 1:
        return kl(q, p).mean()
    weight = torch.tensor(beta, dtype=q.dtype)
    mixture = torch.logaddexp(p + weight.log(), q + (1 - weight).log())
    return (beta * kl(p, mixture) + (1 - beta) * kl(q, mixture)).mean()
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "check_divergence", "locked": true, "points": 10, "schema_version": 3, "solution": false, "task": false}
check("divergence", divergence)

# %% [markdown]
# ### Two modes, and a student with one
#
# What do the two ends do to a student that *cannot* match its teacher? On the left, the teacher's distribution has two
# peaks (modes). On the right, it says "yes" or "no" and hardly ever "perhaps", which lies between them. The student is
# a single bell curve, fitted again for every beta. **Predict first:** what will it do at beta = 0, and what at
# beta = 1? Then move the slider.

# %% tags=["notebook-only"]
from utils.figures.sliders import divergence_explorer

divergence_explorer()

# %% [markdown]
# <details><summary>The same without a slider: both ends</summary>
#
# At beta = 0 the student covers both modes. More than a quarter of what it says lies between them, where the teacher
# says next to nothing, and "perhaps" becomes one of its usual words. At beta = 1 it takes the larger mode and gives up
# the other. The change is not gradual: the student jumps at a beta above one half.
#
# </details>

# %% tags=["notebook-only"]
from utils.figures.modes import show_modes

show_modes(0.0)
show_modes(1.0)

# %% [markdown]
# ## Step 4. The student writes, the teacher scores
#
# Now write the training step:
#
# 1. the student writes after every prompt, without gradient and without dropout: sampled tokens are integers, and no
#    gradient flows through a choice;
# 2. both models read *the same* text, the student with gradient and in train mode;
# 3. the loss compares them at the positions that predict a written token. `completion_mask` marks tokens; the logits at
#    position $t$ are about token $t + 1$;
# 4. the optimizer moves the student, as in Lab 2.
#
# **Difficulty:** 3 of 5. **Time:** about 12 minutes.
#
# <details><summary>Hint 1: the idea</summary>
#
# It is Lab 2's `train_step` with one line in front. What has to be switched before that line, and back after it?
#
# </details>
# <details><summary>Hint 2: the order</summary>
#
# eval, no gradient, sample; train; teacher without gradient; student; loss on the logits without their last position
# and the mask without its first; zero_grad, backward, step.
#
# </details>
# <details><summary>Hint 3: the functions</summary>
#
# `student.eval()`, `student.train()`, `with torch.no_grad():`, `logits[:, :-1]`, `mask[:, 1:]`, `.item()`. Both models need
# the `attention_mask`: prompts are padded in front.
#
# </details>


# %% nbgrader={"grade": false, "grade_id": "on_policy_step", "locked": false, "schema_version": 3, "solution": true, "task": false}
def on_policy_step(student, teacher, prompts, optimizer, sample, loss):
    """One update of the student on text that it writes itself; returns the loss before the update, as a float.

    prompts: a dict of input_ids and attention_mask, padded in front.  Pass it to `sample` unchanged.
    sample(model, prompts): what the model writes; a dict of input_ids, attention_mask and completion_mask, each (B, S).
    It does not switch gradients or dropout on or off.
    loss(student_logits, teacher_logits, mask): a scalar; mask is True at the positions that count.
    The student learns in train mode and is left in it; the teacher is in eval mode already and stays as it is.
    """
    ### BEGIN SOLUTION
    student.eval()
    with torch.no_grad():
        text = sample(student, prompts)
        inputs = {"input_ids": text["input_ids"], "attention_mask": text["attention_mask"]}
        teacher_logits = teacher(**inputs).logits
    student.train()
    student_logits = student(**inputs).logits
    value = loss(student_logits[:, :-1], teacher_logits[:, :-1], text["completion_mask"][:, 1:])
    optimizer.zero_grad()
    value.backward()
    optimizer.step()
    return value.item()
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "check_on_policy_step", "locked": true, "points": 7, "schema_version": 3, "solution": false, "task": false}
check("on_policy_step", on_policy_step)

# %% [markdown]
# ### Predict first: two times two
#
# "On-policy" changes two things at once: the text, and usually the divergence. Here we change one at a time. Every
# training run starts from the same student and takes the same number of steps on the same questions. Each run is called
# an arm:
#
# | | forward KL | reverse KL |
# |---|---|---|
# | **the teacher's text** | white box, as in Lab 2 | ? |
# | **the student's text** | ? | "on-policy distillation" |
#
# There are two more arms: cross-entropy on right solutions ({{ term("SFT") }} on the world's text), and on the
# teacher's text. The latter is called black box, because it needs only what the teacher wrote. White box means that the
# teacher's distributions are known too. Which of the six solves the most questions?

# %%
names = ("SFT, world", "SFT, teacher", "forward, teacher", "reverse, teacher", "forward, student", "reverse, student")
my_best = None  # one of the names
my_best = guess(my_best, *names)

# %% tags=["train"]
import copy
import functools
import time

from utils.labs.speculation import as_training_loss

lab_results = {"rows": []}
if ready(completion_mask, divergence, on_policy_step):
    asked_now = questions(steps * batch_size, lengths, seed=1000)
    prompts_now = [prompt_of(one, tokenizer) for one in asked_now]
    began = time.process_time()
    by_teacher = write_many(teacher, prompts_now, new_tokens, end, 1.0, torch.Generator().manual_seed(1), batch_size)
    writing_seconds = time.process_time() - began
    rows = {
        "world": rows_of(asked_now, [one.trace() for one in asked_now], tokenizer),
        "teacher": lab.written_rows(asked_now, by_teacher, tokenizer),
    }
    rows["student"] = rows["world"]  # only its prompts are used
    rates = committed("on_policy")["live rates"]
    students = {}
    before = lab.solutions(warm, asked, tokenizer, new_tokens)
    worth = lab.summary(lab.judged(one, text) for one, (text,) in zip(asked, before, strict=True))
    print(f"{'the start':>16}: solves {worth['solved']} of {worth['questions']}")
    for name in names:
        objective, text = name.split(", ")
        loss = (
            None if objective == "SFT" else functools.partial(divergence, beta={"forward": 0, "reverse": 1}[objective])
        )
        step = ce_only_step if loss is None else train_step
        if text == "student":
            step = lab.LearnersStep(on_policy_step, loss, sample, profile.seed)
        student = copy.deepcopy(warm)
        began = time.process_time()
        history = trained(student, rows[text], rates[name], step, loss and as_training_loss(loss), name)
        seconds = time.process_time() - began + (writing_seconds if text == "teacher" else 0)
        students[name] = freeze(student)
        found = lab.solutions(student, asked, tokenizer, new_tokens)
        worth = lab.summary(lab.judged(one, text) for one, (text,) in zip(asked, found, strict=True))
        lab_results["rows"].append({"arm": name, "tokens": history.tokens, "seconds": seconds, **worth})
        print(
            f"{name:>16}: solves {worth['solved']} of {worth['questions']}; {history.tokens:,} tokens, {seconds:.0f} s"
        )
    print(f"your guess: {my_best}")

# %% [markdown]
# Ours. Each arm has its own learning rate. We chose it with one seed: it solved the most questions of a third set, the
# tune split, which is used for nothing else.
#
# {{ table(results.on_policy.rows_and_start, {"arm": "arm", "rate": "learning rate", "solved": "solved", "minus start": "difference to the start", "minus": "difference to SFT on the world's text"}) }}
#
# *{{ results.on_policy.seeds }} seeds, {{ results.on_policy.before.questions }} questions each; every arm reads about
# {{ results.on_policy.rows[0].tokens | round(-3) | number }} tokens. In brackets: 95 % {{ term("interval") }} over questions
# and seeds. The first row is the warm student before any of these runs.* One choice changed, the other held fixed:
#
# {{ table(results.on_policy.choices, {"change": "change", "difference": "difference in questions solved", "fewer": "the same, with the first five seeds alone"}) }}
#
# Read the tables before you open the answer. Does the text matter, or the divergence, or both? Which intervals contain
# 0? Where yours disagrees with the tables, remember that it is one run. Even with the same seed, other samples can move
# an arm by more than 40 questions.
#
# <details><summary>Our answer</summary>
#
# The divergence matters. On both texts reverse KL is safely ahead of forward KL (safely: the interval does not contain
# 0). The text matters too. With forward KL the student ends far lower on its own text than on the teacher's. With reverse
# KL the student's text is also behind, but that interval just contains 0. So "on-policy distillation" does *not* win here.
# What helps is the divergence, and it helps on the teacher's text as well.
#
# Now compare with the start. Of these six arms, one alone is safely ahead of it: reverse KL on the teacher's text. It is
# also the only one of the six that is safely ahead of {{ term("SFT") }} on the world's text. Forward KL on the student's own
# text made the student *worse*. SFT on the teacher's text (black box) does about as well as SFT on the world's text. This
# teacher is nearly always right.
#
# {% macro tune(arm, rate) %}{{ (results.on_policy.tried | selectattr("arm", "equalto", arm) | selectattr("rate", "equalto", rate) | first).solved }}{% endmacro %}
# Is the higher learning rate to blame? We tried both. On the tune split, with one seed, the teacher's text at 0.001 gave
# {{ tune("beta 0, teacher text, lambda 0", 0.001) }} right answers with forward KL and
# {{ tune("beta 1, teacher text, lambda 0", 0.001) }} with reverse KL. The student's text at the same rate gave
# {{ tune("beta 0, teacher text, lambda 1", 0.001) }} and {{ tune("beta 1, teacher text, lambda 1", 0.001) }}, and at 0.002
# {{ tune("beta 0, teacher text, lambda 1", 0.002) }} and {{ tune("beta 1, teacher text, lambda 1", 0.002) }}. So the higher
# rate does not explain the gap. But one seed chose the rates.
#
# Why might its own text teach this student less? In some texts it goes wrong early, and what follows answers a
# different question from the one asked. That fits these numbers, but they do not prove it.
#
# Here is something that we saw only afterwards. The starts differ: {{ results.on_policy.start["by seed"] | min | percent }}
# solved with one seed, {{ results.on_policy.start["by seed"] | max | percent }} with another. With reverse KL on its own
# text, the three students that began above 80 % all lost, and six of the seven others gained. Reverse KL on the teacher's
# text shows a milder form: all seven gained, and the three stayed about where they were. So the gain may depend on where
# a student begins. It would take a new experiment to know.
#
# Look at the last column of the second table. With five seeds, three of the four verdicts are different. Both intervals
# for the divergence contain 0. The interval for the text with reverse KL does not.
#
# Now suppose an experiment compared only reverse KL on the student's text with SFT. It would report
# {{ results.on_policy.rows[5].minus }} and see no effect. It would miss that reverse KL helps. It would miss that the
# student's own text hurts with forward KL, and may hurt with reverse KL.
#
# </details>

# %% [markdown]
# ### And mixtures of both?
#
# Lambda is the share of steps on the student's own text. Beta = 1/2 is the divergence halfway between the two ends.
# This is the whole grid:
#
# {{ table(results.on_policy.grid, {"lambda": "lambda", "forward": "forward KL", "half": "beta = 1/2", "reverse": "reverse KL"}) }}
#
# Read it down the columns. With forward KL the number falls clearly as the share of the student's own text grows. With
# reverse KL it falls a little, and chance could explain that. At beta = 1/2 it shows no steady trend. With lambda = 1 and
# beta = 1/2 the student solves {{ results.on_policy.grid[2].half }}. That is more than with forward KL, and about the same
# as with reverse KL.
# `GKDTrainer`, at the end of this lab, has 1/2 as the default for both numbers.

# %% [markdown]
# ### What does it cost?
#
# The student's own text has to be written anew in every step. The teacher's text has to be written too, by a larger
# model. Here every text is used only once, so the cost of writing it is never shared. A team that reuses the teacher's text
# in many training runs pays for it once. The world's text already exists. So now give each arm as many *seconds* as the last arm takes,
# including the writing:
#
# {{ table(results.on_policy.rows_in_seconds, {"arm": "arm", "steps": "steps", "solved": "solved", "minus": "difference to SFT on the world's text"}) }}
#
# Comparisons of teachers often leave out the first row. Where right solutions cost nothing, plain training on more of them
# for as many seconds beats everything here: it has time for {{ results.on_policy.rows_in_seconds[0].steps }} steps. So in
# this task a teacher pays only if right text is expensive.
#
# The arms on the student's text are the runs of the first table. The teacher writes more slowly, so the arms on its text
# get fewer steps. After those they solve fewer questions than the start did ({{ results.on_policy.start.share | percent }}).
# One reason may be the learning rate: it was chosen for 30 steps, and we did not choose it again. The lead of the
# teacher's text is gone. The student's text minus the teacher's is now
# {{ results.on_policy.choices_in_seconds[0].difference }} with forward KL and
# {{ results.on_policy.choices_in_seconds[1].difference }} with reverse KL, and both intervals contain 0.

# %% [markdown]
# ### Where do they err?
#
# A student that never sees its own mistakes may not know how to go on after one. This is called
# {{ term("exposure bias") }}. Here it can be measured. A step may start from a wrong value. We still call it right if it does
# the question's operation correctly on that value.
#
# {{ table(results.on_policy.errors, {"arm": "arm", "step 1": "step 1 fails", "step 2": "step 2 fails", "step 3": "step 3 fails", "step 4": "step 4 fails", "behind": "steps right after an error", "steps behind": "steps after an error"}) }}
#
# *"Step 3 fails" is a share of the questions in which steps 1 and 2 are right, and so on. The last two columns count
# the steps after an error: the share that is right, each judged on its own, and how many there are.*
#
# The last step of four fails most often. It did before training too: with one seed,
# {{ results.on_policy.before.failed[3] }} of {{ results.on_policy.before.at_risk[3] }} last steps failed. The two arms that
# read their own mistakes do no better after an error than the others. So no cure for exposure bias shows here. Mind the
# last column: the steps after an error come from different questions in each row, and some rows have few of them.

# %% [markdown]
# ### What does reverse KL drop?
#
# Four texts for each of {{ results.on_policy.scale.sampled }} questions, {{ results.on_policy.seeds }} seeds, at three
# temperatures. These are counts without intervals, so read only the large differences. The last column is the student's
# surprise at the teacher's text: a smaller number means that it finds this text likelier.
#
# {{ table(results.on_policy.diversity, {"arm": "arm", "temperature": "temperature", "right": "texts right", "distinct": "distinct texts per question", "any": "questions with a right text among four", "nats": "nats per token of the teacher's text"}) }}
#
# Reverse KL makes a student more decisive: it writes fewer distinct texts, and a larger share of all its texts is right.
# Up to temperature 1 the difference is large. A question of this task has one right solution, so reverse KL drops mostly errors. With several right
# answers, fewer distinct texts would be a loss. Reverse KL could have another price: the student might find the
# teacher's own text less likely. The last column says that this does not happen here.

# %% [markdown]
# ### How large must the gap be?
#
# How far is the student from its teacher? We call this the gap. The table has five starts:
#
# {{ table(results.on_policy.gaps, {"student": "student", "warm-up steps": "warm-up steps", "arm": "arm", "rate": "learning rate", "share": "solved", "minus start": "difference to its start", "minus": "difference to SFT on the world's text"}) }}
#
# *{{ results.on_policy.gaps[0].seeds }} seeds; each arm of each student has its own learning rate, chosen with one seed on
# other questions. "Middle" is the pair's student, "smaller" has two of its three layers, "larger" is made of half of the
# teacher's layers.*
#
# In no row does the student's own text safely beat SFT on the world's text. So this experiment cannot say how large the
# gap must be. What the rows do say:
#
# - Reverse KL on the teacher's text safely beats SFT from one of the five starts: the one of the first table.
# - Without a warm-up, the student solves almost nothing. Right solutions teach it a little. The two other arms show no
#   gain in so few steps.
# - A smaller student learns from its own text too, but safely less than from the world's.
# - Where the student is nearly as good as its teacher, there is little left to learn. For the larger student very low
#   rates were best, and it stayed where it was. After the long warm-up we chose 0.002 with one seed for both arms with
#   reverse KL, and over all seeds it did harm.

# %% [markdown]
# ## Say it
#
# **Whose text, which divergence?** Your team has a strong teacher with open weights, and a small student for customers'
# questions, which have several right answers. In about 150 words: on whose text would you train, and with which
# divergence? Name one cost or risk of your choice. What would you measure before you decide? Use numbers from your run
# or from our tables.
#
# | Points | Rubric |
# |---|---|
# | 1 | Separates the two choices (whose text, which divergence) and gives a reason for each |
# | 1 | Says what the chosen divergence does where the student cannot match the teacher (covers, or chooses) |
# | 1 | Names a cost or a risk of on-policy training: seconds for writing, or a teacher that is at a loss on the student's errors |
# | 1 | Names a measurement with its control, and supports a claim with a number from the lab |

# %% [markdown] nbgrader={"grade": true, "grade_id": "written_who_writes", "locked": false, "points": 4, "schema_version": 3, "solution": true, "task": false}
# *A sketch of an answer.* Two choices. Text: I would start with the teacher's text. It can be written once and used in
# many training runs. With reverse KL it took the student to {{ results.on_policy.rows[3].solved | percent }} here, and as
# many tokens of the student's own text to {{ results.on_policy.rows[5].solved | percent }}; the interval of the difference
# just contains 0. The student's text has to be written anew in every step. I would still try it with a few seeds, because
# my student's errors may be different from this one's.
#
# Divergence: there are several right answers. Forward KL would have the student cover all of them and also what lies
# between. Reverse KL would have it choose one that the teacher finds likely. For customers one right answer is enough, so
# reverse KL. If they want many different answers, I would not use it.
#
# Before I decide I would measure both at equal seconds, on questions that no training saw, with SFT on the teacher's text
# as the control, and with ten seeds. And I would ask what right answers from people cost: at equal seconds they beat all
# other arms here.

# %% [markdown]
# ## Check yourself
#
# Open the choice you would take; each one explains itself.
#
# **1. You train on the student's own samples, with cross-entropy on them as the loss and no teacher. What will it learn?**
#
# <details><summary>A. To be better: on-policy text fits it best.</summary>
# No. Its own text is what it already says. Somebody has to tell it what is wrong.
# </details>
# <details><summary>B. To say what it already says, more surely.</summary>
# Right. The gradient is zero on average, and chance makes the student drift. What it drifts toward it draws more often,
# until it draws little else. On-policy training lives on the teacher's
# score.
# </details>
# <details><summary>C. To write more varied text.</summary>
# No: nothing in it pushes toward variety. A token that is never drawn is never made likelier.
# </details>
#
# **2. With beta = 0.001 your loss is about a thousandth of forward KL. What is wrong?**
#
# <details><summary>A. Nothing: JSD is about beta times forward KL there.</summary>
# Right. Near the ends, beta scales the loss and hardly changes its direction. With plain SGD the student would hardly
# move. AdamW divides most of that scale out. When you compare betas, give each its own learning rate.
# </details>
# <details><summary>B. The limit is wrong: at 0 it should be reverse KL.</summary>
# At 0 it is forward KL. Near 0, the size changes.
# </details>
# <details><summary>C. The mixture underflows.</summary>
# Not if you stay with logarithms. Divide the loss by beta: what do you get?
# </details>
#
# **3. A colleague masks with `input_ids != pad_id` after the prompt; pad and end of text share one id. What does the
# student unlearn?**
#
# <details><summary>A. Nothing: padding must not count.</summary>
# Padding must not. But the student wrote the first of these tokens.
# </details>
# <details><summary>B. To stop.</summary>
# Right. The end of text never counts, so nothing trains the student to write it, and the student goes on until it is
# cut off.
# </details>
# <details><summary>C. To begin.</summary>
# The beginning comes after the prompt and counts.
# </details>

# %% [markdown]
# ## Take away
#
# - "On-policy" is one of two choices. Whose text, and which divergence: change one at a time.
# - On-policy training does not always win. From the middle start, at equal tokens, reverse KL brought the gain. The
#   student's own text brought no further gain, and with forward KL it did harm. From other starts reverse KL gained less,
#   nothing, or did harm.
# - Forward KL covers, reverse KL chooses. Near its ends beta changes the strength of the loss more than its direction.
# - The control at equal seconds is more right text. Where that is cheap, no teacher is needed.
# - The student writes without gradient and in eval mode; both models score the same tokens; the first end of text counts.
# - Compare at equal tokens and at equal seconds, each arm with its own learning rate, and with enough seeds: here five and
#   ten seeds disagreed in three of four verdicts.

# %% [markdown]
# ## After this: the same thing in TRL
#
# TRL has two trainers for this. `DistillationTrainer` always trains on the student's text; `GKDTrainer`, an
# experimental one, can mix texts.
#
# | Here | `GKDConfig` | `DistillationConfig` | What to watch |
# |---|---|---|---|
# | share of steps on the student's text | `lmbda` | | at 0 it trains on the dataset alone |
# | `beta` | `beta` | `beta` | the same meaning in both, 0 forward and 1 reverse; different defaults |
# | the teacher writes the rows | `seq_kd` | | it writes anew in each step in which the student does not |
# | temperature of the writing | `temperature` | `temperature` | in `GKDTrainer` for the writing alone, in the other also for the divergence |
# | `new_tokens` | `max_new_tokens` | `max_completion_length` | a text that is cut has no end of text |
# | no dropout while writing | `disable_dropout` | `disable_dropout` | it switches off dropout in training as well |
#
# The defaults of the release that is installed here:

# %%
from utils.labs.trl_map import how_to_install, trl_defaults, trl_divergence

defaults = trl_defaults()
for config, values in defaults.items():
    print(f"{config}: " + ", ".join(f"{name}={value}" for name, value in values.items()))
if not defaults:
    print(how_to_install())

# %% [markdown]
# Is TRL's divergence the same as yours? Both get the same logits and the same mask.

# %%
if ready(divergence):
    generator = torch.Generator().manual_seed(0)
    ours, theirs = torch.randn(2, 2, 12, len(tokenizer), generator=generator)
    labels = torch.randint(len(tokenizer), (2, 12), generator=generator)
    labels[0, 8:] = -100
    for beta in (0.0, 0.5, 1.0):
        mine = divergence(ours[:, :-1], theirs[:, :-1], labels[:, 1:] != -100, beta).item()
        same = trl_divergence(ours, theirs, labels, beta=beta)
        print(f"beta {beta}: yours {mine:.6f}", how_to_install() if same is None else f"TRL {same.item():.6f}")
