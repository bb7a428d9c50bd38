"""Whether all is well, for monitoring: a machine asks, a person reads why not."""

import datetime as dt
from collections.abc import Collection, Iterator

from etl import checks, queries, runs

_BEHIND = 1  # whole days: from midnight to the first pass of a day yesterday was not looked at, and nothing is wrong
_NO_WORD = "its process was killed; the next run completes it."
_ERRORS = {check.code for check in checks.CATALOGUE if check.severity == checks.ERROR}


def ailments(
    facts: queries.Status, ran: runs.Success, found: checks.Health, today: dt.date, accepted: Collection[str] = ()
) -> Iterator[str]:
    """Yield a sentence for each thing that is not well; warnings and ``accepted`` codes wake nobody."""
    behind = facts.days_behind(today)
    if behind is None:
        yield "No symbol is listed yet."
    elif behind > _BEHIND:
        yield f"Files were last looked for through {facts.looked_through}: {behind:,} whole days are behind."
    if facts.open_failures:
        yield f"Newest listings that failed: {facts.open_failures:,}."
    open_errors = {code: number for code, number in found.open_findings.items() if code in _ERRORS - set(accepted)}
    if open_errors:
        told = ", ".join(f"{code} ({number:,})" for code, number in open_errors.items())
        yield f"Errors are open: {told}; `availability check` names them."
    if ran.last_outcome not in (None, "done"):
        began = f"{ran.last_started_at:%Y-%m-%dT%H:%M:%SZ}"
        yield f"The last run, {ran.last_command} of {began}, ended as {ran.last_outcome}: {ran.last_error or _NO_WORD}"
