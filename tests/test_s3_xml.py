"""A page of a listing is read whole and in order, or it is refused with a reason."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from etl.s3_xml import PageError, read_page

HEAD = '<?xml version="1.0" encoding="UTF-8"?>\n<ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">'
MD5 = "0123456789abcdef0123456789abcdef"


def entry(key: str, *, size: str = "7", etag: str = f"&quot;{MD5}&quot;") -> str:
    """One <Contents> as S3 writes it."""
    return (
        f"<Contents><Key>{key}</Key><LastModified>2024-01-16T07:30:00.000Z</LastModified>"
        f"<ETag>{etag}</ETag><Size>{size}</Size><StorageClass>STANDARD</StorageClass></Contents>"
    )


def page(
    *entries: str, prefix: str = "p/", truncated: str = "false", token: str = "", count: int | None = None
) -> bytes:
    """One ListBucketResult as S3 writes it."""
    next_token = f"<NextContinuationToken>{token}</NextContinuationToken>" if token else ""
    counted = len(entries) if count is None else count
    return (
        f"{HEAD}<Name>b</Name><Prefix>{prefix}</Prefix>{next_token}<KeyCount>{counted}</KeyCount>"
        f"<MaxKeys>1000</MaxKeys><IsTruncated>{truncated}</IsTruncated>{''.join(entries)}</ListBucketResult>"
    ).encode()


def test_a_page_is_read_as_columns() -> None:
    read = read_page(page(entry("p/a"), entry("p/b", size="12"), truncated="true", token="t"), prefix="p/", after="")
    assert read.keys == ["p/a", "p/b"]
    assert read.sizes == ["7", "12"]
    assert read.last_modified == ["2024-01-16T07:30:00.000Z"] * 2
    assert read.etags == [MD5, MD5]
    assert read.next_token == "t"


def test_an_empty_prefix_is_an_empty_page() -> None:
    assert read_page(page(), prefix="p/", after="").keys == []


def test_common_prefixes_are_read() -> None:
    folder = "<CommonPrefixes><Prefix>p/币安人生USDT/</Prefix></CommonPrefixes>"
    assert read_page(page(folder), prefix="p/", after="").prefixes == ["p/币安人生USDT/"]


def test_entities_in_keys_are_unescaped() -> None:
    assert read_page(page(entry("p/a&amp;b")), prefix="p/", after="").keys == ["p/a&b"]


def test_etags_with_plain_quotes_are_read_strictly() -> None:
    assert read_page(page(entry("p/a", etag=f'"{MD5}"')), prefix="p/", after="").etags == [MD5]


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", "it is empty"),
        (b"<html><body>Bad gateway</body></html>", "not a whole XML listing"),
        (page(entry("p/a"))[:-30], "not a whole XML listing"),
        (page(entry("p/a"))[:200] + b"</ListBucketResult>", "not XML"),
        (b"<Error><Code>SlowDown</Code></Error></ListBucketResult>", "not XML"),
        (page(entry("p/a")).replace(b"2006-03-01", b"2099-01-01"), "not a bucket listing"),
        (page(entry("p/b"), entry("p/a")), "do not increase"),
        (page(entry("p/a"), entry("p/a")), "do not increase"),
        (page(entry("q/a")), "outside the prefix"),
        (page(entry("p/a"), prefix="q/"), "about the prefix 'q/'"),
        (page(entry("p/a"), count=2), "counts 2 names but holds 1"),
        (page(entry("p/a"), truncated="true"), "token is absent"),
        (page(entry("p/a"), token="t"), "token is t"),
        (page(truncated="true", token="t"), "more follows"),
        (page(entry("p/a"), truncated="perhaps"), "whether it is truncated"),
        (page(entry("p/a", size="many")), "size 'many'"),
        (page(entry("p/a", size="-1")), "size '-1'"),
        (page(entry("p/a", etag="zz,1")), "etag 'zz,1'"),
        (page(entry("p/a", etag=f"&quot;{MD5.upper()}&quot;")), "etag"),
        (page(entry("p/a").replace("2024-01-16T07:30:00.000Z", "yesterday")), "time 'yesterday'"),
        (page(entry("p/a").replace("<Size>7</Size>", "")), "no Size"),
        (page(entry("p/a")).replace(b"p/a", b"p/\xff"), "not UTF-8"),
    ],
)
def test_anything_doubtful_is_refused_with_its_reason(body: bytes, reason: str) -> None:
    with pytest.raises(PageError, match=reason):
        read_page(body, prefix="p/", after="")


def test_a_page_that_steps_back_behind_the_one_before_is_refused() -> None:
    with pytest.raises(PageError, match="do not increase"):
        read_page(page(entry("p/a")), prefix="p/", after="p/b")


names = st.text(st.characters(blacklist_categories=("Cs", "Cc")), min_size=1, max_size=8)


@given(st.sets(names, max_size=30))
def test_the_fast_and_the_strict_way_agree_on_any_names(keys: set[str]) -> None:
    listed = sorted(f"p/{key}" for key in keys)
    escaped = [entry(key.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")) for key in listed]
    assert read_page(page(*escaped), prefix="p/", after="").keys == listed


@given(st.integers(min_value=0, max_value=1200))
def test_no_cut_of_a_page_is_taken_for_a_whole_one(cut: int) -> None:
    whole = page(*(entry(f"p/{n}") for n in range(3)))
    if cut < len(whole):
        with pytest.raises(PageError):
            read_page(whole[:cut], prefix="p/", after="")
