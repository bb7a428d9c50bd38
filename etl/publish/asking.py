"""Ask a running site, ours of a moment or the live one, and tell in a sentence what is wrong with an answer."""

import time
from typing import NamedTuple
from urllib.parse import quote

import urllib3

from etl.errors import UsageError

_OK = 200
_TIMEOUT = 30.0  # seconds that one answer may take
_PAUSE = 0.1
_SHOWN = 200  # characters of a wrong answer


class Answer(NamedTuple):
    """What came back, or why nothing did."""

    url: str
    status: int  # 0 = nothing came
    build_id: str  # that the answer names, "" where it names none
    body: bytes


def checked_url(url: str) -> str:
    """Return the address of a site without a slash at its end; UsageError where it is none."""
    parts = urllib3.util.parse_url(url)
    if parts.scheme not in ("http", "https") or not parts.host:
        raise UsageError(f"{url} is no address of a site: write http://host:port or https://host.")
    return url.rstrip("/")


def ask(http: urllib3.PoolManager, url: str, seconds: float = _TIMEOUT) -> Answer:
    """Fetch an address once, past any cache on the way."""
    try:
        reply = http.request("GET", url, retries=False, timeout=seconds, headers={"Cache-Control": "no-cache"})
    except urllib3.exceptions.HTTPError as error:
        return Answer(url, 0, "", str(error).encode())
    return Answer(url, reply.status, reply.headers.get("availability-build", ""), reply.data)


def wrong(answer: Answer, build_id: str) -> str | None:
    """Tell what is wrong with an answer that the build should have given, None where nothing is."""
    if answer.status == 0:
        return f"{answer.url}: no answer: {_text(answer)}"
    if answer.build_id not in ("", build_id):
        return f"{answer.url}: answered by {answer.build_id}, not by {build_id}"
    if answer.status != _OK:
        return f"{answer.url}: HTTP {answer.status}: {_text(answer)}"
    return None if answer.build_id else f"{answer.url}: the answer names no build"


def wrong_health(answer: Answer, build_id: str) -> str | None:
    """Tell what /-/healthz says instead of this build; a stale archive (503) is no fault of the build."""
    if answer.build_id == build_id and f'"{build_id}"'.encode() in answer.body:
        return None
    return wrong(answer, build_id) or f"{answer.url}: it does not name the build: {_text(answer)}"


def until_it_reports(http: urllib3.PoolManager, url: str, build_id: str, seconds: float) -> str | None:
    """Wait until /-/healthz reports the build; what it said last where it does not."""
    deadline = time.monotonic() + seconds
    while said := wrong_health(ask(http, f"{url}/-/healthz", max(1.0, deadline - time.monotonic())), build_id):
        if time.monotonic() > deadline:
            return said
        time.sleep(_PAUSE)
    return None


def three_questions(symbol: str) -> dict[str, str]:
    """Return the paths of the three questions that every reader asks, by their names."""
    asked = {"snapshot": "", "timeline": f"symbol={quote(symbol, safe='')}&", "coverage": ""}
    return {name: f"/availability/{name}.json?{words}_shape=array" for name, words in asked.items()}


def smoke(url: str, build_id: str, symbol: str, *, seconds: float = 10) -> list[str]:
    """Return what is wrong at the live address: its health within some seconds, then the three questions."""
    with urllib3.PoolManager() as http:
        if late := until_it_reports(http, url, build_id, seconds):
            return [f"after {seconds:g} s, {late}"]
        answers = (ask(http, url + path) for path in three_questions(symbol).values())
        return [harm for answer in answers if (harm := wrong(answer, build_id))]


def _text(answer: Answer) -> str:
    return " ".join(answer.body.decode(errors="replace").split())[:_SHOWN]
