"""How the rows of an answer are written: JSON in its shapes, lines of JSON, CSV, and the manifest as plain text."""

import csv
import io
import json
from collections.abc import Sequence
from typing import Any, NamedTuple

from webapp.build import DATABASE, Build
from webapp.parameters import Value
from webapp.questions import Question

TEXT = "text/plain; charset=utf-8"
_JSON = "application/json; charset=utf-8"
_LINES = "application/x-ndjson; charset=utf-8"
_OWN_CAPTURE = "This site's own capture of Coinbase's public feed."


class Rows(NamedTuple):
    """What a question found: each row in the form that the format needs, and what is told around the rows."""

    rows: list[Any]
    more: bool
    totals: dict[str, int]
    values: dict[str, Value]
    build: Build


def note(found: Rows) -> str:
    """Say why there are no rows of days that nobody can have files of yet; empty where that is not the reason."""
    asked, build = str(found.values.get("date") or found.values.get("start") or ""), found.build
    if found.rows or not build.last_day or asked <= build.last_day or _of_vault(found):
        return ""
    return (
        f"No file of {asked} is known yet: the newest day with files is {build.last_day},"
        f" the newest day looked at {build.looked_through}."
    )


def _of_vault(found: Rows) -> bool:
    return found.values.get("dataset", found.build.dataset) != found.build.dataset


def written(
    asked: Question, form: str, shape: str, found: Rows, following: str | None, *, lines: bool
) -> tuple[bytes, str]:
    """Return the body of an answer and its type."""
    if form == "csv":
        return _csv(asked, found.rows), "text/csv; charset=utf-8"
    if form in ("txt", "aria2"):
        return _manifest(found, form), TEXT
    if lines:
        return b"".join(b"%s\n" % row for (row,) in found.rows), _LINES
    if shape == "array":
        return b"[%s]" % b",".join(row for (row,) in found.rows), _JSON
    around = json.dumps(_around(asked, found, following), ensure_ascii=False).encode()
    rows = (
        b",\n".join(row for (row,) in found.rows)
        if shape == "objects"
        else b",\n".join(json.dumps(row, ensure_ascii=False).encode() for row in found.rows)
    )
    return b'%s, "rows": [%s]}' % (around[:-1], rows), _JSON


def _terms(found: Rows) -> dict[str, str | None]:
    """Return licence and attribution: those of the archive reach nothing that the vault holds."""
    if _of_vault(found):
        return {"license": None, "attribution": _OWN_CAPTURE}
    return {"license": found.build.license, "attribution": found.build.attribution}


def _around(asked: Question, found: Rows, following: str | None) -> dict[str, Any]:
    """Return what an answer says of itself; the totals come before the rows."""
    return {
        "ok": True,
        "database": DATABASE,
        "query_name": asked.name,
        "build_id": found.build.build_id,
        "built_at": found.build.built_at,
        **_terms(found),
        "parameters": {each.name: found.values[each.name] for each in asked.parameters},
        "columns": [each.name for each in asked.columns],
        "row_count": len(found.rows),
        **({"totals": found.totals} if found.totals else {}),
        **({"note": told} if (told := note(found)) else {}),
        "truncated": found.more,
        "next": following,
    }


def _csv(asked: Question, rows: Sequence[tuple[Any, ...]]) -> bytes:
    body = io.BytesIO()
    with io.TextIOWrapper(body, encoding="utf-8", newline="") as text:
        writer = csv.writer(text)
        writer.writerow(each.name for each in asked.columns)
        writer.writerows(rows)
        text.flush()
        return body.getvalue()


def _manifest(found: Rows, form: str) -> bytes:
    """Write addresses for `wget -i`, or an input file for aria2 that begins with the totals and verifies each file."""
    if form == "txt":
        return "".join(f"{url}\n" for url, *_ in found.rows).encode()
    size = found.totals["file_size_bytes"]
    lines = [f"# {found.totals['rows']} files, {size} bytes; build {found.build.build_id}"]
    for url, _, md5, symbol, date, _ in found.rows:
        lines += [url, f"  out={symbol}-{date}.zip", *([f"  checksum=md5={md5}"] if md5 else [])]
    return ("\n".join(lines) + "\n").encode()
