"""Which names does a cell define, and which does it take from elsewhere?  By its symbol table; nothing of it is run.

Used outside on the released lab, which is ours, and inside of the sandbox on a submission, which is not. So models and
text that no answer asks for are not loaded for every submission.
"""

from __future__ import annotations

import re
import symtable

_NOT_PYTHON = re.compile(r"^[ \t]*[%!].*$", re.MULTILINE)


def names(source: str) -> tuple[set[str], set[str]] | None:
    """(defined at the top, used from the top or from outside); None where the cell cannot be read as Python."""
    try:
        top = symtable.symtable(_NOT_PYTHON.sub("", source), "cell", "exec")
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
    defined, used = set(), set()
    waiting = [top]
    while waiting:
        table = waiting.pop()
        waiting += table.get_children()
        for symbol in table.get_symbols():
            if table is not top and not symbol.is_global():
                continue
            if symbol.is_assigned() or symbol.is_imported():
                defined.add(symbol.get_name())
            if symbol.is_referenced():
                used.add(symbol.get_name())
    return defined, used
