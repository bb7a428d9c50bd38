"""The icon that browsers ask for at a fixed address; Datasette would answer with its own."""

from pathlib import Path

from webapp.refusals import Said
from webapp.routing import Asked

PATTERN = r"/favicon\.ico$"
_ICON = Path(__file__).parents[3] / "static" / "favicon.ico"


def icon(_: Asked) -> Said:
    """Return static/favicon.ico: the mark of the header, 32 by 32 pixels."""
    return Said(_ICON.read_bytes(), "image/x-icon")
