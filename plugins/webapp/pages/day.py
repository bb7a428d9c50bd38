"""One day: who is there, who is missing and why, who is new, who has gone."""

import datetime as dt
from itertools import groupby
from typing import Any

from markupsafe import Markup, escape

from webapp.pages.archives import ARCHIVE, about_archive
from webapp.parameters import read_day
from webapp.refusals import Refusal
from webapp.routing import Asked, Page
from webapp.vocabulary import size, sql, symbol_url

PATTERN = r"/day/(?P<date>[^/]+)$"
PARAMETERS = (ARCHIVE,)
_NEWEST = "SELECT max(date) FROM daily_counts WHERE dataset = ?"
_CONDITIONS = tuple(
    f'<td><span class="badge {kind}">{words}</span></td>'
    for kind, words in (
        ("available", "available"),
        ("flat", "available, flat"),
        ("degraded", "degraded, no_checksum"),
        ("degraded", "degraded, small_file"),
    )
)


def day(asked: Asked) -> Page:
    """Gather one day; a day that nobody can know of yet is refused."""
    first = _first_day(asked)
    date = _read(asked, first)
    about = about_archive(asked)
    newest = asked.con.execute(_NEWEST, [about["archive"]]).fetchone()[0]
    counts = asked.con.execute(sql("day_counts"), {"date": date, "dataset": about["archive"]}).fetchone()
    edges = _ask(asked, "day_edges", date)
    shown = {
        "date": date,
        "weekday": dt.date.fromisoformat(date).strftime("%A"),
        "counts": counts,
        "absent": _absent(asked, date),
        "first_files": [each["symbol"] for each in edges if each["is_first"]],
        "last_files": [each["symbol"] for each in edges if each["is_last"]],
        "events": _ask(asked, "day_events", date),
        "revisions": _ask(asked, "day_revisions", date),
        "previous": _beside(date, -1, first, newest),
        "following": _beside(date, 1, first, newest),
        "newest": newest,
        **_held(asked, date, about["elsewhere"]),
        **about,
    }
    return Page("day", shown)


def _first_day(asked: Asked) -> str:
    """Return the first day with a file of the archive that is shown."""
    query = "SELECT first_day FROM datasets WHERE dataset = ?"
    found = asked.con.execute(query, [asked.values["dataset"]]).fetchone()
    if found is None or found[0] is None:
        raise Refusal(404, "no_data", "No file of any day is known yet.")
    return str(found[0])


def _read(asked: Asked, first: str) -> str:
    try:
        date = read_day("date", asked.path["date"])
    except ValueError as error:
        raise Refusal(400, "bad_parameter", str(error)) from error
    if date < first:
        raise Refusal(404, "no_data", f"The archive has no files of {date}: its first day is {first}.")
    if date > asked.today:
        raise Refusal(404, "no_data", f"{date} is in the future: today is {asked.today}, UTC.")
    return date


def _ask(asked: Asked, name: str, date: str) -> list[Any]:
    return asked.con.execute(sql(name), {"date": date, "dataset": asked.values["dataset"]}).fetchall()


def _beside(date: str, step: int, first: str, newest: str) -> str | None:
    """Return the day before or after, where there is a page that says something of it."""
    beside = (dt.date.fromisoformat(date) + dt.timedelta(days=step)).isoformat()
    return beside if first <= beside <= newest else None


def _absent(asked: Asked, date: str) -> list[tuple[str, list[Any]]]:
    """Return the absences of a day by their reason, gaps first."""
    rows = _ask(asked, "day_absences", date)
    return [(reason, list(rows)) for reason, rows in groupby(rows, key=lambda row: row["reason"])]


def _held(asked: Asked, date: str, where: str) -> dict[str, Any]:
    """Return the files of a day as the bodies of one table, a body for each first letter, and the letters."""
    cursor = asked.con.cursor()
    cursor.row_factory = None
    files = cursor.execute(sql("day_files"), {"date": date, "dataset": asked.values["dataset"]}).fetchall()
    bodies, letters = [], []
    for letter, group in groupby(files, key=lambda file: _letter(file[0])):
        letters.append(letter)
        rows = "\n".join(_row(where, *file) for file in group)
        bodies.append(f'<tbody id="letter-{escape(letter)}">\n{rows}\n</tbody>')
    held = Markup("\n".join(bodies))  # noqa: S704 - names and times are escaped
    return {"held": held, "held_count": len(files), "letters": letters, "bytes_held": sum(file[1] for file in files)}


def _letter(symbol: str) -> str:
    """Return where a symbol stands in the index: its first letter, 0 for every digit, other for other scripts."""
    first = symbol[:1]
    if not first.isascii():
        return "other"
    return "0" if first.isdigit() else first


def _row(where: str, symbol: str, file_size_bytes: int, last_modified: str, state: int) -> str:
    """Write one row; a template would take four times as long for a thousand of them."""
    return (
        f'<tr><th scope="row"><a href="{symbol_url(symbol, where)}">{escape(symbol)}</a></th>'
        f'<td class="number">{size(file_size_bytes)}</td>{_CONDITIONS[state]}'
        f"<td>{escape(last_modified[:16].replace('T', ' '))}</td></tr>"
    )
