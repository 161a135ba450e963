"""Lab 8, "Which rank does distillation need?": a layer with an adapter, its start, its merge, and what it trains."""
