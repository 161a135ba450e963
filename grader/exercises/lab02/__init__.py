"""Lab 2, "Did it work?": the distillation loss, the training step, the perplexity."""
