"""Small pictures as SVG: how placements were filled, how segments grew, what a customer did."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from .data import Happened, Placement, Segment
from .markup import Markup, tag

__all__ = ["filled", "growth", "pause", "short", "spark", "strip"]

_XMLNS = "http://www.w3.org/2000/svg"


def _svg(width: float, height: float, name: str, *children: Markup | list[Markup] | None, class_: str) -> Markup:
    return tag(
        "svg",
        tag("title", name),
        children,
        viewBox=f"0 0 {width:.0f} {height:.0f}",
        role="img",
        class_=class_,
        xmlns=_XMLNS,
    )


def short(instant: datetime) -> str:
    """A month as an axis names it.

    >>> short(datetime(2010, 6, 30))
    'Jun 10'
    """
    return f"{_MONTHS[instant.month - 1]} {instant.year % 100:02}"


_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def filled(placement: Placement, instants: Sequence[datetime]) -> Markup:
    """Stacked columns: offer, fallback and silence at each instant, as counts on one scale."""
    width, height, foot, left = 520.0, 200.0, 26.0, 44.0
    sums = [sum(each) for each in zip(placement.offers, placement.fallbacks, placement.silences)]
    most = max([*sums, 1])
    step = (width - left) / max(len(instants), 1)
    ground = height - foot
    parts: list[Markup] = []
    for value in _ticks(most):
        y = ground - value / most * (ground - 10)
        parts.append(tag("path", d=f"M{left:.1f} {y:.1f}H{width:.0f}", class_="grid"))
        parts.append(tag("text", f"{value:,}", x=left - 8, y=y + 4, text_anchor="end", class_="axis"))
    every = max(1, round(len(instants) / 6))
    for number, instant in enumerate(instants):
        y = ground
        x = left + number * step + step * 0.14
        kinds = (
            ("offer", placement.offers[number]),
            ("fallback", placement.fallbacks[number]),
            ("silence", placement.silences[number]),
        )
        told = ", ".join(f"{kind} {count:,}" for kind, count in kinds)
        bars = []
        for kind, count in kinds:
            tall = count / most * (ground - 10)
            y -= tall
            bars.append(tag("rect", x=x, y=y, width=step * 0.72, height=max(tall - 0.8, 0.0), class_=f"bar-{kind}"))
        parts.append(tag("g", tag("title", f"{short(instant)}: {told}"), bars))
        if number % every == 0:
            parts.append(tag("text", short(instant), x=x + step * 0.36, y=height - 8, text_anchor="middle", class_="axis"))
    return _svg(width, height, f"{placement.title}: offers, fallbacks and silence over time", parts, class_="filled")


def _ticks(most: int) -> list[int]:
    """Round values on an axis up to ``most``.

    >>> _ticks(4200)
    [0, 1000, 2000, 3000, 4000]
    >>> _ticks(8700)
    [0, 2000, 4000, 6000, 8000]
    >>> _ticks(0)
    [0]
    """
    if most <= 0:
        return [0]
    size = 10 ** (len(str(most)) - 1)
    for part in (size, size // 2, size // 5):
        if part and most // part >= 2:
            return list(range(0, most + 1, part))[:6] if most // part <= 5 else list(range(0, most + 1, 2 * part))
    return [0, most]


def pause(instants: Sequence[datetime]) -> str:
    """How long ago the instant before the last was, in words.

    >>> pause([datetime(2010, 5, 31), datetime(2010, 6, 30)])
    'in the last month'
    """
    days = round((instants[-1] - instants[-2]).total_seconds() / 86400) if len(instants) > 1 else 0
    return {1: "in the last day", 7: "in the last week"}.get(days, "in the last month" if 28 <= days <= 31 else "since the last look")


def growth(segment: Segment, instants: Sequence[datetime]) -> Markup:
    """Members of a segment over time, on the segment's own scale."""
    width, height, foot = 260.0, 84.0, 18.0
    most = max([*segment.members, 1])
    ground = height - foot
    count = max(len(segment.members) - 1, 1)
    points = [
        (6 + number / count * (width - 12), ground - 4 - members / most * (ground - 12)) for number, members in enumerate(segment.members)
    ]
    if not points:
        return _svg(width, height, f"{segment.title}: no instants", class_="growth")
    line = "L".join(f"{x:.1f} {y:.1f}" for x, y in points)
    x, y = points[-1]
    parts = [
        tag("path", d=f"M{points[0][0]:.1f} {ground - 4:.1f}L{line}L{x:.1f} {ground - 4:.1f}Z", class_="area"),
        tag("path", d=f"M{line}", class_="line"),
        tag("circle", cx=x, cy=y, r=3.5, class_="dot"),
    ]
    if instants:
        parts.append(tag("text", short(instants[0]), x=6, y=height - 3, class_="axis"))
        parts.append(tag("text", short(instants[-1]), x=width - 6, y=height - 3, text_anchor="end", class_="axis"))
    told = f"{segment.title}: {segment.members[0]:,} members at first, at most {most:,}, {segment.members[-1]:,} at the end"
    return _svg(width, height, told, parts, class_="growth")


def spark(values: Sequence[int], name: str) -> Markup:
    """Little columns in a line of text."""
    width, height = 120.0, 26.0
    most = max([*values, 1])
    step = width / max(len(values), 1)
    bars = [
        tag(
            "rect",
            x=number * step + 0.8,
            y=height - max(value / most * (height - 2), 1.0),
            width=max(step - 1.6, 1.0),
            height=max(value / most * (height - 2), 1.0),
            class_="bar-offer" if value else "bar-empty",
        )
        for number, value in enumerate(values)
    ]
    return _svg(width, height, name, bars, class_="spark")


def strip(events: Sequence[Happened], first: datetime, last: datetime) -> Markup:
    """A customer's time line: spending per week upwards, returns downwards, consents as marks."""
    width, height, middle = 1040.0, 150.0, 98.0
    span = max((last - first).total_seconds(), 1.0)
    weeks = max(int(span // (7 * 86400)) + 1, 1)
    up, down = [0.0] * weeks, [0.0] * weeks
    marks: list[tuple[float, str]] = []
    for event in events:
        offset = (event.time - first).total_seconds()
        week = min(max(int(offset // (7 * 86400)), 0), weeks - 1)
        if event.type == "return":
            down[week] += event.amount or 1.0
        elif event.type.startswith("consent"):
            marks.append((min(max(offset / span, 0.0), 1.0), event.type))
        else:
            up[week] += event.amount or 1.0
    most = max([*up, *down, 1.0])
    step = (width - 12) / weeks
    parts: list[Markup] = []
    year, month = first.year, first.month
    while True:
        month += 1
        if month > 12:
            year, month = year + 1, 1
        start = datetime(year, month, 1, tzinfo=first.tzinfo)
        if start > last:
            break
        x = 6 + (start - first).total_seconds() / span * (width - 12)
        parts.append(tag("path", d=f"M{x:.1f} 14V{height - 22:.0f}", class_="grid"))
        if month % 3 == 1 and x < width - 40:
            parts.append(tag("text", short(start), x=x + 4, y=height - 6, class_="axis"))
    for week in range(weeks):
        x = 6 + week * step
        if up[week]:
            tall = max(up[week] / most * (middle - 20), 2.0)
            parts.append(tag("rect", x=x, y=middle - tall, width=max(step - 1.5, 2.0), height=tall, rx=1.5, class_="bar-offer"))
        if down[week]:
            tall = max(down[week] / most * (height - middle - 24), 2.0)
            parts.append(tag("rect", x=x, y=middle + 2, width=max(step - 1.5, 2.0), height=tall, rx=1.5, class_="bar-return"))
    parts.append(tag("path", d=f"M6 {middle + 1:.1f}H{width - 6:.0f}", class_="base"))
    for share, kind in marks:
        x = 6 + share * (width - 12)
        parts.append(
            tag("circle", tag("title", kind.replace("_", " ")), cx=x, cy=9, r=5, class_="given" if kind.endswith("given") else "withdrawn")
        )
    return _svg(width, height, "What this customer bought and sent back, week by week", parts, class_="strip")
