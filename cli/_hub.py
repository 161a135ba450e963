"""Can a profile's models be had?  Asked before a lab starts, as `doctor` asks: its first steps need none of them."""

from __future__ import annotations

from pathlib import Path

from utils.errors import CourseError
from utils.machine.hub import address, hub_answers, is_switched_off
from utils.models.profiles import PROFILES

TIMEOUT = 3.0  # seconds


def why_silent() -> str:
    """Why the hub gives nothing, as the end of a sentence; "" where it answers."""
    if hub_answers(TIMEOUT):
        return ""
    return "is switched off by HF_HUB_OFFLINE" if is_switched_off() else "does not answer"


def require_models(profile: str) -> None:
    """Raise CourseError where a profile wants models that are not here and that the hub does not give."""
    wanted = (PROFILES[profile].teacher, PROFILES[profile].student)
    absent = [name for name in wanted if not Path(name).exists() and not is_cached(name)]
    silence = why_silent() if absent else ""
    if silence:
        raise CourseError(
            f"The profile {profile!r} wants {' and '.join(absent)} from the model hub, and {address()} {silence}. "
            "Check the network or HF_ENDPOINT, or choose --profile embedded, which needs no download."
        )


def is_cached(name: str) -> bool:
    """Whether a model of the hub was fetched before."""
    from huggingface_hub import try_to_load_from_cache

    return isinstance(try_to_load_from_cache(name, "config.json"), str)
