"""What pages tell in words of their own agrees with the documents and the code that they tell of."""

import re
from pathlib import Path

from webapp import refusals
from webapp.findings import MEANINGS
from webapp.pages import api, changes, status

from etl import runs

ROOT = Path(__file__).parents[2]


def test_findings_mean_what_the_catalogue_of_checks_says() -> None:
    text = (ROOT / "docs" / "checks.md").read_text(encoding="utf-8")
    told = dict(re.findall(r"^## (A\d{3}) .*\n\n\*\*\w+\*\*: (.+)$", text, re.MULTILINE))
    not_published = {code for code in told if code.startswith("A5")}
    assert {code: told[code] for code in told.keys() - not_published} == MEANINGS


def test_events_are_those_that_there_are() -> None:
    metadata = (ROOT / "metadata.yml").read_text(encoding="utf-8")
    (choices,) = re.findall(r"choices: \[(listed, [^\]]+)\]", metadata)
    assert choices.split(", ") == list(changes.EVENTS)


def test_every_case_of_an_error_is_told() -> None:
    assert set(api.CASES) == set(refusals.CASES)


def test_the_success_rate_is_the_one_of_the_collector() -> None:
    assert (status.DAYS, status.TARGET) == (runs.DAYS, runs.TARGET)


def test_the_numbers_of_the_about_page_are_those_of_the_documents() -> None:
    page = (ROOT / "templates" / "site" / "about.html").read_text(encoding="utf-8")
    conditions = (ROOT / "docs" / "conditions.md").read_text(encoding="utf-8")
    rationale = (ROOT / "docs" / "rationale.md").read_text(encoding="utf-8")
    for number in ("10,000 bytes", "2026-10-02", "7.4 to 8.4 kB", "22 to 68 kB"):
        assert number in page
        assert number in conditions
    for fact in ("2019-12-31", "1,000 entries", "2022-03-21", "2026-08-26"):
        assert fact in page
        assert fact in rationale
    for reason in re.findall(r"`([a-z_]+)`", conditions):
        if reason in ("symbol_gap", "market_gap", "relist_break", "ended", "not_published_yet", "not_looked", "flat"):
            assert f'id="{reason}"' in page
