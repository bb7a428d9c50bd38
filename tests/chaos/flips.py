"""A site flipped again and again under load: two servers, readers on kept connections, each answer of one build."""

import hashlib
import threading
import time
from contextlib import ExitStack
from pathlib import Path
from statistics import quantiles
from typing import NamedTuple

import urllib3

from etl.publish.kept import LINK
from tests.chaos.ground import AFTER, Ground, Place
from tests.serving import serving

READERS = 8
_PAUSE = 0.3  # seconds between two flips
_QUESTIONS = (
    *(f"/availability/snapshot.json?date=2024-01-{day:02}" for day in range(1, 16)),
    "/availability/timeline.json?symbol=C03USDT",
    "/availability/coverage.json",
    "/symbol/ETHUSDT",
    "/day/2024-01-12",
    "/",
)


class Flipped(NamedTuple):
    """What readers saw while the site was flipped."""

    flips: int
    servers: int
    asked: int
    failed: list[str]
    mixed: list[str]  # two different answers of one build, or a build that its body does not name
    stale: list[str]  # of another build than the link led to before the question and after the answer
    p99_ms: float


class _Seen:
    """What all readers together have seen."""

    def __init__(self, link: Path) -> None:
        self.link = link
        self.ended = threading.Event()
        self.seconds: list[float] = []
        self.failed: list[str] = []
        self.mixed: list[str] = []
        self.stale: list[str] = []
        self.bodies: dict[tuple[str, str], str] = {}

    def read(self, url: str) -> None:
        """Ask one server until told to stop."""
        with urllib3.PoolManager(retries=False, timeout=20) as http:
            while not self.ended.is_set():
                for question in _QUESTIONS:
                    self.ask(http, url, question)

    def ask(self, http: urllib3.PoolManager, url: str, question: str) -> None:
        """Ask once, and judge the answer."""
        before, began = self.led(), time.perf_counter()
        try:
            answer = http.request("GET", url + question)
        except urllib3.exceptions.HTTPError as error:
            self.failed.append(f"{question}: {error}")
            return
        self.seconds.append(time.perf_counter() - began)
        after, build = self.led(), answer.headers.get("Availability-Build", "")
        if answer.status != 200:
            self.failed.append(f"{question}: HTTP {answer.status}")
            return
        told = hashlib.sha256(answer.data).hexdigest()
        if self.bodies.setdefault((url + question, build), told) != told or build.encode() not in answer.data:
            self.mixed.append(f"{question}: of {build}")
        if before == after and before[0] != f"availability-{build}.db":
            self.stale.append(f"{question}: of {build}, the link leads to {after[0]}")

    def led(self) -> tuple[str, int]:
        """Return where the link leads, and since when: it may lead there again."""
        while True:
            name, since = self.link.readlink().name, self.link.lstat().st_mtime_ns
            if (self.link.readlink().name, self.link.lstat().st_mtime_ns) == (name, since):
                return name, since


def flip_under_load(ground: Ground, folder: Path, *, flips: int, servers: int = 2) -> Flipped:
    """Publish a second build, then go back and forth between both with the command that an operator would use."""
    place = Place.copied(ground.base, folder, ground.replica)
    first = (place.site_dir / LINK).resolve()
    if (ran := place.nightly()).code:
        raise RuntimeError(ran.said)
    builds = [first, (place.site_dir / LINK).resolve()]
    seen = _Seen(place.site_dir / LINK)
    with ExitStack() as stack:
        urls = [
            stack.enter_context(serving(place.site_dir / LINK, AVAILABILITY_TODAY=AFTER)).url for _ in range(servers)
        ]
        readers = [threading.Thread(target=seen.read, args=(urls[number % servers],)) for number in range(READERS)]
        for reader in readers:
            reader.start()
        for number in range(flips):
            time.sleep(_PAUSE)
            name = builds[number % 2].stem.removeprefix("availability-")
            if (ran := place.run("publish", "--rollback", name)).code:
                seen.failed.append(ran.said)
        time.sleep(_PAUSE)
        seen.ended.set()
        for reader in readers:
            reader.join()
    p99 = quantiles(seen.seconds, n=100)[98] * 1000
    return Flipped(flips, servers, len(seen.seconds), seen.failed, seen.mixed, seen.stale, p99)
