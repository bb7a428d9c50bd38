"""What crawlers read: the sitemap, and which addresses to leave alone."""

import datetime as dt
from collections.abc import Iterator

from markupsafe import escape

from webapp.refusals import Said
from webapp.routing import Asked
from webapp.vocabulary import day_url, sql, symbol_url

SITEMAP = r"/sitemap\.xml$"
ROBOTS = r"/robots\.txt$"
_PAGES = ("/", "/coverage", "/changes", "/status", "/api", "/about")
_DAYS = 400
_NEWEST = "SELECT date FROM daily_counts WHERE dataset = ? ORDER BY date DESC LIMIT ?"
_SETTLES = 4  # days after which what was pending has been decided
# Questions with a query string are endless, the data pages are for readers: a crawler finds everything on the pages.
_RULES = "User-agent: *\nAllow: /static/\nDisallow: /*?\nDisallow: /availability\nDisallow: /-/\n"


def sitemap(asked: Asked) -> Said:
    """List the pages, every symbol and the newest days, with the day on which each last changed."""
    lines = "\n".join(
        f"<url><loc>{escape(asked.origin)}{escape(path)}</loc><lastmod>{changed}</lastmod></url>"
        for path, changed in _addresses(asked)
    )
    head = '<?xml version="1.0" encoding="utf-8"?>\n<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">'
    return Said(f"{head}\n{lines}\n</urlset>\n".encode(), "application/xml; charset=utf-8")


def robots(asked: Asked) -> Said:
    """Name the sitemap, and what is not for crawlers."""
    return Said(f"{_RULES}\nSitemap: {asked.origin}/sitemap.xml\n".encode(), "text/plain; charset=utf-8")


def _addresses(asked: Asked) -> Iterator[tuple[str, str]]:
    for path in _PAGES:
        yield path, asked.build.built_at
    for symbol, changed in asked.con.execute(sql("sitemap_symbols")):
        yield symbol_url(symbol), changed
    newest = asked.con.execute(_NEWEST, [asked.build.dataset, _DAYS])
    for (date,) in newest:
        settled = dt.date.fromisoformat(date) + dt.timedelta(days=_SETTLES)
        yield day_url(date), min(settled.isoformat(), asked.today)
