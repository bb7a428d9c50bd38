"""The replica's pages: the real bucket's bytes, S3's rules, and the fast renderer against the slow one."""

import itertools
from datetime import UTC, date, datetime, timedelta
from hashlib import md5

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from etl.replica.bucket import Bucket
from etl.replica.columns import Renderer, element, raw_key, url_key
from etl.replica.folder import Entry
from etl.replica.listing import Question, select
from etl.replica.pages import BadQuestionError, asked, list_page, parse_query
from etl.replica.universe import SymbolFacts
from tests.replica_fixtures import KLINES, NOON, SMALL, day_key, read_answer, stray

EOH = "data/option/daily/EOHSummary/"
HEAD = '<?xml version="1.0" encoding="UTF-8"?>\n<ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">'


def page(bucket: Bucket, query: str) -> str:
    return list_page(bucket, Renderer(), asked(parse_query(query.encode()))).decode()


def test_the_documented_page_of_five_prefixes_has_its_734_bytes() -> None:
    symbols = ("BNBUSDT", "BTCUSDT", "DOGEUSDT", "ETHUSDT", "XRPUSDT")
    bucket = Bucket([], [stray(f"{EOH}{symbol}/x.zip") for symbol in symbols], NOON)
    assert len(page(bucket, f"prefix={EOH}&delimiter=/&max-keys=1000").encode()) == 734


def test_the_documented_page_of_147_zips_and_checksums_has_its_79956_bytes() -> None:
    # 147 days from 2023-05-18 to 2023-10-23 without 09-08..09-18 and 09-25. The first zip has 402333 bytes;
    # the total fits when all have six digits and every CHECKSUM has 100 bytes (the name has 33).
    days = [date(2023, 5, 18) + timedelta(n) for n in range(159)]
    days = [day for day in days if not date(2023, 9, 8) <= day <= date(2023, 9, 18) and day != date(2023, 9, 25)]
    keys = [f"{EOH}BTCUSDT/BTCUSDT-EOHSummary-{day}.zip" for day in days]
    strays = [stray(key, 402_333) for key in keys] + [stray(f"{key}.CHECKSUM", 100) for key in keys]
    text = page(Bucket([], strays, NOON), f"prefix={EOH}BTCUSDT/&max-keys=1000")
    assert len(days) == 147
    assert len(text.encode()) == 79_956


def test_a_v1_page_of_keys_is_written_as_found() -> None:
    found = Entry(b"data/k.zip", 1387, "4c65e8f69a3ebae0cebef683f18dff3c", 1647853082)
    assert element(found, raw_key).decode() == (
        "<Contents><Key>data/k.zip</Key><LastModified>2022-03-21T08:58:02.000Z</LastModified>"
        "<ETag>&quot;4c65e8f69a3ebae0cebef683f18dff3c&quot;</ETag><Size>1387</Size>"
        "<StorageClass>STANDARD</StorageClass></Contents>"
    )


def test_a_v1_page_of_prefixes_is_written_as_found() -> None:
    bucket = Bucket([], [stray(f"{KLINES}BTCUSDT/{folder}/x") for folder in ("", "12h", "1h")], NOON)
    base = f"{KLINES}BTCUSDT/"
    assert page(bucket, f"prefix={base}&delimiter=/") == (
        f"{HEAD}<Name>data.binance.vision</Name><Prefix>{base}</Prefix><Marker></Marker><MaxKeys>1000</MaxKeys>"
        "<Delimiter>/</Delimiter><IsTruncated>false</IsTruncated>"
        + "".join(f"<CommonPrefixes><Prefix>{base}{f}/</Prefix></CommonPrefixes>" for f in ("", "12h", "1h"))
        + "</ListBucketResult>"
    )


def test_a_truncated_v1_page_without_delimiter_has_no_next_marker() -> None:
    text = page(Bucket(SMALL, [], NOON), f"prefix={KLINES}&max-keys=2")
    assert "<Marker></Marker><MaxKeys>2</MaxKeys><IsTruncated>true</IsTruncated><Contents>" in text


def test_a_truncated_v1_page_with_delimiter_names_its_last_entry_as_next_marker() -> None:
    text = page(Bucket(SMALL, [], NOON), f"prefix={KLINES}&delimiter=/&max-keys=2")
    assert f"<Marker></Marker><NextMarker>{KLINES}BTCUSDT/</NextMarker><MaxKeys>2</MaxKeys><Delimiter>" in text


def test_a_v2_page_is_written_in_the_order_found() -> None:
    text = page(Bucket(SMALL, [], NOON), f"list-type=2&prefix={KLINES}&delimiter=/&max-keys=2")
    before, _, after = text.partition("<NextContinuationToken>")
    assert before == f"{HEAD}<Name>data.binance.vision</Name><Prefix>{KLINES}</Prefix>"
    assert after.partition("</NextContinuationToken>")[2].startswith(
        "<KeyCount>2</KeyCount><MaxKeys>2</MaxKeys><Delimiter>/</Delimiter><IsTruncated>true</IsTruncated>"
        f"<CommonPrefixes><Prefix>{KLINES}BLZUSDT/</Prefix></CommonPrefixes>"
    )


def test_larger_max_keys_is_echoed_and_not_applied() -> None:
    bucket = Bucket([SymbolFacts("XUSDT", date(2020, 1, 1), date(2021, 12, 31))], [], NOON)
    text = page(bucket, f"prefix={KLINES}&max-keys=5000")
    assert "<MaxKeys>5000</MaxKeys><IsTruncated>true</IsTruncated>" in text
    assert text.count("<Contents>") == 1000


def test_max_keys_zero_gives_an_empty_page_that_is_not_truncated() -> None:
    answer = read_answer(page(Bucket(SMALL, [], NOON), "max-keys=0"))
    assert (answer.keys, answer.prefixes, answer.truncated) == ([], [], False)


def test_an_unknown_prefix_gives_an_empty_page() -> None:
    answer = read_answer(page(Bucket(SMALL, [], NOON), "prefix=nowhere/"))
    assert (answer.keys, answer.prefixes, answer.truncated) == ([], [], False)


def test_chinese_names_are_raw_in_listings_and_percent_encoded_on_request() -> None:
    bucket = Bucket(SMALL, [], NOON)
    key = day_key("币安人生USDT", "2024-01-08")
    assert f"<Key>{key}</Key>" in page(bucket, f"prefix={KLINES}&marker={KLINES}X")
    encoded = page(bucket, f"prefix={KLINES}&encoding-type=url&marker={KLINES}X")
    assert "<Key>data/futures/um/daily/klines/%E5%B8%81%E5%AE%89%E4%BA%BA%E7%94%9FUSDT/1m/%E5%B8%81" in encoded
    assert "<EncodingType>url</EncodingType><IsTruncated>false</IsTruncated>" in encoded


@pytest.mark.parametrize(
    "query",
    ["max-keys=-1", "max-keys=ten", "max-keys=99999999999", "encoding-type=html", "list-type=2&continuation-token=!"],
)
def test_what_s3_refuses_is_refused(query: str) -> None:
    with pytest.raises(BadQuestionError):
        asked(parse_query(query.encode()))


def test_keys_that_xml_forbids_are_escaped() -> None:
    assert "<Key>a&amp;b&lt;c</Key>" in page(Bucket([], [stray("a&b<c")], NOON), "")


LIVES = [
    SymbolFacts("AUSDT", date(2021, 12, 1), None, dead_from=date(2022, 5, 1)),
    SymbolFacts("BUSDT", date(2022, 2, 20), date(2022, 4, 1), ((date(2022, 3, 1), date(2022, 3, 3)),)),
    SymbolFacts("CUSDT", date(2022, 2, 20), None, dead_from=date(2022, 3, 1), dead_to=date(2022, 6, 1)),
    SymbolFacts("龙虾USDT", date(2022, 2, 1), date(2022, 7, 1)),
]


def edited_bucket() -> Bucket:
    odd = f"{KLINES}BUSDT/1m/"
    bucket = Bucket(LIVES, [stray(f"{KLINES}BUSDT//x"), stray(f"{odd}BUSDT-1m-2022-03-1"), stray(f"{odd}z.zip")], NOON)
    bucket.set_checksum("BUSDT", date(2022, 3, 15), there=False)
    bucket.upload("AUSDT", date(2022, 1, 1), size=123_456)
    bucket.upload("AUSDT", date(2022, 6, 1))
    bucket.upload("AUSDT", date(2021, 11, 5), modified=1_700_000_000)
    bucket.remove_day("CUSDT", date(2022, 2, 25))
    return bucket


@pytest.mark.parametrize("max_keys", [1000, 37, 2])
@pytest.mark.parametrize("encode", [raw_key, url_key], ids=["raw", "url"])
def test_pages_rendered_by_columns_equal_pages_rendered_key_by_key(max_keys: int, encode: object) -> None:
    bucket, renderer = edited_bucket(), Renderer()
    use = raw_key if encode is raw_key else url_key
    after = b""
    for _ in range(40):
        chosen = select(bucket, Question(b"", b"", after, max_keys))
        for run, start, stop in chosen.slices:
            slow = b"".join(element(run.entry(index), use) for index in range(start, stop))
            assert renderer.slice_xml(run, start, stop, use) == slow
        after = chosen.last
        if not chosen.truncated:
            break


def plain_selection(keys: list[bytes], ask: Question) -> tuple[list[bytes], list[bytes], bool]:
    """S3's listing as its documentation says it, slowly."""
    entries: list[tuple[bytes, bool]] = []
    for key in (key for key in keys if key.startswith(ask.prefix)):
        rest = key[len(ask.prefix) :]
        cut = rest.find(ask.delimiter) if ask.delimiter else -1
        entry = (key, False) if cut < 0 else (key[: len(ask.prefix) + cut + len(ask.delimiter)], True)
        if entry[0] > ask.after and entry not in entries[-1:]:
            entries.append(entry)
    page_of = entries[: min(ask.limit, 1000)]
    more = len(entries) > len(page_of) and ask.limit > 0
    return [name for name, common in page_of if not common], [name for name, common in page_of if common], more


BUCKET = edited_bucket()
BUCKET.catch_up()
ALL_KEYS = sorted(itertools.chain.from_iterable((run.key(i) for i in range(len(run))) for run in BUCKET.runs))
KEY_PARTS = st.sampled_from(ALL_KEYS).flatmap(lambda key: st.integers(0, len(key)).map(lambda end: key[:end]))


@settings(max_examples=150, deadline=None)
@given(prefix=KEY_PARTS, delimiter=st.sampled_from([b"", b"/", b"-", b"1m", b"USDT/"]), after=KEY_PARTS, data=st.data())
def test_any_question_selects_what_the_documentation_says(
    prefix: bytes, delimiter: bytes, after: bytes, data: st.DataObject
) -> None:
    ask = Question(prefix, delimiter, after, data.draw(st.sampled_from([0, 1, 2, 3, 50, 999, 1000, 5000])))
    chosen = select(BUCKET, ask)
    keys = [run.key(index) for run, start, stop in chosen.slices for index in range(start, stop)]
    assert (keys, chosen.prefixes, chosen.truncated) == plain_selection(ALL_KEYS, ask)


def test_every_object_has_its_own_etag_and_a_size_of_its_kind() -> None:
    bucket = Bucket(SMALL, [], NOON)
    bucket.catch_up()
    entries = [run.entry(index) for run in bucket.runs for index in range(len(run))]
    assert len({entry.etag for entry in entries}) == len(entries)
    assert {len(entry.etag) for entry in entries} == {len(md5(b"").hexdigest())}
    for entry in entries:
        low, high = (90, 110) if entry.key.endswith(b"M") else (7_400, 68_000)
        assert low <= entry.size <= high


def test_dead_days_have_flat_files() -> None:
    bucket = Bucket(SMALL, [], NOON)
    bucket.catch_up()
    sizes = {}
    for day in ("2024-01-03", "2024-01-04"):
        entry = bucket.entry(day_key("BLZUSDT", day).encode())
        assert entry is not None
        sizes[day] = entry.size
    assert 22_000 <= sizes["2024-01-03"] <= 68_000
    assert 7_400 <= sizes["2024-01-04"] <= 8_400


def test_files_of_a_day_appear_the_next_morning() -> None:
    bucket = Bucket(SMALL, [], NOON)
    bucket.catch_up()
    for run in bucket.runs:
        for index in range(len(run)):
            entry = run.entry(index)
            day = entry.key.rpartition(b"1m-")[2][:10].decode()
            published = datetime.fromtimestamp(entry.modified, UTC)
            assert published.date() == date.fromisoformat(day) + timedelta(days=1)
            assert (6, 49, 59) <= (published.hour, published.minute, published.second) <= (8, 45, 0)


def test_files_from_before_march_2022_carry_the_mass_reupload() -> None:
    bucket = Bucket([SymbolFacts("BTCUSDT", date(2019, 12, 31))], [], NOON)
    bucket.catch_up()
    entry = bucket.entry(day_key("BTCUSDT", "2020-01-01").encode())
    assert entry is not None
    assert datetime.fromtimestamp(entry.modified, UTC).strftime("%Y-%m-%d %H:%M") == "2022-03-21 08:58"
