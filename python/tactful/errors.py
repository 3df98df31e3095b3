"""What tactful raises, and the findings that come with a playbook that has mistakes.

Every exception derives from :class:`TactfulError` and carries a stable ``code``, a ``path`` to the part that is wrong and a
``message`` that says what was expected. All of them pickle.

Example:
    >>> import tactful
    >>> try:
    ...     tactful.Engine.compile({"shop.yaml": "playbook: shop\\nversoin: 1\\n"})
    ... except tactful.PlaybookError as error:
    ...     print(len(error.diagnostics), error.diagnostics[1].hint)
    2 did you mean `version`?
"""

from __future__ import annotations

import errno
from collections.abc import Sequence
from dataclasses import dataclass, field

__all__ = [
    "Diagnostic",
    "EventError",
    "ExpressionError",
    "FileError",
    "InternalError",
    "LogError",
    "MissingFileError",
    "PlaybookError",
    "QueryError",
    "ReplayError",
    "RequestError",
    "StateError",
    "TactfulError",
]


@dataclass(frozen=True)
class Diagnostic:
    """One finding in a playbook or an expression; ``str()`` shows it as a compiler does."""

    #: A stable code such as ``unknown_name``.
    code: str
    #: ``error`` or ``warning``.
    severity: str
    #: What is wrong.
    message: str
    #: Where in the playbook's structure, such as ``offers.diapers_20.eligible``; empty for an expression on its own.
    path: str
    #: The name of the document; ``None`` when the finding has no place in a text.
    document: str | None = None
    #: The line, from 1.
    line: int | None = None
    #: The column of the first character, from 1, in characters.
    column: int | None = None
    #: How many characters are meant.
    length: int | None = None
    #: The text of the line.
    source: str | None = None
    #: What to do.
    hint: str | None = None
    #: The whole finding as text.
    text: str = field(default="", repr=False)

    def __str__(self) -> str:
        """The finding as a compiler shows it."""
        return self.text or f"{self.severity}[{self.code}]: {self.message}"


class TactfulError(Exception):
    """The base of everything that tactful raises."""

    #: A stable code such as ``undeclared_event_type``.
    code: str
    #: Which part is wrong, such as ``properties.amount``; empty when it is the whole.
    path: str
    #: What is wrong and what was expected: lower case, no final period.
    message: str

    def __init__(self, message: str, code: str = "error", path: str = "") -> None:
        super().__init__(message)
        self.code = code
        self.path = path
        self.message = message

    def __str__(self) -> str:
        """The message, with the part that is wrong before it."""
        return f"{self.path}: {self.message}" if self.path else self.message


class PlaybookError(TactfulError, ValueError):
    """A playbook with mistakes. All of them are told at once; ``str()`` shows them as a compiler does."""

    #: The findings, errors first, then warnings, each by document and line.
    diagnostics: list[Diagnostic]

    def __init__(self, message: str, code: str = "error", path: str = "", diagnostics: Sequence[Diagnostic] = ()) -> None:
        super().__init__(message, code, path)
        self.diagnostics = list(diagnostics)

    def __str__(self) -> str:
        """All findings as a compiler shows them."""
        return "\n\n".join(map(str, self.diagnostics)) or super().__str__()


class EventError(TactfulError, ValueError):
    """An event that cannot be recorded. Nothing was changed. The message never repeats values of properties."""


class RequestError(TactfulError, ValueError):
    """A question that cannot be answered: an unknown placement, a fact that does not fit, a time without a zone."""


class QueryError(TactfulError, ValueError):
    """A question to :meth:`Engine.query` that cannot be answered: an unknown question or key, a value that does not fit."""


class LogError(TactfulError, ValueError):
    """An event log cannot be read, or cannot answer the question: ``path`` is a column or a part of the question."""


class StateError(TactfulError, ValueError):
    """Bytes that are no state, damaged, of a newer format or of another playbook."""


class TrendError(TactfulError, ValueError):
    """Trends that do not belong together, or a question that they cannot answer."""


class ReplayError(TactfulError, ValueError):
    """A replay that cannot go on: a bad row, a missing column, a table that cannot be read."""

    #: The number of the row over all batches, from 0; ``None`` when it is not about one.
    row: int | None
    #: The column; ``None`` when it is not about one.
    column: str | None

    def __init__(self, message: str, code: str = "error", path: str = "", row: int | None = None, column: str | None = None) -> None:
        super().__init__(message, code, path)
        self.row = row
        self.column = column


class ExpressionError(TactfulError, ValueError):
    """An expression that does not compile or, when asked for, cannot be evaluated."""

    #: The findings when it does not compile.
    diagnostics: list[Diagnostic]

    def __init__(self, message: str, code: str = "error", path: str = "", diagnostics: Sequence[Diagnostic] = ()) -> None:
        super().__init__(message, code, path)
        self.diagnostics = list(diagnostics)

    def __str__(self) -> str:
        """All findings as a compiler shows them."""
        return "\n\n".join(map(str, self.diagnostics)) or super().__str__()


class FileError(TactfulError, OSError):
    """A playbook file that cannot be read. ``path`` is the file."""

    def __init__(self, message: str, code: str = "unreadable_file", path: str = "") -> None:
        super().__init__(message, code, path)
        self.strerror = message
        self.filename = path

    def __reduce__(self) -> tuple[type[FileError], tuple[str, str, str]]:
        """An ``OSError`` pickles by number and text; this one by what it says."""
        return type(self), (self.message, self.code, self.path)


class MissingFileError(FileError, FileNotFoundError):
    """A playbook file that does not exist. ``path`` is the file."""

    def __init__(self, message: str, code: str = "missing_file", path: str = "") -> None:
        super().__init__(message, code, path)
        self.errno = errno.ENOENT


class InternalError(TactfulError, RuntimeError):
    """A mistake inside tactful itself. Please report it; a customer that was being changed may be unusable."""
