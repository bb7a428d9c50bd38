"""The Atom feed, the sitemap and robots.txt: well-formed, and the same things keep the same names."""

import datetime as dt
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from urllib.parse import unquote, urlsplit
from xml.etree import ElementTree as ET

import pytest
from webapp.build import read_build
from webapp.pages import crawlers, feed
from webapp.routing import Asked as Question

from tests.asked import NEVER_LISTED, Asked

ATOM = "{http://www.w3.org/2005/Atom}"
MAP = "{http://www.sitemaps.org/schemas/sitemap/0.9}"
HERE, ELSEWHERE = "https://here.example", "http://elsewhere.example:8001"


@pytest.fixture
def con(asked: Asked) -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(f"file:{asked.site_dir / 'availability.db'}?mode=ro", uri=True)) as con:
        con.row_factory = sqlite3.Row
        yield con


def question(con: sqlite3.Connection, origin: str = HERE) -> Question:
    build = read_build(con)
    return Question(con, {}, {}, build, build.today, origin)


def written(con: sqlite3.Connection, origin: str = HERE) -> ET.Element:
    said = feed.feed(question(con, origin))
    assert said.content_type == "application/atom+xml; charset=utf-8"
    return ET.fromstring(said.body)


def ids(root: ET.Element) -> list[str]:
    return [each.text or "" for each in root.iter(f"{ATOM}id")]


def test_the_feed_has_what_rfc_4287_demands(con: sqlite3.Connection) -> None:
    root = written(con)
    assert root.tag == f"{ATOM}feed"
    for name in ("id", "title", "updated", "author", "rights"):
        assert len(root.findall(f"{ATOM}{name}")) == 1, name
    relations = {each.get("rel"): each.get("href") for each in root.findall(f"{ATOM}link")}
    assert relations == {"self": f"{HERE}/changes.atom", "alternate": f"{HERE}/changes"}
    entries = root.findall(f"{ATOM}entry")
    assert 5 < len(entries) <= feed.SHOWN
    for entry in entries:
        for name in ("id", "title", "updated", "summary", "link"):
            assert len(entry.findall(f"{ATOM}{name}")) == 1, name
        assert entry.findtext(f"{ATOM}title")


def test_its_times_are_rfc_3339_and_newest_first(con: sqlite3.Connection) -> None:
    root = written(con)
    times = [str(each.text) for each in root.iter(f"{ATOM}updated")]
    for time in times:
        assert dt.datetime.strptime(time, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=dt.UTC)
    assert times[1:] == sorted(times[1:], reverse=True)


def test_its_ids_are_unique_and_do_not_know_the_host(con: sqlite3.Connection) -> None:
    here, elsewhere = ids(written(con)), ids(written(con, ELSEWHERE))
    assert here == elsewhere
    assert len(here) == len(set(here))
    assert all(each.startswith("urn:uuid:") for each in here)


def test_an_id_never_changes() -> None:
    """A reader that gets another id for the same change shows it again."""
    about = ("um/klines/1m", "event", "listed", "2024-01-15", "HOLEUSDT")
    assert feed.ident(*about) == "urn:uuid:9f1824ff-e904-5314-9be9-6dba12c9e27b"


def test_it_tells_revisions_and_events_and_leads_to_their_pages(con: sqlite3.Connection) -> None:
    entries = {
        str(each.findtext(f"{ATOM}title")): each.find(f"{ATOM}link") for each in written(con).findall(f"{ATOM}entry")
    }
    link = entries["BTCUSDT: file of 2024-01-15 changed"]
    assert link is not None
    assert link.get("href") == f"{HERE}/symbol/BTCUSDT"
    assert "SOLUSDT: file of 2024-01-16 vanished" in entries
    assert "HOLEUSDT: listed on 2024-01-15" in entries


def test_the_sitemap_names_every_symbol_and_the_newest_days(con: sqlite3.Connection) -> None:
    said = crawlers.sitemap(question(con))
    root = ET.fromstring(said.body)
    places = {str(each.findtext(f"{MAP}loc")): str(each.findtext(f"{MAP}lastmod")) for each in root}
    assert all(place.startswith(f"{HERE}/") for place in places)
    paths = {unquote(urlsplit(place).path): changed for place, changed in places.items()}
    assert len(paths) == len(root)
    assert all(dt.datetime.fromisoformat(changed) for changed in paths.values())
    for (symbol,) in con.execute("SELECT symbol FROM symbols"):
        assert f"/symbol/{symbol}" in paths
    assert f"/symbol/{NEVER_LISTED[0]}" in paths
    assert paths["/day/2023-12-30"] == "2024-01-03"
    assert paths["/"] == read_build(con).built_at


def test_a_symbol_has_changed_when_anything_of_it_has(con: sqlite3.Connection) -> None:
    root = ET.fromstring(crawlers.sitemap(question(con)).body)
    changed = {str(each.findtext(f"{MAP}loc")): str(each.findtext(f"{MAP}lastmod")) for each in root}

    def last(query: str) -> str:
        return str(con.execute(query).fetchone()[0])[:10]

    vanished = last("SELECT max(detected_at) FROM revisions WHERE symbol = 'SOLUSDT'")
    ended = last("SELECT max(date) FROM events WHERE symbol = 'WAVESUSDC'")
    assert vanished > last("SELECT latest FROM extents WHERE symbol = 'SOLUSDT'")
    assert ended > last("SELECT latest FROM extents WHERE symbol = 'WAVESUSDC'")
    assert changed[f"{HERE}/symbol/SOLUSDT"] == vanished
    assert changed[f"{HERE}/symbol/WAVESUSDC"] == ended


def test_robots_leave_questions_alone_and_find_the_sitemap(con: sqlite3.Connection) -> None:
    lines = crawlers.robots(question(con)).body.decode().splitlines()
    assert "Disallow: /*?" in lines
    assert "Disallow: /availability" in lines
    assert lines[-1] == f"Sitemap: {HERE}/sitemap.xml"
