"""The vault into the warehouse: what lies there is recorded by the same doors as what an archive lists."""

import datetime as dt
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence

import duckdb

from etl import recording, warehouse
from etl.clock import now
from etl.errors import AvailabilityError
from etl.keys import vault_folder
from etl.records import (
    DayFiles,
    Enumeration,
    Failure,
    Listing,
    Outcome,
    StoredObject,
    Stranger,
    VaultDay,
    Window,
)
from etl.vault import holdings
from etl.vault.holdings import Found, Series
from etl.vault.refine import PROCESSED
from etl.vault.storage import Storage, Stored

PLACE = "vault:"  # stands for wherever the vault lies: no address of it is recorded or published
_TREE = f"{PROCESSED.partition('/')[0]}/"
_STRANGE = "no file of a product and a day"


def index_vault(con: duckdb.DuckDBPyConnection, vault: Storage, today: dt.date) -> Outcome:
    """Record every product and day that is over, each product whole or not at all; raises AvailabilityError."""
    started_at = now()
    found = holdings.look(vault, today)
    known = {dataset: warehouse.known_symbols(con, dataset) for dataset in warehouse.datasets_of_vault(con)}
    if any(known.values()) and not found.days:
        held = sum(map(len, known.values()))
        raise AvailabilityError(
            f"{vault.place(_TREE)} holds no product, and {held:,} were there before: is this the right vault?"
            " Nothing was recorded."
        )
    names = defaultdict[str, list[str]](list)
    for dataset, symbol in found.days:
        names[dataset].append(symbol)
    strangers = _strangers(found, sorted(names))
    moved, failures, days = Counter[str](), list[Failure](), 0
    for dataset in sorted(names.keys() | known.keys()):
        level = Enumeration(
            f"{_TREE}{dataset}/", started_at, now(), 1, sorted(names[dataset]), strangers.get(dataset, [])
        )
        recording.record_enumeration(con, dataset, level, listing_url=PLACE, files_url=PLACE)
        for symbol in sorted({*names[dataset], *known.get(dataset, ())}):
            answer = _index(con, vault, (dataset, symbol), found, started_at)
            if isinstance(answer, Failure):
                recording.record_failures(con, dataset, [answer])
                failures.append(answer)
            else:
                moved.update(answer)
                days += answer["days"]
    asked = sum(len({*names[dataset], *known.get(dataset, ())}) for dataset in names.keys() | known.keys())
    return _outcome(asked, days, moved, len(found.strangers), failures)


def _outcome(asked: int, days: int, moved: Mapping[str, int], strangers: int, failures: list[Failure]) -> Outcome:
    counts = {name: moved.get(name, 0) for name in ("added", "changed", "touched", "vanished", "returned")}
    return Outcome(
        asked=asked,
        recorded=asked - len(failures),
        pages=1,
        day_files=days,
        strangers=strangers,
        failures=failures,
        interrupted=False,
        **counts,
    )


def _index(
    con: duckdb.DuckDBPyConnection, vault: Storage, series: Series, found: Found, started_at: dt.datetime
) -> dict[str, int] | Failure:
    """Record one product; return how many days moved, and how, or why it could not be read."""
    dataset, symbol = series
    prefix = f"{_TREE}{vault_folder(dataset, symbol)}/"
    url = f"{PLACE}/{prefix}"
    try:
        known = recording.known_vault_days(con, dataset, symbol)
        held = holdings.read(vault, series, found.days.get(series, {}), known)
    except (AvailabilityError, duckdb.Error) as error:
        times, why = (started_at, now()), str(error).replace(vault.place("").rstrip("/"), PLACE)
        return Failure(symbol, None, found.through, prefix, "", *times, url, None, why, "vault")
    window, files = Window(symbol, None, found.through), _as_files(held)
    listing = Listing(window, prefix, "", url, started_at, now(), 1, sum(day.parts for day in held), files, [], "vault")
    moved = recording.record_listings(con, dataset, [listing])
    later = [day for name, day in known.items() if name > found.through.isoformat()]  # not looked at this time
    recording.record_vault_days(con, dataset, symbol, [*held, *later])
    return {**moved, "days": len(held)}


def _as_files(held: Sequence[VaultDay]) -> DayFiles:
    return DayFiles(
        [each.day for each in held],
        [str(each.bytes) for each in held],
        [each.last_modified for each in held],
        [each.etag for each in held],
        [""] * len(held),  # of a checksum nobody knows
    )


def _strangers(found: Found, datasets: Sequence[str]) -> dict[str, list[Stranger]]:
    """Put what is no part with the dataset in whose folder it lies, else with the first one."""
    placed = defaultdict[str, list[Stranger]](list)
    for each in found.strangers:
        inside = "/".join(each.path.split("/")[1:3])
        if datasets:
            placed[inside if inside in datasets else datasets[0]].append(Stranger(_object(each), _STRANGE))
    return placed


def _object(file: Stored) -> StoredObject:
    return StoredObject(file.path, str(file.size), f"{file.last_modified:%Y-%m-%dT%H:%M:%SZ}", "")
