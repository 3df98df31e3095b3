"""Bad input: each mistake is a typed error with code, place and message, and what was recorded before stays."""

from __future__ import annotations

import contextlib
import json
import math
import pickle
from collections.abc import Callable
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

import shop
import tactful
from shop import START, UTC
from tactful._tactful import _panic


@pytest.fixture(scope="module")
def engine() -> tactful.Engine:
    return shop.engine()


def mistakes(text: str) -> list[tactful.Diagnostic]:
    with pytest.raises(tactful.PlaybookError) as caught:
        tactful.Engine.compile({"shop.yaml": text})
    error = caught.value
    assert isinstance(error, ValueError) and isinstance(error, tactful.TactfulError)
    assert (error.code, error.path, error.message) == (error.diagnostics[0].code, error.diagnostics[0].path, error.diagnostics[0].message)
    assert str(error) == "\n\n".join(map(str, error.diagnostics))
    return error.diagnostics


@pytest.mark.parametrize(
    ("found", "wanted", "line", "hint"),
    [
        ("version: 3", "version: [3", 4, None),
        ("version: 3", "version: three", 3, None),
        ("segments:", "segmnets:", 21, "segments"),
        ('events("purchase").within', 'events("purchse").within', 22, "purchase"),
        ("customer.age >= 18", "customer.age >= 'x'", 23, None),
        ("amount: money(EUR)", "amount: mony(EUR)", 17, "money"),
    ],
)
def test_a_broken_playbook_says_where(found: str, wanted: str, line: int, hint: str | None) -> None:
    text = shop.PLAYBOOK.replace(found, wanted, 1)
    assert text != shop.PLAYBOOK
    findings = [finding for finding in mistakes(text) if finding.line == line]
    assert findings, mistakes(text)
    finding = findings[0]
    assert (finding.severity, finding.document) == ("error", "shop.yaml")
    assert finding.source is not None and finding.source == text.splitlines()[line - 1]
    assert finding.column is not None and finding.length is not None and finding.column >= 1
    assert str(finding).startswith(f"error[{finding.code}]: {finding.message}\n")
    assert f"shop.yaml:{line}:{finding.column}" in str(finding)
    if hint is not None:
        assert any(each.hint is not None and hint in each.hint for each in findings)


def test_all_mistakes_are_told_at_once() -> None:
    text = shop.PLAYBOOK.replace("customer.age >= 18", "customer.aeg >= 18").replace("request.basket >= 30", "request.baskt >= 30")
    assert len(mistakes(text)) >= 2


@pytest.mark.parametrize("documents", ["playbook: a", 5, None, [("a",)], [("a", b"x")], {"a": 1}, {1: "a"}, {"a": "\ud800"}])
def test_documents_that_are_none(documents: Any) -> None:
    with pytest.raises(tactful.PlaybookError) as caught:
        tactful.Engine.compile(documents)
    assert caught.value.code in ("wrong_type", "not_utf8") and caught.value.message
    assert caught.value.diagnostics == []


def test_no_document_and_two_of_one_name() -> None:
    wrong: list[Any] = [[], {}, [("a", "playbook: a\nversion: 1\n"), ("a", "")]]
    for documents in wrong:
        with pytest.raises(tactful.PlaybookError) as caught:
            tactful.Engine.compile(documents)
        assert caught.value.code in ("empty_document", "duplicate_document")


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    missing = tmp_path / "none.yaml"
    with pytest.raises(FileNotFoundError) as gone:
        tactful.Engine.load(missing)
    assert isinstance(gone.value, tactful.MissingFileError)
    assert (gone.value.code, gone.value.path, gone.value.filename) == ("missing_file", str(missing), str(missing))
    assert "does not exist" in str(gone.value) and str(missing) in str(gone.value)
    with pytest.raises(OSError) as folder:
        tactful.Engine.load([tmp_path])
    assert isinstance(folder.value, tactful.FileError) and folder.value.code == "unreadable_file"
    bytes_ = tmp_path / "bytes.yaml"
    bytes_.write_bytes(b"playbook: \xff\xfe")
    with pytest.raises(tactful.PlaybookError) as caught:
        tactful.Engine.load([bytes_])
    assert (caught.value.code, caught.value.path) == ("not_utf8", str(bytes_)) and "byte 10" in caught.value.message
    with pytest.raises(TypeError):
        tactful.Engine.load(5)  # type: ignore[arg-type]


def _self_containing() -> list[Any]:
    items: list[Any] = []
    items.append(items)
    return items


NAIVE = datetime(2026, 1, 1)
EVENTS: list[tuple[str, str, dict[str, Any]]] = [
    ("naive_time", "time", {"time": NAIVE}),
    ("naive_time", "known_at", {"known_at": NAIVE}),
    ("not_a_time", "time", {"time": "2026-01-01"}),
    ("not_a_time", "time", {"time": ""}),
    ("wrong_type", "time", {"time": 5}),
    ("wrong_type", "time", {"time": None}),
    ("time_out_of_range", "time", {"time": datetime(9999, 12, 31, 23, tzinfo=__import__("datetime").timezone(timedelta(hours=-5)))}),
    ("not_utf8", "time", {"time": "\ud800"}),
    ("wrong_type", "type", {"type": 5}),
    ("identifier_form", "identifiers", {"identifiers": "nobody"}),
    ("identifier_form", "identifiers", {"identifiers": ["customer:1", "customer:"]}),
    ("identifier_too_long", "identifiers", {"identifiers": "customer:" + "x" * 600}),
    ("wrong_type", "identifiers", {"identifiers": 5}),
    ("wrong_type", "identifiers", {"identifiers": [5]}),
    ("wrong_type", "id", {"id": 5}),
    ("wrong_type", "channel", {"channel": b"web"}),
    ("wrong_type", "properties", {"properties": [1]}),
    ("wrong_type", "properties", {"properties": {1: 1}}),
    ("not_finite", "properties.weight", {"properties": {"weight": math.nan}}),
    ("not_finite", "properties.weight", {"properties": {"weight": -math.inf}}),
    ("not_finite", "properties.amount", {"properties": {"amount": Decimal("NaN")}}),
    ("not_finite", "properties.amount", {"properties": {"amount": Decimal("Infinity")}}),
    ("not_finite", "properties.tags", {"properties": {"tags": [1.0, math.nan]}}),
    ("out_of_range", "properties.quantity", {"properties": {"quantity": 2**64}}),
    ("out_of_range", "properties.quantity", {"properties": {"quantity": -(2**63) - 1}}),
    ("out_of_range", "properties.wait", {"properties": {"wait": timedelta.max}}),
    ("naive_time", "properties.paid", {"properties": {"paid": NAIVE}}),
    ("not_utf8", "properties.sku", {"properties": {"sku": "\udfff"}}),
    ("wrong_type", "properties.sku", {"properties": {"sku": object()}}),
    ("wrong_type", "properties.amount", {"properties": {"amount": Decimal("1e-30")}}),
    ("wrong_type", "properties.amount", {"properties": {"amount": Decimal("1e60")}}),
    ("too_deep", "properties.tags", {"properties": {"tags": _self_containing()}}),
]


@pytest.mark.parametrize(("code", "path", "parts"), EVENTS)
def test_an_event_that_is_none(code: str, path: str, parts: dict[str, Any]) -> None:
    given: dict[str, Any] = {"type": "purchase", "time": START, "identifiers": "customer:1", **parts}
    with pytest.raises(tactful.EventError) as caught:
        tactful.Event(given.pop("type"), given.pop("time"), given.pop("identifiers"), **given)
    error = caught.value
    assert (error.code, error.path) == (code, path) and error.message
    assert isinstance(error, ValueError)


REFUSED: list[tuple[str, str, dict[str, Any]]] = [
    ("undeclared_event_type", "type", {"type": "purchse"}),
    ("undeclared_event_type", "type", {"type": "attribute_set:age"}),
    ("undeclared_property", "properties.amuont", {"properties": {"amuont": 1}}),
    ("undeclared_namespace", "identifiers", {"identifiers": "custmer:1"}),
    ("missing_identifier", "identifiers", {"identifiers": []}),
    ("wrong_type", "properties.quantity", {"properties": {"quantity": 1.5}}),
    ("wrong_type", "properties.quantity", {"properties": {"quantity": "1"}}),
    ("wrong_type", "properties.gift", {"properties": {"gift": 1}}),
    ("wrong_type", "properties.sku", {"properties": {"sku": 17}}),
    ("wrong_type", "properties.amount", {"properties": {"amount": 0.125}}),
    ("wrong_type", "properties.amount", {"properties": {"amount": Decimal("0.125")}}),
    ("wrong_type", "properties.amount", {"properties": {"amount": Decimal("1e30")}}),
    ("wrong_type", "properties.paid", {"properties": {"paid": "yesterday"}}),
    ("wrong_type", "properties.tags", {"properties": {"tags": "a"}}),
    ("wrong_type", "properties.tags", {"properties": {"tags": [1]}}),
    ("too_long", "properties.sku", {"properties": {"sku": "x" * 70_000}}),
    ("too_long", "id", {"id": "x" * 600}),
]


@pytest.mark.parametrize(("code", "path", "parts"), REFUSED)
def test_an_event_that_does_not_fit_the_playbook_changes_nothing(
    engine: tactful.Engine, code: str, path: str, parts: dict[str, Any]
) -> None:
    given: dict[str, Any] = {"type": "purchase", "time": START, "identifiers": "customer:1", **parts}
    event = tactful.Event(given.pop("type"), given.pop("time"), given.pop("identifiers"), **given)
    customer, base = engine.customer("customer:1"), tactful.CustomerBase(engine)
    engine.record(customer, shop.purchase(id="before"))
    base.record(shop.purchase(id="before"))
    before, asked = customer.events(), engine.decide(customer, "home", START)
    record: list[Callable[[], object]] = [lambda: engine.record(customer, event), lambda: base.record(event)]
    for each in record:
        with pytest.raises(tactful.EventError) as caught:
            each()
        assert (caught.value.code, caught.value.path) == (code, path) and caught.value.message
    assert (customer.events(), engine.decide(customer, "home", START), list(base)) == (before, asked, ["customer:1"])
    assert base.decide("customer:1", "home", START) == asked


def test_messages_do_not_repeat_what_may_be_personal(engine: tactful.Engine) -> None:
    with pytest.raises(tactful.EventError) as caught:
        engine.record(engine.customer("customer:1"), tactful.Event("purchase", START, "customer:1", properties={"quantity": "secret"}))
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        "null",
        '{"type": "visit"}',
        '{"type": "visit", "type": "visit", "time": "2026-01-01T00:00:00Z", "identifier": "customer:1"}',
        '{"type": "visit", "time": "2026-01-01T00:00:00Z", "identifier": "customer:1", "tpye": 1}',
        '{"type": "visit", "time": "2026-01-01T00:00:00Z", "identifier": "customer:1", "properties": {"x": NaN}}',
        '{"type": "visit", "time": "2026-01-01T00:00:00Z", "identifier": "customer:1", "properties": {"x": 18446744073709551616}}',
        '{"type": "visit", "time": "99999-01-01T00:00:00Z", "identifier": "customer:1"}',
        '{"type": "visit", "time": "2026-01-01T00:00:00Z", "identifier": "customer:1", "properties": ' + "[" * 100 + "]" * 100 + "}",
    ],
)
def test_json_that_is_no_event(text: str) -> None:
    with pytest.raises(tactful.EventError) as caught:
        tactful.Event.from_json(text)
    assert caught.value.code == "invalid_json"


def test_json_that_is_too_long_or_no_text() -> None:
    with pytest.raises(tactful.EventError, match="1 MiB"):
        tactful.Event.from_json(" " * 2_000_000)
    with pytest.raises(tactful.EventError) as caught:
        tactful.Event.from_json('"\ud800"')
    assert caught.value.code == "not_utf8"


ASKED: list[tuple[str, str, tuple[Any, ...], dict[str, Any]]] = [
    ("unknown_placement", "placements[0]", ("hmoe", START), {}),
    ("unknown_placement", "placements[1]", (["home", "x"], START), {}),
    ("placement_twice", "placements[1]", (["home", "home"], START), {}),
    ("no_placement", "placements", ([], START), {}),
    ("wrong_type", "placements", (5, START), {}),
    ("wrong_type", "placements[0]", ([5], START), {}),
    ("naive_time", "now", ("home", NAIVE), {}),
    ("not_a_time", "now", ("home", "now"), {}),
    ("wrong_type", "now", ("home", 0), {}),
    ("naive_time", "known_at", ("home", START), {"known_at": NAIVE}),
    ("undeclared_fact", "facts.baskt", ("home", START), {"facts": {"baskt": 1}}),
    ("wrong_type", "facts.basket", ("home", START), {"facts": {"basket": True}}),
    ("wrong_type", "facts.device", ("home", START), {"facts": {"device": "fridge"}}),
    ("not_finite", "facts.basket", ("home", START), {"facts": {"basket": math.inf}}),
    ("wrong_type", "facts", ("home", START), {"facts": [1]}),
]


@pytest.mark.parametrize(("code", "path", "asked", "options"), ASKED)
def test_a_question_that_cannot_be_answered(
    engine: tactful.Engine, code: str, path: str, asked: tuple[Any, ...], options: dict[str, Any]
) -> None:
    customer, base = engine.customer("customer:1"), tactful.CustomerBase(engine)
    questions: list[Callable[[], object]] = [
        lambda: engine.decide(customer, *asked, **options),
        lambda: engine.explain(customer, *asked, **options),
        lambda: base.decide("customer:1", *asked, **options),
        lambda: base.explain("customer:1", *asked, **options),
    ]
    for question in questions:
        with pytest.raises(tactful.RequestError) as caught:
            question()
        assert (caught.value.code, caught.value.path) == (code, path) and caught.value.message


def test_the_nearest_name_is_told(engine: tactful.Engine) -> None:
    with pytest.raises(tactful.RequestError, match="did you mean `home`"):
        engine.decide(engine.customer("customer:1"), "hmoe", START)


def test_identifiers_of_nobody(engine: tactful.Engine) -> None:
    base = tactful.CustomerBase(engine)
    with pytest.raises(tactful.RequestError) as caught:
        base.decide("email:x", "home", START)
    assert (caught.value.code, caught.value.path) == ("undeclared_namespace", "identifier")
    for ask in (base.find, engine.customer):
        with pytest.raises(ValueError, match="namespace:value"):
            ask("nobody")


def test_a_customer_of_another_playbook_is_refused(engine: tactful.Engine) -> None:
    other = tactful.Engine.compile({"a": "playbook: other\nversion: 1\nidentity: {customer: {}}\nevents: {purchase: {amount: int}}\n"})
    customer = other.customer("customer:1")
    with pytest.raises(tactful.EventError) as event:
        engine.record(customer, shop.purchase())
    with pytest.raises(tactful.RequestError) as request:
        engine.decide(customer, "home", START)
    assert event.value.code == request.value.code == "other_playbook"


def test_wrong_python_types_are_type_errors(engine: tactful.Engine) -> None:
    for call in (
        lambda: engine.record("customer:1", shop.purchase()),  # type: ignore[arg-type]
        lambda: engine.record(engine.customer("customer:1"), {}),  # type: ignore[arg-type]
        lambda: tactful.CustomerBase("x"),  # type: ignore[arg-type]
        lambda: tactful.Engine(),
        lambda: engine.decide(engine.customer("customer:1"), "home", START, START),  # type: ignore[call-arg, arg-type]
    ):
        with pytest.raises(TypeError):
            call()


def test_every_error_pickles_with_all_it_says() -> None:
    finding = tactful.Diagnostic("code", "error", "message", "path", "document", 1, 2, 3, "source", "hint", "text")
    errors: list[tactful.TactfulError] = [
        tactful.TactfulError("m", "c", "p"),
        tactful.PlaybookError("m", "c", "p", [finding]),
        tactful.EventError("m", "c", "p"),
        tactful.RequestError("m", "c", "p"),
        tactful.QueryError("m", "c", "p"),
        tactful.LogError("m", "c", "p"),
        tactful.TrendError("m", "c", "p"),
        tactful.StateError("m", "c", "p"),
        tactful.ReplayError("m", "c", "p", 3, "column"),
        tactful.ExpressionError("m", "c", "p", [finding]),
        tactful.InternalError("m", "c", "p"),
        tactful.FileError("m", "c", "p"),
        tactful.MissingFileError("m", "c", "p"),
    ]
    for error in errors:
        for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
            again = pickle.loads(pickle.dumps(error, protocol))
            assert type(again) is type(error)
            assert (str(again), vars(again)) == (str(error), vars(error))
            assert (again.code, again.path, again.message) == ("c", "p", "m")
    assert {type(error) for error in errors} == {
        value for value in vars(tactful).values() if isinstance(value, type) and issubclass(value, tactful.TactfulError)
    }


def test_a_mistake_inside_is_an_ordinary_exception_and_spoils_only_what_it_was_changing(engine: tactful.Engine) -> None:
    broken, sound = engine.customer("customer:1"), engine.customer("customer:2")
    with pytest.raises(tactful.InternalError, match="asked to panic") as caught:
        _panic(broken)
    assert isinstance(caught.value, RuntimeError) and caught.value.code == "internal"
    uses: list[Callable[[], object]] = [
        lambda: engine.record(broken, shop.purchase()),
        lambda: engine.decide(broken, "home", START),
        lambda: len(broken),
    ]
    for use in uses:
        with pytest.raises(tactful.InternalError, match="make a new one"):
            use()
    assert engine.record(sound, shop.purchase("customer:2")).arrival == "new"


def test_frozen_classes_cannot_be_changed(engine: tactful.Engine) -> None:
    event = tactful.Event("visit", datetime(2026, 1, 1, tzinfo=UTC), "customer:1", properties={"x": 1})
    event.properties["x"] = 2
    assert event.properties == {"x": 1}
    for thing in (engine, event):
        with pytest.raises(AttributeError):
            thing.type = "other"  # type: ignore[misc, union-attr]


def test_text_of_other_systems_is_read_with_care(engine: tactful.Engine) -> None:
    visit = '{"type": "visit", "time": "2010-03-01T10:00:00Z", "identifier": "customer:17"}'
    wrong: list[tuple[str, str]] = [
        ("{", "invalid_json"),
        ("7", "wrong_type"),
        ('{"type": "visit", "type": "visit"}', "invalid_json"),
        (" " * (4 * 1024 * 1024) + visit, "too_long"),
    ]
    for text, code in wrong:
        with pytest.raises(tactful.EventError) as caught:
            tactful.intake(engine, text)
        assert caught.value.code == code, text[:40]
    with pytest.raises(tactful.EventError, match="expected `own`"):
        tactful.intake(engine, visit, form="other")  # type: ignore[arg-type]
    long = "[" + visit + "," + " " * (2 * 1024 * 1024) + '{"type": "nothing"}]'
    taken = tactful.intake(engine, long, received_at=START)
    assert [event.type for event in taken.events] == ["visit"] and taken.events[0].known_at == START
    assert [type(error) for error in taken.refused] == [tactful.EventError] and taken.refused[0].path.startswith("[1]")
    told = tactful.intake(engine, {"type": "visit", "time": "2010-03-01T10:00:00Z", "identifier": "customer:17"}, received_at=START)
    assert told.events == taken.events
    assert tactful.intake(engine, visit.encode(), received_at=START).events == taken.events
    with pytest.raises(tactful.EventError) as caught:
        tactful.intake(engine, b"\xff")
    assert caught.value.code == "not_utf8"


def test_requests_are_read_by_their_headers(engine: tactful.Engine) -> None:
    headers = {"ce-specversion": "1.0", "ce-type": "visit", "ce-source": "/site", "ce-id": "1", "ce-time": "2010-03-01T10:00:00Z"}
    headers["ce-subject"] = "customer:%C3%A9ve"
    taken = tactful.intake(engine, b"", headers=headers, received_at=START)
    assert [(event.id, event.identifiers, event.known_at) for event in taken.events] == [("/site#1", ["customer:éve"], START)]
    # As ASGI hands headers on, and data that a framework has read already.
    raw = [(name.encode(), value.encode()) for name, value in headers.items()]
    bodies: tuple[Any, ...] = ("{}", {}, b"{}")
    for body in bodies:
        assert tactful.intake(engine, body, headers=raw, received_at=START).events == taken.events
    whole = {name.removeprefix("ce-"): value for name, value in headers.items()} | {"subject": "customer:éve"}
    batches: list[tuple[str, Any]] = [("", whole), ("-batch", [whole])]
    for kind, body in batches:
        structured = {"Content-Type": f"application/cloudevents{kind}+json"}
        assert tactful.intake(engine, body, headers=structured, received_at=START).events == taken.events
    wrong: list[tuple[dict[str, str], bytes, str, str]] = [
        ({**headers, "CE-ID": "2"}, b"", "duplicate_key", "ce-id"),
        ({**headers, "ce-customer": "%"}, b"", "wrong_value", "ce-customer"),
        (headers, b"{", "invalid_json", "body"),
        (headers, b"\xff", "not_utf8", "body"),
        (headers, b"\xed\xa0\x80", "not_utf8", "body"),
        ({"content-type": "application/cloudevents+avro"}, b"", "unknown_form", "content-type"),
    ]
    for told, body, code, path in wrong:
        with pytest.raises(tactful.EventError) as caught:
            tactful.intake(engine, body, headers=told)
        assert (caught.value.code, caught.value.path) == (code, path)
    with pytest.raises(tactful.EventError, match="leave one of them out"):
        tactful.intake(engine, b"{}", headers=headers, form="cloud_events")


PLANTED = "planted-4711@example.org"

#: What stands in a column in place of what it is for.
COLUMNS: list[tuple[str, pa.Array]] = [
    *((name, pa.array([PLANTED])) for name in ("type", "time", "known_at", "sequence", "attribute", "origin", "confidence", "latitude")),
    *((name, pa.array([PLANTED])) for name in ("size", "price", "paid", "born", "seen", "home", "zip", "gift", "kind")),
    *((name, pa.array([PLANTED]).dictionary_encode()) for name in ("time", "size", "price", "seen", "kind")),
    *((name, pa.array([[PLANTED]])) for name in ("size", "note", "time", "customer", "id", "channel", "sizes")),
    *((name, pa.array([PLANTED * 100])) for name in ("customer", "id", "channel", "source")),
    ("note", pa.array([PLANTED * 4_000])),
    ("email", pa.array([f"no {PLANTED} {PLANTED}"])),
    ("age", pa.array([PLANTED])),
    ("price", pa.array([PLANTED.encode()], pa.binary())),
    ("price", pa.array([4711.4711])),
    ("zip", pa.array([-4711])),
]


@pytest.mark.parametrize(("name", "column"), COLUMNS)
def test_what_is_wrong_with_a_column_does_not_repeat_what_stands_in_it(name: str, column: pa.Array) -> None:
    text = """
    playbook: shop
    version: 1
    identity: {customer: {}, email: {normalize: email}}
    attributes: {age: int}
    events:
      visit:
        size: int
        sizes: list(int)
        price: money(EUR)
        paid: bool
        born: date
        seen: timestamp
        home: geo_point
        zip: postal_code(DE)
        gift: duration
        kind: enum(a, b)
        note: string
    """
    engine = tactful.Engine.compile({"shop.yaml": text})
    event = {"attribute": "attribute_set", "age": "attributes_set"}.get(name, "visit")
    columns = {"time": pa.array([START], pa.timestamp("us", "UTC")), "type": pa.array([event]), "customer": pa.array(["1"])}
    table = pa.table({**columns, name: column})
    with pytest.raises(tactful.ReplayError) as caught:
        engine.replay(table)
    error = caught.value
    told = [str(error), repr(error), error.code, error.path, error.message, repr(error.args), repr(vars(error))]
    with contextlib.suppress(tactful.ReplayError):  # a column of the wrong type as a whole
        replay = engine.replay(table, bad_rows="report")
        told += [repr(replay.stats), repr(pa.table(replay.bad_rows).to_pylist())]
        assert replay.stats["bad_rows"] == 1
    assert not any("4711" in each for each in told), told


def test_circumstances_are_read_from_columns_of_text_too() -> None:
    engine = tactful.Engine.compile({"shop.yaml": "{playbook: shop, version: 1, identity: {customer: {}}, events: {visit: {}}}"})

    def told(**columns: object) -> dict[str, Any]:
        start = {"time": pa.array([START], pa.timestamp("us", "UTC")), "type": ["visit"], "customer": ["1"]}
        events = engine.replay(pa.table({**start, **{name: [value] for name, value in columns.items()}})).events("customer:1")
        return {key: value for key, value in json.loads(events[0].to_json()).items() if key in ("location", "confidence", "origin")}

    place = {"location": {"latitude": 52.5, "longitude": 13.25}}
    assert told(latitude=52.5, longitude=13.25) == told(latitude="52.5", longitude="13.25") == place
    assert told(confidence=0.5, origin="inferred") == told(confidence="0.5", origin="inferred") == {"confidence": 0.5, "origin": "inferred"}
    wrong: list[tuple[dict[str, Any], str, str]] = [
        ({"latitude": 52.5}, "longitude", "expected it beside `latitude`"),
        ({"longitude": "13.25"}, "latitude", "expected it beside `longitude`"),
        ({"confidence": 1.5}, "confidence", "from 0 to 1"),
        ({"origin": "x"}, "origin", "`stated`, `observed`"),
    ]
    for columns, column, words in wrong:
        with pytest.raises(tactful.ReplayError) as caught:
            told(**columns)
        assert f"column `{column}`" in str(caught.value) and words in str(caught.value)
