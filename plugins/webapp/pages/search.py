"""Looking for a symbol by a part of its name: the one meant, a list to choose from, or the nearest names."""

import json
from urllib.parse import urlencode

from webapp.build import DATABASE
from webapp.parameters import Parameter, nearest
from webapp.refusals import Refusal, Said
from webapp.routing import Asked, Page
from webapp.vocabulary import sql, symbol_url

PATTERN = r"/search$"
SUGGESTIONS = r"/search\.json$"
PARAMETERS = (Parameter("q", "text", "A name or any part of it, upper or lower case."),)
SUGGESTED = 20
_FOUND, _NOT_FOUND = 302, 404
_ALL = -1


def search(asked: Asked) -> Page | Said:
    """Go to the symbol of that name, or list those that have it in their names."""
    part = str(asked.values["q"]).strip()
    if not part:
        return Page("search", {"part": "", "found": []})
    found = asked.con.execute(sql("search"), {"part": part, "limit": _ALL}).fetchall()
    if not found:
        near = nearest(asked.con, part)
        meant = "" if near else " The coverage lists all names."
        raise Refusal(_NOT_FOUND, "unknown_symbol", f"No symbol has {part[:60]!r} in its name.{meant}", near=near)
    if len({row["symbol"] for row in found}) == 1 or found[0]["symbol"].lower() == part.lower():
        address = symbol_url(found[0]["symbol"])
        return Said(b"", "text/plain; charset=utf-8", _FOUND, (("Location", address),))
    return Page("search", {"part": part, "found": found})


def suggestions(asked: Asked) -> Said:
    """Name symbols for somebody who is typing, those that begin so first: a few, and where all of them are."""
    part = str(asked.values["q"]).strip()
    found = asked.con.execute(sql("search"), {"part": part, "limit": _ALL}).fetchall() if part else []
    names = list(dict.fromkeys(row["symbol"] for row in found))
    everyone = f"/{DATABASE}/coverage.json?{urlencode({'symbol': part})}"
    told = {
        "symbols": names[:SUGGESTED],
        "total": len(names),
        "truncated": len(names) > SUGGESTED,
        "next": everyone if len(names) > SUGGESTED else None,
    }
    return Said(json.dumps(told, ensure_ascii=False).encode(), "application/json; charset=utf-8")
