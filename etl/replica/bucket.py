"""The whole bucket: folders and single keys in UTF-8 byte order, what is published by now, and edits at run time."""

import time
from bisect import bisect_left
from collections.abc import Iterable
from datetime import date, datetime
from typing import Final

from etl.replica.folder import CHECKSUM, KLINES, Entry, Folder, Loose, Upload, loose_entry
from etl.replica.universe import StrayKey, SymbolFacts

Run = Folder | Loose
Place = tuple[int, int]  # run, index in the run
NEVER: Final = 1 << 62


class Bucket:
    """Answers where a key is and what lies at a place; `now` None = the running clock, otherwise a fixed instant."""

    def __init__(
        self, rows: Iterable[SymbolFacts], strays: Iterable[StrayKey] = (), now: datetime | None = None
    ) -> None:
        """Build every folder; ValueError for a symbol or single key that appears twice."""
        self.folders: dict[str, Folder] = {}
        self.loose: dict[bytes, Loose] = {}
        self.runs: list[Run] = []
        self._paths: list[bytes] = []
        self._next = -1
        self._fixed: int | None = None
        for row in rows:
            self._new_folder(row)
        for stray in strays:
            self.add_key(stray)
        self._sort()
        self.set_now(now)

    def _new_folder(self, facts: SymbolFacts) -> None:
        if facts.symbol in self.folders:
            raise ValueError(f"symbol {facts.symbol} is already there")
        self.folders[facts.symbol] = folder = Folder(facts)
        for key in [key for key in self.loose if key.startswith(folder.path)]:
            folder.strays.append(self.loose.pop(key).entry_held)

    def _sort(self) -> None:
        self.runs = sorted([*self.folders.values(), *self.loose.values()], key=lambda run: run.path)
        self._paths = [run.path for run in self.runs]
        self._next = -1

    # --- time ---------------------------------------------------------------------------------------------------------

    def now(self) -> int:
        """Unix second the bucket believes it is."""
        return int(time.time()) if self._fixed is None else self._fixed

    def set_now(self, now: datetime | None) -> None:
        """Fix the instant, or let the clock run (None)."""
        self._fixed = None if now is None else int(now.timestamp())
        self._next = -1

    def catch_up(self) -> None:
        """Show what has been published since the last question; costs nothing in between two publications."""
        now = self.now()
        if now < self._next:
            return
        coming = [run.refresh(now) for run in self.runs]
        self._next = min((second for second in coming if second is not None), default=NEVER)

    # --- questions ----------------------------------------------------------------------------------------------------

    def seek(self, key: bytes) -> Place:
        """The place of the first key that is not below `key`: the run may be empty, or lie behind the last one."""
        run = bisect_left(self._paths, key)
        if run and key.startswith(self._paths[run - 1]):
            index = self.runs[run - 1].lower(key)
            if index < len(self.runs[run - 1]):
                return run - 1, index
        return run, 0

    def entry(self, key: bytes) -> Entry | None:
        """The object with this key, if it is published."""
        run, index = self.seek(key)
        if run < len(self.runs) and index < len(self.runs[run]) and self.runs[run].key(index) == key:
            return self.runs[run].entry(index)
        return None

    # --- edits --------------------------------------------------------------------------------------------------------

    def _folder(self, symbol: str) -> Folder:
        if symbol not in self.folders:
            raise ValueError(f"no symbol {symbol} in the bucket")
        return self.folders[symbol]

    def _changed(self, folder: Folder) -> None:
        folder.edited()
        self._next = -1

    def add_symbol(self, facts: SymbolFacts) -> None:
        """Add a whole symbol; ValueError when it is there already."""
        self._new_folder(facts)
        self._sort()

    def remove_symbol(self, symbol: str) -> None:
        """Remove a symbol with all its files; ValueError when it is not there."""
        self._folder(symbol)
        del self.folders[symbol]
        self._sort()

    def upload(self, symbol: str, day: date, size: int | None = None, modified: int | None = None) -> None:
        """Put a day there, new or again: a new etag, LastModified now (or `modified`, Unix seconds), shown at once."""
        folder, ordinal = self._folder(symbol), day.toordinal()
        revision = folder.revisions.get(ordinal, 0) + 1
        folder.revisions[ordinal] = revision
        folder.uploads[ordinal] = Upload(revision, self.now() if modified is None else modified, size)
        folder.removed.discard(ordinal)
        self._changed(folder)

    def has_day(self, symbol: str, day: date) -> bool:
        """Whether the zip of this day is published."""
        self.catch_up()
        return symbol in self.folders and day.toordinal() in self.folders[symbol].days

    def remove_day(self, symbol: str, day: date) -> None:
        """Take away a day's zip and CHECKSUM."""
        folder = self._folder(symbol)
        folder.removed.add(day.toordinal())
        folder.uploads.pop(day.toordinal(), None)
        self._changed(folder)

    def set_checksum(self, symbol: str, day: date, *, there: bool) -> None:
        """Take away a day's CHECKSUM, or put it back."""
        folder = self._folder(symbol)
        (folder.no_checksum.discard if there else folder.no_checksum.add)(day.toordinal())
        self._changed(folder)

    def add_key(self, stray: StrayKey) -> None:
        """Add a single key (or, for an absent one, take away the CHECKSUM it names); ValueError when it cannot be."""
        key = stray.key.encode()
        symbol = key.removeprefix(KLINES).partition(b"/")[0].decode()
        folder = self.folders.get(symbol) if key.startswith(KLINES + symbol.encode() + b"/") else None
        if stray.absent:
            if folder is None or not key.endswith(CHECKSUM):
                raise ValueError(f"no CHECKSUM of a known symbol: {stray.key}")
            day = key.removeprefix(folder.stem).removesuffix(CHECKSUM).decode()
            self.set_checksum(symbol, date.fromisoformat(day), there=False)
        elif folder is not None:
            if any(entry.key == key for entry in folder.strays) or folder.is_day_key(key):
                raise ValueError(f"key {stray.key} is already there, or it is a day's own")
            folder.strays.append(loose_entry(stray))
            self._changed(folder)
        elif key in self.loose:
            raise ValueError(f"key {stray.key} is already there")
        else:
            self.loose[key] = Loose(loose_entry(stray))
            self._sort()

    def remove_key(self, key: str) -> None:
        """Remove a single key that was added as one; ValueError when it is not there."""
        raw = key.encode()
        if self.loose.pop(raw, None) is not None:
            self._sort()
            return
        for folder in self.folders.values():
            kept = [entry for entry in folder.strays if entry.key != raw]
            if len(kept) < len(folder.strays):
                folder.strays = kept
                self._changed(folder)
                return
        raise ValueError(f"no single key {key} in the bucket")
