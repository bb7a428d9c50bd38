"""Variants of one rule: the first few run always, all of them in the long half."""

from collections.abc import Sequence
from typing import Any

import pytest


def first_few(rows: Sequence[Any], few: int = 3) -> list[Any]:
    """Mark all but the first few rows of a parametrised test as long."""
    return [
        row if number < few else pytest.param(*(row if isinstance(row, tuple) else (row,)), marks=pytest.mark.long)
        for number, row in enumerate(rows)
    ]
