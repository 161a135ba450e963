"""The most bytes that some work holds at once, as torch's profiler counts them: exact, and alike on every machine."""

from collections.abc import Callable

from torch.profiler import ProfilerActivity, profile


def most_held(work: Callable[[], object]) -> int:
    """What `work` allocates, less what it gives back, at its highest; what was there before does not count."""
    with profile(activities=[ProfilerActivity.CPU], profile_memory=True) as profiler:
        work()
    events = profiler.profiler.kineto_results.events()
    changes = sorted((event.start_ns(), event.nbytes()) for event in events if event.name() == "[memory]")
    held = most = 0
    for _, size in changes:
        held += size
        most = max(most, held)
    return most
