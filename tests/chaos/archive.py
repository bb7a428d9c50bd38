"""Faults of the archive: what it answers, or does not, while the cycle runs."""

import datetime as dt
import socket
import ssl
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from etl.replica.faults import Fault
from tests.chaos.ground import AFTER, NotHereError, Place, Ran
from tests.chaos.trial import Strike, Trial

_KLINES = "data/futures/um/daily/klines/"
# In a new network not even the loopback is up; SIOCSIFFLAGS with IFF_UP, then the command.
_LOOPBACK_ALONE = """
import fcntl, os, socket, struct, sys
fcntl.ioctl(socket.socket(), 0x8914, struct.pack("16sh14x", b"lo", 1))
os.execvp(sys.argv[1], sys.argv[1:])
"""
_ONE = f"{_KLINES}C07USDT/"


def _answering(*faults: Fault, **other: str) -> Strike:
    def strike(place: Place) -> Ran:
        place.replica.set_faults(faults)
        ran = place.nightly(**other)
        place.replica.set_faults([])
        return ran

    return strike


def _tls(place: Place) -> Ran:
    with _self_signed(place.folder) as url:
        return place.nightly(AVAILABILITY_LISTING_URL=f"{url}/data.binance.vision")


def _no_name(place: Place) -> Ran:
    # In a network of its own, which has no way out: nothing is asked of any name server.
    url = "http://archive.invalid/data.binance.vision"
    settings = {"AVAILABILITY_LISTING_URL": url, "RES_OPTIONS": "timeout:1 attempts:1", "AVAILABILITY_SITE_URL": ""}
    if subprocess.run(["unshare", "--net", "true"], capture_output=True, check=False).returncode:
        raise NotHereError("a network of one's own needs more rights")
    return place.run("nightly", before=["unshare", "--net", sys.executable, "-c", _LOOPBACK_ALONE], **settings)


def _refused(place: Place) -> Ran:
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))  # taken, and not listened at
        return place.nightly(AVAILABILITY_LISTING_URL=f"http://127.0.0.1:{nobody.getsockname()[1]}/data.binance.vision")


def _clock_ahead(place: Place) -> Ran:
    return place.nightly(AVAILABILITY_TODAY=f"{dt.date.fromisoformat(AFTER) + dt.timedelta(days=1)}")


def _clock_behind(place: Place) -> Ran:
    return place.nightly(AVAILABILITY_TODAY=f"{dt.date.fromisoformat(AFTER) - dt.timedelta(days=1)}")


class _Quiet(HTTPServer):
    def handle_error(self, *_: object) -> None:
        """Say nothing: every handshake fails, as it is meant to."""


@contextmanager
def _self_signed(folder: Path) -> Iterator[str]:
    """Answer over TLS with a certificate that nobody has signed."""
    key, now = ec.generate_private_key(ec.SECP256R1()), dt.datetime.now(dt.UTC)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "archive")])
    made = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    made = made.serial_number(1).not_valid_before(now - dt.timedelta(1)).not_valid_after(now + dt.timedelta(1))
    file = folder / "self-signed.pem"
    secret = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    file.write_bytes(secret + made.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file)
    server = _Quiet(("127.0.0.1", 0), BaseHTTPRequestHandler)
    server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"https://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


def _of_one(name: str, kind: str, *names: str, **fault: float) -> Trial:
    """Return a trial in which the listing of one symbol goes wrong."""
    return Trial(name, _answering(Fault(kind, _ONE, **fault)), 1, ("C07USDT", *names))  # type: ignore[arg-type]


_ALL_OF_B = Fault("status", f"{_KLINES}B", status=403)
_EVERY_THIRD = [Fault("status", _KLINES, count=1, after=2) for _ in range(5)]
ARCHIVE: list[Trial] = [
    Trial("403 for everything", _answering(Fault("status", status=403)), 1, ("HTTP 403",)),
    Trial("403 for a part of the symbols", _answering(_ALL_OF_B), 1, ("HTTP 403",)),
    Trial("503 for a third of the requests", _answering(*_EVERY_THIRD), 1, ("HTTP 503",)),
    _of_one("503 for one symbol", "status", "HTTP 503"),
    _of_one("page cut off in the middle, connection closed", "truncated", "broke off"),
    _of_one("half a page with a matching length", "cut", "not a whole XML listing"),
    _of_one("web page instead of a listing", "html", "not a whole XML listing"),
    _of_one("empty listing of a symbol", "empty"),
    Trial("empty listing of everything", _answering(Fault("empty", _KLINES)), 1, ("not believed",)),
    Trial("page that repeats for ever", _answering(Fault("loop", f"{_KLINES}BTCUSDT/")), 1, ("BTCUSDT",)),
    _of_one("connection reset in the middle", "reset", "broke off"),
    _of_one("30 seconds of silence", "slow", "no byte for 30 s", seconds=34, count=1),
    _of_one("wrong Content-Length", "wrong_length"),
    Trial("certificate that nobody signed", _tls, 1, ("certificate",)),
    Trial("host name that cannot be resolved", _no_name, 1, ("cannot be resolved",)),
    Trial("nobody listens", _refused, 1, ("refused",)),
    Trial("our day is one ahead of the archive's", _clock_ahead, 0, ()),
    Trial("our day is one behind the archive's", _clock_behind, 0, ()),
]
