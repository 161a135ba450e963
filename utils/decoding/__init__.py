"""Writing text with a draft: speculative decoding that gives exactly what the target alone would, and its speed."""
