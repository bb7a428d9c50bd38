"""The AWS CLI lists the same archive with none of our code: what it says must be what we say."""

import json
import os
import sys
from pathlib import Path
from typing import Any

import duckdb
import pytest

from etl import aws_cli
from etl.archives import list_series
from etl.aws_cli import over_aws_cli
from etl.errors import AvailabilityError, ListingError, UsageError
from etl.keys import UM_KLINES_1M, series_prefix
from etl.records import Listing, Page, Window
from etl.replica.faults import Fault
from etl.replica.server import Replica, running
from etl.replica.universe import StrayKey
from etl.stores import open_bucket
from tests.archive import DAYS, LAST, NOW, UNIVERSE
from tests.conftest import Run

pytestmark = pytest.mark.long

PREFIX = series_prefix(UM_KLINES_1M, "BTCUSDT")
KEY = f"{PREFIX}BTCUSDT-1m-2024-01-15.zip"
ETAG = "d41d8cd98f00b204e9800998ecf8427e"
ENTRY = {"Key": KEY, "LastModified": "2024-01-16T07:31:02.000Z", "ETag": f'"{ETAG}"', "Size": 4711}
PAGE = Page([KEY], ["4711"], ["2024-01-16T07:31:02.000Z"], [ETAG], [], None)
URL = "http://127.0.0.1:9/data.binance.vision"

real = pytest.mark.usefixtures("installed")  # the one that `make dev` installs: these tests are never skipped


@pytest.fixture
def installed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Put the programs installed beside this Python first on the PATH."""
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")


@pytest.fixture
def fake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Put an ``aws`` on the PATH that does just what a test says, in Python."""

    def install(program: str) -> None:
        folder = tmp_path / "bin"
        folder.mkdir(exist_ok=True)
        script = folder / "aws"
        script.write_text(f"#!{sys.executable}\nimport json, os, sys, time\n{program}\n", encoding="utf-8")
        script.chmod(0o755)
        monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")

    return install


def listing(after: str = "") -> list[Page]:
    """List BTCUSDT by whatever ``aws`` is on the PATH."""
    return list(over_aws_cli(URL).pages(PREFIX, after))


def ask(query: str, path: str) -> list[tuple[Any, ...]]:
    """Ask a warehouse."""
    with duckdb.connect(path, read_only=True) as con:
        return con.execute(query).fetchall()


# -- the real one ------------------------------------------------------------------------------------


@pytest.mark.long
@real
def test_both_listers_give_identical_records() -> None:
    strays = [
        StrayKey(f"{PREFIX}part-00000-0fae-c000.zip", 10, NOW),
        StrayKey(f"{PREFIX}a b&c <d>+%20.zip", 11, NOW),
        StrayKey(f"{PREFIX}BTCUSDT-1m-2024-01-15.zip.CHECKSUM.CHECKSUM", 12, NOW),
    ]
    strange = []
    with running(UNIVERSE, now=NOW, strays=strays) as archive:
        bucket, lister = open_bucket(archive.listing_url, 1), over_aws_cli(archive.listing_url)
        wanted = [Window(symbol, None, LAST) for symbol in ("BTCUSDT", "币安人生USDT", "NONEUSDT")]
        wanted += [Window("ETHUSDT", LAST, LAST), Window("SOLUSDT", NOW.date(), LAST)]
        for window in wanted:
            ours = list_series(bucket, UM_KLINES_1M, window)
            theirs = list_series(bucket, UM_KLINES_1M, window, lister=lister)
            assert isinstance(ours, Listing)
            assert isinstance(theirs, Listing)
            assert theirs.method == "aws-cli"
            same = {"method": "list", "pages": ours.pages, "started_at": ours.started_at, "ended_at": ours.ended_at}
            assert theirs._replace(**same) == ours
            strange.append(len(theirs.strangers))
    assert strange == [3, 0, 0, 0, 0]


@pytest.mark.long
@real
def test_a_backfill_via_the_cli_leaves_the_same_warehouse(run: Run) -> None:
    some = ["BTCUSDT", "币安人生USDT"]  # the one of three pages, and a name that needs encoding
    for via in ("http", "aws-cli"):
        run("discover", "--warehouse", f"{via}.duckdb")
        said = run("backfill", "--via", via, "--symbols", ",".join(some), "--warehouse", f"{via}.duckdb").stdout
        assert f"2 of 2 symbols listed with {'4 requests' if via == 'http' else '2 commands of the AWS CLI'}" in said
    facts = "SELECT * EXCLUDE (first_seen_at, last_seen_at) FROM day_files ORDER BY ALL"
    assert ask(facts, "http.duckdb") == ask(facts, "aws-cli.duckdb")
    assert len(ask(facts, "http.duckdb")) == sum(DAYS[symbol] for symbol in some)
    listings = (
        "SELECT symbol, prefix, from_key, first_day, last_day, objects, day_files, url, status_code FROM listings"
    )
    looked = f"{listings} WHERE symbol IS NOT NULL ORDER BY ALL"
    assert ask(looked, "http.duckdb") == ask(looked, "aws-cli.duckdb")
    assert ask("SELECT DISTINCT method FROM listings WHERE symbol IS NOT NULL", "aws-cli.duckdb") == [("aws-cli",)]


@real
def test_the_cli_asks_once_and_says_what_the_archive_answered(archive: Replica) -> None:
    archive.set_faults([Fault("status", status=503)])
    archive.reset_stats()
    with pytest.raises(ListingError, match=r"exit code \d+: .*SlowDown"):
        list(over_aws_cli(archive.listing_url).pages(PREFIX, ""))
    assert archive.stats()["requests"] == 1


# -- what it prints ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("moment", "version"),
    [("2024-01-16T07:31:02.000Z", 1), ("2024-01-16T07:31:02+00:00", 2), ("2024-01-16T16:31:02+09:00", 2)],
)
def test_the_times_of_either_version_become_those_of_s3(fake: Any, moment: str, version: int) -> None:
    answer = {"Contents": [{**ENTRY, "LastModified": moment}], "Prefix": PREFIX, "RequestCharged": None}
    fake(f"print({json.dumps(answer if version == 1 else {'Contents': answer['Contents']})!r})")
    assert listing() == [PAGE]


@pytest.mark.parametrize("printed", ["", "{}", '{"RequestCharged": null}', '{"Contents": null}'])
def test_an_empty_prefix_is_an_empty_page(fake: Any, printed: str) -> None:
    fake(f"print({printed!r}, end='')")
    assert listing() == [Page([], [], [], [], [], None)]


def test_the_command_is_anonymous_in_utc_and_the_same_on_every_machine(
    fake: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    monkeypatch.setenv("AWS_CONFIG_FILE", "/some/profile")
    foreign = ("AWS_PROFILE", "AWS_ENDPOINT_URL_S3", "AWS_CA_BUNDLE", "AWS_DEFAULT_OUTPUT", "PYTHONPATH", "SOMETHING")
    passed = {
        "LC_CTYPE": "C.UTF-8",
        "https_proxy": "http://p",
        "NO_PROXY": "x",
        "REQUESTS_CA_BUNDLE": "/ca",
        "HOME": "/h",
    }
    for name, value in [*dict.fromkeys(foreign, "/nowhere").items(), *passed.items()]:
        monkeypatch.setenv(name, value)
    fake(f"json.dump([sys.argv[1:], dict(os.environ)], open({str(tmp_path / 'seen')!r}, 'w'))")
    listing(after=f"{PREFIX}A")
    arguments, environment = json.loads((tmp_path / "seen").read_text())
    assert (
        arguments
        == (
            "s3api list-objects-v2 --no-sign-request --output json --endpoint-url http://127.0.0.1:9"
            f" --bucket data.binance.vision --prefix {PREFIX} --start-after {PREFIX}A"
        ).split()
    )
    assert (environment["TZ"], environment["AWS_EC2_METADATA_DISABLED"]) == ("UTC", "true")
    assert (environment["AWS_CONFIG_FILE"], environment["AWS_MAX_ATTEMPTS"]) == (os.devnull, "1")
    assert environment["AWS_SHARED_CREDENTIALS_FILE"] == os.devnull
    assert not environment.keys() & set(foreign)
    assert passed.items() <= environment.items()


@pytest.mark.parametrize(
    ("answer", "cause"),
    [
        ("<html>", "printed no listing"),
        ("[]", "printed no listing"),
        ({"Contents": [{"Key": KEY}]}, "printed no listing: KeyError"),
        ({"Contents": [{**ENTRY, "ETag": "x"}]}, "printed no listing: ValueError the etag 'x'"),
        ({"Contents": [{**ENTRY, "LastModified": "2024-01-16T07:31:02"}]}, "a time without offset"),
        ({"Contents": [{**ENTRY, "LastModified": "yesterday"}]}, "printed no listing"),
        ({"Contents": [ENTRY, ENTRY]}, "has names that do not increase"),
        ({"Contents": [{**ENTRY, "Key": "elsewhere/x.zip"}]}, "has names outside the prefix"),
        ({"Contents": [ENTRY], "Prefix": "elsewhere/"}, "is about the prefix 'elsewhere/'"),
        ({"Contents": [ENTRY], "NextToken": "more"}, "is not the whole listing"),
        ({"Contents": [{**ENTRY, "Key": 5}]}, "printed no listing: TypeError the key 5$"),
        ({"Contents": [{**ENTRY, "Key": None}]}, "printed no listing: TypeError the key None$"),
        ({"Contents": [{**ENTRY, "Key": f"{PREFIX}\ud800"}]}, r"ValueError the key '.*/1m/\\ud800'$"),
        ({"Contents": [{**ENTRY, "ETag": "\ud800"}]}, r"the etag '\\ud800'$"),
        ({"Contents": [{**ENTRY, "LastModified": "0001-01-01T00:00:00+01:00"}]}, "printed no listing: OverflowError"),
        ({"Contents": [{**ENTRY, "LastModified": "9999-12-31T23:59:59-01:00"}]}, "printed no listing: OverflowError"),
        *(
            ({"Contents": [{**ENTRY, "Size": size}]}, f"printed no listing: ValueError the size {said}$")
            for size, said in [(-5, -5), (12.7, 12.7), (True, True), (" 4_0 ", "' 4_0 '"), (float("inf"), "inf")]
        ),
        ({"Contents": [{**ENTRY, "Size": 10**30}]}, "ValueError the size 10{16,}"),
        ({"Contents": [{**ENTRY, "Size": 10**4000}]}, r"ValueError the size 10+\.\.\.0+$"),
        ({"Contents": 0}, "printed no listing"),
        ("[" * 200_000, "printed no listing: it is nested too deep"),
    ],
    ids=lambda value: value if isinstance(value, str) and len(value) < 100 else "",
)
def test_an_answer_is_doubted_as_our_own_pages_are(fake: Any, answer: Any, cause: str) -> None:
    fake(f"print({answer if isinstance(answer, str) else json.dumps(answer)!r})")
    with pytest.raises(ListingError, match=cause) as caught:
        listing()
    assert caught.value.url.startswith(f"{URL}?list-type=2&prefix=")


def test_names_before_start_after_are_doubted(fake: Any) -> None:
    fake(f"print({json.dumps({'Contents': [ENTRY]})!r})")
    with pytest.raises(ListingError, match="do not increase"):
        listing(after=KEY)


# -- where it does not work --------------------------------------------------------------------------


def test_without_the_cli_one_sentence_says_so_and_nothing_is_asked(
    run: Run, archive: Replica, monkeypatch: pytest.MonkeyPatch
) -> None:
    run("discover")
    archive.reset_stats()
    monkeypatch.setenv("PATH", "/nowhere")
    result = run("backfill", "--via", "aws-cli", code=1)
    assert "The AWS CLI is not here: no `aws` on the PATH." in result.stderr
    assert result.stderr.count("Error:") == 1
    assert archive.stats()["requests"] == 0
    assert "6 of 6 symbols listed" in run("backfill").stdout
    with pytest.raises(AvailabilityError):
        over_aws_cli(URL)


@pytest.mark.parametrize("odd", [{"Key": 5}, {"Size": 10**30}, {"Key": f"{PREFIX}\ud800"}, {"Size": float("inf")}])
def test_one_odd_answer_costs_its_own_prefix_only(run: Run, fake: Any, odd: dict[str, Any]) -> None:
    run("discover")
    fake(
        "prefix = sys.argv[sys.argv.index('--prefix') + 1]\n"
        f"entry = {ENTRY!r} | {{'Key': prefix + prefix.split('/')[5] + '-1m-2024-01-15.zip'}}\n"
        f"print(json.dumps({{'Contents': [entry | ({odd!r} if 'BTCUSDT/' in prefix else {{}})]}}))".replace(
            ": inf", ": float('inf')"
        )
    )
    told = run("backfill", "--via", "aws-cli", "--symbols", "BTCUSDT,ETHUSDT,SOLUSDT", code=1)
    assert "1 of 3 symbols are not listed" in told.stderr
    assert ask("SELECT symbol FROM listings WHERE NOT complete", "warehouse.duckdb") == [("BTCUSDT",)]
    assert ask("SELECT symbol FROM day_files ORDER BY symbol", "warehouse.duckdb") == [("ETHUSDT",), ("SOLUSDT",)]


@pytest.mark.parametrize(
    ("program", "cause"),
    [
        ("sys.exit(253)", "exit code 253: it does not say why"),
        (
            "sys.exit('\\nFirst.\\n\\nAn error occurred (AccessDenied) when calling\\n')",
            "code 1: An error occurred (Access",
        ),
        ("time.sleep(30)", "did not end within 0.3 s"),
        ("if os.fork(): time.sleep(30)\ntime.sleep(3)", "did not end within 0.3 s"),
    ],
    ids=["silent", "refused", "asleep", "asleep with a child"],
)
def test_a_failing_cli_is_one_sentence_and_changes_no_fact(
    run: Run, fake: Any, monkeypatch: pytest.MonkeyPatch, program: str, cause: str
) -> None:
    if "0.3 s" in cause:
        monkeypatch.setattr(aws_cli, "TIMEOUT_SECONDS", 0.3)
    run("discover")
    fake(program)
    result = run("backfill", "--via", "aws-cli", "--symbols", "BTCUSDT", code=1)
    assert cause in result.stderr
    assert result.stderr.count("Error:") == 1
    assert "1 of 1 symbols are not listed" in result.stderr
    failed = ask("SELECT symbol, status_code, error, method FROM listings WHERE NOT complete", "warehouse.duckdb")
    ((symbol, status, error, method),) = failed
    assert (symbol, status, method) == ("BTCUSDT", None, "aws-cli")
    assert cause in error
    assert ask("SELECT count(*) FROM day_files", "warehouse.duckdb") == [(0,)]


def test_an_address_without_a_bucket_is_a_wrong_question(fake: Any) -> None:
    fake("sys.exit(0)")
    with pytest.raises(UsageError, match="does not end in the name of a bucket"):
        over_aws_cli("https://bucket.example")
