"""The instants at which a replay asks for decisions."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone, tzinfo
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

__all__ = ["calendar", "instants", "parse"]


def calendar(name: str) -> tzinfo:
    """A time zone by its name; UTC where the system does not know it."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        return timezone.utc


def instants(how: str, first: datetime, last: datetime, zone: tzinfo) -> list[datetime]:
    """The last microsecond of each month or week (which ends on Sunday) of ``zone`` between two instants, and the last
    instant itself, as UTC. ``none`` gives the last instant only.

    >>> zone = timezone.utc
    >>> for at in instants("month-end", datetime(2010, 1, 5, tzinfo=zone), datetime(2010, 2, 28, 12, tzinfo=zone), zone):
    ...     print(at)
    2010-01-31 23:59:59.999999+00:00
    2010-02-28 12:00:00+00:00
    """
    ends: list[datetime] = []
    if how == "month-end":
        start = first.astimezone(zone).replace(day=1)
        year, month = start.year, start.month
        while True:
            year, month = (year + 1, 1) if month == 12 else (year, month + 1)
            end = _before(datetime(year, month, 1, tzinfo=zone))
            if end >= last:
                break
            ends.append(end)
    elif how == "week":
        local = first.astimezone(zone)
        day = datetime(local.year, local.month, local.day) - timedelta(days=local.weekday())
        while True:
            day += timedelta(days=7)
            end = _before(day.replace(tzinfo=zone))
            if end >= last:
                break
            ends.append(end)
    return [*ends, last.astimezone(timezone.utc)]


def _before(start: datetime) -> datetime:
    return start.astimezone(timezone.utc) - timedelta(microseconds=1)


def parse(words: str) -> datetime:
    """An instant such as ``2010-06-30T12:00:00Z``; a date alone is its midnight in UTC.

    Raises:
        ValueError: it is not one, or has a time without a zone.

    >>> parse("2010-06-30T12:00:00Z").isoformat()
    '2010-06-30T12:00:00+00:00'
    """
    at = datetime.fromisoformat(words[:-1] + "+00:00" if words.endswith(("Z", "z")) else words)
    if at.tzinfo is None:
        if len(words) > 10:
            raise ValueError("it has no time zone: end it with Z or an offset such as +01:00")
        at = at.replace(tzinfo=timezone.utc)
    return at.astimezone(timezone.utc)
