"""How the universe is derived from observations: every way a day can be known, and what its origin says."""

import csv
import json
from datetime import date
from pathlib import Path

import pytest
from click.testing import CliRunner

from etl.replica.derive import main
from etl.replica.universe import SymbolFacts, read_universe

# symbol, class, first_day and last_day as the observations write them, then the row they become
CASES = [
    (
        "AUSDT",
        "perpetual",
        "2021-05-06",
        "open_at_2026-06-30",
        "2021-05-06",
        "",
        "first observed; last growing on 2026-06-30",
    ),
    ("BUSDT", "perpetual", "2021-05-06", "2022-06-07", "2021-05-06", "2022-06-07", "first observed; last observed"),
    (
        *("CBUSD", "perpetual", "2022-02 (month only)", "2023-12 (month only)"),
        *("2022-02-01", "2023-12-31", "first month only: its first day; last month only: its last day"),
    ),
    (
        *("BTCUSDT_210625", "delivery", "2021-03 (month only)", "2021-06-25 (expiry in name)"),
        *("2021-03-26", "2021-06-25", "first month only: its last Friday; last expiry in its name"),
    ),
    (
        *("BTCBUSD_210129", "delivery", "2021-01 (month only)", "2021-01-29 (expiry in name)"),
        *("2021-01-01", "2021-01-29", "first month only: its first day; last expiry in its name"),
    ),
    (
        *("NEWUSDT", "perpetual", "2026-07-12 (first seen in S3 listing)", "?"),
        *("2026-07-10", "", "first modelled: seen two days later; last modelled: growing"),
    ),
    (
        *("ONUSDT", "perpetual", "2026-07-12 (first seen in S3 listing)", "?"),
        *("2026-07-11", "", "first onboarding day; last modelled: growing"),
    ),
    (
        *("BUSDTSETTLED", "settled_folder", "?", "?", "2022-06-08", "2022-06-08"),
        "; ".join(f"{end} month only: one file, the day after the parent's last" for end in ("first", "last")),
    ),
]


def write(path: Path, header: str, rows: list[list[str]]) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([header.split(","), *rows])


@pytest.fixture
def derived(tmp_path: Path) -> dict[str, SymbolFacts]:
    symbols = [case[0] for case in CASES] + ["DEADUSDT", "LITUSDT"]
    listing = {"perpetual_symbols": symbols, "delivery_symbols": []}
    (tmp_path / "symbols_2026-08-22.json").write_text(json.dumps(listing))
    intervals = [list(case[:4]) for case in CASES]
    intervals += [[symbol, "perpetual", "2021-01", "?"] for symbol in ("DEADUSDT", "LITUSDT")]
    write(tmp_path / "um_daily_1m_intervals_derived.csv", "symbol,class,first_day,last_day", intervals)
    write(
        tmp_path / "um_lifecycle_anomalies_2026-10-02.csv",
        "symbol,first_day,last_day,last_traded_day,zero_volume_days",
        [
            ["DEADUSDT", "2024-01-01", "2026-10-02", "2025-03-17", "564"],
            ["LITUSDT", "2021-02-18", "2026-10-02", "2026-10-02", "325"],
        ],
    )
    write(tmp_path / "new_listing_discovery_lag.csv", "symbol,onboard_date", [["ONUSDT", "2026-07-11T08:00:00Z"]])
    result = CliRunner().invoke(main, [str(tmp_path), "--out", str(tmp_path / "out.csv")])
    assert result.exit_code == 0, result.output
    return {row.symbol: row for row in read_universe(tmp_path / "out.csv")}


@pytest.mark.parametrize("case", CASES, ids=lambda case: case[0])
def test_every_way_of_knowing_a_day_has_its_rule_and_its_origin(
    derived: dict[str, SymbolFacts], case: tuple[str, ...]
) -> None:
    symbol, _, _, _, first, last, origin = case
    row = derived[symbol]
    assert (str(row.first_day), str(row.last_day or ""), row.origin) == (first, last, origin)


def test_a_delisted_symbol_goes_on_flat(derived: dict[str, SymbolFacts]) -> None:
    row = derived["DEADUSDT"]
    assert (row.last_day, row.dead_from, row.dead_to) == (None, date(2025, 3, 18), None)


def test_a_reused_ticker_was_flat_until_its_relisting(derived: dict[str, SymbolFacts]) -> None:
    row = derived["LITUSDT"]
    assert (row.dead_from, row.dead_to) == (date(2025, 2, 1), date(2025, 12, 22))
