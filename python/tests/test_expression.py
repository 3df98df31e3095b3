"""Expressions on their own."""

from __future__ import annotations

import math
import pickle
from collections.abc import Mapping
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest

import tactful
from tactful import UNKNOWN, Expression

NOW = datetime(2026, 3, 1, 10, tzinfo=timezone.utc)


@pytest.mark.parametrize(
    ("text", "facts", "value"),
    [
        ("1 + 2", {}, 3),
        ("a.b + c", {"a": {"b": 1}, "c": 2}, 3),
        ("1.5 * x", {"x": 2.0}, 3.0),
        ("name + '!'", {"name": "ä"}, "ä!"),
        ("x.map(e, e * 2)", {"x": [1, 2]}, [2, 4]),
        ("{'a': 1, 'b': [true, null]}", {}, {"a": 1, "b": [True, None]}),
        ("b'ab' + x", {"x": b"c"}, b"abc"),
        ("18446744073709551615u", {}, 2**64 - 1),
        ("t + duration('90m')", {"t": NOW}, NOW + timedelta(minutes=90)),
        ("t - timestamp('2026-02-28T10:00:00Z')", {"t": NOW}, timedelta(days=1)),
        ("x", {"x": Decimal("1.50")}, Decimal("1.50")),
        ("true || x", {"x": False}, True),
    ],
)
def test_values_come_back_as_python_has_them(text: str, facts: Mapping[str, Any], value: Any) -> None:
    found = Expression(text).evaluate(facts, NOW)
    assert found == value and type(found) is type(value)


def test_doubles_outside_of_events_may_be_anything() -> None:
    found: Any = Expression("x").evaluate({"x": math.nan})
    assert math.isnan(found)
    assert Expression("x > 1.0").evaluate({"x": math.inf}) is True


def test_what_is_not_known_is_unknown() -> None:
    adult = Expression("customer.age >= 18 || vip", {"customer.age": "int", "vip": "bool"})
    assert adult.evaluate({"customer": {"age": 20}}) is True
    assert adult.evaluate({"customer.age": 20}) is True
    assert adult.evaluate({"customer": {"age": 17}}) is UNKNOWN
    assert adult.evaluate({"vip": True}) is True
    assert adult.evaluate({"customer.age": 17, "vip": False}) is False
    assert adult.evaluate({"customer.age": None, "vip": None}) is UNKNOWN
    assert repr(UNKNOWN) == "tactful.UNKNOWN" and pickle.loads(pickle.dumps(UNKNOWN)) is UNKNOWN
    with pytest.raises(TypeError, match="is tactful.UNKNOWN"):
        bool(UNKNOWN)


def test_errors_are_raised_when_asked_for() -> None:
    division = Expression("1 / n", {"n": "int"})
    assert division.evaluate({"n": 0}) is UNKNOWN
    with pytest.raises(tactful.ExpressionError) as caught:
        division.evaluate({"n": 0}, strict=True)
    assert caught.value.code == "division_by_zero"
    assert division.evaluate({}, strict=True) is UNKNOWN
    assert division.evaluate({"n": 2}, strict=True) == 0


def test_mistakes_are_told_with_their_place() -> None:
    for text, schema, code in (
        ("1 +", None, "syntax"),
        ("ago > 1", {"age": "int"}, "unknown_name"),
        ("age > 'x'", {"age": "int"}, "type_mismatch"),
    ):
        with pytest.raises(tactful.ExpressionError) as caught:
            Expression(text, schema)
        (finding,) = caught.value.diagnostics
        assert (finding.code, finding.line) == (code, 1) == (caught.value.code, 1)
        assert text in str(caught.value)


@pytest.mark.parametrize(
    ("schema", "code"),
    [({"a": "itn"}, "bad_type"), ({"a..b": "int"}, "bad_name"), ({"": "int"}, "bad_name"), ({"a": 5}, "wrong_type"), (["a"], "wrong_type")],
)
def test_a_schema_that_is_none(schema: Any, code: str) -> None:
    with pytest.raises(tactful.ExpressionError) as caught:
        Expression("true", schema)
    assert caught.value.code == code


def test_facts_that_do_not_fit() -> None:
    rule = Expression("a.b > 1", {"a.b": "int", "m": "money(EUR)"})
    for facts, code, path in (
        ({"a.b": "x"}, "wrong_type", "facts.a.b"),
        ({"a": {"c": 1}}, "undeclared_fact", "facts.a.c"),
        ({"a": 1}, "undeclared_fact", "facts.a"),
        ({"m": 0.001}, "wrong_type", "facts.m"),
        (5, "wrong_type", "facts"),
    ):
        with pytest.raises(tactful.ExpressionError) as caught:
            rule.evaluate(facts)  # type: ignore[arg-type]
        assert (caught.value.code, caught.value.path) == (code, path)


def test_now_is_given_or_not_read() -> None:
    age = Expression("now - t > duration('1h')")
    assert age.evaluate({"t": NOW}, NOW + timedelta(hours=2)) is True
    assert age.evaluate({"t": NOW}, "2026-03-01T10:30:00Z") is False
    with pytest.raises(tactful.ExpressionError) as caught:
        age.evaluate({"t": NOW})
    assert (caught.value.code, caught.value.path) == ("missing_now", "now")


def test_expressions_pickle() -> None:
    rule = pickle.loads(pickle.dumps(Expression("a > 1", {"a": "int"})))
    assert rule.text == "a > 1" and rule.evaluate({"a": 2}) is True and rule.evaluate({}) is UNKNOWN
    assert repr(rule) == "Expression('a > 1')"
