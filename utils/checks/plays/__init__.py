"""Functions that are not simply called: each module gives one tiny models and batches, and writes down what they saw.

A play has ``ARGUMENTS`` (the function's argument names), ``play(fn, probe) -> Answer`` and ``shapes(probe)``, the
shapes that an honest answer's arrays can have. It holds no answer: a judge elsewhere reads what was written down.
"""
