"""The pages through a real server: valid, linked, whole, and honest about what they do not know."""

import html
import re
from collections.abc import Iterator
from urllib.parse import quote, urljoin
from xml.etree import ElementTree as ET

import html5lib
import pytest

from tests import published
from tests.asked import Asked
from tests.serving import Site, serving

PAGES = [
    *("/", "/symbol/BTCUSDT", f"/symbol/{quote(published.CHINESE)}", "/symbol/NEW1USDT", "/symbol/BLZUSDT"),
    *(
        "/day/2024-01-15",
        "/day/2024-01-20",
        "/coverage",
        "/coverage?sort=gaps&ended=yes",
        "/changes",
        "/status",
        "/about",
    ),
    *("/api", "/search", "/search?q=USDT", "/availability/timeline", "/availability/gaps?symbol=HOLEUSDT"),
    *("/availability", "/availability/day_files", "/availability/symbols/um~2Fklines~2F1m,BTCUSDT"),
]


@pytest.fixture(scope="module")
def place(asked: Asked) -> Iterator[Site]:
    with serving(asked.site_dir / "availability.db", AVAILABILITY_TODAY="2024-01-21") as site:
        yield site


@pytest.mark.parametrize("path", PAGES)
def test_a_page_is_valid_html(place: Site, path: str) -> None:
    html5lib.HTMLParser(strict=True).parse(place.text(path))


@pytest.mark.parametrize(
    "path", ["/symbol/BTCUSTD", "/day/2024-02-30", "/nothing", "/coverage?sort=x", "/changes?event=x"]
)
def test_a_wrong_address_gets_a_valid_page_that_helps(place: Site, path: str) -> None:
    answer = place.http.request("GET", place.url + path)
    assert 400 <= answer.status < 500
    text = answer.data.decode()
    html5lib.HTMLParser(strict=True).parse(text)
    assert 'action="/search"' in text


@pytest.mark.parametrize(
    ("written", "to"),
    [
        ("/coverage/", "/coverage"),
        ("/coverage/?sort=gaps", "/coverage?sort=gaps"),
        ("/day/2024-01-15//", "/day/2024-01-15"),
        ("/availability/", "/availability"),
        ("/availability/day_files/", "/availability/day_files"),
    ],
)
def test_a_slash_at_the_end_leads_to_the_address_without(place: Site, written: str, to: str) -> None:
    answer = place.http.request("GET", place.url + written, redirect=False)
    assert (answer.status, answer.headers["location"]) == (301, to)


@pytest.mark.parametrize("written", ["/nothing/", "//coverage/", "//evil.example/", "/availability/nothing/"])
def test_a_slash_at_the_end_of_nothing_leads_nowhere(place: Site, written: str) -> None:
    assert "location" not in place.get(written, 404).headers


def test_a_refusal_repeats_no_long_address(place: Site) -> None:
    page = place.get(f"/{'a' * 3000}", 404).data.decode()
    assert f"/{'a' * 99}…" in page
    assert "a" * 101 not in page


def test_a_host_that_is_none_is_refused_in_the_form_that_was_asked_for(place: Site) -> None:
    wrong = {"Host": "a b"}
    page = place.http.request("GET", place.url + "/coverage", headers=wrong)
    assert (page.status, page.headers["content-type"]) == (400, "text/html; charset=utf-8")
    html5lib.HTMLParser(strict=True).parse(page.data.decode())
    told = place.http.request("GET", place.url + "/availability/gaps.json", headers=wrong)
    assert (told.status, told.json()["error"]) == (400, "The Host header names no host.")


def test_a_table_is_counted_whole_on_its_page(place: Site) -> None:
    ((count,),) = place.stored("SELECT count(*) FROM day_files")
    assert f"{count:,} rows" in place.text("/availability/day_files")


def test_a_table_as_csv_is_labelled_as_an_answer_is(place: Site) -> None:
    address = f"{place.url}/availability/extents.csv"
    answer = place.http.request("GET", address, headers={"Accept-Encoding": "gzip"})
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert answer.headers["content-encoding"] == "gzip"
    ((count,),) = place.stored("SELECT count(*) FROM extents")
    assert len(answer.data.decode().splitlines()) == count + 1
    same = place.http.request("GET", address, headers={"If-None-Match": answer.headers["etag"]})
    assert same.status == 304


def test_an_unknown_symbol_gets_the_nearest_names(place: Site) -> None:
    assert 'href="/symbol/BTCUSDT"' in place.get("/symbol/BTCUSTD", 404).data.decode()


@pytest.mark.parametrize(
    ("words", "status", "to"), [("btcusdt", 302, "/symbol/BTCUSDT"), ("usdt", 200, ""), ("xyzzy", 404, "")]
)
def test_a_search_leads_on(place: Site, words: str, status: int, to: str) -> None:
    answer = place.http.request("GET", f"{place.url}/search?q={words}", redirect=False)
    assert (answer.status, answer.headers.get("location", "")) == (status, to)


def test_suggestions_are_few_and_contain_what_was_typed(site: Site) -> None:
    told = site.get("/search.json?q=a0").json()
    assert len(told["symbols"]) == 20
    assert all("A0" in name for name in told["symbols"])
    assert (told["total"], told["truncated"]) == (1000, True), "nothing is cut in silence"
    assert len(site.get(told["next"]).json()["rows"]) == told["total"]
    assert site.get("/search.json?q=btcusdt").json() == {
        "symbols": [published.LONG, published.DELIVERY],
        "total": 2,
        "truncated": False,
        "next": None,
    }


def test_a_symbol_tells_its_gaps_with_cause_and_evidence(place: Site) -> None:
    page = place.text("/symbol/HOLEUSDT")
    gaps = place.rows("/availability/gaps.json?symbol=HOLEUSDT&_shape=array")
    assert len(gaps) == 2
    for gap in gaps:
        assert gap["first_day"] in page
        assert gap["reason"] in page
        assert gap["looked_at"] in page


def test_what_nobody_looked_at_is_not_called_missing(place: Site) -> None:
    page = place.text("/symbol/NEW1USDT")
    assert "missing" not in page.split("<main")[1].split("</main>")[0].lower()


def test_a_day_tells_who_is_missing_and_links_its_neighbours(place: Site) -> None:
    page = place.text("/day/2024-01-16")
    assert 'href="/symbol/HOLEUSDT"' in page
    assert all(f'href="/day/{day}"' in page for day in ("2024-01-15", "2024-01-17"))


def test_crawlers_are_told_what_there_is_and_what_to_leave(place: Site) -> None:
    robots = place.text("/robots.txt")
    assert f"Sitemap: {place.url}/sitemap.xml" in robots
    assert "Disallow: /*?" in robots
    root = ET.fromstring(place.text("/sitemap.xml"))
    entries = [(each[0].text or "", each[1].text or "") for each in root]
    assert f"{place.url}/symbol/BTCUSDT" in dict(entries)
    assert all(re.fullmatch(r"\d{4}-\d\d-\d\d(T.+Z)?", changed) for _, changed in entries)


@pytest.mark.long
def test_every_link_from_home_to_depth_three_leads_somewhere(place: Site) -> None:
    seen, layer = {"/"}, ["/"]
    for _ in range(4):
        following: list[str] = []
        for path in layer:
            answer = place.http.request("GET", place.url + path, retries=False)
            assert answer.status < 400, (answer.status, path)
            if "html" in answer.headers.get("content-type", ""):
                fresh = [link for link in links(answer.data.decode(), path) if link not in seen]
                following += fresh
                seen.update(fresh)
        layer = sample(following)
    assert len(seen) > 100


MAIN = ("/", "/about", "/api", "/status", "/changes", "/coverage")
MOST_PAGES, MOST_ROWS, DEPTH = 600, 100, 3


@pytest.mark.long
def test_no_link_of_the_main_pages_is_broken_nor_one_behind_them(place: Site) -> None:
    """All links of the main pages, and what they lead to, as far as 600 addresses go; places in a page exist, too."""
    depths = dict.fromkeys(MAIN, 1)
    waiting, bodies = list(MAIN), {}
    while waiting and len(bodies) < MOST_PAGES:
        path = waiting.pop(0)
        answer = place.http.request("GET", place.url + path, retries=False)
        assert answer.status < 400, (answer.status, path)
        bodies[path] = text = answer.data.decode() if "html" in answer.headers.get("content-type", "") else ""
        rows = text.split("<tr", MOST_ROWS + 1)
        fresh = [link for link in links("<tr".join(rows[: MOST_ROWS + 1]), path) if link not in depths]
        if depths[path] < DEPTH:
            depths.update(dict.fromkeys(fresh, depths[path] + 1))
            waiting += fresh
    assert set(MAIN) < set(bodies)
    assert all(depth > 2 for path, depth in depths.items() if path not in bodies), "not all links of the main pages"
    for path in MAIN:
        for target, _, name in (each.partition("#") for each in re.findall(r'href="([^"]*#[^"]+)"', bodies[path])):
            found = bodies.get(html.unescape(urljoin(path, target)))
            assert found is None or f'id="{name}"' in found, (path, target, name)


def links(text: str, path: str) -> list[str]:
    """Return the local addresses that a page leads to, without their fragments."""
    found = re.findall(r'<a [^>]*href="([^"]+)"', text)
    found += re.findall(r'<(?:link|script|img)[^>]* (?:href|src)="([^"]+)"', text)
    local = [html.unescape(each).partition("#")[0] for each in found if not each.startswith(("http", "mailto:"))]
    return list(dict.fromkeys(urljoin(path, each) for each in local if each))


def sample(found: list[str]) -> list[str]:
    """Of addresses that differ only in a name or a day take three of each kind: the pages are the same."""
    kinds: dict[str, list[str]] = {}
    for each in dict.fromkeys(found):
        kinds.setdefault(re.sub(r"[A-Z0-9%_]{3,}|\d{4}-\d\d-\d\d|=[^&]*", "*", each), []).append(each)
    return [each for kind in kinds.values() for each in kind[:3]]
