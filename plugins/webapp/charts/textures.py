"""What the conditions of a day look like: a colour and a texture each, so that colour is never the only sign."""

from collections.abc import Iterable

from markupsafe import Markup

from webapp.charts.svg import element

KINDS = {
    "available": "available",
    "flat": "available, but flat: no trade",
    "degraded": "degraded: held, but doubtful",
    "pending": "pending: may still come",
    "missing": "missing: somebody looked, and it was not there",
    "ended": "ended: no files any more",
    "not-looked": "not looked",
}
Box = tuple[float, float, float, float]
_SIZE = 3  # units of one tile
_MARKS = {
    "flat": "M0 1.5h3",
    "degraded": "M1 1.5h1",
    "pending": "M-.5 .5l1-1M0 3l3-3M2.5 3.5l1-1",
    "missing": "M0 0l3 3M0 3l3-3",
    "ended": "M1.5 0v3",
    "not-looked": "M1.3 1.5h.4",
}


def textures(ident: str, kinds: Iterable[str]) -> Markup:
    """Return the definitions that a chart needs for some kinds; ``ident`` keeps charts of one page apart."""
    return element("defs", *(_pattern(ident, kind) for kind in KINDS if kind in set(kinds) & _MARKS.keys()))


def _pattern(ident: str, kind: str) -> Markup:
    return element(
        "pattern",
        element("rect", width=_SIZE, height=_SIZE),
        element("path", d=_MARKS[kind]),
        id=f"{ident}-{kind}",
        class_=f"t-{kind}",
        width=_SIZE,
        height=_SIZE,
        patternUnits="userSpaceOnUse",
    )


def block(ident: str, kind: str, box: Box, title: str = "") -> Markup:
    """Return a rect (x, y, width, height) that looks like a kind; a title is shown where a mouse rests on it."""
    inside = [element("title", title)] if title else []
    x, y, width, height = box
    fill = f"url(#{ident}-{kind})" if kind in _MARKS else None
    return element("rect", *inside, class_=f"c-{kind}", x=x, y=y, width=width, height=height, fill=fill)


def legend(ident: str, kinds: Iterable[str]) -> Markup:
    """Return the kinds of a chart with their meaning, as a list beside it; the chart must be on the same page."""
    found = set(kinds)
    return element("ul", *(_entry(ident, kind) for kind in KINDS if kind in found), class_="legend")


def _entry(ident: str, kind: str) -> Markup:
    sample = element(
        "svg", block(ident, kind, (0, 0, 14, 7)), viewBox="0 0 14 7", aria_hidden="true", focusable="false"
    )
    return element("li", sample, " ", KINDS[kind])
