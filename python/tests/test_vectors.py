"""The shared cases of tests/vectors: the same decisions and effects as in every other language."""

from __future__ import annotations

import json
import pickle
from pathlib import Path
from typing import Any

import pytest

import tactful

FILES = sorted((Path(__file__).parents[2] / "tests" / "vectors").glob("*.json"))


ASKED = (
    *("record", "learn", "fold", "advance", "trends", "use", "erase", "decide", "explain", "query"),
    *("reserve", "confirm", "release", "feedback"),
)


def cases() -> list[Any]:
    told = []
    for path in FILES:
        file = json.loads(path.read_text(encoding="utf-8"))
        for case in file["cases"]:
            playbooks = {"": file["playbook"], **file.get("versions", {})}
            told.append(pytest.param(playbooks, case["steps"], id=f"{path.stem}: {case['case']}"))
    return told


def shown(effects: tactful.Effects) -> list[dict[str, Any]]:
    return [{key: value for key, value in effect.to_dict().items() if key not in ("id", "cause")} for effect in effects]


class Counted:
    """Trends and snapshots of a case, by the names that its steps give them."""

    def __init__(self) -> None:
        self.trends: dict[str, tactful.Trends] = {}
        self.snapshots: dict[str, tactful.TrendSnapshot] = {}
        self.held: dict[str, str] = {}

    def run(self, base: tactful.CustomerBase, asked: dict[str, Any]) -> Any:
        if "in" in asked:
            snapshot = self.snapshots[asked["in"]]
            if "read" in asked:
                return snapshot.read(asked["read"], asked["now"], values=asked.get("values"))
            return snapshot.cells(asked["cells"], asked["now"])
        own = self.trends.get(asked["of"]) or tactful.Trends(base.engine)
        try:
            if "observe" in asked:
                who = base if asked["observe"] == "" else base.find(asked["observe"])
                assert who is not None
                own.observe(who)
                return len(own)
            if "hear" in asked:
                own.hear(tactful.Event.from_json(json.dumps(asked["hear"])))
                return len(own)
            if "forget" in asked:
                return own.forget(asked["forget"])
            if "merge" in asked:
                own.merge(self.trends[asked["merge"]])
                return len(own)
            made = own.snapshot(asked["at"], before=self.snapshots[asked["before"]] if "before" in asked else None)
            self.snapshots[asked["snapshot"]] = tactful.TrendSnapshot.from_bytes(base.engine, made.to_bytes())
            assert self.snapshots[asked["snapshot"]] == made
            return made.digest
        finally:
            self.trends[asked["of"]] = tactful.Trends.from_bytes(base.engine, own.to_bytes())


def run(base: tactful.CustomerBase, step: dict[str, Any], counted: Counted) -> dict[str, Any]:
    """What comes of a step, by the keys that vectors check."""
    options: dict[str, Any]
    try:
        if "record" in step:
            effects = base.record(tactful.Event.from_json(json.dumps(step["record"])))
            return {"arrival": effects.arrival, "effects": shown(effects)}
        if "trends" in step:
            return {"answer": counted.run(base, step["trends"])}
        if "use" in step:
            asked = step["use"]
            if "trends" in asked:
                base.set_engine(base.engine.with_trends(counted.snapshots[asked["trends"]]))
                return {}
            engine, bad = base.engine.with_catalog(asked["catalog"])
            base.set_engine(engine)
            return {"bad": bad}
        if "learn" in step:
            base.learn(step["learn"]["at"])
            return {}
        if "fold" in step:
            count, effects = base.fold(step["fold"]["horizon"])
            return {"folded": count, "effects": shown(effects)}
        if "advance" in step:
            effects = base.advance(step["advance"]["now"])
            due = base.next_due()
            return {"effects": shown(effects), "next_due": due and due.isoformat().replace("+00:00", "Z")}
        if "erase" in step:
            asked = step["erase"]
            erase = base.erase_identifier if asked.get("scope") == "identifier" else base.erase
            return {"receipt": erase(asked["identifier"], asked["at"], asked["key"].encode()).receipt}
        if "reserve" in step:
            asked = step["reserve"]
            options = {key: asked[key] for key in ("facts", "assurance", "reserve_for") if key in asked}
            held = base.reserve(asked["identifier"], asked["placements"], asked["now"], **options)
            counted.held[asked.get("as", "")] = held.decision.id
            expires = held.expires.isoformat().replace("+00:00", "Z")
            return {"decision": held.decision.to_json(), "expires": expires}
        for kind in ("confirm", "release", "feedback"):
            if kind in step:
                asked = step[kind]
                decision = counted.held.get(asked["decision"], asked["decision"])
                outcome = () if kind == "release" else (asked.get("outcome", "shown"),)
                getattr(base, kind)(asked["identifier"], decision, *outcome, asked["now"], offer=asked.get("offer"))
                return {}
        if "query" in step:
            return {"answer": base.query(step["query"])}
        asked = step.get("explain") or step["decide"]
        ask = base.explain if "explain" in step else base.decide
        options = {key: asked[key] for key in ("facts", "known_at", "assurance") if key in asked}
        options |= {key: asked[key] for key in ("scores", "seed", "reaction") if key in asked}
        if "trends" in asked:
            options["trends"] = counted.snapshots[asked["trends"]]
        decision = ask(asked["identifier"], asked["placements"], asked["now"], **options)
    except (tactful.EventError, tactful.RequestError, tactful.QueryError, tactful.TrendError) as error:
        return {"error": {"code": error.code, "path": error.path}}
    trace = decision.trace and decision.trace.to_dict()
    text = decision.to_json()
    if trace is not None:
        # Vectors keep the trace apart from the decision, whose bytes are fixed.
        plain = base.decide(asked["identifier"], asked["placements"], asked["now"], **options)
        assert text.startswith(plain.to_json()[:-1])
        text = plain.to_json()
    return {"decision": text, "trace": trace}


@pytest.mark.parametrize(("playbooks", "steps"), cases())
def test_vectors(playbooks: dict[str, list[str]], steps: list[dict[str, Any]]) -> None:
    def engine(version: str) -> tactful.Engine:
        return tactful.Engine.compile({"playbook.yaml": "\n".join(playbooks[version])})

    base = tactful.CustomerBase(engine(""))
    counted = Counted()
    key = b""
    for number, step in enumerate(steps):
        if "reload" in step:
            base = tactful.CustomerBase.from_bytes(engine(step["reload"]["version"]), base.to_bytes())
            continue
        found = run(base, step, counted)
        # State goes round as bytes between any two steps.
        base = tactful.CustomerBase.from_bytes(pickle.loads(pickle.dumps(base.engine)), base.to_bytes())
        if "erase" in step and "error" not in found:
            key = step["erase"]["key"].encode()
        if key:
            # Bytes hold no key.
            base.unlock(key)
        checked = {key: value for key, value in step.items() if key not in ASKED}
        if "error" in found:
            # An error that nobody expects must not pass unseen.
            checked.setdefault("error", None)
        assert {key: found.get(key) for key in checked} == checked, f"step {number}: {step}"


def test_there_are_vectors() -> None:
    assert len(FILES) >= 7 and len(cases()) >= 30
