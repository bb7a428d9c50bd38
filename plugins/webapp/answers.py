"""The API: each canned query as JSON, lines of JSON, CSV and, for the manifest, plain text; whole, or saying so."""

import re
import sqlite3
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import parse_qsl, urlencode

from cachetools import LRUCache
from datasette.utils.asgi import Request, Response

from webapp.build import DATABASE, Build, read_build
from webapp.declared import declared
from webapp.parameters import Parameter, Value, read
from webapp.questions import Question, question
from webapp.refusals import Refusal, Said, as_text
from webapp.routing import refused, respond, within_limit
from webapp.written import TEXT, Rows, note, written

MOST_ROWS = 50_000
_SHOWN: dict[str, Value] = {"limit": 1000, "offset": 0}  # rows that a page can show and a phone can open
_NO_CONTENT, _NOT_FOUND = 204, 404

LIMIT = Parameter("limit", "integer", "Rows of one answer at most.", str(MOST_ROWS), (), 1, MOST_ROWS)
OFFSET = Parameter(
    "offset", "integer", "Rows to skip; next, the field and the header, carries it on.", "0", (), 0, 100_000_000
)
BUILD = Parameter(
    "build",
    "text",
    "Answer from this build or not at all (409), so that pages of one answer belong together; next names it.",
)
NODATA = Parameter(
    "nodata", "choice", "Status of an answer without rows: 204 or 404. Empty: 200 and no rows.", "", ("204", "404")
)
SHAPE = Parameter(
    "_shape",
    "choice",
    "objects (rows as objects, with the build around them), array (the objects alone) or arrays (rows as lists).",
    "objects",
    ("objects", "array", "arrays"),
)
LINES = Parameter("_nl", "flag", "1 with _shape=array: a line of JSON for each row.")
_STREAM = Parameter("_stream", "flag", "Accepted, and without effect: answers are whole anyway.")
_SIZE = Parameter("_size", "choice", "Accepted, and without effect: answers are whole anyway.", "", ("max",))
_DOWNLOAD = Parameter("_dl", "flag", "1 suggests to save the answer as a file.")
COMMON = (NODATA, LIMIT, OFFSET, BUILD)
OPTIONS: dict[str, tuple[Parameter, ...]] = {
    "json": (SHAPE, LINES, *COMMON),
    "ndjson": COMMON,
    "csv": (_STREAM, _SIZE, _DOWNLOAD, *COMMON),
    "txt": COMMON,
    "aria2": COMMON,
}


_TOTALS: LRUCache[tuple[Any, ...], dict[str, int]] = LRUCache(1000)


def routes(datasette: Any) -> list[tuple[str, Callable[..., Any]]]:
    """Return the address of the API as Datasette registers it: one for all canned queries."""
    names = "|".join(declared(datasette).get("queries", {}))
    return [
        (rf"/{DATABASE}/(?P<name>{names})\.(?P<format>{'|'.join(OPTIONS)})$", _view),
        (rf"/{DATABASE}/(?P<name>{names})$", _page),
    ]


async def _view(datasette: Any, request: Request) -> Response:
    name, form = request.url_vars["name"], request.url_vars["format"]
    asked = question(name)
    if asked is None:  # learnt at the start from the same metadata as the address
        raise LookupError(name)
    if form in ("txt", "aria2") and name != "manifest":
        return respond(as_text(Refusal(404, "not_found", f"Only the manifest answers as {form}.")))

    def fetch(con: sqlite3.Connection) -> Said:
        return answer(con, asked, form, request.query_string, request.path)

    try:
        return respond(await within_limit(datasette, fetch))
    except Refusal as refusal:
        return await refused(datasette, request, refusal)


async def _page(datasette: Any, request: Request) -> Response:
    """Show a question with its form and, where it is asked at all, the first of its rows."""
    asked = question(request.url_vars["name"])
    if asked is None:
        raise LookupError(request.path)

    def fetch(con: sqlite3.Connection) -> tuple[dict[str, Value], Rows | None]:
        if not request.query_string and any(each.required for each in asked.parameters):
            return dict.fromkeys((each.name for each in asked.parameters), ""), None
        values = read(request.query_string, asked.parameters, con)
        return values, _found(con, asked, {**values, **_SHOWN}, read_build(con), as_objects=False)

    try:
        values, found = await within_limit(datasette, fetch)
    except Refusal as refusal:
        return await refused(datasette, request, refusal)
    shown = {
        "database": DATABASE,
        "canned_query": asked.name,
        "metadata": {**declared(datasette)["queries"][asked.name], "title": asked.title},
        "named_parameter_values": values,
        "columns": [each.name for each in asked.columns],
        "display_rows": found.rows if found else [],
        "truncated": bool(found and found.more),
        "note": note(found) if found else "",
    }
    body = await datasette.render_template("query.html", shown, request, view_name="query")
    return Response.html(body)


def answer(con: sqlite3.Connection, asked: Question, form: str, query: str, path: str) -> Said:
    """Return the whole answer to a question; raises Refusal."""
    read_as = read(query, (*asked.parameters, *OPTIONS[form]), con)
    build = read_build(con)
    _insist(read_as["build"], build, f"{path}?{_from_the_start(query)}")
    lines = form == "ndjson" or bool(read_as.get("_nl"))
    shape = "array" if lines else str(read_as.get("_shape", ""))
    found = _found(con, asked, read_as, build, as_objects=form in ("json", "ndjson") and shape != "arrays")
    if found.more and form in ("txt", "aria2") and not re.search(r"(^|&)(limit|offset)=", query):
        whole = f"These are {found.totals['rows']:,} files, and a list that cannot say so holds {len(found.rows):,}"
        raise Refusal(400, "bad_parameter", f"{whole}: name symbols or days, or page by limit and offset.")
    if form == "aria2" and found.rows and found.rows[0][0].endswith("/"):
        told = f"A day of {read_as['dataset']} is a folder, which aria2 cannot fetch: manifest.txt names the folders."
        raise Refusal(_NOT_FOUND, "no_data", told)
    if not found.rows and read_as["nodata"]:
        return _empty(asked, int(read_as["nodata"]), note(found))
    following = f"{path}?{_next(query, int(read_as['offset']) + len(found.rows), build)}" if found.more else None
    body, content_type = written(asked, form, shape, found, following, lines=lines)
    return Said(body, content_type, 200, tuple(_headers(asked, form, found, following, read_as)))


def _found(
    con: sqlite3.Connection, asked: Question, values: dict[str, Value], build: Build, *, as_objects: bool
) -> Rows:
    """Run the query; for objects SQLite writes the JSON of each row itself, which takes no longer than a row does."""
    what = "*"
    if as_objects:
        members = ", ".join(f"'{each.name}', {each.name}" for each in asked.columns)
        what = f"CAST(json_object({members}) AS BLOB)"  # bytes: as text a Chinese name would double the whole
    limit = int(values["limit"])
    bound = {each.name: values[each.name] for each in asked.parameters}
    paged = f"SELECT {what} FROM ({asked.sql}\n) LIMIT :_rows OFFSET :_skip"
    cursor = con.cursor()
    cursor.row_factory = None  # tuples: Datasette's own rows cost more than the query
    rows = cursor.execute(paged, {**bound, "_rows": limit + 1, "_skip": values["offset"]}).fetchall()
    totals: dict[str, int] = {}
    if asked.totals:
        sums = ", ".join(f"coalesce(sum({each}), 0)" for each in asked.totals)
        names = ("rows", *asked.totals)
        key = (build.build_id, asked.name, *bound.values())
        if key not in _TOTALS:  # the same on every page of an answer
            summed = con.execute(f"SELECT count(*), {sums} FROM ({asked.sql}\n)", bound).fetchone()
            _TOTALS[key] = dict(zip(names, summed, strict=True))
        totals = _TOTALS[key]
    return Rows(rows[:limit], len(rows) > limit, totals, values, build)


def _empty(asked: Question, status: int, why: str) -> Said:
    if status == _NO_CONTENT:
        return Said(b"", TEXT, _NO_CONTENT, _noted(why))
    raise Refusal(_NOT_FOUND, "no_data", why or f"{asked.title}: there are no rows for this question.")


def _noted(why: str) -> tuple[tuple[str, str], ...]:
    return (("Availability-Note", why),) if why else ()


def _insist(wanted: Value, build: Build, start: str) -> None:
    """Raise a Refusal where the pages before this one are of another build."""
    if wanted not in ("", build.build_id):
        told = f"build is {str(wanted)[:60]!r}, and the site now answers from {build.build_id}: start again at {start}."
        raise Refusal(409, "build_changed", told)


def _next(query: str, offset: int, build: Build) -> str:
    return _from_the_start(query, ("offset", offset), ("build", build.build_id))


def _from_the_start(query: str, *more: tuple[str, str | int]) -> str:
    """Return a question without the place in its answer, and with what is given instead."""
    pairs = [pair for pair in parse_qsl(query, keep_blank_values=True) if pair[0] not in ("offset", "build")]
    return urlencode([*pairs, *more])


def header_name(column: str) -> str:
    """Write a column as headers are written: file_size_bytes as File-Size-Bytes."""
    return column.replace("_", "-").title()


def _headers(
    asked: Question, form: str, found: Rows, following: str | None, values: Mapping[str, Value]
) -> list[tuple[str, str]]:
    headers = [("Availability-Rows", str(len(found.rows))), *_noted(note(found))]
    headers += [(f"Availability-Total-{header_name(name)}", str(n)) for name, n in found.totals.items()]
    if following:
        headers += [("Availability-Truncated", "true"), ("Link", f'<{following}>; rel="next"')]
    if values.get("_dl"):
        headers.append(("Content-Disposition", f'attachment; filename="{asked.name}.{form}"'))
    return headers
