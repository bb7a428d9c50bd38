"""/-/metrics: how fresh the data is and what the server did, for Prometheus (text format 0.0.4)."""

import datetime as dt
import sqlite3
from collections.abc import Iterator
from itertools import accumulate
from typing import Any

from datasette.utils.asgi import Request, Response
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    InfoMetricFamily,
    Metric,
)
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4, generate_latest
from prometheus_client.process_collector import ProcessCollector
from prometheus_client.registry import Collector, CollectorRegistry

from webapp.build import read_build, today
from webapp.health import apart
from webapp.refusals import Refusal, Said, as_json
from webapp.routing import respond
from webapp.tally import EDGES, Tally
from webapp.vocabulary import sql

ADDRESS = r"/-/metrics$"


class Told(Collector):
    """What was gathered for one look."""

    def __init__(self, metrics: list[Metric]) -> None:
        """Keep it."""
        self.metrics = metrics

    def collect(self) -> list[Metric]:
        """Return it."""
        return self.metrics


async def metrics(datasette: Any, request: Request) -> Response:
    """Answer with what is so now: nothing of it is remembered."""
    state = datasette.availability
    try:
        published = await apart(
            datasette, request, lambda con: list(of_the_file(con, today(), dt.datetime.now(dt.UTC)))
        )
    except Refusal as refusal:
        return respond(as_json(refusal))
    registry = CollectorRegistry()
    registry.register(Told([*published, *of_the_server(state), requests(state.tally)]))
    ProcessCollector(registry=registry)
    return respond(Said(generate_latest(registry), CONTENT_TYPE_PLAIN_0_0_4))


def of_the_file(con: sqlite3.Connection, day: dt.date, now: dt.datetime) -> Iterator[Metric]:
    """Yield what the published file says: how fresh it is, how much it holds, what the checks found."""
    build = read_build(con)
    built_at = dt.datetime.fromisoformat(build.built_at)
    newest = con.execute(sql("health")).fetchone()[0]
    if newest:
        begin = dt.datetime.fromisoformat(newest).replace(tzinfo=dt.UTC)
        yield _gauge(
            "newest_complete_day_timestamp_seconds", "Beginning of the newest complete day.", begin.timestamp()
        )
        age = (day - begin.date()).days
        yield _gauge("newest_complete_day_age_days", "Days from the newest complete day to today.", age)
    names = {"build_id": build.build_id, "built_at": build.built_at, "code_version": build.code_version}
    yield InfoMetricFamily("availability_build", "The build that is served.", names)
    yield _gauge("build_timestamp_seconds", "Time of the newest fact in the build.", built_at.timestamp())
    yield _gauge("build_age_seconds", "Seconds since the newest fact in the build.", (now - built_at).total_seconds())
    days, gaps = con.execute(sql("metrics")).fetchone()
    yield _gauge("symbols", "Symbols ever seen.", build.symbols)
    yield _gauge("days", "Days with files.", days)
    yield _gauge("day_files", "Day files held.", build.day_files)
    yield _gauge("gaps", "Gaps.", gaps)
    yield _gauge("gap_days", "Days missing in gaps.", build.gap_days)
    yield _gauge("failed_symbols", "Symbols whose newest listing did not complete.", build.failed_symbols)
    labels = ("code", "dataset", "severity")
    found = GaugeMetricFamily("availability_findings", "Findings of the checks.", labels=labels)
    for *values, count in con.execute(f"SELECT {', '.join(labels)}, count(*) FROM findings GROUP BY 1, 2, 3"):
        found.add_metric(values, count)
    yield found


def of_the_server(state: Any) -> Iterator[Metric]:
    """Yield what the server remembers, and how often it took a new file."""
    tally, current = state.tally, state.current
    answers = CounterMetricFamily("availability_answers", "Answers by how they came about.", labels=("source",))
    for source in ("remembered", "computed", "shared"):
        answers.add_metric((source,), getattr(tally, source))
    yield answers
    yield _gauge("remembered_answers", "Answers in memory.", len(state.answers))
    yield _gauge("remembered_bytes", "Bytes that they take at most.", state.answers.currsize)
    yield CounterMetricFamily("availability_swaps", "Files that took the place of another.", current.swaps)
    yield CounterMetricFamily("availability_refused_swaps", "Files that were refused to.", current.refusals)
    yield _gauge("file_refused", "1 while a newer file lies there and is refused.", int(current.refused is not None))


def requests(tally: Tally) -> Metric:
    """Return how many requests there were and how long they took, by family of the address and class of the status."""
    family = HistogramMetricFamily(
        "availability_request_duration_seconds", "Requests and their durations.", labels=("family", "status")
    )
    for (kind, first_digit), timed in sorted(tally.requests.items()):
        edges = [*(str(edge) for edge in EDGES), "+Inf"]
        buckets = list(zip(edges, accumulate(timed.counts), strict=True))
        family.add_metric((kind, f"{first_digit}xx"), buckets, timed.seconds)
    return family


def _gauge(name: str, told: str, value: float) -> Metric:
    return GaugeMetricFamily(f"availability_{name}", told, value)
