"""How does one submission stop seeing everything else?  With namespaces of its own, before any of its code runs.

bubblewrap keeps the whole server from the machine. That leaves the server and the other submissions: a fork could write
its parent's memory through /proc, signal it, or leave a file for the next one. So there is a wall around each
submission too. Linux only, and only calls of the C library.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import os
import sys

from grader.sandbox import seccomp
from grader.sandbox.limits import Limits

NOBODY = 65534
SCRATCH = "/scratch"  # the only place to write to
OWN = f"{SCRATCH}/own"  # the submission's own folder, where it starts
_NEW_MOUNTS, _NEW_OTHERS = 0x00020000, 0x10000000 | 0x20000000 | 0x08000000 | 0x40000000 | 0x04000000
_NO_SUID, _NO_DEVICES, _NO_PROGRAMS, _READ_ONLY, _REMOUNT, _BIND = 2, 4, 8, 1, 32, 4096
_PRIVATE = 0x4000 | 0x40000
_SET_DUMPABLE, _NO_NEW_PRIVILEGES, _DROP_BOUND, _SUBREAPER, _DIE_WITH_PARENT = 4, 38, 24, 36, 1


def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)


def _call(name: str, *arguments: object) -> None:
    if getattr(_libc(), name)(*arguments):
        number = ctypes.get_errno()
        raise OSError(number, f"{name}: {os.strerror(number)}")


def _mount(kind: str, target: str, flags: int, options: str = "", source: str = "none") -> None:
    _call("mount", source.encode(), target.encode(), kind.encode(), ctypes.c_ulong(flags), options.encode())


def set_dumpable(on: bool) -> None:
    """Whether processes of the same user may read and write this one's memory."""
    _call("prctl", _SET_DUMPABLE, int(on), 0, 0, 0)


def adopt_orphans() -> None:
    """Where there is no PID namespace, what a submission leaves behind becomes a child of this process."""
    _call("prctl", _SUBREAPER, 1, 0, 0, 0)


def die_with_parent() -> None:
    _call("prctl", _DIE_WITH_PARENT, 9, 0, 0, 0)


def show_processes() -> None:
    """Mount /proc where a root's server was started without one: bubblewrap's own would forbid its forks a new one."""
    if not os.path.exists("/proc/self"):
        _mount("proc", "/proc", _NO_SUID | _NO_DEVICES | _NO_PROGRAMS)
    if os.getuid() == 0:
        _drop_capabilities(keep=(6, 7))  # setgid and setuid: to become nobody in each fork


def become_nobody() -> None:
    """Give up root, also in the kernel's eyes, for a fork of a server that runs as root."""
    if os.geteuid() == 0:
        with contextlib.suppress(OSError):  # a root that is alone in its user namespace has nobody to become
            os.setgroups([])
            os.setresgid(NOBODY, NOBODY, NOBODY)
            os.setresuid(NOBODY, NOBODY, NOBODY)


def enter_namespaces() -> None:
    """New user, PID (for what is forked from here), IPC, network and host name namespaces."""
    user, group = os.getuid(), os.getgid()
    set_dumpable(True)  # else the files below belong to root
    _call("unshare", _NEW_OTHERS)
    for name, text in (("setgroups", "deny"), ("uid_map", f"{user} {user} 1"), ("gid_map", f"{group} {group} 1")):
        with open(f"/proc/self/{name}", "w") as file:
            file.write(text)
    set_dumpable(False)


def furnish(limits: Limits) -> None:
    """An own /proc and own, small, empty folders to write to; then no capability, no new privilege, fewer calls."""
    _call("unshare", _NEW_MOUNTS)
    _mount("", "/", _PRIVATE)
    careful = _NO_SUID | _NO_DEVICES
    try:
        _mount("proc", "/proc", careful | _NO_PROGRAMS)
        with contextlib.suppress(OSError), open("/proc/sys/kernel/pid_max", "w") as file:  # own count since Linux 6.14
            file.write("400")
        _mount("", "/proc", _REMOUNT | _BIND | _READ_ONLY | careful | _NO_PROGRAMS)
    except OSError as error:
        if error.errno not in (errno.EPERM, errno.EACCES):
            raise
        _mount("tmpfs", "/proc", _READ_ONLY | careful, "size=0")
    _mount("tmpfs", SCRATCH, careful, f"size={limits.disk},nr_inodes=4096,mode=700")
    for folder in ("home", "own", "tmp", "shm"):
        os.mkdir(f"{SCRATCH}/{folder}")
    _mount("", "/dev/shm", _BIND, source=f"{SCRATCH}/shm")
    if not any(path.startswith("/tmp/") for path in (sys.prefix, sys.base_prefix)):  # else it would hide this Python
        _mount("", "/tmp", _BIND, source=f"{SCRATCH}/tmp")
    os.chdir(OWN)
    _drop_capabilities()
    _call("prctl", _NO_NEW_PRIVILEGES, 1, 0, 0, 0)
    seccomp.apply(_libc())


def _drop_capabilities(keep: tuple[int, ...] = ()) -> None:
    for capability in range(64):
        if capability not in keep:
            _libc().prctl(_DROP_BOUND, capability, 0, 0, 0)  # refused for numbers that the kernel does not know
    version = (ctypes.c_uint32 * 2)(0x20080522, 0)
    kept = sum(1 << capability for capability in keep)
    sets = (ctypes.c_uint32 * 6)(kept, kept, 0, 0, 0, 0)  # effective, permitted, inheritable; then the upper halves
    _call("capset", version, sets)
    _libc().prctl(47, 4, 0, 0, 0)  # clear the ambient set
