"""One page of an S3 ListObjectsV2 answer -> columns, or an error: never a silently short page.

The fast way takes each column with one regular expression (about 1 ms for 1,000 entries, ten times
faster than an XML parser) and is believed only where all counts agree; everything else goes through
a strict parser.
"""

import re
from operator import lt
from xml.etree import ElementTree as ET

from etl.records import Page

NAMESPACE = "{http://s3.amazonaws.com/doc/2006-03-01/}"
_END = "</ListBucketResult>"
_KEY = re.compile("<Key>([^<]+)</Key>")
_SIZE = re.compile(r"<Size>(\d+)</Size>", re.ASCII)
_LAST_MODIFIED = re.compile(r"<LastModified>(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z)</LastModified>", re.ASCII)
_ETAG = re.compile("<ETag>&quot;([0-9a-f]{32}(?:-[0-9]+)?)&quot;</ETag>")
_COMMON = re.compile("<CommonPrefixes><Prefix>([^<]+)</Prefix></CommonPrefixes>")


class PageError(ValueError):
    """This body is not one whole, consistent page; the text says why."""


def read_page(body: bytes, *, prefix: str, after: str) -> Page:
    """Read one page of the listing of ``prefix``, all of whose names must sort after ``after``."""
    try:
        text = body.decode()
    except UnicodeDecodeError as error:
        raise PageError("the answer is not UTF-8 text") from error
    if not text.rstrip().endswith(_END):
        raise PageError(f"the answer is not a whole XML listing: {_excerpt(text)}")
    head, names = _read_fast(text) or _read_strictly(text)
    page = _page(head, names)
    _verify(page, head, prefix=prefix, after=after)
    return page


_Head = dict[str, str]
_Columns = tuple[list[str], list[str], list[str], list[str], list[str]]


def _read_fast(text: str) -> tuple[_Head, _Columns] | None:
    """Take the columns where the page has exactly the known shape, else return None."""
    entities = text.count("&quot;")
    entries = text.count("<Contents>")
    if text.count("&") != entities or entities != 2 * entries:
        return None
    columns = tuple(pattern.findall(text) for pattern in (_KEY, _SIZE, _LAST_MODIFIED, _ETAG))
    if any(len(column) != entries for column in columns):
        return None
    prefixes = _COMMON.findall(text)
    if len(prefixes) != text.count("<CommonPrefixes>"):
        return None
    starts = [at for at in (text.find("<Contents>"), text.find("<CommonPrefixes>")) if at >= 0]
    head = _parse(text[: min(starts)] + _END) if starts else _parse(text)
    keys, sizes, last_modified, etags = columns
    return _head(head), (keys, sizes, last_modified, etags, prefixes)


def _read_strictly(text: str) -> tuple[_Head, _Columns]:
    """Take the columns with an XML parser; every entry must have its four values."""
    root = _parse(text)
    keys, sizes, last_modified, etags = (
        [_text(entry, name) for entry in root.iter(f"{NAMESPACE}Contents")]
        for name in ("Key", "Size", "LastModified", "ETag")
    )
    if not all(size.isdecimal() for size in sizes):
        raise PageError("an entry has a size that is no number")
    prefixes = [_text(entry, "Prefix") for entry in root.iter(f"{NAMESPACE}CommonPrefixes")]
    return _head(root), (keys, sizes, last_modified, [etag.strip('"') for etag in etags], prefixes)


def _parse(text: str) -> ET.Element:
    try:
        root = ET.fromstring(text)  # noqa: S314 - expat of every supported Python bounds entity expansion
    except ET.ParseError as error:
        raise PageError(f"the answer is not XML ({error}): {_excerpt(text)}") from error
    if root.tag != f"{NAMESPACE}ListBucketResult":
        raise PageError(f"the answer is not a bucket listing but <{root.tag}>")
    return root


def _head(root: ET.Element) -> _Head:
    return {child.tag.removeprefix(NAMESPACE): child.text or "" for child in root if not len(child)}


def _text(entry: ET.Element, name: str) -> str:
    value = entry.findtext(f"{NAMESPACE}{name}")
    if not value:
        raise PageError(f"an entry has no {name}")
    return value


def _page(head: _Head, columns: _Columns) -> Page:
    truncated, token = head.get("IsTruncated"), head.get("NextContinuationToken")
    if truncated not in ("true", "false"):
        raise PageError("the answer does not say whether it is truncated")
    if (truncated == "true") != bool(token):
        raise PageError(f"IsTruncated is {truncated} but the continuation token is {token or 'absent'}")
    return Page(*columns, next_token=token)


def _verify(page: Page, head: _Head, *, prefix: str, after: str) -> None:
    """Hold the page against what was asked; Python compares text as S3 sorts it, by code point."""
    if head.get("Prefix", "") != prefix:
        raise PageError(f"the answer is about the prefix {head.get('Prefix')!r}")
    for names in (page.keys, page.prefixes):
        if not names:
            continue
        if not (names[0].startswith(prefix) and names[-1].startswith(prefix)):
            raise PageError("the answer has names outside the prefix")
        if not (all(map(lt, names, names[1:])) and after < names[0]):
            raise PageError("the names of the answer do not increase")
    count = len(page.keys) + len(page.prefixes)
    if head.get("KeyCount", str(count)) != str(count):
        raise PageError(f"the answer counts {head['KeyCount']} names but holds {count}")
    if page.next_token and not count:
        raise PageError("the answer is empty but says that more follows")


def _excerpt(text: str) -> str:
    return repr(" ".join(text[:80].split())) if text.strip() else "it is empty"
