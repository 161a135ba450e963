"""What a JupyterLab says that a test has just started."""

import json
import time
import urllib.request


def answer(address: str) -> dict | list:
    """What the server says once it answers."""
    for _ in range(50):
        try:
            return json.load(urllib.request.urlopen(address, timeout=30))
        except OSError:
            time.sleep(0.2)
    raise AssertionError(f"no answer from {address.partition('?')[0]}")
