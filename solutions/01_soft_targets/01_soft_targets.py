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
# A label names one answer. A trained model gives every answer a probability, even the wrong ones, and these small
# probabilities are not noise: they tell you which wrong answers are nearly right. Geoffrey Hinton called this *dark
# knowledge*, because it hides in numbers that are too small to see. In this lab you make it visible, measure it, and
# find out whether a student can learn from it.
#
# **After this lab you can**
#
# - turn logits into soft targets at any temperature, and say what the temperature changes and what it does not;
# - measure how uncertain a prediction is, and how far one prediction is from another;
# - tell what soft targets teach from what any smoothing of the labels would do.
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
# Run the cells from top to bottom, including the folded one below, which finds the course. If a cell needs a function
# that you have not written yet, it says so in one sentence, and the cells after it still run.

# %% tags=["set-up"]
import torch

from utils.checks import check
from utils.notebook import begin, guess, ready

profile, outputs = begin("01_soft_targets")

# %% [markdown]
# ## Step 1. A picture of a cat
#
# Three classes are enough to see the idea. A model looks at a picture of a cat and gives each class a score, a
# {{ term("logit") }}. The label says: cat. It would say the same for a cat that looks like a tiger and for one that
# looks like a dog.

# %%
animals = ("cat", "tiger", "dog")
cat_picture = torch.tensor([2.64, 1.61, 0.0])
label = torch.tensor([1.0, 0.0, 0.0])
for name, row in (("logits", cat_picture), ("label", label)):
    print(f"{name}: " + ", ".join(f"{animal} {value:.2f}" for animal, value in zip(animals, row.tolist(), strict=True)))

# %% [markdown]
# ### Soft targets
#
# Softmax turns logits $z$ into probabilities. If you first divide the logits by a *temperature* $T$ above 1, the
# probabilities become softer, that is, more alike:
#
# $$p_i = \frac{\exp(z_i / T)}{\sum_j \exp(z_j / T)}$$
#
# A student will be asked to imitate these probabilities, so they are called {{ term("soft targets") }}. The sum runs
# over the classes, which are always on the last axis. Any axes before it (batch, position) stay as they are.
#
# **Difficulty:** 1 of 5. **Time:** about 5 minutes.
#
# <details><summary>Hint 1: the idea</summary>
#
# First make the differences between the logits T times smaller. Then turn them into probabilities as usual.
#
# </details>
# <details><summary>Hint 2: the formula</summary>
#
# softmax(z / T), over the last axis. The probabilities of one row sum to 1, at every T.
#
# </details>
# <details><summary>Hint 3: the functions</summary>
#
# `torch.softmax(..., dim=-1)`. If you write the exponentials yourself, they overflow for large logits; softmax subtracts
# the largest logit first.
#
# </details>


# %% nbgrader={"grade": false, "grade_id": "soft_targets", "locked": false, "schema_version": 3, "solution": true, "task": false}
def soft_targets(logits, temperature):
    """softmax(logits / T) over the last axis: (..., V) -> (..., V), each row summing to 1.

    The targets are fixed, so no gradient is owed.
    """
    ### BEGIN SOLUTION
    return torch.softmax(logits / temperature, dim=-1)
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "check_soft_targets", "locked": true, "points": 4, "schema_version": 3, "solution": false, "task": false}
check("soft_targets", soft_targets)

# %% [markdown]
# The check calls your function on a few inputs with a known answer, called {{ term("probes", "probe") }}.
#
# **Predict first.** At a temperature of 5, will tiger overtake cat? And roughly what share will dog have? Write your
# guess into the next cell and run it. The cell after it shows the answer.

# %%
my_guess_dog = None  # a share between 0 and 1
my_guess_dog = guess(my_guess_dog, low=0, high=1)

# %%
if ready(soft_targets):
    for temperature in (0.5, 1.0, 2.0, 5.0, 20.0):
        shares = soft_targets(cat_picture, temperature).tolist()
        print(f"T = {temperature:>4}: " + ", ".join(f"{a} {s:.3f}" for a, s in zip(animals, shares, strict=True)))
    print(f"your guess for dog at T = 5: {my_guess_dog}")

# %% [markdown]
# The order never changes, because dividing by a positive number keeps the largest logit the largest. What changes is
# how much is left for the others. At T = 1 you can read that this cat looks much more like a tiger than like a dog,
# which the label cannot tell you. A low temperature hides this again, and at a high one all classes look alike.

# %% [markdown]
# ### Entropy: how uncertain is it?
#
# An answer of probability $p$ has a *surprise* of $-\log p$: the less likely it was, the larger. The entropy of a
# distribution is the mean surprise of an answer that is drawn from it. With the natural logarithm its unit is the
# {{ term("nat") }} (1 nat is 1.44 bits):
#
# $$H(p) = -\sum_i p_i \log p_i \qquad\text{with}\quad 0 \log 0 = 0$$
#
# A one-hot label has an entropy of 0. The largest entropy that $V$ classes can have is $\log V$, when all are equally
# likely.
#
# **Difficulty:** 2 of 5. **Time:** about 8 minutes.
#
# <details><summary>Hint 1: the idea</summary>
#
# A sum over the last axis leaves one number for each row. Think about the label: it contains zeros.
#
# </details>
# <details><summary>Hint 2: the formula</summary>
#
# As p goes to 0, p log p goes to 0 as well. A computer says 0 times minus infinity, which is not a number. So either
# don't take the logarithm where p is 0, or replace the product there.
#
# </details>
# <details><summary>Hint 3: the functions</summary>
#
# `torch.special.entr(p)` is -p log p with that rule built in; `torch.xlogy(p, p)` is p log p with it. Then `.sum(dim=-1)`.
#
# </details>


# %% nbgrader={"grade": false, "grade_id": "entropy", "locked": false, "schema_version": 3, "solution": true, "task": false}
def entropy(probabilities):
    """-sum p log p in nats over the last axis, which it removes: (..., V) -> (...); 0 log 0 = 0.

    Nothing is trained with it, so no gradient is owed.
    """
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
# ### KL divergence: how far is one prediction from another?
#
# The student is trained to predict what the teacher predicts. The Kullback-Leibler divergence says how many nats you
# lose if you believe $q$ where $p$ is true:
#
# $$\mathrm{KL}(p \,\|\, q) = \sum_i p_i \, (\log p_i - \log q_i)$$
#
# $p$ comes first and weights the sum. In distillation $p$ is the teacher, so every token that the teacher finds likely
# counts, not only the label. Compute it from *logits*, at T = 1: once a probability has been rounded to 0, its logarithm
# is lost, but a logarithm that is computed from logits is not.
#
# **Difficulty:** 3 of 5. **Time:** about 10 minutes.
#
# <details><summary>Hint 1: the idea</summary>
#
# You need log-probabilities of both predictions, and probabilities of the first, which are the weights.
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
# `torch.log_softmax(..., dim=-1)` gives the logarithms. If you prefer `torch.nn.functional.kl_div`: its first argument is
# the log of the *second* distribution, and it needs `reduction="none"` and a sum over the last axis.
#
# </details>


# %% nbgrader={"grade": false, "grade_id": "kl_divergence", "locked": false, "schema_version": 3, "solution": true, "task": false}
def kl_divergence(p_logits, q_logits):
    """KL(p || q) in nats over the last axis, which it removes: (..., V), (..., V) -> (...).  p comes first.

    You will train with it, so a gradient must reach q_logits.
    """
    ### BEGIN SOLUTION
    p_log = torch.log_softmax(p_logits, dim=-1)
    q_log = torch.log_softmax(q_logits, dim=-1)
    return (p_log.exp() * (p_log - q_log)).sum(dim=-1)
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "check_kl_divergence", "locked": true, "points": 5, "schema_version": 3, "solution": false, "task": false}
check("kl_divergence", kl_divergence)

# %% [markdown]
# Here are two things to expect and one surprise. A prediction does not differ from itself. Adding the same number to all
# logits changes nothing, because softmax does not see it. But the two directions give different numbers, so KL is not a
# distance in the mathematical sense.

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
# The slider changes the temperature of the cat's picture. Use the mouse, or click the handle and use the arrow keys. The
# right panel shows how strongly the target pulls at a student whose logits are all equal: the norm of the gradient on
# these logits.
#
# With soft targets $p$ of the teacher and $q$ of the student, this gradient is $(q - p) / T$. At a high $T$ the difference
# $q - p$ shrinks like $1/T$ as well, so together the pull shrinks like $1/T^2$. That is why the loss of the next lab
# multiplies by $T^2$: in the panel, the green line becomes level. With three classes it is nearly level from T = 3 on.

# %% tags=["notebook-only"]
from utils.figures.sliders import temperature_explorer
from utils.labs.dark_knowledge import prediction_by_hand

cat = prediction_by_hand("Which animal is it?", dict(zip(animals, cat_picture.tolist(), strict=True)), label="cat")
temperature_explorer([cat], temperature=2.0)

# %% [markdown]
# ## Step 2. A real language model
#
# SmolLM2 is a small language model with 135 million parameters. We asked it to continue the prompts below and stored its
# answers, all 49,152 logits of each, with the course. Nothing has to be downloaded.

# %%
from utils.labs.dark_knowledge import saved_prediction, saved_predictions

predictions = saved_predictions()
for prompt in (
    "For breakfast I had eggs and",
    "The capital of Australia is",
    "The doctor told the nurse that",
    "She went to the bank to deposit her",
    "2 + 2 = ",
    "for i in range(",
):
    prediction = saved_prediction(prompt)
    top = ", ".join(repr(token) for token in prediction.tokens[:4])
    print(f"{prediction.kind:>10}: {prediction.prompt!r}\n{'':>12}label {prediction.label!r}; the model: {top}")

# %% [markdown]
# Look at the breakfast. The label is one word. The model's answer also says that bacon, toast and sausage belong
# together here, and it says something like this at every position of every text. The label does not even tell you whether
# it was likely. It is only the word that happened to come next.
#
# **Predict first.** There are 31 prompts of six kinds: likeness, fact, grammar, ambiguity, arithmetic and code. For which
# kind is the model the *least* certain, so that its entropy is highest? And for which is it the most certain?

# %%
my_guess_kind = None  # the least certain, such as "fact"
my_guess_kind = guess(my_guess_kind, "likeness", "fact", "grammar", "ambiguity", "arithmetic", "code")

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
# An entropy of about 5 nats is as uncertain as a choice among some 150 equally likely tokens. A label would call 149 of
# them wrong, all in the same way. At the other end, being certain is not the same as being right: arithmetic has the
# lowest entropy, and after "2 + 2 = " this model prefers 3 to 4. A teacher passes on its mistakes together with its
# knowledge. (The label of "12 * 12 = " is '1' because that is the first digit of the answer.)

# %% tags=["notebook-only"]
temperature_explorer(predictions)

# %% [markdown]
# {{ picture("temperatures", alt="Three pictures of SmolLM2's twelve most likely tokens after the prompt For breakfast I had eggs and, at T = 1, 5 and 20. At T = 1 they range from nearly a half to less than a hundredth, bacon first. At T = 5 they lie close together below a thousandth. At T = 20 they form one line near the value that all 49,152 tokens would have if they were alike. Their order is the same in all three.") }}
#
# *Ours: the breakfast at three temperatures.* With tens of thousands of classes, a temperature of 5 already gives almost
# all the probability to tokens that nobody would write. With three classes it did not. And the green line in the right
# panel of the slider becomes level later: at about T = 10, not at T = 3.

# %% [markdown]
# ### Ask a prompt of your own
#
# SmolLM2 answers if its package is installed or the model hub can be reached. Otherwise the course's own small teacher
# answers, which has read little besides Python's documentation. If you give a label, begin it with a space, as tokens
# do.

# %% tags=["notebook-only"]
from utils.labs.dark_knowledge import ask

temperature_explorer([ask("Return the number of", label=" items")])

# %% [markdown]
# ## Step 3. A teacher beside its student
#
# From here on you use the pair of models that the course trains with: a teacher, and a student a few times smaller. Both
# use the same tokenizer. The size of a run is set by its {{ term("profile") }}; yours was printed at the top. How far
# apart are the two before the student has learned anything from the teacher?
#
# **Predict first.** Which of the two is more uncertain on average, the teacher or the student?

# %%
my_guess_uncertain = None  # "teacher" or "student"
my_guess_uncertain = guess(my_guess_uncertain, "teacher", "student")

# %%
from utils.data import batches
from utils.data.corpus import load_corpus
from utils.labs.dark_knowledge import predict
from utils.models.loading import load_pair

pair = load_pair(profile)
teacher, student, tokenizer = pair.teacher, pair.student, pair.tokenizer
text = load_corpus(profile.text, profile.min_characters)
train_rows = batches.rows_of(text.train, tokenizer, profile.max_length, profile.sweep_rows)
validation_rows = batches.rows_of(text.validation, tokenizer, profile.max_length, profile.evaluation_rows)
print(f"{pair.compression:.1f} times smaller; {len(train_rows)} rows to train on, {len(validation_rows)} to judge on")

prompts = ("Return the number of", "Raise a ValueError if the", "If the file does not", "This method returns a new")
asked = {
    name: [predict(model, tokenizer, prompt, name=name, kind="Python") for prompt in prompts]
    for name, model in (("teacher", teacher), ("student", student))
}

# %% [markdown]
# A {{ term("row") }} is one document, cut at a fixed number of tokens.

# %% tags=["notebook-only"]
temperature_explorer(asked["teacher"], asked["student"])

# %% [markdown]
# ### Your functions on real text
#
# Now take one batch of validation text and every position except the padding. The mean divergence is the number that
# distillation makes smaller. As a control, the library's function should give the same value as yours.

# %%
from utils.losses import core as losses

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
# The larger model has learned more about what can come next, so it hesitates among fewer tokens. The divergence is not
# only about uncertainty, though: the student also prefers other tokens than the teacher does.
#
# ## Step 4. Does it help, and what is it that helps?
#
# Now the same student is trained four times. All four runs begin with the same weights and see the same few rows of text
# in the same order. The *loss* is the number that training makes smaller. Here it is half a divergence from a target and
# half the cross-entropy with the label (Lab 2 builds it step by step):
#
# $$\tfrac12\,T^2\,\mathrm{KL}(\text{target} \,\|\, \text{student}) + \tfrac12\,\mathrm{CE}(\text{label}, \text{student})$$
#
# Both distributions in the KL are taken at the temperature $T$ of your profile (embedded: T = 1). The runs differ in the
# target:
#
# | Run | The target | What it tells you |
# |---|---|---|
# | hard labels | none, the label alone | the control |
# | soft targets | the teacher's probabilities | everything the teacher knows |
# | shuffled soft targets | the top token keeps its probability; those of all other tokens are dealt out among them at random, anew at each position | just as soft at every position, but nothing about which tokens are alike |
# | label smoothing | none; the label gets 90 %, all tokens share the rest equally | softness without any teacher |
#
# If soft targets help only because they are soft, the shuffled ones will help just as much. If they help because they
# say which tokens are alike, the shuffled ones will not.
#
# Every run has the learning rate that suits its loss best; we chose it on text that is used for nothing else. With one
# learning rate for all, you would measure which loss that rate suits.
#
# A student is judged by its {{ term("perplexity") }} on text that it has not seen: the exponential of its mean
# cross-entropy per token. It says among how many equally likely tokens the student hesitates, so lower is better.
#
# **Predict first.** What will each run's perplexity be, divided by that of hard labels? Below 1 is better than hard
# labels.

# %%
my_guesses = {"soft targets": None, "shuffled soft targets": None, "label smoothing": None}  # such as 0.95
my_guesses = guess(my_guesses, low=0)

# %%
import functools
from dataclasses import replace

from utils.labs.soft_target_controls import HARD, arms
from utils.measuring.evaluation import comparison_row, evaluate, paired_effect
from utils.measuring.sweeps import best_rate
from utils.models.loading import count_parameters, load_model
from utils.notebook import committed
from utils.training.loop import distill
from utils.training.settings import settings_of

recorded = committed("soft_targets")
settings = settings_of(profile, profile.learning_rate, profile.seed)
plan = batches.BatchPlan(
    tuple(train_rows), profile.batch_size, tokenizer.pad_token_id, profile.seed, pool=profile.length_pool
)


@functools.cache  # a run that has finished is kept, so an interrupted cell goes on with the next one
def trained(arm, divergence):
    """A fresh student, trained with one arm's loss and judged on the validation rows."""
    learner = load_model(profile.student)
    rate = best_rate(recorded, profile, arm, control=arm == HARD)
    distill(
        learner,
        teacher,
        plan,
        replace(settings, learning_rate=rate),
        loss=arms(profile.temperature, profile.alpha, divergence)[arm],
        checkpoint=outputs / f"{arm.replace(' ', '_')}.pt",
        name=arm,
    )
    return evaluate(learner, validation_rows, tokenizer.pad_token_id, name=arm)


# %% [markdown]
# Each run shows how much time is left. You may interrupt the cell. When you run it again, it goes on where it stopped.

# %% tags=["train"]
results = {}
if ready(kl_divergence):
    for arm in arms(profile.temperature, profile.alpha, kl_divergence):
        results[arm] = trained(arm, kl_divergence)
        print(f"{arm:>22}: perplexity {results[arm].perplexity:.1f}")

# %% [markdown]
# One run can be lucky. The figure shows yours beside ours, which were repeated with several {{ term("seeds", "seed") }}: each
# seed draws other rows in another order. The bars are 95 % {{ term("intervals", "interval") }}: we draw the documents again
# and again, with replacement, and the bar holds 95 % of the ratios that come out. If a bar does not reach the line at 1,
# the difference from hard labels is more than chance.

# %%
from utils.figures import controls
from utils.figures.base import show

if results:
    live = {arm: paired_effect([result], [results[HARD]]).as_dict() for arm, result in results.items() if arm != HARD}
    figure = controls.ratios(live, recorded["effects"], my_guesses, "What is added to the label")
    show(figure, controls.describe(live, recorded["effects"]))

# %% tags=["run-only"]
lab_results = {"rows": [], "effects": {}}
if results:
    size = count_parameters(student)
    lab_results["rows"] = [comparison_row(arm, size, result) for arm, result in results.items()]
    lab_results["effects"] = {f"{arm} vs hard labels": effect for arm, effect in live.items()}

# %% [markdown]
# {{ table(results.soft_targets.rows[:4], {"trained on": "trained on", "perplexity": "perplexity", "ratio to hard labels": "ratio to hard labels, with 95 % interval"}) }}
#
# *Ours, embedded profile, five seeds. Your single run will differ a little; in a smaller profile it will differ a lot.*
# Compare the second line with the third. In both runs the student saw the same first choice of the teacher and the same
# uncertainty at every position. Only in one of them was it told *which* other tokens would have fitted. The shuffled run
# is even worse than hard labels. Why? Its targets are not empty, they are wrong: at every position they praise tokens
# that nobody would write. Label smoothing is the milder control. It prefers no wrong token to another, and it does not
# help either.
#
# ## Say it
#
# **Exercise 1. Hard against soft labels.** In about 150 words: why do soft labels carry more than hard ones? Use one
# prediction of Step 2, and one number from Step 4 together with its control.
#
# | Points | Rubric |
# |---|---|
# | 1 | Says that soft labels rank the wrong answers: which classes or tokens are alike |
# | 1 | Says that they carry the teacher's uncertainty, which differs from place to place |
# | 1 | Gives a concrete prediction and reads it correctly |
# | 1 | Supports the claim with a number from Step 4, compared with the shuffled control or label smoothing |

# %% [markdown] nbgrader={"grade": true, "grade_id": "written_soft_labels", "locked": false, "points": 4, "schema_version": 3, "solution": true, "task": false}
# *A sketch of an answer.* A hard label names one token and treats all others as equally wrong. A soft label also ranks
# the others: after "For breakfast I had eggs and" the model prefers bacon, but toast and sausage have a share as well,
# and most of the vocabulary has next to none. So each position teaches something about many tokens. It also says how
# certain to be: "100 degrees" is followed by Celsius almost surely, "She has never" by almost anything, and the label
# looks the same in both. The control shows that this is more than smoothing: the shuffled targets have the same entropy
# at every position and the same first token, but their ratio to hard labels is clearly worse than that of the true soft
# targets. So what helped is the knowledge of which tokens are alike. Label smoothing, which knows no teacher at all, does
# not help either.

# %% [markdown]
# **Exercise 2. Temperature.** In about 150 words: what happens to the *targets* at T = 1, 5 and 20? A range of 2 to 5 is
# often recommended. What would you expect of it for a language model, and why? (Lab 3 measures what the student makes of
# it.)
#
# | Points | Rubric |
# |---|---|
# | 1 | Describes all three: at 1 the model's own belief, at 5 flatter with more weight on the tail, at 20 nearly uniform |
# | 1 | Says that the order stays while the proportions go: the far tail counts as much as the top |
# | 1 | Explains T squared: the gradient is (q - p) / T, and at high T the difference shrinks like 1 / T too |
# | 1 | Relates the recommended range to the number of classes, with what Step 2 shows |

# %% [markdown] nbgrader={"grade": true, "grade_id": "written_temperature", "locked": false, "points": 4, "schema_version": 3, "solution": true, "task": false}
# *A sketch of an answer.* At T = 1 the targets are what the teacher believes. At T = 5 the differences between logits are
# a fifth, so the first token gives up most of its share and the small ones become visible. At T = 20 all tokens are
# nearly alike: the order is still there, but it hardly shows, and noise in the tail counts as much as knowledge. The
# gradient on the logits is (q - p) / T, and at a high T the difference q - p shrinks like 1 / T too, so the loss multiplies
# by T squared to keep its pull. A range of 2 to 5 comes from tasks with few classes, where it shows which classes are
# alike: at T = 5 the cat's picture still gives the cat the most. A language model has tens of thousands of tokens, and
# at T = 5 almost all the probability goes to tokens that nobody would write. So I would expect a lower temperature to be
# better there, and I would measure it.

# %% [markdown]
# ## Check yourself
#
# Open the choice that you would take. Each one explains itself.
#
# **1. You raise the temperature from 1 to 4. What happens to the most likely token?**
#
# <details><summary>A. Another token may become the most likely one.</summary>
# No. Dividing all logits by one positive number keeps their order.
# </details>
# <details><summary>B. It stays the most likely one, with a smaller share.</summary>
# Right. The order stays, the differences shrink, and the others gain what the first one loses.
# </details>
# <details><summary>C. It stays the most likely one, with a larger share.</summary>
# That is what a temperature below 1 does.
# </details>
#
# **2. KL(teacher || student) is 0 at some position. What do you know?**
#
# <details><summary>A. Both models choose the same token there.</summary>
# True, but you know far more. Two models can choose the same token and still be far apart.
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
# Right. The gain comes from what both have in common: the first token, and the uncertainty.
# </details>
# <details><summary>B. The teacher is useless.</summary>
# Too strong. Its first choice and its uncertainty are in the shuffled targets too, and both come from the teacher.
# </details>
# <details><summary>C. The temperature was too low.</summary>
# This comparison says nothing about the temperature, which is the same in both runs.
# </details>

# %% [markdown]
# ## Take away
#
# - A label names the right answer. A teacher also ranks the wrong ones, and says how certain it is.
# - Temperature changes how much of that is visible, but never the order. With a large vocabulary, targets are already
#   soft at a low temperature.
# - Entropy measures one prediction, KL compares two. KL has a direction, and the teacher comes first.
# - At a high $T$ the gradient shrinks like $1/T^2$, so the loss multiplies by $T^2$.
# - A gain from soft targets shows knowledge only if the shuffled control does not bring the same gain.

# %% [markdown]
# ## After this: the same thing elsewhere
#
# | Here | In PyTorch | What to watch |
# |---|---|---|
# | `soft_targets(logits, T)` | `torch.softmax(logits / T, dim=-1)` | the axis |
# | `entropy(p)` | `torch.distributions.Categorical(probs=p).entropy()` | nats; some papers use bits |
# | `kl_divergence(p, q)` | `torch.distributions.kl_divergence(Categorical(logits=p), Categorical(logits=q))` | p comes first, as here |
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
