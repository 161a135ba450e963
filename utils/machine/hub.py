"""Is the model hub there?  Asked first, so that a sentence takes the place of minutes of retries and warnings."""

from __future__ import annotations

import os
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from unittest.mock import patch

from huggingface_hub import constants
from huggingface_hub.errors import GatedRepoError, RepositoryNotFoundError, RevisionNotFoundError

from utils.machine.files import own_path


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
    if own_path(name) is not None or hub_answers():
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


def why_not_fetched(what: str, name: str, error: Exception) -> str:
    """Why the hub did not give `what`, such as "model", as a sentence or two; the hub is asked whether it answers."""
    instead = "Give a local folder instead, or use the embedded profile, which needs no download."
    asked = f"The {what} {name!r} could not be fetched from the model hub: {address()}"
    if is_switched_off():
        return f"{asked} is switched off by HF_HUB_OFFLINE, and it was not fetched before. {instead}"
    if not hub_answers():
        return f"{asked} does not answer. Check the network or HF_ENDPOINT. {instead}"
    causes = _causes(error)
    if any(isinstance(cause, GatedRepoError) for cause in causes):
        return f"{asked} wants its terms accepted. Accept them on its page there, and log in: hf auth login."
    if any(isinstance(cause, RepositoryNotFoundError | RevisionNotFoundError) for cause in causes):
        return (
            f"{asked} has none of that name (or it is private), and there is no such folder here. Look at the spelling."
        )
    words = next((line.strip() for line in str(error).splitlines() if line.strip()), "no reason given")
    return f"{asked} answers, and it still failed ({type(error).__name__}: {words[:200].rstrip('.')}). {instead}"


def _causes(error: BaseException | None) -> list[BaseException]:
    """An error, what it was raised from, what that was raised from, and so on."""
    found: list[BaseException] = []
    while error is not None and error not in found:
        found.append(error)
        error = error.__cause__ or error.__context__
    return found
