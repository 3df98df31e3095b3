"""What another playbook would have brought, and who goes without: the same from Python, and on the command line."""

from __future__ import annotations

import json
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import tactful
from tactful import cli

SHOP = """
playbook: shop
version: 1
identity: {customer: {}}
attributes: {gender: string, age: int}
events: {search: {term: string}}
needs: {seat: {evidence: [{when: 'events("search").exists()', strength: 0.9}]}}
channels: {web: text}
arbitration: {explore: {epsilon_greedy: 0.5}}
placements: {home: {channel: web}}
offers:
  sofa: {eligible: need("seat") > 0.5, value: 10, treatments: {web: {message: A sofa.}}}
  lamp: {value: 4, treatments: {web: {message: A lamp.}}}
"""
OTHER = SHOP.replace("arbitration: {explore: {epsilon_greedy: 0.5}}\n", "").replace("value: 4", "value: 40")
NOW = datetime(2026, 2, 1, tzinfo=timezone.utc)


def rows() -> list[dict[str, Any]]:
    """A base that decided for 200 customers; who was shown the lamp accepted it."""
    engine = tactful.Engine.compile({"shop.yaml": SHOP})
    told: list[dict[str, Any]] = []
    for number in range(200):
        who, time = f"{number:03}", datetime(2026, 1, 5, tzinfo=timezone.utc) + timedelta(minutes=number)
        base = tactful.CustomerBase(engine)
        told.append({"type": "search", "time": time - timedelta(days=1), "customer": who, "id": f"s{number}", "term": "sofa"})
        base.record(tactful.Event("search", time - timedelta(days=1), f"customer:{who}", properties={"term": "sofa"}))
        decision = base.decide(f"customer:{who}", "home", time)
        offer = decision.placements[0].offers[0]
        for outcome in ["shown"] + (["accepted"] if offer.offer == "lamp" else []):
            for event in decision.outcome(outcome, time, f"customer:{who}"):
                told.append({"type": outcome, "time": event.time, "customer": who, "id": event.id, **event.properties})
    return told


@pytest.fixture(scope="module")
def events(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("events") / "events.parquet"
    told = rows()
    names = sorted({name for row in told for name in row})
    pq.write_table(pa.table({name: [row.get(name) for row in told] for name in names}), path)
    return path


@pytest.fixture(scope="module")
def base() -> tactful.CustomerBase:
    base = tactful.CustomerBase(tactful.Engine.compile({"shop.yaml": SHOP}))
    for row in rows():
        properties = {name: value for name, value in row.items() if name not in ("type", "time", "customer", "id")}
        base.record(tactful.Event(row["type"], row["time"], f"customer:{row['customer']}", id=row["id"], properties=properties))
    return base


def test_another_playbook_is_estimated(base: tactful.CustomerBase) -> None:
    other = tactful.Engine.compile({"shop.yaml": OTHER})
    found = base.off_policy(other, NOW, rewards={"accepted": "value"}, within="7d", clip=20.0)
    assert found["choices"] == found["customers"] == 200
    assert found["self_normalised"]["value"] == pytest.approx(4)
    assert found["doubly_robust"]["low"] <= 4 <= found["doubly_robust"]["high"]
    assert found["gain"]["low"] > 0
    assert "doubly robust" in found["text"]
    assert base.off_policy(other, NOW, rewards={"accepted": 1})["self_normalised"]["value"] == pytest.approx(1)
    asked = {"query": "off_policy", "playbook": OTHER, "now": NOW.isoformat(), "rewards": {"accepted": "value"}, "within": "7d", "clip": 20}
    assert base.query(asked) == {key: value for key, value in found.items() if key != "text"}


@pytest.mark.parametrize(
    ("wrong", "code", "path"),
    [
        ({"rewards": {}}, "no_rewards", "rewards"),
        ({"rewards": {"bought": 1.0}}, "unknown_outcome", "rewards"),
        ({"rewards": {"accepted": "much"}}, "wrong_type", "rewards"),
        ({"rewards": [1]}, "wrong_type", "rewards"),
        ({"within": "soon"}, "wrong_value", "within"),
        ({"clip": -1.0}, "out_of_range", "clip"),
        ({"confidence": 2.0}, "out_of_range", "confidence"),
        ({"placements": ["hom"]}, "unknown_placement", "placements[0]"),
        ({"since": "2026-01-20T00:00:00Z"}, "no_choices", ""),
        ({"trends": 3}, "wrong_type", "trends"),
        ({"facts": 3}, "wrong_type", "facts"),
    ],
)
def test_what_is_wrong_is_said(base: tactful.CustomerBase, wrong: dict[str, Any], code: str, path: str) -> None:
    with pytest.raises(tactful.QueryError) as raised:
        base.off_policy(base.engine, NOW, **({"rewards": {"accepted": 1.0}} | wrong))
    assert (raised.value.code, raised.value.path) == (code, path)


def test_who_goes_without(base: tactful.CustomerBase) -> None:
    found = base.served(NOW, protected=["gender", {"name": "age", "bands": [30]}], k=5)
    assert found["customers"] == found["served"] == 200
    assert found["needs"][0]["need"] == "seat" and found["needs"][0]["strong"] == 200
    assert [each["name"] for each in found["protected"]] == ["gender", "age"]
    assert found["protected"][0]["selections"][0]["groups"][0]["group"] == "unknown"
    assert "need seat" in base.served(NOW, format="text")["text"]
    with pytest.raises(tactful.QueryError, match="did you mean `gender`"):
        base.served(NOW, protected=["gendre"])


def test_on_the_command_line(events: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before, after = tmp_path / "before.yaml", tmp_path / "after.yaml"
    before.write_text(SHOP, encoding="utf-8")
    after.write_text(OTHER, encoding="utf-8")
    asked = ["estimate", str(before), str(after), "--events", str(events), "--reward", "accepted=value", "--quiet"]
    assert cli.main(asked) == 0
    assert "doubly robust" in capsys.readouterr().out
    assert cli.main([*asked, "--json", "--clip", "10"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["choices"] == 200 and found["clip"] == 10 and found["self_normalised"]["value"] == pytest.approx(4)
    assert cli.main([*asked[:5], "--reward", "accepted"]) == 2
    assert "`accepted` is no reward" in capsys.readouterr().err
    assert cli.main([*asked[:5], "--reward", "bought=1", "--quiet"]) == 1
    assert "`bought` is no outcome" in capsys.readouterr().err

    asked = ["served", str(before), "--events", str(events), "--protected", "age:30,50", "--protected", "gender", "--quiet"]
    assert cli.main(asked) == 0
    told = capsys.readouterr().out
    assert "200 of 200 customers get an offer" in told and "by age: no offer reads it" in told
    assert cli.main([*asked, "--json", "--at", "2026-01-05T00:30:00Z"]) == 0
    assert json.loads(capsys.readouterr().out)["customers"] == 200
    assert cli.main([*asked[:-1], "--protected", "age:young"]) == 2
    report = tmp_path / "report.html"
    asked = ["replay", "--playbook", str(before), "--events", str(events), "--report", str(report), "--protected", "gender", "--quiet"]
    assert cli.main(asked) == 0
    page = report.read_text(encoding="utf-8")
    assert "Who goes without" in page and "Unmet needs" in page and "gender: no offer reads it" in page


RAIN = SHOP.replace("channels:", "request: {rain: bool}\nchannels:").replace("lamp: {", "lamp: {propensity: {column: model, prior: 0.5}, ")


def asked_and_kept(count: int) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """What a base with request facts and a column decided for some customers, in two slots, and the receipts."""
    engine = tactful.Engine.compile({"shop.yaml": RAIN.replace("channel: web}", "channel: web, slots: 2}")})
    told, receipts = [], []
    for number in range(count):
        who, time = f"customer:{number:03}", datetime(2026, 1, 5, tzinfo=timezone.utc) + timedelta(minutes=number)
        base = tactful.CustomerBase(engine)
        search = tactful.Event("search", time - timedelta(days=1), who, id=f"s{number}", properties={"term": "sofa"})
        base.record(search)
        scores = {"model": {"lamp": 0.9 if number % 2 else 0.1}}
        decision = base.decide(who, "home", time, facts={"rain": True}, scores=scores, seed=number)
        kept = base.receipt(who, "home", time, facts={"rain": True}, scores=scores, seed=number)
        assert kept["decision"]["id"] == decision.id
        receipts.append(kept["receipt"])
        lamps = [slot for slot, ranked in enumerate(decision.placements[0].offers) if ranked.offer == "lamp"]
        taken = [event for slot, event in enumerate(decision.outcome("accepted", time, who)) if slot in lamps]
        for event in [search, *decision.outcome("decided", time, who), *taken]:
            told.append({"type": event.type, "time": event.time, "customer": who[9:], "id": event.id, **event.properties})
    return told, receipts


def test_what_was_asked_is_asked_again(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    told, receipts = asked_and_kept(60)
    text = RAIN.replace("channel: web}", "channel: web, slots: 2}")
    base = tactful.CustomerBase(tactful.Engine.compile({"shop.yaml": text}))
    for row in told:
        properties = {name: value for name, value in row.items() if name not in ("type", "time", "customer", "id")}
        base.record(tactful.Event(row["type"], row["time"], f"customer:{row['customer']}", id=row["id"], properties=properties))
    found = base.off_policy(base.engine, NOW, rewards={"accepted": 1}, receipts=receipts)
    assert (found["choices"], found["slots"], found["effective_size"]) == (60, 120, pytest.approx(60))
    assert found["inverse_propensity"]["value"] == pytest.approx(1) == found["logged"]["value"]
    with pytest.raises(tactful.QueryError, match="60 of which is not known what was asked"):
        base.off_policy(base.engine, NOW, rewards={"accepted": 1})
    with pytest.raises(tactful.QueryError, match="the receipt was altered") as raised:
        base.off_policy(base.engine, NOW, rewards={"accepted": 1}, receipts=[receipts[0] | {"seed": 99}])
    assert (raised.value.code, raised.value.path) == ("wrong_receipt", "receipts[0]")

    playbook, events, kept = tmp_path / "shop.yaml", tmp_path / "events.parquet", tmp_path / "receipts.jsonl"
    playbook.write_text(text, encoding="utf-8")
    names = sorted({name for row in told for name in row})
    pq.write_table(pa.table({name: [row.get(name) for row in told] for name in names}), events)
    kept.write_text("\n".join(json.dumps(receipt) for receipt in receipts), encoding="utf-8")
    asked = ["estimate", str(playbook), str(playbook), "--events", str(events), "--reward", "accepted=1", "--quiet", "--json"]
    assert cli.main([*asked, "--receipts", str(kept)]) == 0
    assert json.loads(capsys.readouterr().out)["slots"] == 120
    assert cli.main(asked) == 1
    assert "give `receipts`" in capsys.readouterr().err
    kept.write_text("[]\n", encoding="utf-8")
    assert cli.main([*asked, "--receipts", str(kept)]) == 1
    assert "receipts.jsonl:1: expected a receipt" in capsys.readouterr().err
    assert cli.main([*asked, "--receipts", str(tmp_path / "none")]) == 2
    assert "does not exist" in capsys.readouterr().err
