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

HUB = "https://huggingface.co"


def hub_answers(timeout: float = 3.0) -> bool:
    """Whether the model hub (or HF_ENDPOINT) answers within `timeout` seconds; False where HF_HUB_OFFLINE is set."""
    if os.environ.get("HF_HUB_OFFLINE", "").upper() in {"1", "ON", "YES", "TRUE"}:
        return False
    try:
        request = urllib.request.Request(os.environ.get("HF_ENDPOINT") or HUB, method="HEAD")
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
