"""Ctrl-C and SIGTERM, taken as a wish: the work stops at its next whole step."""

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from threading import Event
from types import FrameType

_STDERR = 2


@contextmanager
def stoppable() -> Iterator[Event]:
    """Yield an event that the first SIGINT or SIGTERM sets; the second one interrupts at once.

    No query is ever broken off by the first, so whatever is being recorded is recorded whole.
    """
    stop = Event()

    def wish(number: int, frame: FrameType | None) -> None:
        if stop.is_set():
            signal.default_int_handler(number, frame)
        stop.set()
        with suppress(OSError):  # straight to the system: a signal may come in the middle of another line
            os.write(_STDERR, b"Stopping: what is complete is recorded first. Once more stops at once.\n")

    before = {number: signal.signal(number, wish) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
