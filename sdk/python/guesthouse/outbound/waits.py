"""Waiting for the host: for one of several things, or until a time is over."""

from wit_world.imports import poll
from wit_world.imports.monotonic_clock import subscribe_duration


def wait(pollables, seconds):
    """Whether one of them is ready before so many seconds are over; without a number, for ever. Gives them all back."""
    pollables = list(pollables)
    count = len(pollables)
    if not count and seconds is None:
        # The host would end the instance.
        raise RuntimeError("there is nothing to wait for")
    try:
        if seconds is not None:
            pollables.append(subscribe_duration(max(0, int(seconds * 1e9))))
        return any(index < count for index in poll.poll(pollables))
    finally:
        for one in pollables:
            one.__exit__(None, None, None)
