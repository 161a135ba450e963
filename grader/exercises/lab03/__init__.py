"""Lab 3, "Temperature and balance": which layer follows which, and the loss on hidden states."""
