"""The checks by code. Each has its SQL in ``etl/sql/checks/CODE_name.sql`` and its section in docs/checks.md.

A1.. who looked and when, A2.. what the archive lacks, A3.. doubtful files, A4.. this warehouse against itself,
A5.. the warehouse against others. An error says that the record contradicts itself or must not be believed, or that
a whole day of the market is unknown or empty; a warning is true, published as such, and worth a look.
"""

from typing import NamedTuple

ERROR = "error"
WARNING = "warning"


class Check(NamedTuple):
    """One thing that may be wrong; its SQL returns the offending rows: symbol, first_day, last_day, detail."""

    code: str
    name: str  # of the SQL file, after the code
    severity: str
    sentence: str  # says what a finding means

    @property
    def sql(self) -> str:
        """The name of its file below etl/sql, without the ending."""
        return f"checks/{self.code}_{self.name}"


CATALOGUE = (
    Check("A101", "unseen_day", ERROR, "Nobody looked at this day: no complete listing of any symbol covers it."),
    Check("A102", "unseen_symbol_day", WARNING, "Nobody looked at these days of this symbol, others were looked at."),
    Check("A103", "never_listed", WARNING, "This symbol is known, and no listing of it has ever completed."),
    Check("A104", "stale_listing", WARNING, "The newest look at the archive is old: what came since is unknown."),
    Check("A105", "failed_listing", WARNING, "The newest listing did not complete; what is shown is from before it."),
    Check("A201", "zero_file_day", ERROR, "The archive was looked at and has no file at all on this day."),
    Check("A202", "low_file_day", WARNING, "This day has less than 90 % of the files that its neighbours have."),
    Check("A301", "no_checksum", WARNING, "These files lie in the archive without their CHECKSUM."),
    Check("A302", "small_file", WARNING, "These files are too small to hold a day, even one without trades."),
    Check("A303", "stranger", WARNING, "A name in the archive is no day file of the place it lies in."),
    Check("A304", "revision_burst", WARNING, "Unusually many files were changed or taken away at once."),
    Check("A401", "duplicate", ERROR, "Something that must be there once is recorded more than once."),
    Check("A402", "unlisted_file", ERROR, "A file is recorded that no complete listing and no probe has shown."),
    Check("A403", "unrecorded_file", ERROR, "A listing or a probe showed files that are not recorded as held."),
    Check("A404", "unfounded_judgement", ERROR, "Days are called missing that no complete listing has looked at."),
    Check("A405", "no_size", ERROR, "Files are recorded without a size or without an etag."),
    Check("A406", "impossible_times", ERROR, "The times recorded of these files cannot be in this order."),
    Check("A407", "orphan", ERROR, "Rows are recorded of a symbol, a listing or a file that is not recorded."),
    Check(
        "A501",
        "published_counts",
        ERROR,
        "The published file does not hold the files of the warehouse it was built from.",
    ),
    Check(
        "A502",
        "exchange_recall",
        ERROR,
        "Not over 95 % of the perpetuals that trade have a file on the newest complete day.",
    ),
    Check("A503", "only_at_exchange", WARNING, "This perpetual trades and has no file on the newest complete day."),
    Check("A504", "only_here", WARNING, "This perpetual has a file on the newest complete day and does not trade."),
)
