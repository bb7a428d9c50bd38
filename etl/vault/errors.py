"""What the vault's storage refuses, with the facts kept apart for whoever wants to say how to mend it."""

from etl.errors import AvailabilityError


class StorageError(AvailabilityError):
    """An operation on the storage failed; ``code`` is S3's own word where it said one, "" elsewhere."""

    def __init__(self, operation: str, place: str, cause: str, *, code: str = "") -> None:
        """Take the operation ("read"), the full place ("s3://bucket/raw/x"), and why in half a sentence."""
        super().__init__(f"Cannot {operation} {place}: {cause}.")
        self.operation, self.place, self.cause, self.code = operation, place, cause, code


class StorageAbsent(StorageError):  # noqa: N818 - "absent" says it
    """What was to be read, deleted or moved is not there; never raised where the storage only refused to tell."""
