"""Other systems than the one that the tests run on: what can be known of them here."""

import subprocess
import sys

from utils.machine.workspace import ROOT

# Imports the course, then takes away what Windows lacks and imports it again; the packages of others stay loaded.
PROGRAM = """
import importlib, os, pkgutil, signal, sys
PACKAGES, INSIDE_THE_SANDBOX = ("utils", "cli", "grader", "benchmarks"), ("grader.sandbox.s", "grader.sandbox.p")
NOT_HERE = ("benchmarks.distillation", "benchmarks.grading", "grader.nbgrader_config")  # for Linux; for nbgrader

def import_all():
    for package in PACKAGES:
        root = importlib.import_module(package)
        for module in pkgutil.walk_packages(root.__path__, f"{package}."):
            if not module.name.startswith((*INSIDE_THE_SANDBOX, *NOT_HERE)) and "__main__" not in module.name:
                importlib.import_module(module.name)

import_all()
for name in [name for name in sys.modules if name.partition(".")[0] in PACKAGES]:
    del sys.modules[name]
for name in ("fcntl", "resource", "pwd", "grp", "termios"):
    sys.modules[name] = None
for module, names in ((os, "fork getuid geteuid killpg setsid sysconf uname sched_getaffinity nice O_NONBLOCK WNOHANG"),
                      (signal, "SIGALRM SIGXCPU SIGCHLD SIGHUP SIGUSR1 SIGUSR2 SIGSTOP SIGCONT setitimer")):
    for name in names.split():
        delattr(module, name)
import_all()
print(len([name for name in sys.modules if name.partition(".")[0] in PACKAGES]))
"""


def test_no_import_of_the_course_needs_what_windows_lacks():
    done = subprocess.run([sys.executable, "-c", PROGRAM], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-1000:]
    assert int(done.stdout.splitlines()[-1]) > 80
