"""The pages: each gathers its data with a few queries and names its template."""

from webapp.pages import about, api, changes, coverage, crawlers, day, feed, home, icon, search, status, symbol
from webapp.routing import Route

ROUTES: list[Route] = [
    Route(home.PATTERN, home.home),
    Route(search.PATTERN, search.search, search.PARAMETERS),
    Route(search.SUGGESTIONS, search.suggestions, search.PARAMETERS),
    Route(day.PATTERN, day.day, day.PARAMETERS),
    Route(symbol.PATTERN, symbol.symbol, symbol.PARAMETERS),
    Route(coverage.PATTERN, coverage.coverage, coverage.PARAMETERS),
    Route(changes.PATTERN, changes.changes, changes.PARAMETERS),
    Route(feed.PATTERN, feed.feed),
    Route(status.PATTERN, status.status),
    Route(about.PATTERN, about.about),
    Route(api.PATTERN, api.api),
    Route(crawlers.SITEMAP, crawlers.sitemap),
    Route(crawlers.ROBOTS, crawlers.robots),
    Route(icon.PATTERN, icon.icon),
]
