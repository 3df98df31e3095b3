"""HTML and SVG that cannot be written unescaped: text becomes part of a page only through :func:`tag`."""

from __future__ import annotations

import html
import re
from collections.abc import Iterable
from typing import Union

__all__ = ["Child", "Markup", "join", "tag", "text"]

_VOID = frozenset({"meta", "link", "br", "hr", "img"})
_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff\ufffe\uffff]")


class Markup(str):
    """Text that is HTML already."""

    __slots__ = ()


Child = Union[str, int, float, None, Iterable["Child"]]  # noqa: UP007 (a name in quotes does not take `|` at run time)


def text(value: object) -> Markup:
    """A value as text of a page. Characters that HTML cannot hold become U+FFFD.

    >>> text('<b> & "c"')
    '&lt;b&gt; &amp; &quot;c&quot;'
    """
    if isinstance(value, Markup):
        return value
    return Markup(html.escape(_CONTROL.sub("\ufffd", str(value)), quote=True))


def join(children: Iterable[Child]) -> Markup:
    """Several children in a row; ``None`` is left out."""
    parts: list[str] = []
    for child in children:
        if child is None:
            continue
        if isinstance(child, (str, int, float)):
            parts.append(text(child))
        else:
            parts.append(join(child))
    return Markup("".join(parts))


def tag(tag_name: str, *children: Child, **attributes: object) -> Markup:
    """An element. ``class_`` and ``for_`` lose their underscore, other underscores become hyphens, ``None`` leaves an
    attribute out and ``True`` writes it without a value.

    >>> tag("p", "a < b", class_="note", hidden=True, id=None)
    '<p class="note" hidden>a &lt; b</p>'
    """
    written = []
    for key, value in attributes.items():
        key = key.rstrip("_").replace("_", "-")
        if value is True:
            written.append(f" {key}")
        elif value is not None and value is not False:
            written.append(f' {key}="{text(_number(value))}"')
    opened = f"<{tag_name}{''.join(written)}>"
    if tag_name in _VOID:
        return Markup(opened)
    return Markup(f"{opened}{join(children)}</{tag_name}>")


def _number(value: object) -> object:
    """Coordinates with at most two digits, so that a page stays small and the same everywhere."""
    if isinstance(value, float):
        return f"{value:.2f}".rstrip("0").rstrip(".")
    return value
