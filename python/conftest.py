"""What the examples in docstrings may use without saying so."""

from __future__ import annotations

import pytest

import tactful

SHOP = """
playbook: shop
version: 1
identity: {customer: {}}
events: {purchase: {amount: money(EUR)}, visit: {}}
segments: {buyer: {when: 'events("purchase").within("90d").count() >= 1'}}
channels: {web: text}
placements: {home: {channel: web}}
offers:
  thanks:
    eligible: segment("buyer")
    treatments: {web: {message: Thank you for your order.}}
"""


@pytest.fixture(autouse=True)
def _examples(doctest_namespace: dict[str, object]) -> None:
    engine = tactful.Engine.compile({"shop.yaml": SHOP})
    customer = engine.customer("customer:17")
    event = tactful.Event("purchase", "2010-03-01T10:00:00Z", "customer:17", properties={"amount": "12.50"})
    engine.record(customer, event)
    doctest_namespace.update(tactful=tactful, engine=engine, customer=customer, base=tactful.CustomerBase(engine))
