"""Questions about the datasets themselves, and about what only the vault tells of a day."""

import datetime as dt
from typing import NamedTuple

from etl.errors import UsageError
from etl.keys import is_of_vault
from etl.queries import choosing
from etl.queries.asking import Connection, ask, fetch


class DatasetRow(NamedTuple):
    """One archive: that of Binance, or a channel of the vault."""

    dataset: str
    source: str
    first_day: dt.date | None
    last_day: dt.date | None
    looked_through: dt.date | None
    symbols: int
    day_files: int
    bytes: int
    is_default: int


class VaultDayRow(NamedTuple):
    """What the vault holds of one product on one day."""

    symbol: str
    date: dt.date
    hours: int
    rows: int
    bytes: int
    parts: int
    losses: int
    lost_messages: int
    breaks: int
    dataset: str


def datasets(con: Connection) -> list[DatasetRow]:
    """Return every dataset, the default one first."""
    return ask(con, "datasets", DatasetRow)


def vault_days(
    con: Connection,
    symbol: str | None = None,
    start: dt.date | None = None,
    end: dt.date | None = None,
    *,
    dataset: str | None = None,
) -> list[VaultDayRow]:
    """Return every day of the vault, of one product or channel or of all (None), by dataset, symbol and day."""
    if dataset is not None:
        choosing.known_dataset(con, dataset)
        if not is_of_vault(dataset):
            raise UsageError(f"{dataset} is no channel of the vault; leave it away for all of them.")
    known = {name for each, name in fetch(con, "of_vault") if dataset in (None, each)}
    if symbol is not None and symbol not in known:
        held = ", ".join(sorted(known)) or "nothing"
        raise UsageError(f"{dataset or 'The vault'} holds no {symbol or repr(symbol)}. It holds {held}.")
    if start and end and end < start:
        raise UsageError(f"The range ends on {end}, before it starts on {start}.")
    days = {"start": str(start or dt.date.min), "end": str(end or dt.date.max)}
    return ask(con, "vault_days", VaultDayRow, dataset=dataset, symbol=symbol, **days)
