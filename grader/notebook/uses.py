"""What code uses of the course: the modules that it imports, directly or through others, and the data that these read.

Nothing is imported to find out: the text is parsed, so that asking takes milliseconds. Where the text does not say what
is used (a module's name that is computed), everything counts as used.
"""

from __future__ import annotations

import ast
import hashlib
import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cache, cached_property
from pathlib import Path

import numpy as np

from utils.errors import CourseError

LIBRARY = "utils"
TABLES = Path(LIBRARY, "checks", "tables")
MODELS = Path(LIBRARY, "pretrained")
RESULTS = Path("benchmarks", "results")
READS_RESULTS = "committed"  # utils.notebook.committed("effect") reads benchmarks/results/effect.json
TOLD_BY_TABLES = {"utils.checks.", "utils.checks.plays."}  # modules that the tables of a lab's exercises name
NO_DATA = {".py", ".pyc", ".md"}
TAKES_NOTHING = "TAKES_NOTHING"  # a module with this name takes nothing from what it imports by a computed name
_IMPORTERS = {"import_module", "__import__", "run_module", "run_path", "spec_from_file_location"}
_MAGIC = re.compile(r"^([ \t]*)[%!].*$", re.MULTILINE)


@dataclass
class Uses:
    """The files under `root` that some code uses; `add` takes a text, and follows what it imports."""

    root: Path
    packages: tuple[str, ...] = (LIBRARY,)
    files: set[Path] = field(default_factory=set)

    @cached_property
    def modules(self) -> dict[str, Path]:
        """Every module of the packages, by its dotted name."""
        paths = (path for package in self.packages for path in (self.root / package).rglob("*.py"))
        return {module_name(path.relative_to(self.root)): path for path in paths}

    def add(self, text: str, where: str, package: str = "") -> None:
        """Count what a text uses.  where: names it in an error; package: what its relative imports start from."""
        try:
            nodes = _telling_nodes(text)
        except SyntaxError as error:
            raise CourseError(f"{where} is not Python ({error.msg}, line {error.lineno}): correct it.") from None
        self._add_data(nodes)
        for name in sorted(self._named(nodes, package)):
            self.add_module(name)

    def add_module(self, name: str) -> None:
        """Count a module, the packages above it, and what they use."""
        parts = name.split(".")
        for end in range(1, len(parts) + 1):
            path = self.modules.get(".".join(parts[:end]))
            if path is None or path in self.files:
                continue
            self.files.add(path)
            self.files.update(data_beside(path.parent, self.root))
            own = parts[:end] if path.stem == "__init__" else parts[: end - 1]
            where = path.relative_to(self.root).as_posix()
            self.add(path.read_text(encoding="utf-8"), where, ".".join(own))

    def digest(self, extra: str = "") -> str:
        """A digest of the files' names and contents, and of `extra`."""
        digest = hashlib.sha256(extra.encode())
        for path in sorted(self.files):
            digest.update(path.relative_to(self.root).as_posix().encode() + b"\0" + path.read_bytes())
        return digest.hexdigest()[:16]

    def _named(self, nodes: tuple[ast.AST, ...], package: str) -> set[str]:
        """The modules that a text imports, at its top or inside a function, or names in a string."""
        found: set[str] = set()
        declared = any(isinstance(node, ast.Name) and node.id == TAKES_NOTHING for node in nodes)
        for node in nodes:
            if isinstance(node, ast.Import):
                found |= {alias.name for alias in node.names}
            elif isinstance(node, ast.ImportFrom):
                base = _absolute(node, package)
                found |= {base, *(f"{base}.{alias.name}" for alias in node.names)}
                if any(alias.name == "*" for alias in node.names):
                    found |= self._beneath(base)
            elif isinstance(node, ast.Constant):
                found |= self._told_by(node)
            elif isinstance(node, ast.Name):
                continue
            elif _called(node) in _IMPORTERS and not declared and not self._is_told(node):
                start = _start_of(node.args)
                found |= set() if start in TOLD_BY_TABLES else {name for name in self.modules if name.startswith(start)}
        return {name for name in found if name.partition(".")[0] in self.packages}

    def _told_by(self, text: ast.Constant) -> set[str]:
        """The module that a string names, by its dotted name or by its path."""
        return {text.value, text.value.removesuffix(".py").replace("/", ".")} & self.modules.keys()

    def _is_told(self, call: ast.Call) -> bool:
        """Whether a string in the call says which module it is: one of ours, or as the whole argument any other."""
        strings = [node for node in ast.walk(call) if isinstance(node, ast.Constant) and isinstance(node.value, str)]
        return _is_text(call.args) or any(self._told_by(text) for text in strings)

    def _beneath(self, package: str) -> set[str]:
        return {name for name in self.modules if name.startswith(f"{package}.")}

    def _add_data(self, nodes: tuple[ast.AST, ...]) -> None:
        """Count models that a text names by their folder, and recorded results that it asks for."""
        texts = {node.value for node in nodes if isinstance(node, ast.Constant)}
        if MODELS.name in texts:
            folders = [path for path in (self.root / MODELS).glob("*/") if path.name != "__pycache__"]
            named = [path for path in folders if path.name in texts]
            self.files.update(path for folder in named or folders for path in data_in(folder))
        for call in (node for node in nodes if isinstance(node, ast.Call) and _called(node) == READS_RESULTS):
            name = call.args[0].value if _is_text(call.args) else "*"
            self.files.update((self.root / RESULTS).glob(f"{name}.json"))


def used_by_lab(cells: Iterable[str], lab: str, root: Path) -> Uses:
    """What the code cells of a lab use, the tables of the exercises that they name among it.  lab: for errors."""
    uses = Uses(root)
    words: set[str] = set()
    for number, source in enumerate(cells, start=1):
        uses.add(source, f"{lab}, code cell {number},")
        words.update(re.findall(r"\w+", source))
    for path in (root / TABLES).glob("*.npz"):
        if path.stem in words:
            uses.files.add(path)
            for module in asked_by(path):
                uses.add_module(module)
    return uses


def asked_by(table: Path) -> set[str]:
    """The modules that an exercise's table names: who judges the answers, and the plays in which it is asked."""
    with np.load(table, allow_pickle=False) as stored:
        header = json.loads(stored["header"].tobytes().decode())
    plays = {probe["play"] for probe in header["probes"] if probe["play"]}
    return {f"utils.checks.{header['texts']['judge']}", *(f"utils.checks.plays.{play}" for play in plays)}


def code_of(source: str) -> ast.Module:
    """The parsed text of a cell; a line that is a magic counts as nothing."""
    return ast.parse(_MAGIC.sub(r"\1pass", source))


def module_name(path: Path) -> str:
    """The dotted name of a module at a path relative to the root."""
    parts = path.with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def data_beside(folder: Path, root: Path) -> Iterator[Path]:
    """The data that lie in a package, also in its folders without modules; but not the checks' tables."""
    for path in folder.iterdir():
        if path.is_file() and path.suffix not in NO_DATA:
            yield path
        elif path.is_dir() and not (path / "__init__.py").exists() and path != root / TABLES:
            yield from data_in(path)


def data_in(folder: Path) -> Iterator[Path]:
    """All data files in a folder and below it."""
    return (path for path in folder.rglob("*") if path.is_file() and path.suffix not in NO_DATA)


@cache
def _telling_nodes(text: str) -> tuple[ast.AST, ...]:
    """The imports, calls, names and strings of a text."""
    kinds = (ast.Import, ast.ImportFrom, ast.Call, ast.Name, ast.Constant)
    nodes = (node for node in ast.walk(code_of(text)) if isinstance(node, kinds))
    return tuple(node for node in nodes if not isinstance(node, ast.Constant) or isinstance(node.value, str))


def _absolute(node: ast.ImportFrom, package: str) -> str:
    if not node.level:
        return node.module or ""
    parts = package.split(".")
    return ".".join([*parts[: len(parts) - node.level + 1], *([node.module] if node.module else [])])


def _called(call: ast.Call) -> str:
    return call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")


def _start_of(arguments: list[ast.expr]) -> str:
    """With what a computed name begins, as far as the text says: f"utils.checks.{name}" with "utils.checks."."""
    if arguments and isinstance(arguments[0], ast.JoinedStr) and isinstance(arguments[0].values[0], ast.Constant):
        return arguments[0].values[0].value
    return ""


def _is_text(arguments: list[ast.expr]) -> bool:
    return bool(arguments) and isinstance(arguments[0], ast.Constant) and isinstance(arguments[0].value, str)
