"""What one lab alone uses."""
