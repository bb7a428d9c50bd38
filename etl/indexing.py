"""The vault into the warehouse: what lies there is recorded by the same doors as what an archive lists."""

import datetime as dt
import logging
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence

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
    day_files,
)
from etl.vault import holdings
from etl.vault.compact import COMPACTED
from etl.vault.errors import StorageError
from etl.vault.holdings import Found, Reading, Series
from etl.vault.refine import PROCESSED
from etl.vault.s3 import Bucket
from etl.vault.segments import ACTIVE, PROCESSING, READY
from etl.vault.storage import Storage, Stored

PLACE = "vault:"  # stands for wherever the vault lies: no address of it is recorded or published
_TREE = f"{PROCESSED.partition('/')[0]}/"
_STRANGE = "no file of a product and a day"
_LOG = logging.getLogger("etl.collect")


def index_vault(
    con: duckdb.DuckDBPyConnection, vault: Storage, today: dt.date, stopped: Callable[[], bool] = lambda: False
) -> Outcome:
    """Record every product and day that is over, each product whole or not at all, and no more where told to stop.

    Raises AvailabilityError. Its words are published, so where the vault lies is in the log alone.
    """
    started_at = now()
    try:
        found = holdings.look(vault, today)
    except StorageError as error:
        raise AvailabilityError(_told(vault, error)) from error
    known = {dataset: warehouse.known_symbols(con, dataset) for dataset in warehouse.datasets_of_vault(con)}
    if any(known.values()) and not found.days:
        _LOG.error("vault is empty", extra={"place": vault.place(_TREE)})
        held = sum(map(len, known.values()))
        raise AvailabilityError(
            f"{PLACE}/{_TREE} holds no product, and {held:,} were there before: is this the right vault?"
            " Nothing was recorded."
        )
    names = defaultdict[str, list[str]](list)
    for dataset, symbol in found.days:
        names[dataset].append(symbol)
    every = [
        (dataset, symbol)
        for dataset in sorted(names.keys() | known.keys())
        for symbol in sorted({*names[dataset], *known.get(dataset, ())})
    ]
    strangers = _strangers(found, sorted(names))
    for dataset in sorted(names.keys() | known.keys()):
        level = Enumeration(
            f"{_TREE}{dataset}/", started_at, now(), 1, sorted(names[dataset]), strangers.get(dataset, [])
        )
        recording.record_enumeration(con, dataset, level, listing_url=PLACE, files_url=PLACE)
    with holdings.reading(vault, found) as to:
        answers = [_index(con, to, series, started_at) for series in every if not stopped()]
    return _outcome(len(every), answers, len(found.strangers))


def _outcome(asked: int, answers: Sequence[Mapping[str, int] | Failure], strangers: int) -> Outcome:
    failures = [each for each in answers if isinstance(each, Failure)]
    moved = Counter[str]()
    for each in answers:
        if not isinstance(each, Failure):
            moved.update(each)
    counts = {name: moved[name] for name in ("added", "changed", "touched", "vanished", "returned")}
    return Outcome(
        asked=asked,
        recorded=len(answers) - len(failures),
        pages=1,
        day_files=moved["days"],
        strangers=strangers,
        failures=failures,
        interrupted=len(answers) < asked,
        **counts,
    )


def _index(
    con: duckdb.DuckDBPyConnection, to: Reading, series: Series, started_at: dt.datetime
) -> dict[str, int] | Failure:
    """Record one product; return how many days moved, and how, or why it could not be read."""
    dataset, symbol = series
    prefix, through = f"{_TREE}{vault_folder(dataset, symbol)}/", to.found.through
    url = f"{PLACE}/{prefix}"
    known = recording.known_vault_days(con, dataset, symbol)
    try:
        held = holdings.read(to, series, known)
    except AvailabilityError as error:
        times, why = (started_at, now()), _told(to.vault, error)
        failure = Failure(symbol, None, through, prefix, "", *times, url, None, why, "vault")
        recording.record_failures(con, dataset, [failure])
        return failure
    window, files = Window(symbol, None, through), _as_files(held)
    listing = Listing(window, prefix, "", url, started_at, now(), 1, sum(day.parts for day in held), files, [], "vault")
    moved = recording.record_listings(con, dataset, [listing])
    later = [day for name, day in known.items() if name > through.isoformat()]  # not looked at this time
    if sorted(known.values()) != sorted([*held, *later]):
        recording.record_vault_days(con, dataset, symbol, [*held, *later])
    return {**moved, "days": len(held)}


def _told(vault: Storage, error: AvailabilityError) -> str:
    """Log an error as it is; return what may be published of it: no address, nor what a store says beside its code."""
    _LOG.error("vault cannot be read", extra={"error": str(error)})
    said = str(error)
    if isinstance(error, StorageError) and isinstance(vault, Bucket):
        said = f"Cannot {error.operation} {error.place}: {error.code or error.cause}."
    for tree in (PROCESSED, COMPACTED, ACTIVE, READY, PROCESSING):
        said = said.replace(vault.place(tree), f"{PLACE}/{tree}")
    return said.replace(f"{vault.place('')} is not there", "the vault is not there")


def _as_files(held: Sequence[VaultDay]) -> DayFiles:
    return day_files(
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
    name = file.path.encode(errors="surrogateescape").decode(errors="backslashreplace")  # not all are UTF-8 on a disk
    return StoredObject(name, str(file.size), f"{file.last_modified:%Y-%m-%dT%H:%M:%SZ}", "")
