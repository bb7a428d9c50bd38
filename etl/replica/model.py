"""What the facts do not say and a rule fills in: sizes, etags, publication times. Deterministic per symbol and day."""

import hashlib
from datetime import UTC, date, datetime
from typing import Final

from etl.replica.universe import SymbolFacts

DAY_SECONDS: Final = 86_400
UNIX_EPOCH: Final = date(1970, 1, 1).toordinal()
WINDOW_START: Final = (6 * 60 + 50) * 60  # files of day D appear on D+1 from 06:50 UTC ...
WINDOW_SECONDS: Final = (60 + 55) * 60  # ... until 08:45
REUPLOADED_BEFORE: Final = date(2022, 3, 1).toordinal()
REUPLOADED_AT: Final = int(datetime(2022, 3, 21, 8, 58, 2, tzinfo=UTC).timestamp())
REUPLOAD_SECONDS: Final = 50
SMALLEST_LIVE, LARGEST_LIVE = 22_000, 68_000
SMALLEST_FLAT, FLAT_RANGE = 7_400, 1_000
ETAG_BYTES: Final = 16
DAY_BYTES: Final = 2 * ETAG_BYTES  # the zip's and its CHECKSUM's
HASH_STEP: Final = 2_654_435_761
PUBLISHED_STEP: Final = 4_793  # no common factor with the window: a symbol's publication second moves every day
NOISE_LEVELS: Final = 256


def seed_of(symbol: str) -> int:
    """A number drawn from the symbol's name, below 2**32."""
    return int.from_bytes(hashlib.sha256(symbol.encode()).digest()[:4], "big")


def published_second(seed: int, ordinal: int) -> int:
    """Second of D+1 at which the zip of day D (a proleptic ordinal) appears."""
    return WINDOW_START + (seed + ordinal * PUBLISHED_STEP) % WINDOW_SECONDS


def published_at(seed: int, ordinal: int) -> int:
    """Unix second at which the zip of a day appears."""
    return (ordinal + 1 - UNIX_EPOCH) * DAY_SECONDS + published_second(seed, ordinal)


def reuploaded_at(seed: int, ordinal: int) -> int:
    """Unix second of the mass re-upload that old objects carry as their LastModified."""
    return REUPLOADED_AT + (seed + ordinal) % REUPLOAD_SECONDS


def checksum_lead(seed: int, ordinal: int) -> int:
    """Seconds by which the CHECKSUM is older than its zip: the real ones are one second older or equal."""
    return (seed ^ ordinal) & 1


def live_size(level: int, noise: int) -> int:
    """Bytes of a live zip: the symbol's level +-12.5 %."""
    return min(max(level * (896 + noise) // 1024, SMALLEST_LIVE), LARGEST_LIVE)


def flat_size(noise: int) -> int:
    """Bytes of a zip of a day without trades."""
    return SMALLEST_FLAT + noise * FLAT_RANGE // 255


def zip_size(facts: SymbolFacts, seed: int, ordinal: int) -> int:
    """Bytes of a day's zip: live, or flat while the symbol is dead."""
    noise = ((ordinal * HASH_STEP ^ seed) >> 7) & 255
    return flat_size(noise) if is_flat(facts, ordinal) else live_size(facts.size_level, noise)


def is_flat(facts: SymbolFacts, ordinal: int) -> bool:
    """Whether the symbol was dead on this day."""
    if facts.dead_from is None or ordinal < facts.dead_from.toordinal():
        return False
    return facts.dead_to is None or ordinal <= facts.dead_to.toordinal()


def etag_stream(symbol: str, days: int) -> bytes:
    """Etags (16 raw bytes zip, 16 CHECKSUM) of a symbol's first `days` days, one after another."""
    return hashlib.shake_128(symbol.encode()).digest(DAY_BYTES * days)


def etag_pair(symbol: str, ordinal: int, revision: int) -> bytes:
    """Raw etags of one day that was added or uploaded again."""
    return hashlib.shake_128(f"{symbol} {ordinal} {revision}".encode()).digest(DAY_BYTES)


def etag_of_key(key: bytes) -> str:
    """Hex etag of a single key outside the pattern."""
    return hashlib.shake_128(key).hexdigest(ETAG_BYTES)


def checksum_body(file_name: bytes, etag: str) -> bytes:
    """The one line of a CHECKSUM file: 64 hex digits (of nothing real), two spaces, the zip's name, a line end."""
    return hashlib.sha256(etag.encode()).hexdigest().encode() + b"  " + file_name + b"\n"


def zip_body(etag: str, size: int) -> bytes:
    """`size` bytes that are not a zip: the etag's digest over and over, so equal etags have equal bytes."""
    unit = hashlib.sha512(etag.encode()).digest()
    return (unit * (size // len(unit) + 1))[:size]
