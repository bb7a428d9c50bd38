"""Commands that tell how things stand."""

import datetime as dt
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click

from etl import checks, clock, locks, options, queries, runs, tables, warehouse
from etl.cli.leaving import readers_may_leave
from etl.errors import AvailabilityError
from etl.keys import UM_KLINES_1M
from etl.upkeep.health import ailments

_SHOWN = 5  # findings of one code; --json has all


@click.command()
@options.warehouse
@options.today
@click.option(
    "--accept",
    multiple=True,
    type=click.Choice([check.code for check in checks.CATALOGUE if check.severity == checks.ERROR]),
    envvar="AVAILABILITY_ACCEPT",
    show_envvar=True,
    help="All is well in spite of errors of this check. Repeatable.",
)
@click.option("--json", "as_json", is_flag=True, help="One JSON object on stdout.")
def status(*, warehouse_path: Path, today: dt.date, accept: tuple[str, ...], as_json: bool) -> None:
    """Tell whether all is well, what the warehouse holds, how fresh it is, how its runs went and what is open.

    Exit code 1 where all is not well, and `why` says what: the newest listings or the last run failed, an error is
    open, or more than one whole day was not looked at.

    \b
    Example:  availability status --json
    """
    writer = locks.holder(warehouse.beside(warehouse_path, "lock"))
    with warehouse.open_warehouse(warehouse_path, read_only=True) as con, warehouse.worked_out(con):
        facts = queries.status(con, UM_KLINES_1M)
        ran, found = runs.success(con, clock.today()), checks.health(con, UM_KLINES_1M, today)
        early = runs.early_clock(con, clock.now())
    why = [*ailments(facts, ran, found, today, accept), *([early] if early else [])]
    answer = {"healthy": not why, "why": why, "writer": writer, **facts._asdict()}
    answer |= {"days_behind": facts.days_behind(today)} | ran._asdict() | found._asdict()
    with readers_may_leave():
        if as_json:
            click.echo(_compact(answer))
        else:
            for name, value in answer.items():
                click.echo(f"{name.replace('_', ' '):<22} {_shown(value)}")
    if why:
        raise AvailabilityError(f"Not healthy. {' '.join(why)}")


@click.command()
@click.option(
    "--exchange-info",
    is_flag=False,
    flag_value=checks.EXCHANGE_INFO_URL,
    envvar="AVAILABILITY_EXCHANGE_INFO",
    show_envvar=True,
    callback=options.as_text,
    metavar="[URL|FILE]",
    help="Compare with the exchange's own list of contracts too, an address or a file."
    f" Without a value: {checks.EXCHANGE_INFO_URL}",
)
@options.dataset
@options.warehouse
@options.site_dir
@options.today
@click.option("--json", "as_json", is_flag=True, help="One JSON object on stdout, with every finding.")
def check(
    *, exchange_info: str | None, dataset: str, warehouse_path: Path, site_dir: Path, today: dt.date, as_json: bool
) -> None:
    """Look for what is wrong with the warehouse; docs/checks.md explains every code.

    Exit code 1 where an error is found; warnings and what could not be checked are only told.
    The network is asked for nothing but --exchange-info.

    \b
    Example:  availability check --exchange-info
    """
    sources: dict[str, Any] = {"published": checks.read_published(site_dir / "availability.db")}
    if exchange_info is not None:
        sources["exchange"] = checks.read_exchange_info(exchange_info)
    with warehouse.open_warehouse(warehouse_path, read_only=True) as con:
        verdicts = checks.run_checks(con, queries.known_dataset(con, dataset), today, **sources)
    with readers_may_leave():
        if as_json:
            click.echo(_compact(_report(verdicts, dataset, today)))
        else:
            for verdict in verdicts:
                click.echo("\n".join(_lines(verdict)))
            click.echo(checks.summary(verdicts))
    checks.fail_on_errors(verdicts)


def _report(verdicts: list[checks.Verdict], dataset: str, today: dt.date) -> dict[str, Any]:
    return {
        "dataset": dataset,
        "today": today,
        **checks.count(verdicts)._asdict(),
        "checks": [
            {
                **each.check._asdict(),
                "outcome": each.outcome,
                "not_checked": each.not_checked,
                "note": each.note,
                "findings": [finding._asdict() for finding in each.findings],
            }
            for each in verdicts
        ],
    }


def _lines(verdict: checks.Verdict) -> Iterator[str]:
    """Say one line of a check, and below it the first of its findings."""
    check, found = verdict.check, len(verdict.findings)
    said = {
        "passed": f"passed{f' ({verdict.note})' if verdict.note else ''}",
        "not checked": f"not checked: {verdict.not_checked}",
        "found": f"{found:,} {check.severity}{'s' if found > 1 else ''}: {check.sentence}",
    }
    yield f"{check.code} {check.name.replace('_', ' '):<20} {said[verdict.outcome]}"
    for finding in verdict.findings[:_SHOWN]:
        days = [str(day) for day in dict.fromkeys((finding.first_day, finding.last_day)) if day]
        where = f"{finding.symbol or ''} {'..'.join(days)}".strip()
        yield f"     {where}{': ' if where else ''}{finding.detail}"
    if found > _SHOWN:
        yield f"     and {found - _SHOWN:,} more; --json has all."


def _compact(answer: dict[str, Any]) -> str:
    return json.dumps(answer, default=tables.plain, ensure_ascii=False)


def _shown(value: object) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{code} {number:,}" for code, number in value.items()) or "none"
    if isinstance(value, list):
        return " ".join(value) or "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "none" if value is None else str(tables.plain(value))
