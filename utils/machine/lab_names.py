"""What a lab's folder is called, and under which key the course keeps its own metadata in a notebook."""

PATTERN = "[0-9][0-9]_*"
METADATA = "distillation_course"


def is_called(name: str, wanted: str) -> bool:
    """Whether a lab is the one that is wanted: by its number, "2" or "02", or by its whole name."""
    return wanted == name or wanted.zfill(2) == name.partition("_")[0]
