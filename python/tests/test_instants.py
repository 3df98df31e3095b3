"""The instants of a replay follow the calendar of the playbook's zone."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

from tactful.instants import calendar, instants

LONDON = calendar("Europe/London")
FIRST, LAST = datetime(2009, 12, 1, 7, 45, tzinfo=timezone.utc), datetime(2010, 12, 9, 20, 1, tzinfo=timezone.utc)


def test_months_end_at_local_midnight_in_summer_and_winter() -> None:
    found = instants("month-end", FIRST, LAST, LONDON)
    assert len(found) == 13
    assert found[0].isoformat() == "2009-12-31T23:59:59.999999+00:00"
    assert found[5].isoformat() == "2010-05-31T22:59:59.999999+00:00"
    assert found[-1] == LAST


def test_weeks_end_on_sunday() -> None:
    found = instants("week", FIRST, LAST, LONDON)
    assert {at.astimezone(LONDON).isoweekday() for at in found[:-1]} == {7}
    assert all(later > earlier for earlier, later in zip(found, found[1:]))
    assert found[0] >= FIRST and found[-1] == LAST


def test_none_asks_at_the_end_only() -> None:
    assert instants("none", FIRST, LAST, LONDON) == [LAST]
    assert instants("month-end", LAST, LAST, LONDON) == [LAST]
    assert instants("week", LAST, LAST + timedelta(seconds=1), LONDON) == [LAST + timedelta(seconds=1)]


def test_an_unknown_zone_is_utc() -> None:
    assert calendar("Mars/Olympus") is timezone.utc
