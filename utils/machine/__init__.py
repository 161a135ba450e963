"""This machine: devices, memory, processes, folders, the model hub, and missing packages."""

HOLDS_NO_ANSWER = True
