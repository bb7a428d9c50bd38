"""How a page comes about: read the question, gather, render."""

import sqlite3
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, TypeVar
from urllib.parse import unquote

from datasette.utils import sqlite_timelimit
from datasette.utils.asgi import Request, Response

from webapp.build import DATABASE, Build, read_build, today
from webapp.parameters import Parameter, Value, read
from webapp.refusals import MARK, Refusal, Said, for_program, too_slow

# For pages of our own: nothing inline, nothing from elsewhere.
POLICY = (
    "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; connect-src 'self';"
    " form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
NAVIGATION = (
    ("/", "Home"),
    ("/coverage", "Coverage"),
    ("/changes", "Changes"),
    ("/status", "Status"),
    ("/api", "API"),
    ("/about", "About"),
    (f"/{DATABASE}", "Data"),
)
Found = TypeVar("Found")


class Asked(NamedTuple):
    """A question to a page, read and found sound."""

    con: sqlite3.Connection
    path: dict[str, str]  # the named parts of the address, decoded
    values: dict[str, Value]  # a value for each parameter that the page declares
    build: Build
    today: str  # UTC day
    origin: str  # https://host of the site as the reader sees it


class Page(NamedTuple):
    """An answer of a page: a template of templates/site/ and what it shows."""

    template: str
    shown: dict[str, Any]
    status: int = 200


class Route(NamedTuple):
    """An address (a regular expression with named groups), who answers it, and the parameters it takes."""

    pattern: str
    answer: Callable[[Asked], Page | Said]
    parameters: Sequence[Parameter] = ()


def warm(datasette: Any) -> None:
    """Compile the templates of our pages: else the first reader of each waits for it, some 20 ms."""
    environment: Any = getattr(datasette, "jinja_env", None)
    if environment is None:  # of Datasette 1.0: there the first reader waits
        return
    for name in environment.list_templates():
        if name.startswith("site/"):
            environment.get_template(name)


def view_of(route: Route) -> Callable[..., Any]:
    """Return the view that Datasette calls for a page."""

    async def view(datasette: Any, request: Request) -> Response:
        def gather(con: sqlite3.Connection) -> Page | Said:
            path = {name: unquote(part) for name, part in request.url_vars.items()}
            values = read(request.query_string, route.parameters, con)
            asked = Asked(con, path, values, read_build(con), today().isoformat(), origin(request))
            return route.answer(asked)

        try:
            found = await within_limit(datasette, gather)
        except Refusal as refusal:
            return await refused(datasette, request, refusal)
        if isinstance(found, Said):
            return respond(found)
        return await page(datasette, request, found)

    return view


async def within_limit(datasette: Any, ask: Callable[[sqlite3.Connection], Found]) -> Found:
    """Ask the published file no longer than ``sql_time_limit_ms``; a Refusal where that is not enough."""

    def limited(con: sqlite3.Connection) -> Found:
        with sqlite_timelimit(con, datasette.setting("sql_time_limit_ms")):
            return ask(con)

    try:
        found: Found = await datasette.get_database(DATABASE).execute_fn(limited)
    except sqlite3.OperationalError as error:
        if str(error) != "interrupted":
            raise
        raise too_slow() from error
    return found


def origin(request: Request) -> str:
    """Return scheme and host of the site as the reader sees it."""
    return f"{request.scheme}://{request.host}"


def respond(said: Said) -> Response:
    """Turn an answer into Datasette's."""
    return Response(said.body, said.status, dict(said.headers), said.content_type)


async def page(datasette: Any, request: Request, found: Page) -> Response:
    """Render a page."""
    body = await datasette.render_template(f"site/{found.template}.html", found.shown, request)
    return Response.html(body, found.status, {"content-security-policy": POLICY})


async def refused(datasette: Any, request: Request, refusal: Refusal) -> Response:
    """Say a refusal in the form that the address asks for."""
    if told := for_program(request.path, refusal):
        return respond(told)
    response = await page(datasette, request, Page("refused", {"refusal": refusal}, refusal.status))
    response.headers.update([MARK])
    return response


async def everywhere(datasette: Any, request: Request | None) -> dict[str, Any]:
    """Return what every template may use: ``build``, ``navigation``, ``here`` (the path) and ``canonical``."""
    build = await datasette.get_database(DATABASE).execute_fn(read_build)
    here = request.path if request else "/"
    canonical = f"{origin(request)}{here}" if request else here
    return {
        "build": build,
        "navigation": NAVIGATION,
        "here": here,
        "canonical": canonical,
        "today": today().isoformat(),
    }
