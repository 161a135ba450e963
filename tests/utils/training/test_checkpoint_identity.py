"""Whose checkpoint is this?  Another run's, or one that cannot be read, is set aside with a sentence and never lost."""

import functools
from dataclasses import replace

import pytest
import torch

from tests.utils.training.interrupted_runs import LOSS, SETTINGS, interrupted, run, stopping_at
from utils.errors import CourseError
from utils.losses.core import distillation_loss
from utils.training.loop import ce_only_step, distill

pytestmark = pytest.mark.usefixtures("any_step")


def other_labels(plan):
    rows = [replace(row, labels=(*row.labels[:-1], -100)) for row in plan.rows]
    return replace(plan, rows=tuple(rows))


@pytest.mark.parametrize(
    "change",
    [
        lambda a: {**a, "plan": replace(a["plan"], rows=a["plan"].rows[::-1])},
        lambda a: {**a, "plan": other_labels(a["plan"])},
        lambda a: {**a, "plan": replace(a["plan"], seed=1)},
        lambda a: {**a, "plan": replace(a["plan"], batch_size=1)},
        lambda a: {**a, "plan": replace(a["plan"], pack_length=20)},
        lambda a: {**a, "settings": replace(SETTINGS, learning_rate=1e-3)},
        lambda a: {**a, "settings": replace(SETTINGS, seed=1)},
        lambda a: {**a, "loss": functools.partial(distillation_loss, temperature=3.0)},
        lambda a: {**a, "step": ce_only_step},
        lambda a: {**a, "teacher": a["make_model"](2).requires_grad_(False)},
        lambda a: {**a, "student": a["make_model"](5, dropout=0.2)},
    ],
    ids=["rows", "labels", "order", "batch size", "packing", "rate", "seed", "loss", "step", "teacher", "student"],
)
def test_another_runs_checkpoint_is_refused_with_a_sentence_and_kept(
    new_student, teacher, plan, path, make_model, capsys, change
):
    interrupted(new_student(), teacher, plan, path, 4)
    kept = path.read_bytes()
    arguments = {"student": new_student(), "teacher": teacher, "plan": plan, "make_model": make_model}
    arguments = change({**arguments, "settings": SETTINGS, "loss": LOSS, "step": stopping_at(0)})
    del arguments["make_model"]
    history = distill(**arguments, checkpoint=path)
    said = capsys.readouterr().out
    assert "run.pt belongs to" in said and "set aside as run.pt.old, and training begins anew" in said
    assert history.steps_done == history.steps_total
    assert path.with_name("run.pt.old").read_bytes() == kept


@pytest.mark.parametrize("content", [b"", b"not a checkpoint", "cut", "other"])
def test_a_checkpoint_that_cannot_be_read_is_set_aside_and_said(new_student, teacher, plan, path, capsys, content):
    interrupted(new_student(), teacher, plan, path, 4)
    if content == "cut":
        content = path.read_bytes()[:2000]
    if content == "other":
        torch.save({"weights": torch.zeros(2)}, path)
    else:
        path.write_bytes(content)
    assert run(new_student(), teacher, plan, path).steps_done == 10
    assert "run.pt" in (said := capsys.readouterr().out) and "training begins anew" in said
    assert path.with_name("run.pt.old").exists()


def test_a_student_with_other_dropout_or_fewer_parameters_that_learn_begins_anew(
    make_model, teacher, plan, path, capsys
):
    interrupted(make_model(0, dropout=0.2), teacher, plan, path, at=4)
    run(make_model(0, dropout=0.0), teacher, plan, path)
    assert "begins anew" in capsys.readouterr().out
    interrupted(make_model(0), teacher, plan, path, at=4)
    frozen = make_model(0)
    frozen.transformer.wte.requires_grad_(False)
    run(frozen, teacher, plan, path)
    assert "begins anew" in capsys.readouterr().out


def test_every_checkpoint_that_is_set_aside_is_kept(new_student, teacher, plan, path):
    for rate in (1e-2, 2e-2, 3e-2):
        settings = replace(SETTINGS, learning_rate=rate)
        with pytest.raises(KeyboardInterrupt):
            run(new_student(), teacher, plan, path, stopping_at(4), settings=settings)
    assert {file.name for file in path.parent.iterdir()} == {"run.pt", "run.pt.old", "run.pt.old1"}


def test_a_folder_is_no_checkpoint_and_a_name_is_enough(new_student, teacher, plan, path, capsys):
    with pytest.raises(CourseError, match="is a folder"):
        run(new_student(), teacher, plan, path.parent)
    interrupted(new_student(), teacher, plan, str(path), at=4)
    run(new_student(), teacher, plan, str(path))
    assert "going on at step 4 of 10" in capsys.readouterr().out
