"""The site on top of Datasette: pages, charts and the API. It knows the published SQLite file only."""
