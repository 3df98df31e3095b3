"""Relations: an engine alone is given the others, a base finds them."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import tactful

ROOT = Path(__file__).parents[2]
PLAYBOOK = ROOT / "examples" / "accounts" / "playbook.yaml"
NOW = "2026-03-03T09:00:00Z"


def events() -> dict[str, list[tactful.Event]]:
    def related(who: str, role: str) -> tactful.Event:
        properties = {"relation": "account", "to": "account:acme", "role": role}
        return tactful.Event("related", "2026-03-01T09:00:00Z", who, properties=properties)

    bought = tactful.Event("purchase", "2026-03-02T09:00:00Z", "person:bob", properties={"amount": "1200.00"})
    own = tactful.Event("purchase", "2026-03-02T09:00:00Z", "account:acme", properties={"amount": "10.00"})
    tier = tactful.Event("attribute_set", "2026-03-02T09:00:00Z", "account:acme", properties={"attribute": "tier", "value": "silver"})
    return {
        "person:ann": [related("person:ann", "user")],
        "person:bob": [related("person:bob", "buyer"), bought],
        "account:acme": [own, tier],
    }


def test_an_engine_alone_decides_as_a_base() -> None:
    engine = tactful.Engine.load(PLAYBOOK)
    base = tactful.CustomerBase(engine)
    customers = {}
    for who, told in events().items():
        customers[who] = engine.customer(who)
        for event in told:
            engine.record(customers[who], event)
            base.record(event)
    ann, bob, acme = customers["person:ann"], customers["person:bob"], customers["account:acme"]
    found = base.decide("person:ann", "shop", NOW)
    assert [offer.offer for offer in found.placements[0].offers] == ["volume_rebate", "name_a_decider"]
    alone = engine.decide(ann, "shop", NOW, related=[acme, bob, bob, ann])
    assert [offer.message for offer in alone.placements[0].offers] == [offer.message for offer in found.placements[0].offers]
    assert engine.decide(ann, "shop", NOW).placements[0].kind == "silence"
    explained = engine.explain(ann, "shop", NOW, related=iter((bob, acme)))
    assert explained.trace is not None and explained.id == alone.id
    with pytest.raises(tactful.RequestError) as caught:
        engine.decide(ann, "shop", NOW, related=["person:bob"])  # type: ignore[list-item]
    assert caught.value.path == "related[0]"
    other = tactful.Engine.compile({"other.yaml": "playbook: other\nversion: 1\nidentity: {person: {}}\n"}).customer("person:eve")
    with pytest.raises(tactful.RequestError) as caught:
        engine.decide(ann, "shop", NOW, related=[other])
    assert (caught.value.code, caught.value.path) == ("other_playbook", "related")


def test_effects_of_relations() -> None:
    base = tactful.CustomerBase(tactful.Engine.load(PLAYBOOK))
    told = tactful.Event("related", NOW, "person:bob", properties={"relation": "referral", "to": "person:ann", "role": "referrer"})
    (effect,) = base.record(told)
    assert (effect.effect, effect.relation, effect.role, effect.limit) == ("related", "referral", None, None)
    assert (effect.identifier, effect.other) == ("person:bob", "person:ann") and "bob" not in repr(effect)
    second = tactful.Event("related", NOW, "person:eve", properties={"relation": "referral", "to": "person:ann", "role": "referrer"})
    (refused,) = base.record(second)
    assert (refused.effect, refused.limit, refused.to_dict()["relation"]) == ("relation_refused", "at_most", "referral")


@pytest.mark.parametrize("page", ["examples/accounts/README.md", "docs/relations.md"])
def test_the_pages_run(page: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.chdir(ROOT)
    text = (ROOT / page).read_text(encoding="utf-8")
    names: dict[str, object] = {}
    blocks = re.findall(r"^```python\n(.*?)^```\n(?:\n?```text\n(.*?)^```\n)?", text, re.DOTALL | re.MULTILINE)
    assert blocks
    for code, expected in blocks:
        exec(compile(code, page, "exec"), names)
        if expected:
            assert capsys.readouterr().out == expected
