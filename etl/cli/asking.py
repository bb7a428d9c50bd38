"""Commands that ask what is published, or the warehouse itself; none of them writes anything."""

import datetime as dt

import click

from etl import options, queries
from etl.cli import answering, asking_archives
from etl.errors import UsageError


@click.group(cls=options.Sentences)
def query() -> None:
    """Ask what is published: as text, --json or --csv. Reads only, and never waits for a running update.

    \b
    Example:  availability query snapshot 2024-01-15 --json
    """


query.add_command(asking_archives.datasets)
query.add_command(asking_archives.vault_days)


@query.command()
@click.argument("date", type=options.Day())
@options.dataset
@answering.question
def snapshot(con: queries.Connection, form: str, date: dt.date, *, dataset: str) -> None:
    """Show every day file held of one day.

    \b
    Example:  availability query snapshot 2024-01-15
    """
    answering.say(con, form, queries.SnapshotRow, queries.snapshot(con, date, dataset=dataset))
    answering.warn_of_unlooked(con, dataset, date, date)


@query.command()
@click.argument("symbol")
@click.option("--start", type=options.Day(), help="First day. [default: the first there is]")
@click.option("--end", type=options.Day(), help="Last day. [default: the last there is]")
@options.dataset
@answering.question
def timeline(
    con: queries.Connection, form: str, symbol: str, start: dt.date | None, end: dt.date | None, *, dataset: str
) -> None:
    """Show every day file held of one symbol.

    \b
    Example:  availability query timeline BTCUSDT --start 2024-01-01 --csv
    """
    answering.say(con, form, queries.TimelineRow, queries.timeline(con, symbol, start, end, dataset=dataset))


@query.command("range")
@click.argument("start", type=options.Day())
@click.argument("end", type=options.Day())
@options.dataset
@answering.question
def date_range(con: queries.Connection, form: str, start: dt.date, end: dt.date, *, dataset: str) -> None:
    """Show every day file held from START to END, in few columns.

    \b
    Example:  availability query range 2024-01-01 2024-01-31 --csv
    """
    answering.say(con, form, queries.RangeRow, queries.date_range(con, start, end, dataset=dataset))
    answering.warn_of_unlooked(con, dataset, start, end)


@query.command()
@click.argument("symbol", required=False)
@options.dataset
@answering.question
def coverage(con: queries.Connection, form: str, symbol: str | None, *, dataset: str) -> None:
    """Show from when to when each symbol has files, and how whole that is.

    \b
    Example:  availability query coverage BTCUSDT
    """
    answering.say(con, form, queries.CoverageRow, queries.coverage(con, symbol, dataset=dataset))


@query.command()
@click.argument("symbol", required=False)
@answering.mergegaps
@options.dataset
@answering.question
def timespans(con: queries.Connection, form: str, symbol: str | None, mergegaps: int, *, dataset: str) -> None:
    """Show the unbroken runs of days held.

    \b
    Example:  availability query timespans BTCUSDT --mergegaps 2
    """
    answering.say(con, form, queries.TimespanRow, queries.timespans(con, symbol, mergegaps, dataset=dataset))


@query.command()
@click.argument("symbol", required=False)
@answering.mergegaps
@click.option("--no-data", is_flag=True, help="The names of symbols that were discovered and have no file at all.")
@options.dataset
@answering.question
def gaps(
    con: queries.Connection, form: str, symbol: str | None, *, mergegaps: int, no_data: bool, dataset: str
) -> None:
    """Show the runs of missing days between two days held.

    Symbols without any file have no gap; as text they are named below the table. With --no-data they are the answer,
    as JSON a sorted array of their names.

    \b
    Example:  availability query gaps ICPUSDT
    """
    if no_data:
        if symbol:
            raise UsageError("--no-data names every symbol without data: leave SYMBOL out.")
        answering.say_names(form, queries.no_data(con, dataset=dataset))
        return
    answering.say(con, form, queries.GapRow, queries.gaps(con, symbol, mergegaps, dataset=dataset))
    if form == "text":
        never = {row.symbol for row in queries.coverage(con, symbol, dataset=dataset) if row.looked_through is None}
        names = [name for name in queries.no_data(con, dataset=dataset) if symbol in {None, name}]
        answering.mention("no file held", [name for name in names if name not in never])
        answering.mention("never listed", [name for name in names if name in never])


@query.command()
@answering.days(needed=True)
@options.dataset
@answering.question
def new(con: queries.Connection, form: str, start: dt.date, end: dt.date | None, *, dataset: str) -> None:
    """Show the symbols whose first file is of START, or of a day from START to END.

    A symbol whose listings begin at its first file is left out: nobody knows whether there were earlier ones.

    \b
    Example:  availability query new 2024-01-01 2024-01-31
    """
    answering.say(con, form, queries.NewRow, queries.new(con, start, end, dataset=dataset))


@query.command()
@answering.days(needed=True)
@options.dataset
@answering.question
def ended(con: queries.Connection, form: str, start: dt.date, end: dt.date | None, *, dataset: str) -> None:
    """Show the symbols without any file from START on, or from a day from START to END on.

    The day is the first one known to have no file. A symbol that still gets flat files has not ended.

    \b
    Example:  availability query ended 2024-01-01 2024-01-31
    """
    answering.say(con, form, queries.EndedRow, queries.ended(con, start, end, dataset=dataset))


@query.command()
@answering.days(needed=False)
@options.dataset
@answering.question
def summary(con: queries.Connection, form: str, start: dt.date | None, end: dt.date | None, *, dataset: str) -> None:
    """Show each day of all symbols together: all of history, the day START, or START to END.

    \b
    Example:  availability query summary 2024-01-01 2024-01-31
    """
    answering.say(con, form, queries.SummaryRow, queries.summary(con, start, end or start, dataset=dataset))


@query.command()
@click.argument("symbol", required=False)
@click.option("--since", type=options.Day(), help="Detected on this day or later. [default: all]")
@options.dataset
@answering.question
def revisions(con: queries.Connection, form: str, symbol: str | None, since: dt.date | None, *, dataset: str) -> None:
    """Show files that changed after they were first seen.

    \b
    Example:  availability query revisions --since 2024-01-01
    """
    answering.say(con, form, queries.RevisionRow, queries.revisions(con, symbol, since, dataset=dataset))


@query.command()
@answering.days(needed=False)
@options.dataset
@answering.question
def freshness(con: queries.Connection, form: str, start: dt.date | None, end: dt.date | None, *, dataset: str) -> None:
    """Show how many hours after its end the files of a day were there; only days that were watched.

    \b
    Example:  availability query freshness
    """
    answering.say(con, form, queries.FreshnessRow, queries.freshness(con, start, end or start, dataset=dataset))


@query.command()
@click.option("--date", type=options.Day(), help="The one day.")
@click.option("--start", type=options.Day(), help="First day of a range.")
@click.option("--end", type=options.Day(), help="Last day of a range.")
@click.option("--min-completeness", type=click.FloatRange(0, 1), default=0, help="Least share of days held, 0 to 1.")
@click.option("--exclude-flat", is_flag=True, help="Leave out symbols without a traded day in the range.")
@click.option("--kind", help="Only perpetual, delivery or settled.")
@click.option("--quote", help="Only symbols priced in this, for example USDT.")
@options.dataset
@answering.question
def universe(  # noqa: PLR0913 - one question with all its conditions
    con: queries.Connection,
    form: str,
    *,
    date: dt.date | None,
    start: dt.date | None,
    end: dt.date | None,
    min_completeness: float,
    exclude_flat: bool,
    kind: str | None,
    quote: str | None,
    dataset: str,
) -> None:
    """Show the symbols there were on a day or in a range, those delisted since included.

    A symbol is in it when a file of it is held there. Each row names the build, so that the answer can be cited.

    \b
    Example:  availability query universe --date 2024-01-15 --exclude-flat --quote USDT
    Example:  availability query universe --start 2024-01-01 --end 2024-03-31 --min-completeness 0.99
    """
    first, last = _one_way(date, start, end)
    rows = queries.universe(
        con,
        first,
        last,
        min_completeness=min_completeness,
        exclude_flat=exclude_flat,
        kind=kind,
        quote=quote,
        dataset=dataset,
    )
    answering.say(con, form, queries.UniverseRow, rows)
    answering.warn_of_unlooked(con, dataset, first, last)


def _one_way(date: dt.date | None, start: dt.date | None, end: dt.date | None) -> tuple[dt.date, dt.date]:
    if date and not start and not end:
        return date, date
    if start and end and not date:
        return start, end
    raise UsageError("Give either --date, or --start and --end.")
