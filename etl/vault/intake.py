"""The lines between the connection and the disk: bounded, so that a slow disk stops the receiving, not the machine."""

from threading import Condition
from typing import NamedTuple


class Line(NamedTuple):
    """One line of a segment."""

    moment: int  # of its capture_ts, nanoseconds since 1970
    text: bytes  # with its line break


class Intake:
    """Lines that wait to be written; one thread puts, another one takes."""

    def __init__(self, records: int, seconds: float, most_bytes: int) -> None:
        """Hand lines on when there are so many, or after so many seconds; ``most_bytes`` of them may wait."""
        self._records, self._seconds, self._most = records, seconds, most_bytes
        self._lines: list[Line] = []
        self._bytes = 0
        self._closed = False
        self._changed = Condition()

    @property
    def full(self) -> bool:
        """Whether the one who puts has to wait; what it puts all the same is kept too."""
        return self._bytes >= self._most

    @property
    def closed(self) -> bool:
        """Whether nothing more comes."""
        return self._closed

    def put(self, moment: int, text: bytes) -> None:
        """Add a line."""
        with self._changed:
            self._lines.append(Line(moment, text))
            self._bytes += len(text)
            if len(self._lines) == self._records or self.full:
                self._changed.notify()

    def close(self) -> None:
        """Say that nothing more comes."""
        with self._changed:
            self._closed = True
            self._changed.notify()

    def take(self) -> list[Line]:
        """Wait until a flush is due and return all lines that came by then, in order; none where none came."""
        with self._changed:
            self._changed.wait_for(self._due, self._seconds)
            taken, self._lines, self._bytes = self._lines, [], 0
            return taken

    def _due(self) -> bool:
        return len(self._lines) >= self._records or self.full or self._closed
