"""Make `universe.csv` from the shared facts about the real archive: `python -m etl.replica.derive FOLDER`.

Deterministic: the same folder gives the same bytes. Every row says in `origin` what was seen and what a rule filled in.
"""

import csv
import hashlib
import json
from calendar import monthrange
from datetime import date, timedelta
from pathlib import Path
from typing import NamedTuple

import click

from etl.replica.universe import UNIVERSE_CSV, Span, SymbolFacts, write_universe

ONE_DAY = timedelta(days=1)
FRIDAY = 4
MONTH_TEXT = len("2022-05")
DAY_TEXT = len("2022-05-01")
EXPIRY_TEXT = len("210326")
LISTED_BEFORE_SEEN = timedelta(
    days=2
)  # a new symbol's first file carries its onboarding day and is seen two days later
OBSERVED_UNTIL = date(2026, 10, 2)  # the last day of the lifecycle table: ended on it = still getting files
SMALLEST_LEVEL, LARGEST_LEVEL = 25_500, 60_000  # so that a level +-12.5 % stays within the real 22-68 kB
KNOWN_LEVELS = {"SOLUSDT": 58_150}  # 57.2 and 59.1 kB reported for 2025-10-04 and 10-06

# First day of the second life of a reused ticker: onboardDate of exchangeInfo (TLM: the first file is a day later).
RELISTED = {
    "AIAUSDT": date(2026, 1, 20),
    "BNXUSDT": date(2023, 2, 22),
    "CTKUSDT": date(2025, 4, 30),
    "CVCUSDT": date(2025, 5, 16),
    "CVXUSDT": date(2025, 7, 23),
    "ICPUSDT": date(2022, 9, 27),
    "LITUSDT": date(2025, 12, 23),
    "MAVIAUSDT": date(2025, 3, 26),
    "PUMPUSDT": date(2025, 7, 10),
    "SLPUSDT": date(2025, 7, 23),
    "TLMUSDT": date(2023, 3, 30),
}
RELISTED_GUESS = {
    "AERGOUSDT": date(2025, 4, 16)
}  # 19 flat days and a SETTLED folder of 2025-04 are seen, the day is not

HOLES: dict[str, tuple[tuple[Span, ...], str]] = {
    "ICPUSDT": (((date(2022, 9, 22), date(2022, 9, 26)),), "observed"),
    "NMRUSDT": (((date(2023, 11, 9), date(2023, 11, 9)),), "observed 2024-02, state since unknown"),
    "BNXUSDTSETTLED": (((date(2022, 9, 1), date(2023, 1, 31)),), "observed in 1d files"),
    "TLMUSDTSETTLED": (
        ((date(2022, 2, 26), date(2022, 4, 2)), (date(2022, 9, 1), date(2023, 1, 31))),
        "observed in 1d files (188 days reported, these are 189)",
    ),
    "BNXUSDT": (((date(2023, 2, 1), date(2023, 2, 21)),), "modelled from 26 missing days, 5 of them monthly only"),
    "TLMUSDT": (((date(2023, 3, 1), date(2023, 3, 29)),), "modelled from 29 missing days before the relisting"),
}


class Sources(NamedTuple):
    """The shared tables, each by symbol."""

    intervals: dict[str, dict[str, str]]
    lifecycle: dict[str, dict[str, str]]
    onboarded: dict[str, date]


class Dated(NamedTuple):
    """A day (None = still growing) and how it is known."""

    day: date | None
    origin: str


def _table(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def load(folder: Path) -> tuple[list[str], Sources]:
    """Every symbol of the last real listing, and the tables that date them."""
    listing = json.loads((folder / "symbols_2026-08-22.json").read_text(encoding="utf-8"))
    symbols = sorted(listing["perpetual_symbols"] + listing["delivery_symbols"], key=lambda name: f"{name}/".encode())
    return symbols, Sources(
        {row["symbol"]: row for row in _table(folder / "um_daily_1m_intervals_derived.csv")},
        {row["symbol"]: row for row in _table(folder / "um_lifecycle_anomalies_2026-10-02.csv")},
        {
            row["symbol"]: date.fromisoformat(row["onboard_date"][:DAY_TEXT])
            for row in _table(folder / "new_listing_discovery_lag.csv")
        },
    )


def month_start(text: str) -> date:
    """First day of a month written `2022-05`."""
    return date.fromisoformat(f"{text[:MONTH_TEXT]}-01")


def month_end(text: str) -> date:
    """Last day of a month written `2022-05`."""
    first = month_start(text)
    return first.replace(day=monthrange(first.year, first.month)[1])


def last_friday(text: str) -> date:
    """Last Friday of a month: the day a quarterly contract is listed."""
    last = month_end(text)
    return last - timedelta(days=(last.weekday() - FRIDAY) % 7)


def size_level(symbol: str) -> int:
    """Bytes of a live zip of this symbol: seen for one symbol, drawn from its name for the others."""
    drawn = int.from_bytes(hashlib.sha256(symbol.encode()).digest()[:4], "big") % (LARGEST_LEVEL - SMALLEST_LEVEL)
    return KNOWN_LEVELS.get(symbol, SMALLEST_LEVEL + drawn)


def _first(row: dict[str, str], sources: Sources) -> Dated:
    symbol, text = row["symbol"], row["first_day"]
    if symbol in sources.lifecycle:
        return Dated(date.fromisoformat(sources.lifecycle[symbol]["first_day"]), "observed")
    if "first seen" in text:
        if symbol in sources.onboarded:
            return Dated(sources.onboarded[symbol], "onboarding day")
        return Dated(date.fromisoformat(text[:DAY_TEXT]) - LISTED_BEFORE_SEEN, "modelled: seen two days later")
    if len(text) == DAY_TEXT:
        return Dated(date.fromisoformat(text), "observed")
    if row["class"] == "delivery":
        listed, expiry = last_friday(text), date.fromisoformat(row["last_day"][:DAY_TEXT])
        if listed < expiry:
            return Dated(listed, "month only: its last Friday")
    return Dated(month_start(text), "month only: its first day")


def _last(row: dict[str, str], sources: Sources) -> Dated:
    symbol, text = row["symbol"], row["last_day"]
    if symbol in sources.lifecycle:
        last = date.fromisoformat(sources.lifecycle[symbol]["last_day"])
        return Dated(None if last == OBSERVED_UNTIL else last, "observed")
    if text.startswith("open"):
        return Dated(None, "growing on 2026-06-30")
    if text == "?":
        return Dated(None, "modelled: growing")
    if "expiry" in text:
        return Dated(date.fromisoformat(text[:DAY_TEXT]), "expiry in its name")
    if "month only" in text:
        return Dated(month_end(text), "month only: its last day")
    return Dated(date.fromisoformat(text), "observed")


def _flat(symbol: str, sources: Sources) -> tuple[date | None, date | None, str]:
    """Days of flat files: the tail of a delisted symbol, or the days before a ticker was used again."""
    life = sources.lifecycle.get(symbol)
    if life is None:
        return None, None, ""
    relisted = RELISTED.get(symbol) or RELISTED_GUESS.get(symbol)
    last, traded = date.fromisoformat(life["last_day"]), date.fromisoformat(life["last_traded_day"])
    if traded < last:
        return traded + ONE_DAY, None, "flat observed"
    flat_days = int(life["zero_volume_days"])
    if relisted is None or flat_days == 0:
        return None, None, ""
    hole_days = sum((end - start).days + 1 for start, end in HOLES.get(symbol, ((), ""))[0])
    until = relisted - ONE_DAY * (1 + hole_days)
    how = "modelled" if symbol in RELISTED_GUESS else "observed"
    return until - ONE_DAY * (flat_days - 1), until, f"flat {how}: {flat_days} days before the relisting"


def _settled(row: dict[str, str], sources: Sources) -> tuple[Dated, Dated]:
    """Folder of a ticker's old life: some months, or only the one file that would have clashed with the new life."""
    symbol = row["symbol"]
    parent = symbol.removesuffix("SETTLED").removesuffix("_").removesuffix("SETTLED")
    relisted = (RELISTED | RELISTED_GUESS).get(parent)
    if row["first_day"] != row["last_day"]:
        end = relisted or month_end(row["last_day"])
        return Dated(month_start(row["first_day"]), "month only"), Dated(end, "month only: until the relisting")
    ended = _last(sources.intervals[parent], sources).day
    if relisted is not None and not symbol.endswith("SETTLEDSETTLED"):
        only = Dated(relisted, "month only: one file, of the relisting day")
    elif ended is not None:
        only = Dated(ended + ONE_DAY, "month only: one file, the day after the parent's last")
    else:
        before = _first(sources.intervals[parent], sources).day or month_start(row["first_day"])
        only = Dated(before - ONE_DAY, "month only: one file, the day before the parent's first")
    return only, only


def facts_of(symbol: str, sources: Sources) -> SymbolFacts:
    """One universe row with its origin."""
    row = sources.intervals[symbol]
    settled = row["class"] == "settled_folder"
    first, last = _settled(row, sources) if settled else (_first(row, sources), _last(row, sources))
    if first.day is None:
        raise click.ClickException(f"{symbol}: no first day in {row}")
    holes, holes_origin = HOLES.get(symbol, ((), ""))
    dead_from, dead_to, flat_origin = _flat(symbol, sources)
    origin = [f"first {first.origin}", f"last {last.origin}"]
    origin += [f"holes {holes_origin}"] if holes else []
    origin += [flat_origin] if flat_origin else []
    origin += ["size observed"] if symbol in KNOWN_LEVELS else []
    return SymbolFacts(symbol, first.day, last.day, holes, size_level(symbol), dead_from, dead_to, "; ".join(origin))


@click.command()
@click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), default=UNIVERSE_CSV, help="Where to write.")
def main(folder: Path, out: Path) -> None:
    """Write the universe CSV from FOLDER, the shared `data/archive` folder."""
    symbols, sources = load(folder)
    rows = [facts_of(symbol, sources) for symbol in symbols]
    write_universe(out, rows)
    click.echo(f"{len(rows)} symbols written to {out.name}")


if __name__ == "__main__":
    main()
