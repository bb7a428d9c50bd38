"""Run the catalogue over an open warehouse. Nothing here reads a file, asks the network or prints."""

import datetime as dt
import re
from typing import Any, NamedTuple

import duckdb

from etl.checks.catalogue import CATALOGUE, ERROR, WARNING, Check
from etl.checks.exchange import ExchangeInfo
from etl.checks.published import Published, Unreadable
from etl.errors import AvailabilityError
from etl.keys import is_of_vault
from etl.warehouse import sql, worked_out

_NEWEST_LISTING = "SELECT max(ended_at) FROM listings WHERE dataset = ? AND complete AND symbol IS NOT NULL"
_NEWEST_FACT = "SELECT strftime(max(ended_at), '%Y-%m-%dT%H:%M:%SZ') FROM listings WHERE dataset = ? AND complete"
_HELD = (
    "SELECT count(*) FROM day_files"
    " WHERE dataset = ? AND date = ? AND vanished_at IS NULL AND list_contains(?::VARCHAR[], symbol)"
)
EXCHANGE = ("A502", "A503", "A504")
# A day without capture is a gap and no fault of the record; nobody takes files away in bursts, `compact` merges them;
# the published counts and the exchange are compared for the archive alone.
_NOT_OF_THE_VAULT = ("A201", "A202", "A304", "A501", *EXCHANGE)
_PUBLISHED = ("A501",)

_Values = dict[str, Any]  # for the SQL, by the names it uses


class Finding(NamedTuple):
    """One offending thing; a day range where it has one, both ends inclusive."""

    code: str
    severity: str  # error | warning
    symbol: str | None  # None = the whole market
    first_day: dt.date | None
    last_day: dt.date | None
    detail: str


class Verdict(NamedTuple):
    """What came of one check."""

    check: Check
    findings: list[Finding]
    not_checked: str | None = None  # why it could not run
    note: str | None = None  # what was measured, where a passed check has something to tell

    @property
    def outcome(self) -> str:
        """Say passed, found or not checked: what did not run has not passed."""
        return "not checked" if self.not_checked else "found" if self.findings else "passed"


class Health(NamedTuple):
    """The open findings, counted."""

    open_errors: int
    open_warnings: int
    not_checked: int  # checks that could not run
    open_findings: dict[str, int]  # code -> findings, only those that have any


def run_checks(
    con: duckdb.DuckDBPyConnection,
    dataset: str,
    today: dt.date,
    *,
    exchange: ExchangeInfo | str = "--exchange-info is not given",
    published: Published | Unreadable | str = "no published file is given",
) -> list[Verdict]:
    """Run every check, in the order of the catalogue; a text in place of a source says why there is none.

    The same warehouse, day and sources give the same verdicts.
    """
    if con.execute(_NEWEST_LISTING, [dataset]).fetchone() == (None,):
        return [Verdict(check, [], "the warehouse holds no complete listing yet") for check in catalogue_of(dataset)]
    site, there = _site_values(con, dataset, published), _exchange_values(con, dataset, exchange)
    sources = {**dict.fromkeys(_PUBLISHED, site), **dict.fromkeys(EXCHANGE, there)}
    verdicts = []
    with worked_out(con):
        for check in catalogue_of(dataset):
            source = sources.get(check.code, {})
            if isinstance(source, str):
                verdicts.append(Verdict(check, [], source))
            elif isinstance(source, Unreadable):
                verdicts.append(Verdict(check, [_unreadable(check, source)]))
            else:
                found = find(con, check, {"dataset": dataset, "today": today, **source})
                verdicts.append(Verdict(check, found, note=source.get("note")))
    return verdicts


def catalogue_of(dataset: str) -> list[Check]:
    """Return the checks that make sense for a dataset: all of them for the archive."""
    return [check for check in CATALOGUE if not (is_of_vault(dataset) and check.code in _NOT_OF_THE_VAULT)]


def findings(verdicts: list[Verdict]) -> list[Finding]:
    """Return all findings in one list, by code, symbol and day."""
    return [finding for verdict in verdicts for finding in verdict.findings]


def as_rows(verdicts: list[Verdict], dataset: str) -> list[dict[str, str | None]]:
    """Return all findings about a dataset as rows of the published table: days as text."""
    days = ("first_day", "last_day")
    return [
        {name: value.isoformat() if name in days and value else value for name, value in finding._asdict().items()}
        | {"dataset": dataset}
        for finding in findings(verdicts)
    ]


def count(verdicts: list[Verdict]) -> Health:
    """Count findings by severity and by code, and the checks that could not run."""
    severities = [finding.severity for finding in findings(verdicts)]
    return Health(
        severities.count(ERROR),
        severities.count(WARNING),
        sum(verdict.outcome == "not checked" for verdict in verdicts),
        {verdict.check.code: len(verdict.findings) for verdict in verdicts if verdict.findings},
    )


def summary(verdicts: list[Verdict]) -> str:
    """Say in one line what came of all checks."""
    outcomes, counted = [verdict.outcome for verdict in verdicts], count(verdicts)
    return (
        f"{len(verdicts)} checks: {outcomes.count('passed')} passed, {outcomes.count('found')} found something"
        f" ({counted.open_errors:,} errors, {counted.open_warnings:,} warnings),"
        f" {outcomes.count('not checked')} not checked."
    )


def fail_on_errors(verdicts: list[Verdict], accepted: tuple[str, ...] = ()) -> None:
    """Raise AvailabilityError where an error is found whose code is not accepted; warnings are only told."""
    errors = [
        f"{each.check.code} ({len(each.findings):,})"
        for each in verdicts
        if each.findings and each.check.severity == ERROR and each.check.code not in accepted
    ]
    if errors:
        raise AvailabilityError(f"Errors found: {', '.join(errors)}.")


def health(con: duckdb.DuckDBPyConnection, dataset: str, today: dt.date) -> Health:
    """Count what is open in the warehouse itself."""
    return count(run_checks(con, dataset, today))


def _unreadable(check: Check, file: Unreadable) -> Finding:
    """Find fault with a file that is there and cannot be read: its readers cannot read it either."""
    return Finding(
        check.code, check.severity, None, None, None, f"{file.path} cannot be read as a published file ({file.why})"
    )


def _site_values(
    con: duckdb.DuckDBPyConnection, dataset: str, published: Published | Unreadable | str
) -> _Values | Unreadable | str:
    """Return what is published as columns; a file built from other facts cannot be compared."""
    if not isinstance(published, Published):
        return published
    (newest,) = con.execute(_NEWEST_FACT, [dataset]).fetchone() or (None,)
    if published.newest_listing_at != newest:
        return f"{published.path} was built from facts of {published.newest_listing_at}, these are of {newest}"
    note = f"{sum(published.files):,} files of {len(published.symbols):,} symbols"
    return {"symbols": published.symbols, "files": published.files, "sizes": published.sizes, "note": note}


def _exchange_values(con: duckdb.DuckDBPyConnection, dataset: str, exchange: ExchangeInfo | str) -> _Values | str:
    """Return what the exchange says as columns, and the newest complete day, of the time of the answer at most."""
    if isinstance(exchange, str):
        return exchange
    until = exchange.at.date() if exchange.at else dt.date.max
    found = con.execute(sql("newest_complete_day"), {"dataset": dataset, "until": until}).fetchone()
    if found is None:
        return f"{exchange.source} is of {until}, and no complete day as old as that is held"
    values = {"day": found[0], **_compared(exchange, found[0])}
    if not values["trading"]:
        return f"{exchange.source}: every perpetual that trades in it was listed after {found[0]}"
    (held,) = con.execute(_HELD, [dataset, found[0], values["trading"]]).fetchone() or (0,)
    return values | {"note": f"{held:,} of {len(values['trading']):,} that trade have a file of {found[0]}"}


def _compared(exchange: ExchangeInfo, day: dt.date) -> _Values:
    """Return what the exchange says as columns; a contract listed after the day cannot have a file of it."""
    trading = [symbol for symbol, since in exchange.trading.items() if since is None or since <= day]
    later = dict.fromkeys(exchange.trading.keys() - set(trading), "PERPETUAL TRADING")
    others = sorted((exchange.others | later).items())
    return {
        "trading": sorted(trading),
        "others": [symbol for symbol, _ in others],
        "kinds": [kind for _, kind in others],
        "said_at": f" (answer of {exchange.at:%Y-%m-%d})" if exchange.at else "",
    }


def find(con: duckdb.DuckDBPyConnection, check: Check, values: _Values) -> list[Finding]:
    """Run one check; of the values its SQL takes those that it names."""
    text = sql(check.sql)
    asked = {name: values[name] for name in re.findall(r"\$([a-z_]+)", text)}
    rows = con.execute(
        f"SELECT symbol, first_day, last_day, detail FROM (\n{text}\n)"
        " ORDER BY symbol NULLS FIRST, first_day NULLS FIRST, last_day, detail",
        asked,
    ).fetchall()
    return [Finding(check.code, check.severity, *row) for row in rows]
