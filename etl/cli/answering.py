"""What all questions have in common: where they are asked, and how the answer is printed."""

import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from functools import wraps
from pathlib import Path
from typing import Any, NamedTuple

import click

from etl import options, queries, tables

_FORMS = {"text": tables.as_text, "json": tables.as_json, "csv": tables.as_csv}
_FROM_ENVIRONMENT = "$AVAILABILITY_WAREHOUSE"
_NAMES_SHOWN = 10
Command = Callable[..., Any]
Decorator = Callable[[Command], Command]


def _where(_context: click.Context, _option: click.Parameter, value: str | None) -> Path | None:
    """Return the warehouse to ask; without a name the one that every other command uses."""
    if value == _FROM_ENVIRONMENT:
        value = os.environ.get("AVAILABILITY_WAREHOUSE") or "warehouse.duckdb"
    return None if value is None else Path(value)


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
        with _source(site_dir, warehouse_path) as con, _readers_may_leave():
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


def mention(names: Sequence[str]) -> None:
    """Say below a table which symbols it cannot show, because they have no data."""
    if names:
        more = f" and {len(names) - _NAMES_SHOWN:,} more" if len(names) > _NAMES_SHOWN else ""
        click.echo(f"no data at all: {', '.join(names[:_NAMES_SHOWN])}{more}")


def _source(site_dir: Path, warehouse_path: Path | None) -> AbstractContextManager[queries.Connection]:
    if warehouse_path:
        return queries.open_warehouse(warehouse_path)
    return queries.open_published(site_dir / "availability.db")


@contextmanager
def _readers_may_leave() -> Iterator[None]:
    """Take it as no error that the reader has had enough, as ``head`` does."""
    try:
        yield
        sys.stdout.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
