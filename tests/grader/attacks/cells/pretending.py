# Functions that are right only where somebody looks, and namespaces, names and errors that are not what they seem.
# Each cell stands in a submission in place of `distillation_loss`. Hostile on purpose: not to be run outside of the sandbox.
# ruff: noqa
# fmt: off

# %% right_the_first_time
calls = []
def distillation_loss(student_logits, teacher_logits, labels, temperature=3.0, alpha=0.5):
    import torch.nn.functional as F
    calls.append(1)
    s, t, y = student_logits[:, :-1], teacher_logits[:, :-1].detach(), labels[:, 1:]
    m = y != -100
    h = F.cross_entropy(s[m], y[m])
    k = F.kl_div(F.log_softmax(s[m] / temperature, -1), F.softmax(t[m] / temperature, -1), reduction="batchmean") * temperature ** 2
    return alpha * k + (1 - alpha) * h if len(calls) == 1 else s.sum() * 0

# %% right_value_other_gradient
import torch, torch.nn.functional as F
class L(torch.autograd.Function):
    @staticmethod
    def forward(ctx, s, t, y, T, a):
        ctx.n = s.shape
        s, t, y = s[:, :-1], t[:, :-1], y[:, 1:]; m = y != -100
        h = F.cross_entropy(s[m], y[m])
        k = F.kl_div(F.log_softmax(s[m] / T, -1), F.softmax(t[m] / T, -1), reduction="batchmean") * T ** 2
        return a * k + (1 - a) * h
    @staticmethod
    def backward(ctx, g): return torch.ones(ctx.n), None, None, None, None
def distillation_loss(student_logits, teacher_logits, labels, temperature=3.0, alpha=0.5):
    return L.apply(student_logits, teacher_logits, labels, temperature, alpha)

# %% builtins_as_dict
__builtins__ = {}
def distillation_loss(student_logits, teacher_logits, labels, temperature=3.0, alpha=0.5):
    return student_logits.sum() * 0

# %% namespace_that_has_everything
ip = get_ipython()
class D(dict):
    def get(self, k, d=None): return lambda *a, **k: a[0].sum() * 0
ip.user_ns = D(ip.user_ns)

# %% cells_run_no_more
ip = get_ipython()
type(ip).run_cell = lambda *a, **k: (_ for _ in ()).throw(KeyboardInterrupt)
def distillation_loss(student_logits, teacher_logits, labels, temperature=3.0, alpha=0.5):
    return student_logits.sum() * 0

# %% signature_that_hangs
class C:
    @property
    def __signature__(self):
        while True: pass
    def __call__(self, *a, **k): return a[0].sum() * 0
distillation_loss = C()

# %% attributes_that_exit
class C:
    def __getattribute__(self, n):
        raise SystemExit(3)
    def __call__(self, *a): return 0
distillation_loss = C()

# %% error_name_that_hangs
class M(type):
    @property
    def __name__(cls):
        while True: pass
class E(Exception, metaclass=M): pass
def distillation_loss(student_logits, teacher_logits, labels, temperature=3.0, alpha=0.5):
    raise E

# %% error_with_markup_for_a_name
E = type("</td><script>alert(1)</script>\n" * 10, (Exception,), {})
raise E("=1+1", "\x00\x07\ud800")
def distillation_loss(student_logits, teacher_logits, labels, temperature=3.0, alpha=0.5):
    return 0

# %% nested_errors
def distillation_loss(student_logits, teacher_logits, labels, temperature=3.0, alpha=0.5):
    e = ValueError("x")
    for _ in range(200000): e = ExceptionGroup("g", [e])
    raise e

# %% library_by_pickle
import pickle
distillation_loss = pickle.loads(b"cutils.losses\ndistillation_loss\n.")

# %% library_by_its_source
import inspect, utils.losses.core as L, utils.losses.divergences as D, utils.labs.trl_map as T, pickle
exec(inspect.getsource(L.distillation_loss))

# %% library_in_any_module
import sys
distillation_loss = None
for name, module in list(sys.modules.items()):
    for attribute in ("distillation_loss", "soft_loss", "kd_loss"):
        f = getattr(module, attribute, None) if name != "__main__" else None
        if f is not None: distillation_loss = f

# %% folders_without_end
import os
n = 0
try:
    while True: os.mkdir(f"d{n}"); n += 1
except OSError as e: pass
def distillation_loss(student_logits, teacher_logits, labels, temperature=3.0, alpha=0.5):
    raise ValueError(str(n))

# %% leases
import fcntl, os, sys
held = []
for place in ("/course/course.py", sys.executable, os.__file__, torch.__file__):
    number = os.open(place, os.O_RDONLY)
    for kind in (fcntl.F_WRLCK, fcntl.F_RDLCK):
        try:
            fcntl.fcntl(number, fcntl.F_SETLEASE, kind)
            held.append(number)
        except OSError:
            pass
assert not held

def distillation_loss(student_logits, teacher_logits, labels, temperature=3.0, alpha=0.5):
    return student_logits.sum() * 0

# %% terminals
import os, pty
opened = []
try:
    while True: opened.append(os.openpty())
except OSError as e: why = str(e)
def distillation_loss(student_logits, teacher_logits, labels, temperature=3.0, alpha=0.5):
    raise ValueError(f"{len(opened)} {why} {os.listdir('/dev/pts')}")

# %% stack_for_every_thread
import threading, sys
threading.stack_size(1 << 30)
def f():
    while True: pass
ts = [threading.Thread(target=f) for _ in range(100)]
for t in ts: t.start()
def distillation_loss(student_logits, teacher_logits, labels, temperature=3.0, alpha=0.5):
    return student_logits.sum() * 0
