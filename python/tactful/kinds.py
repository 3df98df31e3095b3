"""Values of the rule language that Python has no class of its own for."""

from __future__ import annotations

from typing import Any

__all__ = ["Optional", "TypeName", "Uint"]


class TypeName(str):
    """A type as a value, as ``type(x)`` gives it: the name of the type.

    Example:
        >>> tactful.Expression("type(1)").evaluate({})
        TypeName('int')
    """

    __slots__ = ()

    def __repr__(self) -> str:
        """As it is written."""
        return f"TypeName({str(self)!r})"


class Uint(int):
    """A whole number that an expression takes as ``uint``; plain ``int`` does where the schema says ``uint``.

    Example:
        >>> tactful.Expression("x == 5u && type(x) == uint").evaluate({"x": tactful.Uint(5)})
        True
    """

    __slots__ = ()

    def __new__(cls, number: int) -> Uint:
        """Refuses what does not fit into 64 bits without a sign."""
        if not 0 <= number < 1 << 64:
            raise ValueError("expected a whole number from 0 to 2**64 - 1")
        return super().__new__(cls, number)


class Optional:
    """A value that may be absent, as ``optional.of(x)`` and ``a.?b`` give it. True when there is one.

    Example:
        >>> tactful.Expression("{'a': 1}.?a").evaluate({})
        Optional(1)
        >>> tactful.Expression("{'a': 1}[?'b']").evaluate({})
        Optional()
        >>> tactful.Expression("x.orValue(18)").evaluate({"x": tactful.Optional()})
        18
    """

    __slots__ = ("_held",)
    __match_args__ = ("value",)

    def __init__(self, *held: Any) -> None:
        """With a value, or without one."""
        if len(held) > 1:
            raise TypeError("expected at most one value")
        self._held = held

    @property
    def value(self) -> Any:
        """The value; a ``ValueError`` when there is none."""
        if not self._held:
            raise ValueError("the optional holds no value")
        return self._held[0]

    def __bool__(self) -> bool:
        """Whether there is a value."""
        return bool(self._held)

    def __eq__(self, other: object) -> bool:
        """Whether both hold equal values, or both none."""
        return isinstance(other, Optional) and self._held == other._held

    def __hash__(self) -> int:
        """That of what is held."""
        return hash(("Optional", self._held))

    def __repr__(self) -> str:
        """As it is written."""
        return f"Optional({', '.join(map(repr, self._held))})"

    def __reduce__(self) -> tuple[type[Optional], tuple[Any, ...]]:
        """Pickles by what it holds."""
        return Optional, self._held
