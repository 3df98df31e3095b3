"""Consent and discretion: nothing personal in representations and errors, views and what nobody reads."""

import traceback
from typing import Any

import pytest

import tactful
from tactful.cli import main

CANARY = "canary7391"

PLAYBOOK = """
playbook: shop
version: 1
identity: {customer: {}, email: {}}
purposes: {service: opt_out, marketing: opt_in}
departments: {hotline: {purposes: service}}
attributes:
  name: {type: string, purposes: [service]}
  age: int
events: {purchase: {sku: string, count: int, amount: money(EUR)}}
channels: {web: text}
placements: {home: {channel: web}}
offers:
  hello:
    purposes: service
    eligible: 'events("purchase").count() >= 0'
    treatments: {web: {message: 'Hello {{ name }}', with: {name: customer.name}}}
"""


@pytest.fixture
def base() -> tactful.CustomerBase:
    base = tactful.CustomerBase(tactful.Engine.compile({"shop.yaml": PLAYBOOK}))
    told = {"attribute": "name", "value": CANARY}
    base.record(tactful.Event("attribute_set", "2026-03-01T10:00:00Z", f"email:{CANARY}@example.org", properties=told))
    return base


def test_representations_do_not_show_who_or_what(base: tactful.CustomerBase) -> None:
    identifier = f"email:{CANARY}@example.org"
    customer = base.find(identifier)
    assert customer is not None
    decision = base.explain(identifier, "home", "2026-03-02T10:00:00Z")
    assert CANARY in decision.placements[0].offers[0].message
    event = tactful.Event("purchase", "2026-03-01T10:00:00Z", identifier, id=CANARY, properties={"sku": CANARY})
    for shown in (base, customer, decision, decision.placements[0], decision.placements[0].offers[0], decision.trace, event):
        assert CANARY not in repr(shown)


@pytest.mark.parametrize("value", [CANARY, [CANARY], {"a": CANARY}, object()])
@pytest.mark.parametrize("property", ["count", "amount", "sku"])
def test_errors_do_not_show_values(base: tactful.CustomerBase, property: str, value: Any) -> None:
    try:
        event = tactful.Event("purchase", "2026-03-01T10:00:00Z", "customer:1", properties={property: value})
        base.record(event)
    except Exception as error:
        told = "".join(traceback.format_exception_only(error))
        assert CANARY not in told, told


def test_a_department_sees_what_its_purposes_allow(base: tactful.CustomerBase) -> None:
    asked = {"query": "view", "identifier": f"email:{CANARY}@example.org", "now": "2026-03-02T10:00:00Z"}
    assert base.query({**asked, "for": "hotline"})["attributes"] == [{"attribute": "name", "kind": None, "value": CANARY}]
    assert base.query({**asked, "for": "marketing"})["attributes"] == []


def test_what_no_rule_reads_is_listed(tmp_path, capsys) -> None:  # type: ignore[no-untyped-def]
    path = tmp_path / "shop.yaml"
    path.write_text(PLAYBOOK)
    assert main(["check", "--minimise", str(path)]) == 0
    told = capsys.readouterr().out
    assert "attributes that no rule reads: age" in told
    assert "properties that no rule reads: purchase.sku, purchase.count, purchase.amount" in told
