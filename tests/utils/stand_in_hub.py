"""A model hub on loopback: GPT-2s and WikiText as the real one has them, tiny and random.

As on the real hub an old name ("gpt2-medium") is a redirection to its owner's, weights lie elsewhere and are announced
by their headers, a data set's card names its splits, and a split may have several files.
"""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit

import torch
from datasets import Dataset

COMMIT = "0" * 39 + "1"
OWNERS = {"gpt2-medium": "openai-community", "distilgpt2": "distilbert"}
SIZES = {"gpt2-medium": {"layers": 2, "width": 32}, "distilgpt2": {"layers": 1, "width": 16}}
WIKITEXT = "Salesforce/wikitext"
CONFIGURATION = "wikitext-2-raw-v1"
FILES = {"train": 3, "validation": 1, "test": 1}
ROWS = {"train": 60, "validation": 24, "test": 20}


def save_models(folder: Path, make_model, tokenizer) -> None:
    """gpt2-medium and distilgpt2, the second in half precision, with a tokenizer in GPT-2's own files."""
    model = json.loads(tokenizer.backend_tokenizer.to_str())["model"]
    merges = [pair if isinstance(pair, str) else " ".join(pair) for pair in model["merges"]]
    for seed, (name, owner) in enumerate(OWNERS.items()):
        place = folder / owner / name
        made = make_model(seed, len(tokenizer), context=128, **SIZES[name])
        made.config.bos_token_id = made.config.eos_token_id = tokenizer.eos_token_id
        made.to(torch.float16 if name == "distilgpt2" else torch.float32).save_pretrained(place)
        (place / "tokenizer.json").write_text(tokenizer.backend_tokenizer.to_str(), encoding="utf-8")
        (place / "vocab.json").write_text(json.dumps(model["vocab"]), encoding="utf-8")
        (place / "merges.txt").write_text("\n".join(["#version: 0.2", *merges, ""]), encoding="utf-8")
        (place / "tokenizer_config.json").write_text('{"model_max_length": 1024}')


def save_text(folder: Path) -> None:
    """WikiText's layout: headings, empty lines, and paragraphs, of which one of validation repeats one of train."""
    place = folder / WIKITEXT / CONFIGURATION
    place.mkdir(parents=True)
    splits = "".join(f"  - split: {split}\n    path: {CONFIGURATION}/{split}-*\n" for split in FILES)
    card = f"---\nconfigs:\n- config_name: {CONFIGURATION}\n  data_files:\n{splits}---\n"
    (folder / WIKITEXT / "README.md").write_text(card)
    for split, files in FILES.items():
        for number in range(files):
            rows = ["", " = A heading = \n"]
            for i in range(number, ROWS[split], files):
                rows.append(" ".join(f"{split}{i}word{(7 * i + j) % 50}" for j in range(12 + i % 20)) + " . \n")
            if number == 0 and split in ("train", "validation"):
                rows.append(" ".join(f"said{j}again" for j in range(30)) + " \n")
            Dataset.from_dict({"text": rows}).to_parquet(place / f"{split}-{number:05d}-of-{files:05d}.parquet")


class Hub(BaseHTTPRequestHandler):
    """As much of the hub as loading takes: facts about a repository, its tree, and its files."""

    folder: Path
    asked: list[str]

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
        if name in OWNERS:
            return self._send(b"", 307, {"Location": self.path.replace(name, f"{OWNERS[name]}/{name}", 1)})
        if not (self.folder / name).is_dir():
            return self._send(b"", 404, {"X-Error-Code": "RepoNotFound"})
        if kind == "elsewhere":
            return self._send((self.folder / name / rest).read_bytes())
        if kind == "file":
            return self._file(name, rest)
        if rest.startswith("tree"):
            below = "/".join(rest.split("/")[2:])
            return self._send(json.dumps(self._listing(name, below, "recursive=true" in self.path.lower())).encode())
        if rest and not rest.startswith("revision"):
            return self._send(b"", 404, {"X-Error-Code": "EntryNotFound"})
        siblings = [{"rfilename": entry["path"]} for entry in self._tree(name) if entry["type"] == "file"]
        facts = {"id": name, "sha": COMMIT, "private": False, "gated": False, "tags": [], "siblings": siblings}
        return self._send(json.dumps({**facts, "downloads": 0, "likes": 0, "lastModified": None}).encode())

    def _file(self, name: str, path: str) -> None:
        file = self.folder / name / path
        if not file.is_file():
            return self._send(b"", 404, {"X-Error-Code": "EntryNotFound"})
        digest = f'"{hashlib.sha1(file.read_bytes()).hexdigest()}"'
        if file.suffix in (".safetensors", ".parquet"):
            # Another name for this machine: a client asks a redirection to the same host for its headers, too.
            there = f"http://localhost:{self.server.server_port}/elsewhere/{name}/{path}"
            size = str(file.stat().st_size)
            return self._send(b"", 302, {"Location": there, "X-Linked-Etag": digest, "X-Linked-Size": size})
        return self._send(file.read_bytes(), 200, {"ETag": digest})

    def _place(self) -> tuple[str, str, str]:
        """("api", "file" or "elsewhere", the repository, what of it is asked)."""
        parts = [part for part in unquote(urlsplit(self.path).path).split("/") if part]
        kind = parts[0] if parts[0] in ("api", "elsewhere") else "file"
        parts = [part for part in parts[kind != "file" :] if part not in ("models", "datasets")]
        size = 2 if parts[0] in ("Salesforce", *OWNERS.values()) else 1
        name, rest = "/".join(parts[:size]), parts[size:]
        return kind, name, "/".join(rest[2:] if kind == "file" else rest)

    def _tree(self, name: str) -> list[dict]:
        """Every file and folder of a repository."""
        entries = []
        for path in sorted((self.folder / name).rglob("*")):
            entry = {"type": "directory", "path": path.relative_to(self.folder / name).as_posix(), "size": 0, "oid": ""}
            if path.is_file():
                digest = hashlib.sha1(path.read_bytes()).hexdigest()
                entry |= {"type": "file", "size": path.stat().st_size, "oid": digest}
            entries.append(entry)
        return entries

    def _listing(self, name: str, below: str, recursive: bool) -> list[dict]:
        start = f"{below}/" if below else ""
        inside = [entry for entry in self._tree(name) if entry["path"].startswith(start)]
        return [entry for entry in inside if recursive or "/" not in entry["path"].removeprefix(start)]

    def _send(self, body: bytes, status: int = 200, headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in {"Content-Length": str(len(body)), "X-Repo-Commit": COMMIT, **(headers or {})}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, *_):
        pass


@contextmanager
def serving(folder: Path) -> Iterator[tuple[str, list[str]]]:
    """A hub with the repositories in `folder`: its address, and what it was asked so far.  It is gone afterwards."""
    handler = type("ThisHub", (Hub,), {"folder": folder, "asked": []})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", handler.asked
    finally:
        server.shutdown()
        server.server_close()
