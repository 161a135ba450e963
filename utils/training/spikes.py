"""Has the loss jumped?  A training whose loss explodes stops, and the student goes back to its last good weights.

A loss that grows without becoming NaN stops nobody by itself, and the last weights, the ones that are kept, are the
worst.  A loss differs from batch to batch, so a jump is what no batch explains: the mean of the last five is far above
the highest of a whole stretch of steps before it.
"""

from __future__ import annotations

import math

from utils.errors import CourseError
from utils.machine.memory import available_memory
from utils.training.checkpoints import Run
from utils.training.history import History

RECENT = 5
STRETCH = 25  # as many batches as a pool of like lengths holds: some of them are long, some short
ABOVE_STRETCH, ABOVE_FIRST = 1.5, 5.0  # before there is a whole stretch, the first loss alone is known
LEAST_NATS = 1.0  # a loss near 0 may double without harm
GOOD_STATES_PER_RUN = 10


def require_finite(value: float, what: str, history: History, cause: str = "") -> None:
    """Raise CourseError where a loss or a gradient's norm is no number, before its update; `cause`: where known."""
    if not math.isfinite(value):
        cause = cause or (
            "a learning rate that is too high (try a third of it), or a loss that divides by zero or takes the log of "
            "zero (look at it on one batch)"
        )
        raise CourseError(
            f"The {what} is {value} at step {history.steps_done + 1} of {history.steps_total}; training stops and the "
            f"student keeps its last good weights. The likely cause is {cause}."
        )


class SpikeGuard:
    """Watches a run's losses, and keeps the states that it can go back to.

    A state is kept in main memory, and is good once the losses after it were: so there are two, a good one and a newer
    one.  Where main memory does not hold them, the checkpoint is what remains.
    """

    def __init__(self, run: Run):
        self.run, self.history = run, run.history
        self.every = max(RECENT, self.history.steps_total // GOOD_STATES_PER_RUN)
        weights = sum(p.numel() * p.element_size() for p in run.student.parameters())
        self.keeps = available_memory() > 10 * 3 * weights  # weights and two moments
        self.good: dict | None = None
        self.newer: dict | None = run.copied_state() if self.keeps else None
        self._lowest_high = math.inf
        for steps in range(STRETCH, self.history.steps_done + 1):
            self._look_at_stretch(steps)

    def after_step(self) -> None:
        """Look at the last losses.  Raises CourseError where they have jumped; the student is back at a good state."""
        limit = self.limit()
        recent = [record.loss for record in self.history.records[-RECENT:]]
        mean = sum(recent) / len(recent)
        if mean > limit:
            self._stop(mean, limit, sum(loss > limit for loss in recent) > 1 or self.history.steps_done < RECENT)
        if self.keeps and self.history.steps_done % self.every == 0:
            self.good, self.newer = self.newer, self.run.copied_state()

    def require_finite(self, value: float) -> None:
        """Stop where a step has returned no number: its update is taken back, if it made one."""
        if not math.isfinite(value):
            back = self._go_back()
            step, total = self.history.steps_done + 1, self.history.steps_total
            raise CourseError(
                f"The loss is {value} at step {step} of {total}, as the step returned it; training stops. {back} "
                "Look at the loss on one batch, or lower the learning rate."
            )

    def looks_like_a_jump(self) -> bool:
        """Whether the last loss alone is above what a jump is told by: no state to go back to."""
        return self.history.records[-1].loss > self.limit()

    def limit(self) -> float:
        """How high the mean of the last losses may be, in the loss's unit: far above a stretch that was passed."""
        if getattr(self.run.step, "changes_the_text", False):  # losses of different texts are not compared
            return math.inf
        first = self.history.records[0].loss
        limit = max(ABOVE_FIRST * first, first + LEAST_NATS)
        if self.history.steps_done >= STRETCH:
            self._look_at_stretch(self.history.steps_done)
            limit = min(limit, max(ABOVE_STRETCH * self._lowest_high, self._lowest_high + LEAST_NATS))
        return limit

    def _look_at_stretch(self, stop: int) -> None:
        losses = [record.loss for record in self.history.records[stop - STRETCH : stop]]
        self._lowest_high = min(self._lowest_high, max(losses))

    def _stop(self, mean: float, limit: float, lasting: bool) -> None:
        step, total = self.history.steps_done, self.history.steps_total
        rate = self.run.settings.learning_rate
        likely = f"a learning rate that is too high ({rate:g}): try a third of it, or a longer warm-up (warmup_share)"
        if not lasting:
            likely = f"a single batch, by damaged text or a loss that divides by something small; or else {likely}"
        back = self._go_back()
        raise CourseError(
            f"The loss has jumped: {mean:.3g} over the last steps, where {limit:.3g} would be high; training stops at "
            f"step {step} of {total}. {back} The likely cause is {likely}."
        )

    def _go_back(self) -> str:
        state = self.good or self.newer
        if state is not None:
            self.run.go_back_to(state)
        elif not self.run.go_back():
            return "There was no memory to keep earlier weights: load the student again."
        return f"The student has its weights of step {self.history.steps_done} again, the last that were surely good."
