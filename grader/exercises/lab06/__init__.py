"""The exercises of Lab 6."""
