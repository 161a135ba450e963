"""What a teacher predicted, kept so that it is asked once."""
