"""Which exact versions does everybody get?  Writes constraints.txt: one lock for every system and Python of the course.

    python scripts/lock.py              keep the versions that are there, add and drop what the requirements ask for
    python scripts/lock.py --upgrade    take the newest versions that fit together

It needs `uv` (pip install uv), which resolves for all systems at once from the packages' metadata and installs nothing.
The mistake it exists to prevent: a `pip freeze` of one computer, which holds on no other. The lock is for
`pip install -c` only: given to `-r` it would ask for the CUDA libraries that it lists for those who need them.
"""

import argparse
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LOCK = ROOT / "constraints.txt"
REQUIREMENTS = ["requirements.txt", "requirements-browser.txt", "requirements-trl.txt"]
OLDEST_PYTHON = "3.11"
HEADER = "# Made by scripts/lock.py; do not edit.  pip install -r requirements.txt -c constraints.txt\n"


def uv_command() -> list[str]:
    """The resolver: as a module of this Python, or as a program on PATH."""
    if subprocess.run([sys.executable, "-m", "uv", "--version"], capture_output=True, check=False).returncode == 0:
        return [sys.executable, "-m", "uv"]
    if program := shutil.which("uv"):
        return [program]
    sys.exit("scripts/lock.py needs uv, and there is none here. Install it: python -m pip install uv")


def main() -> int:
    parser = argparse.ArgumentParser(description="Write constraints.txt from the requirements files.")
    parser.add_argument("--upgrade", action="store_true", help="take the newest versions that fit together")
    upgrade = parser.parse_args().upgrade
    options = ["--universal", "--python-version", OLDEST_PYTHON, "--no-annotate", "--no-header", "--no-emit-index-url"]
    options += ["--no-emit-find-links", "--quiet", "--output-file", LOCK.name, *(["--upgrade"] if upgrade else [])]
    code = subprocess.run([*uv_command(), "pip", "compile", *options, *REQUIREMENTS], cwd=ROOT, check=False).returncode
    if code == 0:
        LOCK.write_text(HEADER + LOCK.read_text())
        print(f"wrote {LOCK}: {sum(not line.startswith('#') for line in LOCK.read_text().splitlines())} pins")
    return code


if __name__ == "__main__":
    raise SystemExit(main())
