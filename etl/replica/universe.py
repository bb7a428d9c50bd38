"""The facts the replica renders: one row a symbol, plus a few single keys, read from two small CSV files."""

import csv
from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import NamedTuple

HERE = Path(__file__).parent
UNIVERSE_CSV = HERE / "universe.csv"
STRAYS_CSV = HERE / "strays.csv"
HEADER = ("symbol", "first_day", "last_day", "holes", "size_level", "dead_from", "dead_to", "origin")

Span = tuple[date, date]


class SymbolFacts(NamedTuple):
    """One symbol folder; days are UTC and inclusive, `last_day` None = still growing, `size_level` bytes of a live zip.

    From `dead_from` to `dead_to` (None = for ever) the files are flat: published daily, nothing traded.
    """

    symbol: str
    first_day: date
    last_day: date | None = None
    holes: tuple[Span, ...] = ()
    size_level: int = 40_000
    dead_from: date | None = None
    dead_to: date | None = None
    origin: str = "by hand"


class StrayKey(NamedTuple):
    """One single object outside the pattern; `size` bytes, `modified` UTC and also the moment it appears.

    `absent` turns the row round: the key of a symbol's day that the archive lacks (a missing .CHECKSUM).
    """

    key: str
    size: int
    modified: datetime
    absent: bool = False
    origin: str = "by hand"


def parse_instant(text: str) -> datetime:
    """Aware UTC instant of an ISO 8601 text ending in Z or an offset; ValueError otherwise."""
    instant = datetime.fromisoformat(text)
    if instant.tzinfo is None:
        raise ValueError(f"instant without a time zone: {text!r} (write 2026-10-03T12:00:00Z)")
    return instant.astimezone(UTC)


def parse_span(text: str) -> Span:
    """First and last day of `2022-09-22..2022-09-26` or of a single `2023-11-09`; ValueError when it is neither."""
    first, dots, last = text.partition("..")
    span = date.fromisoformat(first), date.fromisoformat(last if dots else first)
    if span[0] > span[1]:
        raise ValueError(f"span runs backwards: {text!r}")
    return span


def write_span(span: Span) -> str:
    """Text of a span, the inverse of `parse_span`."""
    return span[0].isoformat() if span[0] == span[1] else f"{span[0]}..{span[1]}"


def _day(text: str) -> date | None:
    return date.fromisoformat(text) if text else None


def _facts(row: dict[str, str]) -> SymbolFacts:
    return SymbolFacts(
        symbol=row["symbol"],
        first_day=date.fromisoformat(row["first_day"]),
        last_day=_day(row["last_day"]),
        holes=tuple(parse_span(text) for text in row["holes"].split(";") if text),
        size_level=int(row["size_level"]),
        dead_from=_day(row["dead_from"]),
        dead_to=_day(row["dead_to"]),
        origin=row["origin"],
    )


def read_universe(path: Path = UNIVERSE_CSV) -> list[SymbolFacts]:
    """Every row of a universe CSV; ValueError names the line that cannot be read."""
    facts = []
    with path.open(encoding="utf-8", newline="") as file:
        for number, row in enumerate(csv.DictReader(file), start=2):
            try:
                facts.append(_facts(row))
            except (KeyError, ValueError, TypeError) as error:
                raise ValueError(f"{path.name} line {number} cannot be read: {error!r}") from error
    return facts


def _cells(facts: SymbolFacts) -> Iterator[str]:
    yield facts.symbol
    yield facts.first_day.isoformat()
    yield facts.last_day.isoformat() if facts.last_day else ""
    yield ";".join(map(write_span, facts.holes))
    yield str(facts.size_level)
    yield facts.dead_from.isoformat() if facts.dead_from else ""
    yield facts.dead_to.isoformat() if facts.dead_to else ""
    yield facts.origin


def write_universe(path: Path, rows: Iterable[SymbolFacts]) -> None:
    """Write the rows as given; the inverse of `read_universe`."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(HEADER)
        writer.writerows(map(list, map(_cells, rows)))


def read_strays(path: Path = STRAYS_CSV) -> list[StrayKey]:
    """Every row of a stray-key CSV (`kind` is `stray` or `absent`)."""
    with path.open(encoding="utf-8", newline="") as file:
        return [
            StrayKey(
                row["key"], int(row["size"]), parse_instant(row["modified"]), row["kind"] == "absent", row["origin"]
            )
            for row in csv.DictReader(file)
        ]
