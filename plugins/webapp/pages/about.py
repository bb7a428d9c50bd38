"""What this is, how it comes about, and what cannot be known: text, with the facts of the build."""

from webapp.routing import Asked, Page

PATTERN = r"/about$"


def about(asked: Asked) -> Page:
    """Gather what the text names."""
    facts = asked.con.execute("SELECT source, files_url, dataset, listings, content_sha256 FROM build").fetchone()
    return Page("about", {"facts": dict(facts)})
