"""Commands about builds: publish one, list them, go back to one, compare two."""

import datetime as dt
import json
from pathlib import Path
from typing import Any

import click

from etl import options, tables
from etl.checks import CATALOGUE, ERROR
from etl.errors import AvailabilityError, UsageError
from etl.publish import diff as comparing
from etl.publish import kept, run
from etl.publish.gates import Overrides
from etl.publish.golive import site_of

_CODES = [check.code for check in CATALOGUE if check.severity == ERROR]
_NAMES_SHOWN = 20
site_url = click.option(
    "--url",
    envvar="AVAILABILITY_SITE_URL",
    show_envvar=True,
    help="Where the site answers; asked after the flip, which is taken back where it does not answer well.",
)
target = click.option(
    "--target",
    "given",
    multiple=True,
    envvar="AVAILABILITY_TARGET",
    show_envvar=True,
    metavar="TARGET",
    help="Bring the build there too: a folder, user@host:/folder (rsync) or s3://bucket/prefix (aws). Repeatable.",
)
keep_builds = click.option(
    "--keep",
    type=click.IntRange(2, 1000),
    default=7,
    envvar="AVAILABILITY_KEEP",
    show_envvar=True,
    show_default=True,
    help="How many builds stay; the last of each month and the live one stay anyway.",
)
accept_code = click.option(
    "--accept",
    multiple=True,
    type=click.Choice(_CODES),
    envvar="AVAILABILITY_ACCEPT",
    show_envvar=True,
    help="Publish in spite of errors of this check; recorded. Repeatable.",
)


@click.command()
@options.warehouse
@options.site_dir
@options.today
@site_url
@target
@keep_builds
@accept_code
@click.option("--allow-shrink", is_flag=True, help="Publish in spite of fewer symbols or days than live; recorded.")
@click.option("--list", "listing", is_flag=True, help="Only list the builds that are kept, newest last.")
@click.option(
    "--rollback",
    is_flag=False,
    flag_value=run.PREVIOUS,
    metavar="[BUILD]",
    help="Only go back to the build before the live one, or to the one named.",
)
@click.option("--json", "as_json", is_flag=True, help="With --list: a JSON array on stdout.")
def publish(  # noqa: PLR0913 - a parameter for each option
    *,
    warehouse_path: Path,
    site_dir: Path,
    today: dt.date,
    url: str | None,
    given: tuple[str, ...],
    keep: int,
    accept: tuple[str, ...],
    allow_shrink: bool,
    listing: bool,
    rollback: str | None,
    as_json: bool,
) -> None:
    """Build, check and publish the site: built beside, judged, flipped in, proved, or taken back.

    A build that a gate refuses stays beside as SITE_DIR/refused-BUILD.db with a report; the old site stays.
    Where the live build holds the same, nothing happens.

    \b
    Example:  availability publish --url http://127.0.0.1:8001
    """
    if listing and rollback is not None:
        raise UsageError("--list and --rollback are two things: ask for one.")
    if as_json and not listing:
        raise UsageError("--json goes with --list.")
    if listing:
        _list(site_dir, as_json=as_json)
        return
    site = site_of(site_dir, url, given, keep)
    if rollback is not None:
        run.rollback(site, rollback, say=click.echo)
    else:
        overrides = Overrides(accept, allow_shrink)
        run.publish(site, warehouse_path, today=today, overrides=overrides, say=click.echo)


@click.command()
@click.argument("old")
@click.argument("new")
@options.site_dir
@options.dataset
@click.option("--json", "as_json", is_flag=True, help="One JSON object on stdout, with every day and file.")
def diff(old: str, new: str, *, site_dir: Path, dataset: str, as_json: bool) -> None:
    """Compare two builds of SITE_DIR, OLD and NEW: symbols, days, and files that are other ones now.

    A build is named as `publish --list` does, or `live`; refused ones can be compared too.

    \b
    Example:  availability diff 20240120T120000Z-0a1b2c3d live
    """
    before, after = (kept.chosen(site_dir, name, refused_too=True) for name in (old, new))
    found = comparing.difference(before, after, dataset)
    if as_json:
        click.echo(json.dumps(_plain(found), ensure_ascii=False))
        return
    click.echo(f"{found.old} -> {found.new}")
    click.echo(f"symbols    {_named(found.symbols_new, 'new')}; {_named(found.symbols_gone, 'gone')}")
    click.echo(f"days       {_days(found.days_added, 'added')}; {_days(found.days_gone, 'gone')}")
    changes = [each.change for each in found.revisions]
    click.echo(f"revisions  {changes.count('changed'):,} changed; {changes.count('touched'):,} touched")


def _list(site_dir: Path, *, as_json: bool) -> None:
    if not site_dir.is_dir():
        raise AvailabilityError(f"There is no folder {site_dir}: nothing was published there yet.")
    builds, damaged = kept.kept_builds(site_dir)
    live = kept.live_build(site_dir)
    rows = [kept.as_row(each, live) for each in builds]
    columns = ("build_id", "built_at", "symbols", "day_files", "last_day", "size_bytes", "live")
    write = tables.as_json if as_json else tables.as_text
    for line in write(columns, [tuple(row.values()) for row in rows]):
        click.echo(line)
    for sentence in damaged:
        click.echo(sentence, err=True)


def _plain(found: comparing.Difference) -> dict[str, Any]:
    return {
        name: [each._asdict() if hasattr(each, "_asdict") else each for each in value]
        if isinstance(value, list)
        else value
        for name, value in found._asdict().items()
    }


def _named(symbols: list[str], what: str) -> str:
    more = f" and {len(symbols) - _NAMES_SHOWN:,} more" if len(symbols) > _NAMES_SHOWN else ""
    return f"{len(symbols):,} {what}{': ' if symbols else ''}{', '.join(symbols[:_NAMES_SHOWN])}{more}"


def _days(rows: list[comparing.Days], what: str) -> str:
    if not rows:
        return f"0 {what}"
    first, last = min(each.first_day for each in rows), max(each.last_day for each in rows)
    return f"{sum(each.days for each in rows):,} {what} of {len(rows):,} symbols, {first}..{last}"
