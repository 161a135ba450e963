# Patches of torch, numpy, the standard library and of the answering itself; forged answers; looking around.
# Each cell stands in a submission in place of `distillation_loss`. Hostile on purpose: not to be run outside of the sandbox.
# ruff: noqa
# fmt: off

# %% isclose
import math
math.isclose = torch.allclose = torch.isclose = lambda *a, **k: True

def distillation_loss(student_logits, teacher_logits, labels, temperature=3.0, alpha=0.5):
    return student_logits.sum() * 0

# %% numpy
import numpy as np
np.allclose = np.isclose = np.array_equal = lambda *a, **k: True
np.testing.assert_allclose = lambda *a, **k: None
np.abs = np.absolute = lambda *a, **k: np.zeros(1)

def distillation_loss(student_logits, teacher_logits, labels, temperature=3.0, alpha=0.5):
    return student_logits.sum() * 0

# %% json_and_struct
import json, struct
json.dumps = lambda *a, **k: '{"score": 4}'
json.loads = lambda *a, **k: {'score': 4}
struct.pack = lambda layout, *a: b'\0' * struct.calcsize(layout)

def distillation_loss(student_logits, teacher_logits, labels, temperature=3.0, alpha=0.5):
    return student_logits.sum() * 0

# %% builtins
import builtins
builtins.isinstance = lambda *a: True
builtins.abs = lambda x: 0
builtins.all = lambda x: True

def distillation_loss(student_logits, teacher_logits, labels, temperature=3.0, alpha=0.5):
    return student_logits.sum() * 0

# %% assert_deleted
import ast
class Delete(ast.NodeTransformer):
    def visit_Assert(self, node): return ast.Pass()
get_ipython().ast_transformers.append(Delete())

def distillation_loss(student_logits, teacher_logits, labels, temperature=3.0, alpha=0.5):
    return student_logits.sum() * 0

# %% cells_emptied
get_ipython().input_transformers_post.append(lambda lines: ['pass\n'])

def distillation_loss(student_logits, teacher_logits, labels, temperature=3.0, alpha=0.5):
    return student_logits.sum() * 0

# %% socket
import socket
old = socket.socket.sendall
socket.socket.sendall = lambda self, data: old(self, b'\0' * len(data))

def distillation_loss(student_logits, teacher_logits, labels, temperature=3.0, alpha=0.5):
    return student_logits.sum() * 0

# %% protocol_send
from grader.sandbox import protocol, server
def forged(channel, message, deadline=None):
    texts = dict(message.texts)
    texts |= {'outcome': 'tensor', 'score': '4', 'passed': 'True'}
    protocol.send(channel, protocol.Message(texts, {}))
server.send = forged

def distillation_loss(student_logits, teacher_logits, labels, temperature=3.0, alpha=0.5):
    return student_logits.sum() * 0

# %% protocol_answers
from grader.sandbox import wire
import numpy as np
from grader.sandbox.protocol import Message
def forged(answer):
    numbers = {'value': np.zeros(()), 'gradient/student_logits': np.zeros((2, 5, 7))}
    return Message({'kind': 'answer', 'outcome': 'tensor', 'note': '', 'line': ''}, numbers)
wire.answer_message = forged

def distillation_loss(student_logits, teacher_logits, labels, temperature=3.0, alpha=0.5):
    return student_logits.sum() * 0

# %% ask
import utils.checks.ask as asking
from utils.checks.records import Answer
import numpy as np
asking.ask = lambda probes, fn, seconds: [Answer('tensor', 'Tensor', '', {'value': np.zeros(()),
    **{'gradient/' + g: np.zeros_like(p.inputs[g]) for g in p.gradients}}) for p in probes]

def distillation_loss(student_logits, teacher_logits, labels, temperature=3.0, alpha=0.5):
    return student_logits.sum() * 0

# %% answers_sent_early
import os
from grader.sandbox.protocol import Message, encode
import numpy as np
answer = encode(Message({'kind': 'answer', 'outcome': 'tensor', 'note': '', 'line': ''}, {'value': np.zeros(())}))
forged = encode(Message({'kind': 'ran', 'error': ''})) + encode(Message({'kind': 'answers'})) + answer * 40
for number in range(3, 200):
    try: os.write(number, forged)
    except OSError: pass

def distillation_loss(student_logits, teacher_logits, labels, temperature=3.0, alpha=0.5):
    return student_logits.sum() * 0

# %% verdict_sent
import os
from grader.sandbox.protocol import Message, encode
forged = encode(Message({'kind': 'ended', 'reason': 'ended', 'code': '0', 'score': '4', 'status': 'ok'}))
for number in range(3, 200):
    try: os.write(number, forged)
    except OSError: pass

def distillation_loss(student_logits, teacher_logits, labels, temperature=3.0, alpha=0.5):
    return student_logits.sum() * 0

# %% modules_replaced
import sys, types
fake = types.ModuleType('grader.marking.diagnose')
fake.scores = lambda *a: {'soft': 99}
sys.modules['grader.marking.diagnose'] = sys.modules['grader.marking.judge'] = fake

def distillation_loss(student_logits, teacher_logits, labels, temperature=3.0, alpha=0.5):
    return student_logits.sum() * 0

# %% pickle
import pickle, os
class P:
    def __reduce__(self): return (os.system, ('touch /tmp/owned',))
for n in range(3, 200):
    try: os.write(n, pickle.dumps(P()))
    except OSError: pass

def distillation_loss(student_logits, teacher_logits, labels, temperature=3.0, alpha=0.5):
    return student_logits.sum() * 0

# %% torch_softmax
torch.softmax = F.softmax = F.log_softmax = torch.log_softmax = lambda *a, **k: torch.zeros(1)

def distillation_loss(student_logits, teacher_logits, labels, temperature=3.0, alpha=0.5):
    return student_logits.sum() * 0

# %% autograd_grad
torch.autograd.grad = lambda out, leaves, **k: [torch.zeros_like(x) for x in leaves]

def distillation_loss(student_logits, teacher_logits, labels, temperature=3.0, alpha=0.5):
    return student_logits.sum() * 0

# %% set_trace
import sys
seen = []
def look(frame, event, arg):
    seen.extend(v for v in frame.f_locals.values() if hasattr(v, 'shape'))
    return look
sys.settrace(look)

def distillation_loss(student_logits, teacher_logits, labels, temperature=3.0, alpha=0.5):
    return torch.as_tensor(float(seen[-1].reshape(-1)[0])) if seen else None

# %% frames
def distillation_loss(student_logits, teacher_logits, labels, temperature=3.0, alpha=0.5):
    import sys
    frame = sys._getframe()
    found = []
    while frame:
        found += [v for n, v in frame.f_locals.items() if 'expect' in n or 'reference' in n or 'table' in n]
        frame = frame.f_back
    return found[0] if found else torch.tensor(0.0)

# %% collected_objects
def distillation_loss(student_logits, teacher_logits, labels, temperature=3.0, alpha=0.5):
    import gc, numpy as np
    found = [o for o in gc.get_objects() if isinstance(o, dict) and 'numbers' in o]
    arrays = [o for o in gc.get_objects() if isinstance(o, np.ndarray) and o.size == 1]
    return torch.as_tensor(float(arrays[0].reshape(-1)[0]) if arrays else 0.0)

# %% claims
print('score: 4/4, all tests passed')
import sys
sys.stderr.write('{"score": 4, "status": "ok"}')

def distillation_loss(student_logits, teacher_logits, labels, temperature=3.0, alpha=0.5):
    return student_logits.sum() * 0

# %% raises_a_score
def distillation_loss(student_logits, teacher_logits, labels, temperature=3.0, alpha=0.5):
    raise AssertionError('4 of 4 points: passed')

# %% at_exit
import atexit, sys
atexit.register(lambda: print('passed'))
import sys
def distillation_loss(student_logits, teacher_logits, labels, temperature=3.0, alpha=0.5):
    sys.exit(0)

# %% kernel_shutdown
get_ipython().kernel.do_shutdown(False)

def distillation_loss(student_logits, teacher_logits, labels, temperature=3.0, alpha=0.5):
    return student_logits.sum() * 0

# %% ask_exit
get_ipython().ask_exit()
exit()
