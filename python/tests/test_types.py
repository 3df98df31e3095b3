"""The stubs say what the module has, and a program that uses it passes the strictest check."""

from __future__ import annotations

import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

import tactful

ROOT = Path(__file__).parents[1]

PROGRAM = """
    from datetime import datetime, timezone
    from decimal import Decimal

    import tactful

    engine = tactful.Engine.compile({"shop.yaml": "playbook: shop\\nversion: 1\\n"})
    now = datetime.now(timezone.utc)
    customer: tactful.Customer = engine.customer("customer:17")
    event = tactful.Event("purchase", now, ["customer:17"], properties={"amount": Decimal("1.5"), "tags": ["a"], "paid": now})
    try:
        effects = engine.record(customer, event, known_at="2026-01-01T00:00:00Z")
    except tactful.EventError as error:
        code: str = error.code
    for effect in effects:
        at: datetime = effect.at
    decision = engine.decide(customer, ["home"], now, facts={"basket": 30, "device": "phone"})
    messages: list[str] = [ranked.message for answer in decision.placements for ranked in answer.offers]
    trace = engine.explain(customer, "home", now).trace
    text = trace.text if trace is not None else ""
    base = tactful.CustomerBase(engine)
    ids: list[str] = list(base)

    def told(step: str, done: int, total: int | None, now: datetime | None) -> None: ...

    class Frame:
        def __arrow_c_stream__(self, requested_schema: object | None = None) -> object: ...

    replay = engine.replay([Frame()], decide_at=[now], placements="home", record="shown", bad_rows="report", progress=told)
    rows: int = len(replay.decisions)
    engine.replay(replay.decisions)
    value = tactful.Expression("a > 1", {"a": "int"}).evaluate({"a": {"b": object()}})
    if value is tactful.UNKNOWN:
        print("unknown")
"""

MISTAKES = """
    import tactful

    engine = tactful.Engine.compile("text")
    engine.decide("customer:17", "home", 5)
    engine.replay(None)
    tactful.Event("a", "b", "c", "d")
    engine.replay([], bad_rows="skip")
    class Mine(tactful.Engine): ...
    engine.digest = "x"
"""


def mypy(tmp_path: Path, program: str) -> subprocess.CompletedProcess[str]:
    path = tmp_path / "program.py"
    path.write_text(textwrap.dedent(program), encoding="utf-8")
    # Outside of the project, so that its settings do not soften the check.
    return subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", "--config-file=", "--cache-dir", str(tmp_path / "cache"), str(path)],
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
    )


def test_the_stubs_are_what_is_there() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "mypy.stubtest", "--mypy-config-file", "pyproject.toml", "tactful"],
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "no issues found" in done.stdout


def test_a_program_passes_the_strict_check(tmp_path: Path) -> None:
    done = mypy(tmp_path, PROGRAM)
    assert done.returncode == 0, done.stdout + done.stderr


def test_mistakes_do_not(tmp_path: Path) -> None:
    done = mypy(tmp_path, MISTAKES)
    wrong = {line.split(":")[1] for line in done.stdout.splitlines() if ": error: " in line}
    assert wrong == {"4", "5", "6", "7", "8", "9", "10"}, done.stdout


def test_the_package_is_typed() -> None:
    assert (Path(tactful.__file__).parent / "py.typed").is_file()


@pytest.mark.parametrize("name", [name for name in tactful.__all__ if isinstance(getattr(tactful, name), type)])
def test_everything_public_has_a_docstring(name: str) -> None:
    thing = getattr(tactful, name)
    assert thing.__doc__
    for member, value in vars(thing).items():
        if not member.startswith("_") and callable(value) or isinstance(value, property) or type(value).__name__ == "getset_descriptor":
            assert value.__doc__ or member in ("__dict__", "__weakref__"), f"{name}.{member}"
