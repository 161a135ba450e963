"""Right ways to write trace_labels, in other styles."""

from __future__ import annotations

from itertools import chain, repeat

from grader.exercises.lab05.trace_labels.wrong import catalogue

right = catalogue.right


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
