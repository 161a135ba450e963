"""Wrong ways to write trace_labels."""

from __future__ import annotations

from grader.exercises.lab05.trace_labels.rule import trace_labels
from grader.exercises.ordinary import Catalogue

catalogue = Catalogue()
wrong = catalogue.wrong


LOSS = "Which tokens is the student to write by itself?"


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


@wrong("0 in place of -100", "Masks with 0, which is a token.", "Which label does torch's cross entropy ignore?")
def masked_with_zero(prompt_ids, trace_ids, length, pad_id):
    found = trace_labels(prompt_ids, trace_ids, length, pad_id)
    return found and (found[0], [0 if label == -100 else label for label in found[1]])


@wrong("labels and ids swapped", "Returns the labels first.", "Which of the two lists does the task name first?")
def swapped(prompt_ids, trace_ids, length, pad_id):
    found = trace_labels(prompt_ids, trace_ids, length, pad_id)
    return found and (found[1], found[0])


@wrong("only the input ids are returned", "Forgets the labels.", "How many lists does the task ask for?")
def ids_alone(prompt_ids, trace_ids, length, pad_id):
    found = trace_labels(prompt_ids, trace_ids, length, pad_id)
    return found and found[0]


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
