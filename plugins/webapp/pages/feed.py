"""The newest changes as an Atom feed (RFC 4287). Its ids hold no host name: wherever the site moves, nothing is new."""

import sqlite3
import uuid
from typing import NamedTuple
from xml.etree.ElementTree import Element, SubElement, tostring

from webapp.build import read_build
from webapp.refusals import Said
from webapp.routing import Asked
from webapp.vocabulary import day_url, size, sql, symbol_url

PATTERN = r"/changes\.atom$"
SHOWN = 100
_ATOM = "http://www.w3.org/2005/Atom"
_TITLE = "Market data availability: changes"


class Entry(NamedTuple):
    """One change; ``about`` is what makes it itself, and becomes its id."""

    about: tuple[str, ...]
    title: str
    summary: str
    updated: str  # RFC 3339, UTC
    path: str
    kind: str


def feed(asked: Asked) -> Said:
    """Write the feed."""
    newest = sorted(entries(asked.con), key=lambda entry: (entry.updated, entry.about), reverse=True)[:SHOWN]
    root = Element("feed", {"xmlns": _ATOM, "xml:lang": "en"})
    _text(root, "id", ident(asked.build.dataset, "changes"))
    _text(root, "title", _TITLE)
    _text(root, "updated", asked.build.built_at)
    SubElement(root, "link", rel="self", type="application/atom+xml", href=f"{asked.origin}/changes.atom")
    SubElement(root, "link", rel="alternate", type="text/html", href=f"{asked.origin}/changes")
    _text(SubElement(root, "author"), "name", "Market data availability")
    _text(root, "rights", f"{asked.build.license}. {asked.build.attribution}")
    for entry in newest:
        _entry(root, entry, asked.build.dataset, asked.origin)
    body: bytes = tostring(root, encoding="utf-8", xml_declaration=True)
    return Said(body, "application/atom+xml; charset=utf-8")


def ident(*about: str) -> str:
    """Return an id that the same thing always gets, and nothing else."""
    return uuid.uuid5(uuid.NAMESPACE_OID, "/".join(("market-data-availability", *about))).urn


def entries(con: sqlite3.Connection) -> list[Entry]:
    """Return the newest events and revisions; an event counts from the beginning of its day."""
    asked = {"dataset": read_build(con).dataset, "event": "", "limit": SHOWN}
    events = con.execute(sql("changes_events"), asked)
    revisions = con.execute(sql("changes_revisions"), asked)
    return [*map(_event, events), *map(_revision, revisions)]


def _event(row: sqlite3.Row) -> Entry:
    symbol, date, event = row["symbol"], row["date"], row["event"].replace("_", " ")
    seen = "" if row["watched"] else " It was history when this site first looked."
    known = row["detail"] or event
    return Entry(
        ("event", row["event"], date, symbol or ""),
        f"{symbol or 'The market'}: {event} on {date}",
        f"{known[:1].upper()}{known[1:]}.{seen}",
        f"{date}T00:00:00Z",
        symbol_url(symbol) if symbol else day_url(date),
        row["event"],
    )


def _revision(row: sqlite3.Row) -> Entry:
    symbol, date, change = row["symbol"], row["date"], row["change"]
    after = f", now {size(row['new_file_size_bytes'])}" if row["new_file_size_bytes"] is not None else ""
    return Entry(
        ("revision", change, row["detected_at"], date, symbol),
        f"{symbol}: file of {date} {change}",
        f"It was {size(row['old_file_size_bytes'])}{after}.",
        row["detected_at"],
        symbol_url(symbol),
        "revision",
    )


def _entry(root: Element, entry: Entry, dataset: str, origin: str) -> None:
    written = SubElement(root, "entry")
    _text(written, "id", ident(dataset, *entry.about))
    _text(written, "title", entry.title)
    _text(written, "updated", entry.updated)
    SubElement(written, "link", rel="alternate", type="text/html", href=f"{origin}{entry.path}")
    SubElement(written, "category", term=entry.kind)
    _text(written, "summary", entry.summary)


def _text(parent: Element, name: str, text: str) -> None:
    SubElement(parent, name).text = text
