"""The decisions of the retail example are the same in Python, Rust and C, twice over, and in whatever order the rows come."""

from __future__ import annotations

import ctypes
import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

import tactful

pa = pytest.importorskip("pyarrow")
pq = pytest.importorskip("pyarrow.parquet")

ROOT = Path(__file__).resolve().parents[2]
RETAIL = ROOT / "examples" / "retail"
NOW = "2010-10-31T23:59:59Z"
INSTANTS = [f"2010-{month:02}-28T00:00:00Z" for month in range(1, 12)]
PLACEMENTS = ["home_hero", "newsletter"]
TABLES = ["customers", "decisions", "gates", "segments", "stages", "transitions"]
PROPERTIES = ["invoice", "stock_code", "description", "quantity", "unit_price", "amount", "country"]


def rows(name: str) -> Any:
    return pq.read_table(RETAIL / name)


@pytest.fixture(scope="module")
def sources() -> list[Any]:
    return [rows("events.parquet"), rows("simulated.parquet")]


@pytest.fixture(scope="module")
def tables(sources: list[Any]) -> dict[str, Any]:
    return replayed(sources)


def replayed(sources: list[Any]) -> dict[str, Any]:
    engine = tactful.Engine.load(RETAIL / "playbook.yaml")
    replay = engine.replay(sources, decide_at=INSTANTS, placements=PLACEMENTS)
    return {name: pa.table(getattr(replay, name)).combine_chunks() for name in TABLES}


def test_twice(sources: list[Any], tables: dict[str, Any]) -> None:
    assert tables["decisions"].num_rows > 50_000
    assert replayed(sources) == tables


def test_shuffled(sources: list[Any], tables: dict[str, Any]) -> None:
    """Rows in the order of a hash of their number, in one go and the small table first."""

    def shuffled(table: Any) -> Any:
        order = sorted(range(table.num_rows), key=lambda row: (row * 2_654_435_761) % 4_294_967_296)
        return table.take(pa.array(order))

    assert replayed([shuffled(source) for source in reversed(sources)]) == tables


def test_rust_event_by_event(sources: list[Any], tmp_path: Path) -> None:
    """A hundred customers, told one event after the other to a program in Rust and to a base in Python."""
    if shutil.which("cargo") is None:
        pytest.skip("cargo is not installed")
    chosen = {str(number) for number in range(12_346, 18_288, 59)}
    events = [event for table in sources for event in as_events(table, chosen)]
    assert len({event["identifier"] for event in events}) > 60
    lines = tmp_path / "events.jsonl"
    lines.write_text("".join(json.dumps(event) + "\n" for event in events), encoding="utf-8")
    command = ["cargo", "run", "--quiet", "--locked", "-p", "tactful", "--example", "decide", "--"]
    files = [str(RETAIL / "playbook.yaml"), str(lines), NOW, *PLACEMENTS]
    done = subprocess.run([*command, *files], cwd=ROOT, capture_output=True, text=True, check=True)
    engine = tactful.Engine.load(RETAIL / "playbook.yaml")
    base = tactful.CustomerBase(engine)
    for event in events:
        base.record(tactful.Event.from_json(json.dumps(event)))
    ours = [base.explain(customer, PLACEMENTS, NOW).to_json() for customer in sorted({event["identifier"] for event in events})]
    assert ours == done.stdout.splitlines()


def as_events(table: Any, chosen: set[str]) -> list[dict[str, Any]]:
    mask = [customer in chosen for customer in table["customer"].to_pylist()]
    return [as_event(row) for row in table.filter(pa.array(mask)).to_pylist()]


def as_event(row: dict[str, Any]) -> dict[str, Any]:
    values = {name: row[name] for name in [*PROPERTIES, "purpose"] if row.get(name) is not None}
    event = {
        "type": row["type"],
        "time": row["time"].isoformat(),
        "identifier": f"customer:{row['customer']}",
        "id": row["id"],
        "sequence": row.get("sequence") or 0,
        "properties": {name: value if isinstance(value, int) else str(value) for name, value in values.items()},
    }
    return event | ({"source": row["source"]} if row.get("source") else {})


class Text(ctypes.Structure):
    """``tactful_text``."""

    _fields_ = [("data", ctypes.c_char_p), ("len", ctypes.c_size_t)]


def text(value: str) -> Text:
    data = value.encode()
    return Text(data, len(data))


class Document(ctypes.Structure):
    """``tactful_document``."""

    _fields_ = [("name", Text), ("text", Text)]


class Options(ctypes.Structure):
    """``tactful_replay_options``."""

    _fields_ = [
        ("decide_at", ctypes.POINTER(ctypes.c_int64)),
        ("decide_at_count", ctypes.c_size_t),
        ("placements", ctypes.POINTER(Text)),
        ("placement_count", ctypes.c_size_t),
        ("roles", ctypes.c_void_p),
        ("role_count", ctypes.c_size_t),
        ("outcome", Text),
        ("bad_rows", ctypes.c_int32),
        ("forecast", ctypes.c_char_p),
        ("forecast_length", ctypes.c_size_t),
    ]


def test_c(sources: list[Any], tables: dict[str, Any]) -> None:
    """The same tables through the shared library, event columns in and results out as Arrow streams."""
    if shutil.which("cargo") is None:
        pytest.skip("cargo is not installed")
    subprocess.run(["ffi/install.sh", "target/prefix"], cwd=ROOT, capture_output=True, check=True)
    library = ctypes.CDLL(str(ROOT / "target" / "prefix" / "lib" / "libtactful.so"))
    new = ctypes.byref

    def call(name: str, *arguments: Any) -> None:
        error = ctypes.c_void_p()
        assert getattr(library, name)(*arguments, new(error)) == 0, name

    playbook = RETAIL / "playbook.yaml"
    document = Document(text(str(playbook)), text(playbook.read_text(encoding="utf-8")))
    engine, replay = ctypes.c_void_p(), ctypes.c_void_p()
    call("tactful_engine_compile", new(document), ctypes.c_size_t(1), new(engine))
    micros = [int(pa.scalar(instant).cast(pa.timestamp("us", "UTC")).value) for instant in INSTANTS]
    instants = (ctypes.c_int64 * len(micros))(*micros)
    placements = (Text * len(PLACEMENTS))(*map(text, PLACEMENTS))
    options = Options(instants, len(micros), placements, len(PLACEMENTS), None, 0, text(""), 0)
    call("tactful_replay_new", engine, new(options), new(replay))
    for source in sources:
        stream = (ctypes.c_void_p * 5)()
        source.to_reader()._export_to_c(ctypes.addressof(stream))
        call("tactful_replay_add_stream", replay, new(stream))
    call("tactful_replay_run", replay)
    for name, ours in tables.items():
        stream = (ctypes.c_void_p * 5)()
        call("tactful_replay_table", replay, text(name), new(stream))
        theirs = pa.RecordBatchReader._import_from_c(ctypes.addressof(stream)).read_all().combine_chunks()
        assert theirs == ours, name
    library.tactful_replay_free(replay)
    library.tactful_engine_free(engine)
