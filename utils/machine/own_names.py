"""The course's own packages come first, and what else bears their names is named.

`utils` is a common name: a learner's utils.py beside the notebook, a folder on PYTHONPATH, an installed package.  The
set-up cell runs this file by its path, because it cannot import it while another `utils` is in the way.  Only the
standard library is needed.
"""

import importlib
import sys
from importlib.machinery import PathFinder
from pathlib import Path

HOLDS_NO_ANSWER = True
ROOT = Path(__file__).absolute().parents[2]


def others_called(names: tuple[str, ...], root: Path = ROOT) -> list[str]:
    """The files of modules and packages outside the course, on this Python's path, that have one of the names.

    Another copy of the course is none of them.
    """
    elsewhere = [entry for entry in sys.path if not _is(entry, root) and not Path(entry, "course.py").exists()]
    specs = [PathFinder.find_spec(name, elsewhere) for name in names]
    return [spec.origin for spec in specs if spec and spec.origin]


def put_first(root: Path = ROOT) -> None:
    """Let `import utils` mean the course's from here on, also where another one was imported already."""
    sys.path[:] = [str(root), *(entry for entry in sys.path if not _is(entry, root))]
    loaded = getattr(sys.modules.get("utils"), "__file__", None)
    if "utils" in sys.modules and (loaded is None or not _is(Path(loaded).parents[1], root)):
        for name in [name for name in sys.modules if name.partition(".")[0] == "utils"]:
            del sys.modules[name]
    importlib.invalidate_caches()
    for origin in others_called(("utils",), root):
        print(f"Here `import utils` means the course's. Rename {origin} if you want to import it in this notebook.")


def _is(entry: str | Path, root: Path) -> bool:
    return Path(entry or ".").resolve() == root.resolve()


if __name__ == "__main__":
    put_first()
