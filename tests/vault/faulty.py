"""An S3 server that fails as told: it stands before another one and hands everything else on."""

import re
import socket
import struct
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest
import urllib3

_RESET = struct.pack("ii", 1, 0)  # linger on, zero seconds: closing sends RST


@dataclass
class Fault:
    """What goes wrong with requests of a method whose target holds a text, ``count`` times."""

    kind: str  # status, reset, cut (half of the body), slow, other (content), html, without, unconditional (claim)
    method: str
    target: str = ""
    count: int = 1
    status: int = 503
    code: str = "ServiceUnavailable"
    seconds: float = 0.0
    lacking: bytes = b""  # what the answer "without" lacks, the first match


@dataclass
class Seen:
    """A request as it came."""

    method: str
    target: str
    size: int
    headers: dict[str, str]


class Faulty(ThreadingHTTPServer):
    """The server, what it has seen, and what it is to do wrong."""

    daemon_threads = True

    def __init__(self, behind: str) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.behind, self.http = behind, urllib3.PoolManager(maxsize=16)
        self.faults: list[Fault] = []
        self.seen: list[Seen] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def strike(self, method: str, target: str) -> Fault | None:
        for fault in self.faults:
            if fault.count and fault.method == method and fault.target in target:
                fault.count -= 1
                return fault
        return None


class _Handler(BaseHTTPRequestHandler):
    server: Faulty
    protocol_version = "HTTP/1.1"

    def log_message(self, *_: object) -> None:
        """Say nothing."""

    def _answer(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.server.seen.append(Seen(self.command, self.path, len(body), dict(self.headers)))
        fault = self.server.strike(self.command, self.path)
        if fault and fault.kind == "unconditional":
            del self.headers["If-None-Match"]
            fault = None
        if fault is None or fault.kind in {"cut", "slow", "without"}:
            time.sleep(fault.seconds if fault else 0)
            self._hand_on(body, fault)
        elif fault.kind == "status":
            said = f"<Error><Code>{fault.code}</Code><Message>As told</Message></Error>"
            if self.command == "POST" and fault.status != 200:  # as STS says it; S3's client reads both
                said = f"<ErrorResponse>{said}</ErrorResponse>"
            self._say(fault.status, {}, said.encode())
        elif fault.kind == "other":
            self._say(200, {"ETag": '"0"'}, b"other")
        elif fault.kind == "html":
            self._say(200, {"Content-Type": "text/html"}, b"<html><body>Please log in</body></html>")
        else:
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
            self.connection.close()
            self.close_connection = True

    def _hand_on(self, body: bytes, fault: Fault | None) -> None:
        url, headers = self.server.behind + self.path, dict(self.headers)
        answer = self.server.http.request(self.command, url, body=body, headers=headers, retries=False, redirect=False)
        kept = {name: value for name, value in answer.headers.items() if name.lower() not in _OWN}
        data = re.sub(fault.lacking, b"", answer.data, count=1) if fault and fault.lacking else answer.data
        length = int(answer.headers["Content-Length"]) if self.command == "HEAD" else len(data)
        self._say(answer.status, kept, data, length=length, half=fault is not None and fault.kind == "cut")

    def _say(
        self, status: int, headers: dict[str, str], body: bytes, *, length: int | None = None, half: bool = False
    ) -> None:
        self.send_response_only(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body) if length is None else length))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body[: len(body) // 2] if half else body)
        if half:
            self.wfile.flush()
            self.connection.shutdown(socket.SHUT_RDWR)
            self.close_connection = True

    do_GET = do_HEAD = do_PUT = do_POST = do_DELETE = _answer  # noqa: N815 - as http.server calls them


_OWN = {"connection", "content-length", "transfer-encoding"}


@contextmanager
def standing_before(behind: str) -> Iterator[Faulty]:
    """Run it on a free port of loopback."""
    server = Faulty(behind)
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()


def two_profiles(folder: Path, sts: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Configure AWS's profiles ``plain``, with keys, and ``role``, which assumes one at the address ``sts``."""
    aws = folder / "aws-config"
    aws.write_text(
        "[profile plain]\naws_access_key_id = FROMPROFILE\naws_secret_access_key = hush\n"
        "[profile role]\nrole_arn = arn:aws:iam::123456789012:role/vault\nsource_profile = plain\nregion = us-east-1\n",
        encoding="utf-8",
    )
    monkeypatch.setenv("AWS_CONFIG_FILE", str(aws))
    monkeypatch.setenv("AWS_ENDPOINT_URL_STS", sts)
