"""Everything this package refuses is one of these; the text is a whole sentence for the user."""


class AvailabilityError(Exception):
    """Something failed or was incomplete: the command line prints the sentence and exits 1."""


class UsageError(AvailabilityError):
    """The question itself is wrong: the command line prints the sentence and exits 2."""


class ListingError(AvailabilityError):
    """One listing answer cannot be trusted; ``status`` is the HTTP status, None where none arrived."""

    def __init__(self, url: str, status: int | None, reason: str) -> None:
        """Keep the three facts apart, so that they can be recorded as they are."""
        super().__init__(f"{url}: {f'HTTP {status}, ' if status else ''}{reason}")
        self.url, self.status, self.reason = url, status, reason


class WarehouseError(AvailabilityError):
    """The DuckDB file is missing, foreign, locked or cannot be written."""


def about_file(error: OSError) -> str:
    """Say what the system refused, and of which file."""
    where = f"{error.filename}: " if error.filename else ""
    return f"{where}{error.strerror or error}."
