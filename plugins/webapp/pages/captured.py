"""What only the vault tells of a symbol: hours, rows, losses and breaks of each day."""

from collections.abc import Sequence
from typing import Any

from webapp.charts import hours
from webapp.charts.runs import ordinal

MOST_ROWS = 200  # days of the table and of the picture; the data has all


def captured(days: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Return the newest days, as a picture and as rows, and the sums of all; nothing for another archive."""
    newest = days[-MOST_ROWS:]
    drawn = [hours.Day(ordinal(each["date"]), each["hours"], each["losses"], each["breaks"]) for each in newest]
    names = ("rows", "losses", "lost_messages", "breaks")
    return {
        "vault_days": list(reversed(newest)),
        "vault_day_count": len(days),
        "vault_sums": {name: sum(each[name] for each in days) for name in names},
        "vault_hours": hours.hours(drawn),
        "vault_key": hours.key(drawn),
    }
