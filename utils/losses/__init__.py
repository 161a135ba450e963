"""Losses, each a function of logits or hidden states."""

from utils.moved import names_of

__getattr__ = names_of(__name__)
