"""A data set of the hub, or of a folder in the hub's layout; and why it cannot be had, in a sentence."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from utils.data.text_files import text_files
from utils.errors import CourseError
from utils.machine.files import file_fault, own_path, require_open
from utils.machine.hub import only_cached_where_unreachable, why_not_fetched

DATA_SUFFIXES = (".parquet", ".jsonl", ".json", ".csv", ".txt", ".arrow")
SPLITS_WANTED = "The course wants the splits train and validation, each with a column 'text'."


def load_splits(name: str, config: str | None) -> Mapping:
    """The data set's splits by name.  Raises CourseError with the reason where it cannot be had."""
    from datasets import load_dataset, load_from_disk

    place = own_path(name)
    if place is not None:
        _require_data_set(place, name)
    name = str(place or name)
    try:
        with only_cached_where_unreachable(name):
            if place is not None and (place / "dataset_dict.json").exists():
                return load_from_disk(name)
            return load_dataset(name, config)
    except Exception as error:  # of datasets, pyarrow, pandas, fsspec or the hub: they share no kind
        raise CourseError(_why(place, name, config, error)) from error


def _require_data_set(place: Path, name: str) -> None:
    """Raise CourseError where a path is clearly no folder that `load_dataset` reads."""
    require_open(place)
    if not place.exists():
        raise CourseError(f"There is no folder {name!r}. Give the folder of a data set, or its name on the hub.")
    if place.is_file():
        raise CourseError(
            f"{name!r} is a file. For a text file leave `hub:` out; for a data set give its folder. {SPLITS_WANTED}"
        )
    if (place / "state.json").exists():
        raise CourseError(
            f"The folder {name!r} holds a single split, as save_to_disk wrote it. {SPLITS_WANTED} Save all splits "
            "together: DatasetDict(train=..., validation=...).save_to_disk(FOLDER)."
        )


def _why(place: Path | None, name: str, config: str | None, error: Exception) -> str:
    while error.__cause__ is not None:  # datasets says only that it failed; what failed is beneath
        error = error.__cause__
    words = " ".join(str(error).split())
    choices = _configurations(place or name)
    if choices and (config is None or config not in choices):
        asked = f"has no configuration {config!r}" if config else "has several configurations, and none was chosen"
        return f"The data set {name!r} {asked}: {', '.join(choices)}. Choose one: hub:{name}:{choices[0]}."
    if place is None:
        return why_not_fetched("data set", name, error)
    files = text_files(place, DATA_SUFFIXES)
    if not files:
        return f"The folder {name!r} holds no data ({', '.join(DATA_SUFFIXES)}). {SPLITS_WANTED}"
    for path in files:
        fault = file_fault(path)
        if fault:
            return f"{str(path)!r} {fault}."
    return f"The data set in {name!r} could not be read. datasets says: {type(error).__name__}: {words[:300]}"


def _configurations(name: str | Path) -> list[str]:
    """The configurations that a data set offers where there is a choice; [] where that cannot be told."""
    from datasets import get_dataset_config_names

    try:
        with only_cached_where_unreachable(str(name)):
            found = get_dataset_config_names(str(name))
    except Exception:  # then the failure itself says more
        return []
    return found if found != ["default"] else []
