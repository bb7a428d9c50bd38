"""What may be wrong with a warehouse: a catalogue of coded findings, and the plain functions that look for them."""

from etl.checks.catalogue import CATALOGUE, ERROR, WARNING, Check
from etl.checks.exchange import EXCHANGE_INFO_URL, ExchangeInfo, read_exchange_info
from etl.checks.judge import (
    Finding,
    Health,
    Verdict,
    as_rows,
    catalogue_of,
    count,
    fail_on_errors,
    findings,
    health,
    run_checks,
    summary,
)
from etl.checks.published import Published, Unreadable, read_published

__all__ = [
    "CATALOGUE",
    "ERROR",
    "EXCHANGE_INFO_URL",
    "WARNING",
    "Check",
    "ExchangeInfo",
    "Finding",
    "Health",
    "Published",
    "Unreadable",
    "Verdict",
    "as_rows",
    "catalogue_of",
    "count",
    "fail_on_errors",
    "findings",
    "health",
    "read_exchange_info",
    "read_published",
    "run_checks",
    "summary",
]
