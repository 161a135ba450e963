"""How does a notebook's cell run without a notebook?  In IPython's shell, with what needs a kernel made harmless.

A line such as ``!pip install`` or ``%matplotlib inline`` must not stop the cell that holds a learner's function, and a
plot must cost nothing. Runs inside the sandbox.
"""

from __future__ import annotations

import ast
import contextlib

from IPython.core.interactiveshell import InteractiveShell
from traitlets.config import Config

from grader.sandbox.names import names

_QUIET_MAGICS = {
    "pip", "conda", "mamba", "uv", "matplotlib", "pylab", "load_ext", "reload_ext", "autoreload", "timeit",
    "system", "sx", "sc", "debug", "pdb", "prun", "lsmagic", "history", "notebook", "edit", "config",
}  # fmt: skip
_MOST_FAULTS = 20
_PASSING_CELL_MAGICS = {"time", "capture", "python", "python3", "pypy", "prun", "timeit"}


def new_shell() -> InteractiveShell:
    """A shell without history, colours, output and threads."""
    settings = Config()
    settings.HistoryManager.enabled = False
    settings.InteractiveShell.colors = "nocolor"
    settings.InteractiveShell.cache_size = 0
    settings.InteractiveShell.ast_node_interactivity = "none"
    settings.InteractiveShell.autoindent = False
    shell = InteractiveShell.instance(config=settings)
    shell.display_formatter.active_types = ["text/plain"]
    shell.showtraceback = _nothing
    shell.showsyntaxerror = _nothing
    shell.system = _nothing
    shell.getoutput = lambda *arguments, **options: []
    its_line, its_cell = shell.run_line_magic, shell.run_cell_magic

    def line_magic(name: str, line: str, *arguments: object, **options: object) -> object:
        if name not in _QUIET_MAGICS:
            with contextlib.suppress(Exception):
                return its_line(name, line, *arguments, **options)
        return None

    def cell_magic(name: str, line: str, cell: str) -> object:
        if name in _PASSING_CELL_MAGICS:
            run_cell(shell, cell)
        elif name not in {"bash", "sh", "script", "html", "javascript", "js", "system", "sx", "!"}:
            with contextlib.suppress(Exception):
                return its_cell(name, line, cell)
        return None

    shell.run_line_magic, shell.run_cell_magic = line_magic, cell_magic
    return shell


def _nothing(*arguments: object, **options: object) -> None:
    """What a learner's own machine may show or do, and grading does not need."""


def run_cell(shell: InteractiveShell, source: str) -> str:
    """Run a cell; the first error in one line, or an empty text. A statement that fails takes none after it along:
    what it needs may be the lab's long training, which is not run here."""
    first = ""
    for _ in range(_MOST_FAULTS):
        try:
            result = shell.run_cell(source, store_history=False)
            error = result.error_before_exec or result.error_in_exec
        except BaseException as raised:  # a cell may raise anything, and a later one may be right
            error = raised
        if error is None:
            break
        first = first or describe(error)
        source = _behind(shell, source, error)
        if not source:
            break
    return first


def _behind(shell: InteractiveShell, source: str, error: BaseException) -> str:
    """The statements behind the one that raised; nothing where that cannot be told."""
    trace = error.__traceback__
    while trace is not None and trace.tb_frame.f_globals is not shell.user_ns:
        trace = trace.tb_next
    if trace is None:
        return ""
    try:
        body = ast.parse(shell.transform_cell(source)).body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return ""
    return "\n".join(ast.unparse(statement) for statement in body if _first_line(statement) > trace.tb_lineno)


def _first_line(statement: ast.stmt) -> int:
    return min([statement.lineno, *(each.lineno for each in getattr(statement, "decorator_list", []))])


def used_names(shell: InteractiveShell, source: str) -> set[str]:
    """What a cell takes from elsewhere; nothing where it cannot be read."""
    with contextlib.suppress(Exception):
        found = names(shell.transform_cell(_below_magics(source)))
        return found[1] if found else set()
    return set()


def _below_magics(source: str) -> str:
    """A cell without the lines such as ``%%time`` above it, which make one text of all that follows."""
    while source.lstrip().startswith("%%"):
        source = source.lstrip().partition("\n")[2]
    return source


def describe(error: BaseException) -> str:
    try:
        text = str(error)[:300]
    except BaseException:
        text = "an error that cannot be shown"
    return f"{type(error).__name__}: {text}"


def definitions(shell: InteractiveShell, source: str) -> str:
    """Only what a cell defines: its imports, functions, classes and plain constants. For cells too long to run."""
    try:
        body = ast.parse(shell.transform_cell(_below_magics(source))).body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return ""
    kept = [statement for statement in body if _defines(statement)]
    return ast.unparse(ast.Module(kept, []))


def _defines(statement: ast.stmt) -> bool:
    if isinstance(statement, (ast.Import, ast.ImportFrom, ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
        return True
    if not isinstance(statement, ast.Assign):
        return False
    try:
        ast.literal_eval(statement.value)
    except (ValueError, TypeError, SyntaxError, RecursionError, MemoryError):
        return False
    return True
