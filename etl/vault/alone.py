"""One capture, one refiner, one compaction of a vault at a time: a lock on a disk, in S3 a claim that is renewed."""

import json
import logging
import os
import secrets
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Event, Thread
from typing import Final

from etl import clock, locks
from etl.errors import AvailabilityError
from etl.vault import storage
from etl.vault.errors import StorageAbsent, StorageError
from etl.vault.local import LocalFolder
from etl.vault.s3 import Bucket, Claimed
from etl.vault.segments import ACTIVE
from etl.vault.storage import Storage

CLAIM_SECONDS: Final = 60.0  # after which a claim that nobody renews is anybody's
_RENEWALS: Final = 3  # within that time
_PROCESS: Final = secrets.token_hex(8)  # tells us from a dead process that had our number, as in a container
_LOST: Final = frozenset({"PreconditionFailed", "ConditionalRequestConflict", "NoSuchKey"})
_log = logging.getLogger(__name__)


@contextmanager
def alone(vault: Storage, work: str) -> Iterator[Callable[[], None]]:
    """Be the only one to do a work (``compact``); yields a check that this is still so. AvailabilityError: who does it.

    Whoever dies lets go: on a disk and on the same machine at once, else in S3 after a minute.
    """
    path = storage.join(ACTIVE, f".{work}.lock")
    if isinstance(vault, LocalFolder):
        lock = vault.base / path
        lock.parent.mkdir(parents=True, exist_ok=True)
        with locks.held(lock, f"vault {work}", f"{vault.base} is held for `vault {work}`"):
            yield lambda: None
        return
    claim = Claim(vault, work)
    claim.take()
    try:
        yield claim.check
    finally:
        claim.give_back()


def holder(vault: Storage, work: str) -> str | None:
    """Say who does a work (``capture``), and since when; None where nobody does."""
    path = storage.join(ACTIVE, f".{work}.lock")
    if isinstance(vault, LocalFolder):
        return locks.holder(vault.base / path)
    try:
        held = vault.claimed(path)
    except StorageAbsent:
        return None
    return _signed(held) if _lives(held) else None


class Claim:
    """A file in S3 that says who is at work, written only where no other one is, and renewed until given back."""

    def __init__(self, bucket: Bucket, work: str) -> None:
        """Nothing is claimed yet."""
        self._bucket, self._work, self._path = bucket, work, storage.join(ACTIVE, f".{work}.lock")
        self._mine, self._etag, self._until = b"", "", 0.0
        self._over = Event()

    def take(self) -> None:
        """Claim it, and renew that from now on; AvailabilityError where somebody else holds it."""
        me = {"pid": os.getpid(), "host": socket.gethostname(), "process": _PROCESS, "claim": secrets.token_hex(4)}
        self._mine = json.dumps({**me, "since": f"{clock.now():%Y-%m-%dT%H:%M:%SZ}"}).encode()
        held = self._held()
        if held and _lives(held):
            raise self._refusal(held)
        self._put(held.etag if held else "")
        Thread(target=self._renew, daemon=True).start()

    def check(self) -> None:
        """Raise AvailabilityError where somebody else has taken over, StorageError where nobody can tell."""
        if time.monotonic() >= self._until:
            self._put(self._etag)

    def give_back(self) -> None:
        """Let others begin; a claim that has lapsed may be theirs already and is left."""
        self._over.set()
        if time.monotonic() < self._until:
            try:
                self._bucket.delete(self._path)
            except StorageError as error:
                _log.warning("claim not given back", extra={"work": self._work, "error": str(error)})

    def _put(self, etag: str) -> None:
        began = time.monotonic()
        try:
            self._etag = self._bucket.claim(self._path, self._mine, etag)
        except StorageError as error:
            if error.code not in _LOST:
                raise
            held = self._held()
            if held is None or held.data != self._mine:  # else it was written, and the answer to that got lost
                self._until = 0.0
                raise self._refusal(held) from error
            self._etag = held.etag
        self._until = began + CLAIM_SECONDS

    def _held(self) -> Claimed | None:
        try:
            return self._bucket.claimed(self._path)
        except StorageAbsent:
            return None

    def _renew(self) -> None:
        while not self._over.wait(CLAIM_SECONDS / _RENEWALS):
            try:
                self._put(self._etag)
            except AvailabilityError as error:
                if self._over.is_set():
                    return
                _log.warning("claim not renewed", extra={"work": self._work, "error": str(error)})

    def _refusal(self, held: Claimed | None) -> AvailabilityError:
        who = _signed(held) if held else "nobody any longer, for somebody has removed the claim,"
        return AvailabilityError(
            f"{self._bucket.place('')} is held for `vault {self._work}` by {who}: try again when it is done,"
            f" or {CLAIM_SECONDS:g} s after it died."
        )


def _signed(held: Claimed) -> str:
    try:
        told = json.loads(held.data)
        return f"process {told['pid']} on {told['host']} since {told['since']}"
    except (ValueError, KeyError, TypeError):
        return "another process"


def _lives(held: Claimed) -> bool:
    return held.age < CLAIM_SECONDS and not _is_dead(held)


def _is_dead(held: Claimed) -> bool:
    """Tell whether whoever holds a claim was a process of this machine that is no more."""
    try:
        told = json.loads(held.data)
        if told["host"] != socket.gethostname() or told["process"] == _PROCESS:
            return False
        pid = int(told["pid"])
    except (ValueError, KeyError, TypeError):
        return False
    if pid == os.getpid():
        return True
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        return False
    return False
