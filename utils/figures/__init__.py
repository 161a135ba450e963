"""Pictures of what was measured, and sliders."""
