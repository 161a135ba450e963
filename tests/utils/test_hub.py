"""The full profile against a stand-in hub on loopback: models and text in the hub's own file layout."""

import hashlib
import json
import os
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit

import pytest
import torch
from datasets import Dataset

ROOT = Path(__file__).parents[2]
COMMIT = "0" * 39 + "1"
WIKITEXT = "Salesforce/wikitext"
CARD = """---
configs:
- config_name: wikitext-2-raw-v1
  data_files:
  - split: train
    path: wikitext-2-raw-v1/train-*
  - split: validation
    path: wikitext-2-raw-v1/validation-*
  - split: test
    path: wikitext-2-raw-v1/test-*
---
"""


def save_models(folder, make_model, tokenizer):
    """gpt2-medium and distilgpt2, tiny and random, one of them in half precision as some files on the hub are."""
    for seed, (name, layers, width) in enumerate((("gpt2-medium", 2, 32), ("distilgpt2", 1, 16))):
        model = make_model(seed, len(tokenizer), layers, width)
        model.config.bos_token_id = model.config.eos_token_id = tokenizer.eos_token_id
        model.to(torch.float16 if name == "distilgpt2" else torch.float32).save_pretrained(folder / name)
        tokenizer.save_pretrained(folder / name)


def save_text(folder):
    """WikiText's layout: a card that names the splits, and a parquet file each, with headings and empty lines."""
    (folder / WIKITEXT / "wikitext-2-raw-v1").mkdir(parents=True)
    (folder / WIKITEXT / "README.md").write_text(CARD)
    for split, count in (("train", 40), ("validation", 20), ("test", 20)):
        rows = ["", " = A heading = \n"]
        for place in range(count):
            rows.append(" ".join(f"{split}{place}word{(7 * place + i) % 50}" for i in range(12)) + " . \n")
        path = folder / WIKITEXT / "wikitext-2-raw-v1" / f"{split}-00000-of-00001.parquet"
        Dataset.from_dict({"text": rows}).to_parquet(path)


class Hub(BaseHTTPRequestHandler):
    """As much of the hub as loading takes: facts about a repository, its tree, and its files."""

    folder: Path
    asked: list

    def do_HEAD(self):
        self.do_GET()

    def do_POST(self):
        """Facts about some of a repository's paths, asked for as JSON or as a form."""
        body = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
        paths = json.loads(body)["paths"] if body.startswith("{") else parse_qs(body).get("paths", [])
        _, name, _ = self._place()
        self._send(json.dumps([entry for entry in self._tree(name) if entry["path"] in paths]).encode())

    def do_GET(self):
        self.asked.append(self.path)
        if self.path == "/":
            return self._send(b"")
        kind, name, rest = self._place()
        if kind == "file":
            file = self.folder / name / rest
            return self._send(file.read_bytes(), file=True) if file.is_file() else self._send(b"", 404)
        if not (self.folder / name).is_dir():
            return self._send(b"", 404)
        if rest.startswith("tree"):
            below = "/".join(rest.split("/")[2:])
            recursive = "recursive=true" in self.path.lower()
            return self._send(json.dumps(self._listing(name, below, recursive)).encode())
        if rest and not rest.startswith("revision"):
            return self._send(b"", 404)
        siblings = [{"rfilename": entry["path"]} for entry in self._tree(name) if entry["type"] == "file"]
        facts = {"id": name, "sha": COMMIT, "private": False, "gated": False, "tags": [], "siblings": siblings}
        return self._send(json.dumps({**facts, "downloads": 0, "likes": 0, "lastModified": None}).encode())

    def _place(self):
        """("api" or "file", the repository, what of it is asked)."""
        parts = [part for part in unquote(urlsplit(self.path).path).split("/") if part]
        api = parts[0] == "api"
        parts = [part for part in parts[1 if api else 0 :] if part not in ("models", "datasets")]
        size = 2 if parts[0] == "Salesforce" else 1
        name, rest = "/".join(parts[:size]), parts[size:]
        return ("api", name, "/".join(rest)) if api else ("file", name, "/".join(rest[2:]))

    def _tree(self, name):
        """Every file and folder of a repository."""
        entries = []
        for path in sorted((self.folder / name).rglob("*")):
            entry = {"type": "directory", "path": path.relative_to(self.folder / name).as_posix(), "size": 0, "oid": ""}
            if path.is_file():
                digest = hashlib.sha1(path.read_bytes()).hexdigest()
                entry |= {"type": "file", "size": path.stat().st_size, "oid": digest}
            entries.append(entry)
        return entries

    def _listing(self, name, below, recursive):
        start = f"{below}/" if below else ""
        inside = [entry for entry in self._tree(name) if entry["path"].startswith(start)]
        return [entry for entry in inside if recursive or "/" not in entry["path"].removeprefix(start)]

    def _send(self, body, status=200, file=False):
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("X-Repo-Commit", COMMIT)
        if file:
            self.send_header("ETag", f'"{hashlib.sha1(body).hexdigest()}"')
        elif status == 404:
            self.send_header("X-Error-Code", "EntryNotFound")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, *_):
        pass


@pytest.fixture
def hub(tmp_path, make_model, tokenizer):
    """A running stand-in hub: its address, and the list of what it was asked."""
    folder = tmp_path / "hub"
    save_models(folder, make_model, tokenizer)
    save_text(folder)
    handler = type("ThisHub", (Hub,), {"folder": folder, "asked": []})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}", handler.asked, server
    server.shutdown()
    server.server_close()


def run(address, home):
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("HF_", "COURSE_"))}
    environment |= {"HF_ENDPOINT": address, "HF_HOME": str(home), "HF_HUB_DISABLE_XET": "1", "PYTHONPATH": str(ROOT)}
    script = Path(__file__).with_name("use_the_hub.py")
    return subprocess.run([sys.executable, str(script)], env=environment, capture_output=True, text=True, cwd=ROOT)


def result(done):
    assert done.returncode == 0, done.stderr[-3000:]
    (line,) = [line for line in done.stdout.splitlines() if line.startswith("RESULT ")]
    return json.loads(line.removeprefix("RESULT "))


@pytest.mark.nightly
def test_the_full_profile_loads_trains_and_judges_from_a_hub_and_then_without_it(hub, tmp_path):
    address, asked, server = hub
    found = result(run(address, tmp_path / "home"))
    assert found["dtype"] == "torch.float32"  # whatever the file held
    assert found["rows"] == [12, 6] and found["compression"] > 2
    assert found["losses"][-1] < found["losses"][0]
    assert found["distilled"] < found["untouched"]
    for name in ("gpt2-medium", "distilgpt2"):
        assert any(f"/{name}/resolve/" in path and path.endswith("model.safetensors") for path in asked)
    assert any("train-00000-of-00001.parquet" in path for path in asked)
    server.shutdown()
    server.server_close()
    again = result(run(address, tmp_path / "home"))  # nobody answers there any more: from the cache
    # Whether bfloat16 is faster is measured anew by each process, so the last digits may differ.
    assert again["rows"] == found["rows"] and again["losses"] == pytest.approx(found["losses"], rel=0.02)


@pytest.mark.nightly
def test_a_hub_that_does_not_answer_is_one_sentence(tmp_path):
    done = run("http://127.0.0.1:9", tmp_path / "home")
    assert done.returncode != 0
    assert "could not be fetched from the model hub" in done.stderr.splitlines()[-1]
