"""Lab 4, "Can a student make its own teacher faster?": acceptance, the rule, the speed model, the draft's loss."""
