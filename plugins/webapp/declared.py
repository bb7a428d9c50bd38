"""What metadata.yml declares of the database: Datasette 0.65 calls it metadata, 1.0 configuration."""

from typing import Any

from webapp.build import DATABASE


def declared(datasette: Any) -> dict[str, Any]:
    """Return the part of metadata.yml about the published database: ``queries`` and ``tables``."""
    if hasattr(datasette, "metadata"):
        return dict(datasette.metadata(database=DATABASE, fallback=False))
    return dict(datasette.config["databases"][DATABASE])
