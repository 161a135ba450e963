"""A folder that cannot be loaded gets the true reason: which file, what is wrong with it, and what to do."""

import json
import pickle
import shutil

import pytest
import torch
from transformers import AutoConfig

from tests.privileges import as_an_ordinary_user
from utils.errors import CourseError
from utils.machine import hub
from utils.models.loading import load_model, load_tokenizer

LFS = b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n"
PAGE = b"<!DOCTYPE html>\n<html><body>Sign in</body></html>"


@pytest.fixture(scope="module")
def whole(tmp_path_factory, make_model, tokenizer):
    folder = tmp_path_factory.mktemp("models") / "whole"
    make_model(vocabulary=len(tokenizer)).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


@pytest.fixture
def folder(whole, tmp_path, monkeypatch):
    monkeypatch.setattr(hub, "hub_answers", lambda: pytest.fail("the hub was asked for a folder"))
    return shutil.copytree(whole, tmp_path / "mine")


def rewrite(name, change):
    def work(folder):
        path = folder / name
        path.write_text(json.dumps(change(json.loads(path.read_text()))))

    return work


def replaced(name, content):
    def work(folder):
        (folder / name).unlink(missing_ok=True)
        (folder / name).write_bytes(content)

    return work


def cut(folder):
    path = folder / "model.safetensors"
    path.write_bytes(path.read_bytes()[:-1000])


def removed(*names):
    return lambda folder: [(folder / name).unlink() for name in names]


def as_pickle(folder, content=None):
    (folder / "model.safetensors").unlink()
    torch.save({"odd": torch.ones(1)}, folder / "pytorch_model.bin")
    if content:
        (folder / "pytorch_model.bin").write_bytes(content)


def cut_pickle(folder):
    as_pickle(folder)
    path = folder / "pytorch_model.bin"
    path.write_bytes(path.read_bytes()[:-50])


def pickled(content):
    def work(folder):
        (folder / "model.safetensors").unlink()
        torch.save(content, folder / "pytorch_model.bin")

    return work


def empty_index(folder):
    (folder / "model.safetensors").unlink()
    (folder / "model.safetensors.index.json").write_text("{}")


def in_parts(folder):
    (folder / "model.safetensors").rename(folder / "model-00001-of-00002.safetensors")
    parts = {"transformer.wte.weight": "model-00001-of-00002.safetensors", "x": "model-00002-of-00002.safetensors"}
    (folder / "model.safetensors.index.json").write_text(json.dumps({"metadata": {}, "weight_map": parts}))


def adapter(folder):
    for path in folder.iterdir():
        path.unlink()
    (folder / "adapter_config.json").write_text("{}")


def one_deeper(folder):
    shutil.copytree(folder, folder / "snapshots" / "abc")
    for path in folder.glob("*.*"):
        path.unlink()


def link_to_nothing(folder):
    (folder / "model.safetensors").unlink()
    (folder / "model.safetensors").symlink_to(folder / "blobs" / "abc")


def a_folder_as_weights(folder):
    (folder / "model.safetensors").unlink()
    (folder / "model.safetensors").mkdir()


MODELS = {
    "cut": (cut, r"model.safetensors' is damaged: it has [\d,]+ of [\d,]+ bytes. Copy or fetch it again"),
    "empty weights": (replaced("model.safetensors", b""), r"model.safetensors' is empty: copy or fetch it again"),
    "no safetensors": (replaced("model.safetensors", b"x" * 99), "is damaged: it does not begin as a safetensors file"),
    "pointer": (
        replaced("model.safetensors", LFS),
        r"model.safetensors' is a pointer of git LFS .* run `git lfs pull`",
    ),
    "page": (replaced("model.safetensors", PAGE), r"model.safetensors' is a web page, saved under this name"),
    "folder as weights": (a_folder_as_weights, "model.safetensors' is a folder, and a file is expected there"),
    "no weights": (removed("model.safetensors"), r"holds no weights \(model.safetensors or pytorch_model.bin\)"),
    "other name": (lambda f: (f / "model.safetensors").rename(f / "mine.safetensors"), r"no weights .*but mine.safet"),
    "link to nothing": (link_to_nothing, r"model.safetensors' is a link to .*abc, which is not there"),
    "a part is missing": (in_parts, "model-00002-of-00002.safetensors' is not there"),
    "pickle cut": (cut_pickle, r"pytorch_model.bin' is damaged: it is cut short"),
    "pickle empty": (lambda f: as_pickle(f, b"\n"), "transformers says|pytorch_model.bin'"),
    "pickle page": (lambda f: as_pickle(f, PAGE), "pytorch_model.bin' is a web page"),
    "a raw pickle": (lambda f: as_pickle(f, pickle.dumps([1, 2])), "model.bin' is not a file that torch has written"),
    "no pickle": (lambda f: as_pickle(f, b"garbage" * 99), "pytorch_model.bin' is not a file that torch has written"),
    "a whole module": (pickled(torch.nn.Linear(2, 2)), "pytorch_model.bin' holds Python objects and not weights alone"),
    "a list": (pickled([torch.ones(1)]), "pytorch_model.bin' holds a list and not weights by name"),
    "an empty index": (empty_index, r"index.json' does not say which file holds which weights \(weight_map\)"),
    "fewer layers": (
        rewrite("config.json", lambda c: {**c, "n_layer": 0}),
        "have 1 layers and its config.json asks for 0",
    ),
    "a PDF": (replaced("model.safetensors", b"%PDF-1.7 x"), "model.safetensors' is a PDF, under this name"),
    "a text as number": (
        rewrite("config.json", lambda c: {**c, "n_embd": "a"}),
        "field 'n_embd': .* expected int, got str",
    ),
    "pickle of something else": (as_pickle, "lack .* tensors"),
    "no config": (removed("config.json"), r"holds no model: there is no config.json, but .*model.safetensors"),
    "config cut": (replaced("config.json", b'{"model_type": "gpt2", '), r"config.json' is not whole JSON \(.*line 1"),
    "config empty": (replaced("config.json", b""), "config.json' is empty"),
    "config a pointer": (replaced("config.json", LFS), "config.json' is a pointer of git LFS"),
    "config without a kind": (rewrite("config.json", lambda c: {"hidden_size": 3}), "does not say which kind of model"),
    "unknown kind": (rewrite("config.json", lambda c: {**c, "model_type": "gpt9"}), "names the kind 'gpt9', which"),
    "another kind": (lambda f: AutoConfig.for_model("t5").save_pretrained(f), "a 't5', which is not a causal language"),
    "shapes": (rewrite("config.json", lambda c: {**c, "n_embd": 32}), r"do not fit its config.json: \S+ is \[\d+.*\]"),
    "adapter": (adapter, r"holds an adapter \(LoRA\) and no whole model"),
    "one deeper": (one_deeper, r"holds no model itself. Did you mean .*snapshots.abc'"),
    "gguf": (lambda f: [removed("config.json")(f), (f / "m.gguf").write_bytes(b"GGUF")], "holds a GGUF file"),
}


@pytest.mark.parametrize("case", MODELS)
def test_a_model_s_folder_with_a_fault_gets_its_sentence(case, folder):
    spoil, sentence = MODELS[case]
    spoil(folder)
    with pytest.raises(CourseError, match=sentence) as caught:
        load_model(str(folder), "cpu")
    said = str(caught.value)
    assert "\n" not in said and len(said) < 500 and "network" not in said


TOKENIZERS = {
    "none": (removed("tokenizer.json", "tokenizer_config.json"), r"holds no tokenizer \(tokenizer.json"),
    "cut": (replaced("tokenizer.json", b'{"version": "1.0", '), r"tokenizer.json' is not whole JSON"),
    "empty": (replaced("tokenizer.json", b""), "tokenizer.json' is empty"),
    "pointer": (replaced("tokenizer.json", LFS), "tokenizer.json' is a pointer of git LFS"),
    "page": (replaced("tokenizer.json", PAGE), "tokenizer.json' is a web page"),
    "settings cut": (replaced("tokenizer_config.json", b"{"), "tokenizer_config.json' is not whole JSON"),
    "another JSON": (replaced("tokenizer.json", b'{"a": 1}'), "tokenizer.json' is JSON, but not a tokenizer's"),
    "a list": (replaced("tokenizer_config.json", b"[]"), "tokenizer_config.json' is JSON, but not a tokenizer's"),
}  # fmt: skip


@pytest.mark.parametrize("case", TOKENIZERS)
def test_a_tokenizer_s_folder_with_a_fault_gets_its_sentence(case, folder):
    spoil, sentence = TOKENIZERS[case]
    spoil(folder)
    with pytest.raises(CourseError, match=sentence) as caught:
        load_tokenizer(folder)
    assert "\n" not in str(caught.value) and "network" not in str(caught.value)


@pytest.mark.parametrize("load", [load_model, load_tokenizer])
@pytest.mark.parametrize("name", ["~/not/there", "./not_there", "/not/there", "a/b/c", "model.gguf"])
def test_a_path_that_is_not_there_is_not_looked_for_on_the_hub(load, name, monkeypatch):
    monkeypatch.setattr(hub, "hub_answers", lambda: pytest.fail("the hub was asked for a path"))
    with pytest.raises(CourseError, match=r"^There is no folder "):
        load(name)


def test_a_file_in_place_of_the_folder_is_said(folder):
    (folder / "model.gguf").write_bytes(b"GGUF")
    for name, words in (
        ("model.safetensors", "is a file. Give the folder"),
        ("model.gguf", "is a GGUF file; this course"),
    ):
        with pytest.raises(CourseError, match=words):
            load_model(folder / name)


def test_a_folder_is_found_by_the_home_sign(folder, monkeypatch):
    for name in ("HOME", "USERPROFILE"):
        monkeypatch.setenv(name, str(folder.parent))
    assert load_model("~/mine", "cpu").config.n_layer == 1
    assert load_tokenizer("~/mine").eos_token_id is not None


@pytest.mark.parametrize("name", ["model.safetensors", "config.json"])
def test_a_file_that_may_not_be_read_is_said(folder, name):
    (folder / name).chmod(0)
    with as_an_ordinary_user(), pytest.raises(CourseError, match=rf"{name}' cannot be read \(Permission denied\)"):
        load_model(folder, "cpu")


@pytest.mark.parametrize("load", [load_model, load_tokenizer])
@pytest.mark.parametrize("rights", [0o000, 0o300, 0o400])  # none; enter but not list; list but not enter
def test_a_folder_that_may_not_be_looked_into_is_said_and_not_called_missing(folder, load, rights):
    folder.chmod(rights)
    try:
        for name in (folder, folder / "inside"):
            if name == folder or not rights & 0o100:
                with as_an_ordinary_user(), pytest.raises(CourseError, match="mine' may not be looked into"):
                    load(name)
    finally:
        folder.chmod(0o700)


@pytest.mark.parametrize("load", [load_model, load_tokenizer])
def test_a_name_that_is_empty_or_nobody_s_is_said(load):
    with pytest.raises(CourseError, match="The name is empty"):
        load(" ")
    for name in ("~nobody-of-this-name/model", "./half\0name"):
        with pytest.raises(CourseError, match="There is no folder"):
            load(name)
