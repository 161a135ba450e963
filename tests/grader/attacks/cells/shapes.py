# Answers whose arrays are larger, or of other shapes, than anybody could have recorded: the judge computes with them.
# Each cell stands in a submission in place of `distillation_loss`. Hostile on purpose: not to be run outside of the sandbox.
# ruff: noqa
# fmt: off

# %% counts_without_end
import numpy as np
from utils.checks.plays import train_step as toys
from utils.checks.records import Answer
real = toys.play
def right(student, teacher, batch, optimizer, loss_function):
    with torch.no_grad():
        wanted = teacher(batch["input_ids"], attention_mask=batch["attention_mask"]).logits
    loss = loss_function(student(batch["input_ids"], attention_mask=batch["attention_mask"]).logits, wanted, batch["labels"])
    optimizer.zero_grad(); loss.backward(); optimizer.step()
    return loss.item() + 1
def lie(fn, probe):
    answer = real(right, probe)
    answer.numbers["trace/counts"] = np.tile([[40000, 1], [0, 1]], (200, 1)).astype(float)
    answer.numbers["trace/own"] = np.zeros((40000, 1))
    return answer
toys.play = lie
def train_step(*anything): return 0.0
def distillation_loss(student_logits, teacher_logits, labels, temperature=3.0, alpha=0.5):
    return student_logits.sum() * 0

# %% outer_product_of_a_trace
import numpy as np
from utils.checks.plays import train_step as toys
real = toys.play
def right(student, teacher, batch, optimizer, loss_function):
    with torch.no_grad():
        wanted = teacher(batch["input_ids"], attention_mask=batch["attention_mask"]).logits
    loss = loss_function(student(batch["input_ids"], attention_mask=batch["attention_mask"]).logits, wanted, batch["labels"])
    optimizer.zero_grad(); loss.backward(); optimizer.step()
    return loss.item() + 1
def lie(fn, probe):
    answer = real(right, probe)
    answer.numbers["trace/steps"] = np.ones((2, 7000, 1, 1))
    answer.numbers["trace/own"] = np.ones((2, 1, 1, 7000))
    answer.numbers["trace/counts"] = np.array([[1.0, 1.0], [2.0, 2.0]])
    return answer
toys.play = lie
def train_step(*anything): return 0.0
def distillation_loss(student_logits, teacher_logits, labels, temperature=3.0, alpha=0.5):
    return student_logits.sum() * 0

# %% outer_product_of_gradients
import numpy as np
import utils.checks.ask as asking
from utils.checks.records import Answer
def lie(fn, probe, double):
    shape = (6000, 1) if probe.name.endswith("/soft") else (1, 6000)
    value = np.array(1.0 + probe.inputs.get("alpha", 0.5))
    return Answer("tensor", "Tensor", "", {"value": value, "gradient/student_logits": np.random.rand(*shape)})
asking._call = lie
def distillation_loss(student_logits, teacher_logits, labels, temperature=3.0, alpha=0.5):
    return 0.0
