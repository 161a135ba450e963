"""Lab 1, "What a teacher knows that a label does not": soft targets, entropy and KL divergence."""
