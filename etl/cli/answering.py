"""What all questions have in common: where they are asked, and how the answer is printed."""

import datetime as dt
import os
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from functools import wraps
from pathlib import Path
from typing import Any, NamedTuple

import click

from etl import options, queries, tables
from etl.cli.leaving import readers_may_leave
from etl.errors import UsageError

_FORMS = {"text": tables.as_text, "json": tables.as_json, "csv": tables.as_csv}
_FROM_ENVIRONMENT = "$AVAILABILITY_WAREHOUSE"
_NAMES_SHOWN = 10
Command = Callable[..., Any]
Decorator = Callable[[Command], Command]


def _where(context: click.Context, option: click.Parameter, value: str | None) -> Path | None:
    """Return the warehouse to ask; without a name the one that every other command uses."""
    if value == _FROM_ENVIRONMENT:
        value = os.environ.get("AVAILABILITY_WAREHOUSE") or "warehouse.duckdb"
    return None if value is None else Path(options.as_text(context, option, value))


def question(command: Command) -> Command:
    """Give a command the options of all questions, and hand it the open connection and the form of its answer."""

    @options.site_dir
    @click.option(
        "--warehouse",
        "warehouse_path",
        callback=_where,
        is_flag=False,
        flag_value=_FROM_ENVIRONMENT,
        metavar="[FILE]",
        help="Ask the warehouse itself: FILE, else AVAILABILITY_WAREHOUSE, else warehouse.duckdb.",
    )
    @click.option("--csv", "form", flag_value="csv", help="CSV with a header.")
    @click.option("--json", "form", flag_value="json", help="A JSON array; nothing else on stdout.")
    @wraps(command)
    def opened(*, site_dir: Path, warehouse_path: Path | None, form: str | None, **asked: Any) -> None:  # noqa: ANN401
        for name, value in asked.items():
            if isinstance(value, str) and not options.is_text(value):
                raise UsageError(f"Unknown {name} {value!r}: it is not UTF-8 text.")
        with _source(site_dir, warehouse_path) as con, readers_may_leave():
            command(con, form or "text", **asked)

    return opened


def days(*, needed: bool) -> Decorator:
    """Take START and END, where END alone may be left out: then it is START itself."""

    def both(command: Command) -> Command:
        ending = click.argument("end", type=options.Day(), required=False)
        return click.argument("start", type=options.Day(), required=needed)(ending(command))

    return both


mergegaps = click.option(
    "--mergegaps",
    type=click.IntRange(min=0),
    default=0,
    show_default=True,
    metavar="DAYS",
    help="Join timespans with no more days between them.",
)


def say(con: queries.Connection, form: str, row: type[NamedTuple], rows: Sequence[tuple[Any, ...]]) -> None:
    """Print rows of one type."""
    for line in _FORMS[form](row._fields, rows):
        click.echo(line)
    if form == "text":
        build = queries.build_id(con)
        click.echo(
            f"{len(rows):,} row{'' if len(rows) == 1 else 's'} of {f'build {build}' if build else 'the warehouse'}"
        )


def say_names(form: str, names: Sequence[str]) -> None:
    """Print names of symbols: one a line, as JSON one array."""
    if form == "json":
        click.echo(tables.compact(names))
        return
    for name in ["symbol", *names] if form == "csv" else names:
        click.echo(name)


def mention(why: str, names: Sequence[str]) -> None:
    """Say below a table which symbols it cannot show, and why."""
    if names:
        more = f" and {len(names) - _NAMES_SHOWN:,} more" if len(names) > _NAMES_SHOWN else ""
        click.echo(f"{why}: {', '.join(names[:_NAMES_SHOWN])}{more}")


def warn_of_unlooked(con: queries.Connection, dataset: str, start: dt.date, end: dt.date) -> None:
    """Say on stderr how many symbols the answer does not know wholly: that one is not in it need not mean a thing."""
    if names := queries.unlooked(con, start, end, dataset=dataset):
        when = f"on {start}" if start == end else f"on all days from {start} to {end}"
        known = len(queries.coverage(con, dataset=dataset))
        click.echo(f"{len(names):,} of {known:,} symbols were not looked at {when}.", err=True)


def _source(site_dir: Path, warehouse_path: Path | None) -> AbstractContextManager[queries.Connection]:
    if warehouse_path:
        return queries.open_warehouse(warehouse_path)
    return queries.open_published(site_dir / "availability.db")
