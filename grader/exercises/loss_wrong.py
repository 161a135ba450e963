"""The catalogue of what goes wrong in ``distillation_loss``: names, sentences, and the choices that make each one.

Each entry changes a few factors of a right recipe, so any two that change different factors can be made together. The
mistake this prevents is a catalogue of anecdotes that nobody can run.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from grader.exercise import Misconception
from grader.exercises.loss_recipe import Recipe, cook


@dataclass(frozen=True)
class Wrong:
    """name as the verdict says it; sentence; the factors changed; other names that are as true."""

    name: str
    sentence: str
    changes: dict[str, str]
    also: tuple[str, ...] = ()

    def recipe(self) -> Recipe:
        return replace(Recipe(), **self.changes)


def _both(name: str, sentence: str, factor: str, choice: str, suffix: str = " in both parts") -> list[Wrong]:
    """One mistake in both parts, in the soft part alone, in the hard part alone."""
    changes = {part: {f"{part}_{factor}": choice} for part in ("soft", "hard")}
    parts = [
        Wrong(f"{name} in the {part} part", f"{sentence} Only the {part} part.", changes[part]) for part in changes
    ]
    return [Wrong(name + suffix, sentence, changes["soft"] | changes["hard"]), *parts]


NO_SHIFT = "no causal shift"
BATCH = "divided by the batch size (batchmean), not by the number of valid tokens"
ALL = "divided by all positions, ignored ones included"
SUMMED = "summed, not divided by the number of valid tokens"
TOKEN_0 = "masked by token id instead of -100: valid labels equal to 0 are dropped"
TOKEN_LAST = "masked by token id instead of -100: valid labels equal to the last id are dropped"
ROWS = "mean of the rows' means: a token in a short row counts more"
VOCABULARY = "averaged over the vocabulary as well"
LENGTH = "divided by the row length, not by the number of valid tokens"
AXIS = "softmax over the {} instead of the vocabulary"
UNSTABLE = "unstable at large logits: an exp or a log leaves the range"
CUT_OFF = "unstable at large logits: a clamp or an epsilon cuts the loss off"

WRONG: tuple[Wrong, ...] = (
    # which positions
    *_both(NO_SHIFT, "Position t is scored on the token it has just read.", "shift", "none", ""),
    *_both(
        "causal shift in the wrong direction",
        "Logits and labels are cut at each other's end.",
        "shift",
        "wrong way",
        "",
    ),
    *_both("shift by two positions instead of one", "The label two places on is used.", "shift", "two", ""),
    Wrong(
        "labels rolled around: the last position is scored against the first token in both parts",
        "torch.roll keeps the last position and gives it the first token.",
        {"soft_shift": "rolled", "hard_shift": "rolled"},
        ("labels rolled around: the last position is scored against the first token",),
    ),
    Wrong(
        "flattened before the shift: a row's end is scored on the next row's start in both parts",
        "view(-1, V) first, then [:-1] and [1:].",
        {"soft_shift": "flattened", "hard_shift": "flattened"},
    ),
    Wrong(
        "teacher one position ahead of the student",
        "The teacher is cut at the other end than the student.",
        {"soft_shift": "teacher ahead"},
    ),
    Wrong(
        "the wrong end of the logits is cut off in the soft part",
        "The first position is dropped instead of the last.",
        {"soft_shift": "wrong end"},
    ),
    # which of them count
    *_both("padding counted", "Ignored positions enter sum and count.", "mask", "none"),
    *_both(TOKEN_0, "Padding is recognised by id 0; real tokens with that id go too.", "mask", "not id 0"),
    *_both(TOKEN_LAST, "Padding is recognised by eos; real ends of text go too.", "mask", "not last id"),
    Wrong(TOKEN_0 + " in the soft part", "The same, and -100 counts.", {"soft_mask": "only not id 0"}),
    *_both("labels shifted but the mask is not", "The mask is built before the shift.", "mask", "unshifted", ""),
    *_both("the mask is inverted: only ignored positions count", "== instead of !=.", "mask", "inverted"),
    *_both("only the last position counts", "logits[:, -1] alone is scored.", "mask", "last"),
    *_both("only the first row of the batch counts", "logits[0] alone is scored.", "mask", "first row"),
    *_both("the first position is left out", "A slice starts one too late.", "mask", "without first"),
    Wrong(
        "positions whose own token is ignored are dropped as well in the soft part",
        "Unshifted and shifted mask are multiplied.",
        {"soft_mask": "both ends"},
    ),
    # divided by what
    *_both(BATCH, "batchmean on (B, S, V) divides by B.", "mean", "batch"),
    *_both(ALL, "The masked sum is divided by all positions.", "mean", "all"),
    *_both(SUMMED, "The sum over tokens is returned.", "mean", "sum"),
    *_both(ROWS, "Each row is averaged first.", "mean", "rows"),
    *_both(
        "the number of valid tokens is counted before the shift",
        "N counts the first label too.",
        "mean",
        "before shift",
    ),
    *_both(VOCABULARY, "reduction='mean' also divides by V.", "mean", "vocabulary"),
    *_both(LENGTH, "The sum is divided by S - 1.", "mean", "length"),
    Wrong(
        "divided by the size of the vocabulary, not by the number of valid tokens in the soft part",
        "The sum is divided by V.",
        {"soft_mean": "only vocabulary"},
    ),
    *_both("divided by the number of valid tokens and by the batch size", "A mean of a mean.", "mean", "twice"),
    *_both("the number of valid tokens is off by one", "N + 1 tokens.", "mean", "one more"),
    Wrong("the number of valid tokens is off by one in the soft part", "N - 1 tokens.", {"soft_mean": "one fewer"}),
    # which divergence
    Wrong("KL the wrong way round (student || teacher)", "The student weighs the sum.", {"divergence": "reverse"}),
    Wrong("Jensen-Shannon divergence instead of KL", "A mixture stands in the middle.", {"divergence": "jsd"}),
    Wrong("symmetric KL (both directions added) instead of KL", "Both directions.", {"divergence": "symmetric"}),
    Wrong(
        "soft cross-entropy instead of KL (the teacher's entropy is not subtracted)",
        "Same gradient, but not 0 for equal distributions.",
        {"divergence": "soft ce"},
    ),
    Wrong("mean squared error of logits instead of KL", "Regression on logits.", {"divergence": "mse logits"}),
    Wrong("mean squared error of probabilities instead of KL", "Brier-like.", {"divergence": "mse probabilities"}),
    Wrong("mean squared error of log-probabilities instead of KL", "Regression on logs.", {"divergence": "mse logs"}),
    Wrong("absolute difference of probabilities instead of KL", "Total variation, doubled.", {"divergence": "l1"}),
    Wrong(
        "student probabilities where log-probabilities belong (log forgotten)",
        "kl_div expects the log of its first argument.",
        {"divergence": "no log"},
    ),
    Wrong("softmax of the student forgotten (raw logits)", "kl_div on raw logits.", {"divergence": "raw student"}),
    Wrong(
        "softmax of the teacher forgotten (logits as log-target)",
        "The teacher's logits are taken for log-probabilities.",
        {"divergence": "raw teacher"},
    ),
    Wrong(
        "teacher log-probabilities where probabilities belong (log_target)",
        "log_softmax on the teacher without log_target.",
        {"divergence": "log target"},
    ),
    Wrong(
        "teacher probabilities where log-probabilities belong (log_target)",
        "log_target=True with probabilities.",
        {"divergence": "log target flag"},
    ),
    Wrong("softmax taken twice on the student", "softmax, then log_softmax.", {"divergence": "student twice"}),
    Wrong("softmax taken twice on the teacher", "softmax of a softmax.", {"divergence": "teacher twice"}),
    Wrong("softmax taken twice on student and teacher", "Both of them.", {"divergence": "both twice"}),
    Wrong(
        "the teacher's top token as a hard label instead of its distribution",
        "Only the favourite is learned.",
        {"divergence": "top"},
    ),
    Wrong("maximum over the vocabulary instead of the sum", "One term of the sum.", {"divergence": "max"}),
    Wrong("the teacher's weights missing from the KL sum", "log p - log q, not weighed.", {"divergence": "unweighted"}),
    Wrong("absolute values of the KL's terms are summed", "abs() before the sum.", {"divergence": "absolute terms"}),
    Wrong("negative terms of the KL sum are cut off at 0", "clamp before the sum.", {"divergence": "clamped terms"}),
    # which axis
    Wrong(AXIS.format("sequence") + " in the soft part", "dim=1.", {"soft_axis": "sequence"}),
    Wrong(AXIS.format("batch") + " in the soft part", "dim=0, also what dim=None means.", {"soft_axis": "batch"}),
    Wrong(AXIS.format("sequence") + " in the hard part", "dim=1.", {"hard_axis": "sequence"}),
    Wrong(AXIS.format("batch") + " in the hard part", "dim=0.", {"hard_axis": "batch"}),
    # the label's cost
    Wrong(
        "log forgotten in the hard part (probability instead of log-probability)",
        "nll_loss on probabilities.",
        {"hard_cost": "probability"},
    ),
    Wrong(
        "one minus the probability instead of its negative log in the hard part", "1 - p.", {"hard_cost": "one minus"}
    ),
    Wrong("softmax missing in the hard part (raw logits)", "nll_loss on logits.", {"hard_cost": "raw"}),
    Wrong("softmax taken twice in the hard part", "cross_entropy of probabilities.", {"hard_cost": "twice"}),
    Wrong(
        "cross-entropy of the teacher instead of the student", "The wrong model is scored.", {"hard_cost": "teacher"}
    ),
    Wrong("the teacher's top token as the label in the hard part", "argmax of the teacher.", {"hard_cost": "top"}),
    Wrong("label smoothing (0.1) in the hard part", "label_smoothing=0.1.", {"hard_cost": "smoothed"}),
    Wrong("squared error of probabilities instead of cross-entropy", "Brier.", {"hard_cost": "squared"}),
    Wrong("binary cross-entropy instead of cross-entropy", "V yes-or-no questions.", {"hard_cost": "binary"}),
    Wrong(
        "the teacher's distribution instead of the label in the hard part",
        "The labels are not used at all.",
        {"hard_cost": "imitation"},
    ),
    # temperature
    Wrong("temperature missing in the softmax of both", "T only scales.", {"soft_temperature": "none"}),
    Wrong("temperature missing on the teacher", "Only the student is softened.", {"soft_temperature": "student"}),
    Wrong("temperature missing on the student", "Only the teacher is softened.", {"soft_temperature": "teacher"}),
    Wrong("logits multiplied by the temperature instead of divided", "Sharper.", {"soft_temperature": "multiplied"}),
    Wrong("logits divided by T squared", "Softened twice.", {"soft_temperature": "squared"}),
    Wrong("logits divided by the square root of T", "Softened by half.", {"soft_temperature": "root"}),
    Wrong("temperature applied twice on the student", "Divided twice.", {"soft_temperature": "student twice"}),
    Wrong(
        "temperature hard-coded to 2",
        "The argument is not used.",
        {"soft_temperature": "fixed 2", "soft_scale": "fixed 2"},
    ),
    Wrong("temperature hard-coded to 3", "Only the default is right.", {"soft_temperature": "fixed 3"}),
    Wrong("temperature in the hard part", "Labels are scored on softened logits.", {"hard_temperature": "both"}),
    # scale
    Wrong("T squared missing", "Soft gradients shrink with T.", {"soft_scale": "none"}),
    Wrong("scaled by T instead of T squared", "One power short.", {"soft_scale": "once"}),
    Wrong("scaled by the square root of T instead of T squared", "** 0.5.", {"soft_scale": "root"}),
    Wrong("divided by T squared instead of multiplied", "The wrong way.", {"soft_scale": "inverse"}),
    Wrong("divided by T instead of multiplied by T squared", "The wrong way.", {"soft_scale": "inverse once"}),
    Wrong("T squared applied twice", "T to the fourth.", {"soft_scale": "fourth"}),
    Wrong("T squared hard-coded to 3 squared", "Right at the default only.", {"soft_scale": "fixed 3"}),
    Wrong("T squared on the hard part as well", "The whole blend is scaled.", {"hard_scale": "squared"}),
    Wrong("hard part divided by T squared", "The wrong part is scaled.", {"hard_scale": "inverse"}),
    *_both("sign flipped", "The better, the larger.", "sign", "minus"),
    *_both("bits instead of nats (base 2)", "log2.", "unit", "bits"),
    # stability
    Wrong(UNSTABLE + " in the soft part", "log(softmax).", {"soft_log": "naive"}),
    Wrong(UNSTABLE + " in the hard part", "log(softmax).", {"hard_log": "naive"}),
    Wrong(CUT_OFF + " in both parts", "log(softmax + 1e-8).", {"soft_log": "eps", "hard_log": "eps"}),
    Wrong(CUT_OFF + " in the hard part", "clamped before the log.", {"hard_log": "clamp"}),
    # what flows back
    Wrong("no gradient reaches the student in the soft part", "The student is detached.", {"soft_graph": "detached"}),
    Wrong("no gradient reaches the student in the hard part", "The student is detached.", {"hard_graph": "detached"}),
    Wrong("no gradient reaches the student", "loss.detach().", {"returned": "detached"}),
    Wrong("gradient flows into the teacher", "The teacher is not detached.", {"teacher_graph": "open"}),
    # blend
    Wrong("alpha and 1 - alpha swapped", "alpha weighs the labels.", {"blend": "swapped"}),
    Wrong("1 - alpha missing on the hard part", "alpha * soft + hard.", {"blend": "no complement"}),
    Wrong("alpha missing on the soft part", "soft + (1 - alpha) * hard.", {"blend": "soft unweighted"}),
    Wrong("soft and hard part are added without alpha", "soft + hard.", {"blend": "sum"}),
    Wrong("alpha hard-coded instead of the argument", "0.5 each.", {"blend": "half"}, ("alpha is not used",)),
    Wrong("alpha hard-coded instead of the argument", "0.7 and 0.3.", {"blend": "fixed"}, ("alpha is not used",)),
    Wrong("the hard part is missing", "alpha * soft.", {"blend": "only soft"}),
    Wrong("the soft part is missing", "(1 - alpha) * hard.", {"blend": "only hard"}),
    Wrong("the hard part is missing", "Only the divergence.", {"blend": "all soft"}),
    Wrong("the soft part is missing", "Plain fine-tuning.", {"blend": "all hard"}),
    Wrong(
        "alpha on both parts: 1 - alpha missing on the hard part", "alpha * (soft + hard).", {"blend": "alpha on both"}
    ),
    Wrong("1 + alpha instead of 1 - alpha on the hard part", "A sign in the blend.", {"blend": "one plus"}),
    Wrong("alpha does not enter linearly", "alpha squared.", {"blend": "squared"}),
    # the answer as such
    Wrong("a Python number instead of a tensor: no gradient can flow", ".item().", {"returned": "float"}),
    Wrong("a Python number instead of a tensor: no gradient can flow", ".numpy().", {"returned": "numpy"}),
    Wrong("a tuple instead of one number", "The parts are returned too.", {"returned": "tuple"}),
    Wrong("a dict instead of one number", "A dictionary.", {"returned": "dict"}),
    Wrong("a str instead of a number", "A formatted text.", {"returned": "text"}),
    Wrong("nothing returned", "return is missing.", {"returned": "none"}),
    Wrong("a tensor of shape (1,) instead of one number", "One element, but a vector.", {"returned": "shape 1"}),
    Wrong("a tensor of shape (4,) instead of one number", "Not reduced.", {"returned": "repeated"}),
    Wrong("a constant: the loss does not depend on its input", "A stub.", {"returned": "constant"}),
    Wrong("a constant: the loss does not depend on its input", "Multiplied by 0.", {"returned": "zero"}),
    Wrong("NaN or infinite", "0 / 0.", {"returned": "nan"}),
    Wrong("exp of the loss (a perplexity) is returned", "exp too early.", {"returned": "exp"}),
    Wrong("random: the same input gives different losses", "Noise.", {"returned": "noise"}),
    Wrong("labels changed in place", "Ignored labels are overwritten.", {"side_effect": "labels"}),
    Wrong("student_logits changed in place", "div_.", {"side_effect": "student"}),
    Wrong("teacher_logits changed in place", "div_.", {"side_effect": "teacher"}),
)


def misconceptions() -> tuple[Misconception, ...]:
    """Each entry as something that runs."""
    return tuple(Misconception(entry.name, entry.sentence, cook(entry.recipe()), entry.also) for entry in WRONG)
