"""trace_labels(prompt_ids, trace_ids, length, pad_id): on which tokens of question, trace and padding is trained."""

from __future__ import annotations

from itertools import chain, repeat

from grader.exercises.ordinary import Catalogue, exercise
from utils.checks.records import Probe

catalogue = Catalogue()
wrong, right = catalogue.wrong, catalogue.right
LOSS = "Which tokens is the student to write by itself?"


def trace_labels(prompt_ids, trace_ids, length, pad_id):
    """(input_ids, labels), two lists of ``length`` numbers, or None where question and trace do not fit.

    input_ids: the question, the trace, padding. labels: the same ids for the trace, -100 for question and padding. The
    trace ends with the end of text, which counts, also where ``pad_id`` is the same id. Nothing is shifted.
    """
    ids = prompt_ids + trace_ids
    if len(ids) > length:
        return None
    padding = length - len(ids)
    return ids + [pad_id] * padding, [-100] * len(prompt_ids) + trace_ids + [-100] * padding


def draw(stream):
    """The end of text is 0, or what the padding is; ids of the question come in the trace too."""

    def probe(name, pad, end, room):
        prompt = stream.integers(3, 9, int(stream.integers(4, 7))).tolist()
        trace = [prompt[1], prompt[-1], *stream.integers(3, 9, int(stream.integers(3, 6))).tolist(), end]
        length = len(prompt) + len(trace) + room
        return Probe(name, {"prompt_ids": prompt, "trace_ids": trace, "length": length, "pad_id": pad})

    some = int(stream.integers(3, 6))
    yield probe("padding", 1, 0, some)
    yield probe("padding, other ids", 0, 12, some + 1)
    yield probe("one to pad", 1, 0, 1)
    yield probe("padding is the end of text", 0, 0, some)
    yield probe("padding is another end of text", 11, 11, some)
    yield probe("just fits", 1, 0, 0)
    yield probe("just fits, other ids", 0, 12, 0)
    yield probe("just fits, one id for both", 0, 0, 0)
    yield probe("one too long", 1, 0, -1)
    yield probe("far too long", 1, 0, -5)
    yield probe("too long, one id for both", 0, 0, -2)


@wrong("the question is trained on", "labels are a copy of the ids.", LOSS)
def question_trained(prompt_ids, trace_ids, length, pad_id):
    ids = prompt_ids + trace_ids
    padding = length - len(ids)
    return None if padding < 0 else (ids + [pad_id] * padding, ids + [-100] * padding)


@wrong(
    "the end of text is masked",
    "The last id of the trace gets -100.",
    "From where does the student learn to stop?",
)
def end_masked(prompt_ids, trace_ids, length, pad_id):
    found = trace_labels(prompt_ids, trace_ids, length, pad_id)
    if found is not None:
        found[1][len(prompt_ids) + len(trace_ids) - 1] = -100
    return found


@wrong(
    "an end of text with the padding's id is masked",
    "Every id that equals pad_id gets -100.",
    "Which of the ids that equal pad_id are padding?",
)
def masked_by_value(prompt_ids, trace_ids, length, pad_id):
    found = trace_labels(prompt_ids, trace_ids, length, pad_id)
    return found and (found[0], [-100 if label == pad_id else label for label in found[1]])


@wrong("the padding is trained on", "labels of padding are pad_id.", "Is the student to write padding?")
def padding_trained(prompt_ids, trace_ids, length, pad_id):
    ids = prompt_ids + trace_ids
    padding = [pad_id] * (length - len(ids))
    return None if len(ids) > length else (ids + padding, [-100] * len(prompt_ids) + trace_ids + padding)


@wrong(
    "the first padding is trained on too, as an end of text",
    "Leaves one label behind the trace.",
    "How many ends of text has a trace?",
)
def one_padding_trained(prompt_ids, trace_ids, length, pad_id):
    found = trace_labels(prompt_ids, trace_ids, length, pad_id)
    place = len(prompt_ids) + len(trace_ids)
    if found is not None and place < length:
        found[1][place] = pad_id
    return found


@wrong(
    "pad_id in place of -100",
    "Masks with the padding's id.",
    "Which label does torch's cross entropy ignore?",
)
def masked_with_pad(prompt_ids, trace_ids, length, pad_id):
    found = trace_labels(prompt_ids, trace_ids, length, pad_id)
    return found and (found[0], [pad_id if label == -100 else label for label in found[1]])


@wrong(
    "labels shifted: the loss shifts them a second time",
    "Moves the labels one to the left.",
    "Who shifts, your labels or the loss?",
)
def shifted(prompt_ids, trace_ids, length, pad_id):
    found = trace_labels(prompt_ids, trace_ids, length, pad_id)
    return found and (found[0], [*found[1][1:], -100])


@wrong(
    "labels moved to the right by one",
    "Moves the labels the wrong way.",
    "Whose id is labels[i], that of input_ids[i] or of the one before?",
)
def moved_right(prompt_ids, trace_ids, length, pad_id):
    found = trace_labels(prompt_ids, trace_ids, length, pad_id)
    return found and (found[0], [-100, *found[1][:-1]])


@wrong(
    "the trace's first id is masked",
    "The question's mask is one too long.",
    "Who writes the first token of the trace?",
)
def first_masked(prompt_ids, trace_ids, length, pad_id):
    found = trace_labels(prompt_ids, trace_ids, length, pad_id)
    if found is not None:
        found[1][len(prompt_ids)] = -100
    return found


@wrong("the question's last id is trained on", "The question's mask is one too short.", LOSS)
def last_of_the_question(prompt_ids, trace_ids, length, pad_id):
    found = trace_labels(prompt_ids, trace_ids, length, pad_id)
    if found is not None:
        found[1][len(prompt_ids) - 1] = prompt_ids[-1]
    return found


@wrong(
    "ids of the trace that the question has too are masked",
    "Masks by value: `id in prompt_ids`.",
    "7 is in the question and in the trace. Are both masked?",
)
def masked_by_membership(prompt_ids, trace_ids, length, pad_id):
    found = trace_labels(prompt_ids, trace_ids, length, pad_id)
    return found and (found[0], [-100 if label in prompt_ids else label for label in found[1]])


@wrong(
    "a trace that does not fit is cut at its end: the answer is lost",
    "ids[:length].",
    "What does a student learn from solutions that break off?",
)
def cut_at_the_end(prompt_ids, trace_ids, length, pad_id):
    found = trace_labels(prompt_ids, trace_ids, max(length, len(prompt_ids) + len(trace_ids)), pad_id)
    return found[0][:length], found[1][:length]


@wrong(
    "a question that does not fit is cut at its beginning",
    "ids[-length:].",
    "Can half a question be answered?",
)
def cut_at_the_beginning(prompt_ids, trace_ids, length, pad_id):
    found = trace_labels(prompt_ids, trace_ids, max(length, len(prompt_ids) + len(trace_ids)), pad_id)
    return found[0][-length:], found[1][-length:]


@wrong(
    "the trace is cut so that its end of text still fits",
    "Keeps the last id and cuts in front of it.",
    "Which part of the trace is in front of its end of text?",
)
def cut_before_the_end(prompt_ids, trace_ids, length, pad_id):
    room = length - len(prompt_ids)
    trace = trace_ids if len(trace_ids) <= room else [*trace_ids[: room - 1], trace_ids[-1]]
    return trace_labels(prompt_ids, trace, length, pad_id)


@wrong(
    "what does not fit comes back longer than asked",
    "No padding, and no question about the length.",
    "How long are the lists that are returned, whatever comes in?",
)
def too_long(prompt_ids, trace_ids, length, pad_id):
    return trace_labels(prompt_ids, trace_ids, max(length, len(prompt_ids) + len(trace_ids)), pad_id)


@wrong(
    "an exception where question and trace do not fit",
    "Raises in place of returning None.",
    "What does the task say is returned where they do not fit?",
)
def raises(prompt_ids, trace_ids, length, pad_id):
    found = trace_labels(prompt_ids, trace_ids, length, pad_id)
    if found is None:
        raise ValueError("too long")
    return found


@wrong("exactly the length is taken for too long", ">= in place of >.", "Do 12 ids fit into a length of 12?")
def just_fits_refused(prompt_ids, trace_ids, length, pad_id):
    fits = len(prompt_ids) + len(trace_ids) < length
    return trace_labels(prompt_ids, trace_ids, length, pad_id) if fits else None


@wrong("padding on the left", "Pads in front.", "Where does the task want the padding?")
def left(prompt_ids, trace_ids, length, pad_id):
    padding = length - len(prompt_ids) - len(trace_ids)
    if padding < 0:
        return None
    return [pad_id] * padding + prompt_ids + trace_ids, [-100] * (padding + len(prompt_ids)) + trace_ids


@wrong("no padding", "The lists are as long as the ids.", "Can rows of different lengths be one tensor?")
def not_padded(prompt_ids, trace_ids, length, pad_id):
    return trace_labels(prompt_ids, trace_ids, min(length, len(prompt_ids) + len(trace_ids)), pad_id)


@wrong("a second end of text is appended", "The trace had one.", "What does the trace end with already?")
def second_end(prompt_ids, trace_ids, length, pad_id):
    return trace_labels(prompt_ids, [*trace_ids, trace_ids[-1]], length, pad_id)


@wrong(
    "the padding of the input ids is -100",
    "Masks the ids and not only the labels.",
    "Which embedding has the token -100?",
)
def ids_masked(prompt_ids, trace_ids, length, pad_id):
    return trace_labels(prompt_ids, trace_ids, length, -100)


@right
def by_place(prompt_ids, trace_ids, length, pad_id):
    start, end = len(prompt_ids), len(prompt_ids) + len(trace_ids)
    if end > length:
        return None
    input_ids, labels = [], []
    for place in range(length):
        inside = start <= place < end
        input_ids.append(prompt_ids[place] if place < start else trace_ids[place - start] if inside else pad_id)
        labels.append(input_ids[-1] if inside else -100)
    return input_ids, labels


@right
def filled_in(prompt_ids, trace_ids, length, pad_id):
    whole = [*prompt_ids, *trace_ids]
    if length < len(whole):
        return None
    input_ids, labels = [pad_id] * length, [-100] * length
    input_ids[: len(whole)] = whole
    labels[len(prompt_ids) : len(whole)] = trace_ids
    return input_ids, labels


@right
def with_numpy(prompt_ids, trace_ids, length, pad_id):
    import numpy as np

    ids = np.array([*prompt_ids, *trace_ids])
    if ids.size > length:
        return None
    counts = np.zeros(length, dtype=bool)
    counts[len(prompt_ids) : ids.size] = True
    padded = np.pad(ids, (0, length - ids.size), constant_values=pad_id)
    return padded.tolist(), np.where(counts, padded, -100).tolist()


@right
def with_torch(prompt_ids, trace_ids, length, pad_id):
    import torch

    ids = torch.tensor(prompt_ids + trace_ids)
    if len(ids) > length:
        return None
    ids = torch.nn.functional.pad(ids, (0, length - len(ids)), value=pad_id)
    labels = ids.clone()
    labels[: len(prompt_ids)] = -100
    labels[len(prompt_ids) + len(trace_ids) :] = -100
    return ids.tolist(), labels.tolist()


@right
def with_extend(prompt_ids, trace_ids, length, pad_id):
    labels = [-100 for _ in prompt_ids]
    labels.extend(trace_ids)
    ids = list(prompt_ids)
    ids.extend(trace_ids)
    if len(ids) > length:
        return None
    while len(ids) < length:
        ids.append(pad_id)
        labels.append(-100)
    return ids, labels


@right
def with_pairs(prompt_ids, trace_ids, length, pad_id):
    pairs = [(token, -100) for token in prompt_ids] + [(token, token) for token in trace_ids]
    if len(pairs) > length:
        return None
    pairs += [(pad_id, -100)] * (length - len(pairs))
    ids, labels = zip(*pairs, strict=True)
    return list(ids), list(labels)


@right
def with_itertools(prompt_ids, trace_ids, length, pad_id):
    from itertools import islice

    if len(prompt_ids) + len(trace_ids) > length:
        return None
    ids = islice(chain(prompt_ids, trace_ids, repeat(pad_id)), length)
    labels = islice(chain(repeat(-100, len(prompt_ids)), trace_ids, repeat(-100)), length)
    return list(ids), list(labels)


@right
def as_lists(prompt_ids, trace_ids, length, pad_id):
    room = length - len(prompt_ids) - len(trace_ids)
    if room < 0:
        return None
    return [prompt_ids + trace_ids + room * [pad_id], len(prompt_ids) * [-100] + trace_ids + room * [-100]]


@right
def by_mask(prompt_ids, trace_ids, length, pad_id):
    parts = [(prompt_ids, False), (trace_ids, True), ([pad_id] * (length - len(prompt_ids) - len(trace_ids)), False)]
    rows = [(token, counts) for part, counts in parts for token in part]
    return None if len(rows) > length else ([t for t, _ in rows], [t if counts else -100 for t, counts in rows])


PARTS = [
    ("question and trace", 2, ("just fits", "just fits, other ids")),
    ("padding", 1, ("padding", "padding, other ids", "one to pad")),
    (
        "one id for padding and end of text",
        1,
        ("just fits, one id for both", "padding is the end of text", "padding is another end of text"),
    ),
    ("what does not fit", 1, ("just fits", "one too long", "far too long", "too long, one id for both")),
]
EXERCISE = exercise("trace_labels", "05", trace_labels, draw, PARTS, catalogue)
