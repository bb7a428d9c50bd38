"""Log lines on stderr: one JSON object a line, or coloured text where a person watches."""

import sys
from typing import TextIO

import structlog


def watched(stream: TextIO = sys.stderr) -> bool:
    """Tell whether a person looks at this stream."""
    return stream.isatty()


def configure() -> None:
    """Set up structlog once, before the first line."""
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
