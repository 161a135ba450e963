# Answers made by hand: without a trace, of impossible shapes, cut off, by another process, by no process at all.
# Each cell stands in a submission in place of `distillation_loss`. Hostile on purpose: not to be run outside of the sandbox.
# ruff: noqa
# fmt: off

# %% step_without_trace
from utils.checks.plays import perplexity as one, train_step as other
from utils.checks.records import Answer
for play in (one, other):
    play.play = lambda fn, probe: Answer("float", "float", "", {})

def distillation_loss(student_logits, teacher_logits, labels, temperature=3.0, alpha=0.5):
    return student_logits.sum() * 0

# %% step_with_some_trace
import numpy as np
from utils.checks.plays import perplexity as one, train_step as other
from utils.checks.records import Answer
trace = {"trace/weights": np.zeros((2, 4)), "value": np.zeros(2)}
for play in (one, other):
    play.play = lambda fn, probe: Answer("float", "float", "", trace)

def distillation_loss(student_logits, teacher_logits, labels, temperature=3.0, alpha=0.5):
    return student_logits.sum() * 0

# %% answers_without_numbers
import grader.sandbox.wire as wire
from grader.sandbox.protocol import Message
wire.answer_message = lambda answer: Message({"kind": "answer", "outcome": "float", "note": "", "line": ""})

def distillation_loss(student_logits, teacher_logits, labels, temperature=3.0, alpha=0.5):
    return student_logits.sum() * 0

# %% nothing_in_a_huge_shape
import socket, struct, os, gc
def distillation_loss(student_logits, teacher_logits, labels, temperature=3.0, alpha=0.5):
    talk = [o for o in gc.get_objects() if isinstance(o, socket.socket)][0]
    def raw(head): talk.sendall(struct.pack("<I", len(head)) + head)
    raw(struct.pack("<HH", 1, 0) + b"\x04kind" + struct.pack("<I", 7)); talk.sendall(b"answers")
    key = b"value"
    for _ in range(60):
        head = struct.pack("<HH", 2, 1)
        head += b"\x04kind" + struct.pack("<I", 6) + b"\x07outcome" + struct.pack("<I", 6)
        head += bytes([len(key)]) + key + struct.pack("<BB", 0, 2) + struct.pack("<2Q", 0, 2**63 + 5)
        raw(head); talk.sendall(b"answer" + b"tensor")
    while True: pass

# %% thousands_of_empty_arrays
import socket, struct, gc
def distillation_loss(student_logits, teacher_logits, labels, temperature=3.0, alpha=0.5):
    talk = [o for o in gc.get_objects() if isinstance(o, socket.socket)][0]
    def raw(head): talk.sendall(struct.pack("<I", len(head)) + head)
    raw(struct.pack("<HH", 1, 0) + b"\x04kind" + struct.pack("<I", 7)); talk.sendall(b"answers")
    for _ in range(60):
        head = struct.pack("<HH", 2, 3000)
        head += b"\x04kind" + struct.pack("<I", 6) + b"\x07outcome" + struct.pack("<I", 6)
        for i in range(3000):
            k = b"%d" % i
            head += bytes([len(k)]) + k + struct.pack("<BB", 0, 1) + struct.pack("<Q", 0)
        raw(head); talk.sendall(b"answer" + b"tensor")
    while True: pass

# %% eight_dimensions
import socket, struct, gc
def distillation_loss(student_logits, teacher_logits, labels, temperature=3.0, alpha=0.5):
    talk = [o for o in gc.get_objects() if isinstance(o, socket.socket)][0]
    def raw(head): talk.sendall(struct.pack("<I", len(head)) + head)
    raw(struct.pack("<HH", 1, 0) + b"\x04kind" + struct.pack("<I", 7)); talk.sendall(b"answers")
    for _ in range(60):
        head = struct.pack("<HH", 2, 1) + b"\x04kind" + struct.pack("<I", 6) + b"\x07outcome" + struct.pack("<I", 6)
        head += b"\x05value" + struct.pack("<BB", 0, 8) + struct.pack("<8Q", *[1]*8)
        raw(head); talk.sendall(b"answer" + b"tensor" + bytes(8))
    while True: pass

# %% half_a_message
import socket, struct, gc, time
def distillation_loss(student_logits, teacher_logits, labels, temperature=3.0, alpha=0.5):
    talk = [o for o in gc.get_objects() if isinstance(o, socket.socket)][0]
    talk.sendall(struct.pack("<I", 60000) + b"x" * 100)
    time.sleep(100)

# %% byte_by_byte
import socket, struct, gc, time
def distillation_loss(student_logits, teacher_logits, labels, temperature=3.0, alpha=0.5):
    talk = [o for o in gc.get_objects() if isinstance(o, socket.socket)][0]
    talk.sendall(struct.pack("<I", 60000))
    while True:
        talk.send(b"x"); time.sleep(0.05)

# %% hangs_up_and_stays
import os, time
def distillation_loss(student_logits, teacher_logits, labels, temperature=3.0, alpha=0.5):
    os.closerange(3, 1 << 12)
    time.sleep(100)

# %% out_of_band
import socket, gc, time
def distillation_loss(student_logits, teacher_logits, labels, temperature=3.0, alpha=0.5):
    talk = [o for o in gc.get_objects() if isinstance(o, socket.socket)][0]
    for _ in range(20):
        try: talk.send(b"x", socket.MSG_OOB)
        except OSError: break
        time.sleep(0.01)
    time.sleep(100)

# %% descriptors_for_the_judge
import socket, gc, os
def distillation_loss(student_logits, teacher_logits, labels, temperature=3.0, alpha=0.5):
    talk = [o for o in gc.get_objects() if isinstance(o, socket.socket)][0]
    for _ in range(200):
        socket.send_fds(talk, [b"\x05\0\0\0"], [os.open("/dev/zero", os.O_RDONLY)] * 50)
    return student_logits.sum() * 0

# %% child_answers_for_its_parent
import os, time, socket, gc, struct
if os.fork():
    pass
else:
    talk = [o for o in gc.get_objects() if isinstance(o, socket.socket)][0]
    while True:
        try: talk.send(b"\x04\0\0\0\0\0\0\0")
        except Exception: pass
        time.sleep(0.01)
def distillation_loss(student_logits, teacher_logits, labels, temperature=3.0, alpha=0.5):
    return student_logits.sum() * 0

# %% answers_too_many
import sys
main = sys.modules["__main__"]
real = main.send
def send(talk, message, deadline=None):
    for _ in range(50): real(talk, message)
main.send = send
def distillation_loss(student_logits, teacher_logits, labels, temperature=3.0, alpha=0.5):
    return student_logits.sum() * 0

# %% answers_of_no_kind
import sys
main = sys.modules["__main__"]
real = main.send
from grader.sandbox.protocol import Message
main.send = lambda talk, message, deadline=None: real(talk, Message({}))
def distillation_loss(student_logits, teacher_logits, labels, temperature=3.0, alpha=0.5):
    return student_logits.sum() * 0

# %% wide_value
import utils.checks.ask as a, numpy as np
from utils.checks.records import Answer
def lie(probes, fn, seconds=1):
    return [Answer("tensor", "Tensor", "", {"value": np.ones((1, 1000000)), "gradient/student_logits": np.ones((1000000, 1))}) for _ in probes]
a.ask = lie
def distillation_loss(student_logits, teacher_logits, labels, temperature=3.0, alpha=0.5):
    return student_logits.sum() * 0

# %% odd_notes
import utils.checks.ask as a, numpy as np
from utils.checks.records import Answer
n = [0]
def lie(probes, fn, seconds=1):
    n[0] += 1
    notes = ["", "\0\x1b[31m", "=cmd|' /C calc'!A0", "<img src=x onerror=alert(1)>; ok", "\u202e\ud800".encode("utf-8","replace").decode(), "x" * 2000]
    return [Answer("other", notes[i % len(notes)], notes[(i + 1) % len(notes)], {"value": np.full((), np.nan)}) for i, _ in enumerate(probes)]
a.ask = lie
def distillation_loss(student_logits, teacher_logits, labels, temperature=3.0, alpha=0.5):
    return student_logits.sum() * 0

# %% a_score_in_every_text
import grader.sandbox.server as s, grader.sandbox.protocol as p, sys
main = sys.modules["__main__"]
real = main.send
def send(talk, message, deadline=None):
    message.texts.update({"outcome": "ok", "score": "10", "status": "ok", "passed": "1", "kind": message.texts.get("kind")})
    return real(talk, message)
main.send = send; s.send = send
def distillation_loss(student_logits, teacher_logits, labels, temperature=3.0, alpha=0.5):
    return student_logits.sum() * 0
