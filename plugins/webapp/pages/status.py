"""How things stand: the runs, how soon files appear, what the checks found, and the build itself."""

import datetime as dt
from itertools import groupby

from webapp.findings import MEANINGS
from webapp.routing import Asked, Page
from webapp.vocabulary import sql

PATTERN = r"/status$"
RUNS, DAYS, FINDINGS = 50, 30, 20  # shown: runs, days of freshness, findings of a code
TARGET = 0.95  # of the runs begun in the last 30 days


def status(asked: Asked) -> Page:
    """Gather all of it."""
    con = asked.con
    since = (dt.date.fromisoformat(asked.today) - dt.timedelta(days=DAYS - 1)).isoformat()
    success = con.execute(sql("status_success"), {"since": since}).fetchone()
    findings = con.execute(sql("status_findings"), {"limit": FINDINGS})
    shown = {
        "runs": con.execute(sql("status_runs"), {"limit": RUNS}).fetchall(),
        "run_count": con.execute("SELECT count(*) FROM runs").fetchone()[0],
        "since": since,
        "success": success,
        "success_rate": success["done"] / success["runs"] if success["runs"] else None,
        "target": TARGET,
        "freshness": con.execute(sql("status_freshness"), {"limit": DAYS}).fetchall(),
        "findings": [(code, list(rows)) for code, rows in groupby(findings, key=lambda row: row["code"])],
        "found": dict(con.execute("SELECT severity, count(*) FROM findings GROUP BY severity").fetchall()),
        "meanings": MEANINGS,
        "facts": dict(con.execute("SELECT * FROM build").fetchone()),
    }
    return Page("status", shown)
