"""The charts of a symbol's page: small ones as files, and each day drawn exactly once whatever the days are."""

import datetime as dt
import re
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from webapp.charts import heatmap as calendar
from webapp.charts.axis import Days, ticks
from webapp.charts.gantt import Life, gantt, pieces
from webapp.charts.heatmap import heatmap
from webapp.charts.runs import Run, join, ordinal
from webapp.charts.sizes import BUCKETS, File, buckets, segments, sizes
from webapp.charts.textures import KINDS, legend

GOLDEN = Path(__file__).parent / "golden"
LEVEL = 10_000
Drawn = st.lists(st.tuples(st.sampled_from([*KINDS, ""]), st.sampled_from([1, 2, 3, 27, 59, 366, 500])), max_size=12)
Start = st.dates(dt.date(2019, 12, 1), dt.date(2025, 3, 2)).map(dt.date.toordinal)
Files = st.lists(st.tuples(st.integers(1, 400), st.integers(0, 80_000), st.booleans()), min_size=1, max_size=300)


def lay(start: int, drawn: list[tuple[str, int]]) -> list[Run]:
    """Lay runs one after the other; those without a kind are holes of which nothing is known."""
    runs = []
    for kind, days in drawn:
        if kind:
            runs.append(Run(kind, start, start + days - 1))
        start += days
    return runs


def unroll(svg: str) -> list[tuple[int, str]]:
    """Read day by day what a calendar shows, from the names of its rows and the places of its rects."""
    root = ET.fromstring(svg)
    years = {float(text.get("y", "")) - 9: int(text.text or "") for text in root.iter("text") if text.get("x") == "0"}
    found = []
    for rect in root.iter("rect"):
        kind = rect.get("class", "")
        if kind.startswith("c-"):
            january = dt.date(years[float(rect.get("y", ""))], 1, 1)
            first = january + dt.timedelta(days=int(rect.get("x", "")) - calendar.LEFT)
            days = [first + dt.timedelta(days=number) for number in range(int(rect.get("width", "")))]
            assert {day.year for day in days} == {january.year}, "a rect ends where its year ends"
            found += [(day.toordinal(), kind.removeprefix("c-")) for day in days]
    return sorted(found)


def check_golden(name: str, svg: str) -> None:
    pretty = str(svg).replace("><", ">\n<") + "\n"
    assert pretty == (GOLDEN / f"{name}.svg").read_text(encoding="utf-8")


def day(written: str) -> int:
    return ordinal(written)


SMALL = [
    Run("available", day("2023-12-20"), day("2024-02-28")),
    Run("degraded", day("2024-02-29"), day("2024-02-29")),
    Run("available", day("2024-03-01"), day("2024-05-11")),
    Run("missing", day("2024-05-12"), day("2024-06-01")),
    Run("available", day("2024-06-02"), day("2024-08-31")),
    Run("not-looked", day("2024-09-01"), day("2024-10-09")),
    Run("flat", day("2024-10-10"), day("2025-01-20")),
    Run("pending", day("2025-01-21"), day("2025-01-22")),
]
LIVES = [
    Life(1, "LITUSDT", day("2021-02-18"), day("2025-12-22"), day("2025-01-31")),
    Life(2, "LITUSDT", day("2025-12-23"), day("2027-04-29"), day("2027-04-29")),
    Life(3, "LITUSDTSETTLED", day("2025-12-23"), day("2025-12-23"), day("2025-12-23")),
]
SPANS = [
    ("LITUSDT", day("2021-02-18"), day("2022-01-31")),
    ("LITUSDT", day("2022-03-01"), day("2027-04-29")),
    ("LITUSDTSETTLED", day("2025-12-23"), day("2025-12-23")),
]
WEIGHTS = [File(day("2024-01-01") + n, 30_000 + 500 * (n % 7), flat=False) for n in range(20)]
SHRUNK = [
    *WEIGHTS,
    *(File(day("2024-01-24") + n, 8_000 + n, flat=True) for n in range(10)),
    File(day("2024-02-10"), 0, flat=False),
]


def test_the_calendar_is_drawn_as_it_was_looked_at() -> None:
    check_golden("heatmap", heatmap("BTCUSDT", SMALL))


def test_the_lives_are_drawn_as_they_were_looked_at() -> None:
    check_golden("gantt", gantt("LITUSDT", LIVES, SPANS))


def test_the_sizes_are_drawn_as_they_were_looked_at() -> None:
    check_golden("sizes", sizes("BTCUSDT", SHRUNK, LEVEL))


@example(day("2023-12-30"), [("available", 2), ("", 1), ("available", 1), ("missing", 1), ("available", 1)])
@given(Start, Drawn)
def test_every_day_of_a_calendar_is_drawn_exactly_once(start: int, drawn: list[tuple[str, int]]) -> None:
    runs = lay(start, drawn)
    wanted = [(each, run.kind) for run in runs for each in range(run.first, run.last + 1)]
    assert unroll(heatmap("BTCUSDT", runs) or "<svg/>") == wanted


@given(Start, Drawn)
def test_neighbouring_days_of_a_kind_are_one_rect(start: int, drawn: list[tuple[str, int]]) -> None:
    runs = lay(start, drawn)
    single = [Run(run.kind, each, each) for run in reversed(runs) for each in range(run.first, run.last + 1)]
    assert heatmap("BTCUSDT", single) == heatmap("BTCUSDT", runs), "however the days come, the bytes are the same"
    turns = [(a.kind, b.kind) for a, b in zip(join(runs), join(runs)[1:], strict=False) if a.last + 1 == b.first]
    assert all(before != after for before, after in turns)


@given(Start, Drawn)
def test_a_life_is_split_into_traded_and_flat_days(start: int, drawn: list[tuple[str, int]]) -> None:
    held = [(run.first, run.last) for run in lay(start, drawn)]
    days = {each for first, last in held for each in range(first, last + 1)}
    for traded in (None, start, start + 40, start + 10_000):
        life = Life(1, "BTCUSDT", start + 3, start + 700, traded)
        found = [(each, run.kind) for run in pieces(life, held) for each in range(run.first, run.last + 1)]
        wanted = sorted(each for each in days if life.first <= each <= life.last)
        kinds = ["flat" if traded is None or each > traded else "available" for each in wanted]
        assert sorted(found) == list(zip(wanted, kinds, strict=True))


@given(Start, Files)
def test_every_file_lies_in_the_band_of_its_bucket(start: int, drawn: list[tuple[int, int, bool]]) -> None:
    files = []
    for step, weight, flat in drawn:
        start += step
        files.append(File(start, weight, flat))
    found = buckets(files)
    assert len(found) <= BUCKETS
    assert [each for segment in segments(found) for each in segment] == found
    assert min(each.least for each in found) == min(each.size for each in files)
    assert max(each.most for each in found) == max(each.size for each in files)
    svg = sizes("BTCUSDT", files, LEVEL)
    points = [point for path in re.findall(r'class="band[^"]*" d="M([^"]*)Z"', svg) for point in path.split("L")]
    assert len(points) == 2 * len(found)
    assert all(0 <= float(value) <= 396 for point in points for value in point.split())


def test_a_band_is_flat_only_where_all_of_its_files_are() -> None:
    files = [File(1 + n, 8_000 if n >= 603 else 40_000, flat=n >= 603) for n in range(1000)]
    found = buckets(files)
    assert [each.flat for each in found] == [False] * 121 + [True] * 79
    assert (found[120].least, found[120].most) == (8_000, 40_000)
    assert sizes("BTCUSDT", files, LEVEL).count("band flat") == 1


@pytest.mark.parametrize(
    ("first", "last", "rows"),
    [
        ("2024-02-29", "2024-02-29", 1),
        ("2024-12-31", "2025-01-01", 2),
        ("2024-01-01", "2024-12-31", 1),
        ("2023-06-01", "2026-06-01", 4),
    ],
    ids=["one day", "over new year", "a leap year", "four years"],
)
def test_a_calendar_has_a_row_for_each_year(first: str, last: str, rows: int) -> None:
    svg = heatmap("BTCUSDT", [Run("available", day(first), day(last))])
    assert svg.count('class="ground"') == rows
    assert len(unroll(svg)) == day(last) - day(first) + 1


def test_a_leap_year_has_a_day_more() -> None:
    svg = heatmap("BTCUSDT", [Run("available", day("2023-01-01"), day("2024-12-31"))])
    widths = [rect.get("width") for rect in ET.fromstring(svg).iter("rect") if rect.get("class") == "ground"]
    assert widths == ["365", "366"]


def test_without_days_there_is_no_chart() -> None:
    assert (heatmap("BTCUSDT", []), gantt("BTCUSDT", [], []), sizes("BTCUSDT", [], LEVEL)) == ("", "", "")


def test_one_file_and_empty_files_are_drawn() -> None:
    for files in ([File(1, 5, flat=False)], [File(1, 0, flat=False)], [File(1, LEVEL, flat=False)]):
        assert sizes("BTCUSDT", files, LEVEL).count('class="band dot"') == 1


@pytest.mark.parametrize("name", ["币安人生USDT", "<b>&\"'USDT"])
def test_charts_are_well_formed_and_say_what_they_are(name: str) -> None:
    lives = [each._replace(symbol=name) for each in LIVES]
    for svg in (heatmap(name, SMALL), gantt(name, lives, SPANS), sizes(name, SHRUNK, LEVEL)):
        root = ET.fromstring(svg)
        assert root.get("role") == "img"
        named = {each.get("id"): each.text for each in root if each.tag in ("title", "desc")}
        assert set(named) == set((root.get("aria-labelledby") or "").split())
        assert all(named.values())
        assert any(name in (text or "") for text in named.values())
        assert "style=" not in svg


def test_a_chart_defines_each_texture_that_it_uses() -> None:
    svg = heatmap("BTCUSDT", SMALL) + gantt("LITUSDT", LIVES, SPANS)
    assert set(re.findall(r"url\(#([^)]+)\)", svg)) <= set(re.findall(r'id="([^"]+)"', svg))
    ids = re.findall(r'id="([^"]+)"', svg)
    assert len(ids) == len(set(ids)), "charts of one page do not share names"
    assert legend("heatmap", [run.kind for run in SMALL]).count("<li>") == 6


@given(Start, st.integers(0, 6000))
def test_an_axis_names_a_few_days_within_it(start: int, length: int) -> None:
    found = ticks(Days(start, start + length, 0, 400))
    assert 1 <= len(found) <= 8
    assert all(start <= each <= start + length for each, _ in found)
