"""The functions to write in Lab 9."""
