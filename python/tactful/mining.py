"""Mining of a table in one call; :class:`tactful.EventLog` answers several questions about one table."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

from ._tactful import EventLog, Table

__all__ = ["directly_follows", "funnel", "variants"]


def directly_follows(table: Any, *, case: str = "case", activity: str = "activity", time: str = "time") -> Table:
    """Which activities follow directly on which, how often, and how long that takes.

    Args:
        table: anything that exports an Arrow stream; see :class:`tactful.EventLog`.
        case, activity, time: the names of the columns.

    Example:
        >>> import pyarrow as pa, tactful
        >>> log = pa.table({"case": [1, 1], "activity": ["cart", "pay"], "time": ["2026-03-01T10:00:00Z", "2026-03-01T10:01:00Z"]})
        >>> pa.table(tactful.directly_follows(log))["median_seconds"].to_pylist()
        [60.0]
    """
    return EventLog(table, case=case, activity=activity, time=time).directly_follows()


def variants(
    table: Any,
    *,
    pattern: str | None = None,
    top: int | None = None,
    collapse: bool = False,
    case: str = "case",
    activity: str = "activity",
    time: str = "time",
) -> Table:
    """The different ways that cases take from their first activity to their last; see :meth:`tactful.EventLog.variants`.

    Example:
        >>> import pyarrow as pa, tactful
        >>> log = pa.table({"case": [1, 1, 2], "activity": ["cart", "pay", "cart"], "time": ["2026-03-01T10:00:00Z"] * 3})
        >>> pa.table(tactful.variants(log, pattern="not pay"))["activities"].to_pylist()
        [['cart']]
    """
    return EventLog(table, case=case, activity=activity, time=time).variants(pattern=pattern, top=top, collapse=collapse)


def funnel(
    table: Any,
    stages: Sequence[str],
    *,
    order: Literal["strictly_later", "same_time_counts", "sequence_order"],
    within: str | None = None,
    case: str = "case",
    activity: str = "activity",
    time: str = "time",
) -> Table:
    """How many cases come through the stages of a funnel; see :meth:`tactful.EventLog.funnel`.

    Example:
        >>> import pyarrow as pa, tactful
        >>> log = pa.table({"case": [1, 1, 2], "activity": ["cart", "pay", "cart"], "time": ["2026-03-01T10:00:00Z"] * 3})
        >>> pa.table(tactful.funnel(log, ["cart", "pay"], order="same_time_counts"))["cases"].to_pylist()
        [2, 1]
        >>> pa.table(tactful.funnel(log, ["cart", "pay"], order="strictly_later"))["cases"].to_pylist()
        [2, 0]
    """
    return EventLog(table, case=case, activity=activity, time=time).funnel(list(stages), order=order, within=within)
