"""The options and parameter types that several commands share; environment = option, everywhere."""

import datetime as dt
import difflib
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

import click

from etl import clock
from etl.errors import AvailabilityError, UsageError, about_file
from etl.keys import UM_KLINES_1M

_ERA = dt.date(2000, 1, 1)  # no archive is older
Given = TypeVar("Given")
_YEAR = dt.timedelta(days=366)  # a day looked at can never be taken back: 2062 for 2026 is refused


class Day(click.ParamType[dt.date]):
    """A calendar day, YYYY-MM-DD."""

    name = "day"

    def convert(self, value: str | dt.date, param: click.Parameter | None, ctx: click.Context | None) -> dt.date:
        """Read a day, or say what a day looks like."""
        if isinstance(value, dt.date):
            return value
        try:
            day = dt.datetime.strptime(value, "%Y-%m-%d").replace(tzinfo=dt.UTC).date()
        except ValueError:
            day = dt.date.min
        if day.isoformat() != value or day < _ERA:
            self.fail(f"{value!r} is no day: write YYYY-MM-DD, for example 2024-02-29.", param, ctx)
        if day > clock.today() + _YEAR:
            self.fail(f"{value} is more than a year ahead of this machine's clock.", param, ctx)
        return day


class Place(click.Path):
    """A path; the empty text, which would be this folder, is none."""

    def convert(
        self, value: str | os.PathLike[str], param: click.Parameter | None, ctx: click.Context | None
    ) -> str | bytes | os.PathLike[str]:
        """Read a path, or say what is wrong with it."""
        if not os.fspath(value):
            self.fail("it is empty; this folder is `.`.", param, ctx)
        return super().convert(value, param, ctx)


class Sentences(click.Group):
    """A group whose refusals reach the user as a sentence and the right exit code, never as a traceback."""

    def invoke(self, ctx: click.Context) -> Any:  # noqa: ANN401 - as click declares it
        """Run the command; 1 = failed or incomplete, 2 = wrong usage."""
        try:
            return super().invoke(ctx)
        except UsageError as error:
            raise click.UsageError(str(error), ctx) from error
        except AvailabilityError as error:
            raise click.ClickException(str(error)) from error
        except OSError as error:
            raise click.ClickException(about_file(error)) from error
        except KeyboardInterrupt as error:
            raise click.ClickException("Interrupted: what was recorded is kept, nothing is left half-done.") from error


def is_text(value: str) -> bool:
    """Tell whether an argument was UTF-8: Python lets other bytes through as halves of characters."""
    return not any("\ud800" <= mark <= "\udfff" for mark in value)


def as_text(ctx: click.Context, param: click.Parameter, value: Given) -> Given:
    """Return an address or a path as it is; one that is not UTF-8 text can be neither recorded nor told."""
    if not is_text(str(value)):
        raise click.BadParameter(f"{str(value)!r} is not UTF-8 text.", ctx, param)
    return value


def split_symbols(ctx: click.Context, param: click.Parameter, values: Sequence[str]) -> list[str]:
    """Read ``"A, B,"`` given once or several times; order kept, no name twice. Given, it must name something."""
    stripped = (name.strip() for value in values for name in value.split(","))
    names = list(dict.fromkeys(name for name in stripped if name))
    if values and not names:
        raise click.BadParameter("it names no symbol; leave it out for all of them.", ctx, param)
    odd = next((name for name in names if not is_text(name)), None)
    if odd is not None:
        raise UsageError(f"Unknown symbol {odd!r}: it is not UTF-8 text.")
    return names


def chosen(wanted: Sequence[str], known: Sequence[str]) -> list[str]:
    """Return the wanted symbols, all known ones where none is named; an unknown one is a UsageError."""
    if not known:
        raise AvailabilityError("No symbol is known yet: run `availability discover` first.")
    unknown = sorted(set(wanted) - set(known))
    if unknown:
        near = difflib.get_close_matches(unknown[0].upper(), known, n=3)
        hint = f" Did you mean {', '.join(near)}?" if near else " `availability discover` looks for new ones."
        raise UsageError(f"Unknown symbol {', '.join(unknown)}.{hint}")
    return list(wanted or known)


Decorator = Callable[[Callable[..., Any]], Callable[..., Any]]


def _option(*names: str, **settings: Any) -> Decorator:  # noqa: ANN401 - handed on to click
    return click.option(*names, show_default=True, show_envvar=True, callback=as_text, **settings)


warehouse = _option(
    "--warehouse",
    "warehouse_path",
    envvar="AVAILABILITY_WAREHOUSE",
    type=Place(dir_okay=False, readable=False, path_type=Path),  # who opens it says what is wrong with it
    default="warehouse.duckdb",
    help="The DuckDB file with the facts.",
)
dataset = click.option(
    "--dataset", default=UM_KLINES_1M, show_default=True, help="The archive that is asked; `query datasets` lists them."
)
site_dir = _option(
    "--site-dir",
    envvar="AVAILABILITY_SITE_DIR",
    type=Place(file_okay=False, path_type=Path),
    default="site",
    help="The folder of the published SQLite file.",
)
listing_url = _option(
    "--listing-url",
    envvar="AVAILABILITY_LISTING_URL",
    default="https://s3-ap-northeast-1.amazonaws.com/data.binance.vision",
    help="Where the bucket is listed.",
)
files_url = _option(
    "--files-url",
    envvar="AVAILABILITY_FILES_URL",
    default="https://data.binance.vision",
    help="Where its files are downloaded from.",
)
workers = _option(
    "--workers",
    envvar="AVAILABILITY_WORKERS",
    type=click.IntRange(1, 512),
    default=32,
    help="Requests under way at once.",
)
today = _option(
    "--today",
    envvar="AVAILABILITY_TODAY",
    type=Day(),
    default=clock.today,
    help="The UTC day that counts as today.",
)
symbols = click.option(
    "--symbols",
    multiple=True,
    callback=split_symbols,
    metavar="A,B",
    help="Only these symbols, separated by commas; may be repeated. [default: all known]",
)
