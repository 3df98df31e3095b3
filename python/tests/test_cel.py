"""The public CEL conformance cases, through Python."""

from __future__ import annotations

import json
import math
import os
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest

import tactful

ROOT = Path(__file__).parents[2]
CASES = Path(os.environ.get("TACTFUL_CEL_CASES", ROOT.parent / "shared" / "cel" / "cases.jsonl"))
NOT_YET = [line.split("\t")[0] for line in (ROOT / "core/tests/cel_not_yet.txt").read_text().splitlines() if line and line[0] != "#"]
EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)

KINDS = {
    "int64": "int",
    "uint64": "uint",
    "any": "dyn",
}


class NoPythonValueError(ValueError):
    """The value has no counterpart in Python, such as an instant with nanoseconds."""


def type_of(told: Any) -> str:
    if isinstance(told, str):
        return KINDS.get(told, told)
    if "list" in told:
        return f"list({type_of(told['list'])})"
    if "map" in told:
        return f"map({type_of(told['map'][0])}, {type_of(told['map'][1])})"
    if "abstract" in told and told["abstract"][0] == "optional_type":
        return f"optional({type_of(told['abstract'][1][0])})"
    return "type" if "type" in told else "dyn"


def micros(told: list[int]) -> timedelta:
    if told[1] % 1000:
        raise NoPythonValueError
    return timedelta(seconds=told[0], microseconds=told[1] // 1000)


def value_of(told: dict[str, Any]) -> Any:
    ((kind, inner),) = told.items()
    match kind:
        case "int":
            return int(inner)
        case "uint":
            return tactful.Uint(int(inner))
        case "double":
            return float(inner)
        case "bytes":
            return bytes.fromhex(inner)
        case "list":
            return [value_of(item) for item in inner]
        case "map":
            return {value_of(key): value_of(item) for key, item in inner}
        case "type":
            return tactful.TypeName(inner)
        case "timestamp":
            return EPOCH + micros(inner)
        case "duration":
            return micros(inner)
        case _:
            return inner


def same(found: Any, wanted: Any) -> bool:
    if isinstance(wanted, float):
        return type(found) is float and (found == wanted or (math.isnan(found) and math.isnan(wanted)))
    if isinstance(wanted, list):
        return isinstance(found, list) and len(found) == len(wanted) and all(map(same, found, wanted))
    if isinstance(wanted, dict):
        return isinstance(found, dict) and found.keys() == wanted.keys() and all(same(found[key], wanted[key]) for key in wanted)
    if isinstance(wanted, int) and not isinstance(wanted, bool):
        return type(found) is int and found == wanted
    return type(found) is type(wanted) and bool(found == wanted)


def run(case: dict[str, Any]) -> str | None:
    """What is wrong, or ``None``."""
    checked = not case.get("disable_check")
    schema = {name: type_of(told) for name, told in case.get("variables", {}).items()} if checked else None
    wanted = case["expect"]
    try:
        expression = tactful.Expression(case["expr"], schema, container=case.get("container", ""))
    except tactful.ExpressionError as error:
        return None if wanted.get("error") else str(error)
    if case.get("check_only"):
        return None
    bindings = case.get("bindings", {}).items()
    facts = {name: value_of(told) for name, told in bindings if schema is None or name in schema}
    try:
        found = expression.evaluate(facts, EPOCH, strict=True)
    except tactful.ExpressionError as error:
        return None if wanted.get("error") else str(error)
    if wanted.get("error"):
        return f"gives {found!r}, not an error"
    if wanted.get("value") is None:
        return None
    value = value_of(wanted["value"])
    return None if same(found, value) else f"gives {found!r}, not {value!r}"


def test_the_conformance_cases_hold() -> None:
    if not CASES.exists():
        pytest.skip(f"there is no {CASES}")
    passed, beyond, failed = 0, [], []
    for line in CASES.read_text(encoding="utf-8").splitlines():
        case = json.loads(line)
        if any(case["id"].startswith(prefix) for prefix in NOT_YET):
            continue
        try:
            wrong = run(case)
        except (NoPythonValueError, OverflowError):
            beyond.append(case["id"])
            continue
        if wrong:
            failed.append(f"{case['id']}: {wrong}\n    {case['expr']}")
        else:
            passed += 1
    assert not failed, f"{len(failed)} cases failed:\n" + "\n".join(failed)
    print(f"{passed} passed; no counterpart in Python: {', '.join(beyond)}")
    assert passed >= 50 and len(beyond) <= passed // 50
