"""The one sentence of a symbol's page, for each case that there is."""

import pytest
from webapp.pages.symbol_words import Absence, Facts, delivery_day, sentence, ticker
from webapp.vocabulary import with_days_whole

NEWEST = "2027-04-30"
WHOLE = Facts(
    "BTCUSDT",
    "perpetual",
    "BTC",
    "USDT",
    "2026-11-21T09:40:09Z",
    looked_through=NEWEST,
    earliest="2020-09-17",
    latest="2027-04-30",
    days_held=2400,
    completeness=1.0,
    last_traded_day="2027-04-30",
    state="trading",
)
HOLED = WHOLE._replace(days_missing=2, longest_gap=2, completeness=0.99917)
NOTHING = Facts("NEWUSDT", "perpetual", "NEW", "USDT", "2026-11-21T09:40:09Z")
FLAT = WHOLE._replace(state="flat", last_traded_day="2024-12-23", flat_days=857)
PENDING = WHOLE._replace(state="pending", latest="2027-04-29", last_traded_day="2027-04-29")
ENDED = WHOLE._replace(state="ended", latest="2023-01-31", last_traded_day="2023-01-31")
DELIVERY = ENDED._replace(
    symbol="BTCUSDT_231229",
    kind="delivery",
    days_held=127,
    earliest="2023-08-25",
    latest="2023-12-29",
    last_traded_day="2023-12-29",
)
SETTLED = ENDED._replace(
    symbol="LITUSDTSETTLED",
    kind="settled",
    days_held=1,
    earliest="2025-12-23",
    latest="2025-12-23",
    last_traded_day="2025-12-23",
)


def absence(first_day: str, days: int, reason: str, last_day: str = "") -> Absence:
    condition = {"not_looked": None, "not_published_yet": "pending"}.get(reason, "missing")
    is_gap = reason in {"symbol_gap", "market_gap", "relist_break"}
    return Absence(first_day, last_day or first_day, days, condition, reason, 7, "2026-11-21T09:40:10Z", is_gap)


ONE = absence("2023-02-01", 2, "symbol_gap", "2023-02-02")
BESIDE = absence("2023-02-03", 1, "market_gap")
APART = absence("2024-02-01", 1, "symbol_gap")
RELIST = absence("2023-02-01", 21, "relist_break", "2023-02-21")
AGAIN = absence("2024-02-01", 3, "relist_break", "2024-02-03")
UNLOOKED = absence("2023-03-01", 12, "not_looked", "2023-03-12")
ENDS = absence("2023-02-01", 1550, "ended", "2027-04-30")
AWAITED = absence("2027-04-30", 1, "not_published_yet")
THREE = absence("2027-04-28", 3, "not_published_yet", "2027-04-30")
ALL = "All 2,400 days from 2020-09-17 to 2027-04-30 held, no gap"
LOOKED = "looked through 2027-04-30."

CASES = [
    ("no file, never looked", NOTHING, [], "No day file is known; nobody has looked yet."),
    ("no file ever", NOTHING._replace(looked_through=NEWEST), [], f"No day file was found; {LOOKED}"),
    ("whole", WHOLE, [], f"{ALL}; traded through 2027-04-30; {LOOKED}"),
    (
        "one gap",
        HOLED,
        [ONE],
        "2,400 of 2,402 days from 2020-09-17 to 2027-04-30 held, 1 gap of 2 days; traded through 2027-04-30; " + LOOKED,
    ),
    (
        "one hole of two reasons is one gap",
        HOLED._replace(days_missing=3, longest_gap=3),
        [ONE, BESIDE],
        "2,400 of 2,403 days from 2020-09-17 to 2027-04-30 held, 1 gap of 3 days; traded through 2027-04-30; " + LOOKED,
    ),
    (
        "two gaps",
        HOLED._replace(days_missing=3),
        [ONE, APART],
        "2,400 of 2,403 days from 2020-09-17 to 2027-04-30 held, 2 gaps, longest 2 days; traded through 2027-04-30; "
        + LOOKED,
    ),
    (
        "a break between two lives",
        HOLED._replace(days_missing=21, longest_gap=21),
        [RELIST],
        "2,400 of 2,421 days from 2020-09-17 to 2027-04-30 held, 1 gap of 21 days, between two lives; "
        "traded through 2027-04-30; " + LOOKED,
    ),
    (
        "breaks between lives alone",
        HOLED._replace(days_missing=24, longest_gap=21),
        [RELIST, AGAIN],
        "2,400 of 2,424 days from 2020-09-17 to 2027-04-30 held, 2 gaps, longest 21 days, all between two lives; "
        "traded through 2027-04-30; " + LOOKED,
    ),
    (
        "days between that nobody looked at are not missing",
        WHOLE,
        [UNLOOKED],
        "2,400 days from 2020-09-17 to 2027-04-30 held, no gap known; 12 days between not looked at; "
        "traded through 2027-04-30; " + LOOKED,
    ),
    (
        "a gap, and days that nobody looked at",
        HOLED,
        [ONE, UNLOOKED],
        "2,400 of 2,402 days from 2020-09-17 to 2027-04-30 held, 1 gap of 2 days; 12 days between not looked at; "
        "traded through 2027-04-30; " + LOOKED,
    ),
    (
        "files known, but never listed as a whole",
        WHOLE._replace(looked_through=None),
        [],
        (
            "2,400 days from 2020-09-17 to 2027-04-30 held, no gap known; newest file known 2027-04-30; "
            "never looked through as a whole."
        ),
    ),
    (
        "nobody looked since",
        WHOLE._replace(latest="2026-01-31", last_traded_day="2026-01-31", looked_through="2026-01-31"),
        [absence("2026-02-01", 454, "not_looked", "2027-04-30")],
        (
            "All 2,400 days from 2020-09-17 to 2026-01-31 held, no gap; traded through 2026-01-31; "
            "looked through 2026-01-31, not since."
        ),
    ),
    (
        "nobody looked before",
        WHOLE._replace(looked_from="2020-09-01"),
        [],
        f"{ALL}; traded through 2027-04-30; looked from 2020-09-01 through 2027-04-30.",
    ),
    (
        "still live, with a pending day",
        PENDING,
        [AWAITED],
        "All 2,400 days from 2020-09-17 to 2027-04-29 held, no gap; traded through 2027-04-29; "
        "2027-04-30 still pending; " + LOOKED,
    ),
    (
        "three pending days",
        PENDING._replace(latest="2027-04-27", last_traded_day="2027-04-27"),
        [THREE],
        "All 2,400 days from 2020-09-17 to 2027-04-27 held, no gap; traded through 2027-04-27; "
        "2027-04-28 to 2027-04-30 still pending; " + LOOKED,
    ),
    ("flat", FLAT, [], f"{ALL}; last traded 2024-12-23, flat files since; {LOOKED}"),
    (
        "flat, with a pending day",
        FLAT._replace(latest="2027-04-29"),
        [AWAITED],
        "All 2,400 days from 2020-09-17 to 2027-04-29 held, no gap; last traded 2024-12-23, flat files since; "
        "2027-04-30 still pending; " + LOOKED,
    ),
    ("never traded", FLAT._replace(last_traded_day=None), [], f"{ALL}; never traded, flat files only; {LOOKED}"),
    (
        "the newest file is empty",
        WHOLE._replace(last_traded_day="2027-04-29"),
        [],
        f"{ALL}; last traded 2027-04-29, empty files since; {LOOKED}",
    ),
    (
        "ended",
        ENDED,
        [ENDS],
        "All 2,400 days from 2020-09-17 to 2023-01-31 held, no gap; last traded 2023-01-31, no file since; " + LOOKED,
    ),
    (
        "flat, then ended",
        ENDED._replace(last_traded_day="2022-12-23", flat_days=39),
        [ENDS],
        "All 2,400 days from 2020-09-17 to 2023-01-31 held, no gap; "
        "last traded 2022-12-23, flat files to 2023-01-31, none since; " + LOOKED,
    ),
    (
        "a delivery contract",
        DELIVERY,
        [ENDS],
        "A contract with delivery on 2023-12-29: all 127 days from 2023-08-25 to 2023-12-29 held, no gap; "
        "last traded 2023-12-29, no file since; " + LOOKED,
    ),
    (
        "a delivery contract whose name tells no day",
        DELIVERY._replace(symbol="BTCUSDT_210229"),
        [ENDS],
        "A delivery contract: all 127 days from 2023-08-25 to 2023-12-29 held, no gap; "
        "last traded 2023-12-29, no file since; " + LOOKED,
    ),
    (
        "a settled folder",
        SETTLED,
        [ENDS],
        "An earlier contract of LITUSDT, in a folder of its own: the only day held is 2025-12-23; "
        "last traded 2025-12-23, no file since; " + LOOKED,
    ),
    (
        "a settled folder without files",
        NOTHING._replace(symbol="ABC_SETTLEDSETTLED", kind="settled", looked_through=NEWEST),
        [],
        f"An earlier contract of ABC, in a folder of its own: no day file was found; {LOOKED}",
    ),
    (
        "listed yesterday",
        WHOLE._replace(earliest=NEWEST, latest=NEWEST, days_held=1),
        [],
        "The only day held is 2027-04-30; traded through 2027-04-30; " + LOOKED,
    ),
]


@pytest.mark.parametrize(("facts", "absences", "said"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_a_symbol_is_said_in_one_sentence(facts: Facts, absences: list[Absence], said: str) -> None:
    assert sentence(facts, absences, NEWEST) == said


def test_what_is_not_looked_at_is_never_called_missing() -> None:
    assert all("missing" not in sentence(facts, absences, NEWEST) for _, facts, absences, _ in CASES)


@pytest.mark.parametrize(
    ("symbol", "day"),
    [
        ("BTCUSDT_231229", "2023-12-29"),
        ("BTCUSDT_210229", None),
        ("BTCUSDT_240229", "2024-02-29"),
        ("BTCUSDT", None),
        ("ICPUSDT_SETTLED", None),
    ],
)
def test_a_name_tells_its_delivery_day_where_there_is_such_a_day(symbol: str, day: str | None) -> None:
    assert delivery_day(symbol) == day


@pytest.mark.parametrize("symbol", ["ABCSETTLED", "ABC_SETTLED", "ABCSETTLEDSETTLED", "ABC_SETTLEDSETTLED", "ABC"])
def test_a_ticker_has_no_settled_in_it(symbol: str) -> None:
    assert ticker(symbol) == "ABC"


def test_the_days_of_a_sentence_are_not_broken_over_lines() -> None:
    marked = '&lt;b&gt; held on <span class="nowrap">2027-04-30</span>.'
    assert with_days_whole("<b> held on 2027-04-30.") == marked
