"""Every size and step count of a lab in one place: smoke, embedded, full, or your own.

A notebook asks for a profile and takes every size from it, so the same notebook runs in seconds in CI, in minutes on a
laptop, and with GPT-2 on a GPU.  To make your own: `dataclasses.replace(get_profile("embedded"), train_rows=500)`.
"""

from __future__ import annotations

import importlib.util
import os
from dataclasses import dataclass, replace

from utils.errors import CourseError
from utils.machine.workspace import ROOT
from utils.settings import read_numbers

_PAIR = ROOT / "utils" / "pretrained"


@dataclass(frozen=True)
class Profile:
    """One size of the course.

    `teacher`, `student`: hub names or folders of two models with one tokenizer.  `text`: see
    utils.data.corpus.load_corpus.  Rows are documents of more than `min_characters` characters, cut at `max_length`
    tokens.  A batch holds rows of like length, dealt out of `length_pool` batches at a time.  `learning_rate` is for
    the distilled student; `ce_learning_rate` is the CE-only control's own best one (benchmarks/effect.py).
    """

    name: str
    teacher: str
    student: str
    text: str
    train_rows: int
    evaluation_rows: int
    min_characters: int = 50
    max_length: int = 128
    batch_size: int = 8
    length_pool: int = 25
    epochs: int = 2
    learning_rate: float = 4e-3
    ce_learning_rate: float = 4e-3
    weight_decay: float = 0.01
    warmup_share: float = 0.05
    max_gradient_norm: float = 1.0
    temperature: float = 1.0
    alpha: float = 0.5
    sweep_rows: int = 500
    seed: int = 0

    def __post_init__(self) -> None:
        read_numbers(self)


EMBEDDED = Profile(
    name="embedded",
    teacher=str(_PAIR / "teacher"),
    student=str(_PAIR / "student"),
    text="python",
    train_rows=1500,
    evaluation_rows=500,
    min_characters=80,
    ce_learning_rate=2e-3,
)
SMOKE = replace(
    EMBEDDED,
    name="smoke",
    train_rows=96,
    evaluation_rows=48,
    epochs=1,
    sweep_rows=48,
    learning_rate=1e-3,
    ce_learning_rate=1e-3,
)
FULL = Profile(
    name="full",
    teacher="gpt2-medium",
    student="distilgpt2",
    text="hub:Salesforce/wikitext:wikitext-2-raw-v1",
    train_rows=2000,
    evaluation_rows=500,
    learning_rate=5e-5,
    ce_learning_rate=5e-5,
    temperature=3.0,
)
PROFILES = {profile.name: profile for profile in (SMOKE, EMBEDDED, FULL)}


def get_profile(name: str = "auto", announce: bool = True) -> Profile:
    """The profile called `name`; "auto" takes full in Colab with a GPU and the hub there, else embedded.

    Two environment variables override the name: NBGRADER_EXECUTION (nbgrader sets it when it grades) means smoke, and
    COURSE_PROFILE (`course.py run --profile` sets it, and says so in COURSE_PROFILE_BY) means what it says.  With
    `announce` one line says which profile and why.  Raises CourseError for a name that there is not.
    """
    if os.environ.get("NBGRADER_EXECUTION"):
        name, why = "smoke", "because this is a grading run"
    elif os.environ.get("COURSE_PROFILE"):
        name, why = os.environ["COURSE_PROFILE"], f"as {os.environ.get('COURSE_PROFILE_BY', 'COURSE_PROFILE')} says"
    else:
        why = "as asked for"
    if name == "auto":
        name, why = _automatic()
    if name not in PROFILES:
        raise CourseError(f"There is no profile {name!r}. Choose one of: auto, {', '.join(PROFILES)}.")
    if announce:
        print(f"Profile {name}: {why}.")
    return PROFILES[name]


def _automatic() -> tuple[str, str]:
    if importlib.util.find_spec("google") is None or importlib.util.find_spec("google.colab") is None:
        return "embedded", "our own small pair; nothing to download and no GPU needed"
    import torch

    if not torch.cuda.is_available():
        return "embedded", "this Colab session has no GPU; choose Runtime, Change runtime type for the full profile"
    from utils.machine.hub import hub_answers

    if not hub_answers():
        return "embedded", "the model hub does not answer"
    return "full", "Colab with a GPU and the hub within reach"
