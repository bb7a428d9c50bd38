"""Which address shows which page."""

import re
from collections.abc import Callable
from typing import Any

from webapp import openapi, pages
from webapp.build import DATABASE
from webapp.routing import view_of

ALL_PAGES = (*pages.ROUTES, *openapi.ROUTES)
DATA = "answer"  # the family of all that is read by programs
_FAMILIES = {  # in this order
    "download": rf"/{DATABASE}\.db$",
    DATA: rf"/{DATABASE}/\w+\.(json|ndjson|csv|txt|aria2)$",
    "row": rf"/{DATABASE}/\w+/",
    "data": rf"/{DATABASE}(/|$)",
    "static": r"/(-/)?static",
    "system": r"/-/",
}


def routes() -> list[tuple[str, Callable[..., Any]]]:
    """Return the pages as Datasette registers routes."""
    return [(route.pattern, view_of(route)) for route in ALL_PAGES]


def family(path: str) -> str:
    """Return the kind of an address, by which requests are counted: a page by its name, and few others."""
    for route in ALL_PAGES:
        if re.match(route.pattern, path):
            return route.answer.__name__
    return next((kind for kind, pattern in _FAMILIES.items() if re.match(pattern, path)), "other")
