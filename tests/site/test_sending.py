"""Answers go out as fast as they are read: who does not read costs the server little, and others nothing."""

import asyncio
import gzip
import re
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from statistics import median
from urllib.parse import urlsplit

import pytest
from webapp.build import Build
from webapp.kept import keep
from webapp.sending import PIECE, sliced, unpacked

from tests.serving import Site, serving

READERS = 40
TIMES = 12  # that each asks: what one answer holds would lie in the buffers of the system
BUILD = Build("b", "", "2024-01-01", "", "", 0, 0, 0, None, None, None, "", 0, "", "", "")


@pytest.fixture
def fresh(site: Site) -> Iterator[Site]:
    """A server that has answered nobody yet."""
    with serving(site.file, AVAILABILITY_TODAY="2030-11-05") as started:
        yield started


def megabytes(pid: int, what: str) -> int:
    told = Path(f"/proc/{pid}/status").read_text(encoding="utf-8")
    found = re.search(rf"{what}:\s+(\d+) kB", told)
    assert found
    return int(found[1]) // 1000


def asking(stack: ExitStack, url: str, path: str) -> socket.socket:
    """Ask some times, and take nothing of the answers."""
    parts = urlsplit(url)
    reader = stack.enter_context(socket.socket())
    reader.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    reader.settimeout(30)
    reader.connect((parts.hostname, parts.port))
    reader.sendall(TIMES * f"GET {path} HTTP/1.1\r\nHost: {parts.netloc}\r\n\r\n".encode())
    return reader


def read_on(reader: socket.socket) -> int:
    """Return how many bytes still come."""
    total = 0
    try:
        while found := reader.recv(PIECE):
            total += len(found)
    except ConnectionResetError:
        pass
    return total


@pytest.mark.long
@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="the memory of a process is told by Linux alone")
def test_forty_who_read_nothing_take_little_memory_and_are_hung_up_on_while_others_are_answered(fresh: Site) -> None:
    path = "/availability/manifest.json?start=2024-01-01&limit={}"
    whole = len(fresh.get(path.format(3_550)).data)
    before = megabytes(fresh.pid, "VmRSS")
    with ExitStack() as stack:
        readers = [asking(stack, fresh.url, path.format(3_500 - n)) for n in range(READERS)]
        took = list[float]()
        for _ in range(10):
            began = time.monotonic()
            fresh.get("/symbol/BTCUSDT")
            took.append(time.monotonic() - began)
            time.sleep(0.2)
        assert median(took) < 2
        assert max(took) < 12  # for a reader who takes nothing it would be fifteen
        assert megabytes(fresh.pid, "VmRSS") < before + READERS * whole // 1_000_000
        time.sleep(18)
        assert read_on(readers[0]) < TIMES * whole * 0.9


def test_a_large_answer_is_the_same_for_those_who_read_gzip_and_those_who_do_not(fresh: Site) -> None:
    path = fresh.url + "/availability/manifest.json?start=2024-01-01"
    plain = fresh.http.request("GET", path, headers={"Accept-Encoding": "identity"})
    packed = fresh.http.request("GET", path, headers={"Accept-Encoding": "gzip"}, decode_content=False)
    head = fresh.http.request("HEAD", path, headers={"Accept-Encoding": "identity"})
    assert len(plain.data) > 700_000
    assert gzip.decompress(packed.data) == plain.data
    assert plain.headers["Content-Length"] == head.headers["Content-Length"] == str(len(plain.data))
    assert plain.headers["ETag"] == packed.headers["ETag"]


def test_what_is_packed_and_unpacked_in_pieces_is_the_same() -> None:
    body = b"".join(b"%d," % n for n in range(300_000))
    assert b"".join(sliced(body)) == body
    pieces = list(unpacked(gzip.compress(body)))
    assert b"".join(pieces) == body
    assert len(pieces) > 10


def test_a_large_answer_is_held_in_its_compressed_form_alone() -> None:
    kept = keep(200, [(b"content-type", b"text/csv; charset=utf-8")], b"2024-01-15,BTCUSDT\n" * 100_000, BUILD)
    before = kept.size()
    asyncio.run(kept.shrink())
    assert kept.size() < before // 20
    assert gzip.decompress(kept.packed).count(b"\n") == 100_000
