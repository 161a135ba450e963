"""How good is a student? Perplexity with intervals, calibration, and sweeps over settings."""
