"""The exercises of Lab 7, how small."""
