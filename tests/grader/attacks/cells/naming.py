# Names of types as long and as odd as one likes: they stand in the list of mistakes and in the class report.
# Each cell stands in a submission in place of `distillation_loss`. Hostile on purpose: not to be run outside of the sandbox.
# ruff: noqa
# fmt: off

# %% rows_in_a_name
E = type("E\ra\rb\nhonest_first,02_small_lab,distillation_loss,0,4,,Wrong,wrong\x1b[2J\x85\u2028", (Exception,), {})
def distillation_loss(student_logits, teacher_logits, labels, temperature=3.0, alpha=0.5):
    raise E("x\r\ny")

# %% mistakes_in_a_name
E = type("E; no causal shift; T squared missing in the soft part\\; no causal shift", (Exception,), {})
def distillation_loss(student_logits, teacher_logits, labels, temperature=3.0, alpha=0.5):
    raise E("x")

# %% formula_in_a_name
E = type('E; =HYPERLINK("http://tracker.example","x")', (Exception,), {})
def distillation_loss(student_logits, teacher_logits, labels, temperature=3.0, alpha=0.5):
    raise E("x")

# %% mistakes_for_a_type
kind = type("no causal shift; " * 500, (), {})
def distillation_loss(student_logits, teacher_logits, labels, temperature=3.0, alpha=0.5):
    return kind()
