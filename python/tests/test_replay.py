"""A replay is the same every time; it tells how far it is, and stops when it is told to."""

from __future__ import annotations

import json
import random
import signal
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import shop
import tactful
from shop import DAY, START
from tactful import cli

AT = [START + number * DAY for number in (3, 30, 80)]
NAMES = ["customers", "decisions", "gates", "segments", "stages", "transitions", "bad_rows"]


@pytest.fixture(scope="module")
def engine() -> tactful.Engine:
    return shop.engine()


def table(rows: int, shuffled: int | None = None) -> pa.Table:
    chance = random.Random(17)
    made = [
        {
            "customer": f"{chance.randrange(200)}",
            "type": chance.choice(["visit", "purchase"]),
            # Many events of one instant.
            "time": START + chance.randrange(100) * DAY,
            "id": f"e{number}",
            "sequence": number,
            "amount": f"{chance.randrange(10_000) / 100:.2f}",
        }
        for number in range(rows)
    ]
    for row in made:
        if row["type"] == "visit":
            row["amount"] = None
    if shuffled is not None:
        random.Random(shuffled).shuffle(made)
    return pa.Table.from_pylist(made)


def run(engine: tactful.Engine, events: Any, **options: Any) -> tactful.Replay:
    return engine.replay(events, **{"decide_at": AT, "placements": ["home", "letter"], "record": "shown", **options})


def plain(replay: tactful.Replay) -> dict[str, Any]:
    """All that a replay found, without how long it took; dictionaries as text, whose entries may be in another order."""
    found: dict[str, Any] = {name: pa.table(getattr(replay, name)).to_pylist() for name in NAMES}
    return {**found, "stats": {key: value for key, value in replay.stats.items() if key != "seconds"}}


def test_the_same_rows_give_the_same_replay_in_any_order(engine: tactful.Engine) -> None:
    first = run(engine, table(3_000))
    again, shuffled = run(engine, table(3_000)), run(engine, table(3_000, shuffled=4))
    assert plain(first) == plain(again) == plain(shuffled)
    assert pa.table(first.decisions).equals(pa.table(shuffled.decisions))
    assert first.stats["exposures"] > 0 and len(first.decisions) > 600


def test_a_replay_decides_what_a_base_decides(engine: tactful.Engine) -> None:
    events = table(300)
    replay = run(engine, events, record=None)
    base = tactful.CustomerBase(engine)
    for row in events.to_pylist():
        properties = {"amount": row["amount"]} if row["amount"] is not None else {}
        base.record(
            tactful.Event(
                row["type"], row["time"], f"customer:{row['customer']}", id=row["id"], sequence=row["sequence"], properties=properties
            )
        )
    ids = {(row["customer"], row["time"]): row["decision"] for row in pa.table(replay.decisions).to_pylist()}
    assert len(ids) > 200
    for (customer, now), decision in ids.items():
        assert base.decide(customer, ["home", "letter"], now).id == decision
        assert replay.decide(customer, ["home", "letter"], now) == base.decide(customer, ["home", "letter"], now)
    some = next(iter(base))
    copy = base.find(some)
    assert copy is not None and replay.events(some) == copy.events() and replay.events("customer:nobody") == []
    assert replay.find("customer:nobody") is None and len(replay.find(some) or ()) == len(copy)
    assert replay.explain(some, "home", AT[-1]).trace is not None


def test_an_event_told_twice_counts_once(engine: tactful.Engine) -> None:
    events = table(200)
    once, twice = run(engine, events), run(engine, [events, events])
    assert twice.stats["duplicates"] == 200 and twice.stats["events"] == 200
    assert pa.table(once.decisions).equals(pa.table(twice.decisions))


def test_the_counts_add_up(engine: tactful.Engine) -> None:
    events = table(1_000).append_column("cookie", pa.nulls(1_000, pa.string())).append_column("source", pa.array(["till"] * 1_000))
    visitors = pa.Table.from_pylist([{"cookie": "x", "type": "visit", "time": START, "id": "v", "source": None}])
    stats = run(engine, [events, visitors]).stats
    assert (stats["rows"], stats["events"], stats["anonymous_visitors"], stats["anonymous_events"]) == (1_001, 1_001, 1, 1)
    assert stats["sources"] == {"": 1, "till": 1_000} and stats["digest"] == engine.digest
    assert set(stats["seconds"]) == {"load", "replay"} and all(value >= 0 for value in stats["seconds"].values())
    assert {type(stats[key]) for key in ("rows", "customers", "decisions", "exposures", "conflicts", "bad_rows")} == {int}


def test_progress_is_told_in_order(engine: tactful.Engine) -> None:
    told: list[tuple[str, int, int | None, datetime | None]] = []
    run(engine, table(20_000), progress=lambda *how: told.append(how))
    load = [(done, total, now) for step, done, total, now in told if step == "load"]
    replay = [(done, total, now) for step, done, total, now in told if step == "replay"]
    assert [step for step, *_ in told] == ["load"] * len(load) + ["replay"] * len(replay)
    assert [done for done, *_ in load] == [8_192, 16_384, 20_000] and load[-1] == (20_000, 20_000, None)
    assert [done for done, *_ in replay] == sorted(done for done, *_ in replay) and replay[-1][0] == replay[-1][1]
    nows = [now for *_, now in replay if now is not None]
    assert len(replay) >= 2 and nows == sorted(nows) and nows[0].tzinfo is not None


class Enough(Exception):
    """Raised by a callback."""


@pytest.mark.parametrize("step", ["load", "replay"])
@pytest.mark.parametrize("error", [Enough, KeyboardInterrupt, SystemExit])
def test_what_the_callback_raises_stops_the_replay(engine: tactful.Engine, step: str, error: type[BaseException]) -> None:
    calls: list[str] = []

    def progress(now: str, *_: object) -> None:
        calls.append(now)
        if now == step:
            raise error("enough")

    with pytest.raises(error, match="enough"):
        run(engine, table(20_000), progress=progress)
    assert calls.count(step) == 1 and calls[-1] == step


def test_the_last_word_of_the_callback_counts_too(engine: tactful.Engine) -> None:
    def progress(step: str, done: int, total: int | None, *_: object) -> None:
        if step == "replay" and done == total:
            raise Enough

    with pytest.raises(Enough):
        run(engine, table(10), progress=progress)


def test_an_interrupt_ends_a_replay_without_a_callback() -> None:
    program = """
        import sys
        sys.path.insert(0, sys.argv[1])
        import shop, test_replay
        engine, events = shop.engine(), test_replay.table(20_000)
        print("ready", flush=True)
        # Hours of work, unless it is interrupted.
        test_replay.run(engine, [events] * 1_000_000)
    """
    here = str(Path(__file__).parent)
    child = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(program), here], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=here
    )
    try:
        assert child.stdout is not None and child.stdout.readline() == "ready\n"
        time.sleep(0.5)
        child.send_signal(signal.SIGINT)
        _, told = child.communicate(timeout=60)
    finally:
        child.kill()
    assert child.returncode == -signal.SIGINT and told.rstrip().endswith("KeyboardInterrupt")


def test_replays_run_side_by_side_and_let_other_threads_work(engine: tactful.Engine) -> None:
    events = table(5_000)
    expected = plain(run(engine, events))
    ticks, done = 0, threading.Event()

    def count() -> int:
        nonlocal ticks
        while not done.is_set():
            ticks += 1
            done.wait(0.001)
        return ticks

    with ThreadPoolExecutor(4) as pool:
        counting = pool.submit(count)
        found = list(pool.map(lambda _: plain(run(engine, events)), range(3)))
        done.set()
    assert all(each == expected for each in found)
    assert counting.result() > 1


def test_options_may_be_given_plainly(engine: tactful.Engine) -> None:
    events = table(50)
    calls: list[Callable[[], tactful.Replay]] = [
        lambda: engine.replay(events, decide_at=AT[0], placements="home"),
        lambda: engine.replay(events, decide_at=[AT[0].isoformat()], placements=("home",)),
        lambda: engine.replay(events, decide_at=pa.array([AT[0]]).to_pylist() * 2, placements=["home"]),
    ]
    first, *others = (pa.table(call().decisions) for call in calls)
    assert first.num_rows > 0 and all(other.equals(first) for other in others)
    nothing = engine.replay(events)
    assert len(nothing.decisions) == 0 and len(nothing.customers) > 0 and len(nothing.segments) == 0
    assert repr(nothing).endswith("0 decisions>")


def test_compare_says_what_another_playbook_does() -> None:
    events = table(2_000)
    before = run(shop.engine(), events)
    assert before.compare(before).to_dict()["changed"] == 0
    # A dearer threshold, no rejections, and one offer that nobody may have any more.
    text = shop.PLAYBOOK.replace('eligible: segment("buyer")', "eligible: 'false'")
    assert text != shop.PLAYBOOK
    after = run(tactful.Engine.compile({"shop.yaml": text}), events)
    found = before.compare(after).to_dict()
    chosen = {side: plain(replay)["decisions"] for side, replay in (("before", before), ("after", after))}
    for side, rows in chosen.items():
        offers = [row for row in rows if row["kind"] == "offer"]
        assert found[side]["offers"] == len(offers)
        assert found[side]["reached"] == len({row["customer"] for row in offers})
        assert found[side]["value"] == sum({"thanks": 2, "bundle": 5}[row["offer"]] for row in offers)
    answers = {
        side: {key: [row["offer"] for row in rows if (row["time"], row["customer"], row["placement"]) == key] for key in keys(rows)}
        for side, rows in chosen.items()
    }
    assert found["same"] + found["changed"] == len(answers["before"])
    assert found["changed"] > 0
    reached = {side: {row["customer"] for row in rows if row["kind"] == "offer"} for side, rows in chosen.items()}
    assert found["lost"] == len(reached["before"] - reached["after"]) > 0
    assert found["gained"] == len(reached["after"] - reached["before"])
    thanks = next(offer for offer in found["offers"] if offer["offer"] == "thanks")
    assert thanks["before"]["times"] > 0 and thanks["after"] == {"times": 0, "customers": 0}
    gate = next(gate for gate in found["gates"] if (gate["offer"], gate["gate"]) == ("thanks", "eligible"))
    assert gate["after"] > gate["before"]
    assert "in place of thanks" in before.compare(after).text


def keys(rows: list[dict[str, Any]]) -> set[tuple[Any, ...]]:
    return {(row["time"], row["customer"], row["placement"]) for row in rows}


def test_compare_on_the_command_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before, after, events = tmp_path / "before.yaml", tmp_path / "after.yaml", tmp_path / "events.parquet"
    before.write_text(shop.PLAYBOOK, encoding="utf-8")
    after.write_text(shop.PLAYBOOK.replace("at_most: 1", "at_most: 0"), encoding="utf-8")
    pq.write_table(table(500), events)
    asked = ["compare", str(before), str(after), "--events", str(events)]
    assert cli.main([*asked, "--quiet"]) == 0
    told = capsys.readouterr().out
    assert "before        after" in told and "lose their last" in told and "were stopped at contact" in told
    assert cli.main([*asked, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["before"]["digest"] != found["after"]["digest"] and found["after"]["offers"] == 0 < found["lost"]
    assert cli.main(["compare", str(before), str(tmp_path / "none.yaml"), "--events", str(events)]) == 2


def test_a_bad_row_on_the_command_line_is_told_with_its_file_and_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    playbook, good, bad = tmp_path / "shop.yaml", tmp_path / "good.csv", tmp_path / "bad.csv"
    playbook.write_text("playbook: shop\nversion: 1\nidentity: {customer: {}}\nevents: {buy: {amount: int}}\n", encoding="utf-8")
    head, row = "time,type,customer,amount\n", "2026-03-01T10:00:00Z,buy,1,{}\n"
    good.write_text(head + row.format(1) + row.format(2), encoding="utf-8")
    bad.write_text(head + row.format(1) + row.format("lots"), encoding="utf-8")
    asked = ["replay", "--playbook", str(playbook), "--events", str(good), "--events", str(bad), "--decide", "none", "--quiet"]
    assert cli.main(asked) == 1
    assert capsys.readouterr().err.startswith(f"tactful: `{bad}`, line 3, column `amount`: expected a whole number")
    pq.write_table(
        pa.table({"time": ["2026-03-01T10:00:00Z"], "type": ["buy"], "customer": ["1"], "amount": ["lots"]}), tmp_path / "bad.parquet"
    )
    assert cli.main([str(tmp_path / "bad.parquet") if each == str(bad) else each for each in asked]) == 1
    assert capsys.readouterr().err.startswith(f"tactful: `{tmp_path / 'bad.parquet'}`, row 0, column `amount`: ")


@pytest.mark.parametrize("k", ["-1", "0", "ten", "99999999999999999999", "1.5", "\u00b2"])
def test_a_threshold_that_is_none(k: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for command in (["map", "--playbook"], ["served"]):
        with pytest.raises(SystemExit) as end:
            cli.main([*command, str(tmp_path / "shop.yaml"), "--events", str(tmp_path / "a.csv"), "--k", k])
        assert end.value.code == 2
        told = capsys.readouterr().err
        assert "is no whole number from 1 to 1000000" in told or "expected one argument" in told


def test_the_package_is_the_command_line_too(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tactful", "check", str(tmp_path / "none.yaml")], capture_output=True, text=True, check=False
    )
    assert done.returncode == 2 and done.stderr.startswith("tactful: ") and "does not exist" in done.stderr


def test_explain_says_in_which_file_a_bad_row_is(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    playbook = tmp_path / "shop.yaml"
    playbook.write_text(
        "{playbook: shop, version: 1, identity: {customer: {}}, events: {visit: {pages: int}}, "
        "channels: {web: {format: text, contact: false}}, placements: {home: {channel: web, fallback: Hello.}}}"
    )
    files = []
    for name, rows in (("one.csv", ["b,1", "a,1"]), ("two.csv", ["b,1", "b,2", "a,many"])):
        files += ["--events", str(tmp_path / name)]
        lines = ["customer,pages,type,time", *(f"{row},visit,2026-01-01T00:00:00Z" for row in rows)]
        (tmp_path / name).write_text("\n".join(lines))
    asked = [
        "explain",
        "--playbook",
        str(playbook),
        *files,
        "--customer",
        "customer:a",
        "--placement",
        "home",
        "--at",
        "2026-02-01T00:00:00Z",
    ]
    # Only the rows of the customer are read, two of the five; it is the line of the file that helps.
    assert cli.main(asked) == 1
    assert capsys.readouterr().err.startswith(f"tactful: `{tmp_path / 'two.csv'}`, line 4, column `pages`: expected a whole number")
    assert cli.main(["check", str(tmp_path / "one.csv")]) == 2
    assert "is a table by its name: give a playbook in YAML or JSON" in capsys.readouterr().err


def test_compare_names_no_segment_of_a_few() -> None:
    text = """
    playbook: shop
    version: 1
    identity: {customer: {}}
    events: {purchase: {sku: string, amount: double}}
    segments:
      everybody: 'events("purchase").exists()'
      all_but_one: 'events("purchase").sum("amount") < 30.0'
      half: 'events("purchase").sum("amount") < 15.0'
      nearly_half: 'events("purchase").sum("amount") < 14.0'
      one: 'events("purchase").sum("amount") > 29.0'
    channels: {web: {format: text, contact: false}}
    placements: {home: {channel: web}}
    offers: {thanks: {placements: home, treatments: {web: {message: Thanks.}}}}
    """
    rows = [
        {
            "type": "purchase",
            "time": datetime(2026, 1, 1, tzinfo=timezone.utc),
            "customer": str(number),
            "sku": "a",
            "amount": number + 1.0,
        }
        for number in range(30)
    ]
    events = pa.Table.from_pylist(rows)
    replay = tactful.Engine.compile({"shop.yaml": text}).replay(
        events, decide_at=datetime(2026, 2, 1, tzinfo=timezone.utc), placements="home"
    )

    def told(**options: int) -> dict[str, int]:
        return {each["segment"]: each["members"] for each in replay.compare(replay, **options).to_dict()["segments"]}

    # 29 beside 30 tell about the one who is missing, 13 beside 14 about one.
    assert told() == {"everybody": 30, "half": 14}
    assert replay.compare(replay).to_dict()["withheld"] == 3
    assert told(k=1) == {"everybody": 30, "all_but_one": 29, "half": 14, "nearly_half": 13, "one": 1}
    for k in (0, 1_000_001):
        with pytest.raises(tactful.RequestError) as error:
            replay.compare(replay, k=k)
        assert (error.value.code, error.value.path) == ("out_of_range", "k")
