"""The training loop and what keeps a run safe."""

from utils.moved import names_of

__getattr__ = names_of(__name__)
