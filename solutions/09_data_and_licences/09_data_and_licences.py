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
# Your student is trained. Before it is shipped, somebody asks three questions. Where did its text come from? Was that
# allowed? Are the numbers clean, or had the student read the questions before? In this lab you write the functions that
# answer: a gate that stops a data set, checks that find leaked text, and measures of what perplexity does not see.
#
# **After this lab you can**
#
# - decide for each trace whether a student may be trained on it: yes, no, or ask somebody;
# - find validation text in training text, and groups of documents that repeat each other;
# - compare a little text of the domain with ten times as much other text;
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
# Nothing here is legal advice. The lab shows how to keep records and how to query them. Read the current terms at their
# source, together with the person who is responsible for the decision.
#
# Run the cells from top to bottom, including the folded one below, which finds the course. If a cell needs a function
# that you have not written yet, it says so in one sentence, and the cells after it still run.

# %% tags=["set-up"]
import re

import torch

from utils.checks import check
from utils.notebook import begin, committed, guess, ready

profile, outputs = begin("09_data_and_licences")

# %% [markdown]
# ## Step 1. Who wrote it, and under which terms?
#
# Talks about distillation often name six providers and give each of them one line. The table shows that line, what we
# found when we read the terms, and the date. Terms change, so check the current ones.

# %%
import pandas as pd
from IPython.display import display

from utils.provenance.terms import providers, read_policy

display(pd.DataFrame(providers()).style.hide(axis="index").set_uuid("providers"))

# %% [markdown]
# One line per provider is not enough. The same provider has several sets of terms. You may call a model through another
# company's API. And a free model may have been tuned on text that was not free. So every trace gets a record. In it:
#
# - `model` wrote the text. Its `base` is the model that it was tuned from. Its `chain` lists the models whose text it
#   was tuned on.
# - `purpose` says what you want the text for. **research**: the student never leaves the house. **product**: the
#   student is shipped, and does not compete with the provider. **competing**: the student is shipped, and competes with
#   the provider.
#
# A policy says what each set of terms allows for each purpose. It is data, not code, and it records the day on which
# the terms were read:

# %%
policy = read_policy()
for name in ("Apache-2.0", "Llama 3.3", "OpenAI"):
    print(f"{name}: {policy[name]}\n")

# %% [markdown]
# Write the function that decides. Its answer is the strictest answer of all terms that apply: "no" is stricter than
# "ask", and "ask" is stricter than "yes". If nothing is known, answer "ask": that neither permits nor refuses.
#
# - Every model counts: the writer, its `base`, and each one in its `chain`. For each of them, check the `licence` of
#   its weights if it has one, and the terms of the `provider` if it was called through one. If both are None, nothing
#   is known.
# - The record's `data_licence` counts as well, if there is one. It can forbid. It cannot grant what a model's terms
#   withhold.
# - If the policy has no terms of that name, ask. If its terms have a `date` and the source's `terms_date` is a
#   different one, ask: nobody has read that version.
# - Otherwise look up the record's `purpose` in `uses`; a missing purpose means ask.
# - Some terms have a limit, `most_users`. It counts the monthly users of your company, over all its products, in the
#   month before the model was released. The record holds that number as `users_at_release`. If it is larger than the
#   limit, the answer is no. If it is None, ask.
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
# Sources: the record itself, its base unless that is None, and all of its chain. A record has three numbers of users;
# only `users_at_release` matters. Exactly as many users as the limit are still allowed: "larger than" is `>`.
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
    """Decision(answer, reason): "yes", "no" or "ask", the strictest of all terms that apply; a sentence of your own.

    record: model, licence, provider, terms_date; base (a source with the same four fields, or None), chain (a list of
    sources), data_licence, purpose ("research", "product" or "competing"), users_at_release, and users_now and
    product_users, which no terms ask for. A data_licence has no date of its own: if its terms have one, ask.
    policy: name -> {"uses": {purpose: answer}, "date", "most_users", "duties", "condition", "source", "read"}.
    most_users: the limit on users_at_release, or None. Both count the monthly users of the company that trains the
    student, over all its products, in the month before the model's release.
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
# A report does not stop anybody. The gate does. It reads the file before any training, and a single row whose answer is
# not "yes" stops the whole set. The course's own loader uses the same gate for each data set that has a column
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
# What about the allowed rows alone? A yes can carry duties. They go into the model card, together with all sources:

# %%
if ready(may_train):
    for duty in require_allowed("the allowed rows", allowed, policy, may_train):
        print(f"You owe: {duty}")
    print()
    print(report.card_section(allowed, policy, student_base="Llama-3.1-8B"))

# %% [markdown]
# The second-to-last line of the card names the writers that have the same base as the student. Traits of such a writer
# can pass to the student through text that looks clean. In [one experiment](https://arxiv.org/abs/2507.14805), a liking
# for owls passed through plain numbers. It rose from 12 to 60 %, but only if teacher and student had the same base. No
# filter of texts finds that. A record of the base does.
#
# Now change the purpose and the number of users. Which rows change their answer? What would the student never read?

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
# The fine-tuned model with the free licence is lost together with the provider whose text it was tuned on: provenance
# is transitive. With one user more than 700 million, every row with a Llama model behind it is lost, even the rows of a
# model that its maker published under MIT. What you lose is not a random sample. For a product, no setting leaves any
# row about refusals, so this student would not learn when to decline. If you filter by licence, look at what is
# missing.
#
# </details>
#
# ## Step 2. Has it read the questions?
#
# A student that has read the validation text looks better than it is. So compare the texts. A copy is hardly ever equal
# as a whole: line breaks differ, only a piece was quoted, or a heading was added. So compare runs of n words.
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
# Words are runs of letters and digits, in lower case: `Lab9` is one word, `lab8` is a different one. Whether `_`
# belongs to a word is up to you. No run crosses from one text into the next. A text with fewer than n words is one run
# of all its words; it is not looked for inside longer texts. Count each different run of the document once, and divide
# by the number of the document's own runs. An index without any text knows nothing.
#
# </details>
# <details><summary>Hint 3: the functions</summary>
#
# `re.findall(r"\w+", text.lower())`; `tuple(words[i : i + n])`, because lists are not hashable; `known |= runs`, `&`.
#
# </details>


# %% nbgrader={"grade": false, "grade_id": "overlap", "locked": false, "schema_version": 3, "solution": true, "task": false}
def overlap(document, index, n):
    """The share of a document's different runs of n words that are also runs of a text in the index, 0 to 1.

    document: a text of at least one word; index: a list of texts, which may be empty: then the share is 0.
    A word is a run of letters and digits, in lower case; no check asks whether "_" belongs to it. A text of fewer
    than n words, in the index too, is one run of all its words.
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
# The threshold 0.2 is a choice. A quoted sentence alone should not condemn a document, and a leaked document should not
# escape because half of it was rewritten. The course itself counts a document as a near-duplicate if it shares more
# than a fifth of its 13-word runs. Try a threshold on text that did not leak, too: with this one, our check flagged
# {{ results.data.checks["false alarms"] | selectattr("check", "equalto", "13-word runs") | map(attribute="found") | first }} of {{ results.data.checks["false alarms"][0].of }} such documents.
#
# **Predict first:** A student's training text contains all validation documents, and the student reads that text twice.
# By how many percent is its perplexity on them lower than that of a student with clean text? Both students read equally
# many tokens.

# %%
my_fall = None  # such as 10
my_fall = guess(my_fall, low=0, high=100)

# %% [markdown]
# {% macro ci(found) %}{% if found.low == found.high %}1{% else %}{{ found.ratio | number }} [{{ found.low | number }}, {{ found.high | number }}]{% endif %}{% endmacro %}
# {% set leak_rows = [] %}
# {% for row in results.data.leaks.rows %}{% set _ = leak_rows.append({"leak": row.leak | replace("reworded", "words reordered"), "objective": row.objective, "perplexity": row["all"].perplexity, "ratio": ci(row["all"]), "apart": ci(row.apart)}) %}{% endfor %}
# {{ table(leak_rows, {"leak": "training text", "objective": "objective", "perplexity": "perplexity, all validation text", "ratio": "over the clean student's", "apart": "the same on a split apart"}) }}
#
# *Ours, {{ results.data.leaks.seeds }} {{ term("seeds", "seed") }}, at equal tokens; in brackets the 95 % {{ term("interval") }} over documents and seeds.*
#
# - "Near-duplicates kept": nobody copied anything. Documentation repeats itself, and the training text holds the
#   documents that the course otherwise leaves out, because they repeat validation text.
# - "Words reordered": in every five words, two neighbours change places.
# - The last column judges the same students on a split that never leaked.

# %%
for row in committed("data")["leaks"]["rows"]:
    if row["leak"] == "100 % leaked":
        fall, least, most = (100 * (1 - row["all"][key]) for key in ("ratio", "high", "low"))
        print(f"{row['objective']}, our runs: {fall:.0f} % lower, 95 % interval {least:.0f} to {most:.0f} %")
print(f"your guess, in percent: {my_fall}")

# %% [markdown]
# Which check would have found the leak?
#
# {% set found = results.data.checks.rows %}{% set names = found | map(attribute="check") | unique | list %}
# | what leaked | documents {% for name in names %}| {{ name }} {% endfor %}|
# |:--|--:{% for name in names %}|--:{% endfor %}|
# {% for form in found | map(attribute="form") | unique %}{% set some = found | selectattr("form", "equalto", form) | list %}| {{ form }} | {{ some[0].of }} {% for row in some %}| {{ row.found }} {% endfor %}|
# {% endfor %}
# *Ours: how many of the leaked documents each check finds. "Near-duplicates" compares 3-word runs, as in Step 3. Of
# {{ results.data.checks["false alarms"][0].of }} documents that did not leak, each check wrongly flags
# {{ results.data.checks["false alarms"] | map(attribute="found") | max }}. The course defines the natural near-duplicates by the 13-word check, so that check cannot miss them.*
#
# <details><summary>Our answer</summary>
#
# {% macro ci(found) %}{{ found.ratio | number }} [{{ found.low | number }}, {{ found.high | number }}]{% endmacro %}
# {% set leaked = results.data.leaks.rows | selectattr("objective", "equalto", "CE-only") | list %}
# {% set whole = leaked | selectattr("leak", "equalto", "100 % leaked") | first %}{% set mixed = leaked | selectattr("leak", "equalto", "100 % leaked, reworded") | first %}
# {% set caught = found | selectattr("form", "equalto", "words reordered") | selectattr("check", "equalto", "13-word runs") | first %}
# Compare the columns, not only the rows. In our {{ results.data.leaks.seeds }} seeds with CE-only, the leak of all
# documents brings the ratio to {{ ci(whole["all"]) }} on the judged text and to {{ ci(whole.apart) }} on the split apart.
# So the student has not learned more: it has read the answers.
#
# A check by name or by equal text sees only the plainest leak. Runs of 13 words find other line breaks and longer
# quotations. They miss pieces of fewer than 13 words, and most text with words reordered: they find {{ caught.found }} of
# {{ caught.of }} such documents. That leak still does harm. Its ratio is {{ ci(mixed["all"]) }} on the judged text and
# {{ ci(mixed.apart) }} on the split apart.
#
# </details>
#
# ## Step 3. Text that repeats itself
#
# Repetition inside the training text wastes tokens. Repetition across splits is a leak. How alike are two
# texts? A shingle is a run of three words. The {{ term("Jaccard index") }} of two texts is the number of different shingles that both have,
# divided by the number that at least one of them has. Groups chain: if A repeats B, and B repeats C, then all three are
# one group, even if A is not like C. You keep one of them.
#
# **Difficulty:** 3 of 5. **Time:** about 15 minutes.
#
# <details><summary>Hint 1: the idea</summary>
#
# Make the set of shingles once for each document. Then compare all pairs. If two documents are alike, join their
# groups.
#
# </details>
# <details><summary>Hint 2: the rules</summary>
#
# Words are as in `overlap`, digits included. "At least the threshold" includes equal. Groups of one do not count. Sort
# the places in a group in ascending order, and the groups by their first place.
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
    """Groups of documents that repeat each other: a list of lists of places in the list of documents, from 0.

    The places in a group ascend, and the groups are sorted by their first place. A group has two members or more.
    Two documents are alike if the Jaccard index of their sets of shingles is at least the threshold. A shingle is a
    run of three words; words and short documents are as in overlap. Documents that are alike are in the same group,
    so a chain of documents, each like the next, is one group.
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
    if groups:
        print(f"{len(groups)} groups with {members} of {len(documents)} documents; {members - len(groups)} could go")
    else:
        print(f"No groups among {len(documents)} documents. They are too few to say anything about the corpus.")
    if smoke:
        print("The smoke profile only shows that the cell runs. The embedded profile reads ten times as much.")
    for group in groups[:2]:
        print("\n" + "\n".join(f"  {place}: {' '.join(documents[place].split())[:90]}" for place in group[:3]))

# %% [markdown]
# Your function compares all pairs. Twice the documents take four times as long, so nobody does this for a hundred
# thousand. MinHash, as in [datasketch](https://ekzhu.com/datasketch/), compares only documents that are probably alike,
# and misses a few. An index of each document's rarest shingles finds every pair: `utils.measuring.repeats` does that.
#
# What does repetition do to a student? All students in this table read equally many tokens, and the text that judges
# them has no copy in any training text. "Each document twice" therefore means half as many different documents.
#
# {% macro ci(found) %}{% if found.low == found.high %}1{% else %}{{ found.ratio | number }} [{{ found.low | number }}, {{ found.high | number }}]{% endif %}{% endmacro %}
# {% set repeated = [] %}{% for row in results.data.repeats.rows %}{% set _ = repeated.append({"text": row["training text"], "objective": row.objective, "perplexity": row.perplexity, "ratio": ci(row)}) %}{% endfor %}
# {{ table(repeated, {"text": "training text", "objective": "objective", "perplexity": "perplexity", "ratio": "over the clean student's"}) }}
#
# {% set rows = results.data.repeats.rows %}{% set twice = rows | selectattr("training text", "equalto", "each document twice") | list %}{% set ten = rows | selectattr("training text", "equalto", "each document ten times") | list %}{% set distinct = rows | selectattr("training text", "equalto", "its own repetitions removed") | list %}
# *Ours, {{ results.data.repeats.seeds }} seeds; in brackets the 95 % interval over documents and seeds.* In these runs,
# each document twice costs the factor {{ ci(twice[0]) }} with {{ twice[0].objective }} and {{ ci(twice[1]) }} {{ twice[1].objective }}. Ten times costs
# {{ ci(ten[0]) }} and {{ ci(ten[1]) }}: the distilled student suffers less from repetition. "Clean" is the course's own
# corpus, which leaves out what repeats validation text and keeps what repeats other training text. Of its
# {{ results.data.repeats.documents | number }} training documents, {{ results.data.repeats["documents that repeat others"] }} repeat an earlier one in more than a fifth of their 13-word runs. Removing
# them made no difference that we could see: {{ ci(distinct[0]) }} with {{ distinct[0].objective }}, {{ ci(distinct[1]) }} {{ distinct[1].objective }}.
#
# ## Step 4. Little of the right text, or much of any?
#
# A common claim: fifty thousand examples of the domain often beat five hundred thousand others. Here the domain is
# Python's documentation. The other text is docstrings of installed packages. N is {{ results.data.N | number }} tokens.
#
# **Predict first:** one student reads N in-domain tokens twice. The other reads 10 N other tokens once. Which one is
# better?

# %%
my_text = None  # "in-domain" or "generic"
my_text = guess(my_text, "in-domain", "generic")

# %% [markdown]
# {% set read = [] %}
# {% for row in results.data.text.rows %}{% set o = row["over untouched"] %}{% set _ = read.append({"text": row.text, "objective": row.objective, "perplexity": row.perplexity, "ratio": o.ratio, "low": o.low, "high": o.high}) %}{% endfor %}
# {{ table(read, {"text": "training text", "objective": "objective", "perplexity": "perplexity", "ratio": "over the untouched student's"}) }}
#
# "Distilled" weighs labels and teacher equally; "teacher alone" has no labels.
#
# {{ table(results.data.text["one text over another"], {"text": "text", "over": "over", "objective": "objective", "ratio": "ratio of perplexities"}) }}
#
# *Ours, with {{ results.data.text.seeds }} {{ "seed" if results.data.text.seeds == 1 else "seeds" }}; a ratio below 1 means that the first text is better. In brackets 95 % over documents
# and seeds. Each row has its own best learning rate.*

# %%
for row in committed("data")["text"]["one text over another"]:
    if (row["text"], row["over"]) == ("in-domain N, twice", "generic 10 N, once"):
        low, high = (100 * (1 - row[key]) for key in ("high", "low"))
        print(f"{row['objective']}, our runs: perplexity with N in-domain tokens is {low:.1f} to {high:.1f} % lower")
print(f"your guess: {my_text}")

# %% [markdown]
# <details><summary>Our answer</summary>
#
# {% macro ci(found) %}{{ found.ratio | number }} [{{ found.low | number }}, {{ found.high | number }}]{% endmacro %}
# {% macro both(text, over) %}{% for row in results.data.text["one text over another"] if row.text == text and row.over == over %}{{ ci(row) }} ({{ row.objective }}){{ "" if loop.last else ", " }}{% endfor %}{% endmacro %}
# All of this is about our {{ results.data.text.seeds }} {{ "seed" if results.data.text.seeds == 1 else "seeds" }}. Each number is the ratio of two perplexities.
#
# - N in-domain tokens read twice beat 10 N others read once, with a fifth of the reading:
#   {{ both("in-domain N, twice", "generic 10 N, once") }}.
# - At equal tokens, N in-domain tokens read ten times beat 10 N others as well:
#   {{ both("in-domain N, ten times", "generic 10 N, once") }}.
# - Ten times as much in-domain text, read once, is far better still. Against N read ten times:
#   {{ both("in-domain 10 N, once", "in-domain N, ten times") }}.
#
# How much does the teacher add? This is each student's perplexity over that of CE-only on the same text:
#
# {{ table(results.data.text["over CE-only"], {"text": "training text", "objective": "objective", "ratio": "over CE-only"}) }}
#
# Be careful: this is one small pair of models, and its student had read some of the domain before.
#
# </details>
#
# ## Step 5. What perplexity does not see
#
# Does the student know when it is right? Its confidence is the probability of the token that it predicts. Put the
# predictions into bins of equal width by their confidence. In each bin, compare the mean confidence with the share that
# is right. The expected calibration error is the mean of these gaps, without their signs, each weighted by its number
# of predictions.
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
# Bin k holds k / bins <= confidence < (k + 1) / bins. The last bin holds 1.0 as well. No check asks for a confidence
# exactly on an inner edge, so `<` and `<=` may change places there. The weight is the bin's share of all predictions.
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
    """The mean over bins of |share right - mean confidence|, weighted by the predictions in each bin; a number.

    confidence: (N,), above 0 and at most 1, of the predicted token; correct: (N,), boolean. bins: how many equally wide
    bins from 0 to 1. A bin without predictions adds nothing. 1.0 belongs to the last bin; a confidence exactly on an
    inner edge may go to either side.
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
# often student and teacher choose the same token, and how much their distributions differ, as KL(teacher || student).
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

    logits: (B, S, V); mask: (B, S), boolean, True where a position counts. Both means are over all that count.
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
# {% macro ci(found, key="share", digits=3) %}{{ found[key] | number(digits) }} [{{ found.low | number(digits) }}, {{ found.high | number(digits) }}]{% endmacro %}
# {% set fidelity = [] %}
# {% for row in results.data.beyond.fidelity %}{% set _ = fidelity.append({"setting": row.setting | replace("untouched", "untouched student"), "perplexity": row.perplexity, "ECE": ci(row.ECE, "value", 2), "same": ci(row["same choice"]), "KL": ci(row.KL)}) %}{% endfor %}
# After distilling, for each temperature and alpha of the loss:
#
# {{ table(fidelity, {"setting": "model, or how the student was trained", "perplexity": "perplexity", "ECE": "calibration error", "same": "teacher's choice", "KL": "KL in nats"}) }}
#
# {% macro pct(found) %}{{ found.share | percent(1) }} [{{ "%.1f" | format(100 * found.low) }}, {{ "%.1f" | format(100 * found.high) }}]{% endmacro %}
# {% set honest = [] %}
# {% for row in results.data.beyond.honesty %}{% set _ = honest.append({"model": row.model | replace("untouched", "untouched student"), "T": "%g" | format(row["writes at T"]), "right": pct(row.right), "faithful": pct(row.faithful), "refuses": pct(row["right refusals"]), "wrongly": pct(row["wrong refusals"])}) %}{% endfor %}
# Now Lab 5's task, where some questions have no answer. Does the answer follow from the last step that the student
# wrote? Does the student decline if a question has no answer, and only then? T is the temperature at which it writes.
#
# {{ table(honest, {"model": "model, or what the student read", "T": "writes at T", "right": "right", "faithful": "answer follows from its steps", "refuses": "declines without an answer", "wrongly": "declines although there is one"}) }}
#
# *Both tables: ours, with {{ results.data.beyond.seeds }} {{ "seed" if results.data.beyond.seeds == 1 else "seeds" }}; in brackets 95 % intervals.*
#
# <details><summary>Our answer</summary>
#
# {% macro of(name) %}{% for row in results.data.beyond.fidelity if row.setting == name %}perplexity {{ row.perplexity | number }}, teacher's choice {{ ci(row["same choice"]) }}{% endfor %}{% endmacro %}
# All of this is about our {{ results.data.beyond.seeds }} seeds; your own run above has only the two models before any distilling.
#
# **Like the teacher.** Two students of about the same perplexity need not be equally like their teacher. Compare two
# temperatures, both at alpha 0.5.
#
# - T = 1: {{ of("T 1, alpha 0.5") }}
# - T = 3: {{ of("T 3, alpha 0.5") }}
#
# **Calibration.** Compare each calibration error with that of CE-only on the same documents. The difference is:
#
# {% for row in results.data.beyond.fidelity if row["ECE minus CE-only"] is defined and row.setting != "CE-only" %}- {{ row.setting }}: {{ "%.4f" | format(row["ECE minus CE-only"].value) }} [{{ "%.4f" | format(row["ECE minus CE-only"].low) }}, {{ "%.4f" | format(row["ECE minus CE-only"].high) }}]
# {% endfor %}
# If an interval contains 0, no difference was shown. No setting was shown to be worse than CE-only. An improvement was
# shown only for {% for row in results.data.beyond.fidelity if row["ECE minus CE-only"] is defined and row["ECE minus CE-only"].high < 0 %}{{ row.setting }}{{ "" if loop.last else ", " }}{% else %}no setting{% endfor %}.
#
# {% macro told(model, column) %}{% for row in results.data.beyond.honesty if row.model == model and row["writes at T"] == 0 %}{{ pct(row[column]) }}{% endfor %}{% endmacro %}
# **Refusals.** Look at T = 0 first. The untouched student declines {{ told("untouched", "right refusals") }} of the questions that have no answer.
# Another student has read only questions that have one. It declines {{ told("no question without an answer", "right refusals") }}, although
# its share of right answers has risen from {{ told("untouched", "right") }} to {{ told("no question without an answer", "right") }}. A third student has
# read one question without an answer in every ten. It declines {{ told("one in ten without an answer", "right refusals") }}, and
# {{ told("one in ten without an answer", "right") }} of its other answers are right. At T = 1.5 the students that were trained get hardly anything
# right, and they hardly decline. What is missing from the text goes missing from the student.
#
# </details>
#
# ## What you can do now
#
# The course set out to test common claims about distillation. This is what its nine labs found, in the runs that come
# with the course.
#
# - **Held**: the whole 95 % {{ term("interval") }} is on the side of the claim. **Did not hold**: the whole interval is on the
#   other side. **Not shown**: neither, or a {{ term("control") }} without the claimed cause did equally well.
# - The column "measured, and against what" names the comparison. "Perplexity over that of X" is a ratio: below 1 is
#   better than X. "Minus that of X" is a difference: above 0 is more than X.
# - The claim about in-domain text compares unequal amounts of reading on purpose. Its control reads equally much: N
#   in-domain tokens twice, over N other tokens twice. That ratio is {% for row in results.data.text["one text over another"] if row.text == "in-domain N, twice" and row.over == "generic N, twice" %}{{ row.ratio | number }} [{{ row.low | number }}, {{ row.high | number }}] ({{ row.objective }}){{ "" if loop.last else ", " }}{% endfor %}.
# - A claim may fail here and hold for larger models, so each line gives the size at which it was tested.
#
# | claim | here | measured, and against what | at which size | where |
# |---|---|---|---|---|
# {% for row in results.claims.rows %}| {{ row.claim }} | **{{ row.verdict }}** | {{ row.found }}: {{ row.what }} | {{ row.size }} | [{{ row.place }}](../{{ row.link }}) |
# {% endfor %}
#
# No experiment of this course can judge these:
#
# {% for row in results.claims.untested %}- *{{ row.claim }}.* {{ row.why }}
# {% endfor %}

# %% [markdown]
# ## Say it
#
# **May this student be shipped?** In about 200 words. Your company has 40 million monthly users now, and had 30 million
# in the month before Llama 3.1's release. It wants to sell a tutor for mathematics. The student's base is Llama-3.1-8B.
# It reads four sources:
# (a) 50,000 traces of Qwen3-32B, weights under Apache-2.0, run in-house; (b) 20,000 traces from a public data set
# whose card says MIT, written by "GPT-4"; (c) 10,000 traces of a model under Apache-2.0 that was tuned on (b);
# (d) 5,000 problems with solutions, found in a forum. On the test set, which comes from the same forum, it scores 81 %;
# without (d) it scores 74 %. Say yes, no or ask for each source, and why; what you owe; and what you would do next.
#
# | Points | Rubric |
# |---|---|
# | 1 | (b) is "ask": it is judged by the writer's terms and their date, not by the data set's licence |
# | 1 | (c) is judged like (b): provenance is transitive; (d) is "ask", since unknown is neither yes nor no |
# | 1 | (a) is a yes; the base brings duties, such as a name that begins with Llama; its limit counts the users at its release |
# | 1 | Does not believe 81 % before the overlap of (d) with the test set is measured; names a clean split or a check |

# %% [markdown] nbgrader={"grade": true, "grade_id": "written_shipping", "locked": false, "points": 4, "schema_version": 3, "solution": true, "task": false}
# *A sketch of an answer.* Not yet. (a) is a yes: the licence is permissive, and we ran the model ourselves. (b) is not
# MIT: a publisher cannot grant what the writer's terms withhold. The text came from a provider whose terms forbid
# competing models. We do not know which version of the terms applied when the text was written. So ask, and leave (b)
# out until there is an answer. (c) is judged like (b), whatever its own licence says, because it was tuned on (b). For
# (d) we know no terms: ask the forum, and do not guess.
#
# The base is allowed. The limit of 700 million counts the users in the month before its release, and we had 30 million.
# The base brings duties: the student's name begins with Llama, it shows "Built with Llama", and we pass the licence on.
#
# I do not believe the 81 %. (d) and the test come from the same forum. I would measure the overlap of each test
# question with (d), remove what is found, and judge on a test from elsewhere. Next: train on (a) alone, report that
# number, keep records, read the current terms, and let counsel decide every "ask".

# %% [markdown]
# ## Check yourself
#
# Choose an answer, then open it; each one explains itself.
#
# **1. A data set has 98 % rows with "yes" and 2 % with "ask". What does a gate do?**
#
# <details><summary>A. It lets the set pass, because most of it is allowed.</summary>
# The student is trained on every row. Nobody can take the 2 % out of its weights.
# </details>
# <details><summary>B. It stops, and names the rows.</summary>
# Right. Remove these rows, or get a yes for each of them. Then the gate lets the set pass.
# </details>
# <details><summary>C. It lets the set pass and warns.</summary>
# A warning scrolls by while the student trains.
# </details>
#
# **2. You add new data. Perplexity falls by a third on the validation split, but not on another split of the same text.
# What is the likeliest reason?**
#
# <details><summary>A. The student has learned the domain.</summary>
# Then the other split would have gained as well: it is from the same domain.
# </details>
# <details><summary>B. The new data hold validation text, or near-duplicates of it.</summary>
# Right. Measure the overlap of each validation document with the new data, and remove what you find.
# </details>
# <details><summary>C. The other split is harder.</summary>
# A harder split has a higher perplexity. It can still fall.
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
# - Keep a record for each trace: writer, base, chain, provider, date, purpose. If something is not recorded, you can
#   only ask.
# - The strictest of all terms decides, and one row that is not a yes stops the set.
# - What a licence takes away is not a random sample. Look at what the student will not read.
# - A lower perplexity does not show a leak. Runs of words do, and so does a split that cannot have leaked.
# - Repetition costs the student: the tokens that it reads again could have been new ones.
# - Besides perplexity, report calibration, agreement and refusals, each with its interval.
# - Check the current terms.

# %% [markdown]
# ## After this
#
# | Here | Elsewhere | What to watch |
# |---|---|---|
# | the card's section | a data set card on the hub: `license`, `source_datasets` in its YAML header; [datasheets](https://arxiv.org/abs/1803.09010) | one licence for all rows hides their differences |
# | `licence` by SPDX name | [SPDX 3.0](https://spdx.dev/use/specifications/) has profiles for data sets and AI; `spdx-tools` reads its documents | terms of an API have no SPDX name: `LicenseRef-` and your own |
# | `overlap` | lm-eval's `--log_samples`, and its decontamination by 13-word runs; `datatrove`'s `NGramsDecontFilter` | what is n, and does it look at short texts at all? |
# | `near_duplicates` | `datasketch.MinHashLSH(threshold, num_perm)` | it misses some pairs and reports some that are not alike; keep one of each group |
