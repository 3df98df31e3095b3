"""Rule sets: names of the rules that are known to be true, from mappings, prepared rows, JSON and tables."""

from __future__ import annotations

import pickle
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest

import tactful
from tactful import UNKNOWN, RuleSet

NOW = datetime(2026, 3, 1, 10, tzinfo=timezone.utc)
SCHEMA = {"customer.age": "int", "customer.tags": "list(string)", "basket": "money(EUR)", "last": "timestamp"}
RULES = {
    "adult": "customer.age >= 18",
    "vip": "customer.age >= 18 && 'vip' in customer.tags",
    "large": "basket > 100.00",
    "recent": "now - last < duration('24h')",
    "odd": "100 / (customer.age - 17) > 0",
}


@pytest.fixture
def rules() -> RuleSet:
    return RuleSet(RULES, SCHEMA)


def test_the_names_of_what_is_true_come_in_the_order_given(rules: RuleSet) -> None:
    facts = {"customer": {"age": 42, "tags": ["vip"]}, "basket": Decimal("100.01"), "last": NOW - timedelta(hours=1)}
    assert rules.matches(facts, NOW) == ["adult", "vip", "large", "recent", "odd"]
    assert rules.matches({"customer.age": 17}) == []
    assert rules.matches({}) == []
    assert rules.matches({"customer": {"age": 20, "tags": None}}) == ["adult", "odd"]


def test_every_way_of_telling_facts_gives_the_same(rules: RuleSet) -> None:
    facts = {"customer.age": 42, "customer.tags": ["vip", "new"], "basket": "150"}
    text = '{"customer": {"age": 42, "tags": ["vip", "new"], "shoe": 43}, "basket": "150", "more": [1]}'
    row = rules.row(facts)
    assert rules.matches(row) == rules.matches(facts) == rules.matches_json(text) == ["adult", "vip", "large", "odd"]
    row["customer.tags"] = ["new"]
    assert rules.matches(row) == ["adult", "large", "odd"]
    del row["basket"]
    assert rules.matches(row) == ["adult", "odd"]
    row.update({"customer": {"tags": ("vip",)}})
    assert rules.holds("vip", row) is True
    row.clear()
    assert rules.matches(row) == []
    row.read_json(text)
    assert rules.matches(row) == ["adult", "vip", "large", "odd"]
    timed = rules.row({"last": NOW}, NOW)
    assert rules.holds("recent", timed)
    timed.set_now(NOW + timedelta(days=2))
    assert not rules.holds("recent", timed)


def test_one_rule_is_true_false_or_unknown_and_errors_are_raised_when_asked(rules: RuleSet) -> None:
    assert rules.value("adult", {"customer.age": 17}) is False
    assert rules.value("adult", {}) is UNKNOWN
    assert rules.value("odd", {"customer.age": 17}) is UNKNOWN
    with pytest.raises(tactful.ExpressionError):
        rules.value("odd", {"customer.age": 17}, strict=True)
    with pytest.raises(KeyError, match="adlut"):
        rules.holds("adlut", {})


def test_an_explanation_says_why(rules: RuleSet) -> None:
    why = rules.explain("vip", {"customer.age": 42})
    assert why.value is UNKNOWN and why.missing == ["customer.tags"]
    assert why.reasons == ["unknown: `customer.tags` is not known"]
    false = rules.explain("adult", rules.row({"customer.age": 17}))
    assert false.value is False and str(false) == "`customer.age >= 18` is false: `customer.age` is 17"
    assert false.to_dict()["value"] == "false"
    assert "<li>" in false._repr_html_()


def test_a_table_gives_row_and_rule(rules: RuleSet) -> None:
    table = pa.table({"customer.age": [17, 42, None], "basket": ["1.00", "200", "300"], "other": [1, 2, 3]})
    found = pa.table(rules.matches_table([table, table])).to_pylist()
    once = [(1, "adult"), (1, "large"), (1, "odd"), (2, "large")]
    assert [(match["row"], match["rule"]) for match in found] == once + [(row + 3, rule) for row, rule in once]
    with pytest.raises(tactful.ReplayError):
        rules.matches_table({"a": 1})  # type: ignore[arg-type]


@pytest.mark.parametrize("kind", [pa.list_(pa.string()), pa.large_list(pa.string()), pa.list_(pa.dictionary(pa.int8(), pa.string()))])
def test_a_list_column_is_a_fact_that_is_a_list(kind: Any) -> None:
    tagged = RuleSet(
        {"vip": "'vip' in tags", "many": "size(tags) > 1", "odd": "scores.exists(s, s > 2)"},
        {"tags": "list(string)", "scores": "list(int)"},
    )
    tags = pa.array([["x"], ["vip", "new"], None, [], ["vip", None]], type=kind)
    table = pa.table({"tags": tags, "scores": [[1], [1, 3], None, [9], []]})
    expected = [(1, "vip"), (1, "many"), (1, "odd"), (3, "odd"), (4, "vip")]

    def found(table: Any) -> list[tuple[int, str]]:
        return [(match["row"], match["rule"]) for match in pa.table(tagged.matches_table(table)).to_pylist()]

    assert found(table) == expected
    for start in range(5):
        assert found(table.slice(start)) == [(row - start, rule) for row, rule in expected if row >= start]
    for row, (own, scores) in enumerate(zip(tags.to_pylist(), table["scores"].to_pylist())):
        facts = {"tags": own and [tag for tag in own if tag is not None], "scores": scores}
        known = {name: value for name, value in facts.items() if value is not None}
        assert tagged.matches(known) == [rule for at, rule in expected if at == row], "as one by one"
    with pytest.raises(tactful.ReplayError, match="tags"):
        tagged.matches_table(pa.table({"tags": [[["vip"]]]}))


@pytest.mark.parametrize(
    ("facts", "code", "path"),
    [
        ({"customer.aeg": 1}, "undeclared_fact", "facts.customer.aeg"),
        ({"customer": {"aeg": 1}}, "undeclared_fact", "facts.customer.aeg"),
        ({"customer.age": "old"}, "wrong_type", "facts.customer.age"),
        ({"customer.age": object()}, "wrong_type", "facts.customer.age"),
        ({1: 2}, "wrong_type", "facts"),
        ([("customer.age", 1)], "wrong_type", "facts"),
    ],
)
def test_facts_that_do_not_fit_are_refused(rules: RuleSet, facts: Any, code: str, path: str) -> None:
    with pytest.raises(tactful.ExpressionError) as caught:
        rules.matches(facts)
    assert (caught.value.code, caught.value.path) == (code, path)
    assert rules.matches({"customer.age": 42}) == ["adult", "odd"], "a failed question leaves nothing behind"


def test_a_row_belongs_to_its_rules(rules: RuleSet) -> None:
    with pytest.raises(tactful.ExpressionError, match="another rule set"):
        rules.matches(RuleSet(RULES, SCHEMA).row())
    with pytest.raises(tactful.ExpressionError, match="instant of its own"):
        rules.matches(rules.row(), NOW)


def test_all_mistakes_of_all_rules_are_told() -> None:
    with pytest.raises(tactful.ExpressionError) as caught:
        RuleSet({"one": "customer.aeg > 1", "two": "1 +", "three": "1"}, SCHEMA)
    assert {finding.path for finding in caught.value.diagnostics} == {"one", "two", "three"}


def test_it_is_a_collection_that_pickles(rules: RuleSet) -> None:
    assert len(rules) == 5 and "vip" in rules and "pip" not in rules and rules["adult"] == RULES["adult"]
    again = pickle.loads(pickle.dumps(rules))
    assert again.names == rules.names == list(RULES) and again.matches({"customer.age": 42}) == ["adult", "odd"]
    assert repr(rules) == "<RuleSet of 5 rules>"
    assert RuleSet(list(RULES.items()), SCHEMA).names == rules.names


def test_warnings_name_the_rule() -> None:
    (warning,) = RuleSet({"never": "customer.age > 60 && customer.age < 18"}, SCHEMA).warnings
    assert warning.path == "never" and warning.severity == "warning"


@pytest.mark.parametrize(
    ("kind", "value", "text"),
    [
        ("bytes", b"ab", "x == b'ab'"),
        ("uint", 5, "x == 5u && type(x) == uint"),
        ("timestamp", NOW, "x == timestamp('2026-03-01T10:00:00Z')"),
        ("duration", timedelta(minutes=90), "x == duration('90m')"),
        ("optional(int)", tactful.Optional(7), "x.orValue(1) == 7"),
        ("optional(int)", tactful.Optional(), "x.orValue(1) == 1 && !x.hasValue()"),
        ("type", tactful.TypeName("int"), "x == int"),
        ("map(string, map(string, list(int)))", {"a": {"b": [1, 2]}}, "x.a.b[1] == 2"),
        ("double", float("nan"), "x != x"),
        ("dyn", {"a": [None, {"b": b"c"}]}, "x.a[1].b == b'c'"),
        ("null", None, "x == null"),
    ],
)
def test_every_kind_of_value_goes_in(kind: str, value: Any, text: str) -> None:
    assert tactful.Expression(text, {"x": kind}).evaluate({"x": value}) is True
    if kind not in ("double", "null"):
        assert RuleSet({"it": text}, {"x": kind}).matches({"x": value}) == ["it"]
    back = tactful.Expression("x", {"x": kind}).evaluate({"x": value})
    assert kind == "double" or (back == value and type(back) is type(value))


def test_optionals_are_values() -> None:
    held = tactful.Optional([1])
    assert held == tactful.Optional([1]) != tactful.Optional() and bool(held) and not tactful.Optional()
    assert pickle.loads(pickle.dumps(held)).value == [1]
    with pytest.raises(ValueError, match="no value"):
        _ = tactful.Optional().value
    with pytest.raises(ValueError, match="from 0"):
        tactful.Uint(-1)
    nested = tactful.Expression("optional.of(optional.none())").evaluate({})
    assert nested == tactful.Optional(tactful.Optional())
