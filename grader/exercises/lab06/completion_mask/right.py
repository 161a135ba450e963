"""Right ways to write ``completion_mask``, in styles that people have."""

from __future__ import annotations

import numpy as np
import torch

from grader.exercises.lab06.completion_mask.wrong import catalogue, columns_of

right = catalogue.right


@right
def in_loops(input_ids, prompt_lengths, eos_id, pad_id):
    mask = torch.zeros(input_ids.shape, dtype=torch.bool)
    for row in range(input_ids.shape[0]):
        for column in range(prompt_lengths[row], input_ids.shape[1]):
            token = input_ids[row, column].item()
            if token == pad_id and token != eos_id:
                break
            mask[row, column] = True
            if token == eos_id:
                break
    return mask


@right
def by_counting(input_ids, prompt_lengths, eos_id, pad_id):
    written = torch.arange(input_ids.shape[1]) >= prompt_lengths[:, None]
    ended = (input_ids == eos_id) & written
    stops = ended | ((input_ids == pad_id) & written)
    stopped_before = stops.cumsum(1) - stops.long()
    return written & (stopped_before == 0) & (ended | ~stops)


@right
def ends_and_padding_apart(input_ids, prompt_lengths, eos_id, pad_id):
    behind = torch.arange(input_ids.shape[1]) >= prompt_lengths[:, None]
    ends = (input_ids == eos_id) & behind
    mask = behind & (ends.cumsum(1) - ends.long() == 0)
    padding = (input_ids == pad_id) & behind & ~ends
    return mask & (padding.cumsum(1) == 0)


@right
def by_argmax(input_ids, prompt_lengths, eos_id, pad_id):
    columns = torch.arange(input_ids.size(1), device=input_ids.device).unsqueeze(0)
    written = columns >= prompt_lengths.unsqueeze(1)
    is_eos = (input_ids == eos_id).logical_and(written)
    first = torch.where(is_eos.any(dim=1), is_eos.int().argmax(dim=1), input_ids.size(1))
    mask = written & (columns <= first.unsqueeze(1))
    padding = (input_ids == pad_id) & (input_ids != eos_id) & written
    return mask.masked_fill(padding.cummax(dim=1).values, False)


@right
def with_lists(input_ids, prompt_lengths, eos_id, pad_id):
    rows = []
    for row, start in zip(input_ids.tolist(), prompt_lengths.tolist(), strict=True):
        written = row[start:]
        if eos_id in written:
            length = written.index(eos_id) + 1
        elif pad_id in written:
            length = written.index(pad_id)
        else:
            length = len(written)
        rows.append([False] * start + [True] * length + [False] * (len(written) - length))
    return torch.tensor(rows)


@right
def by_cummax(input_ids, prompt_lengths, eos_id, pad_id):
    columns = columns_of(input_ids)
    behind = columns >= prompt_lengths.view(-1, 1)
    over = ((input_ids == eos_id) & behind).long().cummax(1).values.roll(1, dims=1)
    over[:, 0] = 0
    keep = behind & ~over.bool()
    if pad_id != eos_id:
        keep &= ~(input_ids.eq(pad_id) & behind).cummax(1).values
    return keep


@right
def by_cumprod(input_ids, prompt_lengths, eos_id, pad_id):
    inside = columns_of(input_ids) >= prompt_lengths[:, None]
    goes_on = torch.where(inside & ((input_ids == eos_id) | (input_ids == pad_id)), 0, 1).cumprod(1)
    before = torch.cat([torch.ones_like(goes_on[:, :1]), goes_on[:, :-1]], dim=1)
    return inside & (goes_on.bool() | (before.bool() & (input_ids == eos_id)))


@right
def row_by_row(input_ids, prompt_lengths, eos_id, pad_id):
    mask = torch.zeros_like(input_ids, dtype=torch.bool)
    for ids, length, row in zip(input_ids, prompt_lengths, mask, strict=True):
        stops = torch.nonzero(ids[length:] == eos_id)
        end = int(length) + int(stops[0]) + 1 if len(stops) else len(ids)
        row[length:end] = True
        padding = torch.nonzero(ids[length:] == pad_id)
        if pad_id != eos_id and len(padding):
            row[length + int(padding[0]) :] = False
    return mask


@right
def with_numpy(input_ids, prompt_lengths, eos_id, pad_id):
    ids, columns = input_ids.numpy(), np.arange(input_ids.shape[1])
    written = columns >= prompt_lengths.numpy()[:, None]
    stop = written & np.isin(ids, [eos_id, pad_id])
    first = np.where(stop.any(1), stop.argmax(1), ids.shape[1])[:, None]
    return torch.from_numpy(written & ((columns < first) | ((columns == first) & (ids == eos_id))))


@right
def with_distances(input_ids, prompt_lengths, eos_id, pad_id):
    batch, length = input_ids.shape
    columns = torch.arange(length).repeat(batch, 1)
    starts = prompt_lengths.reshape(batch, 1)
    far = torch.full_like(columns, length)
    eos = torch.where((input_ids == eos_id) & (columns >= starts), columns, far).amin(1, keepdim=True)
    pad = torch.where((input_ids == pad_id) & (columns >= starts), columns, far).amin(1, keepdim=True)
    return (columns >= starts) & (columns <= eos) & ((columns < pad) | (columns == eos))
