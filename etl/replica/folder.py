"""All keys below one symbol's folder, as a sequence that is computed instead of stored."""

import re
from bisect import bisect_left
from collections.abc import Iterable, Sequence
from datetime import date
from typing import Final, NamedTuple

from etl.replica import model
from etl.replica.universe import StrayKey, SymbolFacts

KLINES: Final = b"data/futures/um/daily/klines/"
ZIP: Final = b".zip"
CHECKSUM: Final = b".zip.CHECKSUM"
AROUND_THE_NAME: Final = 64 + 2 + 1  # digest, two spaces, line end: 92 bytes for BTCUSDT-1h-2019-12-31.zip, as found
DAY_NAME: Final = re.compile(rb"\d{4}-\d{2}-\d{2}\.zip(\.CHECKSUM)?")


class Entry(NamedTuple):
    """One object: raw UTF-8 key, bytes, 32 hex digits, Unix second."""

    key: bytes
    size: int
    etag: str
    modified: int


class Upload(NamedTuple):
    """A day that was added or uploaded again at run time; `size` None = the modelled one."""

    revision: int
    modified: int
    size: int | None


def loose_entry(stray: StrayKey) -> Entry:
    """The object of a single key outside the pattern."""
    key = stray.key.encode()
    return Entry(key, stray.size, model.etag_of_key(key), int(stray.modified.timestamp()))


class Loose:
    """One key outside every symbol folder, with the same questions answered as a folder."""

    def __init__(self, entry: Entry) -> None:
        """Hold one entry; `path` is its key."""
        self.entry_held = entry
        self.path = entry.key
        self.visible = False

    def refresh(self, now: int) -> int | None:
        """Show the key from its LastModified on; return the Unix second at which it appears, if that is to come."""
        self.visible = self.entry_held.modified <= now
        return None if self.visible else self.entry_held.modified

    def __len__(self) -> int:
        """Keys visible now."""
        return int(self.visible)

    def key(self, _index: int) -> bytes:
        """The key."""
        return self.path

    def lower(self, key: bytes) -> int:
        """Index of the first key that is not below `key`."""
        return int(self.visible and self.path < key)

    def entry(self, _index: int) -> Entry:
        """The object."""
        return self.entry_held

    def plain_from(self) -> bytes | None:
        """Folder below which no key contains a slash: none here."""
        return None


class Folder:
    """The keys `klines/SYMBOL/...`: two objects a day plus the odd single key, in UTF-8 byte order."""

    def __init__(self, facts: SymbolFacts) -> None:
        """Hold one symbol's facts and no edits; empty until the first `refresh`."""
        self.facts = facts
        self.seed = model.seed_of(facts.symbol)
        self.path = KLINES + facts.symbol.encode() + b"/"
        self.stem = self.path + f"1m/{facts.symbol}-1m-".encode()
        self.checksum_size = AROUND_THE_NAME + len(f"{facts.symbol}-1m-2020-01-01.zip".encode())
        self.first = facts.first_day.toordinal()
        self.holes = {d for a, b in facts.holes for d in range(a.toordinal(), b.toordinal() + 1)}
        self.uploads: dict[int, Upload] = {}
        self.revisions: dict[int, int] = {}  # outlives a removal, so that no etag comes twice
        self.removed: set[int] = set()
        self.no_checksum: set[int] = set()
        self.strays: list[Entry] = []
        self.days: Sequence[int] = range(0)
        self.order: Sequence[int] = range(0)
        self._shown: tuple[int, int] = (-1, -1)
        self._etags = b""

    def edited(self) -> None:
        """Forget what was computed: the edits changed."""
        self._shown = (-1, -1)

    def refresh(self, now: int) -> int | None:
        """Show what is published at Unix second `now`; return the second of the next publication, if any is to come."""
        last, coming = self._last_published(now)
        strays = [entry for entry in self.strays if entry.modified <= now]
        if (last, len(strays)) != self._shown:
            self._shown = (last, len(strays))
            self.days = self._visible_days(last)
            self.order = self._ordered(strays)
        waiting = [entry.modified for entry in self.strays if entry.modified > now]
        return min([*waiting, coming] if coming is not None else waiting, default=None)

    def _last_published(self, now: int) -> tuple[int, int | None]:
        newest = now // model.DAY_SECONDS + model.UNIX_EPOCH - 1
        if model.published_at(self.seed, newest) > now:
            newest -= 1
        end = self.facts.last_day.toordinal() if self.facts.last_day else None
        if end is not None and newest >= end:
            return end, None
        coming = max(newest + 1, self.first)
        return newest, model.published_at(self.seed, coming)

    def _visible_days(self, last: int) -> Sequence[int]:
        whole = range(self.first, max(last + 1, self.first))
        gone = self.holes | self.removed
        if not gone and all(day in whole for day in self.uploads):
            return whole
        return sorted((set(whole) - gone) | (self.uploads.keys() - self.removed))

    def _ordered(self, strays: Iterable[Entry]) -> Sequence[int]:
        """Codes in key order: 2i = zip of day i, 2i+1 = its CHECKSUM, -1-n = stray n."""
        codes = range(2 * len(self.days))
        extra = [-1 - self.strays.index(entry) for entry in strays]
        lacking = {2 * i + 1 for i, day in enumerate(self.days) if day in self.no_checksum} if self.no_checksum else ()
        if not extra and not lacking:
            return codes
        return sorted([*(code for code in codes if code not in lacking), *extra], key=self._key_of)

    def __len__(self) -> int:
        """Keys visible now."""
        return len(self.order)

    def _key_of(self, code: int) -> bytes:
        if code < 0:
            return self.strays[-1 - code].key
        day = date.fromordinal(self.days[code >> 1]).isoformat().encode()
        return self.stem + day + (CHECKSUM if code & 1 else ZIP)

    def is_day_key(self, key: bytes) -> bool:
        """Whether the key is the name of some day's zip or CHECKSUM."""
        return key.startswith(self.stem) and DAY_NAME.fullmatch(key, len(self.stem)) is not None

    def key(self, index: int) -> bytes:
        """The key at a place in the order."""
        return self._key_of(self.order[index])

    def lower(self, key: bytes) -> int:
        """Index of the first key that is not below `key`."""
        return bisect_left(self.order, key, key=self._key_of)

    def plain_from(self) -> bytes | None:
        """Folder below which no key contains a slash."""
        return self.path + b"1m/" if all(b"/" not in e.key[len(self.path) + 3 :] for e in self.strays) else None

    def modified(self, ordinal: int) -> int:
        """Unix second of a day's zip."""
        upload = self.uploads.get(ordinal)
        if upload is not None:
            return upload.modified
        if ordinal < model.REUPLOADED_BEFORE:
            return model.reuploaded_at(self.seed, ordinal)
        return model.published_at(self.seed, ordinal)

    def size(self, ordinal: int) -> int:
        """Bytes of a day's zip."""
        upload = self.uploads.get(ordinal)
        if upload is not None and upload.size is not None:
            return upload.size
        return model.zip_size(self.facts, self.seed, ordinal)

    def etags(self, start: int, stop: int) -> bytes:
        """Raw etags (16 bytes zip, 16 CHECKSUM) of the days at places start..stop-1."""
        days = self.days[start:stop]
        if not isinstance(days, range) or self.uploads:
            return b"".join(map(self._etags_of, days))
        known = self._stream(days[-1] + 1 - self.first) if days else b""
        return known[(days.start - self.first) * model.DAY_BYTES : (days.stop - self.first) * model.DAY_BYTES]

    def _stream(self, days: int) -> bytes:
        if len(self._etags) < days * model.DAY_BYTES:
            self._etags = model.etag_stream(self.facts.symbol, max(days, self.days[-1] + 1 - self.first))
        return self._etags

    def _etags_of(self, ordinal: int) -> bytes:
        upload = self.uploads.get(ordinal)
        if upload is not None:
            return model.etag_pair(self.facts.symbol, ordinal, upload.revision)
        place = (ordinal - self.first) * model.DAY_BYTES
        return self._stream(ordinal + 1 - self.first)[place : place + model.DAY_BYTES]

    def entry(self, index: int) -> Entry:
        """The object at a place in the order."""
        code = self.order[index]
        if code < 0:
            return self.strays[-1 - code]
        ordinal = self.days[code >> 1]
        modified, raw = self.modified(ordinal), self._etags_of(ordinal)
        if code & 1:
            lead = model.checksum_lead(self.seed, ordinal)
            return Entry(self._key_of(code), self.checksum_size, raw[model.ETAG_BYTES :].hex(), modified - lead)
        return Entry(self._key_of(code), self.size(ordinal), raw[: model.ETAG_BYTES].hex(), modified)
