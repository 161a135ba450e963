"""Losses, each a function of logits or hidden states."""
