"""From the intake to the disk: what comes is flushed, closed in time, and handed on; a full disk is waited for."""

import logging
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from itertools import groupby
from pathlib import Path
from threading import Event
from typing import Final

from etl.errors import AvailabilityError
from etl.vault.envelope import timestamp
from etl.vault.errors import StorageError
from etl.vault.intake import Intake, Line
from etl.vault.segments import Spool, hour, is_segment
from etl.vault.tally import Tally, write_status

RETRY_SECONDS: Final = 0.5  # before a full disk or spool is tried again
_TOLD_SECONDS: Final = 10.0
_PROGRESS_SECONDS: Final = 60.0
_log = logging.getLogger(__name__)
HandOn = Callable[[str], None]


class Writer:
    """Takes lines and brings them to the disk."""

    def __init__(self, intake: Intake, spool: Spool, tally: Tally, hand_on: HandOn, most_bytes: int | None) -> None:
        """Hand closed segments on by name; ``most_bytes`` is the limit of the spool, None where closing empties it."""
        self._intake, self._spool, self._tally, self._hand_on, self._most = intake, spool, tally, hand_on, most_bytes
        self.give_up = Event()  # set when a disk that is full is no longer to be waited for
        self._progress = self._status = time.monotonic()
        self._told = -_TOLD_SECONDS
        self._received = 0

    def run(self) -> None:
        """Write until the intake is closed and empty, then close the last segment."""
        while True:
            last = self._intake.closed
            for _, lines in groupby(self._intake.take(), key=lambda line: hour(line.moment)):
                self._write(list(lines))
            if last:
                break
            if self._spool.due(time.time_ns()):
                self._close()
            self._tell()
        self._close()
        self._write_status(None)

    def _write(self, lines: Sequence[Line]) -> None:
        if self._spool.due(lines[0].moment):
            self._close()
        for reason in self._kept(lines):
            self._stall(reason)
        self._tally.stalled = None
        self._tally.kept += len(lines)
        self._tally.kept_until = timestamp(lines[-1].moment)

    def _kept(self, lines: Sequence[Line]) -> Iterator[str]:
        """Bring lines to the disk; yields why not, as long as it cannot be done."""
        while True:
            if self._most is not None and (held := _held(self._spool.folder)) >= self._most:
                self._close()  # so that what is open can be brought on as well
                yield f"the spool holds {held / 1e6:,.0f} MB that the store has not taken"
                continue
            try:
                self._spool.append(lines)
            except OSError as error:
                yield f"{error.strerror or error} in {self._spool.folder}"
            else:
                return

    def _stall(self, reason: str) -> None:
        """Wait a little before the next attempt, and tell now and then."""
        if time.monotonic() - self._told > _TOLD_SECONDS:
            self._told = time.monotonic()
            _log.error("nothing is written", extra={"reason": reason})
        self._tally.stalled = reason
        self._tell()
        if self.give_up.wait(RETRY_SECONDS):
            raise AvailabilityError(f"What was received last is not kept: {reason}.")

    def drain(self) -> None:
        """Forget the limit of the spool: what is still to come is little, and the next start brings it on."""
        self._most = None

    def _close(self) -> None:
        name = self._spool.close()
        if name is not None:
            self._tally.segments += 1
            for reason in self._handed_on(name):
                self._stall(reason)
            self._tally.stalled = None

    def _handed_on(self, name: str) -> Iterator[str]:
        """Hand a segment on; yields why not, as long as it cannot be done."""
        while True:
            try:
                self._hand_on(name)
            except StorageError as error:
                yield error.cause
            else:
                return

    def _tell(self) -> None:
        """Renew the status once a second, and log a line once a minute."""
        now = time.monotonic()
        if now - self._status >= 1:
            rate = round((self._tally.received - self._received) / (now - self._status), 1)
            self._received, self._status = self._tally.received, now
            self._write_status(rate)
            if now - self._progress >= _PROGRESS_SECONDS:
                self._progress = now
                names = ("received", "kept", "segments", "lost", "breaks")
                facts = {name: getattr(self._tally, name) for name in names}
                _log.info("capturing", extra={**facts, "frames_per_second": rate})

    def _write_status(self, rate: float | None) -> None:
        with suppress(OSError):  # a disk that is full is told by the log
            write_status(self._spool.folder, self._tally, rate)


def _held(folder: Path) -> int:
    """Return the bytes of all segments in a spool; one may be taken away while we look."""
    total = 0
    for path in folder.iterdir():
        if is_segment(path.name):
            try:
                total += path.stat().st_size
            except FileNotFoundError:
                continue
    return total
