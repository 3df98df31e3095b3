"""The engine: what is recorded, derived, decided and explained; what pickles; what several threads may do."""

from __future__ import annotations

import json
import pickle
from concurrent.futures import ThreadPoolExecutor
from datetime import date, datetime, timedelta, timezone
from decimal import Decimal
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

import shop
import tactful
from shop import DAY, START, UTC


@pytest.fixture
def engine() -> tactful.Engine:
    return shop.engine()


def test_files_are_loaded_as_one_playbook(tmp_path: Path) -> None:
    base, part = tmp_path / "base.yaml", tmp_path / "part.json"
    base.write_text("playbook: shop\nversion: 1\n", encoding="utf-8")
    part.write_text('{"events": {"visit": {}}}', encoding="utf-8")
    assert tactful.Engine.load(base).playbook["events"] == []
    assert tactful.Engine.load(str(base)).digest == tactful.Engine.load([base]).digest
    both = tactful.Engine.load([str(base), part])
    assert [event["name"] for event in both.playbook["events"]] == ["visit"]
    assert both.digest == tactful.Engine.compile([("a", base.read_text()), ("b.json", part.read_text())]).digest


def test_the_summary_says_what_the_playbook_declares(engine: tactful.Engine) -> None:
    told = engine.playbook
    assert (told["name"], told["version"], told["title"], told["time_zone"]) == ("shop", 3, "Corner shop", "Europe/Berlin")
    assert told["digest"] == engine.digest and len(engine.digest) == 64
    assert told["segments"][0] == {"name": "buyer", "title": "Buyer", "when": 'events("purchase").within("90d").count() >= 1'}
    stages = told["journeys"][0]["stages"]
    said = {"name": "purchase", "title": "First order", "goal": "an order", "no_data": None, "drop_out": False, "final": False}
    assert stages[1].items() >= said.items() and stages[1]["on"] == ["purchase"]
    assert (stages[0]["no_data"], stages[2]["drop_out"]) == ("nobody watches", True)
    assert told["placements"][0] == {"name": "home", "title": "Home page", "channel": "web", "slots": 2, "fallback": "Welcome"}
    assert told["offers"][0]["purposes"] == ["marketing"] and told["offers"][1]["priority"] == 3
    assert [rule["text"] for rule in told["contact"]] == [
        "at most 1 `shown` per rolling 7d, counted for each offer",
        "a pause of 30d after `rejected`, for each offer",
    ]
    assert told["events"][1]["properties"][0] == {"name": "amount", "type": "money(EUR)", "required": False}
    assert engine.warnings == []


def test_warnings_are_diagnostics() -> None:
    text = "playbook: a\nversion: 1\nevents: {pay: {amount: 'money(XYZ)'}}\n"
    (warning,) = tactful.Engine.compile({"a.yaml": text}).warnings
    assert (warning.severity, warning.document, warning.line) == ("warning", "a.yaml", 3)
    assert str(warning).startswith(f"warning[{warning.code}]: ")


def test_effects_tell_what_an_event_caused(engine: tactful.Engine) -> None:
    customer = engine.customer("customer:1")
    effects = engine.record(customer, shop.purchase(id="p"))
    assert effects.arrival == "new" and len(effects) == 2
    entered, stage = effects
    assert (entered.kind, entered.effect, entered.segment, entered.at, entered.cause) == (
        "happened",
        "segment_entered",
        "buyer",
        START,
        "p",
    )
    assert (stage.effect, stage.journey, stage.from_stage, stage.to_stage, stage.segment) == (
        "stage_changed",
        "lifecycle",
        None,
        "purchase",
        None,
    )
    assert effects[-1] == stage and effects[0:1] == (entered,) and entered != stage and entered in effects
    with pytest.raises(IndexError):
        effects[2]
    assert len(entered.id) == 32 and entered.to_dict()["segment"] == "buyer"
    again = engine.record(customer, shop.purchase(id="p"))
    assert (again.arrival, len(again), len(customer)) == ("duplicate", 0, 1)
    other = engine.record(customer, shop.purchase(id="p", amount="99"))
    assert other.arrival in ("conflict_kept_old", "conflict_kept_new") and len(customer) == 1
    assert repr(customer) == "<Customer customer:…: 1 event>" and customer


def test_time_passes_only_when_told(engine: tactful.Engine) -> None:
    customer = engine.customer("customer:1")
    assert engine.next_due(customer) is None
    engine.record(customer, shop.purchase())
    due = engine.next_due(customer)
    assert due == START + 90 * DAY
    left = engine.advance(customer, due)
    assert left.arrival is None
    assert {(effect.effect, effect.segment or effect.to_stage) for effect in left} == {("segment_left", "buyer"), ("stage_changed", "lost")}
    assert engine.segments(customer, START) == {"buyer": True, "adult": None}
    assert engine.segments(customer, due) == {"buyer": False, "adult": None}


def test_a_decision_ranks_offers_or_falls_back_or_is_silent(engine: tactful.Engine) -> None:
    customer = engine.customer("customer:1")
    nothing = engine.decide(customer, ["home", "letter"], START)
    assert [answer.kind for answer in nothing.placements] == ["fallback", "silence"]
    assert (nothing.placements[0].fallback, nothing.placements[0].offers, nothing.placements[1].fallback) == ("Welcome", [], None)
    engine.record(customer, shop.purchase())
    decision = engine.decide(customer, "home", START + DAY, facts={"basket": Decimal("30.00"), "device": "phone"})
    (home,) = decision.placements
    assert (home.placement, home.channel, home.kind, home.fallback) == ("home", "web", "offers", None)
    assert [(ranked.offer, ranked.score) for ranked in home.offers] == [("bundle", 5.0), ("thanks", 2.0)]
    assert home.offers[0].message == "Three for two below 30.00 EUR."
    assert (decision.customer, decision.now, decision.playbook) == ("customer:1", START + DAY, engine.digest)
    assert decision.trace is None and decision.known_at == decision.now
    assert json.loads(decision.to_json()) == decision.to_dict()
    assert home.reason.startswith("2 candidates")
    assert decision == engine.decide(customer, "home", START + DAY, facts={"basket": 30, "device": "phone"})
    assert decision != nothing and hash(decision) != hash(nothing)


def test_what_is_asked_changes_nothing(engine: tactful.Engine) -> None:
    customer = engine.customer("customer:1")
    engine.record(customer, shop.purchase())
    before, due = customer.events(), engine.next_due(customer)
    first = engine.explain(customer, "home", START + 300 * DAY).to_json()
    engine.decide(customer, "home", START)
    assert (customer.events(), engine.next_due(customer)) == (before, due)
    assert engine.explain(customer, "home", START + 300 * DAY).to_json() == first


def test_an_explanation_gives_the_first_gate_of_each_candidate(engine: tactful.Engine) -> None:
    customer = engine.customer("customer:1")
    engine.record(customer, shop.purchase())
    engine.record(customer, tactful.Event("consent_withdrawn", START, "customer:1", properties={"purpose": "marketing"}))
    decision = engine.explain(customer, "home", START + DAY)
    trace = decision.trace
    assert trace is not None
    gates = {candidate["offer"]: (candidate["gate"], candidate["unknown"]) for candidate in trace.to_dict()["candidates"]}
    assert gates == {"thanks": ("consent", False), "bundle": ("applicable", True)}
    assert trace.text == str(trace) and "bundle: stopped at applicable" in trace.text
    assert "request.basket" in trace.text
    assert json.loads(decision.to_json())["trace"] == trace.to_dict()
    plain = engine.decide(customer, "home", START + DAY)
    assert (plain.id, plain.placements[0].kind) == (decision.id, decision.placements[0].kind)


def test_outcomes_close_the_loop(engine: tactful.Engine) -> None:
    customer = engine.customer("customer:1")
    engine.record(customer, shop.purchase())
    decision = engine.decide(customer, "home", START + DAY)
    (shown,) = decision.outcome("shown", START + DAY)
    assert (shown.type, shown.identifiers, shown.channel, shown.properties["offer"]) == ("shown", ["customer:1"], "web", "thanks")
    assert shown == decision.outcome("shown", START + DAY, "customer:1")[0]
    assert decision.outcome("shown", START, "cookie:x")[0].identifiers == ["cookie:x"]
    assert [engine.record(customer, shown).arrival for _ in range(2)] == ["new", "duplicate"]
    assert engine.decide(customer, "home", START + 2 * DAY).placements[0].kind == "fallback"
    assert engine.decide(customer, "home", START + 9 * DAY).placements[0].kind == "offers"


def test_what_became_known_later_is_not_seen_before(engine: tactful.Engine) -> None:
    customer = engine.customer("customer:1")
    engine.record(customer, shop.purchase(), known_at=START + 5 * DAY)
    assert engine.decide(customer, "letter", START + DAY).placements[0].kind == "silence"
    assert engine.decide(customer, "letter", START + DAY, known_at=START + 5 * DAY).placements[0].kind == "offers"


def test_times_may_be_written_in_any_zone(engine: tactful.Engine) -> None:
    for time in (
        datetime(2026, 3, 29, 3, 30, tzinfo=ZoneInfo("Europe/Berlin")),
        datetime(2026, 3, 29, 1, 30, tzinfo=UTC),
        datetime(2026, 3, 28, 20, 30, tzinfo=timezone(timedelta(hours=-5))),
        "2026-03-29T03:30:00+02:00",
    ):
        assert tactful.Event("visit", time, "customer:1").time == datetime(2026, 3, 29, 1, 30, tzinfo=UTC)
    fold = datetime(2026, 10, 25, 2, 30, tzinfo=ZoneInfo("Europe/Berlin"))
    assert [tactful.Event("visit", fold.replace(fold=f), "a:b").time.hour for f in (0, 1)] == [0, 1]
    micros = datetime(2026, 1, 1, 0, 0, 0, 123456, tzinfo=UTC)
    assert tactful.Event("visit", micros, "a:b").time == micros
    for edge in (
        datetime(1, 1, 1, tzinfo=UTC),
        datetime(9999, 12, 31, 23, 59, 59, 999999, tzinfo=UTC),
        datetime(1969, 12, 31, 23, tzinfo=UTC),
    ):
        assert tactful.Event("visit", edge, "a:b").time == edge


def test_values_go_through_the_story_and_back(engine: tactful.Engine) -> None:
    customer = engine.customer("customer:1")
    properties: dict[str, Any] = {
        "amount": Decimal("0.10"),
        "sku": "ä\U0001f600\x00",
        "quantity": -(2**63),
        "weight": 0.1 + 0.2,
        "gift": True,
        "paid": date(2026, 2, 28),
        "wait": timedelta(days=-1, microseconds=1),
        "tags": ["a", "b"],
    }
    event = tactful.Event("purchase", START, "customer:1", id="x", sequence=7, channel="web", source="till", properties=properties)
    assert event.properties["paid"] == datetime(2026, 2, 28, tzinfo=UTC)
    engine.record(customer, event)
    (told,) = customer.events()
    assert told.properties == {**properties, "paid": datetime(2026, 2, 28, tzinfo=UTC)}
    assert isinstance(told.properties["amount"], Decimal) and str(told.properties["amount"]) == "0.10"
    assert (told.id, told.sequence, told.channel, told.source, told.known_at) == ("x", 7, "web", "till", None)


def test_attributes_are_told_by_events(engine: tactful.Engine) -> None:
    customer = engine.customer("customer:1")
    effects = engine.record(customer, tactful.Event("attribute_set", START, "customer:1", properties={"attribute": "age", "value": 20}))
    assert [effect.segment for effect in effects] == ["adult"]
    (told,) = customer.events()
    assert (told.type, told.properties) == ("attribute_set", {"attribute": "age", "value": 20})


def test_a_base_finds_joins_and_parts_customers(engine: tactful.Engine) -> None:
    base = tactful.CustomerBase(engine)
    assert (len(base), list(base), base.find("customer:1"), bool(base)) == (0, [], None, True)
    base.record(tactful.Event("visit", START, "cookie:x"))
    base.record(shop.purchase())
    assert list(base) == ["cookie:x", "customer:1"] and "customer:1" in base and "customer:2" not in base and "nonsense" not in base
    link = {"time": "2026-03-02T00:00:00Z", "identifiers": ["customer:1", "cookie:x"]}
    base.record(tactful.Event.from_json(json.dumps({"type": "linked", **link})))
    assert len(base) == 1
    joined = base.find("cookie:x")
    assert joined is not None and len(joined) == 3
    assert base.decide("cookie:x", "letter", START + 2 * DAY).placements[0].kind == "offers"
    base.record(tactful.Event.from_json(json.dumps({"type": "unlinked", **link, "time": "2026-03-03T00:00:00Z"})))
    assert base.explain("cookie:x", "letter", START + 5 * DAY).placements[0].kind == "silence"
    assert base.engine.digest == engine.digest and repr(base) == "<CustomerBase of 2 customers>"
    # A found customer is a copy.
    copy = base.find("customer:1")
    assert copy is not None
    engine.record(copy, shop.purchase(time=START + DAY))
    assert len(base.find("customer:1") or ()) == len(copy) - 1


def test_somebody_unknown_is_a_customer_without_events(engine: tactful.Engine) -> None:
    base = tactful.CustomerBase(engine)
    decision = base.decide("customer:9", "home", START, facts={"basket": 40}, known_at=START + DAY)
    assert [ranked.offer for ranked in decision.placements[0].offers] == ["bundle"]
    assert decision.known_at == START + DAY
    assert decision == engine.decide(engine.customer("customer:9"), "home", START, facts={"basket": 40}, known_at=START + DAY)


def test_engines_and_events_pickle(engine: tactful.Engine) -> None:
    for protocol in range(2, pickle.HIGHEST_PROTOCOL + 1):
        again = pickle.loads(pickle.dumps(engine, protocol))
        assert again.digest == engine.digest
        event = tactful.Event(
            "purchase", START, ["customer:1", "cookie:x"], id="i", sequence=2, known_at=START + DAY, properties={"amount": Decimal("1.5")}
        )
        same = pickle.loads(pickle.dumps(event, protocol))
        assert same == event and hash(same) == hash(event) and same.properties == event.properties and same.known_at == event.known_at
    customer = again.customer("customer:1")
    again.record(customer, event)
    # Made by an equal playbook, read by this one.
    assert engine.decide(customer, "letter", START + DAY).placements[0].kind == "offers"
    assert pickle.loads(pickle.dumps(customer)).events() == customer.events()


def test_reprs_say_what_it_is(engine: tactful.Engine) -> None:
    customer = engine.customer("customer:1")
    event = shop.purchase(id="i'd")
    engine.record(customer, event)
    assert repr(engine) == "<Engine shop version 3>"
    assert repr(event) == "<Event purchase at 2026-03-01T10:00:00Z: amount>"
    decision = engine.explain(customer, ["home", "letter"], START)
    assert repr(decision) == "<Decision at 2026-03-01T10:00:00Z: home: thanks; letter: (silence)>"
    assert repr(decision.placements[0].offers[0]) == "<Ranked thanks 2>"
    assert repr(decision.trace) == "<Trace of 3 candidates>"


def test_notebooks_show_text_and_no_markup_from_outside() -> None:
    engine = tactful.Engine.compile({"a": shop.PLAYBOOK.replace("fallback: {message: Welcome}", "fallback: {message: '<b>Hi</b> & co'}")})
    html = engine.explain(engine.customer("customer:<i>"), "home", START)._repr_html_()
    assert "&lt;b&gt;Hi&lt;/b&gt; &amp; co" in html and "customer:&lt;i&gt;" in html and "<i>" not in html


def test_threads_share_an_engine_a_customer_and_a_base(engine: tactful.Engine) -> None:
    customer, base = engine.customer("customer:1"), tactful.CustomerBase(engine)

    def work(number: int) -> str:
        event = shop.purchase(f"customer:{number % 3}", START + number * DAY / 100, id=str(number))
        base.record(event)
        engine.record(customer, shop.purchase(time=START + number * DAY / 100, id=str(number)))
        engine.segments(customer, START)
        base.decide(f"customer:{number % 3}", "home", START + DAY)
        return engine.decide(customer, "letter", START - DAY).to_json()

    with ThreadPoolExecutor(8) as pool:
        answers = set(pool.map(work, range(400)))
    assert len(answers) == 1
    assert (len(customer), len(base)) == (400, 3)
    alone = engine.customer("customer:1")
    for number in reversed(range(400)):
        engine.record(alone, shop.purchase(time=START + number * DAY / 100, id=str(number)))
    assert engine.decide(alone, "home", START + 9 * DAY) == engine.decide(customer, "home", START + 9 * DAY)


def test_a_question_takes_times_and_refuses_what_it_does_not_have(engine: tactful.Engine) -> None:
    customer = engine.customer("customer:1")
    asked = {"query": "customer", "now": datetime(2010, 3, 2, tzinfo=timezone.utc)}
    assert engine.query(customer, asked)["now"] == "2010-03-02T00:00:00Z"
    assert engine.query(None, {"query": "describe"}) == engine.playbook
    for question, code, path in [
        ({"query": "customer"}, "missing_key", "now"),
        ({"query": "customer", "now": datetime(2010, 3, 2)}, "naive_time", "now"),  # noqa: DTZ001
        ({"query": "next_due", "nwo": 1}, "unknown_key", "nwo"),
        ("next_due", "wrong_type", ""),
    ]:
        with pytest.raises(tactful.QueryError) as caught:
            engine.query(customer, question)  # type: ignore[arg-type]
        assert (caught.value.code, caught.value.path) == (code, path)
    with pytest.raises(tactful.QueryError, match="give one"):
        engine.query(None, {"query": "next_due"})


def test_time_passes_for_a_whole_base() -> None:
    engine = tactful.Engine.compile(
        {
            "shop.yaml": """
playbook: shop
version: 1
identity: {customer: {}}
events: {visit: {}}
segments: {here: events("visit").within("30d").exists()}
"""
        }
    )
    base = tactful.CustomerBase(engine)
    assert base.next_due() is None
    for day, who in enumerate(["b", "a"], 1):
        base.record(tactful.Event("visit", f"2026-03-0{day}T10:00:00Z", f"customer:{who}"))
    assert base.next_due() == datetime(2026, 3, 31, 10, tzinfo=UTC)
    left = [(effect.customer, effect.at.day) for effect in base.advance("2026-05-01T00:00:00Z")]
    assert left == [("customer:b", 31), ("customer:a", 1)]
    assert base.next_due() is None and len(base.advance("2026-05-01T00:00:00Z")) == 0
    told = base.query({"query": "customers"})["customers"]
    assert [(one["customer"], one["events"], one["next_due"]) for one in told] == [("customer:a", 1, None), ("customer:b", 1, None)]


def test_objects_in_events_are_taken_apart() -> None:
    text = """
    playbook: shop
    version: 1
    identity: {customer: {}}
    events: {order: {address_city: string}}
    segments: {bonn: 'events("order").where(e, e.address_city == "Bonn").exists()'}
    """
    base = tactful.CustomerBase(tactful.Engine.compile({"shop.yaml": text}))
    properties = {"address": {"city": "Bonn"}}
    effects = base.record(tactful.Event("order", "2026-03-01T10:00:00Z", "customer:1", properties=properties))
    assert [effect.effect for effect in effects] == ["segment_entered"]
    with pytest.raises(tactful.EventError) as error:
        base.record(tactful.Event("order", "2026-03-01T10:00:00Z", "customer:1", properties={"address": {"zip": "1"}}))
    assert (error.value.code, error.value.path) == ("undeclared_property", "properties.address.zip")
