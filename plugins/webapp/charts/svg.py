"""The few pieces that every chart is made of."""

from collections.abc import Iterable

from markupsafe import Markup, escape


def element(name: str, *inside: str | Markup, **attributes: object) -> Markup:
    """Return an element; ``class_`` is class, ``stroke_width`` is stroke-width, floats have at most two digits."""
    written = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{escape(_short(value))}"'
        for key, value in attributes.items()
        if value is not None
    )
    if not inside:
        return Markup(f"<{name}{written}/>")  # noqa: S704 - every value was escaped
    return Markup(f"<{name}{written}>{''.join(escape(each) for each in inside)}</{name}>")  # noqa: S704


def picture(ident: str, width: float, height: float, title: str, description: str, parts: Iterable[Markup]) -> Markup:
    """Return a whole chart that says in words what it shows."""
    return element(
        "svg",
        element("title", title, id=f"{ident}-title"),
        element("desc", description, id=f"{ident}-desc"),
        *parts,
        class_=f"chart {ident}",
        viewBox=f"0 0 {_short(width)} {_short(height)}",
        role="img",
        aria_labelledby=f"{ident}-title {ident}-desc",
    )


def _short(value: object) -> str:
    if isinstance(value, float):
        return f"{value:.2f}".rstrip("0").rstrip(".")
    return str(value)
