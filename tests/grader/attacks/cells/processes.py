# Hanging, crashing, multiplying, signalling.
# Each cell stands in a submission in place of `distillation_loss`. Hostile on purpose: not to be run outside of the sandbox.
# ruff: noqa
# fmt: off

# %% endless_cell
while True: pass

# %% endless_function
def distillation_loss(student_logits, teacher_logits, labels, temperature=3.0, alpha=0.5):
    while True: pass

# %% deaf_loop
def distillation_loss(student_logits, teacher_logits, labels, temperature=3.0, alpha=0.5):
    import signal
    signal.signal(signal.SIGALRM, signal.SIG_IGN)
    while True:
        try:
            while True: pass
        except BaseException: pass

# %% sleeps
def distillation_loss(student_logits, teacher_logits, labels, temperature=3.0, alpha=0.5):
    import time
    time.sleep(1000)

# %% stops_itself
import os, signal
os.kill(os.getpid(), signal.SIGSTOP)
import ctypes
ctypes.CDLL(None).pause()

# %% exits
def distillation_loss(student_logits, teacher_logits, labels, temperature=3.0, alpha=0.5):
    import os
    os._exit(0)

# %% exits_in_cell
import os
os._exit(0)

# %% system_exit
def distillation_loss(student_logits, teacher_logits, labels, temperature=3.0, alpha=0.5):
    raise SystemExit(0)

# %% interrupt
def distillation_loss(student_logits, teacher_logits, labels, temperature=3.0, alpha=0.5):
    raise KeyboardInterrupt

# %% segfault
def distillation_loss(student_logits, teacher_logits, labels, temperature=3.0, alpha=0.5):
    import ctypes
    ctypes.string_at(0)

# %% aborts
def distillation_loss(student_logits, teacher_logits, labels, temperature=3.0, alpha=0.5):
    import os
    os.abort()

# %% fork_bomb
import os
while True:
    try: os.fork()
    except OSError: pass

# %% fork_bomb_in_function
def distillation_loss(student_logits, teacher_logits, labels, temperature=3.0, alpha=0.5):
    import os
    while True: os.fork()

# %% thread_bomb
import threading, time
while True:
    threading.Thread(target=time.sleep, args=(99,), daemon=True).start()

def distillation_loss(student_logits, teacher_logits, labels, temperature=3.0, alpha=0.5):
    return student_logits.sum() * 0

# %% shell_bomb
import subprocess
subprocess.run(['bash', '-c', ':(){ :|:& };:'])

def distillation_loss(student_logits, teacher_logits, labels, temperature=3.0, alpha=0.5):
    return student_logits.sum() * 0

# %% daemon
import os, time
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        while True:
            for n in range(3, 64):
                try: os.write(n, b'x' * 64)
                except OSError: pass
            time.sleep(.01)
    os._exit(0)

def distillation_loss(student_logits, teacher_logits, labels, temperature=3.0, alpha=0.5):
    return student_logits.sum() * 0

# %% signals
import os, signal
for p in [*range(2, 300), os.getppid(), -1]:
    try: os.kill(p, signal.SIGKILL)
    except OSError: pass

def distillation_loss(student_logits, teacher_logits, labels, temperature=3.0, alpha=0.5):
    return student_logits.sum() * 0

# %% recursion
import sys
sys.setrecursionlimit(10**9)
def distillation_loss(student_logits, teacher_logits, labels, temperature=3.0, alpha=0.5):
    def down(): return down()
    return down()
