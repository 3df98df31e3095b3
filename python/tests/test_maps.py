"""Journey maps and mining, as Python sees them."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree

import pyarrow as pa
import pyarrow.csv
import pytest

import tactful
from tactful import cli

PLAYBOOK = """
playbook: shop
version: 1
identity: {customer: {}}
channels: {web: text}
events: {visit: {page: string}, look: {sku: string}, buy: {sku: string}, nps: {score: int}}
segments: {lookers: 'events("look").exists()'}
journeys:
  way:
    title: "Way <in> & out"
    stages:
      curious: {on: visit, from: none}
      choosing: {on: look, timeout: {after: 7d, to: lost}}
      buying: {on: buy}
      lost: {drop_out: true}
"""
AT = "2026-03-31T00:00:00Z"


@pytest.fixture(scope="module")
def base() -> tactful.CustomerBase:
    base = tactful.CustomerBase(tactful.Engine.compile({"shop.yaml": PLAYBOOK}))
    for number in range(40):
        who = f"customer:{number}"
        for place, name in enumerate(["visit", "look", "buy"][: 1 + number % 3]):
            base.record(tactful.Event(name, f"2026-03-0{1 + place}T10:00:00Z", who, channel="web"))
    return base


def test_a_map_tells_counts_and_draws(base: tactful.CustomerBase) -> None:
    map = base.journey_map("way", AT, split="segments")
    assert repr(map) == "<JourneyMap of way at 2026-03-31T00:00:00Z: 40 customers>"
    stages = {row["stage"]: row for row in pa.table(map.stages()).to_pylist()}
    assert [stages[name]["here"] for name in ("curious", "choosing", "buying", "lost")] == [14, 0, 13, 13]
    assert stages["choosing"]["drop_outs"] == 13 and stages["choosing"]["median_seconds"] is not None
    flows = {(row["from"], row["to"]): row["count"] for row in pa.table(map.flows()).to_pylist()}
    assert flows[(None, "curious")] == 40 and flows[("choosing", "lost")] == 13
    assert {row["event"] for row in pa.table(map.touchpoints()).to_pylist()} == {"visit", "look", "buy"}
    assert map.groups == ["lookers"] and map.report("lookers")["customers"] == 26
    assert map.report() == base.query({"query": "journey_map", "map": {"journey": "way", "at": AT, "split": "segments"}})
    for picture in (map.svg(), map.svg(ground="dark"), map._repr_svg_(), map._repr_html_()):
        root = ElementTree.fromstring(picture)
        assert root.tag == "{http://www.w3.org/2000/svg}svg"
        assert "Way <in> & out" in "".join(root.itertext())
    assert map.mermaid().startswith("flowchart LR") and map.dot().startswith("digraph")


def test_maps_add_up(base: tactful.CustomerBase) -> None:
    whole = base.journey_map("way", AT)
    parts = [tactful.JourneyMap(base.engine, "way", AT) for _ in range(2)]
    for number, name in enumerate(base):
        found = base.find(name)
        assert found is not None
        parts[number % 2].observe(found)
    parts[0].merge(whole.like(parts[1].to_bytes()))
    assert parts[0].to_bytes() == whole.to_bytes()
    observed = tactful.JourneyMap(base.engine, "way", AT)
    observed.observe(base)
    assert observed.report() == whole.report()
    assert all(found["difference"] == 0 for found in observed.compare(whole))


def test_few_are_not_told(base: tactful.CustomerBase) -> None:
    report = base.journey_map("way", AT, k=14).report()
    # Neither of the two that are about few is told, nor what they are together.
    assert {stage["stage"]: stage["here"] for stage in report["stages"]} == {"curious": None, "choosing": 0, "buying": None, "lost": None}
    assert ">–<" in base.journey_map("way", AT, k=14).svg()


def test_mistakes(base: tactful.CustomerBase) -> None:
    calls: list[tuple[Callable[[], object], str, str]] = [
        (lambda: base.journey_map("wya", AT), "undeclared_name", "journey"),
        (lambda: base.journey_map("way", "soon"), "not_a_time", "at"),
        (lambda: base.journey_map("way", AT, split="days"), "wrong_option", "split"),  # type: ignore[arg-type]
        (lambda: base.journey_map("way", AT).report("nobody"), "unknown_group", "group"),
        (lambda: base.journey_map("way", AT).svg(ground="red"), "wrong_option", "ground"),  # type: ignore[arg-type]
    ]
    for call, code, path in calls:
        with pytest.raises(tactful.RequestError) as error:
            call()
        assert (error.value.code, error.value.path) == (code, path)
    with pytest.raises(tactful.StateError):
        base.journey_map("way", AT).like(b"no map")


def test_logs_are_mined() -> None:
    table = pa.table(
        {
            "customer": ["ada", "ben", "ada", "ada", "ben"],
            "what": ["pay", "cart", "cart", "ship", "pay"],
            "at": pa.array([30, 10, 10, 20, 10], pa.timestamp("s")),
        }
    )
    log = tactful.EventLog(table, case="customer", activity="what", time="at")
    assert (len(log), log.events, log.activities) == (2, 5, ["pay", "cart", "ship"])
    assert pa.table(log.directly_follows()).to_pylist()[0] == {
        "from": "cart",
        "to": "pay",
        "count": 1,
        "cases": 1,
        "mean_seconds": 0.0,
        "median_seconds": 0.0,
    }
    assert pa.table(log.variants(pattern="not ship"))["activities"].to_pylist() == [["cart", "pay"]]
    assert pa.table(log.paths(2, top=1))["activities"].to_pylist() == [["cart", "pay"]]
    assert pa.table(log.funnel(["cart", "pay"], order="strictly_later"))["cases"].to_pylist() == [2, 1]
    assert pa.table(log.funnel(["cart", "pay"], order="same_time_counts", within="5s"))["cases"].to_pylist() == [2, 1]
    assert log.matching("cart => pay") == 1
    calls: list[tuple[Callable[[], object], str, str]] = [
        (lambda: tactful.EventLog(table), "no_such_column", "case"),
        (lambda: log.matching("cart -> pya"), "unknown_activity", "pattern"),
        (lambda: log.matching("->"), "bad_pattern", "pattern"),
        (lambda: log.funnel(["cart"], order="later"), "wrong_option", "order"),  # type: ignore[arg-type]
        (lambda: log.funnel([], order="strictly_later"), "bad_funnel", "stages"),
        (lambda: log.funnel(["cart"], order="strictly_later", within="soon"), "not_a_duration", "within"),
        (lambda: log.paths(0), "bad_length", "length"),
    ]
    for call, code, path in calls:
        with pytest.raises(tactful.LogError) as error:
            call()
        assert (error.value.code, error.value.path) == (code, path)


LOANS = Path(os.environ.get("TACTFUL_DATA", "")) / "bpic2012_loan_applications.csv.gz"


@pytest.mark.skipif(not LOANS.is_file(), reason="TACTFUL_DATA does not name a folder with the loan log")
def test_the_figures_of_the_loan_log() -> None:
    log = tactful.EventLog(pa.csv.read_csv(LOANS), case="case_id", time="timestamp")
    assert (log.events, len(log)) == (262_200, 13_087)
    follows = pa.table(log.directly_follows())
    assert (follows.num_rows, sum(follows["count"].to_pylist())) == (125, 249_113)
    assert len(log.variants()) == 4_366
    stages = ["A_SUBMITTED", "A_PREACCEPTED", "A_ACCEPTED", "O_SENT", "O_SENT_BACK", "A_APPROVED", "A_ACTIVATED"]
    for order, last in [("same_time_counts", 2_246), ("sequence_order", 1_587), ("strictly_later", 780)]:
        found = pa.table(log.funnel(stages, order=order))["cases"].to_pylist()  # type: ignore[arg-type]
        assert found == [13_087, 7_367, 5_113, 5_015, 3_254, 2_246, last]


PLANNED = (
    PLAYBOOK
    + """
    plan:
      lookers: {choosing: {goal: They buy., stay: 1d, wording: 'Take <two>'}}
      everyone: {curious: {goes_on: 0.9}}
"""
)


def planned() -> tactful.CustomerBase:
    base = tactful.CustomerBase(tactful.Engine.compile({"shop.yaml": PLANNED}))
    for number in range(40):
        for place, name in enumerate(["visit", "look", "buy"][: 1 + number % 3]):
            base.record(tactful.Event(name, f"2026-0{1 + place}-0{1 + place}T10:00:00Z", f"customer:{number}", channel="web"))
    return base


def test_a_plan_stands_beside_what_was_walked() -> None:
    base = planned()
    plan = base.journey_map("way", AT, split="segments").plan()
    assert (len(plan), plan.deviating, repr(plan)) == (2, 2, "<JourneyPlan of way: 2 cells, 2 otherwise than planned>")
    lookers, everyone = plan.report()["cells"]
    assert lookers["deviations"] == ["stays_longer", "more_are_lost"] and everyone["deviations"] == ["fewer_go_on"]
    assert "Most stay longer than planned (100 %" in str(plan)
    for picture in (plan.svg(), plan.svg(ground="dark"), plan._repr_svg_(), plan._repr_html_()):
        assert "“Take <two>”" in "".join(ElementTree.fromstring(picture).itertext())
    assert "“Take &lt;two&gt;”" in plan.html()
    asked = {"query": "journey_plan", "map": {"journey": "way", "at": AT}}
    assert base.query(asked) == plan.report()
    assert base.query(asked | {"format": "svg"}) == {"svg": plan.svg()}
    assert base.query(asked | {"format": "html"}) == {"html": plan.html()}
    assert base.query(asked | {"format": "text"}) == {"text": str(plan)}
    with pytest.raises(tactful.RequestError, match="groups by segment"):
        base.journey_map("way", AT).plan()


def test_maps_by_period() -> None:
    base = planned()
    map = base.journey_map("way", AT, split="months")
    assert map.groups == ["2026-01", "2026-02", "2026-03"]
    march = map.report("2026-03")
    assert (march["since"], march["at"]) == ("2026-03-01T00:00:00Z", AT)
    assert march == base.journey_map("way", AT, since="2026-03-01T00:00:00Z").report() | {"group": "2026-03"}
    here = {each["stage"]: each for each in map.compare(group="2026-01", other_group="2026-02") if each["measure"] == "here"}
    assert here["curious"]["first"] == 1 and here["curious"]["second"] == 14 / 40
    assert base.journey_map("way", AT, split="quarters").groups == ["2026-Q1"]
    assert base.journey_map("way", AT, split="weeks").groups[0] == "2025-12-29"


def test_walks_tell_stages_with_cause_and_duration() -> None:
    base = planned()
    [walk] = base.journeys("customer:1", AT)
    assert (walk.journey, walk.instance, walk.stage, walk.previous, walk.entries) == ("way", None, "lost", "choosing", 1)
    assert [(stay.stage, stay.by, stay.ended, stay.duration.days) for stay in walk.stays] == [
        ("curious", "on", "on", 32),
        ("choosing", "on", "timeout", 7),
        ("lost", "timeout", None, 49),
    ]
    assert walk.visits("curious") == 1 and walk.stays[1].event is not None and walk.stays[2].left is None
    assert walk == base.journeys("customer:1", AT, journey="way")[0] and base.journeys("customer:999", AT) == []
    found = base.find("customer:1")
    assert found is not None and base.engine.journeys(found, AT) == [walk]
    assert base.engine.journeys(found, AT, known_at="2025-01-01T00:00:00Z") == []
    [pin] = base.journey_pins("customer:1", AT)
    assert pin.type == "journey_pinned" and pin.properties["stage"] == "lost" and base.engine.journey_pins(found, AT)[0].id == pin.id
    base.record(pin)
    with pytest.raises(tactful.QueryError, match="not declared"):
        base.journeys("customer:1", AT, journey="wya")


def test_the_command_line_draws_maps_and_plans(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    playbook, events = tmp_path / "shop.yaml", tmp_path / "events.csv"
    playbook.write_text(PLANNED)
    rows = [
        f"customer:{number},{name},2026-0{1 + place}-0{1 + place}T10:00:00Z"
        for number in range(40)
        for place, name in enumerate(["visit", "look", "buy"][: 1 + number % 3])
    ]
    events.write_text("customer,type,time\n" + "\n".join(row.replace("customer:", "") for row in rows) + "\n")
    usual = ["map", "--quiet", "--playbook", str(playbook), "--events", str(events)]

    def told(*arguments: str, code: int = 0) -> str:
        assert cli.main([*usual, *arguments]) == code
        found = capsys.readouterr()
        return found.out if code == 0 else found.err

    curious = next(line for line in told("--at", AT).splitlines() if line.startswith("Curious"))
    assert curious.split()[1:5] == ["14", "40", "26", "0"]
    assert told("--format", "svg").startswith("<svg ") and told("--format", "dot").startswith("digraph")
    assert json.loads(told("--format", "json"))["journey"] == "way"
    assert "Most stay longer than planned" in told("--plan")
    for name, start in [("plan.svg", "<svg "), ("plan.html", "<div "), ("plan.json", "{")]:
        told("--plan", "--output", str(tmp_path / name))
        assert (tmp_path / name).read_text().startswith(start)
    assert "groups: 2026-01, 2026-02, 2026-03" in told("--split", "months")
    assert "curious: here" in told("--split", "months", "--group", "2026-01", "--compare", "2026-02")
    assert "it has `way`" in told("--journey", "wya", code=2)
    assert "--split" in told("--group", "2026-01", code=2) and "not drawn as dot" in told("--plan", "--format", "dot", code=2)
    assert "no group" in told("--split", "months", "--group", "2027-01", code=1)
    # What is withheld need not be few: a dash says no more than that.
    few = told("--at", AT, "--k", "15")
    assert "<15" not in few and "–" in few
    for wrong, said in [
        (["--output", str(tmp_path / "map.png")], "end it in .txt, .svg"),
        (["--ground", "dark"], "for pictures"),
        (["--plan", "--split", "months"], "leave out --split"),
        (["--plan", "--group", "lookers"], "leave out --split"),
        (["--plan", "--split", "segments", "--compare", "lookers"], "leave out --split"),
    ]:
        assert said in told(*wrong, code=2), wrong
    for wrong, said in [(["--at", "yesterday"], "yesterday"), (["--since", "2026-13-01T00:00:00Z"], "2026-13-01")]:
        assert said in told(*wrong, code=1), wrong


def test_a_map_is_drawn_with_progress_too(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    playbook, events = tmp_path / "shop.yaml", tmp_path / "events.csv"
    playbook.write_text(PLANNED)
    events.write_text("customer,type,time\n" + "".join(f"{who},visit,2026-01-01T10:00:00Z\n" for who in range(20)))
    assert cli.main(["map", "--playbook", str(playbook), "--events", str(events), "--format", "dot"]) == 0
    assert capsys.readouterr().out.startswith("digraph")


@pytest.mark.parametrize("k", [0, 1_000_001])
def test_a_threshold_is_a_number_of_customers(k: int) -> None:
    text = """
    playbook: shop
    version: 1
    identity: {customer: {}}
    events: {visit: {}}
    journeys: {way: {stages: {curious: {on: visit}}}}
    channels: {web: {format: text, contact: false}}
    placements: {home: {channel: web}}
    """
    engine = tactful.Engine.compile({"shop.yaml": text})
    base, at = tactful.CustomerBase(engine), "2026-03-01T10:00:00Z"
    shown: list[Callable[[], object]] = [
        lambda: tactful.JourneyMap(engine, "way", at, k=k),
        lambda: base.journey_map("way", at, k=k),
        lambda: base.served(at, k=k),
        lambda: base.query({"query": "journey_map", "map": {"journey": "way", "at": at}, "k": k}),
        lambda: base.query({"query": "variants", "log": {"at": at}, "k": k}),
    ]
    for ask in shown:
        with pytest.raises(tactful.TactfulError) as error:
            ask()
        assert (error.value.code, error.value.path) == ("wrong_value", "k")
        assert str(k) in str(error.value) and "from 1 to 1000000" in str(error.value)
