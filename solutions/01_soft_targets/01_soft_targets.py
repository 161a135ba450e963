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
# # Lab 1. What a teacher knows that a label does not
#
# A label names one answer. A trained model gives every answer a probability, also the wrong ones. Those of the wrong
# answers are not noise: they say which wrong answers are nearly right. Geoffrey Hinton called this *dark knowledge*,
# because it hides in numbers that are too small to see. In this lab you make it visible, measure it, and find out
# whether a student can learn from it.
#
# **After this lab you can**
#
# - turn logits into soft targets at any temperature, and say what the temperature changes and what it does not;
# - measure how uncertain a prediction is, and how far one prediction is from another;
# - tell what soft targets carry from what any smoothing of labels would do;
# - say what a high temperature costs, and why it costs less than it seems.
#
# {{ header }}

# %% [markdown]
# ## Before you start
#
# | You need | Where to read it |
# |---|---|
# | Softmax and cross-entropy | [Dive into Deep Learning, 4.1](https://d2l.ai/chapter_linear-classification/softmax-regression.html) |
# | What a language model predicts: a distribution over the next token | [The Illustrated GPT-2](https://jalammar.github.io/illustrated-gpt2/) |
# | Tensors and their last axis in PyTorch | [PyTorch, Tensors](https://docs.pytorch.org/tutorials/beginner/basics/tensorqs_tutorial.html) |
#
# Run the cells from top to bottom. A cell that needs something you have not written yet says so in one sentence and
# stops nothing else.

# %% tags=["set-up"]
from dataclasses import replace

import torch

from utils.checks import check
from utils.data import batches, corpus
from utils.figures import base as plots
from utils.figures import controls as control_plots
from utils.figures import sliders as widgets
from utils.figures import temperature as temperature_view
from utils.labs import dark_knowledge
from utils.labs import soft_target_controls as controls
from utils.losses import core as losses
from utils.machine.workspace import output_folder
from utils.measuring import evaluation
from utils.measuring.sweeps import best_rate
from utils.models import loading as models
from utils.models.profiles import get_profile
from utils.notebook import committed, errors_as_sentences, ready
from utils.training import loop as training
from utils.training.history import settings_of

errors_as_sentences()
profile = get_profile("auto")
outputs = output_folder("01_soft_targets")

# %% [markdown]
# ## Step 1. A picture of a cat
#
# Three classes are enough to see the idea. A model looks at a picture of a cat and gives each class a score, a *logit*.
# The label says: cat. It would say the same for a cat that looks like a tiger and for one that looks like a dog.

# %%
animals = ("cat", "tiger", "dog")
cat_picture = torch.tensor([2.64, 1.61, 0.0])
label = torch.tensor([1.0, 0.0, 0.0])
print("logits:", dict(zip(animals, cat_picture.tolist(), strict=True)))
print("label: ", dict(zip(animals, label.tolist(), strict=True)))

# %% [markdown]
# ### Soft targets
#
# Softmax turns logits $z$ into probabilities. Dividing the logits by a *temperature* $T$ first makes them softer:
#
# $$p_i = \frac{\exp(z_i / T)}{\sum_j \exp(z_j / T)}$$
#
# The result is what a student will be asked to imitate: the *soft targets*. The sum runs over the classes, which
# always stand on the last axis; whatever axes stand in front of it (batch, position) stay.
#
# **Difficulty:** 1 of 5. **Time:** about 5 minutes.
#
# <details><summary>Hint 1: the idea</summary>
#
# First make the differences between the logits T times smaller. Then make probabilities of them as always.
#
# </details>
# <details><summary>Hint 2: the formula</summary>
#
# softmax(z / T), over the last axis. The probabilities of one row sum to 1, at every T.
#
# </details>
# <details><summary>Hint 3: the functions</summary>
#
# `torch.softmax(..., dim=-1)`. Writing the exponentials yourself overflows for large logits; softmax subtracts the
# largest one first.
#
# </details>


# %% nbgrader={"grade": false, "grade_id": "soft_targets", "locked": false, "schema_version": 3, "solution": true, "task": false}
def soft_targets(logits, temperature):
    """softmax(logits / T) over the last axis: (..., V) -> (..., V), each row summing to 1."""
    ### BEGIN SOLUTION
    return torch.softmax(logits / temperature, dim=-1)
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "check_soft_targets", "locked": true, "points": 4, "schema_version": 3, "solution": false, "task": false}
check("soft_targets", soft_targets)

# %% [markdown]
# **Predict first.** At a temperature of 5, will tiger overtake cat? And about which share will dog have? Commit to an
# answer before you run the next cell.

# %%
my_guess_dog = None  # a share between 0 and 1

# %%
if ready(soft_targets):
    for temperature in (0.5, 1.0, 2.0, 5.0, 20.0):
        shares = soft_targets(cat_picture, temperature).tolist()
        print(f"T = {temperature:>4}: " + ", ".join(f"{a} {s:.3f}" for a, s in zip(animals, shares, strict=True)))
    print(f"your guess for dog at T = 5: {my_guess_dog}")

# %% [markdown]
# The order never changes: dividing by a positive number keeps the largest logit the largest. What changes is how much
# is left for the others. At T = 1 you can read that this cat looks a good deal more like a tiger than like a dog. The
# label does not know that. At a low temperature it is hidden again, and at a high one everything looks alike.

# %% [markdown]
# ### Entropy: how uncertain is it?
#
# The entropy of a distribution is the surprise to be expected when an answer is drawn from it. With the natural logarithm
# its unit is the nat (1 nat is 1.44 bits):
#
# $$H(p) = -\sum_i p_i \log p_i \qquad\text{with}\quad 0 \log 0 = 0$$
#
# A one-hot label has none. The most that $V$ classes can have is $\log V$, when all are alike.
#
# **Difficulty:** 2 of 5. **Time:** about 8 minutes.
#
# <details><summary>Hint 1: the idea</summary>
#
# A sum over the last axis, so one number is left for each row. The label is the case to think about: it holds zeros.
#
# </details>
# <details><summary>Hint 2: the formula</summary>
#
# As p goes to 0, p log p goes to 0 as well. A computer says 0 times minus infinity, which is not a number. So the
# logarithm must not be taken where p is 0, or its product must be replaced there.
#
# </details>
# <details><summary>Hint 3: the functions</summary>
#
# `torch.special.entr(p)` is -p log p with that rule built in; `torch.xlogy(p, p)` is p log p with it. Then `.sum(dim=-1)`.
#
# </details>


# %% nbgrader={"grade": false, "grade_id": "entropy", "locked": false, "schema_version": 3, "solution": true, "task": false}
def entropy(probabilities):
    """-sum p log p in nats over the last axis, which it removes: (..., V) -> (...); 0 log 0 = 0."""
    ### BEGIN SOLUTION
    return torch.special.entr(probabilities).sum(dim=-1)
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "check_entropy", "locked": true, "points": 3, "schema_version": 3, "solution": false, "task": false}
check("entropy", entropy)

# %%
if ready(soft_targets, entropy):
    alike = torch.full((3,), 1 / 3)
    print(f"the label:           {entropy(label) + 0:.3f} nats")
    print(f"the model at T = 1:  {entropy(soft_targets(cat_picture, 1.0)):.3f} nats")
    print(f"the model at T = 20: {entropy(soft_targets(cat_picture, 20.0)):.3f} nats")
    print(f"all three alike:     {entropy(alike):.3f} nats, which is log 3")

# %% [markdown]
# ### KL divergence: how far apart are two predictions?
#
# The student is trained to come near the teacher. The distance is the Kullback-Leibler divergence: how many nats you
# lose by believing $q$ where $p$ is true:
#
# $$\mathrm{KL}(p \,\|\, q) = \sum_i p_i \, (\log p_i - \log q_i)$$
#
# $p$ stands first and weighs the sum. In distillation $p$ is the teacher, so every token that the teacher finds likely
# counts, not only the label. Write it from *logits*, at T = 1: logarithms of probabilities that were rounded to 0 are
# lost, logarithms computed from logits are not.
#
# **Difficulty:** 3 of 5. **Time:** about 10 minutes.
#
# <details><summary>Hint 1: the idea</summary>
#
# You need log-probabilities of both, and probabilities of the first. The first one weighs.
#
# </details>
# <details><summary>Hint 2: the formula</summary>
#
# log p = z - log(sum of exp(z)), over the last axis. Then the sum of p * (log p - log q). It is 0 when both are equal,
# and never negative.
#
# </details>
# <details><summary>Hint 3: the functions</summary>
#
# `torch.log_softmax(..., dim=-1)` gives the logarithms. PyTorch's own KL function takes the log of the *second*
# distribution as its first argument; if you use it, it needs `reduction="none"` and a sum over the last axis.
#
# </details>


# %% nbgrader={"grade": false, "grade_id": "kl_divergence", "locked": false, "schema_version": 3, "solution": true, "task": false}
def kl_divergence(p_logits, q_logits):
    """KL(p || q) in nats over the last axis, which it removes: (..., V), (..., V) -> (...).  p stands first."""
    ### BEGIN SOLUTION
    p_log = torch.log_softmax(p_logits, dim=-1)
    q_log = torch.log_softmax(q_logits, dim=-1)
    return (p_log.exp() * (p_log - q_log)).sum(dim=-1)
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "check_kl_divergence", "locked": true, "points": 5, "schema_version": 3, "solution": false, "task": false}
check("kl_divergence", kl_divergence)

# %% [markdown]
# Two checks and one surprise. A prediction does not differ from itself. Adding the same number to all logits changes
# nothing, because softmax does not see it. But the two directions differ: KL is no distance.

# %%
if ready(kl_divergence):
    dog_picture = torch.tensor([1.0, 0.2, 3.0])
    print(f"cat picture to itself:         {kl_divergence(cat_picture, cat_picture):.4f}")
    print(f"cat picture to itself plus 10: {kl_divergence(cat_picture, cat_picture + 10):.4f}")
    print(f"KL(cat picture || dog picture) {kl_divergence(cat_picture, dog_picture):.4f}")
    print(f"KL(dog picture || cat picture) {kl_divergence(dog_picture, cat_picture):.4f}")

# %% [markdown]
# ### Turn it yourself
#
# The slider moves the temperature of the picture of the cat. It takes the mouse and, once it has the focus, the arrow
# keys. On the right: how strongly the target pulls at a student whose logits are all equal, as the norm of the gradient on
# these logits.
#
# With soft targets $p$ of the teacher and $q$ of the student that gradient is $(q - p) / T$. Once $T$ is high, $q - p$
# shrinks like $1/T$ as well, so together the pull shrinks like $1/T^2$. That is why the loss of the next lab multiplies
# by $T^2$. With three classes this begins early. Watch in Step 2 where it begins with 49,152.

# %% tags=["notebook-only"]
by_hand = dark_knowledge.prediction_by_hand(
    "Which animal is it?", dict(zip(animals, cat_picture.tolist(), strict=True)), label="cat"
)
widgets.temperature_explorer([by_hand], temperature=2.0)

# %% [markdown]
# ## Step 2. A real language model
#
# SmolLM2 is a small language model of 135 million parameters. It was asked to go on with the prompts below, and what it
# expected, all 49,152 logits, came with the course. Nothing has to be downloaded.

# %%
predictions = dark_knowledge.saved_predictions()
for prompt in (
    "For breakfast I had eggs and",
    "The capital of Australia is",
    "The doctor told the nurse that",
    "She went to the bank to deposit her",
    "2 + 2 = ",
    "for i in range(",
):
    prediction = dark_knowledge.saved_prediction(prompt)
    top = ", ".join(repr(token) for token in prediction.tokens[:4])
    print(f"{prediction.kind:>10}: {prediction.prompt!r}\n{'':>12}label {prediction.label!r}; the model: {top}")

# %% [markdown]
# Look at the breakfast. The label is one word. The model's answer says that bacon, toast and sausages are of one kind
# here, and it says such a thing at every place of every text. The label of a text would not even tell which of them was
# likely: it is the one that happened to come.
#
# **Predict first.** There are 31 prompts of six kinds: likeness, fact, grammar, ambiguity, arithmetic and code. For which
# kind is the model the *least* certain, so that its entropy is highest? And for which is it the surest?

# %%
my_guess_kind = None  # such as "fact"

# %%
if ready(soft_targets, entropy):
    kinds = {}
    for prediction in predictions:
        p = soft_targets(prediction.logits, 1.0)
        kinds.setdefault(prediction.kind, []).append((entropy(p).item(), p[prediction.label_id].item()))
    means = {kind: torch.tensor(values).mean(dim=0).tolist() for kind, values in kinds.items()}
    for kind, (nats, share) in sorted(means.items(), key=lambda item: -item[1][0]):
        print(f"{kind:>10}: entropy {nats:.2f} nats; the label gets {share:.0%} (mean of {len(kinds[kind])} prompts)")
    print(f"your guess: {my_guess_kind}")

# %% [markdown]
# An entropy of about 5 nats means: as uncertain as between some 150 equally likely tokens. A label would call 149 of
# them wrong in the same way. At the other end, sure is not right: arithmetic has the lowest entropy, and after "2 + 2 = "
# this model likes 3 better than 4. A teacher hands on its mistakes together with its knowledge. (The label of
# "12 * 12 = " is '1' because it is the first digit of the answer.)

# %% tags=["notebook-only"]
widgets.temperature_explorer(predictions)

# %% [markdown]
# If no slider appears, this is the same picture at one temperature. Change the number and run the cell again.

# %%
temperature_view.show_temperature(dark_knowledge.saved_prediction("For breakfast I had eggs and"), temperature=2.0)

# %% [markdown]
# {{ picture("temperatures", alt="Three pictures of SmolLM2's twelve most likely tokens after the prompt For breakfast I had eggs and, at T = 1, 5 and 20. At T = 1 they range from nearly a half to less than a hundredth, bacon first. At T = 5 they lie close together below a thousandth. At T = 20 they stand in one line near the value that all 49,152 tokens would have if they were alike. Their order is the same in all three.") }}
#
# *Ours.* With tens of thousands of classes a temperature of 5 already spreads almost all the probability over tokens
# that nobody would write. With three classes it did not. How much temperature is too much depends on the vocabulary.

# %% [markdown]
# ### Ask a prompt of your own
#
# SmolLM2 answers where its package is installed or the model hub can be reached; otherwise the course's own small
# teacher does, which has read Python's documentation and little else. A label of your own begins with its space, as
# tokens do.

# %% tags=["notebook-only"]
mine = dark_knowledge.ask("Return the number of", label=" items")
widgets.temperature_explorer([mine])

# %% [markdown]
# ## Step 3. A teacher beside its student
#
# From here on you use the pair that the course trains with: a teacher, and a student a few times smaller, both with one
# tokenizer. How far apart are they before the student has learned anything from the teacher?
#
# **Predict first.** Which of the two is more uncertain on average, the teacher or the student?

# %%
my_guess_uncertain = None  # "teacher" or "student"

# %%
pair = models.load_pair(profile)
teacher, student, tokenizer = pair.teacher, pair.student, pair.tokenizer
text = corpus.load_corpus(profile.text, profile.min_characters)
train_rows = batches.rows_of(text.train, tokenizer, profile.max_length, profile.sweep_rows)
validation_rows = batches.rows_of(text.validation, tokenizer, profile.max_length, profile.evaluation_rows)
print(f"{pair.compression:.1f} times smaller; {len(train_rows)} rows to train on, {len(validation_rows)} to judge on")

prompts = ("Return the number of", "Raise a ValueError if the", "If the file does not", "This method returns a new")
asked = {
    name: [dark_knowledge.predict(model, tokenizer, prompt, name=name, kind="Python") for prompt in prompts]
    for name, model in (("teacher", teacher), ("student", student))
}

# %% tags=["notebook-only"]
widgets.temperature_explorer(asked["teacher"], asked["student"])

# %%
temperature_view.show_temperature(asked["teacher"][0], temperature=1.0, student=asked["student"][0])

# %% [markdown]
# ### Your functions on real text
#
# One batch of validation text, every position but the padding. The mean divergence is what the soft part of a
# distillation loss makes smaller. As a control, the library's functions say the same.

# %%
if ready(soft_targets, entropy, kl_divergence):
    batch = batches.to_device(batches.pad(validation_rows[:8], tokenizer.pad_token_id), teacher.device)
    with torch.no_grad():
        answers = [model(**batches.model_inputs(batch)).logits for model in (teacher, student)]
    teacher_rows, student_rows = (losses.shifted(logits, batch["labels"])[0] for logits in answers)
    yours = kl_divergence(teacher_rows, student_rows).mean()
    library = losses.kl_divergence(teacher_rows, student_rows).mean()
    print(f"mean KL(teacher || student): yours {yours:.4f}, library {library:.4f} nats per token")
    print(f"mean entropy of the teacher: {entropy(soft_targets(teacher_rows, 1.0)).mean():.2f} nats")
    print(f"mean entropy of the student: {entropy(soft_targets(student_rows, 1.0)).mean():.2f} nats")
    print(f"your guess, more uncertain: {my_guess_uncertain}")

# %% [markdown]
# The larger model has learned more about what can follow, so fewer tokens are left for it to hesitate between. Not
# everything in the divergence is uncertainty, though: the student also prefers other tokens than the teacher does.
#
# ## Step 4. Does it help, and what is it that helps?
#
# Now the same student is trained four times from the same start, on the same few rows of text in the same order. The loss
# is half the cross-entropy with the label, and half the divergence from a target:
#
# $$\tfrac12\,T^2\,\mathrm{KL}(\text{target at } T \,\|\, \text{student at } T) + \tfrac12\,\mathrm{CE}(\text{label}, \text{student}),
# \qquad T = 1 \text{ for now}$$
#
# The runs differ in the target:
#
# | Run | The target | What it tells |
# |---|---|---|
# | hard labels | none, the label alone | the control |
# | soft targets | the teacher's probabilities | everything the teacher knows |
# | shuffled soft targets | the top token keeps its probability, the others are dealt out at random, anew at each position | as soft as before, position by position, but the likeness is gone |
# | label smoothing | none; the label gets 90 %, all tokens share the rest equally | softness without any teacher |
#
# If soft targets help only because they are soft, the shuffled ones will help as much. If it is the likeness between
# tokens, they will not.
#
# Each run has the learning rate that suits it best on text that is neither trained on nor judged on. On one rate for
# all, you would compare how well each likes that rate.
#
# A student is judged by its *perplexity* on other text: exp of its mean cross-entropy per token, in other words, between
# how many equally likely tokens it hesitates. Lower is better.
#
# **Predict first.** What is each run's perplexity, divided by that of hard labels? Below 1 is better than hard labels.

# %%
my_guesses = {"soft targets": None, "shuffled soft targets": None, "label smoothing": None}  # such as 0.95

# %%
recorded = committed("soft_targets")
settings = settings_of(profile, profile.learning_rate, profile.seed)
plan = batches.BatchPlan(
    tuple(train_rows), profile.batch_size, tokenizer.pad_token_id, profile.seed, pool=profile.length_pool
)


def trained(arm, loss):
    """A fresh student, trained with `loss` and judged on the validation rows."""
    learner = models.load_model(profile.student)
    training.distill(
        learner,
        teacher,
        plan,
        replace(settings, learning_rate=best_rate(recorded, profile, arm, control=arm == controls.HARD)),
        loss=loss,
        checkpoint=outputs / f"{arm.replace(' ', '_')}.pt",
        name=arm,
    )
    return evaluation.evaluate(learner, validation_rows, tokenizer.pad_token_id, name=arm)


# %% [markdown]
# Each run shows its time left. You may interrupt it: running the cell again goes on where it stopped.

# %% tags=["train"]
results = {}
if ready(kl_divergence):
    for arm, loss in controls.arms(profile.temperature, profile.alpha, kl_divergence).items():
        results[arm] = trained(arm, loss)
        print(f"{arm:>22}: perplexity {results[arm].perplexity:.1f}")

# %%
lab_results = {"rows": [], "effects": {}}
if results:
    size = models.count_parameters(student)
    lab_results["rows"] = [evaluation.comparison_row(arm, size, result) for arm, result in results.items()]
    live = {
        arm: evaluation.paired_effect([result], [results[controls.HARD]]).as_dict()
        for arm, result in results.items()
        if arm != controls.HARD
    }
    lab_results["effects"] |= {f"{arm} vs hard labels": effect for arm, effect in live.items()}
    figure = control_plots.ratios(live, recorded["effects"], my_guesses, "What stands beside the label")
    plots.show(figure, control_plots.describe(live, recorded["effects"]))

# %% [markdown]
# {{ table(results.soft_targets.rows[:4]) }}
#
# *Ours, on the embedded pair with several seeds (other draws of rows and order), and 95 % intervals in brackets; your one
# run will differ a little, in a smaller profile a lot.* Compare the second line with the third. Both runs saw the same
# first choice of the teacher and the same uncertainty at every position. Only one of them was told *which* other tokens
# would have done. The shuffled run is even worse than hard labels. Why? Its targets are not empty, they are false: at
# every position they praise tokens that nobody would write. Label smoothing is the milder control. It praises no token
# more than another, and it does not help either.
#
# ## Step 5. How soft?
#
# A temperature between 2 and 5 is often advised. The advice comes from pictures with few classes:
# [Hinton et al., 2015](https://arxiv.org/abs/1503.02531) found 2.5 to 4 best for a very small student of handwritten
# digits, and for a larger one hardly a difference above 8. Your slider has shown what a large vocabulary makes of such a
# temperature. So try it: the soft targets again, at T = 1, 5 and 20, each with its factor $T^2$.
#
# **Predict first.** Same scale as before.

# %%
my_temperature_guesses = {"T = 1": None, "T = 5": None, "T = 20": None}

# %% tags=["train"]
by_temperature = {}
if results:
    by_temperature[f"T = {profile.temperature:g}"] = results[controls.SOFT]
    for temperature in (1.0, 5.0, 20.0):
        arm = f"T = {temperature:g}"
        if arm not in by_temperature:
            loss = controls.soft_target_loss(temperature, profile.alpha, kl_divergence)
            by_temperature[arm] = trained(arm, loss)
        print(f"{arm:>6}: perplexity {by_temperature[arm].perplexity:.1f}")

# %%
if by_temperature:
    live = {
        arm: evaluation.paired_effect([result], [results[controls.HARD]]).as_dict()
        for arm, result in by_temperature.items()
    }
    new = {arm: result for arm, result in by_temperature.items() if result is not results[controls.SOFT]}
    lab_results["rows"] += [evaluation.comparison_row(arm, size, result) for arm, result in new.items()]
    lab_results["effects"] |= {f"{arm} vs hard labels": effect for arm, effect in live.items()}
    figure = control_plots.ratios(live, recorded["effects"], my_temperature_guesses, "How soft the targets are")
    plots.show(figure, control_plots.describe(live, recorded["effects"]))

# %% [markdown]
# {{ table(results.soft_targets.rows[4:]) }}
#
# *Ours, as above; T = 1 is the second run of Step 4.* T = 1 is the best of the three, and its interval does not meet the
# others. (In Lab 3's runs another learning rate came out best for T = 5, and there its interval just touches that of T = 1:
# the order is the same, the distance less sure.) Yet even T = 20 is clearly better than hard labels, though its targets look all alike. They are not quite: the
# logits still differ, if only by a twentieth, and $T^2$ makes the pull of that difference large again. What a high
# temperature costs is the sense of proportion. Tokens far down the list, about which the teacher knows little, count as
# much as those at the top. So it takes away a part of the gain here, and not all of it. (Half of this loss is labels, too.
# In Lab 3 you take them away.)
#
# ## Say it
#
# **Exercise 1. Hard against soft labels.** In about 150 words: why do soft labels carry more than hard ones? Use one
# prediction of Step 2, and one number from Step 4 together with its control.
#
# | Points | Rubric |
# |---|---|
# | 1 | Says that soft labels rank the wrong answers: likeness between classes or tokens |
# | 1 | Says that they carry the teacher's uncertainty, which differs from place to place |
# | 1 | Gives a concrete prediction and reads it rightly |
# | 1 | Supports the claim with a number from Step 4, compared with the shuffled control or label smoothing |

# %% [markdown] nbgrader={"grade": true, "grade_id": "written_soft_labels", "locked": false, "points": 4, "schema_version": 3, "solution": true, "task": false}
# *A sketch of an answer.* A hard label names one token and treats all others as equally wrong. A soft label also ranks
# the others: after "For breakfast I had eggs and" the model prefers bacon, but toast and sausage have a share as well,
# and most of the vocabulary has next to none. So each position teaches something about many tokens. It also says how
# certain to be: "100 degrees" is followed by Celsius almost surely, "She has never" by almost anything, and the label
# looks the same in both. That this is more than smoothing is shown by the control: the shuffled targets have the same
# entropy at every position and the same first token. Their ratio to hard labels is clearly worse than that of the true
# soft targets, so the likeness is what helped. The same holds for label smoothing, which knows no teacher at all.

# %% [markdown]
# **Exercise 2. Temperature.** In about 150 words: what happens to the targets, and to what the student learns, at T = 1, 5
# and 20? Why is a range of 2 to 5 often named, and what is different for a language model?
#
# | Points | Rubric |
# |---|---|
# | 1 | Describes all three: at 1 the model's own belief, at 5 flatter with more weight on the tail, at 20 nearly uniform |
# | 1 | Says that the order stays while the proportions go: the far tail counts as much as the top |
# | 1 | Explains T squared: the gradient is (q - p) / T, and at high T the difference shrinks like 1 / T too |
# | 1 | Relates it to the vocabulary's size or to the measured result of Step 5 |

# %% [markdown] nbgrader={"grade": true, "grade_id": "written_temperature", "locked": false, "points": 4, "schema_version": 3, "solution": true, "task": false}
# *A sketch of an answer.* At T = 1 the targets are what the teacher believes. At T = 5 the differences between logits are
# a fifth, so the first token gives up most of its share and the small ones become visible. At T = 20 all tokens are
# nearly alike: the order is still there, but it hardly shows, and noise in the tail counts as much as knowledge. The
# gradient on the logits is (q - p) / T, and at a high T the difference q - p shrinks like 1 / T too, so the loss multiplies
# by T squared to keep its pull. A range of 2 to 5 comes from tasks with few classes, where it shows the likeness without
# drowning it. A language model has tens of thousands of tokens, and even at T = 5 almost all the probability lies on
# tokens nobody would write. In Step 5 T = 1 was best. T = 20 lost a part of the gain, but was still better than hard
# labels, because T squared brings back what little difference is left.

# %% [markdown]
# ## Check yourself
#
# Open the choice you would take; each one explains itself.
#
# **1. You raise the temperature from 1 to 4. What happens to the most likely token?**
#
# <details><summary>A. Another token may become the most likely one.</summary>
# No. Dividing all logits by one positive number keeps their order.
# </details>
# <details><summary>B. It stays the most likely one, with a smaller share.</summary>
# Right. The order stays, the differences shrink, and the rest gains what the first one loses.
# </details>
# <details><summary>C. It stays the most likely one, with a larger share.</summary>
# That is what a temperature below 1 does.
# </details>
#
# **2. KL(teacher || student) is 0 at some position. What do you know?**
#
# <details><summary>A. Both models choose the same token there.</summary>
# True, but it is far more than that. Two models can choose the same token and be far apart.
# </details>
# <details><summary>B. The student predicts the label there.</summary>
# The divergence never looks at the label. Teacher and student may agree and both be wrong.
# </details>
# <details><summary>C. Both give every token the same probability there.</summary>
# Right. Their logits may still differ by a constant, which softmax does not see.
# </details>
#
# **3. Shuffled soft targets do as well as true ones in some experiment. What follows?**
#
# <details><summary>A. The teacher's knowledge of which tokens are alike did not help there.</summary>
# Right. What both have in common explains the gain: the first token, and being uncertain.
# </details>
# <details><summary>B. The teacher is useless.</summary>
# Too strong. Its first choice and its uncertainty are in the shuffled targets too, and come from the teacher.
# </details>
# <details><summary>C. The temperature was too low.</summary>
# Nothing in this comparison tells about the temperature; it is the same in both runs.
# </details>

# %% [markdown]
# ## Take away
#
# - A label names the right answer. A teacher also ranks the wrong ones, and says how sure it is.
# - Temperature changes how much of that is visible, never the order. How high is too high depends on the number of
#   classes: with a large vocabulary a low temperature is already soft.
# - Entropy measures one prediction, KL compares two. KL has a direction, and the teacher stands first.
# - At high $T$ the gradient shrinks like $1/T^2$, so the loss multiplies by $T^2$.
# - A gain from soft targets is knowledge only where the shuffled control does not show it too.

# %% [markdown]
# ## After this: the same thing elsewhere
#
# | Here | In PyTorch | What to watch |
# |---|---|---|
# | `soft_targets(logits, T)` | `torch.softmax(logits / T, dim=-1)` | the axis |
# | `entropy(p)` | `torch.distributions.Categorical(probs=p).entropy()` | nats; some papers use bits |
# | `kl_divergence(p, q)` | `torch.distributions.kl_divergence(Categorical(logits=p), Categorical(logits=q))` | p stands first, as here |
#
# TRL's `DistillationTrainer` computes the same divergence at `beta=0`. Its default, `beta=1`, swaps p and q. In Lab 2 you
# put the pieces together: the loss, the training step, and the question whether it worked.

# %%
from torch.distributions import Categorical
from torch.distributions import kl_divergence as between

if ready(soft_targets, entropy, kl_divergence):
    p, q = teacher_rows[0], student_rows[0]
    theirs = Categorical(logits=p).entropy(), between(Categorical(logits=p), Categorical(logits=q))
    print(f"entropy: yours {entropy(soft_targets(p, 1.0)):.5f}, PyTorch's {theirs[0]:.5f} nats")
    print(f"KL:      yours {kl_divergence(p, q):.5f}, PyTorch's {theirs[1]:.5f} nats")
