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
# # Lab 9. Data and licences: which text, and are you allowed to?
#
# Your student is trained, and before it is shipped, somebody asks: where did its text come from? Was that allowed? And
# are the numbers clean, or had the student read the questions before? This lab answers with functions, not with
# promises: a gate that stops a data set, checks that find leaked text, and measures of what perplexity does not see.
#
# **After this lab you can**
#
# - say for each trace whether a student may be trained on it: yes, no, or ask somebody;
# - find validation text in training text, and groups of documents that repeat each other;
# - say how much in-domain text is worth compared with ten times as much other text;
# - measure whether a student knows when it is right, and how closely it resembles its teacher.
#
# {{ header }}

# %% [markdown]
# ## Before you start
#
# | You need | Where to read it |
# |---|---|
# | The {{ term("control") }} and the {{ term("interval") }} of an effect | Lab 2 of this course |
# | {{ term("Traces", "trace") }} of a teacher as training text | Lab 5 |
# | Names of licences | [SPDX licence list](https://spdx.org/licenses/) |
#
# Nothing here is legal advice. It shows how to keep records and how to query them. For the current terms, go to their
# source, and have them read by somebody who is responsible for the decision.
#
# Run the cells from top to bottom, including the folded one below, which finds the course. If a cell needs a function
# that you have not written yet, it says so in one sentence, and the cells after it still run.

# %% tags=["set-up"]
import re

import torch

from utils.checks import check
from utils.notebook import begin, guess, ready

profile, outputs = begin("09_data_and_licences")

# %% [markdown]
# ## Step 1. Who wrote it, and under which terms?
#
# Six providers come up in every talk about distillation, with one line each. The table puts beside that line what we
# found when we read the terms, and the date. Check the current terms: they change.

# %%
import pandas as pd
from IPython.display import display

from utils.provenance.terms import providers, read_policy

display(pd.DataFrame(providers()).style.hide(axis="index").set_uuid("providers"))

# %% [markdown]
# One line per provider is not enough. The same provider has several sets of terms. A model may be called through
# another company's API. And a free model may have been tuned on text that was not free. So every trace gets a record.
# It says which model wrote the text, what that model was made from, and what the text is to be used for.
#
# A policy says what each set of terms allows. It is data, not code, and it records the day on which the terms were
# read:

# %%
policy = read_policy()
for name in ("Apache-2.0", "Llama 3.3", "OpenAI"):
    print(f"{name}: {policy[name]}\n")

# %% [markdown]
# Write the function that decides. It answers with the strictest of all terms that apply: "no" before "ask", "ask"
# before "yes". If nothing is known, answer "ask": that neither permits nor refuses.
#
# - Every model counts: the writer, its `base`, and each one in its `chain`. For each of them, check the `licence` of
#   its weights if it has one, and the terms of the `provider` if it was called through one. If both are None, nothing
#   is known.
# - The record's `data_licence` counts as well, if there is one. It can forbid. It cannot grant what a model's terms
#   withhold.
# - If the policy has no terms of that name, ask. If its terms have a `date` and the source's `terms_date` is a
#   different one, ask: nobody has read that version.
# - Otherwise look up the record's `purpose` in `uses`; a missing purpose means ask. If the terms have `most_users`, a
#   larger `users_at_release` means no, and None means ask.
# - A yes can carry `duties`.
#
# **Difficulty:** 3 of 5. **Time:** about 20 minutes.
#
# <details><summary>Hint 1: the idea</summary>
#
# Collect one answer for each set of terms in a list. Choose the strictest only at the end. A return in the middle of
# the loop would miss a "no" that comes later.
#
# </details>
# <details><summary>Hint 2: the rules</summary>
#
# Sources: the record itself, its base unless that is None, and all of its chain. A record has three numbers of users.
# The terms count the company's users in the month before the model's release. "More than" is `>`.
#
# </details>
# <details><summary>Hint 3: the functions</summary>
#
# `policy.get(name)` is None for an unknown name. `max(answers, key=["yes", "ask", "no"].index)` is the strictest.
#
# </details>


# %% nbgrader={"grade": false, "grade_id": "may_train", "locked": false, "schema_version": 3, "solution": true, "task": false}
from collections import namedtuple

Decision = namedtuple("Decision", ["answer", "reason"])


def may_train(record, policy):
    """Decision(answer, reason): "yes", "no" or "ask", the strictest of all terms that apply, and a sentence of your own.

    record: model, licence, provider, terms_date; base (a source with the same four fields, or None), chain (a list of
    sources), data_licence, purpose, users_at_release, and users_now and product_users, which no terms ask for.
    A data_licence has no date of its own: if its terms have one, ask.
    policy: name -> {"uses": {purpose: answer}, "date", "most_users", "duties", "condition", "source", "read"}.
    """
    ### BEGIN SOLUTION
    found = []

    def ask_terms(name, day):
        terms = policy.get(name)
        if terms is None or terms["date"] not in (None, day):
            found.append(("ask", f"{name}: these terms have not been read"))
            return
        found.append((terms["uses"].get(record["purpose"], "ask"), f"{name}: {terms['condition']}"))
        users = record["users_at_release"]
        if terms["most_users"] is not None and (users is None or users > terms["most_users"]):
            found.append(("ask" if users is None else "no", f"{name}: users of the company: {users}"))

    for source in (record, *([record["base"]] if record["base"] else []), *record["chain"]):
        names = [name for name in (source["licence"], source["provider"]) if name is not None]
        if not names:
            found.append(("ask", f"{source['model']}: no terms are known"))
        for name in names:
            ask_terms(name, source["terms_date"])
    if record["data_licence"] is not None:
        ask_terms(record["data_licence"], None)
    return Decision(*max(found, key=lambda one: ["yes", "ask", "no"].index(one[0])))
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "check_may_train", "locked": true, "points": 8, "schema_version": 3, "solution": false, "task": false}
check("may_train", may_train)

# %% [markdown]
# ### The gate
#
# Here is a made-up data set of 2,000 rows by eight writers, for a product of a company with two million users.
#
# **Predict first:** what share of its rows may be used?

# %%
my_share = None  # such as 0.5
my_share = guess(my_share, low=0, high=1)

# %%
from utils.labs import mixed_set
from utils.provenance import records, report
from utils.provenance.gate import require_allowed

mixed = mixed_set.rows("product")
traces = [row["provenance"] for row in mixed]
if ready(may_train):
    for row in report.sources(traces, policy, may_train):
        print(
            f"{row['answer']:>4} {row['rows']:>4} rows  {row['model']} ({row['terms']}; before it: {row['before it']})"
        )
    allowed = [trace for trace in traces if may_train(trace, policy).answer == "yes"]
    print(f"\na share of {len(allowed) / len(traces):.2f} may be used; your guess: {my_share}")

# %% [markdown]
# A report does not stop anybody. The gate does: it reads the file before any training, and a single row whose answer
# is not "yes" stops the whole set. The course's own loader asks the same gate about each data set that has a column
# `provenance`.

# %%
from utils.errors import CourseError

if ready(may_train):
    file = mixed_set.write(outputs / "mixed.jsonl", mixed)
    try:
        require_allowed(file.name, records.read_records(file), policy, may_train)
        print("trained")
    except CourseError as error:
        print(f"Nothing was trained.\n{error}")

# %% [markdown]
# What about the allowed rows alone? A yes can bring duties. They go into the model card, together with all sources:

# %%
if ready(may_train):
    for duty in require_allowed("the allowed rows", allowed, policy, may_train):
        print(f"You owe: {duty}")
    print()
    print(report.card_section(allowed, policy, student_base="Llama-3.1-8B"))

# %% [markdown]
# The second-to-last line of the card names writers that share the student's own base. Their traits can pass to the
# student through text that looks clean. In [one experiment](https://arxiv.org/abs/2507.14805), a liking for owls passed
# through plain numbers: it rose from 12 to 60 %, but only if teacher and student had the same base. No filter of texts
# finds that. A record of the base does.
#
# Now change the purpose and the number of users. Which rows change their answer, and what would the student never
# read?

# %% tags=["notebook-only"]
from utils.figures import sliders

sliders.sources_explorer(mixed, policy)

# %% [markdown]
# The same picture without controls, for a competing product:

# %%
from utils.figures import base as plots
from utils.figures import provenance as pictures

plots.show(*pictures.sources(mixed, policy, "competing", mixed_set.USERS))

# %% [markdown]
# <details><summary>What you should see</summary>
#
# The fine-tune with the free licence is lost together with the provider whose text it was tuned on: provenance is
# transitive. With one user more than 700 million, everything that goes back to Llama is lost, even the model that its
# maker published under MIT. And what is lost is not a random sample. For a product, no setting leaves any row about
# refusals, so this student would not learn when to decline. If you filter by licence, look at what is missing.
#
# </details>
#
# ## Step 2. Has it read the questions?
#
# A student that has read the validation text looks better than it is. So compare the texts. Two copies are hardly ever
# equal as a whole: line breaks differ, only a piece was quoted, a heading was added. So compare runs of n words.
#
# **Difficulty:** 2 of 5. **Time:** about 10 minutes.
#
# <details><summary>Hint 1: the idea</summary>
#
# Make a set of the document's runs, and a set of the runs of all texts in the index. What share of the first set is in
# the second?
#
# </details>
# <details><summary>Hint 2: the rules</summary>
#
# Words are runs of letters and digits, in lower case. No run crosses from one text into the next. A text with fewer
# than n words is one run. Count each different run of the document once, and divide by the number of the document's own
# runs.
#
# </details>
# <details><summary>Hint 3: the functions</summary>
#
# `re.findall(r"\w+", text.lower())`; `tuple(words[i : i + n])`, because lists are not hashable; `set.union`, `&`.
#
# </details>


# %% nbgrader={"grade": false, "grade_id": "overlap", "locked": false, "schema_version": 3, "solution": true, "task": false}
def overlap(document, index, n):
    """The share of a document's different runs of n words that stand in one of the texts of an index, 0 to 1.

    document: a text; index: a list of texts. Words are runs of letters and digits in lower case. A text of fewer than n
    words is one run of all its words.
    """
    ### BEGIN SOLUTION

    def runs(text):
        words = re.findall(r"\w+", text.lower())
        return {tuple(words[start : start + n]) for start in range(max(1, len(words) - n + 1))}

    own, known = runs(document), set()
    for text in index:
        known |= runs(text)
    return len(own & known) / len(own)
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "check_overlap", "locked": true, "points": 4, "schema_version": 3, "solution": false, "task": false}
check("overlap", overlap)

# %%
import textwrap

from utils.data.corpus import load_corpus

smoke = profile.name == "smoke"
text = load_corpus(profile.text, profile.min_characters)
training = [document.text for document in text.train[: 50 if smoke else 200]]
judged = [document.text for document in text.validation[: 5 if smoke else 25]]
leaks = {
    "nothing leaked": [],
    "other line breaks": [textwrap.fill(one, 50) for one in judged],
    "the first half": [one[: len(one) // 2] for one in judged],
    "inside a longer text": [f"{training[0]}\n\n{one}\n\n{training[1]}" for one in judged],
}
if ready(overlap):
    for form, copies in leaks.items():
        found = [overlap(one, training + copies, 13) > 0.2 for one in judged]
        equal = [one in training + copies for one in judged]
        print(f"{form:>21}: runs of 13 words find {sum(found)} of {len(judged)}, equal texts {sum(equal)}")

# %% [markdown]
# **Predict first:** A student reads its training text twice, and that text holds all validation documents. By how many
# percent does its perplexity on them fall? It reads as many tokens as a student whose text is clean.

# %%
my_fall = None  # such as 10
my_fall = guess(my_fall, low=0, high=100)

# %% [markdown]
# {% set leak_rows = [] %}
# {% for row in results.data.leaks.rows %}{% set _ = leak_rows.append({"leak": row.leak, "objective": row.objective, "perplexity": row["all"].perplexity, "ratio": row["all"].ratio, "low": row["all"].low, "high": row["all"].high, "apart": row.apart.ratio}) %}{% endfor %}
# {{ table(leak_rows, {"leak": "training text", "objective": "objective", "perplexity": "perplexity, all validation text", "ratio": "over the clean student's", "apart": "the same on a split apart"}) }}
#
# *Ours, {{ results.data.leaks.seeds }} {{ term("seeds", "seed") }}, at equal tokens; in brackets 95 % over documents and seeds.* "Near-duplicates
# kept" leaks nothing on purpose: documentation repeats itself, and these are the training documents that the course
# leaves out. The last column is what a clean split says about exactly the same students.
#
# Which check would have found the leak?
#
# {% set found = results.data.checks.rows %}{% set names = found | map(attribute="check") | unique | list %}
# | what leaked | documents {% for name in names %}| {{ name }} {% endfor %}|
# |:--|--:{% for name in names %}|--:{% endfor %}|
# {% for form in found | map(attribute="form") | unique %}{% set some = found | selectattr("form", "equalto", form) | list %}| {{ form }} | {{ some[0].of }} {% for row in some %}| {{ row.found }} {% endfor %}|
# {% endfor %}
# *Ours: how many of the leaked documents each check finds. Of {{ results.data.checks["false alarms"][0].of }} documents that did not leak, each check wrongly flags
# {{ results.data.checks["false alarms"] | map(attribute="found") | max }}. The course itself uses the 13-word check to define the natural near-duplicates, so it cannot miss those.*
#
# <details><summary>Our answer</summary>
#
# Compare the columns, not only the rows. Where the ratio falls on the judged text and stays on the split apart, the
# student has not learned more: it has read the answers. A check by name or by equal text sees only the plainest leak.
# Runs of 13 words find other line breaks and longer quotations. They miss pieces of fewer than 13 words, and most text
# whose words were reordered.
#
# </details>
#
# ## Step 3. Text that repeats itself
#
# Repetition inside the training text wastes tokens. Repetition across splits is a leak. How alike are two texts? Use the {{
# term("Jaccard index") }} of their shingles: the number that both have, divided by the number that either has. Groups
# chain: if A repeats B, and B repeats C, all three are one group, and you keep one of them.
#
# **Difficulty:** 3 of 5. **Time:** about 15 minutes.
#
# <details><summary>Hint 1: the idea</summary>
#
# Make the set of shingles once for each document. Then compare all pairs. Each pair found joins the groups of its
# members.
#
# </details>
# <details><summary>Hint 2: the rules</summary>
#
# A shingle is a run of three words, as in `overlap`. "At least the threshold" includes equal. Groups of one do not
# count. Sort the places in a group in ascending order, and the groups by their first place.
#
# </details>
# <details><summary>Hint 3: the functions</summary>
#
# `itertools.combinations(range(len(documents)), 2)`. Keep the number of its group for each document. To join two
# groups, give all members of one the number of the other.
#
# </details>


# %% nbgrader={"grade": false, "grade_id": "near_duplicates", "locked": false, "schema_version": 3, "solution": true, "task": false}
def near_duplicates(documents, threshold):
    """Groups of documents that repeat each other: a list of lists of places, each upwards, in the order of their first.

    Two documents are near-duplicates where the Jaccard index of their sets of shingles is at least the threshold. A shingle is
    a run of three words, as in overlap. A group is tied together directly or over others; it has two members or more.
    """
    ### BEGIN SOLUTION
    from itertools import combinations

    def shingles(text):
        words = re.findall(r"\w+", text.lower())
        return {tuple(words[start : start + 3]) for start in range(max(1, len(words) - 2))}

    sets = [shingles(document) for document in documents]
    group_of = list(range(len(documents)))
    for a, b in combinations(range(len(documents)), 2):
        if len(sets[a] & sets[b]) >= threshold * len(sets[a] | sets[b]) and group_of[a] != group_of[b]:
            first, other = group_of[a], group_of[b]
            group_of = [first if group == other else group for group in group_of]
    groups = [[place for place, group in enumerate(group_of) if group == name] for name in dict.fromkeys(group_of)]
    return [group for group in groups if len(group) > 1]
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "check_near_duplicates", "locked": true, "points": 5, "schema_version": 3, "solution": false, "task": false}
check("near_duplicates", near_duplicates)

# %%
if ready(near_duplicates):
    documents = [document.text for document in text.train[: 60 if smoke else 600]]
    groups = near_duplicates(documents, 0.5)
    members = sum(map(len, groups))
    print(f"{len(groups)} groups with {members} of {len(documents)} documents; {members - len(groups)} could go")
    for group in groups[:2]:
        print("\n" + "\n".join(f"  {place}: {' '.join(documents[place].split())[:90]}" for place in group[:3]))

# %% [markdown]
# Your function compares all pairs. Twice the documents take four times as long, so nobody does this for a hundred
# thousand. MinHash, as in [datasketch](https://ekzhu.com/datasketch/), compares only documents that are probably alike,
# and misses a few. An index of each document's rarest shingles finds every pair: `utils.measuring.repeats` does that.
#
# ## Step 4. Little of the right text, or much of any?
#
# It is said that fifty thousand examples of the domain often beat five hundred thousand others. Here N is {{ results.data.N
# | number }} tokens of Python's documentation, and the other text is docstrings of installed packages.
#
# **Predict first:** which student is better, one that reads N in-domain tokens twice, or one that reads 10 N others
# once?

# %%
my_text = None  # "in-domain" or "generic"
my_text = guess(my_text, "in-domain", "generic")

# %% [markdown]
# {{ table(results.data.text.rows, {"text": "training text", "objective": "objective", "perplexity": "perplexity"}) }}
#
# {{ table(results.data.text["one text over another"], {"text": "text", "over": "over", "objective": "objective", "ratio": "ratio of perplexities"}) }}
#
# *Ours, with {{ results.data.text.seeds }} {{ "seed" if results.data.text.seeds == 1 else "seeds" }}; a ratio below 1 means that the first text is better. Intervals are over documents.
# Each student has its own best learning rate.*
#
# <details><summary>Our answer</summary>
#
# N in-domain tokens read twice beat 10 N others read once, for both objectives, by a few percent, and with a fifth of
# the reading. At equal tokens, N read ten times beats 10 N others as well. But ten times as much in-domain text, read
# once, is far ahead of both. How much does the teacher add? This is each
# student's perplexity over that of CE-only on the same text:
#
# {{ table(results.data.text["over CE-only"], {"text": "training text", "objective": "objective", "ratio": "over CE-only"}) }}
#
# Be careful: this is {{ results.data.text.seeds }} {{ "seed" if results.data.text.seeds == 1 else "seeds" }}, and a student that had read some of the domain before.
#
# </details>
#
# ## Step 5. What perplexity does not see
#
# Does the student know when it is right? Sort its predictions by confidence into bins of equal width. In each bin,
# compare the mean confidence with the share that is right. The expected calibration error is the mean of these gaps,
# without their signs, each weighted by its number of predictions.
#
# **Difficulty:** 2 of 5. **Time:** about 10 minutes.
#
# <details><summary>Hint 1: the idea</summary>
#
# For each bin: which predictions are in it? If there are none, it adds nothing.
#
# </details>
# <details><summary>Hint 2: the rules</summary>
#
# Bin k holds k / bins <= confidence < (k + 1) / bins. The last one holds 1.0 as well. The weight is the bin's share of
# all predictions.
#
# </details>
# <details><summary>Hint 3: the functions</summary>
#
# `(confidence * bins).long().clamp(max=bins - 1)` is the bin of each prediction; `correct` is boolean, so `.double()`
# or `.to(confidence.dtype)` before a mean.
#
# </details>


# %% nbgrader={"grade": false, "grade_id": "expected_calibration_error", "locked": false, "schema_version": 3, "solution": true, "task": false}
def expected_calibration_error(confidence, correct, bins):
    """|share right - mean confidence| of every bin, weighed by its predictions; a number.

    confidence: (N,), 0 to 1, of the predicted token; correct: (N,), boolean. bins: how many equally wide bins.
    """
    ### BEGIN SOLUTION
    place = (confidence * bins).long().clamp(max=bins - 1)
    error = 0.0
    for number in range(bins):
        inside = place == number
        if inside.any():
            gap = correct[inside].to(confidence.dtype).mean() - confidence[inside].mean()
            error += (gap.abs() * inside.sum() / len(confidence)).item()
    return error
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "check_expected_calibration_error", "locked": true, "points": 4, "schema_version": 3, "solution": false, "task": false}
check("expected_calibration_error", expected_calibration_error)

# %% [markdown]
# Is the student also like its teacher? Two students with the same perplexity may say different things. Measure how
# often student and teacher choose the same token, and how far apart their distributions are, as KL(teacher || student).
#
# **Difficulty:** 2 of 5. **Time:** about 8 minutes.
#
# <details><summary>Hint 1: the idea</summary>
#
# Compute two numbers for each position. Then average over the positions that count, over the whole batch at once.
#
# </details>
# <details><summary>Hint 2: the formula</summary>
#
# Same choice: both have the same argmax. KL: the sum over tokens of p (log p - log q), where p is the teacher's.
#
# </details>
# <details><summary>Hint 3: the functions</summary>
#
# `argmax(-1)`, `log_softmax(-1)`; `values[mask]` keeps the positions that count.
#
# </details>


# %% nbgrader={"grade": false, "grade_id": "agreement", "locked": false, "schema_version": 3, "solution": true, "task": false}
def agreement(student_logits, teacher_logits, mask):
    """(share of positions where both choose the same token, mean KL(teacher || student) in nats): two numbers.

    logits: (B, S, V); mask: (B, S), boolean, True where a position counts.
    """
    ### BEGIN SOLUTION
    same = (student_logits.argmax(-1) == teacher_logits.argmax(-1)).to(student_logits.dtype)
    p, q = teacher_logits.log_softmax(-1), student_logits.log_softmax(-1)
    nats = (p.exp() * (p - q)).sum(-1)
    return same[mask].mean().item(), nats[mask].mean().item()
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "check_agreement", "locked": true, "points": 5, "schema_version": 3, "solution": false, "task": false}
check("agreement", agreement)

# %% [markdown]
# Try both on the embedded pair, before any distilling:

# %%
from utils.data import batches
from utils.models.loading import load_pair

lab_results = {"rows": [], "effects": {}}
if ready(expected_calibration_error, agreement):
    pair = load_pair(profile)
    rows = batches.rows_of(text.validation, pair.tokenizer, profile.max_length, 8 if smoke else 64)
    batch = batches.pad(rows, pair.tokenizer.pad_token_id)
    with torch.no_grad():
        logits = {
            name: model.eval()(input_ids=batch["input_ids"], attention_mask=batch["attention_mask"]).logits[:, :-1]
            for name, model in (("teacher", pair.teacher), ("untouched student", pair.student))
        }
    targets = batch["labels"][:, 1:]
    counts = targets != -100
    for name, found in logits.items():
        confidence, likeliest = found.float().softmax(-1).max(-1)
        error = expected_calibration_error(confidence[counts], (likeliest == targets)[counts], 15)
        same, nats = agreement(found.float(), logits["teacher"].float(), counts)
        lab_results["rows"].append({"model": name, "calibration error": error, "same choice": same, "KL": nats})
        print(f"{name:>18}: calibration error {error:.3f}, teacher's choice {same:.3f}, KL {nats:.3f} nats")

# %% [markdown]
# {% set fidelity = [] %}
# {% for row in results.data.beyond.fidelity %}{% set _ = fidelity.append({"setting": row.setting, "perplexity": row.perplexity, "ECE": row.ECE.value, "low": row.ECE.low, "high": row.ECE.high, "same": row["same choice"].share, "KL": row.KL.share}) %}{% endfor %}
# After distilling, for each temperature and alpha of the loss:
#
# {{ table(fidelity, {"setting": "student", "perplexity": "perplexity", "ECE": "calibration error", "same": "teacher's choice", "KL": "KL in nats"}) }}
#
# {% set honest = [] %}
# {% for row in results.data.beyond.honesty %}{% set _ = honest.append({"model": row.model, "T": row["writes at T"], "right": row.right.share, "faithful": row.faithful.share, "refuses": row["right refusals"].share, "wrongly": row["wrong refusals"].share}) %}{% endfor %}
# Now Lab 5's task, where some questions have no answer. Is the answer the result of the last step that was written?
# Does the student decline where it should, and only there?
#
# {{ table(honest, {"model": "model, or what the student read", "T": "writes at T", "right": "right", "faithful": "answer follows from its steps", "refuses": "declines without an answer", "wrongly": "declines although there is one"}) }}
#
# *Both tables: ours, with {{ results.data.beyond.seeds }} {{ "seed" if results.data.beyond.seeds == 1 else "seeds" }}.*
#
# <details><summary>Our answer</summary>
#
# A lower perplexity does not always mean a student more like its teacher: compare T = 3 with T = 1, both at alpha 0.5.
# {% for row in results.data.beyond.fidelity if row.setting in ("T 1, alpha 0.5", "T 3, alpha 0.5") %}{{ row.setting }}: perplexity {{ row.perplexity | round(1) }}, the teacher's choice {{ row["same choice"].share | round(3) }}. {% endfor %} The intervals of the calibration errors
# overlap: at this size, distilling does not spoil calibration, and does not clearly improve it.
#
# Refusals show a difference. The untouched student declines most questions that have no answer. After it has read only
# questions that have one, it never declines again, although it is right far more often than before. If one
# question in ten had no answer, see both columns and both temperatures:
# {% for row in results.data.beyond.honesty if row.model == "one in ten without an answer" %}at T = {{ row["writes at T"] }} it declines {{ row["right refusals"].share | round(2) }} of them, and {{ row.right.share | round(2) }} of its other answers are right. {% endfor %}What is missing from the text goes missing from the student.
#
# </details>
#
# ## What you can do now
#
# The course set out to test common claims about distillation. This is what its nine labs found. "Held" and "did not
# hold" mean that the whole 95 % {{ term("interval") }} is on that side; otherwise it says "not shown". A claim that did not hold
# here may hold for larger models, so each line gives the size at which it was tested.
#
# | claim | here | measured | at which size | where |
# |---|---|---|---|---|
# {% for row in results.claims.rows %}| {{ row.claim }} | **{{ row.verdict }}** | {{ row.found }}: {{ row.what }} | {{ row.size }} | [{{ row.place }}](../{{ row.link }}) |
# {% endfor %}

# %% [markdown]
# ## Say it
#
# **May this student be shipped?** In about 200 words. Your company has 40 million monthly users now, and had 30 million
# in the month before Llama 3.1's release. It wants to sell a tutor for mathematics. The student starts from Llama-3.1-8B
# and reads four sources:
# (a) 50,000 traces of Qwen3-32B, weights under Apache-2.0, run in-house; (b) 20,000 traces from a public data set
# whose card says MIT, written by "GPT-4"; (c) 10,000 traces of a model under Apache-2.0 that was tuned on (b);
# (d) 5,000 problems with solutions, found in a forum. On the test set, which comes from the same forum, it scores 81 %;
# without (d) it scores 74 %. Say yes, no or ask for each source, and why; what you owe; and what you would do next.
#
# | Points | Rubric |
# |---|---|
# | 1 | (b) is "ask": it is judged by the writer's terms and their date, not by the data set's licence |
# | 1 | (c) is judged like (b): provenance is transitive; (d) is "ask", since unknown is neither yes nor no |
# | 1 | (a) is a yes; the base brings duties, such as the name that begins with Llama, and the users at its release count |
# | 1 | Does not believe 81 % before the overlap of (d) with the test set is measured; names a clean split or a check |

# %% [markdown] nbgrader={"grade": true, "grade_id": "written_shipping", "locked": false, "points": 4, "schema_version": 3, "solution": true, "task": false}
# *A sketch of an answer.* Not yet. (a) is a yes: a permissive licence, and we ran the model ourselves. (b) is not MIT:
# a publisher cannot grant what the writer's terms withhold. The text came from a provider whose terms forbid competing
# models. We do not know which version held when it was made, so ask, and leave it out until there is an answer. (c) is
# judged like (b), whatever its own licence says, because its text comes from there. (d) has no terms that we know: ask
# the forum, and do not guess.
#
# The base is allowed: the 30 million users in the month before its release count, and they are below 700 million. It
# brings duties: the student's name begins with Llama, it says
# "Built with Llama", and the licence goes along.
#
# I do not believe the 81 %. (d) and the test come from one forum, so I would measure the overlap of each test question
# with (d), take out what is found, and judge on a test from elsewhere. Next: train on (a) alone, report that number,
# keep records, read the current terms, and let counsel decide every "ask".

# %% [markdown]
# ## Check yourself
#
# Open the choice you would take; each one explains itself.
#
# **1. A data set has 98 % rows with "yes" and 2 % with "ask". What does a gate do?**
#
# <details><summary>A. It lets the set pass, because most of it is allowed.</summary>
# The student is trained on every row. Nobody can take the 2 % out of its weights.
# </details>
# <details><summary>B. It stops, and names the rows.</summary>
# Right. Remove them or get an answer for each; then the set is a yes.
# </details>
# <details><summary>C. It lets the set pass and warns.</summary>
# A warning scrolls by while the student trains.
# </details>
#
# **2. Validation perplexity falls by a third after new data came in, but not on another split. What has happened?**
#
# <details><summary>A. The student has learned the domain.</summary>
# Then the other split of the same domain would have gained as well.
# </details>
# <details><summary>B. The new data hold validation text, or near-duplicates of it.</summary>
# Right. Measure the overlap of each validation document with the new data.
# </details>
# <details><summary>C. The other split is harder.</summary>
# It was just as hard before, and its perplexity did not move.
# </details>
#
# **3. Two students have equal perplexity. One was distilled. What can differ?**
#
# <details><summary>A. Nothing that matters.</summary>
# Measure before you say so.
# </details>
# <details><summary>B. Calibration, agreement with the teacher, and what it declines to answer.</summary>
# Right. Perplexity shows none of these.
# </details>
# <details><summary>C. The number of parameters only.</summary>
# They may have the same architecture.
# </details>

# %% [markdown]
# ## Take away
#
# - Keep a record for each trace: writer, base, chain, route, date, purpose. If something is not recorded, you can only
#   ask.
# - The strictest of all terms decides, and one row that is not a yes stops the set.
# - What a licence takes away is not a random sample. Look at what the student will not have read.
# - You find a leak by runs of words and by a split apart, not by a lower perplexity.
# - Besides perplexity, report calibration, agreement and refusals, each with its interval.
# - Check the current terms.

# %% [markdown]
# ## After this
#
# | Here | Elsewhere | What to watch |
# |---|---|---|
# | the card's section | a data set card on the hub: `license`, `source_datasets` in its YAML header; [datasheets](https://arxiv.org/abs/1803.09010) | one licence for all rows hides their differences |
# | `licence` by SPDX name | [SPDX 3.0](https://spdx.dev/use/specifications/) has profiles for data sets and AI; `spdx-tools` reads its documents | terms of an API have no SPDX name: `LicenseRef-` and your own |
# | `overlap` | lm-eval's `--log_samples`, and its decontamination by 13-word runs; `datatrove`'s `NGramsDecontFilter` | what is n, and are short texts asked at all? |
# | `near_duplicates` | `datasketch.MinHashLSH(threshold, num_perm)` | it misses some and finds too many; keep one of each group |
