"""Are the positions that count the real ones, padded or packed, and does every token count once?"""

import copy

import pytest
import torch
from tokenizers.processors import TemplateProcessing

from utils.data.batches import (
    IGNORE,
    BatchPlan,
    Row,
    in_order,
    model_inputs,
    pack,
    pad,
    positions_of,
    prompt_ids,
    rows_of,
    start_tokens,
    valid_tokens,
    windows_of,
)
from utils.data.documents import Document
from utils.errors import CourseError
from utils.losses.core import distillation_loss, hard_loss
from utils.models.forward import with_fast_forward, with_positions
from utils.training.loop import train_step

LENGTHS = (5, 9, 12, 3, 16, 2, 7)
PAD = 0


@pytest.fixture
def documents():
    texts = ["a student reads", "ein Schüler liest 日本語 🙂 " * 9, "x", "the teacher answers with a distribution"]
    return [Document(f"d{index}", text, "") for index, text in enumerate(texts)]


@pytest.fixture
def student_and_teacher(make_model):
    """Two models as `load_model` hands them out, with learned positions that matter."""
    return with_positions(make_model(0)), with_positions(make_model(1)).requires_grad_(False)


def loss_and_gradients(student, teacher, batch, keys=("input_ids", "attention_mask", "position_ids")):
    student.zero_grad()
    inputs = {name: batch[name] for name in keys if name in batch}
    loss = distillation_loss(student(**inputs).logits, teacher(**inputs).logits, batch["labels"], 2.0, 0.5)
    loss.backward()
    return loss.item(), torch.cat([p.grad.flatten() for p in student.parameters()])


def same(one, other, relative=1e-5):
    """Within `relative`, which in float32 only the order of sums takes."""
    return one[0] == pytest.approx(other[0], rel=relative) and (one[1] - other[1]).norm() <= relative * other[1].norm()


def test_a_row_holds_the_documents_tokens_and_its_end(documents, tokenizer):
    rows = rows_of(documents, tokenizer, max_length=1000)
    for document, row in zip(documents, rows, strict=True):
        assert tokenizer.decode(row.input_ids) == document.text + tokenizer.eos_token
        assert row.labels == row.input_ids
        assert row.valid == len(row.input_ids) - 1


def test_a_document_that_does_not_fit_is_cut_and_has_no_end(documents, tokenizer):
    rows = rows_of(documents, tokenizer, max_length=8)
    assert max(len(row.input_ids) for row in rows) == 8
    assert [tokenizer.eos_token_id in row.input_ids for row in rows] == [False, False, True, False]


def test_the_limit_counts_documents(documents, tokenizer):
    assert [row.document for row in rows_of(documents, tokenizer, 8, limit=2)] == ["d0", "d1"]


@pytest.mark.parametrize("stride", [1, 3, 7])
def test_windows_count_every_token_exactly_once(documents, tokenizer, stride):
    rows = windows_of(documents, tokenizer, window=8, stride=stride)
    whole = {row.document: row for row in rows_of(documents, tokenizer, max_length=1000)}
    for name, document in whole.items():
        windows = [row for row in rows if row.document == name]
        counted = [label for row in windows for label in row.labels[1:] if label != IGNORE]
        assert counted == list(document.input_ids[1:])
        assert all(row.labels[0] == IGNORE and len(row.input_ids) <= 8 for row in windows)
        assert sum(row.label_bytes for row in windows) == document.label_bytes


def test_after_the_first_window_a_token_has_at_least_the_overlap_as_context(documents, tokenizer):
    rows = windows_of(documents, tokenizer, window=8, stride=3)
    for row in rows:
        first = next(index for index, label in enumerate(row.labels) if label != IGNORE)
        starts_its_document = row.labels[1] != IGNORE
        assert starts_its_document or first == 5


def test_the_bytes_are_those_of_the_text_behind_the_first_token(documents, tokenizer):
    for document, row in zip(documents, rows_of(documents, tokenizer, 1000), strict=True):
        first = tokenizer.decode(row.input_ids[:1])
        assert row.label_bytes == len(document.text.encode()) - len(first.encode())


def test_a_text_too_short_for_one_window_is_said(tokenizer, monkeypatch):
    empty = [Document("d", "", "")]  # the end of the text is its only token
    for make in (lambda: rows_of(empty, tokenizer, 8), lambda: windows_of(empty, tokenizer, 8, 4)):
        with pytest.raises(CourseError, match="too short"):
            make()
        with pytest.raises(CourseError, match="the text is empty"):
            rows_of([], tokenizer, 8)


@pytest.mark.parametrize("length", [1, 0, -5])
def test_a_row_of_fewer_than_two_tokens_is_refused(documents, tokenizer, length):
    with pytest.raises(CourseError, match=f"max_length is {length}"):
        rows_of(documents, tokenizer, length)


@pytest.mark.parametrize("stride", [0, 8, 9])
def test_a_stride_that_leaves_no_context_is_refused(documents, tokenizer, stride):
    with pytest.raises(CourseError, match=f"stride is {stride} and the window 8"):
        windows_of(documents, tokenizer, 8, stride)


@pytest.mark.parametrize("side", ["right", "left"])
def test_labels_say_what_is_padding_even_where_the_pad_token_is_a_real_one(side):
    rows = [Row((5, PAD, 6, PAD), (5, PAD, 6, PAD), "a", 4), Row((7, PAD), (7, PAD), "b", 2)]
    batch = pad(rows, PAD, side)
    assert batch["attention_mask"].sum(1).tolist() == [4, 2]
    assert valid_tokens(batch) == 3 + 1
    assert batch["input_ids"].dtype == batch["labels"].dtype == batch["attention_mask"].dtype == torch.int64
    real = batch["attention_mask"].bool()
    assert batch["input_ids"][1][real[1]].tolist() == [7, PAD]
    assert (batch["labels"][~real] == IGNORE).all()


def test_a_side_that_there_is_not_is_refused(make_rows):
    with pytest.raises(CourseError, match="not 'Left'"):
        pad(make_rows((2, 3)), PAD, "Left")


@pytest.mark.parametrize("side", ["right", "left"])
def test_padding_changes_neither_loss_nor_gradient(student_and_teacher, make_rows, side):
    """Through the models: a row alone, and the same row beside a longer one that does not count."""
    short, long = make_rows((5, 20))
    alone = loss_and_gradients(*student_and_teacher, pad([short], PAD))
    batch = pad([short, long], PAD, side)
    batch["labels"][1] = IGNORE
    assert same(loss_and_gradients(*student_and_teacher, batch), alone)


def test_left_padding_would_move_the_positions_of_a_plain_model(make_model, make_rows):
    """Why `load_model` hands out models that read positions off the mask."""
    plain, rows = make_model(), make_rows((5, 20))
    batches = [pad(rows, PAD, side) for side in ("right", "left")]
    right, left = (hard_loss(plain(**model_inputs(batch)).logits, batch["labels"]).mean() for batch in batches)
    assert abs(right - left) > 1e-3


def test_the_packed_loss_equals_the_unpacked_one(student_and_teacher, make_rows):
    rows = make_rows(LENGTHS)
    unpacked = loss_and_gradients(*student_and_teacher, pad(rows, PAD))
    packed = pack(rows, 20, PAD)
    assert packed["input_ids"].shape == (3, 20)
    assert valid_tokens(packed) == sum(length - 1 for length in LENGTHS)
    assert same(loss_and_gradients(*student_and_teacher, packed), unpacked)


def test_ids_and_mask_alone_give_the_packed_loss_too(student_and_teacher, make_rows):
    rows = make_rows(LENGTHS)
    unpacked = loss_and_gradients(*student_and_teacher, pad(rows, PAD))
    two_keys = ("input_ids", "attention_mask")
    assert same(loss_and_gradients(*student_and_teacher, pack(rows, 20, PAD), two_keys), unpacked)


def test_without_positions_that_restart_a_plain_model_answers_otherwise(make_model, make_rows):
    plain, packed = make_model(), pack(make_rows(LENGTHS), 20, PAD)
    with_them = plain(**model_inputs(packed)).logits
    without = plain(input_ids=packed["input_ids"], attention_mask=packed["attention_mask"]).logits
    assert (with_them - without).abs().max() > 0.1


def test_packing_in_bfloat16_stays_within_a_bound_of_float64(student_and_teacher, make_rows):
    student, teacher = (with_fast_forward(copy.deepcopy(model), torch.bfloat16) for model in student_and_teacher)
    rows = make_rows(LENGTHS)
    unpacked = loss_and_gradients(*(copy.deepcopy(model).double() for model in student_and_teacher), pad(rows, PAD))
    assert same(loss_and_gradients(student, teacher, pack(rows, 20, PAD)), unpacked, relative=5e-2)


def test_a_document_reads_nothing_of_its_neighbours(make_model, make_rows):
    rows = make_rows((5, 9))
    model, packed = make_model(), pack(rows, 16, PAD)
    before = model(**model_inputs(packed)).logits
    place = packed["input_ids"][0].tolist().index(rows[0].input_ids[0], 9)
    changed = {**packed, "input_ids": packed["input_ids"].clone()}
    changed["input_ids"][0, :9] += 1
    after = model(**model_inputs(changed)).logits
    torch.testing.assert_close(after[0, place : place + 5], before[0, place : place + 5])
    assert not torch.allclose(after[0, :9], before[0, :9])


def test_every_row_is_packed_once_and_in_as_few_sequences_as_first_fit_finds(make_rows):
    rows = make_rows(LENGTHS)
    packed = pack(rows, 20, PAD)
    lengths = (packed["position_ids"] == 0).sum(dim=1).tolist()
    assert packed["input_ids"].shape[0] == 3
    assert sorted(packed["input_ids"][packed["input_ids"] != PAD].tolist()) == sorted(
        token for row in rows for token in row.input_ids
    )
    assert sum(lengths) == len(rows) + int((packed["input_ids"] == PAD).sum())  # a start a document, and padding


def test_a_row_too_long_to_pack_is_refused(make_rows):
    with pytest.raises(CourseError, match="21 tokens and does not fit into 20"):
        pack(make_rows((3, 21)), 20, PAD)


def test_positions_are_read_off_every_kind_of_mask(make_rows):
    packed = pack(make_rows((3, 4, 2)), 8, PAD)
    additive, given = packed["attention_mask"], packed["position_ids"]
    assert torch.equal(positions_of(additive), given)
    assert torch.equal(positions_of(additive == 0), given)
    mask = torch.tensor([[0, 0, 1, 1, 1], [1, 1, 1, 0, 0]])
    assert positions_of(mask).tolist() == [[0, 0, 0, 1, 2], [0, 1, 2, 0, 0]]


def test_a_plan_shows_every_row_once_an_epoch_in_another_order_that_the_seed_decides(make_rows):
    rows = tuple(make_rows(tuple(range(2, 25))))

    def shown(seed, epoch):
        return [tuple(ids[mask.bool()].tolist()) for batch in BatchPlan(rows, 4, PAD, seed).epoch(epoch)
                for ids, mask in zip(batch["input_ids"], batch["attention_mask"], strict=True)]  # fmt: skip

    assert len(BatchPlan(rows, 4, PAD)) == len(list(BatchPlan(rows, 4, PAD).epoch(0))) == 6
    assert sorted(shown(0, 0)) == sorted(row.input_ids for row in rows)
    assert shown(0, 0) == shown(0, 0)
    assert shown(0, 0) != shown(0, 1)
    assert shown(0, 0) != shown(1, 0)


@pytest.mark.parametrize(("count", "batch_size"), [(0, 4), (3, 0)])
def test_a_plan_of_nothing_is_refused(make_rows, count, batch_size):
    with pytest.raises(CourseError, match=f"{count} rows in batches of {batch_size}"):
        BatchPlan(tuple(make_rows((3,) * count)), batch_size, PAD)


def test_batches_to_evaluate_on_keep_the_order(make_rows):
    rows = make_rows((3, 9, 4))
    batches = in_order(rows, 2, PAD)
    assert [len(batch["input_ids"]) for batch in batches] == [2, 1]
    assert batches[1]["input_ids"].tolist() == [list(rows[2].input_ids)]


def test_a_step_on_a_packed_batch_moves_the_student_as_on_a_padded_one(student_and_teacher, make_rows):
    student, teacher = student_and_teacher
    rows = make_rows(LENGTHS)
    moved = []
    for batch in (pad(rows, PAD), pack(rows, 20, PAD)):
        copied = copy.deepcopy(student)
        loss = train_step(copied, teacher, batch, torch.optim.SGD(copied.parameters(), lr=0.1), distillation_loss)
        moved.append((loss, torch.cat([p.detach().flatten() for p in copied.parameters()])))
    assert same(*moved)


@pytest.fixture(params=["<bos> $A", "<bos> $A <|endoftext|>", "<mask> <bos> $A"])
def beginning(request, tokenizer):
    """A tokenizer that begins each text as Llama's does, or ends it too, or begins it with two tokens."""
    begun = copy.deepcopy(tokenizer)
    begun.add_special_tokens({"bos_token": "<bos>", "mask_token": "<mask>"})
    names = ("<bos>", "<mask>", "<|endoftext|>")
    begun.backend_tokenizer.post_processor = TemplateProcessing(
        single=request.param, special_tokens=[(name, begun.convert_tokens_to_ids(name)) for name in names]
    )
    return begun


def starts(tokenizer):
    """The ids in front of a text, by the tokenizer's own words."""
    ids = tokenizer("the")["input_ids"]
    return tuple(index for index in ids if tokenizer.convert_ids_to_tokens(index) in ("<bos>", "<mask>"))


def test_a_row_begins_as_the_tokenizer_begins_a_text_and_the_beginning_is_no_target(documents, tokenizer, beginning):
    before = starts(beginning)
    plain = rows_of(documents, tokenizer, 1000)
    for row, without, document in zip(rows_of(documents, beginning, 1000), plain, documents, strict=True):
        assert row.input_ids == before + without.input_ids  # one end-of-text, whatever the tokenizer adds
        assert row.labels == (IGNORE,) * len(before) + without.input_ids
        assert row.valid == len(without.input_ids)  # the first token of the text is predicted, from its beginning
        assert row.label_bytes == len(document.text.encode())


def test_a_limit_of_tokens_counts_the_beginning(documents, beginning):
    assert {len(row.input_ids) for row in rows_of(documents, beginning, 6) if row.document != "d2"} == {6}


@pytest.mark.parametrize("stride", [1, 3])
def test_every_window_begins_as_a_text_does_and_every_token_counts_once(documents, tokenizer, beginning, stride):
    before = starts(beginning)
    rows = windows_of(documents, beginning, window=8, stride=stride)
    for document, whole in zip(documents, rows_of(documents, tokenizer, 1000), strict=True):
        windows = [row for row in rows if row.document == document.name]
        assert all(row.input_ids[: len(before)] == before and len(row.input_ids) <= 8 for row in windows)
        counted = [label for row in windows for label in row.labels[1:] if label != IGNORE]
        assert counted == list(whole.input_ids)
        assert sum(row.label_bytes for row in windows) == len(document.text.encode())
        for row in windows:
            assert all(label in (IGNORE, token) for label, token in zip(row.labels, row.input_ids, strict=True))


def test_a_packed_document_keeps_its_beginning_which_is_no_target(documents, beginning):
    rows = rows_of(documents, beginning, 16)
    packed = pack(rows, 40, PAD)
    begins = packed["input_ids"][packed["position_ids"] == 0]
    assert sum(int(token) == starts(beginning)[0] for token in begins) == len(rows)
    assert not torch.isin(packed["labels"], torch.tensor(starts(beginning))).any()


def test_a_stride_as_long_as_what_a_beginning_leaves_of_a_window_is_refused(documents, beginning):
    with pytest.raises(CourseError, match=r"the window 8 tokens, \d to begin the text"):
        windows_of(documents, beginning, 8, 7)


def test_a_prompt_begins_as_a_text_and_has_no_end(tokenizer, beginning):
    assert prompt_ids(beginning, "the teacher") == [*starts(beginning), *prompt_ids(tokenizer, "the teacher")]
    assert start_tokens(tokenizer) == ()
