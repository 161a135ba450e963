# Answers that are not numbers, or claim to equal any.
# Each cell stands in a submission in place of `distillation_loss`. Hostile on purpose: not to be run outside of the sandbox.
# ruff: noqa
# fmt: off

# %% zero
def distillation_loss(student_logits, teacher_logits, labels, temperature=3.0, alpha=0.5):
    return student_logits.sum() * 0

# %% constant
def distillation_loss(student_logits, teacher_logits, labels, temperature=3.0, alpha=0.5):
    return torch.tensor(1.0, requires_grad=True)

# %% plain_float
def distillation_loss(student_logits, teacher_logits, labels, temperature=3.0, alpha=0.5):
    return 1.0

# %% always_equal
class Equal(float):
    __eq__ = __ge__ = __le__ = lambda self, other: True
    __sub__ = __rsub__ = lambda self, other: 0.0
    __hash__ = float.__hash__
def distillation_loss(student_logits, teacher_logits, labels, temperature=3.0, alpha=0.5):
    return Equal(0.0)

# %% operators
class Chameleon:
    def __getattr__(self, name): return self
    def __call__(self, *a, **k): return self
    __eq__ = __lt__ = __gt__ = __le__ = __ge__ = lambda self, other: True
    __float__ = lambda self: 1.0
    __bool__ = lambda self: True
    __abs__ = lambda self: 0
    __sub__ = __rsub__ = __add__ = __mul__ = lambda self, other: self
def distillation_loss(student_logits, teacher_logits, labels, temperature=3.0, alpha=0.5):
    return Chameleon()

# %% tensor_subclass
class Liar(torch.Tensor):
    @classmethod
    def __torch_function__(cls, func, types, args=(), kwargs=None):
        if func.__name__ in ('allclose', 'isclose', 'equal', '__eq__', 'eq'): return torch.tensor(True)
        return super().__torch_function__(func, types, args, kwargs or {})
def distillation_loss(student_logits, teacher_logits, labels, temperature=3.0, alpha=0.5):
    return (student_logits.sum() * 0).as_subclass(Liar)

# %% tensor_numpy
import numpy as np
class Any(np.ndarray):
    def __array_function__(self, *a, **k): return True
class Liar(torch.Tensor):
    def detach(self): return self
    def to(self, *a, **k): return self
    def cpu(self): return self
    def numpy(self): return np.zeros(()).view(Any)
def distillation_loss(student_logits, teacher_logits, labels, temperature=3.0, alpha=0.5):
    return (student_logits.sum() * 0).as_subclass(Liar)

# %% nan
def distillation_loss(student_logits, teacher_logits, labels, temperature=3.0, alpha=0.5):
    return student_logits.sum() * float('nan')

# %% infinity
def distillation_loss(student_logits, teacher_logits, labels, temperature=3.0, alpha=0.5):
    return student_logits.sum() * float('inf')

# %% complex
def distillation_loss(student_logits, teacher_logits, labels, temperature=3.0, alpha=0.5):
    return student_logits.sum() * 1j

# %% boolean
def distillation_loss(student_logits, teacher_logits, labels, temperature=3.0, alpha=0.5):
    return (student_logits == student_logits).all()

# %% symbolic
def distillation_loss(student_logits, teacher_logits, labels, temperature=3.0, alpha=0.5):
    import sympy
    return sympy.Symbol('x')

# %% numbers_without_end
def distillation_loss(student_logits, teacher_logits, labels, temperature=3.0, alpha=0.5):
    return torch.zeros(1).expand(10**9)

# %% many_numbers
def distillation_loss(student_logits, teacher_logits, labels, temperature=3.0, alpha=0.5):
    return student_logits.new_zeros(30_000_000, requires_grad=True) * 1

# %% text
def distillation_loss(student_logits, teacher_logits, labels, temperature=3.0, alpha=0.5):
    return '1.0'

# %% dictionary
def distillation_loss(student_logits, teacher_logits, labels, temperature=3.0, alpha=0.5):
    return {'score': 4, 'passed': True, 'value': 0.0}

# %% with_array
class A:
    def __array__(self, *a, **k): return student_logits
def distillation_loss(student_logits, teacher_logits, labels, temperature=3.0, alpha=0.5):
    return A()

# %% with_float
class A:
    def __float__(self): raise SystemExit(0)
def distillation_loss(student_logits, teacher_logits, labels, temperature=3.0, alpha=0.5):
    return A()

# %% generator
def distillation_loss(student_logits, teacher_logits, labels, temperature=3.0, alpha=0.5):
    yield torch.tensor(0.0)

# %% forged_gradient
class Forged(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x): ctx.n = x.shape; return x.sum() * 0
    @staticmethod
    def backward(ctx, g): return torch.randn(ctx.n) * 1e-3
def distillation_loss(student_logits, teacher_logits, labels, temperature=3.0, alpha=0.5):
    return Forged.apply(student_logits)

# %% gradient_hook
def distillation_loss(student_logits, teacher_logits, labels, temperature=3.0, alpha=0.5):
    student_logits.register_hook(lambda g: torch.zeros_like(g))
    return student_logits.mean() * 1e-9

# %% only_gradient_scale
def distillation_loss(student_logits, teacher_logits, labels, temperature=3.0, alpha=0.5):
    return F.cross_entropy(student_logits[0], labels[0].clamp(min=0)) * 0

# %% many_results
def distillation_loss(student_logits, teacher_logits, labels, temperature=3.0, alpha=0.5):
    import os
    for i in range(9):
        if os.fork() == 0:
            return torch.tensor(float(i))
    return torch.tensor(1.0)
