"""Is the model hub there?  The mistake it prevents: minutes of retries and warnings where one sentence would do."""

from __future__ import annotations

import os
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from unittest.mock import patch

from huggingface_hub import constants


def address() -> str:
    """Where the model hub is: HF_ENDPOINT, or the public one."""
    return os.environ.get("HF_ENDPOINT") or "https://huggingface.co"


def is_switched_off() -> bool:
    """Whether HF_HUB_OFFLINE says that nobody is to be asked; read as huggingface_hub reads it."""
    return os.environ.get("HF_HUB_OFFLINE", "").upper() in {"1", "ON", "YES", "TRUE"}


def hub_answers(timeout: float = 3.0) -> bool:
    """Whether the model hub answers within `timeout` seconds; False where it is switched off."""
    if is_switched_off():
        return False
    try:
        request = urllib.request.Request(address(), method="HEAD")
        urllib.request.urlopen(request, timeout=timeout).close()
    except urllib.error.HTTPError:
        return True
    except (OSError, ValueError):
        return False
    return True


@contextmanager
def only_cached_where_unreachable(name: str) -> Iterator[None]:
    """Inside, what was fetched before is found at once, and what was not fails at once, where the hub does not answer.

    `name` is a hub name, or a folder, for which nobody is asked.
    """
    if Path(name).exists() or hub_answers():
        yield
        return
    # Both libraries read their environment variable once, when they are imported.
    with patch.object(constants, "HF_HUB_OFFLINE", True):
        settings = sys.modules.get("datasets.config")
        if settings is None:
            yield
        else:
            with patch.object(settings, "HF_HUB_OFFLINE", True):
                yield
