"""The examples of nginx and Caddy, run as they stand, but for names, ports and the certificate."""

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import urllib3

from etl.serve import free_port
from tests.serving import Site

pytestmark = pytest.mark.long

ROOT = Path(__file__).parent.parent
NAME = "availability.example.org"
Ask = Callable[..., urllib3.BaseHTTPResponse]


def test_every_example_has_the_public_address_that_belongs_to_it() -> None:
    for name in ("nginx.conf", "Caddyfile"):
        assert f"AVAILABILITY_PUBLIC_URL=https://{NAME} " in (ROOT / "systemd" / name).read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, site: Site) -> Path:
    """A site folder as publishing leaves it: a link to the build, and a download."""
    folder = tmp_path_factory.mktemp("front") / "site"
    (folder / "downloads" / "B").mkdir(parents=True)
    (folder / "downloads" / "B" / "gaps.csv").write_bytes(b"0123456789" * 10_000)
    (folder / "downloads" / "latest").symlink_to("B")
    shutil.copy(site.file, folder / "availability-B.db")
    (folder / "availability.db").symlink_to("availability-B.db")
    (folder / "history.jsonl").write_text("{}\n", encoding="utf-8")
    return folder


def written(example: str, port: int, plain: int, site: Site, folder: Path, **more: str) -> str:
    """Return an example with our ports and paths in it; each of its places must be there."""
    text = (ROOT / "systemd" / example).read_text(encoding="utf-8")
    place = {"127.0.0.1:8001": site.url.removeprefix("http://"), "/var/lib/availability/site": str(folder), **more}
    place |= {"listen 443": f"listen 127.0.0.1:{port}", "listen 80;": f"listen 127.0.0.1:{plain};"}
    for old, new in place.items():
        if "listen" not in old or example == "nginx.conf":
            assert old in text, old
            text = text.replace(old, new)
    return text


@contextmanager
def listening(command: list[str], port: int, log: Path, **environment: str) -> Iterator[None]:
    """Run a web server until the tests are done with it."""
    with (
        log.open("wb") as out,
        subprocess.Popen(command, stdout=out, stderr=out, env={**os.environ, **environment}) as server,
    ):
        try:
            deadline = time.monotonic() + 20
            while server.poll() is None and time.monotonic() < deadline:
                with socket.socket() as trial:
                    if trial.connect_ex(("127.0.0.1", port)) == 0:
                        break
                time.sleep(0.05)
            assert server.poll() is None, log.read_text(encoding="utf-8")
            yield
        finally:
            server.terminate()


@pytest.fixture(scope="module", params=["nginx", "caddy"])
def ask(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, site: Site, folder: Path
) -> Iterator[Ask]:
    """Ask a web server in front of the small site."""
    if lacking := [name for name in (request.param, "openssl") if shutil.which(name) is None]:
        pytest.skip(f"{', '.join(lacking)} is not installed")
    start = {"nginx": nginx, "caddy": caddy}[request.param]
    with start(tmp_path_factory.mktemp(request.param), site, folder) as (address, trusted):
        http = urllib3.PoolManager(**trusted)

        def asked(method: str, path: str, **headers: str) -> urllib3.BaseHTTPResponse:
            named = {"Host": NAME, **{name.replace("_", "-"): value for name, value in headers.items()}}
            return http.request(method, address + path, headers=named, retries=False, redirect=False)

        yield asked


@contextmanager
def nginx(own: Path, site: Site, folder: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """Run nginx with the example; -t has found nothing wrong with it."""
    port, plain = free_port("127.0.0.1", 0), free_port("127.0.0.1", 0)
    key, certificate = own / "key.pem", own / "certificate.pem"
    subject = ["-subj", f"/CN={NAME}", "-addext", f"subjectAltName=DNS:{NAME}", "-days", "2", "-nodes"]
    out = ["-keyout", str(key), "-out", str(certificate)]
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", *subject, *out], check=True, capture_output=True)
    live = f"/etc/letsencrypt/live/{NAME}"
    places = {f"{live}/fullchain.pem": str(certificate), f"{live}/privkey.pem": str(key)}
    (own / "site.conf").write_text(written("nginx.conf", port, plain, site, folder, **places), encoding="utf-8")
    temporary = "".join(
        f"{each}_temp_path {own}/{each};" for each in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    whole = (
        f"{'user root;' if os.geteuid() == 0 else ''}"  # who may read what pytest's folders hold
        f"daemon off; pid {own}/pid; error_log {own}/error.log; events {{}}\n"
        f"http {{ include /etc/nginx/mime.types; access_log off; {temporary} include {own}/site.conf; }}\n"
    )
    (own / "nginx.conf").write_text(whole, encoding="utf-8")
    command = ["nginx", "-c", str(own / "nginx.conf"), "-e", str(own / "error.log")]
    tried = subprocess.run([*command, "-t"], capture_output=True, text=True, check=False)
    assert (tried.returncode, "warn" in tried.stderr) == (0, False), tried.stderr
    with listening(command, port, own / "nginx.log"):
        with urllib3.PoolManager() as http:
            turned = http.request("GET", f"http://127.0.0.1:{plain}/day/2024-01-15?a=b", redirect=False)
            assert (turned.status, turned.headers["location"]) == (301, f"https://{NAME}/day/2024-01-15?a=b")
        trusted = {"ca_certs": str(certificate), "assert_hostname": NAME, "server_hostname": NAME}
        yield f"https://127.0.0.1:{port}", trusted


@contextmanager
def caddy(own: Path, site: Site, folder: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """Run Caddy with the example over plain HTTP: a certificate would be asked for from outside."""
    tool = ["caddy", "validate", "--adapter", "caddyfile", "--config"]
    environment = {"HOME": str(own), "XDG_DATA_HOME": str(own), "XDG_CONFIG_HOME": str(own)}
    example = str(ROOT / "systemd" / "Caddyfile")
    tried = subprocess.run(
        [*tool, example], capture_output=True, text=True, check=False, env={**os.environ, **environment}
    )
    assert "Valid configuration" in tried.stdout, tried.stderr
    port = free_port("127.0.0.1", 0)
    text = written("Caddyfile", port, 0, site, folder, **{f"\n{NAME} {{": f"\nhttp://{NAME}:{port} {{"})
    (own / "Caddyfile").write_text("{\n\tadmin off\n}\n" + text, encoding="utf-8")
    command = ["caddy", "run", "--adapter", "caddyfile", "--config", str(own / "Caddyfile")]
    with listening(command, port, own / "caddy.log", **environment):
        yield f"http://127.0.0.1:{port}", {}


def test_pages_and_answers_come_from_the_site(ask: Ask) -> None:
    page = ask("GET", "/")
    assert (page.status, b"<title>" in page.data) == (200, True)
    rows = ask("GET", "/availability/coverage.json?_shape=array", accept_encoding="gzip")
    assert (rows.status, rows.headers["content-encoding"]) == (200, "gzip")  # once, by the site itself
    assert rows.headers["availability-build"]
    assert rows.json()[0]["symbol"]
    again = ask("GET", "/availability/coverage.json?_shape=array", if_none_match=page.headers["etag"])
    assert again.status in (200, 304)
    assert ask("HEAD", "/").status == 200


@pytest.mark.parametrize("path", ["/downloads/B/gaps.csv", "/downloads/latest/gaps.csv"])
def test_a_download_that_broke_off_goes_on(ask: Ask, path: str) -> None:
    part = ask("GET", path, range="bytes=99990-", accept_encoding="gzip")
    assert (part.status, part.data, part.headers["content-range"]) == (206, b"0123456789", "bytes 99990-99999/100000")
    whole = ask("GET", path, accept_encoding="gzip")
    assert (whole.status, len(whole.data), whole.headers.get("content-encoding")) == (200, 100_000, None)
    assert whole.headers["access-control-allow-origin"] == "*"


def test_the_whole_file_comes_from_the_disk_in_parts_as_well(ask: Ask) -> None:
    part = ask("GET", "/availability.db", range="bytes=0-15")
    assert (part.status, part.data) == (206, b"SQLite format 3\0")


def test_nothing_else_of_the_folder_is_shown(ask: Ask) -> None:
    assert ask("GET", "/-/metrics").status == 404
    for path in (
        "/history.jsonl",
        "/availability-B.db",
        "/downloads/../history.jsonl",
        "/downloads/%2e%2e/history.jsonl",
    ):
        assert ask("GET", path).status in (400, 403, 404), path


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH"])
def test_whoever_wants_more_than_read_is_refused(ask: Ask, method: str) -> None:
    for path in ("/", "/downloads/B/gaps.csv", "/availability.db"):
        assert ask(method, path).status == 405


def test_too_many_requests_at_once_are_refused_by_nginx(ask: Ask, request: pytest.FixtureRequest) -> None:
    if request.node.callspec.params["ask"] == "caddy":
        pytest.skip("Caddy as packaged limits no rate")
    with ThreadPoolExecutor(100) as readers:
        statuses = list(readers.map(lambda _: ask("GET", "/-/healthz").status, range(200)))
    assert 429 in statuses
    assert statuses.count(429) < 200
