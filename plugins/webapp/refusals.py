"""What is said to a question that cannot be answered: the same words as JSON, as text and as a page."""

import json
from typing import Any, NamedTuple

DOCS = "/api"
_TITLES = {
    "bad_parameter": "This question cannot be read",
    "unknown_parameter": "This question has a parameter that there is not",
    "unknown_symbol": "There is no such symbol",
    "no_data": "Nothing is known for this question",
    "sql_is_off": "Arbitrary SQL is switched off here",
    "not_found": "There is no such page",
    "method_not_allowed": "Only GET and HEAD are answered",
}


class Refusal(Exception):  # noqa: N818 - the user's question is wrong, not the program
    """A question that gets a 4xx: an HTTP status, a case that programs can test, and a sentence for each error."""

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
    return Said(json.dumps(told, ensure_ascii=False).encode(), "application/json; charset=utf-8", refusal.status)


def as_text(refusal: Refusal) -> Said:
    """Say it to a shell."""
    return Said(f"{refusal}\n".encode(), "text/plain; charset=utf-8", refusal.status)
