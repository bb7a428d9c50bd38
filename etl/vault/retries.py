"""What is tried again on S3, and when: faults that may be gone in a moment, and nothing else.

botocore's own waits begin at 0.05 s and end within a second: a store that restarts takes longer than that.
"""

import time
from collections.abc import Callable
from typing import Any, TypeVar

from botocore.exceptions import BotoCoreError, HTTPClientError, IncompleteReadError, SSLError
from botocore.exceptions import ConnectionError as NoConnection

WAITS = (1.0, 2.0, 4.0)  # seconds before each further attempt
_TRANSIENT = frozenset({429, 500, 502, 503, 504})
_TRANSIENT_CODES = frozenset({"RequestTimeout", "SlowDown"})  # whatever status they come with
Answer = TypeVar("Answer")


def wait(
    *,
    attempts: int,
    response: tuple[Any, dict[str, Any]] | None,
    caught_exception: Exception | None,
    **_: object,
) -> float | None:
    """Tell botocore after how many seconds to try a request again, None for never."""
    if attempts > len(WAITS):
        return None
    if response is not None:
        code = response[1].get("Error", {}).get("Code")
        transient = response[0].status_code in _TRANSIENT or code in _TRANSIENT_CODES
    else:
        transient = broke(caught_exception)
    return WAITS[attempts - 1] if transient else None


def again(begin: Callable[[], Answer], read: Callable[[Answer], bytes]) -> tuple[bytes, Answer]:
    """Begin an answer and read it, and again where it broke off: botocore tries again until one begins, not after."""
    for seconds in WAITS:
        answer = begin()
        try:
            return read(answer), answer
        except BotoCoreError as error:
            if not broke(error):
                raise
        time.sleep(seconds)
    answer = begin()
    return read(answer), answer


def broke(error: Exception | None) -> bool:
    """Tell whether the network failed, which may be better next time; a certificate will not."""
    return isinstance(error, NoConnection | HTTPClientError | IncompleteReadError) and not isinstance(error, SSLError)
