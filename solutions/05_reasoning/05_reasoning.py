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
# # Lab 5. Reasoning: the answer, or the way to it?
#
# A small model often fails at a question that takes several steps. A large one solves it and can write its steps down.
# What should the small one learn from: the answers, or the written steps? A solution with its steps is called a
# {{ term("trace") }}. But a teacher makes mistakes. Should you throw its wrong traces away, and how would you find
# them?
#
# **After this lab you can**
#
# - make training rows of questions and traces, and say which tokens the loss counts;
# - write three filters for traces, and say what each of them cannot see;
# - separate what a student gains from steps from what it gains merely from more tokens;
# - judge a claim such as "ten thousand verified traces beat a hundred thousand unfiltered ones" by its controls.
#
# {{ header }}

# %% [markdown]
# ## Before you start
#
# | You need | Where to read it |
# |---|---|
# | Labels, -100, and the {{ term("control") }} at equal steps | Lab 2 of this course |
# | Regular expressions, or some other way to take a text apart | [Regular expression HOWTO](https://docs.python.org/3/howto/regex.html) |
# | Traces of a teacher as training text | [Orca](https://arxiv.org/abs/2306.02707), section 3; [DeepSeek-R1](https://arxiv.org/abs/2501.12948), section on distillation |
#
# Run the cells from top to bottom, including the folded one below, which finds the course. If a cell needs a function
# that you have not written yet, it says so in one sentence, and the cells after it still run.

# %% tags=["set-up"]
import re

from utils.checks import check
from utils.notebook import begin, committed, guess, ready

profile, outputs = begin("05_reasoning")

# %% [markdown]
# ## Step 1. The task, and where the answer is
#
# A question is a line such as `7 +5 *3 -4`: a starting number, then operations, each on the value so far. There is no
# precedence: work from left to right. A program can check every step, so we always know what was right.
#
# Teacher and student read one character at a time. The student has an eighth of the teacher's parameters. Before this
# lab it has read only questions of one or two operations. Now it gets questions of three to five.

# %%
from utils.labs import arithmetic, reasoning
from utils.models.loading import count_parameters, load_model

pair = reasoning.load_reasoning_pair()
tokenizer, teacher = pair.tokenizer, pair.teacher
pad, end = tokenizer.pad_token_id, tokenizer.eos_token_id
print(f"teacher {count_parameters(teacher):,} parameters, student {count_parameters(pair.student):,}")

smoke = profile.name == "smoke"
asked = arithmetic.questions(24 if smoke else 1500, split="train", seed=profile.seed)
validation = arithmetic.questions(8 if smoke else 200, split="validation", seed=1)
solutions = reasoning.written(teacher, tokenizer, asked, reasoning.TEACHER_TEMPERATURE, seed=profile.seed)
print(f"\n{asked[0].text}\n{solutions[0]}\n\nthe same in compact form:\n{asked[0].trace('compact')}")

# %% [markdown]
# {% set teacher = results.reasoning.rows | selectattr("arm", "equalto", "teacher") | first %}
# We sampled the teacher at a temperature high enough that it makes mistakes. With greedy decoding it answers
# {{ teacher.accuracy | percent(1) }} of new questions correctly. Nobody put the mistakes in by hand.
#
# First, find the answer in a text. A mark is `Answer:` at the beginning of a line, or right after a `;`. The **first**
# mark decides. With a space in front of it, `Answer:` is not a mark. The number is on the same line as its mark. Spaces
# may come before the number, and anything may come after it: a model that does not stop goes on with a new question of
# its own. `Answer: none` says that there is no answer.
#
# **Difficulty:** 2 of 5. **Time:** about 10 minutes.
#
# <details><summary>Hint 1: the idea</summary>
#
# Find the first place where a mark can be. Then look only at what follows. Three things may be there: a whole number,
# something else, or nothing.
#
# </details>
# <details><summary>Hint 2: the rules</summary>
#
# The word in the middle of a line is not a mark: a question may contain the word `Answer:`. A number has an optional
# minus and one or more digits. If the first mark has no number, a later mark does not help.
#
# </details>
# <details><summary>Hint 3: the functions</summary>
#
# `re.search` with `re.MULTILINE`, so that `^` is the beginning of any line; `(?:^|;)` matches either place. `re.search`
# returns None if nothing is found. Without regular expressions: `text.replace(";", "\n").split("\n")` and `startswith`.
#
# </details>


# %% nbgrader={"grade": false, "grade_id": "extract_answer", "locked": false, "schema_version": 3, "solution": true, "task": false}
def extract_answer(text):
    """The whole number after the first mark in a text, as an int; None if there is none.

    A mark is ``Answer:`` at the beginning of the text or of a line, or right after a ``;``. Any number of spaces,
    even none, may follow it, but no line break. Anything may follow the number. None: no mark, or no whole number after
    the first one.
    """
    ### BEGIN SOLUTION
    found = re.search(r"(?:^|;)Answer: *(-?\d+)?", text, re.MULTILINE)
    return int(found[1]) if found and found[1] else None
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "check_extract_answer", "locked": true, "points": 5, "schema_version": 3, "solution": false, "task": false}
check("extract_answer", extract_answer)

# %%
if ready(extract_answer):
    right = [extract_answer(text) == question.answer for question, text in zip(asked, solutions, strict=True)]
    print(f"sampled, the teacher answers {sum(right) / len(right):.3f} of {len(right)} questions correctly")

# %% [markdown]
# ## Step 2. Do the steps fit together?
#
# The answer can be right although the steps are wrong, and for many questions nobody knows the right answer. What can
# be checked without it? Every equation can be computed, each step has to start from the result before it, and the
# answer has to be the last result.
#
# Your function reads both forms: `First, 7 + 5 = 12.`, each step on its own line, and `7+5=12;`, all on one line. It
# gets the trace without its question.
#
# **Difficulty:** 3 of 5. **Time:** about 15 minutes.
#
# <details><summary>Hint 1: the idea</summary>
#
# Turn the text into a list of steps (start, sign, number, result) first. After that, you no longer need the text.
#
# </details>
# <details><summary>Hint 2: the rules</summary>
#
# Each equation is true. Each start except the first is the result before it, not just any earlier number. The answer is
# the last result. A trace without a step, or without an answer, does not pass.
#
# </details>
# <details><summary>Hint 3: the functions</summary>
#
# `re.findall` with four groups: a number with an optional minus, one of `[-+*]`, a number, and the result; ` ?` allows a
# space. `zip(steps, steps[1:])` pairs each step with the next one.
#
# </details>


# %% nbgrader={"grade": false, "grade_id": "steps_are_consistent", "locked": false, "schema_version": 3, "solution": true, "task": false}
def steps_are_consistent(trace):
    """True if the whole trace, verbose or compact, fits together; a bool.

    It has at least one step. Every equation is true. The first number of each step except the first is the result of
    the step before it. There is an answer, a whole number, and it is the last result.
    """
    ### BEGIN SOLUTION
    value = None
    for start, sign, number, result in re.findall(r"(-?\d+) ?([-+*]) ?(\d+) ?= ?(-?\d+)", trace):
        a, b = int(start), int(number)
        if value is not None and a != value:
            return False
        value = a + b if sign == "+" else a - b if sign == "-" else a * b
        if value != int(result):
            return False
    return value is not None and extract_answer(trace) == value
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "check_steps_are_consistent", "locked": true, "points": 7, "schema_version": 3, "solution": false, "task": false}
check("steps_are_consistent", steps_are_consistent)

# %% [markdown]
# ### Repetition
#
# A model may write the same step again and again. The third filter finds a trace that has more than `longest` steps, or
# the same step twice. A step is an equation, with its result. The words before them, the spaces, the form, and the
# distance between the two do not matter.
#
# **Difficulty:** 2 of 5. **Time:** about 8 minutes.
#
# <details><summary>Hint 1: the idea</summary>
#
# Make a list of the equations alone. Then check its length, and whether anything is in it twice.
#
# </details>
# <details><summary>Hint 2: the rules</summary>
#
# Exactly `longest` steps are allowed. The answer is not a step, and a model that loops may never write an answer. A
# right trace may repeat a result, or an operation.
#
# </details>
# <details><summary>Hint 3: the functions</summary>
#
# `re.findall` without groups gives each equation as a string; take the spaces out. A `set` holds each only once.
#
# </details>


# %% nbgrader={"grade": false, "grade_id": "is_repetitive", "locked": false, "schema_version": 3, "solution": true, "task": false}
def is_repetitive(trace, longest):
    """True if a trace, verbose or compact, has more than `longest` steps or one step twice; a bool.

    A step is an equation. The answer does not count as a step. Two steps are the same if their equations are, next to
    each other or not, whatever the word before them and the spaces. The trace may be wrong, or lack its answer.
    """
    ### BEGIN SOLUTION
    steps = [step.replace(" ", "") for step in re.findall(r"-?\d+ ?[-+*] ?\d+ ?= ?-?\d+", trace)]
    return len(steps) > longest or len(set(steps)) < len(steps)
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "check_is_repetitive", "locked": true, "points": 5, "schema_version": 3, "solution": false, "task": false}
check("is_repetitive", is_repetitive)

# %% [markdown]
# **Predict first:** of the teacher's solutions, what share passes all three filters?

# %%
my_share = None  # such as 0.5
my_share = guess(my_share, low=0, high=1)

# %%
from utils.figures import reasoning as pictures

longest = max(arithmetic.TRAINED)
if ready(extract_answer, steps_are_consistent, is_repetitive):
    filters = {
        "answer is right": lambda question, trace: extract_answer(trace) == question.answer,
        "steps are consistent": lambda question, trace: steps_are_consistent(trace),
        "not repetitive": lambda question, trace: not is_repetitive(trace, longest),
    }
    solved = list(zip(asked, solutions, strict=True))
    for name, passes in filters.items():
        print(f"{name:>25}: {sum(passes(*one) for one in solved)} of {len(solved)}")
    verified = [one for one in solved if all(passes(*one) for passes in filters.values())]
    share = len(verified) / len(solved)
    print(f"{'all three filters':>25}: {len(verified)}, a share of {share:.3f}; your guess: {my_share}")

# %% [markdown]
# Look at what was caught, and at what was not. Each step is marked by sign and word: right, wrong, or skipped. A step
# is right if it does the question's next operation on the number that the trace had reached, and gives the true result.
# That number may itself be wrong: "right" describes this step alone, not the steps before it.

# %%
if ready(extract_answer, steps_are_consistent, is_repetitive):
    caught = {
        "a right answer behind wrong steps": lambda q, t: extract_answer(t) == q.answer and not steps_are_consistent(t),
        "steps that fit, and a wrong answer": lambda q, t: steps_are_consistent(t) and extract_answer(t) != q.answer,
    }
    for name, kind in caught.items():
        example = next((one for one in solved if kind(*one)), None)
        print(name if example else f"{name}: none among these {len(solved)} solutions, so nothing is shown")
        if example:
            pictures.show_solution(*example)

# %% [markdown]
# {% set named = {"any": "unfiltered", "answer": "answer is right", "steps": "steps are consistent", "length": "not repetitive", "all": "all three filters", "lucky": "right answers behind wrong steps"} %}
# {% set survivors = [] %}{% for row in results.reasoning.survivors %}{% set _ = survivors.append(dict(row, filter=named[row["filter"]])) %}{% endfor %}
# In {{ results.reasoning.survivors[0].of }} solutions of ours:
#
# {{ table(survivors, {"filter": "filter", "solutions": "solutions that pass", "of": "of"}) }}
#
# *Each of your filters alone, then all three. The last row is not a filter: it counts right answers after steps that do
# not fit. These are the solutions of our first seed. The tables of later steps give means over
# {{ results.reasoning.rows[2].seeds }} seeds, so their counts differ a little.*
#
# <details><summary>How can steps fit and the answer be wrong?</summary>
#
# Only the filter for answers is given the right answer, and no filter reads the question. A trace that leaves out one
# operation, or does another one, is still a chain of true equations. So is one that starts from another number. Only a
# comparison with the right answer finds such traces, and for real questions somebody has to know that answer.
#
# The filters also throw away right solutions. A question such as `7 +5 -5 +5` returns to an earlier value and repeats
# an operation, so its solution has the same step twice.
#
# </details>

# %% [markdown]
# ### A real model's solutions
#
# {% set real = results.reasoning_smollm %}
# We showed SmolLM2-135M-Instruct two solved examples and asked it {{ real.problems }} word problems of two steps, at temperature
# {{ real.temperature }}. Its solutions went through the same filters:
#
# {{ table(real.survivors, {"filter": "filter", "solutions": "solutions that pass", "of": "of"}) }}
#
# A model of this size is no teacher for such problems: hardly anything is left. And what is left? Some solutions that
# passed all three filters:
#
# {% for one in real.examples if one.kind == "verified" %}
# > *{{ one.question }}*
# > {{ one.solution.split("\n") | join(" / ") }}
#
# {% endfor %}
# And some with a right answer that the filter for steps threw away:
#
# {% for one in real.examples if one.kind == "a right answer behind steps that do not fit" %}
# > *{{ one.question }}*
# > {{ one.solution.split("\n") | join(" / ") }}
#
# {% endfor %}
# Read each beside its question. Does every solution that passed compute what was asked? A filter for steps sees only
# what looks like an equation. To the filter, a line that it cannot read is not a step, so it is not wrong either.

# %% [markdown]
# Where its package is installed (`requirements-smollm.txt`), the model writes ten more, and your filters sort them:

# %%
from utils.labs import word_problems
from utils.labs.dark_knowledge import load_smollm2, smollm2_folder, smollm2_is_here

if ready(extract_answer, steps_are_consistent, is_repetitive) and smollm2_is_here(profile.name):
    problems = word_problems.problems(10, seed=1)
    real_solutions = word_problems.solutions(*load_smollm2(smollm2_folder()), problems)
    for (problem, answer), text in zip(problems, real_solutions, strict=True):
        passed = {
            "answer": extract_answer(text) == answer,
            "steps": steps_are_consistent(text),
            "length": not is_repetitive(text, word_problems.LONGEST),
        }
        print(problem, " / ".join(text.splitlines()), sep="\n    ")
        print("    passes:", ", ".join(name for name, so in passed.items() if so) or "no filter")

# %% [markdown]
# ## Step 3. Rows to train on
#
# A row is the question, the trace, and padding up to a length. The loss counts only what the student must write on its
# own. So the question is masked with -100, and so is the padding. The end of text counts: from it the student learns to
# stop. Careful: in many tokenizers the padding has the same id as the end of text. Do not shift the labels; the loss
# does that.
#
# If question and trace do not fit into the length, return None. A trace that was cut has lost its answer.
#
# **Difficulty:** 2 of 5. **Time:** about 8 minutes.
#
# <details><summary>Hint 1: the idea</summary>
#
# Three parts with three lengths. Decide for each part what its ids and its labels are. You need not compare any ids.
#
# </details>
# <details><summary>Hint 2: the rules</summary>
#
# ids: question + trace + padding. labels: -100 for each id of the question, the trace's ids, -100 for each padding.
#
# </details>
# <details><summary>Hint 3: the functions</summary>
#
# `[pad_id] * n` is a list of n paddings, and an empty list for n = 0. Lists are joined by `+`, which makes a new list;
# `+=` changes the caller's.
#
# </details>


# %% nbgrader={"grade": false, "grade_id": "trace_labels", "locked": false, "schema_version": 3, "solution": true, "task": false}
def trace_labels(prompt_ids, trace_ids, length, pad_id):
    """(input_ids, labels): two lists of `length` ints; None if question and trace together are longer than that.

    prompt_ids, trace_ids: lists of ints; the trace ends with the end of text, whose id may be pad_id. Padding is on the right.
    labels: the trace's ids at their places, -100 at all others.
    """
    ### BEGIN SOLUTION
    padding = length - len(prompt_ids) - len(trace_ids)
    if padding < 0:
        return None
    input_ids = prompt_ids + trace_ids + [pad_id] * padding
    return input_ids, [-100] * len(prompt_ids) + trace_ids + [-100] * padding
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "check_trace_labels", "locked": true, "points": 5, "schema_version": 3, "solution": false, "task": false}
check("trace_labels", trace_labels)

# %% [markdown]
# ### The short form
#
# Each character of a trace costs time when the student answers. Write the compact form: the equations without words and
# spaces, joined by `;`, and then the answer. Compute nothing: a wrong step stays as it was written.
#
# **Difficulty:** 2 of 5. **Time:** about 8 minutes.
#
# <details><summary>Hint 1: the idea</summary>
#
# Pick the pieces of the trace that stay, in order, and join them.
#
# </details>
# <details><summary>Hint 2: the rules</summary>
#
# Remove the spaces from the equations, and keep them in the answer. `Answer: none` stays. If there is no answer, add
# none. A compact trace comes back unchanged.
#
# </details>
# <details><summary>Hint 3: the functions</summary>
#
# `re.findall` for the equations and for `Answer:.*`, `str.replace`, `";".join`.
#
# </details>


# %% nbgrader={"grade": false, "grade_id": "compact", "locked": false, "schema_version": 3, "solution": true, "task": false}
def compact(trace):
    """A trace in one line, such as ``7+5=12;12*3=36;Answer: 36``; a compact trace comes back unchanged.

    Every step stays as written, right or wrong: its equation without the word, the spaces and the full stop. The answer
    stays as written, with its space; if there is none, none is added.
    """
    ### BEGIN SOLUTION
    steps = [step.replace(" ", "") for step in re.findall(r"-?\d+ ?[-+*] ?\d+ ?= ?-?\d+", trace)]
    return ";".join(steps + re.findall(r"Answer:.*", trace))
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "check_compact", "locked": true, "points": 6, "schema_version": 3, "solution": false, "task": false}
check("compact", compact)

# %% [markdown]
# ## Step 4. The answer, or the way to it?
#
# Four students have the same start, the same learning rate, the same number of steps and the same number of solutions:
#
# - **answers alone**: the right answer after each question, without any steps;
# - **unfiltered**: the teacher's traces as they come, right or wrong;
# - **all three filters**: the traces that passed;
# - **compact**: the same traces, in your compact form.
#
# **Predict first:** what share of new questions, of three to five operations, will each answer correctly?

# %%
my_guesses = {"answers alone": None, "unfiltered": None, "all three filters": None, "compact": None}  # such as 0.5
my_guesses = guess(my_guesses, low=0, high=1)

# %% tags=["train"]
from utils.data.batches import BatchPlan, Row
from utils.training.loop import ce_only_step, distill
from utils.training.settings import TrainingSettings


def rows_of(pairs):
    """One row for each question and text, with labels from your trace_labels."""
    rows = []
    for question, text in pairs:
        prompt = reasoning.prompt_of(question, tokenizer)
        trace = [*reasoning.ids_of(tokenizer, text), end]
        ids, labels = trace_labels(prompt, trace, len(prompt) + len(trace), pad)
        rows.append(Row(tuple(ids), tuple(labels), question.text, len(text)))
    return rows


count = 16 if smoke else 1000
students = {}
if ready(extract_answer, steps_are_consistent, is_repetitive, trace_labels, compact):
    arms = {
        "answers alone": [(question, question.trace("answer")) for question in asked[:count]],
        "unfiltered": solved[:count],
        "all three filters": verified[:count],
        "compact": [(question, compact(trace)) for question, trace in verified[:count]],
    }
    rate = committed("reasoning")["learning rate"]
    for name, pairs in arms.items():
        student = load_model(reasoning.STUDENT)
        plan = BatchPlan(tuple(rows_of(pairs)), 16, pad, profile.seed, pool=25)
        settings = TrainingSettings(rate, 1 if smoke else 4, seed=profile.seed)
        distill(student, None, plan, settings, None, ce_only_step, name=name)
        students[name] = student.eval()

# %%
from utils.figures import base as plots
from utils.figures.shares import describe_shares, shares

lab_results = {"rows": [], "effects": {}}
told = {}
for name, student in students.items():
    told[name] = reasoning.written(student, tokenizer, validation, name=name)
    share = float(reasoning.right_answers(validation, told[name]).mean())
    characters = sum(map(len, told[name])) / len(validation)
    lab_results["rows"].append({"arm": name, "accuracy": share, "characters": characters})
    print(f"{name:>18}: {share:.3f} right, {characters:.0f} characters for an answer")
if not students:
    print("No student was trained, because a function above is not written yet. So there is nothing to compare.")
else:
    live = {row["arm"]: row["accuracy"] for row in lab_results["rows"]}
    recorded = {
        row["arm"]: row | {"share": row["accuracy"]} for row in committed("reasoning")["rows"] if row["arm"] in live
    }
    figure = shares(live, recorded, my_guesses, "Right answers to new questions", "share of right answers", "questions")
    plots.show(figure, describe_shares(live, recorded, "Share of right answers, by what a student was trained on."))
    over = committed("reasoning")["questions"]["asked"]
    print(f"Yours: one seed, asked {len(validation)} questions. Ours: a mean over seeds, each asked {over}.")

# %% [markdown]
# Your run is one seed, and our interval is for a mean over {{ results.reasoning.rows[2].seeds }} seeds. So your
# students may lie outside it, and all on the same side, because they share their questions and their seed.
#
# {% set steps_or_not = ["teacher", "untouched", "answers alone", "answers alone, as many seconds", "answers alone, as many tokens", "reference traces", "reference traces, shuffled steps"] %}
# {% set more_answers = results.reasoning.rows | selectattr("arm", "equalto", "answers alone, as many tokens") | first %}
# {% set reference = results.reasoning.rows | selectattr("arm", "equalto", "reference traces") | first %}
# Do the steps help, or only the length? A row with a trace has many more tokens than a row with an answer. So we add
# four controls: answers to more questions, for about as many *seconds*, and until about as many *tokens* were read; right
# traces of the same questions; and the same right traces with their steps shuffled, which have the same tokens in another
# order:
#
# {{ table(results.reasoning.rows | selectattr("arm", "in", steps_or_not) | list, {"arm": "trained on", "accuracy": "right answers", "different": "solutions", "steps": "steps", "tokens": "tokens", "seconds": "seconds of ours"}) }}
#
# *Ours, {{ results.reasoning.rows[2].seeds }} seed(s), on {{ results.reasoning.questions.asked }} new questions. In
# brackets: 95 % {{ term("interval") }} over questions and seeds. All models answer greedily here, including the
# teacher. What your students read was sampled, so it has more mistakes. "As many tokens" is not exact: these answers
# have {{ (more_answers.tokens / reference.tokens) | percent }} of the tokens of the reference traces.*
#
# <details><summary>Our answer</summary>
#
# The steps help. In the same number of training steps, answers alone teach this student next to nothing. With about as
# many seconds or tokens, that is, with answers to many more questions and a longer training, it learns something, but
# far less than from traces. Shuffled steps have the same tokens, but not in an order that leads to the answer. A step cannot be
# predicted if the number it starts from has not been computed yet.
#
# An answer alone asks for all operations at once, within the few characters of the answer. A step asks for one.
#
# </details>
#
# ### Does it read its own steps? Change one
#
# Take a right solution, change the result of one step, and let the student go on. Does it follow the wrong number, or
# does it correct it? Choose a step, write a number, press *Go on from there*; Tab, arrows and Enter work too.
#
# **Predict first:** in what share of solutions does the student go on from the number that you changed?

# %%
my_follows = None  # such as 0.5
my_follows = guess(my_follows, low=0, high=1)

# %%
from utils.decoding.sampling import sample


def go_on(question, beginning, name="all three filters"):
    """What a student writes after the beginning of a trace."""
    ids = reasoning.prompt_of(question, tokenizer) + reasoning.ids_of(tokenizer, beginning)
    done = sample(asked_to_go_on[name], [ids], 150, end, temperature=0.0)[0]
    return tokenizer.decode(done.ids, skip_special_tokens=True)


def follows(question, name):
    """Does the next step start from the number that was put into the first one?"""
    false = question.values[1] + 1
    later = arithmetic.equations(go_on(question, pictures.changed(question.trace(), 1, false), name))
    return bool(later) and later[0][0] == false


asked_to_go_on = {"untouched": pair.student.eval()}  # as it was before this lab
if students:
    asked_to_go_on["all three filters"] = students["all three filters"]
else:
    print("No student was trained, because a function above is not written yet. So only the untouched one is asked.")
some = validation[:40]
for name in asked_to_go_on:
    taken_up = sum(follows(question, name) for question in some)
    print(f"{name:>18}: goes on from the changed number in {taken_up} of {len(some)} solutions")
print(f"your guess: {my_follows}")

# %% tags=["notebook-only"]
question = validation[0]
if students:
    editor = pictures.StepEditor(question, question.trace(), lambda beginning: go_on(question, beginning))
editor if students else "There is no student to go on: a function above is not written yet."

# %% [markdown]
# The same picture without controls: the result of the second step is one too large.

# %% tags=["notebook-only"]
if students:
    beginning = pictures.changed(question.trace(), 2, question.values[2] + 1)
    pictures.show_solution(question, beginning + go_on(question, beginning))
else:
    print("There is no student to go on: a function above is not written yet.")

# %% [markdown]
# A student that follows the changed number reads its steps: they are not decoration. Compare it with the untouched
# student, which has read only shorter questions. In our run, it followed most of the changed numbers too. So the
# student could mostly do this before the lab.
#
# Following also means that one wrong step spoils the rest. That is why wrong steps in the training text may matter. Do
# they?
#
# ## Step 5. What is a filter worth?
#
# {% set by_filter = ["unfiltered", "answer is right", "steps are consistent", "not repetitive", "all three filters", "reference traces"] %}
# Each filter alone and all three, at equal numbers of solutions and steps:
#
# {{ table(results.reasoning.rows | selectattr("arm", "in", by_filter) | list, {"arm": "trained on", "accuracy": "right answers", "steps right": "share of right steps"}) }}
#
# {{ table(results.reasoning.differences | selectattr("minus", "equalto", "unfiltered") | list, {"arm": "trained on", "difference": "difference to unfiltered"}) }}
#
# *Ours, in pairs on the same questions.* Look at "not repetitive" before you believe the other rows. That filter
# removes about one solution in a hundred, so its student reads nearly the same text as the unfiltered one. What it
# seems to gain is luck: another sample in another order. A difference of that size is not a finding, either here or in
# the other rows.
#
# {% set lucky = results.reasoning.rows | selectattr("arm", "equalto", "right answers behind wrong steps") | first %}
# {% set as_many = results.reasoning.rows | selectattr("arm", "equalto", "as many unfiltered") | first %}
# What about wrong steps with a right answer? The teacher wrote only a few such solutions, so all three students here
# read few solutions many times:
#
# {{ table(results.reasoning.rows | selectattr("arm", "in", ["right answers behind wrong steps", "as many unfiltered", "as many verified"]) | list, {"arm": "trained on", "accuracy": "right answers", "different": "solutions"}) }}
#
# A filter that looks at the answer alone lets such solutions pass. But the comparison is not quite fair. Each solution
# is one row: the first student has {{ lucky.different | number }} rows, its controls {{ as_many.different | number }}
# each. All three train for {{ lucky.steps | number }} steps, so the first one reads each row more often. Part of the
# gap may come from that.
#
# ### "Ten thousand verified traces beat a hundred thousand unfiltered ones"
#
# Such claims are common. Here N is {{ results.reasoning.questions.N }}, and 10 N means the teacher's solutions to ten
# times as many questions.
#
# **Predict first:** which student is better, the one trained on N verified solutions or the one on 10 N unfiltered, at
# *equal steps*? And if both train 2.5 times as long?

# %%
my_winners = {"equal steps": None, "2.5 times the steps": None}  # each "verified" or "unfiltered"
my_winners = guess(my_winners, "verified", "unfiltered")

# %% [markdown]
# {% set claim = ["unfiltered", "all three filters", "10 N unfiltered, as many steps", "10 N unfiltered, 2.5 times the steps", "N verified, 2.5 times the steps", "all verified of 10 N, as many steps"] %}
# {{ table(results.reasoning.rows | selectattr("arm", "in", claim) | list, {"arm": "trained on", "accuracy": "right answers", "different": "solutions to draw from", "steps": "steps", "tokens": "tokens"}) }}
#
# {% set N_verified = results.reasoning.rows | selectattr("arm", "equalto", "all three filters") | first %}
# {% set ten_N = results.reasoning.rows | selectattr("arm", "equalto", "10 N unfiltered, as many steps") | first %}
# {% set control = results.reasoning.rows | selectattr("arm", "equalto", "all verified of 10 N, as many steps") | first %}
# *Each training step reads 16 solutions. So a student of {{ ten_N.steps | number }} steps reads
# {{ (16 * ten_N.steps) | number }}, however many there are to draw from.*
#
# {% set compared = ["10 N unfiltered, as many steps", "10 N unfiltered, 2.5 times the steps"] %}{% set clean = "all verified of 10 N, as many steps" %}
# {{ table((results.reasoning.differences | selectattr("minus", "in", compared) | list) + (results.reasoning.differences | selectattr("arm", "equalto", clean) | rejectattr("minus", "in", compared) | list), {"arm": "trained on", "difference": "difference", "minus": "compared with"}) }}
#
# <details><summary>Our answer</summary>
#
# Over {{ results.reasoning.rows[2].seeds }} seeds the first difference is uncertain, and its interval contains 0. With 2.5
# times the steps there is hardly any difference left, and if there is one, it favours the 10 N unfiltered solutions.
#
# The claim also leaves a control out: *all* verified solutions of the 10 N, read for as many steps. They are as clean
# as the N verified ones, but each is read at most once, while the N are read four times. Any gain of this control over
# the unfiltered 10 N would be due to verification: it has {{ control.accuracy | number }}, they have
# {{ ten_N.accuracy | number }}. Any gain of the N verified over the control would be due to reading the same solutions
# again: they have {{ N_verified.accuracy | number }}. Both gaps are small beside the intervals in the table, so neither
# can be told apart from chance here.
#
# A smaller claim may hold: at equal *numbers* of solutions, N verified ones teach a little more than N unfiltered ones
# (see the table of filters above; its interval begins near 0). That is no reason to throw away nine out of ten
# solutions.
#
# So at this size, with this teacher, the claim compares two things at once: quality, and how often each example is
# read. "N beats 10 N" is not a fact about verification alone.
#
# </details>
#
# What do published papers find? The results are mixed:
#
# | Verification or selection helps | It hardly helps, or hurts |
# |---|---|
# | [MetaMath](https://arxiv.org/abs/2309.12284): right paths give 52.2, wrong ones 43.6 | [OpenMathInstruct-2](https://arxiv.org/abs/2410.01560): filters change almost nothing; more questions gain 10.5 |
# | [s1](https://arxiv.org/abs/2501.19393): 1,000 chosen examples 50.0, 1,000 random ones 36.7 | the same paper: all 59,000 give 53.3 |
# | [LIMO](https://arxiv.org/abs/2502.03387): its own small set 63.3, 100,000 others 6.5 | questions, teacher and lengths differ too, so nothing follows about selection |
# | [Li et al.](https://arxiv.org/abs/2502.07374): shuffled steps hurt much | the same paper: traces with wrong answers cost only 3.2 |
# | | [Phi-4-mini-reasoning](https://arxiv.org/abs/2504.21233): tiny selected sets make a small student *worse*, 71.8 to 57.8 (we have these numbers second-hand) |
#
# *Accuracies in percent, each on the benchmark of its paper; do not compare them across rows.* We know of no published
# comparison of 10,000 verified with 100,000 unfiltered traces at equal questions, tokens and steps.

# %% [markdown]
# ## Step 6. What does a trace cost?
#
# {% set full = results.reasoning.rows | selectattr("arm", "equalto", "all three filters") | first %}
# {% set short = results.reasoning.rows | selectattr("arm", "equalto", "compact") | first %}
# Each character that a student writes costs one call of the model. The compact form has less than half as many
# characters ({{ short.characters | round | int }} against {{ full.characters | round | int }}).

# %%
shown = {name: name for name in ("answers alone", "all three filters", "compact")} | {
    "answers alone, as many tokens": "answers alone, more questions and steps",
    "compact, as many tokens": "compact, more solutions and steps",
}
rows = [row | {"arm": shown[row["arm"]]} for row in committed("reasoning")["rows"] if row["arm"] in shown]
plots.show(pictures.frontier(rows), pictures.describe_frontier(rows))

# %% [markdown]
# <details><summary>What you should see</summary>
#
# {% set full = results.reasoning.rows | selectattr("arm", "equalto", "all three filters") | first %}
# {% set short = results.reasoning.rows | selectattr("arm", "equalto", "compact") | first %}
# {% set more_short = results.reasoning.rows | selectattr("arm", "equalto", "compact, as many tokens") | first %}
# With equal examples the compact student is worse ({{ short.accuracy | number }} against {{ full.accuracy | number }}).
# With {{ more_short.different | number }} solutions and {{ more_short.steps | number }} steps it reaches
# {{ more_short.accuracy | number }}, for {{ (more_short.tokens / full.tokens) | percent }} of the tokens. The student
# of full traces has {{ full.different | number }} solutions and {{ full.steps | number }} steps. So this is no proof
# that the form itself is better: more solutions and more steps may help too.
#
# With equal examples the compact student has read only {{ (short.tokens / full.tokens) | percent }} of the tokens, and it
# had seen few steps in this form before. Words like "Therefore" carry no number, but they cost training tokens as well as
# inference time.
#
# </details>
#
# ### Several tries, and longer questions
#
# A student that samples can be asked several times; the answer that comes most often counts:
#
# {{ table(results.reasoning.votes, {"arm": "trained on", "samples": "samples", "accuracy": "right answers by majority"}) }}
#
# *Ours, at temperature 1.* One sample is worse than the greedy answer of the same student, which is in the table below.
# Voting helps where right tries agree and wrong tries differ. It adds nothing where hardly any sample is right.
#
# {% set more_answers = results.reasoning.rows | selectattr("arm", "equalto", "answers alone, as many tokens") | first %}
# Hardly any question longer than those in training is solved, and the teacher does not solve them either:
#
# {{ table(results.reasoning.rows | selectattr("arm", "in", ["teacher", "answers alone, as many tokens", "reference traces", "all three filters"]) | list, {"arm": "model", "accuracy": "3 to 5 operations", "accuracy at 6": "6", "accuracy at 7": "7"}) }}
#
# Each single step is as easy as before. But the models that write steps have learned when to stop from the lengths that
# they read. The student of answers alone writes no steps. With 6 operations it does best of all
# ({{ more_answers["accuracy at 6"] | number }}), but with 7 it falls off as well. At this size, steps alone do not give
# a method that works at any length.

# %% [markdown]
# ## Say it
#
# **What can a filter not see?** In about 150 words: take the three filters of this lab. For each, name a kind of trace
# that it lets pass or throws away wrongly, and say how you would find out how often that happens. Then say what you
# would report in addition to "our data is verified". Refer to at least one number from this lab.
#
# | Points | Rubric |
# |---|---|
# | 1 | Names a right answer after wrong steps, which a filter for answers lets pass |
# | 1 | Half a point each: names consistent steps that do not do what the question asks, which a filter for steps lets pass; and for the filter for repetition, a right trace that it throws away or a kind of wrong trace that it lets pass |
# | 1 | Says how to measure it (a checker of steps, a sample read by people, survivors of each filter) and what to report (sizes, steps, a random control) |
# | 1 | Supports a claim with a number from the lab |

# %% [markdown] nbgrader={"grade": true, "grade_id": "written_filters", "locked": false, "points": 4, "schema_version": 3, "solution": true, "task": false}
# *A sketch of an answer.* The filter for answers sees one number. Of {{ results.reasoning.survivors[0].of }} solutions,
# {{ results.reasoning.survivors[5].solutions }} had a right answer after steps that do not fit, and it lets all of them
# pass. It also needs somebody who knows the answer.
#
# The filter for steps does not know the question. It lets a trace pass that leaves out an operation:
# {{ results.reasoning.survivors[2].solutions }} traces were consistent, but only
# {{ results.reasoning.survivors[4].solutions }} were also right and without repetition.
#
# The filter for repetition throws away right solutions of questions in which a step really comes twice, and, with a
# small limit, the hard questions: what is left is easier than what was asked.
#
# None of them sees which questions are missing afterwards. I would read a random sample of what each filter kept and
# what it removed, and count. Beside "verified" I would report how many solutions passed each filter, how many different
# ones there are, how many steps and tokens the student was trained for, and how a student of equally many random
# solutions does.

# %% [markdown]
# ## Check yourself
#
# Open the choice you would take; each one explains itself.
#
# **1. Trained on shuffled steps, the student fails, though the tokens are the same. What does that show?**
#
# <details><summary>A. Longer text alone does not help; the steps have to lead to one another.</summary>
# Right. It is the control for "more tokens", and it fails.
# </details>
# <details><summary>B. Traces have too many tokens.</summary>
# The traces in their right order have as many, and they help.
# </details>
# <details><summary>C. The learning rate was too small.</summary>
# It was the same for all. Nothing here points to it.
# </details>
#
# **2. Your padding id is the end of text, and a colleague masks every label that equals it. What will the student do?**
#
# <details><summary>A. Nothing changes: padding must not be trained on.</summary>
# Padding must not. But the one end of text after the trace is masked too.
# </details>
# <details><summary>B. It does not learn to stop.</summary>
# Right. It answers, and goes on with a question of its own. An extraction that takes the last number will then be wrong.
# </details>
# <details><summary>C. It writes padding.</summary>
# No padding is trained on in either case.
# </details>
#
# **3. A team trains on 1,000 verified traces and on 10,000 unfiltered ones, for the same number of steps. The 1,000
# win. Is it the verification?**
#
# <details><summary>A. Yes: steps and tokens were equal.</summary>
# But each of the 1,000 was read more often.
# </details>
# <details><summary>B. No: verification never helps.</summary>
# That does not follow either.
# </details>
# <details><summary>C. Not shown. Train on 1,000 random ones, and on all verified ones, for the same number of steps.</summary>
# Right. The first has the same repetition without the verification, the second the verification without the repetition.
# </details>

# %% [markdown]
# ## Take away
#
# - A small student learns from the steps what it cannot learn from the answer: each step is one small computation on
#   what is already written.
# - It reads its own steps. Change one and see what follows.
# - A filter sees only what it checks: an answer, equations, repetition. None sees which questions have gone missing.
# - "Verified beats more" is a claim about quality only at equal questions, tokens and steps, and beside a random
#   sample.
# - The loss counts the trace and its end of text, not the question or the padding.

# %% [markdown]
# ## After this: the same thing in TRL
#
# | Here | In TRL | What to watch |
# |---|---|---|
# | `trace_labels` | `SFTConfig(completion_only_loss=True)`, data with `prompt` and `completion` | the default for such data; the end of text is added to the completion |
# | the same in a chat | `SFTConfig(assistant_only_loss=True)`, data with `messages` | needs a chat template that marks what the assistant says; some templates drop its thoughts |
# | None for what does not fit | `SFTConfig(max_length=...)` | it cuts: the answer may be lost |
# | `extract_answer` | [Math-Verify](https://github.com/huggingface/Math-Verify), `verify(gold, answer)` | the gold answer comes first |
#
# Are your labels the same as TRL's? Two questions and their traces, prepared and padded by TRL's own trainer:

# %%
from utils.labs import trl_labels, trl_map

if ready(trace_labels):
    two = [(question.text + "\n", question.trace()) for question in validation[:2]]
    theirs = trl_labels.completion_only(two, load_model(reasoning.STUDENT), tokenizer)
    if theirs is None:
        print(trl_map.how_to_install())
    for (question, trace), row in zip(two, theirs or (), strict=False):
        prompt, written = (reasoning.ids_of(tokenizer, text) for text in (question, trace))
        ours = trace_labels(prompt, [*written, end], len(row[0]), pad)
        print(f"{len(row[0])} ids; your ids and labels equal TRL's: {tuple(ours) == row}")
