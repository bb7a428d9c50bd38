"""The canned queries as an API: read strictly, answered whole, labelled, and never a 5xx."""

import csv
import gzip
import io
import json
import random
import re
import shutil
from pathlib import Path
from typing import Any
from urllib.parse import quote

import jsonschema
import pytest
import urllib3
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests import published
from tests.asked import Asked
from tests.serving import Site, serving
from tests.test_metadata import QUERIES
from tests.variants import first_few

NEEDED = {"timeline": f"symbol={published.LONG}"}


def rows_of(site: Site, path: str) -> list[dict[str, Any]]:
    return site.rows(f"/availability/{path}")


# -- every question, every format ------------------------------------------------------------------


@pytest.mark.parametrize("name", QUERIES)
def test_every_question_says_the_same_in_every_format(site: Site, name: str) -> None:
    asked = NEEDED.get(name, "")
    whole = site.get(f"/availability/{name}.json?{asked}").json()
    assert (whole["ok"], whole["truncated"], whole["next"]) == (True, False, None)
    assert whole["row_count"] == len(whole["rows"])
    array = rows_of(site, f"{name}.json?{asked}&_shape=array")
    lists = site.get(f"/availability/{name}.json?{asked}&_shape=arrays").json()["rows"]
    lines = [json.loads(line) for line in site.text(f"/availability/{name}.ndjson?{asked}").splitlines()]
    assert whole["rows"] == array == lines == [dict(zip(whole["columns"], row, strict=True)) for row in lists]
    written = list(csv.reader(io.StringIO(site.text(f"/availability/{name}.csv?{asked}"))))
    assert written == [whole["columns"], *([("" if v is None else str(v)) for v in row] for row in lists)]


@pytest.mark.parametrize("name", QUERIES)
def test_the_rows_are_those_of_the_query_in_its_order(site: Site, name: str) -> None:
    whole = site.get(f"/availability/{name}.json?{NEEDED.get(name, '')}&_shape=arrays".replace("?&", "?")).json()
    values = {**dict.fromkeys(QUERIES[name]["params"], ""), **whole["parameters"]}
    assert [tuple(row) for row in whole["rows"]] == site.stored(QUERIES[name]["sql"], **values)


@pytest.mark.parametrize("name", QUERIES)
def test_every_question_has_a_page_with_a_field_for_each_parameter(site: Site, name: str) -> None:
    page = site.text(f"/availability/{name}")
    for parameter in QUERIES[name]["params"]:
        assert re.search(rf'<(input|select)[^>]* name="{parameter}"', page), parameter
    assert "select " not in page.split("</title>")[0].lower()


# -- wrong questions -------------------------------------------------------------------------------

WRONG = [
    ("snapshot", "date=2024-02-30", 400, "bad_parameter", "which is no day: write YYYY-MM-DD"),
    ("snapshot", "date=2030-11-06", 404, "no_data", "which lies in the future: today is 2030-11-05, UTC"),
    ("timeline", "symbol=BTCUSDT&start=2031-01-01", 404, "no_data", "which lies in the future"),
    ("snapshot", "date=20240101", 400, "bad_parameter", "which is no day"),
    ("snapshot", "date=2024-01-01&date=2024-01-02", 400, "bad_parameter", "date is given more than once"),
    ("snapshot", "dat=2024-01-01", 400, "unknown_parameter", "There is no parameter 'dat'. Did you mean date?"),
    ("snapshot", "xyzzy=1", 400, "unknown_parameter", "It takes date"),
    ("timeline", "", 400, "bad_parameter", "symbol is needed"),
    ("timeline", "symbol=BTCUSTD", 404, "unknown_symbol", "Did you mean BTCUSDT"),
    ("timeline", "symbol=btcusdt", 404, "unknown_symbol", "Did you mean BTCUSDT"),
    ("timeline", "symbol=BTCUSDT&start=2024-02-01&end=2024-01-01", 400, "bad_parameter", "The range is reversed"),
    ("coverage", "symbol=QQQQ", 404, "unknown_symbol", "No symbol has 'QQQQ' in its name"),
    ("universe", "min_completeness=1.5", 400, "bad_parameter", "must lie from 0 to 1"),
    ("universe", "min_completeness=much", 400, "bad_parameter", "is no number"),
    ("universe", "kind=option", 400, "bad_parameter", "must be one of perpetual, delivery, settled, spot"),
    ("universe", "quote=usdt", 400, "bad_parameter", "must be one of USDT"),
    ("universe", "exclude_flat=maybe", 400, "bad_parameter", "must be 1 or 0"),
    ("manifest", "symbols=BTCUSDT,NONE", 404, "unknown_symbol", "There is no symbol 'NONE'"),
    ("gaps", "limit=0", 400, "bad_parameter", "must lie from 1 to"),
    ("gaps", "limit=1e3", 400, "bad_parameter", "is no integer"),
    ("gaps", "nodata=500", 400, "bad_parameter", "must be one of 204, 404"),
    ("events", "symbol=%00", 400, "bad_parameter", "holds a control character"),
    ("events", "symbol=%ff", 400, "bad_parameter", "not percent-encoded UTF-8"),
]


@pytest.mark.parametrize(("name", "asked", "status", "case", "words"), WRONG)
def test_a_wrong_question_gets_the_same_words_everywhere(
    site: Site, name: str, asked: str, status: int, case: str, words: str
) -> None:
    told = site.get(f"/availability/{name}.json?{asked}", status).json()
    assert told.keys() - {"near"} == {"ok", "error", "errors", "status", "case", "docs"}
    assert (told["ok"], told["status"], told["case"]) == (False, status, case)
    assert words in told["error"]
    assert " ".join(told["errors"]) == told["error"]
    assert site.get(f"/availability/{name}.csv?{asked}", status).data.decode() == f"{told['error']}\n"
    if asked and "limit" not in asked and "nodata" not in asked:
        page = site.get(f"/availability/{name}?{asked}", status)
        assert page.headers["content-type"].startswith("text/html")
        assert words.replace("'", "&#39;") in page.data.decode()


def test_several_errors_are_said_together(site: Site) -> None:
    told = site.get("/availability/range.json?start=x&end=2024-13-01&limit=-1", 400).json()
    assert len(told["errors"]) == 3


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "TRACE"])
def test_only_reading_is_answered(site: Site, method: str) -> None:
    answer = site.http.request(method, f"{site.url}/availability/gaps.json")
    assert (answer.status, answer.json()["case"]) == (405, "method_not_allowed")
    assert answer.headers["allow"] == "GET, HEAD, OPTIONS"


@pytest.mark.parametrize("path", ["/availability/gaps.json", "/", "/availability.db", "/static/site.css"])
def test_a_browser_is_told_that_scripts_of_any_site_may_read(site: Site, path: str) -> None:
    asked = {"Origin": "https://elsewhere.example", "Access-Control-Request-Method": "GET"}
    answer = site.http.request("OPTIONS", site.url + path, headers=asked)
    assert (answer.status, answer.data) == (204, b"")
    assert answer.headers["access-control-allow-origin"] == "*"
    assert answer.headers["access-control-allow-headers"] == "*"
    assert answer.headers["access-control-allow-methods"] == "GET, HEAD, OPTIONS"


# -- whole or saying so ----------------------------------------------------------------------------


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(limit=st.integers(1, 700), name=st.sampled_from(["coverage", "timespans", "manifest", "timeline"]))
def test_pages_of_any_size_make_up_the_whole(site: Site, limit: int, name: str) -> None:
    asked = NEEDED.get(name, "")
    whole = rows_of(site, f"{name}.json?{asked}&_shape=array".replace("?&", "?"))
    if limit * 30 < len(whole):
        limit = len(whole) // 30
    found: list[dict[str, Any]] = []
    following = f"/availability/{name}.json?{asked}&_shape=array&limit={limit}".replace("?&", "?")
    while following:
        answer = site.get(following)
        found += answer.json()
        link = re.fullmatch(r'<(.+)>; rel="next"', answer.headers.get("link", ""))
        assert (link is not None) == (answer.headers.get("availability-truncated") == "true")
        following = link[1] if link else ""
    assert found == whole


def test_an_answer_that_is_cut_says_so_in_a_field_too(site: Site) -> None:
    told = site.get("/availability/coverage.json?limit=10").json()
    assert (told["truncated"], told["row_count"]) == (True, 10)
    assert told["next"] == f"/availability/coverage.json?limit=10&offset=10&build={told['build_id']}"


@pytest.mark.parametrize(("nodata", "status"), [("", 200), ("204", 204), ("404", 404)])
def test_an_honest_empty_answer_looks_as_asked_for(site: Site, nodata: str, status: int) -> None:
    answer = site.get(f"/availability/gaps.json?symbol={published.LONG}&_shape=array&nodata={nodata}", status)
    assert answer.data == {200: b"[]", 204: b""}.get(status, answer.data)
    assert status != 404 or answer.json()["case"] == "no_data"


# -- the manifest ----------------------------------------------------------------------------------


def test_a_manifest_tells_totals_first_and_where_each_file_is(site: Site) -> None:
    asked = f"symbols={quote(published.CHINESE)},{published.DELIVERY}&end=2024-01-03"
    body = site.text(f"/availability/manifest.json?{asked}")
    told = json.loads(body)
    assert body.index('"totals"') < body.index('"rows"')
    assert told["totals"] == {"rows": 5, "file_size_bytes": 200_000}
    name = quote(published.CHINESE)
    assert told["rows"][3]["url"] == (f"http://files/data/futures/um/daily/klines/{name}/1m/{name}-1m-2024-01-01.zip")
    assert all(re.fullmatch("[0-9a-f]{32}", row["md5"]) for row in told["rows"])


def test_a_manifest_as_text_is_what_wget_and_aria2_read(site: Site) -> None:
    asked = f"symbols={published.DELIVERY}"
    rows = rows_of(site, f"manifest.json?{asked}&_shape=array")
    plain = site.get(f"/availability/manifest.txt?{asked}")
    assert plain.data.decode().splitlines() == [row["url"] for row in rows]
    assert plain.headers["availability-total-file-size-bytes"] == "120000"
    first, *lines = site.text(f"/availability/manifest.aria2?{asked}").splitlines()
    assert first.startswith("# 3 files, 120000 bytes; build ")
    assert lines[:3] == [rows[0]["url"], "  out=BTCUSDT_240329-2024-01-01.zip", f"  checksum=md5={rows[0]['md5']}"]


def test_a_manifest_of_nothing_in_particular_is_the_latest_day(site: Site) -> None:
    assert [row["date"] for row in rows_of(site, "manifest.json?_shape=array")] == ["2030-11-04"]


# -- labels, caches --------------------------------------------------------------------------------


def test_every_answer_carries_its_build(site: Site) -> None:
    ((build_id, built_at),) = site.stored("SELECT build_id, built_at FROM build")
    for path in (
        "/",
        "/availability/gaps.json",
        "/availability/gaps.csv",
        "/availability/day_files.json",
        "/symbol/NO",
    ):
        answer = site.http.request("GET", site.url + path)
        assert (answer.headers["availability-build"], answer.headers["availability-built-at"]) == (build_id, built_at)
    assert site.get("/availability/gaps.json").json()["build_id"] == build_id


def test_who_has_an_answer_gets_304(site: Site) -> None:
    first = site.get("/availability/coverage.json")
    again = site.http.request(
        "GET", f"{site.url}/availability/coverage.json", headers={"If-None-Match": first.headers["etag"]}
    )
    assert (again.status, again.data) == (304, b"")
    other = site.http.request("GET", f"{site.url}/availability/coverage.json", headers={"If-None-Match": 'W/"other"'})
    assert other.status == 200
    assert "max-age" in first.headers["cache-control"]


def test_an_answer_is_compressed_for_those_who_can_read_that(site: Site) -> None:
    with urllib3.PoolManager() as http:
        plain = http.request("GET", f"{site.url}/availability/coverage.json", decode_content=False)
        packed = http.request(
            "GET", f"{site.url}/availability/coverage.json", headers={"Accept-Encoding": "gzip"}, decode_content=False
        )
    assert packed.headers["content-encoding"] == "gzip"
    assert gzip.decompress(packed.data) == plain.data
    assert len(packed.data) * 5 < len(plain.data)
    assert plain.headers["vary"] == packed.headers["vary"] == "Accept-Encoding"


ANYTHING = [
    *("/", "/symbol/BTCUSDT", "/symbol/NOPE", "/static/site.css", "/openapi.json", "/changes.atom", "/-/healthz"),
    *("/availability/coverage.json", "/availability/symbols", "/availability/day_files.csv", "/availability.db"),
    *("/availability/nothing.csv", "/nothing.json"),
]


@pytest.mark.parametrize("path", ANYTHING)
def test_a_head_is_a_get_without_its_body(site: Site, path: str) -> None:
    whole = site.http.request("GET", site.url + path)
    head = site.http.request("HEAD", site.url + path)
    assert (head.status, head.data) == (whole.status, b"")
    varying = ("date", "transfer-encoding")
    assert {k: v for k, v in head.headers.items() if k not in varying} == {
        k: v for k, v in whole.headers.items() if k not in varying
    }


def test_a_download_is_labelled_and_can_be_looked_at_first(site: Site) -> None:
    whole, head = site.get("/availability.db"), site.http.request("HEAD", f"{site.url}/availability.db")
    assert whole.data == site.file.read_bytes()
    assert head.data == b""
    assert whole.headers["content-length"] == head.headers["content-length"] == str(len(whole.data))
    assert "transfer-encoding" not in whole.headers
    assert whole.headers["availability-build"] == site.stored("SELECT build_id FROM build")[0][0]


def test_nothing_sets_a_cookie_and_everything_is_guarded(site: Site) -> None:
    for path in (
        "/",
        "/availability",
        "/availability/day_files",
        "/availability/snapshot",
        "/symbol/BTCUSDT",
        "/nothing",
    ):
        headers = site.http.request("GET", site.url + path).headers
        assert "set-cookie" not in headers
        assert headers["x-content-type-options"] == "nosniff"
        assert "referrer-policy" in headers
        assert "frame-ancestors 'none'" in headers["content-security-policy"]
        explored = path in ("/availability/day_files", "/availability/snapshot")
        assert ("unsafe-eval" in headers["content-security-policy"]) == explored


# -- health, OpenAPI -------------------------------------------------------------------------------


def test_the_site_says_that_it_is_well(asked: Asked) -> None:
    with serving(asked.site_dir / "availability.db", AVAILABILITY_TODAY="2024-01-21") as well:
        told = well.get("/-/healthz").json()
        assert (told["status"], told["newest_complete_day"], told["age_days"]) == ("ok", "2024-01-20", 1)


def test_a_day_that_hardly_anybody_looked_at_is_not_complete(site: Site) -> None:
    assert site.get("/-/healthz", 503).json()["newest_complete_day"] == published.CROWDED  # one symbol is newer


@pytest.mark.long
def test_a_stale_site_says_so_with_503_and_a_broken_one_too(asked: Asked, tmp_path: Path) -> None:
    file = tmp_path / "availability.db"
    shutil.copy(asked.site_dir / "availability.db", file)
    with serving(file, AVAILABILITY_TODAY="2024-01-25") as stale:
        told = stale.get("/-/healthz", 503).json()
        assert (told["status"], told["age_days"]) == ("stale", 5)
        stale.get("/availability/gaps.json")
        file.rename(file.with_name("away"))
        for path in ("/-/healthz", "/-/metrics", "/availability/gaps.json", "/"):
            told = stale.get(path, 503).json()
            assert (told["case"], told["docs"], told["errors"]) == ("broken", "/api", [told["error"]])


def test_what_is_answered_is_what_openapi_promises(site: Site) -> None:
    document = site.get("/openapi.json").json()
    for name in QUERIES:
        operation = document["paths"][f"/availability/{name}.json"]["get"]
        schema = operation["responses"]["200"]["content"]["application/json"]["schema"]
        resolver = {**schema, "components": document["components"]}
        told = site.get(f"/availability/{name}.json?{NEEDED.get(name, '')}&limit=50".replace("?&", "?")).json()
        jsonschema.validate(told, resolver)
        jsonschema.validate(told["rows"], resolver)
        assert {each["name"] for each in operation["parameters"]} >= set(QUERIES[name]["params"])
        assert all(each["description"] for each in operation["parameters"])
    assert set(document["components"]["schemas"]) == {"Refusal", *QUERIES}


def test_openapi_declares_every_status_and_header(site: Site) -> None:
    document = site.get("/openapi.json").json()
    for path in ("/availability/coverage.json?limit=1", "/availability/manifest.json?limit=1"):
        responses = document["paths"][path.partition("?")[0]]["get"]["responses"]
        assert set(responses) == {"200", "204", "304", "400", "404", "405", "409", "414", "503"}
        sent = {name for name in site.get(path).headers if name.startswith("availability-")} | {"link", "etag"}
        assert sent <= {name.lower() for name in responses["200"]["headers"]}
        assert all("Availability-Build" in responses[status]["headers"] for status in responses)


@pytest.mark.long
def test_one_switch_allows_any_sql(site: Site) -> None:
    with serving(site.file, AVAILABILITY_ALLOW_SQL="1") as own:
        assert own.rows("/availability.json?sql=select+1+as+one&_shape=array") == [{"one": 1}]
        own.get("/availability.json?sql=select+1+as+one&_shape=array&surprise=1", 200)
        told = own.get("/availability.json?sql=select+nowhere", 400).json()
        assert (told["case"], told["error"], told["docs"]) == ("bad_parameter", "no such column: nowhere", "/api")
        assert 'name="sql"' in own.http.request("GET", f"{own.url}/availability?sql=select+nowhere").data.decode()
    site.get("/availability.json?sql=select+1", 403)


# -- hostility -------------------------------------------------------------------------------------

ODD = [
    *("[99999999999999999999]", '["\\ud800"]', "[" * 3_000, "²", "99999999999999999999999", ",", "gzip"),
    *("", " ", "'", '"', "';--", "1 OR 1=1", "' UNION SELECT sql FROM sqlite_master--", "%", "_", "*", "[", "[1", "{}"),
    *("\x00", "\x1f", "\r\nSet-Cookie: a=b", "\u202e", "\ud7ff", "😀", "İ", "ß", "币安人生USDT", "\ufffd", "a" * 5_000),
    *(
        "../../etc/passwd",
        "..%2f..%2fetc",
        "/",
        "//",
        "\\",
        "~",
        "~0",
        "%2e%2e",
        "%",
        "%zz",
        "%ff",
        "%00",
        "null",
        "NaN",
    ),
    *(
        "-1",
        "0",
        "1e999",
        "99999999999999999999",
        "0x10",
        "2024-01-15",
        "2024-02-30",
        "0000-00-00",
        "9999-12-31",
        "max",
    ),
    *(
        "day_files",
        "symbols",
        "sqlite_master",
        "build",
        "BTCUSDT",
        "BTCUSDT,2024-01-01",
        "true",
        "on",
        "<script>",
        "${7*7}",
    ),
]
NAMES = [
    *(
        "date",
        "symbol",
        "start",
        "end",
        "limit",
        "offset",
        "nodata",
        "_shape",
        "_nl",
        "_size",
        "_next",
        "_sort",
        "_where",
    ),
    *(
        "_sort_desc",
        "_facet",
        "_through",
        "_timelimit",
        "_json_infinity",
        "_ttl",
        "_trace",
        "_col",
        "_nocol",
        "_labels",
    ),
    *(
        "symbol__in",
        "symbol__gt",
        "date__date",
        "rowid",
        "sql",
        "_search",
        "_extras",
        "_filter_column",
        "_filter_op",
        "q",
    ),
]
PLACES = [
    *(
        f"/availability/{name}{suffix}"
        for name in QUERIES
        for suffix in ("", ".json", ".csv", ".ndjson", ".txt", ".xml")
    ),
    *("/", "/availability", "/availability.json", "/availability/day_files", "/availability/day_files.json", "/search"),
    *("/availability/symbols", "/availability/symbols.csv", "/availability/build", "/symbol/", "/day/", "/coverage"),
    *(
        "/changes",
        "/changes.atom",
        "/status",
        "/-/versions",
        "/-/threads",
        "/-/metadata.json",
        "/static/site.css",
        "/-/",
    ),
]


def hostile(seed: int) -> str:
    chance = random.Random(seed)
    path = chance.choice(PLACES)
    for _ in range(chance.choice([0, 0, 1, 2])):
        path += "/" + quote(chance.choice(ODD), safe=chance.choice(["", "/%", "%"]))
    pairs = [
        f"{quote(chance.choice([*NAMES, *ODD]))}={quote(chance.choice(ODD), safe=chance.choice(['', '%']))}"
        for _ in range(chance.choice([0, 1, 1, 2, 3]))
    ]
    address = path + ("?" + "&".join(pairs) if pairs else "")
    return address.encode("ascii", "ignore").decode().replace("\r", "").replace("\n", "")


@pytest.mark.parametrize("batch", first_few(range(10)))
def test_a_thousand_hostile_questions_get_a_4xx_or_an_answer(site: Site, batch: int) -> None:
    for seed in range(batch * 100, batch * 100 + 100):
        address = hostile(seed)
        answer = site.http.request("GET", site.url + address, redirect=False, retries=False)
        assert answer.status < 500, (answer.status, address)
        if address.partition("?")[0].endswith(".json") and answer.status >= 400:
            assert answer.json()["ok"] is False, address
        assert "set-cookie" not in answer.headers


def test_a_question_of_days_without_any_file_yet_says_so_in_every_form(site: Site) -> None:
    words = "No file of 2030-11-05 is known yet: the newest day with files is 2030-11-04"
    for question in ("snapshot.json?date=2030-11-05", "range.json?start=2030-11-05", "manifest.txt?start=2030-11-05"):
        answer = site.get(f"/availability/{question}")
        assert answer.headers["Availability-Note"].startswith(words), question
        page = site.text(f"/availability/{re.sub(r'[.][a-z]+[?]', '?', question)}")
        assert words in page, question
    assert site.get("/availability/snapshot.json?date=2030-11-05").json()["note"].startswith(words)
    told = site.get("/availability/snapshot.json?date=2030-11-05&nodata=404", 404).json()
    assert told["error"].startswith(words)
    for known in ("snapshot.json", "gaps.json?start=2030-11-04", "range.json?start=2030-11-04"):
        assert "note" not in site.get(f"/availability/{known}").json(), known


def test_questions_have_answers_where_something_happened(asked: Asked) -> None:
    with serving(asked.site_dir / "availability.db", AVAILABILITY_TODAY="2024-01-21") as site:
        for name in ("gaps", "revisions", "events", "freshness", "new", "universe"):
            assert rows_of(site, f"{name}.json?_shape=array"), name
        (gone,) = rows_of(site, "revisions.json?symbol=SOLUSDT&_shape=array")
        assert gone["change"] == "vanished"
