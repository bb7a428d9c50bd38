"""What is said to a question that cannot be answered: the same words as JSON, as text and as a page."""

import json
import re
from typing import Any, NamedTuple

from markupsafe import Markup

DOCS = "/api"
_TITLES = {
    "bad_parameter": "This question cannot be read",
    "unknown_parameter": "This question has a parameter that there is not",
    "unknown_symbol": "There is no such symbol",
    "unknown_dataset": "There is no such archive",
    "no_data": "Nothing is known for this question",
    "sql_is_off": "Arbitrary SQL is switched off here",
    "not_found": "There is no such page",
    "method_not_allowed": "Only GET and HEAD are answered",
    "build_changed": "There is a newer build",
    "busy": "Too many ask at this moment",
    "too_slow": "This takes longer than the site allows",
    "broken": "The published file cannot be read",
    "failed": "Something broke here",
}
CASES = tuple(_TITLES)
MARK = ("refusal", "1")  # a header that tells our own refusals from Datasette's errors; no reader gets it
_BAD, _FORBIDDEN, _NOT_FOUND, _NOT_ALLOWED, _FAILED = 400, 403, 404, 405, 500
_MOST_SAID = 100  # characters of an address
_SLOW = ("SQL query took too long", "<p>SQL query took too long", "(OperationalError('interrupted')")


class Refusal(Exception):  # noqa: N818 - the user's question is wrong, not the program
    """A question that gets no answer: an HTTP status, a case that programs can test, and a sentence for each error."""

    def __init__(self, status: int, case: str, *errors: str, near: tuple[str, ...] = ()) -> None:
        """Keep what is to be said; ``near`` are the names that may have been meant."""
        super().__init__(" ".join(errors))
        self.status, self.case, self.errors, self.near = status, case, errors, near

    @property
    def title(self) -> str:
        """A headline for people."""
        return _TITLES[self.case]


class Said(NamedTuple):
    """An answer, ready to send."""

    body: bytes
    content_type: str
    status: int = 200
    headers: tuple[tuple[str, str], ...] = ()


def as_json(refusal: Refusal) -> Said:
    """Say it to a program."""
    told: dict[str, Any] = {
        "ok": False,
        "error": str(refusal),
        "errors": list(refusal.errors),
        "status": refusal.status,
        "case": refusal.case,
        "docs": DOCS,
    }
    if refusal.near:
        told["near"] = list(refusal.near)
    body = json.dumps(told, ensure_ascii=False).encode()
    return Said(body, "application/json; charset=utf-8", refusal.status, (MARK,))


def as_text(refusal: Refusal) -> Said:
    """Say it to a shell."""
    return Said(f"{refusal}\n".encode(), "text/plain; charset=utf-8", refusal.status, (MARK,))


def for_program(path: str, refusal: Refusal) -> Said | None:
    """Say it in the form that an address asks for; None where people read it, on a page."""
    if path.endswith((".json", ".ndjson")) or path.startswith("/-/"):
        return as_json(refusal)
    return as_text(refusal) if re.search(r"\.\w{2,6}$", path) else None


def shortened(path: str) -> str:
    """Write an address in a sentence; of a long one its beginning."""
    return path if len(path) <= _MOST_SAID else f"{path[:_MOST_SAID]}…"


def too_slow() -> Refusal:
    """Refuse what the time limit has ended."""
    return Refusal(503, "too_slow", "This takes longer than the site allows: ask for fewer days or symbols.")


def instead_of(status: int, path: str, body: bytes) -> Refusal:
    """Return our words for an error that Datasette made; its own stay only where they tell what is wrong."""
    told = _told(body)
    if told.startswith(_SLOW):
        return too_slow()
    if status == _NOT_FOUND:
        return Refusal(status, "not_found", f"There is nothing at {shortened(path)}.")
    if status == _FORBIDDEN:
        return Refusal(status, "sql_is_off", "Only the canned queries and the filters of tables are answered.")
    if status == _NOT_ALLOWED:
        return Refusal(status, "method_not_allowed", "Only GET and HEAD are answered here.")
    if status >= _FAILED:
        return Refusal(_FAILED, "failed", "It is our mistake, not yours: the question may be right.")
    return Refusal(_BAD, "bad_parameter", told[:300] or "This question cannot be read.")


def _told(body: bytes) -> str:
    """Return what Datasette says of an error: a field of its JSON, or the text of its page (templates/error.html)."""
    text = body.decode(errors="replace")
    try:
        return str(json.loads(text)["error"]).strip()
    except (ValueError, LookupError, TypeError):
        return Markup(text).striptags()  # noqa: S704 - tags are taken out
