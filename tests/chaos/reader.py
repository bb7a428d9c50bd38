"""A reader who keeps asking a running site, and notices whatever a reader must never see."""

import hashlib
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import urllib3

_QUESTIONS = (
    "/availability/snapshot.json?date=2024-01-12",
    "/availability/timeline.json?symbol=C03USDT",
    "/availability/coverage.json",
    "/symbol/ETHUSDT",
)
_OK, _BROKEN = 200, 503
_PAUSE = 0.005  # seconds between two questions: a reader, not a load test


class Reader(threading.Thread):
    """Asks the same few questions in turn."""

    def __init__(self, url: str) -> None:
        """Begin with nothing seen."""
        super().__init__(daemon=True)
        self.url = url
        self.asked = 0
        self.builds: list[str] = []  # in the order in which they were first seen
        self.odd: list[str] = []  # a sentence for each answer that nobody must see
        self.unavailable = 0  # honest 503s
        self._bodies: dict[tuple[str, str], str] = {}
        self._ended = threading.Event()

    def run(self) -> None:
        """Ask until told to stop."""
        with urllib3.PoolManager(retries=False, timeout=20) as http:
            while not self._ended.is_set():
                for question in _QUESTIONS:
                    self._ask(http, question)
                    self._ended.wait(_PAUSE)

    def stop(self) -> None:
        """Ask no more."""
        self._ended.set()
        self.join()

    def _ask(self, http: urllib3.PoolManager, question: str) -> None:
        self.asked += 1
        try:
            answer = http.request("GET", self.url + question)
        except urllib3.exceptions.HTTPError as error:
            self.odd.append(f"{question}: {type(error).__name__}: {error}")
            return
        build = answer.headers.get("Availability-Build", "")
        if answer.status == _BROKEN:
            self.unavailable += 1
        elif answer.status != _OK or not build:
            self.odd.append(f"{question}: HTTP {answer.status}, build {build!r}: {answer.data[:200]!r}")
        else:
            self._compare(question, build, answer.data)

    def _compare(self, question: str, build: str, body: bytes) -> None:
        """Hold an answer against the first one of its build: of one build there is only one answer."""
        if build not in self.builds:
            self.builds.append(build)
        if build.encode() not in body:
            self.odd.append(f"{question}: says it is of build {build}, its body does not")
        told = hashlib.sha256(body).hexdigest()
        if self._bodies.setdefault((question, build), told) != told:
            self.odd.append(f"{question}: two answers of build {build} differ")


@contextmanager
def reading(url: str) -> Iterator[Reader]:
    """Let a reader ask for as long as the block lasts."""
    reader = Reader(url)
    reader.start()
    try:
        yield reader
    finally:
        reader.stop()
