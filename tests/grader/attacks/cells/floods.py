# Output, disk, files, and what is sent to the judge.
# Each cell stands in a submission in place of `distillation_loss`. Hostile on purpose: not to be run outside of the sandbox.
# ruff: noqa
# fmt: off

# %% standard_output
import os
block = b'x' * (1 << 20)
for _ in range(3000):
    os.write(1, block); os.write(2, block)

def distillation_loss(student_logits, teacher_logits, labels, temperature=3.0, alpha=0.5):
    return student_logits.sum() * 0

# %% prints
for _ in range(200_000): print('x' * 100)

def distillation_loss(student_logits, teacher_logits, labels, temperature=3.0, alpha=0.5):
    return student_logits.sum() * 0

# %% disk
for i in range(10**6):
    with open(f'{i}', 'wb') as f: f.write(bytes(1 << 20))

def distillation_loss(student_logits, teacher_logits, labels, temperature=3.0, alpha=0.5):
    return student_logits.sum() * 0

# %% one_file
with open('x', 'wb') as f:
    while True: f.write(bytes(1 << 20))

def distillation_loss(student_logits, teacher_logits, labels, temperature=3.0, alpha=0.5):
    return student_logits.sum() * 0

# %% empty_files
for i in range(10**6): open(f'{i}', 'w').close()

def distillation_loss(student_logits, teacher_logits, labels, temperature=3.0, alpha=0.5):
    return student_logits.sum() * 0

# %% open_files
kept = []
while True: kept.append(open('/dev/null'))

def distillation_loss(student_logits, teacher_logits, labels, temperature=3.0, alpha=0.5):
    return student_logits.sum() * 0

# %% declared_size
import os, struct
for n in range(3, 200):
    try: os.write(n, struct.pack('<I', 2**31) + b'x' * 100)
    except OSError: pass

def distillation_loss(student_logits, teacher_logits, labels, temperature=3.0, alpha=0.5):
    return student_logits.sum() * 0

# %% declared_array
import os, struct
head = struct.pack('<HH', 0, 1) + b'\x05value' + struct.pack('<BBQQ', 0, 2, 2**31, 2**31)
for n in range(3, 200):
    try: os.write(n, struct.pack('<I', len(head)) + head)
    except OSError: pass

def distillation_loss(student_logits, teacher_logits, labels, temperature=3.0, alpha=0.5):
    return student_logits.sum() * 0

# %% endless_messages
import os
from grader.sandbox.protocol import Message, encode
noise = encode(Message({'kind': 'ran', 'error': 'x' * 60000}))
while True:
    for n in range(3, 64):
        try: os.write(n, noise)
        except OSError: pass

# %% rubbish
import os
for n in range(3, 200):
    try: os.write(n, os.urandom(10**6))
    except OSError: pass

def distillation_loss(student_logits, teacher_logits, labels, temperature=3.0, alpha=0.5):
    return student_logits.sum() * 0

# %% channel_closed
import os
os.closerange(0, 4096)

def distillation_loss(student_logits, teacher_logits, labels, temperature=3.0, alpha=0.5):
    return student_logits.sum() * 0
