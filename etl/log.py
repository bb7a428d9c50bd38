"""Log lines on stderr: one JSON object a line, or coloured text where a person watches."""

import os
import sys
from pathlib import Path
from typing import TextIO

import structlog


def watched(stream: TextIO | None = sys.stderr) -> bool:
    """Tell whether a person looks at this stream; there may be none (``2>&-``)."""
    return stream is not None and stream.isatty()


def configure() -> None:
    """Set up structlog once, before the first line."""
    if sys.stderr is None:
        sys.stderr = Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115 - to the end, and for click as well
    human = watched()
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True, key="timestamp"),
            structlog.dev.ConsoleRenderer(colors=True) if human else structlog.processors.JSONRenderer(default=str),
        ],
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=False,
    )
