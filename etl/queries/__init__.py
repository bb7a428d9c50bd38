"""The Python API: each question is one plain function; the connection comes first, plain rows come back.

Days are ``datetime.date``, UTC, and ranges include both ends; moments are aware ``datetime.datetime``, UTC.
A wrong question raises ``etl.errors.UsageError`` with a sentence. See docs/api.md.
"""

from etl.queries.archives import DatasetRow, VaultDayRow, datasets, vault_days
from etl.queries.asking import Connection, build_id, open_published, open_warehouse
from etl.queries.changes import EndedRow, NewRow, RevisionRow, ended, new, revisions
from etl.queries.choosing import known_dataset, unlooked
from etl.queries.days import RangeRow, SnapshotRow, TimelineRow, date_range, snapshot, timeline
from etl.queries.market import FreshnessRow, SummaryRow, freshness, summary
from etl.queries.spans import CoverageRow, GapRow, TimespanRow, coverage, gaps, no_data, timespans
from etl.queries.status import Status, status
from etl.queries.universe import UniverseRow, universe

__all__ = [
    "Connection",
    "CoverageRow",
    "DatasetRow",
    "EndedRow",
    "FreshnessRow",
    "GapRow",
    "NewRow",
    "RangeRow",
    "RevisionRow",
    "SnapshotRow",
    "Status",
    "SummaryRow",
    "TimelineRow",
    "TimespanRow",
    "UniverseRow",
    "VaultDayRow",
    "build_id",
    "coverage",
    "datasets",
    "date_range",
    "ended",
    "freshness",
    "gaps",
    "known_dataset",
    "new",
    "no_data",
    "open_published",
    "open_warehouse",
    "revisions",
    "snapshot",
    "status",
    "summary",
    "timeline",
    "timespans",
    "universe",
    "unlooked",
    "vault_days",
]
