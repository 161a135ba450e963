"""The reference of ``completion_mask``, and wrong ways to write it."""

from __future__ import annotations

from collections.abc import Callable

import torch

from grader.exercises.ordinary import Catalogue

catalogue = Catalogue()
wrong = catalogue.wrong


def columns_of(input_ids):
    return torch.arange(input_ids.shape[1]).expand_as(input_ids)


def _ends(input_ids, prompt_lengths, eos_id, pad_id):
    """(B,): the column behind the last token that counts."""
    ends = []
    for row, start in zip(input_ids.tolist(), prompt_lengths.tolist(), strict=True):
        stop = next((place for place in range(start, len(row)) if row[place] in (eos_id, pad_id)), len(row))
        ends.append(stop + (stop < len(row) and row[stop] == eos_id))
    return torch.tensor(ends)


def _between(input_ids, starts, ends):
    columns = columns_of(input_ids)
    return (columns >= starts[:, None]) & (columns < ends[:, None])


def completion_mask(input_ids, prompt_lengths, eos_id, pad_id):
    return _between(input_ids, prompt_lengths, _ends(input_ids, prompt_lengths, eos_id, pad_id))


def _starting(of: Callable) -> Callable:
    """A mistake in where a completion begins (B,)."""

    def variant(input_ids, prompt_lengths, eos_id, pad_id):
        return _between(input_ids, of(prompt_lengths), _ends(input_ids, prompt_lengths, eos_id, pad_id))

    return variant


def _ending(of: Callable) -> Callable:
    """A mistake in where a completion ends: of the tokens (n,) behind one prompt, how many count."""

    def variant(input_ids, prompt_lengths, eos_id, pad_id):
        lengths = [
            start + of(row[start:], eos_id, pad_id)
            for row, start in zip(input_ids.tolist(), prompt_lengths.tolist(), strict=True)
        ]
        return _between(input_ids, prompt_lengths, torch.tensor(lengths))

    return variant


def _found(tokens: list, *ids: int) -> int:
    """The place of the first of these ids; the number of tokens where there is none."""
    return next((place for place, token in enumerate(tokens) if token in ids), len(tokens))


# Where it begins

wrong(
    "prompt tokens are counted too",
    "Starts at column 0.",
    "Who wrote the prompt?",
)(_starting(torch.zeros_like))
wrong(
    "one token too early: the prompt's last token counts",
    "The position that predicts the first written token is taken for that token.",
    "The prompt has 3 tokens. In which column is the first written one?",
)(_starting(lambda lengths: lengths - 1))
wrong(
    "one token too late: the first written token does not count",
    "Starts behind the first written token.",
    "The prompt has 3 tokens. In which column is the first written one?",
)(_starting(lambda lengths: lengths + 1))


LATE = (
    "one token too late: the first written token does not count",
    "Compares with > instead of >=, so an end of text in that place is not seen either.",
    "The prompt has 3 tokens. In which column is the first written one?",
)


@wrong(*LATE)
def later_than_the_prompt(input_ids, prompt_lengths, eos_id, pad_id):
    return completion_mask(input_ids, prompt_lengths + 1, eos_id, pad_id)


wrong(
    "the first row's prompt length is used for all rows",
    "Takes prompt_lengths[0].",
    "How long is the second row's prompt?",
)(_starting(lambda lengths: lengths[:1].expand_as(lengths)))
wrong(
    "the longest prompt's length is used for all rows",
    "Cuts off the beginnings of what rows with shorter prompts wrote.",
    "Where does a row begin to write whose prompt is shorter than the longest?",
)(_starting(lambda lengths: lengths.max().expand_as(lengths)))

# Where it ends

wrong(
    "the end of text itself does not count",
    "Stops before it.",
    "Who decided that the text ends? Which token says so, and should the student learn to write it?",
)(_ending(lambda tokens, eos, pad: _found(tokens, eos, pad)))
wrong(
    "what follows the end of text counts: the whole rest of the row",
    "Looks at the beginning alone.",
    "What stands in a row behind its end of text, and who wrote it?",
)(_ending(lambda tokens, eos, pad: len(tokens)))
wrong(
    "tokens between the first and the last end of text count",
    "Looks for the last one.",
    "A row has two ends of text. Behind which one did the student stop?",
)(_ending(lambda tokens, eos, pad: len(tokens) - tokens[::-1].index(eos) if eos in tokens else _found(tokens, pad)))
wrong(
    "a row without an end of text counts nowhere",
    "The place of the first one of none is taken for 0.",
    "argmax of a row in which nothing is True: what does it give?",
)(_ending(lambda tokens, eos, pad: _found(tokens, eos) + 1 if eos in tokens else 0))
wrong(
    "a row without an end of text counts one token only",
    "The place of the first one of none is taken for 0, and it counts itself.",
    "argmax of a row in which nothing is True: what does it give?",
)(_ending(lambda tokens, eos, pad: _found(tokens, eos) + 1 if eos in tokens else 1))
wrong(
    "a row without an end of text loses its last token",
    "Something is taken off where there is no end of text to take off.",
    "The row was cut at its greatest length. Which of its last tokens did the student not write?",
)(_ending(lambda tokens, eos, pad: _found(tokens, eos) + 1 if eos in tokens else _found(tokens, pad) - 1))
wrong(
    "padding of a row that was cut counts",
    "Looks for the end of text alone; where there is none, the padding counts.",
    "A row without an end of text can be padded too. What does pad_id say?",
)(_ending(lambda tokens, eos, pad: min(_found(tokens, eos) + 1, len(tokens))))
DROPPED = (
    "the end of text is dropped as padding where both have one id",
    "Removes pad_id everywhere, and with GPT-2's tokenizer that is the end of text.",
    "GPT-2 pads with its end of text. Which of them did the student write?",
)
wrong(*DROPPED)(
    _ending(lambda tokens, eos, pad: _found(tokens, pad) if pad == eos else _found(tokens, eos, pad) + (eos in tokens))
)
BUT_PADDING = (
    "everything but padding counts, behind the end of text too",
    "The mask is input_ids != pad_id behind the prompt.",
    "May something stand behind the end of text that is no padding?",
)
wrong(*BUT_PADDING)(_ending(lambda tokens, eos, pad: len(tokens) - _found(tokens[::-1], *({*tokens} - {pad}))))


@wrong(*BUT_PADDING)
def no_padding(input_ids, prompt_lengths, eos_id, pad_id):
    return (columns_of(input_ids) >= prompt_lengths[:, None]) & (input_ids != pad_id)


# Both


def _counted(starts, most, goes_on=False, drops=False):
    """Tokens behind these columns, while at most so many ends of text have come, without padding of another id.

    goes_on: behind the first padding too; drops: an end of text is padding where both have one id.
    """

    def variant(input_ids, prompt_lengths, eos_id, pad_id):
        columns = columns_of(input_ids)
        ends = (input_ids == eos_id) & (columns >= starts(prompt_lengths)[:, None])
        before = ends.cumsum(1) - ends.long()
        written = columns >= prompt_lengths[:, None]
        inside = written & most(ends.cumsum(1), before)
        padding = written & (input_ids == pad_id)
        gone = padding if goes_on else padding.cumsum(1) > 0
        return inside if pad_id == eos_id and not drops else inside & ~gone

    return variant


def _from_the_prompt(lengths):
    return lengths


def _none_before(seen, before):
    return before == 0


wrong(
    "text after the first padding counts in a row that was cut",
    "Leaves the padding out, and goes on after it.",
    "A row without an end of text was padded: where does its completion stop, and may it begin again?",
)(_counted(_from_the_prompt, _none_before, goes_on=True))


@wrong(*LATE)
def later_and_after_the_padding(input_ids, prompt_lengths, eos_id, pad_id):
    counted = _counted(_from_the_prompt, _none_before, goes_on=True)
    return counted(input_ids, prompt_lengths + 1, eos_id, pad_id)


wrong(*DROPPED)(_counted(_from_the_prompt, _none_before, goes_on=True, drops=True))
for also in (False, True):
    wrong(
        "the first end of text is looked for in the prompt too",
        "A prompt that begins with an end of text, as GPT-2's do, ends the row before it begins.",
        "May the prompt hold an end of text? From which column on do you look?",
    )(_counted(torch.zeros_like, _none_before, goes_on=also))
    wrong(
        "tokens up to the second end of text count, without it",
        "Adds up the ends of text seen so far and keeps at most one.",
        "Add up the ends of text from left to right: what is the sum one token behind the first?",
    )(_counted(_from_the_prompt, lambda seen, before: seen <= 1, goes_on=also))


@wrong(
    "prompt tokens are counted too, and the first end of text is looked for there",
    "The mask of the first text in the row, whoever wrote it.",
    "Who wrote the prompt? What are prompt_lengths for?",
)
def no_prompt_lengths(input_ids, prompt_lengths, eos_id, pad_id):
    start = torch.zeros_like(prompt_lengths)
    return _between(input_ids, start, _ends(input_ids, start, eos_id, pad_id))


@wrong(
    "the mask of real tokens: prompt and all, without padding",
    "input_ids != pad_id.",
    "Who wrote the prompt? What are prompt_lengths for?",
)
def attention_mask(input_ids, prompt_lengths, eos_id, pad_id):
    return input_ids != pad_id


@wrong(
    "the mask is turned round: True where the student wrote nothing",
    "The right mask, negated.",
    "Which tokens is True for?",
)
def inverted(input_ids, prompt_lengths, eos_id, pad_id):
    return ~completion_mask(input_ids, prompt_lengths, eos_id, pad_id)


@wrong(
    "one column short: the mask is shifted already",
    "Aligned with the logits, (B, S - 1).",
    "The mask says which tokens count. How many tokens has a row?",
)
def already_shifted(input_ids, prompt_lengths, eos_id, pad_id):
    return completion_mask(input_ids, prompt_lengths, eos_id, pad_id)[:, 1:]


@wrong(
    "the columns behind the prompt only: the mask is shorter than the row",
    "Cuts the longest prompt off.",
    "The mask says which tokens count. How many tokens has a row?",
)
def cut_off(input_ids, prompt_lengths, eos_id, pad_id):
    return completion_mask(input_ids, prompt_lengths, eos_id, pad_id)[:, int(prompt_lengths.max()) :]
