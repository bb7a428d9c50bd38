"""Which archive a page is about, and which others there are: that of Binance, and the channels of the vault."""

import sqlite3
from typing import Any

from webapp.build import DEFAULT
from webapp.parameters import Parameter
from webapp.routing import Asked
from webapp.vocabulary import sql

ARCHIVE = Parameter("dataset", "dataset", "The archive that is shown.", DEFAULT)


def archives(con: sqlite3.Connection) -> list[Any]:
    """Return all archives, the default one first; none where there is but that one."""
    found = con.execute(sql("datasets")).fetchall()
    return found if len(found) > 1 else []


def about_archive(asked: Asked) -> dict[str, Any]:
    """Return what a template says of the archive: its name, ``elsewhere`` where it is not the default, all others."""
    archive = str(asked.values["dataset"])
    return {"archive": archive, "elsewhere": elsewhere(asked, archive), "archives": archives(asked.con)}


def elsewhere(asked: Asked, archive: str) -> str:
    """Return the name of an archive as addresses have it: nothing for the default one."""
    return "" if archive == asked.build.dataset else archive
