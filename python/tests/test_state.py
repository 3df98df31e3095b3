"""Customers and bases as bytes and as pickles."""

from __future__ import annotations

import copy
import pickle

import pytest

import shop
import tactful
from shop import DAY, START


@pytest.fixture
def engine() -> tactful.Engine:
    return shop.engine()


@pytest.fixture
def customer(engine: tactful.Engine) -> tactful.Customer:
    customer = engine.customer("customer:ada")
    for day in range(3):
        engine.record(customer, tactful.Event("purchase", START + day * DAY, "customer:ada", properties={"amount": f"{day}.50"}))
    return customer


def test_bytes_go_round(engine: tactful.Engine, customer: tactful.Customer) -> None:
    data = customer.to_bytes()
    again = engine.customer_from_bytes(data)
    assert again.to_bytes() == data and again.events() == customer.events() and again.aside() == []
    late = tactful.Event("purchase", START + 9 * DAY, "customer:ada")
    assert [e.to_dict() for e in engine.record(again, late)] == [e.to_dict() for e in engine.record(customer, late)]


def test_customers_pickle_with_their_engine(customer: tactful.Customer) -> None:
    one, other = pickle.loads(pickle.dumps([customer, copy.copy(customer)]))
    assert one.to_bytes() == other.to_bytes() == customer.to_bytes()


def test_bases_pickle(engine: tactful.Engine) -> None:
    base = tactful.CustomerBase(engine)
    base.record(tactful.Event("visit", START, "customer:ada"))
    base.record(tactful.Event("linked", START, ["customer:ada", "cookie:1"], id="1"))
    again = pickle.loads(pickle.dumps(base))
    assert list(again) == list(base) and again.to_bytes() == base.to_bytes() and again.engine.digest == engine.digest
    found, kept = again.find("cookie:1"), base.find("cookie:1")
    assert found is not None and kept is not None and found.events() == kept.events()


def test_bad_bytes_say_what_is_wrong(engine: tactful.Engine, customer: tactful.Customer) -> None:
    data = customer.to_bytes()
    for wrong, code in [(b"", "not_state"), (b"TACT", "truncated"), (data[:-1], "damaged"), (data[:6] + b"\t" + data[7:], "newer_format")]:
        with pytest.raises(tactful.StateError) as caught:
            engine.customer_from_bytes(wrong)
        assert caught.value.code == code
        assert pickle.loads(pickle.dumps(caught.value)).code == code
    with pytest.raises(tactful.StateError, match="found those of a customer"):
        tactful.CustomerBase.from_bytes(engine, data)
    with pytest.raises(TypeError):
        engine.customer_from_bytes("text")  # type: ignore[arg-type]


def test_another_version_keeps_aside_what_it_does_not_know(customer: tactful.Customer) -> None:
    other = tactful.Engine.compile(
        {"shop.yaml": "playbook: shop\nversion: 4\nidentity: {customer: {}}\nevents: {purchase: {amount: {enum: [low, high]}}}\n"}
    )
    moved = other.customer_from_bytes(customer.to_bytes())
    assert [(code, path) for _, code, path in moved.aside()] == [("wrong_type", "properties.amount")] * 3
    assert len(moved) == 3 and len(moved.aside()[0][0].properties) == 1


def test_old_events_fold_into_totals() -> None:
    engine = tactful.Engine.compile(
        {
            "shop.yaml": "playbook: shop\nversion: 1\nidentity: {customer: {}}\n"
            "events: {visit: {retention: 30d, properties: {page: string}}}\nsegments: {often: events('visit').count() >= 3}\n"
        }
    )
    customer = engine.customer("customer:ada")
    for day in range(3):
        engine.record(customer, tactful.Event("visit", START + day * DAY, "customer:ada"))
    count, effects = engine.fold(customer, START + 60 * DAY)
    assert (count, len(effects), len(customer)) == (3, 0, 0)
    assert engine.segments(customer, START + 60 * DAY) == {"often": True}
    with pytest.raises(tactful.EventError) as caught:
        engine.record(customer, tactful.Event("visit", START, "customer:ada"))
    assert caught.value.code == "too_late"
    assert engine.segments(pickle.loads(pickle.dumps(customer)), START + 90 * DAY) == {"often": True}
