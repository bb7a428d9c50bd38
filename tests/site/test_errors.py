"""Whatever cannot be answered is said in one form: ours, also where Datasette itself noticed."""

import subprocess
import sys
from collections.abc import Iterator

import html5lib
import pytest
import urllib3
from webapp.refusals import instead_of

from etl.serve import datasette_arguments
from tests.serving import Site, address_when_up

NOWHERE = [
    *("/availability/symbols/NOPE", "/availability/symbols/BTCUSDT,2024-01-01", "/availability/symbols/BTCUSDT/x/y"),
    *("/availability/build/17", "/availability/extents/NOPE/", "/availability/nothing", "/availability/nothing/x"),
    *("/nothing", "/nothing/at/all", "/static/nothing", "/availability/symbols/币", "/-/nothing"),
]


@pytest.mark.parametrize("path", NOWHERE)
def test_what_there_is_not_is_said_in_the_one_form(site: Site, path: str) -> None:
    told = site.get(f"{path.rstrip('/')}.json", 404).json()
    assert told.keys() == {"ok", "error", "errors", "status", "case", "docs"}
    assert (told["ok"], told["status"], told["case"], told["docs"]) == (False, 404, "not_found", "/api")
    assert told["errors"] == [told["error"]]
    page = site.get(path, 404)
    if not path.startswith("/-/"):
        html5lib.HTMLParser(strict=True).parse(page.data.decode())
        assert 'action="/search"' in page.data.decode()


@pytest.mark.parametrize(
    ("path", "status", "words"),
    [
        ("/availability/day_files.json?date=2024-02-30", 400, "which is no day"),
        ("/availability/day_files.json?date__exact=soon", 400, "which is no day"),
        ("/availability/absences.json?first_day=2024-1-1", 400, "which is no day"),
        ("/availability/absences.json?first_day=2031-01-01", 404, "lies in the future"),
        ("/availability/day_files.json?symbol=BTCUSTD", 404, "Did you mean BTCUSDT"),
        ("/availability/manifest.txt?limit=x", 400, "limit"),
        ("/-/databases.json", 404, "nothing"),
    ],
)
def test_a_filter_that_nothing_can_fit_is_refused_and_so_is_what_tells_of_the_machine(
    site: Site, path: str, status: int, words: str
) -> None:
    assert words in site.get(path, status).data.decode()


def test_a_websocket_is_refused_and_counted_as_nothing_broken(site: Site) -> None:
    upgrade = {
        "Connection": "Upgrade",
        "Upgrade": "websocket",
        "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": "AAAAAAAAAAAAAAAAAAAAAA==",
    }
    assert site.http.request("GET", site.url + "/", headers=upgrade, retries=False).status == 403


@pytest.mark.parametrize(
    ("accepted", "packed"),
    [
        ("gzip", True),
        ("br, gzip;q=0.5", True),
        ("gzip ; q=1.0, br", True),
        ("gzip;q=0", False),
        ("gzip ;q=0.0", False),
        ("gzip; q=0 , br", False),
        ("gzipfoo", False),
        ("identity", False),
    ],
)
def test_who_takes_no_gzip_gets_none(site: Site, accepted: str, *, packed: bool) -> None:
    headers = {"Accept-Encoding": accepted}
    answer = site.http.request("GET", site.url + "/about", headers=headers, preload_content=False, retries=False)
    assert (answer.headers.get("Content-Encoding") == "gzip") == packed
    answer.drain_conn()  # read, so that the next one finds a connection that is free


def test_a_row_that_there_is_not_is_named(site: Site) -> None:
    assert (
        site.get("/availability/symbols/um~2Fklines~2F1m,NOPE.json", 404).json()["error"]
        == "symbols has no row of dataset 'um/klines/1m', symbol 'NOPE'."
    )
    assert site.get("/availability/symbols/um~2Fklines~2F1m,BTCUSDT.json").json()["rows"]


@pytest.fixture(scope="module")
def hurried(site: Site, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """The same site with a time limit of a millisecond for SQL."""
    log = tmp_path_factory.mktemp("hurried") / "log"
    arguments = [*datasette_arguments(site.file), "--port", "0", "--setting", "sql_time_limit_ms", "1"]
    with (
        log.open("wb") as out,
        urllib3.PoolManager() as http,
        subprocess.Popen([sys.executable, "-m", "datasette", "serve", *arguments], stdout=out, stderr=out) as server,
    ):
        try:
            yield Site(address_when_up(server, log), site.file, http, server.pid)
        finally:
            server.terminate()


@pytest.mark.long
@pytest.mark.parametrize(
    "path", ["/coverage", "/symbol/BTCUSDT", "/availability/timespans", "/availability/day_files?condition=pending"]
)
def test_what_takes_too_long_is_ended_with_a_sentence(hurried: Site, path: str) -> None:
    assert "longer than the site allows" in hurried.get(path, 503).data.decode()


@pytest.mark.long
@pytest.mark.parametrize("path", ["/availability/coverage.json", "/availability/day_files.json?condition=pending"])
def test_and_programs_are_told_so_too(hurried: Site, path: str) -> None:
    told = hurried.get(path, 503).json()
    assert (told["case"], told["status"], told["docs"]) == ("too_slow", 503, "/api")


@pytest.mark.long
def test_a_stream_that_takes_too_long_does_not_begin(hurried: Site) -> None:
    assert hurried.get("/availability/day_files.csv?condition=pending", 503).data.startswith(b"This takes longer")


@pytest.mark.parametrize(
    ("status", "body", "case", "words"),
    [
        (400, b'{"ok": false, "error": "no such column: x"}', "bad_parameter", "no such column: x"),
        (400, b"<p>Invalid  <b>_sort</b></p>", "bad_parameter", "Invalid _sort"),
        (403, b"Forbidden", "sql_is_off", "Only the canned queries"),
        (404, b"404: File not found", "not_found", "There is nothing at /x."),
        (405, b"", "method_not_allowed", "Only GET and HEAD"),
        (500, b"Traceback: secret", "failed", "our mistake"),
        (400, b"\n SQL query took too long. The time limit ...", "too_slow", "ask for fewer days"),
        (500, b"(OperationalError(&#39;interrupted&#39;), ...)", "too_slow", "ask for fewer days"),
        (400, b"Invalid _sort: SQL query took too long", "bad_parameter", "Invalid _sort"),
    ],
)
def test_every_error_of_datasette_has_words_and_a_case(status: int, body: bytes, case: str, words: str) -> None:
    refusal = instead_of(status, "/x", body)
    assert refusal.case == case
    assert words in str(refusal)
    assert "secret" not in str(refusal)


def test_nothing_malformed_is_sent_as_a_link(site: Site) -> None:
    for path in ("/availability", "/availability/symbols", "/availability/day_files?symbol=BTCUSDT", "/"):
        link = site.get(path).headers.get("link")
        assert link is None or link.startswith(f"<{site.url}/availability"), link
    assert 'rel="alternate"' in site.get("/availability/symbols").headers["link"]
    odd = site.http.request("GET", f"{site.url}/availability/symbols?symbol=a<b>", headers={"Accept-Encoding": ""})
    assert odd.headers.get("link", "<").count("<") == 1
