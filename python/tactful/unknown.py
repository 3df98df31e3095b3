"""The third truth value."""

from __future__ import annotations

import enum
from typing import Final, NoReturn

__all__ = ["UNKNOWN", "Unknown"]


class Unknown(enum.Enum):
    """The type of :data:`UNKNOWN`."""

    UNKNOWN = "unknown"

    def __bool__(self) -> NoReturn:
        """Refused, because `not UNKNOWN` would be true."""
        raise TypeError("unknown is neither true nor false: compare with `is tactful.UNKNOWN`")

    def __repr__(self) -> str:
        """As it is written."""
        return "tactful.UNKNOWN"

    def __str__(self) -> str:
        """In words."""
        return "unknown"


#: What an expression gives when it depends on facts that are missing.
UNKNOWN: Final = Unknown.UNKNOWN
