# Memory at once, in steps, in children, in files, in errors.
# Each cell stands in a submission in place of `distillation_loss`. Hostile on purpose: not to be run outside of the sandbox.
# ruff: noqa
# fmt: off

# %% memory_at_once
def distillation_loss(student_logits, teacher_logits, labels, temperature=3.0, alpha=0.5):
    return torch.ones(10**10).sum()

# %% memory_in_steps
def distillation_loss(student_logits, teacher_logits, labels, temperature=3.0, alpha=0.5):
    kept = []
    while True: kept.append(torch.ones(10**6))

# %% memory_in_children
import os, time
for _ in range(20):
    if os.fork() == 0:
        kept = b'x' * (300 << 20)
        time.sleep(99)

def distillation_loss(student_logits, teacher_logits, labels, temperature=3.0, alpha=0.5):
    return student_logits.sum() * 0

# %% shared_memory
import os
for i in range(400):
    with open(f'/dev/shm/{i}', 'wb') as f: f.write(bytes(8 << 20))

def distillation_loss(student_logits, teacher_logits, labels, temperature=3.0, alpha=0.5):
    return student_logits.sum() * 0

# %% memory_files
import os
files = []
while True:
    files.append(os.memfd_create('x'))
    os.write(files[-1], bytes(16 << 20))

def distillation_loss(student_logits, teacher_logits, labels, temperature=3.0, alpha=0.5):
    return student_logits.sum() * 0

# %% error_text
def distillation_loss(student_logits, teacher_logits, labels, temperature=3.0, alpha=0.5):
    raise ValueError('x' * 200_000_000)

# %% error_without_text
class E(Exception):
    def __str__(self): raise self
def distillation_loss(student_logits, teacher_logits, labels, temperature=3.0, alpha=0.5):
    raise E

# %% large_exception_name
def distillation_loss(student_logits, teacher_logits, labels, temperature=3.0, alpha=0.5):
    raise type('x' * 10**7, (Exception,), {})
