"""The run-time control of a running replica, `/-/...`: edits, the clock, faults, latency, counts."""

import json
from collections import Counter
from collections.abc import Callable
from datetime import date
from http import HTTPStatus
from typing import Any, Final, NamedTuple

from etl.replica.bucket import Bucket
from etl.replica.faults import FaultScript, parse_faults
from etl.replica.replies import Reply
from etl.replica.universe import StrayKey, SymbolFacts, parse_instant, parse_span

JSON: Final = "application/json"
Edit = dict[str, Any]  # decoded JSON, checked field by field where it is used


class Counts:
    """Exact numbers of requests answered; control requests are not counted. Status 0 is a reset connection."""

    def __init__(self) -> None:
        """Start at zero."""
        self.requests = 0
        self.list_pages = 0
        self.heads = 0
        self.gets = 0
        self.faults = 0
        self.by_status: Counter[int] = Counter()

    def add(self, method: str | None, status: int, *, faulty: bool) -> None:
        """Count one request; `method` None for one outside the bucket."""
        self.requests += 1
        self.list_pages += method == "LIST"
        self.heads += method == "HEAD"
        self.gets += method == "GET"
        self.faults += faulty
        self.by_status[status] += 1

    def as_json(self) -> dict[str, Any]:
        """The counts as a JSON object."""
        return {
            "requests": self.requests,
            "list_pages": self.list_pages,
            "heads": self.heads,
            "gets": self.gets,
            "faults": self.faults,
            "by_status": {str(status): number for status, number in sorted(self.by_status.items())},
        }


class State(NamedTuple):
    """What control requests may change; the server reads it anew for every request."""

    bucket: Bucket
    settings: "Settings"


class Settings:
    """Latency in seconds, the fault script and the counts."""

    def __init__(self, latency: float, faults: FaultScript) -> None:
        """Start with zero counts."""
        self.latency = latency
        self.faults = faults
        self.counts = Counts()


def _symbol_facts(edit: Edit) -> SymbolFacts:
    def day(name: str) -> date | None:
        return date.fromisoformat(edit[name]) if edit.get(name) else None

    return SymbolFacts(
        symbol=edit["symbol"],
        first_day=date.fromisoformat(edit["first_day"]),
        last_day=day("last_day"),
        holes=tuple(parse_span(text) for text in edit.get("holes", "").split(";") if text),
        size_level=int(edit["size"]) if "size" in edit else 40_000,
        dead_from=day("dead_from"),
        dead_to=day("dead_to"),
        origin="added at run time",
    )


def _upload(bucket: Bucket, edit: Edit) -> None:
    symbol, day = edit["symbol"], date.fromisoformat(edit["day"])
    again = edit["action"] == "reupload"
    if bucket.has_day(symbol, day) != again:
        raise ValueError(f"{symbol} {day} is {'not there' if again else 'already there'}")
    size = int(edit["size"]) if "size" in edit else None
    modified = int(parse_instant(edit["last_modified"]).timestamp()) if "last_modified" in edit else None
    bucket.upload(symbol, day, size, modified)


def _remove(bucket: Bucket, edit: Edit) -> None:
    symbol, day = edit["symbol"], date.fromisoformat(edit["day"])
    if not bucket.has_day(symbol, day):
        raise ValueError(f"{symbol} {day} is not there")
    bucket.remove_day(symbol, day)


def _checksum(bucket: Bucket, edit: Edit) -> None:
    bucket.set_checksum(edit["symbol"], date.fromisoformat(edit["day"]), there=edit["action"] == "add_checksum")


def _add_key(bucket: Bucket, edit: Edit) -> None:
    bucket.add_key(StrayKey(edit["key"], int(edit["size"]), parse_instant(edit["last_modified"])))


ACTIONS: Final[dict[str, Callable[[Bucket, Edit], None]]] = {
    "add": _upload,
    "reupload": _upload,
    "remove": _remove,
    "remove_checksum": _checksum,
    "add_checksum": _checksum,
    "add_symbol": lambda bucket, edit: bucket.add_symbol(_symbol_facts(edit)),
    "remove_symbol": lambda bucket, edit: bucket.remove_symbol(edit["symbol"]),
    "add_key": _add_key,
    "remove_key": lambda bucket, edit: bucket.remove_key(edit["key"]),
}


def apply_edits(bucket: Bucket, raw: Edit | list[Edit]) -> int:
    """Apply one edit or a list of them in order; how many. ValueError or KeyError at the first that cannot be."""
    edits = raw if isinstance(raw, list) else [raw]
    for edit in edits:
        if not isinstance(edit, dict) or edit.get("action") not in ACTIONS:
            raise ValueError(f"no edit: {edit!r}; actions are {sorted(ACTIONS)}")
        ACTIONS[edit["action"]](bucket, edit)
    return len(edits)


def _post_edit(state: State, raw: Any) -> dict[str, Any]:  # noqa: ANN401 - decoded JSON
    return {"edits": apply_edits(state.bucket, raw)}


def _post_now(state: State, raw: Any) -> dict[str, Any]:  # noqa: ANN401 - decoded JSON
    now = raw["now"]
    state.bucket.set_now(None if now is None else parse_instant(now))
    return {"now": now}


def _post_faults(state: State, raw: Any) -> dict[str, Any]:  # noqa: ANN401 - decoded JSON
    faults = parse_faults(raw)
    state.settings.faults = FaultScript(faults)
    return {"faults": len(faults)}


def _post_latency(state: State, raw: Any) -> dict[str, Any]:  # noqa: ANN401 - decoded JSON
    milliseconds = float(raw["latency_ms"])
    if milliseconds < 0:
        raise ValueError("latency_ms is negative")
    state.settings.latency = milliseconds / 1000
    return {"latency_ms": milliseconds}


def _post_reset(state: State, _raw: Any) -> dict[str, Any]:  # noqa: ANN401 - decoded JSON
    state.settings.counts = Counts()
    return state.settings.counts.as_json()


POSTS: Final[dict[str, Callable[[State, Any], dict[str, Any]]]] = {
    "/-/edit": _post_edit,
    "/-/now": _post_now,
    "/-/faults": _post_faults,
    "/-/latency": _post_latency,
    "/-/stats/reset": _post_reset,
}


def _json(status: int, answer: dict[str, Any]) -> Reply:
    return Reply(status, json.dumps(answer).encode() + b"\n", JSON)


def control(state: State, method: str, path: str, body: bytes) -> Reply:
    """Answer a control request; 400 with a sentence for a request that cannot be followed, 404 for an unknown one."""
    if method == "GET" and path == "/-/stats":
        return _json(HTTPStatus.OK, state.settings.counts.as_json())
    if method != "POST" or path not in POSTS:
        return _json(HTTPStatus.NOT_FOUND, {"error": f"no control {method} {path}; POST {sorted(POSTS)}, GET /-/stats"})
    try:
        return _json(HTTPStatus.OK, POSTS[path](state, json.loads(body or b"null")))
    except KeyError as error:
        return _json(HTTPStatus.BAD_REQUEST, {"error": f"field {error} is missing"})
    except (ValueError, TypeError) as error:
        return _json(HTTPStatus.BAD_REQUEST, {"error": str(error)})
