"""The charts of the first page: small ones as files, and what they do where there is little to show."""

from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from markupsafe import Markup
from webapp.charts import area, strip
from webapp.charts.area import Point, steps
from webapp.charts.runs import ordinal
from webapp.charts.strip import KINDS, Day

GOLDEN = Path(__file__).parent / "golden"
FIRST = ordinal("2023-12-30")
WEEKS = [
    Point(ordinal("2023-12-25"), 3, 3, 0),
    Point(ordinal("2024-01-01"), 5, 4, 0),
    Point(ordinal("2024-01-08"), 12, 12, 2),
    Point(ordinal("2024-01-15"), 11, 11, 3),
]
WEEK = [
    Day(FIRST, listed=4, files=4),
    Day(FIRST + 1, listed=4, files=4),
    Day(FIRST + 2, listed=5, files=4, missing=1),
    Day(FIRST + 3, listed=5, files=1, missing=4),
    Day(FIRST + 4, listed=5, files=5, degraded=1),
    Day(FIRST + 5),
    Day(FIRST + 6, listed=5, files=2, pending=3),
]


def check_golden(name: str, svg: str) -> None:
    pretty = str(svg).replace("><", ">\n<") + "\n"
    assert pretty == (GOLDEN / f"{name}.svg").read_text(encoding="utf-8")


def test_the_area_of_four_weeks_is_the_one_looked_at() -> None:
    check_golden("area", area.area(WEEKS))


def test_the_strip_of_a_week_is_the_one_looked_at() -> None:
    check_golden("strip", strip.strip(WEEK))


def test_the_same_days_give_the_same_bytes() -> None:
    assert area.area(WEEKS).encode() == area.area(list(WEEKS)).encode()
    assert strip.strip(WEEK).encode() == strip.strip(list(WEEK)).encode()


def test_without_days_there_is_no_chart() -> None:
    assert area.area([]) == ""
    assert strip.strip([]) == ""
    assert strip.runs([]) == []


def test_one_day_is_drawn_from_edge_to_edge() -> None:
    bars = [rect for rect in ET.fromstring(strip.strip(WEEK[:1])).iter("rect") if rect.get("class")]
    assert [(bar.get("x"), bar.get("width")) for bar in bars] == [("0.3", "395.4")]
    line = ET.fromstring(area.area(WEEKS[:1])).find("path[@class='listed']")
    assert line is not None
    assert line.get("d") == "M26.0 6.0L394.0 6.0"


def test_nobody_listed_is_no_division_by_zero() -> None:
    ET.fromstring(area.area([Point(FIRST, 0, 0, 0), Point(FIRST + 7, 0, 0, 0)]))


@pytest.mark.parametrize("chart", [area.area(WEEKS), strip.strip(WEEK), area.key(), strip.key(WEEK), strip.links(WEEK)])
def test_what_is_drawn_is_well_formed(chart: Markup) -> None:
    root = ET.fromstring(chart)
    if root.tag == "svg":
        told = {each.get("id") for each in root if each.tag in ("title", "desc")}
        assert set((root.get("aria-labelledby") or "").split()) == told
        assert root.get("role") == "img"


def test_the_worst_that_is_known_of_a_day_wins() -> None:
    assert [day.kind for day in WEEK] == [
        *("complete", "complete", "partly", "missing", "partly", "not looked", "pending"),
    ]
    assert Day(FIRST, listed=9, files=3, missing=1, pending=5).kind == "partly"


def test_each_day_has_a_bar_a_link_and_its_place_in_the_table() -> None:
    bars = [rect for rect in ET.fromstring(strip.strip(WEEK)).iter("rect") if (rect.get("class") or "")[:2] == "c-"]
    links = [a.get("href") for a in ET.fromstring(strip.links(WEEK)).iter("a")]
    assert [f"c-{KINDS[day.kind]}" for day in WEEK] == [bar.get("class") for bar in bars]
    assert links[0] == "/day/2023-12-30"
    assert len(links) == len(WEEK)
    assert sum(run.days for run in strip.runs(WEEK)) == len(WEEK)


@pytest.mark.parametrize(
    ("top", "named"), [(1, [1]), (4, [1, 2, 3, 4]), (12, [5, 10]), (867, [200, 400, 600, 800]), (1000, [500, 1000])]
)
def test_a_few_round_numbers_are_named(top: int, named: list[int]) -> None:
    assert steps(top) == named
