"""Log lines on stderr: one JSON object a line, or text where a person watches."""

import datetime as dt
import json
import logging
import os
import sys
from pathlib import Path
from typing import TextIO

import click

_OWN = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime"}
_COLOURS = {"WARNING": "yellow", "ERROR": "red", "CRITICAL": "red"}
_run_id: str | None = None  # of the run that this process records, once there is one


def watched(stream: TextIO | None = sys.stderr) -> bool:
    """Tell whether a person looks at this stream; there may be none (``2>&-``)."""
    return stream is not None and stream.isatty()


def configure() -> None:
    """Set up logging once, before the first line. Fields are given as ``extra``; the logger's name is the component."""
    if sys.stderr is None:
        sys.stderr = Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115 - to the end, and for click as well
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_Text() if watched() else _Json())
    logger = logging.getLogger("etl")
    logger.handlers, logger.propagate = [handler], False
    logger.setLevel(logging.INFO)


def of_run(run_id: str | None) -> None:
    """Put the id of the run that has begun into every line from now on; None ends that."""
    global _run_id  # noqa: PLW0603 - a process records one run at a time
    _run_id = run_id


class _Json(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        """Return one line: when, how grave, which part, what happened, in which run, and all that was given."""
        moment = dt.datetime.fromtimestamp(record.created, dt.UTC)
        line = {
            "timestamp": f"{moment:%Y-%m-%dT%H:%M:%S.%f}Z",
            "level": record.levelname.lower(),
            "component": record.name.removeprefix("etl."),
            "event": record.getMessage(),
            **({"run_id": _run_id} if _run_id else {}),
            **_fields(record),
        }
        return json.dumps(line, default=str, ensure_ascii=False)


class _Text(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        """Return the time, what happened, and what is known of it."""
        moment = dt.datetime.fromtimestamp(record.created, dt.UTC)
        known = " ".join(f"{name}={value}" for name, value in _fields(record).items() if value is not None)
        event = click.style(record.getMessage(), fg=_COLOURS.get(record.levelname), bold=True)
        return f"{moment:%H:%M:%S} {event}  {known}".rstrip()


def _fields(record: logging.LogRecord) -> dict[str, object]:
    return {name: value for name, value in vars(record).items() if name not in _OWN}
