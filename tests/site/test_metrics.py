"""/-/metrics: what Prometheus reads, and that a cold answer is computed once for all who ask at the same moment."""

import asyncio
import re
import socket
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import urllib3
from datasette.app import Datasette
from prometheus_client.parser import text_string_to_metric_families
from webapp.directory import ALL_PAGES

from tests import published
from tests.serving import Site
from tests.test_metadata import METADATA

ROOT = Path(__file__).parents[2]
HOST = b"GET /availability/range.json?start=2024-01-01&end=%s HTTP/1.1\r\nHost: h\r\n\r\n"


def told(site: Site) -> dict[str, dict[tuple[str, ...], float]]:
    """Return every sample by its name and the values of its labels, in the order of their names."""
    samples: dict[str, dict[tuple[str, ...], float]] = {}
    for family in text_string_to_metric_families(site.text("/-/metrics")):
        for each in family.samples:
            samples.setdefault(each.name, {})[tuple(value for _, value in sorted(each.labels.items()))] = each.value
    return samples


def test_it_is_the_text_format_and_never_kept(site: Site) -> None:
    answer = site.get("/-/metrics")
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    assert answer.headers["cache-control"] == "no-cache"
    assert "etag" not in answer.headers
    site.get("/-/metrics?x=1", 400)


def test_it_tells_what_the_file_holds(site: Site) -> None:
    samples = told(site)
    for name, query in {
        "symbols": "SELECT count(*) FROM symbols",
        "days": "SELECT count(*) FROM daily_counts WHERE files > 0",
        "day_files": "SELECT count(*) FROM day_files",
        "gaps": "SELECT count(*) FROM gaps",
    }.items():
        assert samples[f"availability_{name}"] == {(): site.stored(query)[0][0]}, name
    ((build_id, built_at),) = site.stored("SELECT build_id, built_at FROM build")
    ((labels, one),) = samples["availability_build_info"].items()
    assert one == 1
    assert {build_id, built_at} <= set(labels)
    found = site.stored("SELECT code, dataset, severity, count(*) FROM findings GROUP BY 1, 2, 3")
    assert samples["availability_findings"] == {tuple(labels): count for *labels, count in found}
    health = site.get("/-/healthz", 503).json()
    assert samples["availability_newest_complete_day_age_days"] == {(): health["age_days"]}
    assert samples["availability_file_refused"] == {(): 0}


def test_requests_are_counted_by_kind_and_never_by_what_was_asked(site: Site) -> None:
    before = told(site).get("availability_request_duration_seconds_count", {})
    for path, status in (("/symbol/BTCUSDT", 200), ("/symbol/NOPE", 404), ("/availability/gaps.json", 200)):
        site.get(path, status)
    samples = told(site)
    after = samples["availability_request_duration_seconds_count"]
    for labels in (("symbol", "2xx"), ("symbol", "4xx"), ("answer", "2xx")):
        assert after[labels] >= before.get(labels, 0) + 1
    pages = {route.answer.__name__ for route in ALL_PAGES}
    others = {"download", "answer", "row", "data", "static", "system", "other", "preflight"}
    assert {kind for kind, _ in after} <= pages | others
    buckets = samples["availability_request_duration_seconds_bucket"]
    assert {(kind, status): count for (kind, edge, status), count in buckets.items() if edge == "+Inf"} == after


@pytest.mark.parametrize("leaving", [0, 5])
def test_a_question_that_many_ask_at_once_is_computed_once(site: Site, leaving: int) -> None:
    place = urlsplit(site.url)
    end = {0: b"2024-02-01", 5: b"2024-02-02"}[leaving]
    before = told(site)["availability_answers_total"]

    def ask(number: int) -> int:
        with socket.create_connection((str(place.hostname), int(place.port or 0))) as line:
            line.sendall(HOST % end)
            return 0 if number < leaving else int(line.recv(20).split()[1])

    with ThreadPoolExecutor(20) as pool:
        statuses = list(pool.map(ask, range(20)))
    assert statuses == [0] * leaving + [200] * (20 - leaving)
    after = told(site)["availability_answers_total"]
    gained = {source: after[source,] - before[source,] for source in ("computed", "shared", "remembered")}
    assert gained["computed"] == 1
    assert sum(gained.values()) >= 20 - leaving


async def ask_app(app: Any, path: str, query: str, statuses: list[int]) -> None:
    """Ask an application of this process, without a server around it."""

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: dict[str, Any]) -> None:
        if message["type"] == "http.response.start":
            statuses.append(message["status"])

    about = {"type": "http", "method": "GET", "scheme": "http", "http_version": "1.1", "headers": []}
    await app({**about, "path": path, "raw_path": path.encode(), "query_string": query.encode()}, receive, send)


async def here(site: Site) -> Datasette:
    """Start the site's file in this process."""
    settings = {"max_returned_rows": 50_000}
    places = {"plugins_dir": str(ROOT / "plugins"), "template_dir": str(ROOT / "templates")}
    datasette = Datasette(immutables=[str(site.file)], metadata=METADATA, settings=settings, **places)
    await datasette.invoke_startup()
    return datasette


def test_who_leaves_takes_nobody_along(site: Site) -> None:
    """Servers that end the work for readers who left, as some do, end it for them alone."""

    async def first_leaves() -> list[int]:
        datasette, statuses = await here(site), list[int]()
        app = datasette.app()
        asking = [asyncio.create_task(ask_app(app, "/coverage", "", statuses)) for _ in range(3)]
        await asyncio.sleep(0)
        assert datasette.availability.tally.shared == 2
        asking[0].cancel()
        ended = await asyncio.gather(*asking, return_exceptions=True)
        assert isinstance(ended[0], asyncio.CancelledError)
        assert datasette.availability.tally.computed == 1
        return statuses

    assert asyncio.run(first_leaves()) == [200, 200]


def test_more_questions_at_once_than_can_be_answered_soon_are_refused_and_nobody_else_waits(site: Site) -> None:
    async def many_ask() -> list[int]:
        app, statuses = (await here(site)).app(), list[int]()
        path = "/availability/snapshot.json"
        await asyncio.gather(*(ask_app(app, path, f"date=2024-01-15&limit={n}", statuses) for n in range(1, 41)))
        await ask_app(app, path, "date=2024-01-15&limit=40", statuses)
        return statuses

    assert asyncio.run(many_ask()) == [503] * 8 + [200] * 33


def test_every_metric_is_told_of_in_the_manual(site: Site) -> None:
    manual = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
    own = {
        each.name for each in text_string_to_metric_families(site.text("/-/metrics")) if each.name.startswith("avail")
    }
    missing = {name for name in own if not re.search(rf"`{name}(_total|_info)?`", manual)}
    assert missing == set()


def test_every_field_of_the_health_is_told_of_in_the_manual(site: Site) -> None:
    manual = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
    with urllib3.PoolManager() as http:
        health = http.request("GET", f"{site.url}/-/healthz").json()
    assert {name for name in health if f"`{name}`" not in manual} == set()
    assert {check["name"] for check in health["checks"] if f"`{check['name']}`" not in manual} == set()
    assert health["newest_complete_day"] == published.CROWDED
