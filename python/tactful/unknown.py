"""The third truth value."""

from __future__ import annotations

import enum
from typing import Final, NoReturn

__all__ = ["UNKNOWN", "Unknown"]


class Unknown(enum.Enum):
    """The type of :data:`UNKNOWN`."""

    UNKNOWN = "unknown"

    def __bool__(self) -> NoReturn:
        raise TypeError("unknown is neither true nor false: compare with `is tactful.UNKNOWN`")

    def __repr__(self) -> str:
        return "tactful.UNKNOWN"


#: What an expression gives when it depends on facts that are missing.
UNKNOWN: Final = Unknown.UNKNOWN
