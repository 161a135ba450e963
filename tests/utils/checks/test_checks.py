"""The learner's side: sentences for wrong kinds of things, cards, and nothing that could be copied as an answer."""

from __future__ import annotations

import ast
import contextlib
import logging
import re
import threading
import time
import warnings
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from grader.exercises import all_exercises
from tests.utils.checks.losses import right
from utils.checks import TABLES, Verdict, card, check, known
from utils.checks.ask import ask
from utils.checks.clock import TimeLimitError, within
from utils.checks.diagnosis import verdict_on
from utils.checks.hints import hint
from utils.checks.records import Probe, Table
from utils.errors import CourseError

PACKAGE = Path(check.__globals__["__file__"]).parent


def test_a_right_answer_gets_one_line(capsys: pytest.CaptureFixture) -> None:
    found = check("distillation_loss", right)
    assert found.passed and found.misconceptions == []
    assert capsys.readouterr().out.count("\n") == 1


def test_an_unknown_name_lists_the_known_ones() -> None:
    with pytest.raises(CourseError, match=r"distillation_loss.*train_step"):
        check("distilation_loss", right)


def test_every_exercise_of_the_catalogue_can_be_checked_and_nothing_else() -> None:
    assert known() == sorted(exercise.name for exercise in all_exercises())


@pytest.mark.parametrize("returned", [lambda logits, t: logits.tolist(), lambda logits, t: torch.nn.Softmax(dim=-1)])
def test_a_list_or_a_module_has_no_shape_to_compare(returned) -> None:
    said = check("soft_targets", returned).message
    assert "A tensor of shape (3, 5) is asked." in said and "has shape" not in said


def of_sums() -> Table:
    """The table of an exercise whose mistakes nobody has entered: the sum of x."""
    inputs = [np.float32([[1, 2], [3, 4]]), np.float32([[5, 6]])]
    numbers = {"expected/value": np.array([10.0, 11.0]), "expected/0/gradient/x": np.ones((2, 2))}
    probes = tuple(Probe(f"probe {i}", {"x": x}, ("x",) * (i == 0)) for i, x in enumerate(inputs))
    return Table("sums", probes, numbers, {"judge": "kinds", "mistakes": []})


@pytest.mark.parametrize(
    ("function", "said"),
    [
        (lambda x: x.sum(), "Right: all 2 probes agree"),
        (
            lambda x: 2 * x.sum(),
            "Not yet. 2 of 2 probes are wrong. On the probe 'probe 0' your answer is 20; it should be 10.",
        ),
        (
            lambda x: x[:2].sum() if len(x) > 1 else x.sum() + 1,
            "1 of 2 probes is wrong. On the probe 'probe 1' your answer",
        ),
        (lambda x: x.sum(0), "has shape (2,); it should be ()"),
        (lambda x: x.sum().detach(), "no gradient reaches x"),
        (lambda x: x.sum() * float("nan"), "Not yet: NaN or infinite. sums gives nan on every one of 2 probes."),
        (lambda x: x.sum().detach().numpy(), "Stay in torch"),
        (lambda x: [x.sum() * 0 + 10], "a list of 1 parts instead of a tensor"),
        (lambda x: x.sum() if len(x) > 1 else x @ x, "On the probe 'probe 1' it stops with RuntimeError"),
        (lambda x: x.sum() if len(x) > 1 else set(), "an empty set instead of a tensor"),
    ],
)
def test_an_exercise_without_catalogued_mistakes_is_told_right_from_wrong(function, said: str) -> None:
    table = of_sums()
    found = verdict_on(table, ask(table.probes, function))
    assert found.passed == said.startswith("Right") and said in found.message


def unwritten(student_logits, teacher_logits, labels, temperature=3.0, alpha=0.5):
    raise NotImplementedError


def broken(student_logits, teacher_logits, labels, temperature=3.0, alpha=0.5):
    return student_logits @ labels


def two_arguments(student_logits, teacher_logits):
    return student_logits.sum()


@pytest.mark.parametrize(
    ("thing", "says"),
    [
        ("alpha * soft", "str is not a function"),
        (two_arguments, "cannot be called with 5 arguments"),
        (unwritten, "Not written yet"),
        (broken, "return student_logits @ labels"),
        (lambda *arguments: None, "returns None"),
        (lambda *arguments: "2.5", "returns a str"),
        (lambda *arguments: arguments[0].sum() * float("nan"), "nan"),
    ],
)
def test_a_wrong_kind_of_thing_gets_its_own_sentence(thing: object, says: str) -> None:
    found = check("distillation_loss", thing)
    assert not found.passed and says in found.message
    assert "utils/checks" not in found.message


NUMBER, ARRAY = "a Python number instead of a tensor", "a numpy array instead of a tensor"
NO_GRADIENT = ": no gradient can flow"


def detached(*arguments):
    return right(*arguments).detach()


@pytest.mark.parametrize(
    ("name", "function", "misconception"),
    [
        ("entropy", lambda p: float(p.sum()), NUMBER),  # no gradient is owed
        ("entropy", lambda p: p.sum().numpy(), ARRAY),
        ("entropy", lambda p: p.sum(-1).numpy(), ARRAY),
        ("entropy", lambda p: p.sum().numpy()[()], "a numpy number instead of a tensor"),
        ("kl_divergence", lambda p, q: p.sum().item(), NUMBER + NO_GRADIENT),
        ("kl_divergence", lambda p, q: p.detach().sum().numpy(), ARRAY),
        ("distillation_loss", lambda *a: detached(*a).item(), NUMBER + NO_GRADIENT),
        ("distillation_loss", lambda *a: detached(*a).numpy(), ARRAY),
        ("distillation_loss", lambda *a: detached(*a).reshape(1).numpy(), ARRAY),
        ("distillation_loss", lambda *a: detached(*a).numpy()[()], "a numpy number instead of a tensor" + NO_GRADIENT),
    ],
)
def test_what_left_torch_has_the_same_words_in_every_exercise(name, function, misconception) -> None:
    found = check(name, function)
    assert found.misconceptions[0] == misconception
    assert "ndarray" not in found.message and "float32" not in found.message


@pytest.mark.parametrize(
    "thing",
    [
        "alpha * soft", two_arguments, broken, lambda *arguments: None, lambda *arguments: "2.5",
        lambda *arguments: torch.nn.Linear(1, 1), lambda *arguments: arguments[0].sum() * float("nan"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("name", ["distillation_loss", "soft_targets", "train_step", "perplexity", "verify"])
def test_whatever_is_wrong_is_said_in_one_form(name: str, thing: object) -> None:
    found = check(name, thing)
    assert found.misconceptions
    assert found.message.startswith(f"Not yet: {'; '.join(found.misconceptions)}. ")


def test_what_is_not_written_yet_names_no_misconception() -> None:
    assert check("distillation_loss", unwritten).misconceptions == []


def endless(student_logits, teacher_logits, labels, temperature=3.0, alpha=0.5):
    while True:
        with contextlib.suppress(Exception):
            time.sleep(0.001)


def test_an_endless_loop_ends_with_a_sentence() -> None:
    found = check("distillation_loss", endless, seconds=0.3)
    assert found.message.startswith("Not yet: no end within the time limit. distillation_loss did not come to an end")


def test_an_endless_loop_ends_in_another_thread_too() -> None:
    found: list[Verdict] = []
    worker = threading.Thread(target=lambda: found.append(check("distillation_loss", endless, seconds=0.3)))
    worker.start()
    worker.join(20)
    assert found and "did not come to an end" in found[0].message


def test_a_time_limit_is_no_ordinary_exception() -> None:
    with pytest.raises(TimeLimitError):
        within(0.1, lambda: endless(None, None, None))
    assert not issubclass(TimeLimitError, Exception)


@pytest.mark.parametrize(
    ("name", "thing", "misconception"),
    [
        ("distillation_loss", two_arguments, "the arguments are not the task's"),
        ("distillation_loss", broken, "an exception: RuntimeError"),
        ("soft_targets", lambda logits, temperature: [0.5, 0.5], "a list of numbers instead of a tensor"),
        (
            "layer_map",
            lambda student, teacher: {i: i * teacher // student for i in range(1, student + 1)},
            "a dict instead of a list",
        ),
        (
            "layer_map",
            lambda student, teacher: [(1, teacher)],
            "part 1 is a tuple of whole numbers instead of a whole number",
        ),
        ("entropy", lambda p: p[..., :2], "a tensor of shape (3, 2) instead of (3,)"),
    ],
)
def test_a_wrong_kind_of_thing_has_a_name_for_the_class_report(name: str, thing: object, misconception: str) -> None:
    assert check(name, thing).misconceptions[0] == misconception


def test_a_list_of_layers_that_nobody_catalogued_is_told_its_properties() -> None:
    found = check("layer_map", lambda student, teacher: [min(3 * i + 2, teacher + 1) for i in range(student)])
    assert "layers beyond the teacher's last one" in found.misconceptions
    assert any("last layer missed" in name for name in found.misconceptions)


def test_a_step_that_hands_over_the_whole_output_sees_its_own_line() -> None:
    def step(student, teacher, batch, optimizer, loss_function):
        inputs = {"input_ids": batch["input_ids"], "attention_mask": batch["attention_mask"]}
        return loss_function(student(**inputs), teacher(**inputs).logits, batch["labels"])

    found = check("train_step", step)
    assert "whole output" in found.misconceptions[0]
    assert "loss_function(student(**inputs)" in found.message and "utils/checks" not in found.message


def test_a_teacher_in_inference_mode_is_right() -> None:
    def step(student, teacher, batch, optimizer, loss_function):
        inputs = {"input_ids": batch["input_ids"], "attention_mask": batch["attention_mask"]}
        with torch.inference_mode():
            teacher_logits = teacher(**inputs).logits
        loss = loss_function(student(**inputs).logits, teacher_logits, batch["labels"])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        return loss.item()

    assert check("train_step", step).passed


def test_gradients_work_where_the_caller_had_switched_them_off() -> None:
    with torch.no_grad():
        assert check("distillation_loss", right).passed
        assert not torch.is_grad_enabled()


def test_a_card_escapes_what_the_learner_wrote_and_speaks_without_colour() -> None:
    shown = card.html("<b>", Verdict(False, "<script>alert(1)</script>", ["<i>"]))
    assert "<script>" not in shown and "<i>" not in shown and "not yet" in shown and 'role="status"' in shown


def test_checks_import_neither_grader_nor_the_library_of_losses() -> None:
    for path in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            modules = [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            modules += [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            assert not any(module.startswith(("grader", "cli", "utils.losses.core")) for module in modules), path


def test_tables_are_small() -> None:
    for path in (PACKAGE / "tables").glob("*.npz"):
        assert path.stat().st_size < 1_000_000, path.name


@pytest.mark.parametrize("exercise", ["soft_targets", "entropy", "kl_divergence"])
def test_a_function_of_one_prediction_is_not_asked_about_a_loss_or_a_text(exercise):
    table = Table.load(TABLES / f"{exercise}.npz")
    texts = table.texts
    names = {name for group in texts["groups"] for listed, _ in group["entries"] for name in listed}
    assert len(names) >= 6
    for name in names | set(texts["extremes"].values()):
        words = set(re.findall(r"\w+", hint(table, name).lower()))
        assert not {"loss", "text", "labels", "batches", "probe"} & words, name


def test_what_libraries_warn_of_is_not_printed_while_a_check_asks(caplog: pytest.LogCaptureFixture) -> None:
    def noisy(p, q):
        logging.getLogger("transformers.anything").warning("a setting is not recognised")
        return F.kl_div(q.log_softmax(-1), p.softmax(-1))  # torch warns that a reduction is not given

    logging.getLogger("transformers").addHandler(caplog.handler)  # it hands nothing on by itself
    try:
        with caplog.at_level(logging.WARNING, "transformers"), warnings.catch_warnings(record=True) as warned:
            warnings.simplefilter("always")
            check("kl_divergence", noisy)
            assert not warned and not caplog.records
            logging.getLogger("transformers.anything").warning("after the check")
            assert len(caplog.records) >= 1
    finally:
        logging.getLogger("transformers").removeHandler(caplog.handler)


@pytest.mark.parametrize("name", ["train_step", "on_policy_step"])
def test_a_step_that_gives_nan_stops_no_check(name: str) -> None:
    found = check(name, lambda *arguments: float("nan"))
    assert not found.passed and found.message.startswith("Not yet: ")
