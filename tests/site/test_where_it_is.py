"""Where the site is: links begin with its public address, and pages have one address each."""

import re
import socket
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote, urlsplit

import pytest
from click.testing import CliRunner

from etl.cli import cli
from tests import published
from tests.asked import Asked
from tests.serving import Site, serving

pytestmark = pytest.mark.long

PUBLIC = "https://data.example.org"


@pytest.fixture(scope="module")
def known(asked: Asked) -> Iterator[Site]:
    with serving(asked.site_dir / "availability.db", AVAILABILITY_PUBLIC_URL=PUBLIC) as site:
        yield site


def canonical(page: str) -> str:
    return re.findall(r'<link rel="canonical" href="([^"]*)">', page)[0]


@pytest.mark.parametrize(
    "path",
    [
        *("/", "/symbol/BTCUSDT", "/api", "/sitemap.xml", "/robots.txt", "/changes.atom", "/openapi.json"),
        *("/availability/symbols", "/availability/day_files", "/availability/day_files.json?_size=1"),
    ],
)
def test_no_answer_names_another_address_than_the_public_one(known: Site, path: str) -> None:
    answer = known.http.request("GET", known.url + path, headers={"Host": "evil.example"})
    told = answer.data.decode() + str(answer.headers)
    assert PUBLIC in told
    assert "evil.example" not in told
    assert "127.0.0.1" not in re.sub(r"http://127\.0\.0\.1:\d+(/data|\?|\"|<|`)", "", told)  # the source is on loopback


def test_without_one_it_is_what_the_request_was_sent_to(site: Site) -> None:
    for host in ("here.example", "here.example:8080", "[::1]:80", "my_host"):
        page = site.http.request("GET", f"{site.url}/about", headers={"Host": host}).data.decode()
        assert canonical(page) == f"http://{host}/about"


def raw(site: Site, lines: bytes) -> bytes:
    """Send a request as it stands and return what comes until the server closes."""
    place = urlsplit(site.url)
    with socket.create_connection((str(place.hostname), int(place.port or 0))) as line:
        line.sendall(lines)
        return b"".join(iter(lambda: line.recv(65536), b""))


@pytest.mark.parametrize(
    "host",
    [
        *(b'a"b', b"a b", b"a<b>", b"a/b", b"user@a", b"a:port", b"a:123456", b"[::1", b"a\x01b", b"\xff"),
        *(b"x" * 256, b"a\r\nHost: b"),
    ],
)
def test_a_malformed_host_is_refused(site: Site, host: bytes) -> None:
    answer = raw(site, b"GET /availability/gaps.json HTTP/1.1\r\nHost: " + host + b"\r\nConnection: close\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 400 "), answer[:200]


@pytest.mark.parametrize(
    ("written", "path"),
    [
        ("/symbol/%42TCUSDT", "/symbol/BTCUSDT"),
        (f"/symbol/{quote(published.CHINESE[:4]).lower()}USDT", f"/symbol/{quote(published.CHINESE)}"),
        ("/%61bout", "/about"),
        ("/availability/symbols/um~2Fklines~2F1m,BTC%55SDT", "/availability/symbols/um~2Fklines~2F1m,BTCUSDT"),
    ],
)
def test_a_page_has_one_address_however_it_is_written(site: Site, written: str, path: str) -> None:
    found = raw(site, f"GET {written} HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n".encode("latin-1"))
    assert found.startswith(b"HTTP/1.1 200 ")
    assert canonical(found.decode()) == f"http://h{path}"


@pytest.mark.parametrize(
    "url", ["data.example.org", "ftp://a", "https://", "https://a/path", "https://a?b", "https://a b", "https://u@a"]
)
def test_a_public_address_that_is_none_is_refused_at_the_start(site: Site, url: str) -> None:
    folder = Path(site.file).parent
    done = CliRunner().invoke(cli, ["serve", "--site-dir", str(folder), "--port", "0", "--public-url", url])
    assert done.exit_code == 2
    assert "write scheme and host alone, as https://data.example.org" in " ".join(done.output.split())
