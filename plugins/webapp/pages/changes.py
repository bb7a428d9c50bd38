"""What happened, newest first: to symbols and the market (events), and to single files (revisions)."""

from webapp.pages.archives import ARCHIVE, about_archive
from webapp.parameters import Parameter
from webapp.routing import Asked, Page
from webapp.vocabulary import sql

PATTERN = r"/changes$"
SHOWN = 200  # of each; the API has all
EVENTS = {
    "listed": "a symbol's first file",
    "ended": "the first day without a file, for good as far as can be told",
    "came_back": "files again after more than three missing days",
    "turned_flat": "files go on and show no trade any more",
    "settled": "the last day of an earlier life, in its SETTLED folder",
    "relisted": "a ticker is used again",
    "market_gap": "a day that most of the market lacks",
    "revision_burst": "20 files or more replaced at once",
}
PARAMETERS = (
    Parameter("event", "choice", "Kind of event. Empty: every kind.", "", tuple(EVENTS)),
    ARCHIVE,
)
_REVISIONS = "SELECT count(*) FROM revisions WHERE dataset = :dataset"


def changes(asked: Asked) -> Page:
    """Gather the newest events and revisions."""
    chosen = str(asked.values["event"])
    about = about_archive(asked)
    of = {"dataset": about["archive"]}
    counts = {row["event"]: row for row in asked.con.execute(sql("changes_counts"), of)}
    asked_of = {"event": chosen, "limit": SHOWN, **of}
    shown = {
        "chosen": chosen,
        "kinds": EVENTS,
        "counts": counts,
        "events": asked.con.execute(sql("changes_events"), asked_of).fetchall(),
        "event_count": sum(row["events"] for name, row in counts.items() if chosen in ("", name)),
        "revisions": asked.con.execute(sql("changes_revisions"), {"limit": SHOWN, **of}).fetchall(),
        "revision_count": asked.con.execute(_REVISIONS, of).fetchone()[0],
        **about,
    }
    return Page("changes", shown)
