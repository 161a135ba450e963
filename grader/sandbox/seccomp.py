"""Which kernel calls may a submission make?  All but those that no notebook needs and that reach past its limits.

Memory that no process owns (memfd, System V segments), keyrings that outlive a process, new namespaces, mounts,
tracing, io_uring, leases on files, sockets other than local ones: each is a way around a limit, to the neighbours, or
into the kernel. Namespaces alone do not close these. Where the machine's numbers are not known here, no filter is set.
"""

from __future__ import annotations

import ctypes
import errno
import platform
import socket
import struct

_X86_64 = {
    "ptrace": 101, "syslog": 103, "personality": 135, "pivot_root": 155, "acct": 163, "settimeofday": 164,
    "mount": 165, "umount2": 166, "swapon": 167, "swapoff": 168, "reboot": 169, "init_module": 175,
    "delete_module": 176, "quotactl": 179, "kexec_load": 246, "add_key": 248, "request_key": 249, "keyctl": 250,
    "chroot": 161, "clock_settime": 227, "mq_open": 240, "shmget": 29, "semget": 64, "msgget": 68, "unshare": 272,
    "perf_event_open": 298, "fanotify_init": 300, "name_to_handle_at": 303, "open_by_handle_at": 304, "setns": 308,
    "process_vm_readv": 310, "process_vm_writev": 311, "kcmp": 312, "finit_module": 313, "memfd_create": 319,
    "kexec_file_load": 320, "bpf": 321, "userfaultfd": 323, "modify_ldt": 154,
}  # fmt: skip
_AARCH64 = {
    "ptrace": 117, "syslog": 116, "personality": 92, "pivot_root": 41, "acct": 89, "settimeofday": 170,
    "mount": 40, "umount2": 39, "swapon": 224, "swapoff": 225, "reboot": 142, "init_module": 105,
    "delete_module": 106, "quotactl": 60, "kexec_load": 104, "add_key": 217, "request_key": 218, "keyctl": 219,
    "chroot": 51, "clock_settime": 112, "mq_open": 180, "shmget": 194, "semget": 190, "msgget": 186, "unshare": 97,
    "perf_event_open": 241, "fanotify_init": 262, "name_to_handle_at": 264, "open_by_handle_at": 265, "setns": 268,
    "process_vm_readv": 270, "process_vm_writev": 271, "kcmp": 272, "finit_module": 273, "memfd_create": 279,
    "kexec_file_load": 294, "bpf": 280, "userfaultfd": 282,
}  # fmt: skip
_COMMON = {  # since Linux 5.0 new calls have one number everywhere
    "io_uring_setup": 425, "io_uring_enter": 426, "io_uring_register": 427, "open_tree": 428, "move_mount": 429,
    "fsopen": 430, "fsconfig": 431, "fsmount": 432, "fspick": 433, "pidfd_getfd": 438, "mount_setattr": 442,
    "memfd_secret": 447,
}  # fmt: skip
# machine -> (audit architecture, refused calls, numbers of clone, socket, socketpair and fcntl)
_MACHINES = {
    "x86_64": (0xC000003E, _X86_64, (56, 41, 53, 72)),
    "aarch64": (0xC00000B7, _AARCH64, (220, 198, 199, 25)),
}
_CLONE3, _X32 = 435, 0x40000000
_NEW_NAMESPACES = 0x7E020000 | 0x00000080  # every CLONE_NEW* flag
_LOAD, _EQUAL, _AT_LEAST, _ANY_BIT, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x06  # classic BPF operations
_ALLOW, _KILL = 0x7FFF0000, 0x80000000
_SET_LEASE = 1024  # of fcntl: holds up everybody else who opens the file
# offsets in struct seccomp_data, little-endian
_NUMBER, _ARCHITECTURE, _FIRST_ARGUMENT, _SECOND_ARGUMENT = 0, 4, 16, 24


def _refuse(error: int) -> int:
    return 0x00050000 | error


def program(machine: str) -> bytes | None:
    """The filter as an array of ``struct sock_filter``, or None where the machine's call numbers are not known."""
    if machine not in _MACHINES:
        return None
    architecture, calls, (clone, opens_socket, opens_pair, controls_file) = _MACHINES[machine]
    steps: list[tuple[int, int, int, int]] = [
        (_LOAD, 0, 0, _ARCHITECTURE),
        (_EQUAL, 1, 0, architecture),
        (_RETURN, 0, 0, _KILL),
        (_LOAD, 0, 0, _NUMBER),
    ]
    if machine == "x86_64":
        steps += [(_AT_LEAST, 0, 1, _X32), (_RETURN, 0, 0, _KILL)]
    for number in sorted({*calls.values(), *_COMMON.values()}):
        steps += [(_EQUAL, 0, 1, number), (_RETURN, 0, 0, _refuse(errno.EPERM))]
    # clone3 hides its flags behind a pointer: without it the C library falls back to clone.
    steps += [(_EQUAL, 0, 1, _CLONE3), (_RETURN, 0, 0, _refuse(errno.ENOSYS))]
    steps += [
        (_EQUAL, 0, 3, controls_file),
        (_LOAD, 0, 0, _SECOND_ARGUMENT),
        (_EQUAL, 9, 0, _SET_LEASE),  # 9 further: the refusal
        (_RETURN, 0, 0, _ALLOW),
        (_EQUAL, 0, 3, clone),
        (_LOAD, 0, 0, _FIRST_ARGUMENT),
        (_ANY_BIT, 5, 0, _NEW_NAMESPACES),
        (_RETURN, 0, 0, _ALLOW),
        (_EQUAL, 1, 0, opens_socket),
        (_EQUAL, 0, 3, opens_pair),
        (_LOAD, 0, 0, _FIRST_ARGUMENT),
        (_EQUAL, 1, 0, socket.AF_UNIX),
        (_RETURN, 0, 0, _refuse(errno.EPERM)),
        (_RETURN, 0, 0, _ALLOW),
    ]
    return b"".join(struct.pack("<HBBI", *step) for step in steps)


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("filter", ctypes.c_void_p))


def apply(libc: ctypes.CDLL) -> bool:
    """Set the filter on this process and all it will start. False where there is none for this machine."""
    code = program(platform.machine())
    if code is None:
        return False
    buffer = ctypes.create_string_buffer(code, len(code))
    filter_program = _Program(len(code) // 8, ctypes.cast(buffer, ctypes.c_void_p))
    set_seccomp, filter_mode = 22, 2
    if libc.prctl(set_seccomp, filter_mode, ctypes.byref(filter_program), 0, 0):
        raise OSError(ctypes.get_errno(), "the kernel took no filter for its calls")
    return True
