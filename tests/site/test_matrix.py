"""The matrix of the coverage: months have the kind that their days say, and the picture of them is always the same."""

import datetime as dt
import re
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st
from webapp.charts import matrix
from webapp.charts.matrix import Run, Series

FIRST = dt.date(2023, 11, 20)
DRAWN = {"x": "held", "f": "flat", ".": "missing", "?": "unlooked"}
Days = st.lists(
    st.tuples(st.sampled_from("xf.?"), st.sampled_from([1, 2, 5, 20, 31, 45])).map(lambda run: run[0] * run[1]),
    max_size=12,
).map("".join)


def series(picture: str) -> Series:
    """Turn one character a day into what the published tables say; a flat run may have holes in it, as a life has."""

    def spans(letters: str) -> list[tuple[str, str]]:
        found = re.finditer(f"[{re.escape(letters)}]+", picture)
        return [(day(each.start()), day(each.end() - 1)) for each in found]

    absent = sorted([(*span, True) for span in spans(".")] + [(*span, False) for span in spans("?")])
    return Series(day(0), day(len(picture) - 1), absent, spans("f"))


def day(number: int) -> str:
    return (FIRST + dt.timedelta(days=number)).isoformat()


def slowly(picture: str) -> list[str]:
    """The kind of each month, counted day by day."""
    months: dict[str, list[str]] = {}
    for number, letter in enumerate(picture):
        months.setdefault(day(number)[:7], []).append(letter)
    return [kind(days) for days in months.values()]


def kind(days: list[str]) -> str:
    held = [letter for letter in days if letter in "xf"]
    missing = days.count(".")
    if "?" in days:
        return "unlooked"  # of such a month nobody knows what it holds
    if missing:
        if not held:
            return "none"
        share = len(held) / (len(held) + missing)
        return "most" if share >= 0.9 else "part" if share >= 0.5 else "little"
    return "flat" if held.count("f") >= len(held) / 2 else "whole"


def spread(found: list[Run]) -> list[str]:
    return [kind for kind, _, count in found for _ in range(count)]


@given(Days)
def test_a_month_has_the_kind_that_its_days_say(inside: str) -> None:
    picture = f"x{inside}x"  # an extent begins and ends with a file
    assert spread(matrix.runs(series(picture))) == slowly(picture)


@given(Days)
def test_runs_follow_each_other_and_neighbours_differ(inside: str) -> None:
    found = matrix.runs(series(f"x{inside}x"))
    assert found[0][1] == matrix.month_of(day(0))
    for (kind_before, month, count), (kind_after, following, _) in pairwise(found):
        assert month + count == following
        assert kind_before != kind_after


def test_what_lies_outside_the_extent_does_not_count() -> None:
    absent = [("2024-01-01", "2024-01-31", True), ("2024-03-16", "2024-12-31", True)]
    assert matrix.runs(Series("2024-02-10", "2024-03-15", absent)) == [("whole", 24289, 2)]


def test_a_row_is_one_rect_a_run() -> None:
    found = matrix.runs(series("x" * 11 + "." * 31 + "x" * 31 + "f" * 29 + "x" * 28 + "..." + "?" * 30 + "x"))
    assert [(kind, count) for kind, _, count in found] == [
        ("whole", 1),
        ("none", 1),
        ("whole", 1),
        ("flat", 1),
        ("most", 1),
        ("unlooked", 1),
        ("whole", 1),
    ]
    assert matrix.row(found, matrix.month_of("2023-10-01"), 9) == (
        '<svg class="months" viewBox="0 0 36 8" preserveAspectRatio="none"><use href="#m-years"/>'
        '<rect class="c-available" x="4" width="4" height="8"/>'
        '<rect class="c-missing" x="8" width="4" height="8" fill="url(#m-missing)"/>'
        '<rect class="c-available" x="12" width="4" height="8"/>'
        '<rect class="c-flat" x="16" width="4" height="8" fill="url(#m-flat)"/>'
        '<rect class="m-most" x="20" y="2" width="4" height="6"/>'
        '<rect class="c-not-looked" x="24" width="4" height="8" fill="url(#m-not-looked)"/>'
        '<rect class="c-available" x="28" width="4" height="8"/></svg>'
    )


def test_years_stand_where_they_begin() -> None:
    october = matrix.month_of("2023-10-01")
    header = str(matrix.header(october, 22))
    assert re.findall(r'<text x="([\d.]+)%"[^>]*>(\d+)', header) == [("13.64", "2024"), ("68.18", "2025")]
    assert "2025" not in str(matrix.header(october, 21)), "there is no room for its name"
    assert 'd="M12 0v8"' in str(matrix.shared(october, 15))


def test_every_kind_is_explained_and_every_texture_is_there() -> None:
    key, shared = str(matrix.key()), str(matrix.shared(24283, 12))
    assert key.count("<rect") == len(matrix.KINDS)
    assert all(meaning in key for meaning in matrix.KINDS.values())
    for used in re.findall(r"url\(#([\w-]+)\)", key):
        assert f'id="{used}"' in shared
