"""A real model's predictions come with the course and can be read everywhere; one's own prompt is answered."""

import os

import pytest
import torch

from utils.errors import CourseError
from utils.labs import dark_knowledge
from utils.labs.dark_knowledge import (
    SAVED,
    TOP,
    ask,
    predict,
    prediction_by_hand,
    saved_prediction,
    saved_predictions,
    smollm2_is_here,
)

MEGABYTE = 2**20


class Words:
    """A tokenizer of three words, and of nothing else."""

    words = ("cat", "tiger", "dog")

    def __call__(self, text, return_tensors=None, add_special_tokens=True):
        ids = [self.words.index(word) for word in text.split()]
        return {"input_ids": torch.tensor([ids]) if return_tensors else ids}

    def decode(self, ids):
        return " ".join(self.words[index] for index in ids)


class Model(torch.nn.Module):
    """Prefers the token after the last one; in train mode it would prefer the last one itself."""

    device = torch.device("cpu")

    def forward(self, input_ids):
        following = input_ids if self.training else (input_ids + 1) % 3
        logits = torch.nn.functional.one_hot(following, 3).float() * 5 + torch.tensor([0.2, 0.1, 0.0])
        return type("Output", (), {"logits": logits})


def test_every_kind_of_prompt_is_there_in_a_few_megabytes():
    predictions = saved_predictions()
    kinds = {prediction.kind for prediction in predictions}
    assert {"fact", "grammar", "ambiguity", "arithmetic", "code", "likeness"} <= kinds
    assert len(predictions) >= 30
    assert sum(path.stat().st_size for path in SAVED.iterdir()) < 4 * MEGABYTE


def test_saved_logits_are_whole_and_their_tokens_are_in_order():
    for prediction in saved_predictions():
        assert prediction.logits.dtype == torch.float32 and torch.isfinite(prediction.logits).all()
        assert prediction.logits.shape == (49152,)
        assert len(prediction.tokens) == len(prediction.top_ids) == TOP
        shown = prediction.logits[list(prediction.top_ids)]
        assert torch.equal(shown, shown.sort(descending=True).values)
        assert shown[-1] >= prediction.logits.topk(TOP).values[-1]
        assert prediction.tokens[prediction.top_ids.index(prediction.label_id)] == prediction.label


def test_the_model_knows_the_capital_of_france():
    paris = saved_prediction("The capital of France is")
    assert paris.tokens[0] == " Paris"
    assert 0.7 < torch.softmax(paris.logits, -1).max() < 0.85


def test_an_unknown_prompt_is_told_which_there_are():
    with pytest.raises(CourseError, match=r"'The capital of Atlantis'.*A tiger is a large wild.*ask\(\)"):
        saved_prediction("The capital of Atlantis")


def test_a_model_is_asked_in_eval_mode_and_left_as_it_was():
    model = Model().train()
    answer = predict(model, Words(), "dog tiger", label="tiger")
    assert (answer.tokens, answer.label, answer.label_id) == (("dog", "cat", "tiger"), "tiger", 1)
    assert model.training


def test_without_a_label_the_first_choice_is_the_label():
    assert predict(Model(), Words(), "cat").label == "tiger"


@pytest.mark.parametrize(("prompt", "label", "words"), [("", None, "prompt is empty"), ("cat", "", "label is empty")])
def test_an_empty_prompt_and_an_empty_label_are_refused(prompt, label, words):
    with pytest.raises(CourseError, match=words):
        predict(Model(), Words(), prompt, label)


def test_classes_by_hand_become_a_prediction_and_the_label_must_be_one_of_them():
    animals = {"cat": 0.5, "tiger": 2.0, "dog": -1.0}
    made = prediction_by_hand("Which animal?", animals, "cat")
    assert (made.tokens, made.top_ids, made.label_id) == (("tiger", "cat", "dog"), (1, 0, 2), 0)
    with pytest.raises(CourseError, match="'horse'"):
        prediction_by_hand("Which animal?", animals, "horse")


def test_ask_falls_back_to_the_embedded_teacher_and_says_so(monkeypatch, capsys):
    asked = []
    monkeypatch.setattr(dark_knowledge, "smollm2_folder", lambda: None)
    monkeypatch.setattr(dark_knowledge, "hub_answers", lambda: False)
    monkeypatch.setattr(dark_knowledge, "load_model", lambda name: asked.append(name) or Model())
    monkeypatch.setattr(dark_knowledge, "load_tokenizer", lambda name: Words())
    dark_knowledge.answering_model.cache_clear()
    try:
        answer = ask("cat")
        assert ask("dog").tokens[0] == "cat" and len(asked) == 1, "the model is loaded once"
    finally:
        dark_knowledge.answering_model.cache_clear()
    assert answer.model == "embedded teacher" and asked[0].endswith(os.path.join("pretrained", "teacher"))
    assert "requirements-smollm.txt" in capsys.readouterr().out


def test_a_hub_that_breaks_off_is_no_dead_end(monkeypatch):
    def load(name):
        if name == dark_knowledge.SMOLLM2_ON_HUB:
            raise CourseError("the hub broke off")
        return Model()

    monkeypatch.setattr(dark_knowledge, "smollm2_folder", lambda: None)
    monkeypatch.setattr(dark_knowledge, "hub_answers", lambda: True)
    monkeypatch.setattr(dark_knowledge, "load_model", load)
    monkeypatch.setattr(dark_knowledge, "load_tokenizer", lambda name: Words())
    dark_knowledge.answering_model.cache_clear()
    try:
        assert ask("cat").model == "embedded teacher"
    finally:
        dark_knowledge.answering_model.cache_clear()


def test_a_lab_without_smollm2_says_why_and_goes_on(monkeypatch, capsys):
    monkeypatch.setattr(dark_knowledge, "smollm2_folder", lambda: None)
    assert not smollm2_is_here("laptop") and "not installed here" in capsys.readouterr().out
    assert not smollm2_is_here("smoke") and "smoke run" in capsys.readouterr().out
    monkeypatch.setattr(dark_knowledge, "smollm2_folder", lambda: "a folder")
    assert smollm2_is_here("laptop") and not capsys.readouterr().out
