"""What several sections of the page are made of."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from .markup import Child, Markup, tag

__all__ = ["GATES", "day", "gate_title", "legend", "percent", "section", "sentence", "table"]

#: Gates in the order in which an offer meets them, with what a reader calls them.
GATES = {
    "consent": "No consent",
    "placement": "Not for this place",
    "treatment": "Not for this channel",
    "validity": "Out of season",
    "eligible": "Not eligible",
    "applicable": "Not now",
    "suitable": "Not suitable",
    "contact": "Shown enough",
    "assurance": "Not known well enough",
    "inventory": "Used up",
    "experiment": "Held out",
    "items": "No items",
    "score": "No score",
    "message": "No message",
    "slots": "Outranked",
    "outranked": "Outranked",
    "rank": "Outranked",
}


def section(anchor: str, title: str, lead: Child, *children: Child) -> Markup:
    """A section with its heading and a sentence that says how to read it."""
    return tag(
        "section",
        tag("div", tag("h2", title, id=anchor), tag("p", lead, class_="lead") if lead else None, class_="heading"),
        children,
        aria_labelledby=anchor,
    )


def table(columns: Iterable[Child], rows: Iterable[Markup], caption: str, **attributes: object) -> Markup:
    """A table that scrolls sideways where it is too wide."""
    head = tag("thead", tag("tr", [tag("th", column, scope="col") for column in columns]))
    body = tag("table", tag("caption", caption, class_="unseen"), head, tag("tbody", rows), **attributes)
    return tag("div", body, class_="scroll", tabindex="0", role="region", aria_label=caption)


def day(instant: datetime | None) -> str:
    """A date in words."""
    return "unknown" if instant is None else f"{instant.day} {_MONTH[instant.month - 1]} {instant.year}"


_MONTH = (
    "January", "February", "March", "April", "May", "June",
    "July", "August", "September", "October", "November", "December",
)  # fmt: skip


def percent(part: int, whole: int) -> str:
    """A share in whole per cent; what is there at all is never 0 %.

    >>> percent(1, 1000), percent(0, 5), percent(2, 4), percent(999, 1000)
    ('<1 %', '0 %', '50 %', '>99 %')
    """
    if whole <= 0 or part <= 0:
        return "0 %"
    share = 100 * part / whole
    if share < 1:
        return "<1 %"
    if 99 < share < 100:
        return ">99 %"
    return f"{share:.0f} %"


def sentence(names: list[str]) -> str:
    """Names as a sentence has them.

    >>> sentence(["a", "b", "c"])
    'a, b and c'
    """
    return names[0] if len(names) == 1 else ", ".join(names[:-1]) + f" and {names[-1]}" if names else ""


def legend(entries: list[tuple[str, str]]) -> Markup:
    """What the colours of a picture mean."""
    return tag("ul", [tag("li", tag("span", class_=f"key {kind}", aria_hidden="true"), words) for kind, words in entries], class_="legend")


def gate_title(name: str) -> str:
    """What a reader calls a gate."""
    return GATES.get(name, name.replace("_", " ").capitalize())
