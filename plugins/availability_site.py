"""The one file that Datasette loads: hooks, and nothing else. What they do is in webapp/ beside it."""

import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from datasette import hookimpl

sys.path.insert(0, str(Path(__file__).parent))  # Datasette loads a file by its path, so its neighbours are not found

from webapp import answers, directory, health, kept, metrics, middleware, questions, routing, vocabulary
from webapp.build import DATABASE
from webapp.declared import declared


@hookimpl
def startup(datasette: Any) -> Callable[[], Awaitable[None]]:
    """Read what metadata.yml says of the canned queries, and the templates, once."""

    async def learn() -> None:
        routing.warm(datasette)
        await datasette.get_database(DATABASE).execute_fn(lambda con: questions.learn(declared(datasette), con))

    return learn


@hookimpl
def register_routes(datasette: Any) -> list[tuple[str, Callable[..., Any]]]:
    """Our pages and the API come before Datasette's own routes."""
    return [
        *directory.routes(),
        *answers.routes(datasette),
        (health.ADDRESS, health.healthz),
        (metrics.ADDRESS, metrics.metrics),
    ]


@hookimpl
def asgi_wrapper(datasette: Any) -> Callable[[kept.App], kept.App]:
    """Refuse what is no question, then cache, compress and label what is answered."""
    return middleware.around(datasette)


@hookimpl
def prepare_jinja2_environment(env: Any) -> None:
    """Numbers, sizes and days as people read them."""
    env.filters.update(vocabulary.FILTERS)
    env.globals.update(vocabulary.GLOBALS)


@hookimpl
def extra_template_vars(datasette: Any, request: Any) -> Callable[[], Awaitable[dict[str, Any]]]:
    """Give Datasette's own pages the build and the navigation, as ours have them."""
    return lambda: routing.everywhere(datasette, request)


@hookimpl(trylast=True)
def permission_allowed(datasette: Any, action: str) -> bool | None:
    """Let `availability serve --allow-sql` overrule metadata.yml: of all opinions the last one counts."""
    return True if action == "execute-sql" and datasette.setting("default_allow_sql") else None
