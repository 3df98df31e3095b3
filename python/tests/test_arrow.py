"""Tables come in from every library that speaks Arrow, and results go out to all of them, again and again."""

from __future__ import annotations

import gc
from collections.abc import Callable
from datetime import datetime
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest

import shop
import tactful
from shop import DAY, START, UTC

ROWS: list[dict[str, Any]] = [
    {
        "customer": str(number % 7),
        "type": "visit" if number % 3 == 0 else "purchase",
        "time": START + number * DAY / 10,
        "id": f"id{number}",
        "sequence": number,
        "amount": None if number % 3 == 0 else Decimal(f"{number}.25"),
        "sku": None if number % 5 == 0 else f"sku {number % 4} ä",
        "gift": None if number % 3 == 0 else number % 2 == 0,
        "weight": None if number % 3 == 0 else number / 8,
    }
    for number in range(100)
]
SCHEMA = pa.schema(
    [
        ("customer", pa.string()),
        ("type", pa.string()),
        ("time", pa.timestamp("us", "UTC")),
        ("id", pa.string()),
        ("sequence", pa.int64()),
        ("amount", pa.decimal128(12, 2)),
        ("sku", pa.string()),
        ("gift", pa.bool_()),
        ("weight", pa.float64()),
    ]
)
TABLE = pa.Table.from_pylist(ROWS, SCHEMA)
AT = [START + 4 * DAY, START + 9 * DAY]


def polars(table: pa.Table) -> Any:
    return pytest.importorskip("polars").from_arrow(table)


def pandas(table: pa.Table) -> Any:
    pandas = pytest.importorskip("pandas")
    return table.to_pandas(types_mapper=pandas.ArrowDtype)


def pandas_numpy(table: pa.Table) -> Any:
    pytest.importorskip("pandas")
    return table.to_pandas()


def duckdb(table: pa.Table) -> Any:
    return pytest.importorskip("duckdb").connect().from_arrow(table)


def cast(**types: pa.DataType) -> Callable[[pa.Table], pa.Table]:
    def change(table: pa.Table) -> pa.Table:
        for name, kind in types.items():
            table = table.set_column(table.schema.get_field_index(name), name, table[name].cast(kind))
        return table

    return change


SOURCES: dict[str, Callable[[pa.Table], Any]] = {
    "pyarrow": lambda table: table,
    "reader": lambda table: table.to_reader(max_chunksize=7),
    "batch": lambda table: table.combine_chunks().to_batches()[0],
    "generator": lambda table: pa.RecordBatchReader.from_batches(table.schema, (batch for batch in table.to_batches(max_chunksize=3))),
    "several": lambda table: [table.slice(0, 30), table.slice(30, 30).to_reader(), table.slice(60)],
    "tuple": lambda table: (table.slice(0, 50), table.slice(50)),
    "sliced": lambda table: pa.concat_tables([table.slice(99), table]).slice(1),
    "large": cast(customer=pa.large_string(), sku=pa.large_string(), type=pa.string_view()),
    "dictionary": cast(customer=pa.dictionary(pa.int8(), pa.string()), type=pa.dictionary(pa.uint16(), pa.string())),
    "nanoseconds": cast(time=pa.timestamp("ns", "America/New_York")),
    "narrow": cast(sequence=pa.uint8(), customer=pa.int64()),
    "text": cast(amount=pa.string()),
    "polars": polars,
    "pandas": pandas,
    "pandas_numpy": pandas_numpy,
    "duckdb": duckdb,
}


@pytest.fixture(scope="module")
def engine() -> tactful.Engine:
    return shop.engine()


def replayed(engine: tactful.Engine, events: Any) -> pa.Table:
    return pa.table(engine.replay(events, decide_at=AT, placements=["home", "letter"], record="shown").decisions)


@pytest.mark.parametrize("source", SOURCES)
def test_the_same_decisions_from_every_source(engine: tactful.Engine, source: str) -> None:
    expected = replayed(engine, TABLE)
    assert expected.num_rows > 20 and "offer" in expected["kind"].to_pylist()
    assert replayed(engine, SOURCES[source](TABLE)).equals(expected)


def test_a_table_may_be_asked_again_after_its_replay_is_gone(engine: tactful.Engine) -> None:
    replay = engine.replay(TABLE, decide_at=AT, placements=["home"])
    decisions = replay.decisions
    first = pa.table(decisions)
    del replay
    gc.collect()
    for _ in range(50):
        assert pa.table(decisions).equals(first)
    stream = decisions.__arrow_c_stream__()
    del stream
    gc.collect()
    assert pa.schema(decisions) == first.schema
    exported = pa.table(decisions)
    del decisions
    gc.collect()
    assert exported.equals(first)


def test_results_go_to_every_library(engine: tactful.Engine) -> None:
    replay = engine.replay(TABLE, decide_at=AT, placements=["home"], record="shown")
    rows = pa.table(replay.decisions).num_rows
    pl = pytest.importorskip("polars")
    frame = pl.DataFrame(replay.decisions)
    assert frame.height == rows and frame["offer"].drop_nulls().unique().to_list() == ["thanks"]
    assert pl.DataFrame(replay.customers)["segments"].to_list()[0] == ["buyer"]
    pandas = pytest.importorskip("pandas")
    assert len(pandas.DataFrame.from_arrow(replay.segments)) == len(replay.segments) == 4
    duck = pytest.importorskip("duckdb").connect()
    decisions = replay.decisions  # noqa: F841, found by name in the query
    for _ in range(2):
        assert duck.sql("select count(*) from decisions join decisions as other using (decision, placement, slot)").fetchall() == [(rows,)]


def test_what_the_tables_hold(engine: tactful.Engine) -> None:
    replay = engine.replay(TABLE, decide_at=AT, placements=["home"], record="shown")
    assert replay.decisions.columns == [
        "customer",
        "time",
        "placement",
        "slot",
        "offer",
        "kind",
        "score",
        "message",
        "reason",
        "decision",
    ]
    assert replay.bad_rows.columns == ["row", "column", "code", "reason"] and len(replay.bad_rows) == 0
    assert replay.gates.columns == ["time", "placement", "offer", "gate", "customers"]
    customers = pa.table(replay.customers).to_pylist()
    assert [row["customer"] for row in customers] == [f"customer:{number}" for number in range(7)]
    assert (customers[0]["segments"], customers[0]["persona"], customers[0]["journey_lifecycle"]) == (["buyer"], None, "purchase")
    assert customers[0]["first_time"] == ROWS[0]["time"] and customers[0]["events"] == 15
    assert {row["segment"]: row["members"] for row in pa.table(replay.segments).to_pylist()[2:]} == {"buyer": 7, "adult": 0}
    assert pa.table(replay.transitions).to_pylist() == [{"journey": "lifecycle", "from": None, "to": "purchase", "count": 7}]
    stages = [row for row in pa.table(replay.stages).to_pylist() if row["time"] == AT[0] and row["stage"] == "purchase"]
    assert [(row["customers"], row["entries"], row["exits"]) for row in stages] == [(7, 7, 0)]
    assert pa.table(replay.decisions)["time"].type == pa.timestamp("us", "UTC")


def test_tables_show_themselves(engine: tactful.Engine) -> None:
    table = engine.replay(TABLE, decide_at=AT, placements=["home"]).decisions
    assert repr(table) == ("<Table decisions: 14 rows of customer, time, placement, slot, offer, kind, score, message, reason, decision>")
    html = table._repr_html_()
    assert "<th>customer</th>" in html and html.count("<tr>") == 11 and "14 rows, the first 10" in html
    assert "Thank you for your order." in html and "2026-03-05T10:00:00Z" in html
    empty = engine.replay(TABLE.slice(0, 0)).customers
    assert len(empty) == 0 and bool(empty) and "0 rows" in empty._repr_html_()
    assert "[…]" in engine.replay(TABLE).customers._repr_html_()


def test_an_empty_table_gives_empty_tables(engine: tactful.Engine) -> None:
    for events in (TABLE.slice(0, 0), pa.Table.from_batches([], SCHEMA), [TABLE.slice(0, 0)] * 2):
        replay = engine.replay(events, decide_at=AT, placements=["home"])
        assert replay.stats["rows"] == replay.stats["customers"] == len(replay.decisions) == len(replay.customers) == 0
        assert pa.table(replay.decisions).column_names == replay.decisions.columns


def test_columns_may_have_other_names(engine: tactful.Engine) -> None:
    renamed = TABLE.rename_columns({"customer": "client", "time": "when", "amount": "total"}).append_column("extra", pa.nulls(100))
    replay = engine.replay(renamed, decide_at=AT, placements=["home", "letter"], record="shown", columns={
        "customer": "client", "time": "when", "amount": "total",
    })  # fmt: skip
    assert pa.table(replay.decisions).equals(replayed(engine, TABLE))
    assert replay.stats["ignored_columns"] == ["extra"]


class Odd:
    """Exports something that is no stream."""

    def __init__(self, answer: Any) -> None:
        self.answer = answer

    def __arrow_c_stream__(self, requested_schema: object | None = None) -> Any:
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


def failing() -> pa.RecordBatchReader:
    def batches() -> Any:
        yield from TABLE.slice(0, 3).to_batches()
        raise OSError("the disk is gone")

    return pa.RecordBatchReader.from_batches(SCHEMA, batches())


BAD: list[tuple[str, Callable[[], Any], dict[str, Any]]] = [
    ("not_a_table", lambda: 5, {}),
    ("not_a_table", lambda: "events.parquet", {}),
    ("not_a_table", lambda: {"time": []}, {}),
    ("not_a_table", lambda: [TABLE, 5], {}),
    ("not_a_table", lambda: Odd("stream"), {}),
    ("no_table", lambda: [], {}),
    ("not_a_table", lambda: pa.chunked_array([[1, 2]]), {}),
    ("no_such_column", lambda: TABLE.drop_columns(["time"]), {}),
    ("no_such_column", lambda: TABLE.drop_columns(["type"]), {}),
    ("no_such_column", lambda: TABLE.drop_columns(["customer"]), {}),
    ("no_such_column", lambda: TABLE, {"columns": {"time": "whne"}}),
    ("wrong_type", lambda: TABLE, {"columns": {"time": 5}}),
    ("wrong_type", lambda: TABLE, {"columns": ["time"]}),
    ("duplicate_column", lambda: TABLE.append_column("sku", TABLE["sku"]), {}),
    ("producer_failed", failing, {}),
    ("unknown_outcome", lambda: TABLE, {"record": "shwon"}),
    ("wrong_option", lambda: TABLE, {"bad_rows": "skip"}),
    ("missing_value", lambda: TABLE.set_column(2, "time", pa.nulls(100, SCHEMA.field("time").type)), {}),
    ("wrong_type", lambda: TABLE.set_column(2, "time", pa.array(range(100))), {}),
    ("undeclared_event_type", lambda: TABLE.set_column(1, "type", pa.array(["vsiit"] * 100)), {}),
]


@pytest.mark.parametrize(("code", "events", "options"), BAD)
def test_events_that_cannot_be_taken_in(engine: tactful.Engine, code: str, events: Callable[[], Any], options: dict[str, Any]) -> None:
    with pytest.raises(tactful.ReplayError) as caught:
        engine.replay(events(), **options)
    assert caught.value.code == code and caught.value.message


def test_what_a_table_raises_comes_through(engine: tactful.Engine) -> None:
    with pytest.raises(ZeroDivisionError):
        engine.replay(Odd(ZeroDivisionError()))
    used = Odd(TABLE.__arrow_c_stream__())
    assert engine.replay(used).stats["rows"] == 100
    with pytest.raises(tactful.ReplayError, match="read once") as caught:
        engine.replay(used)
    assert caught.value.code == "released"


def test_questions_of_a_replay_are_checked_first(engine: tactful.Engine) -> None:
    for options in ({"placements": ["hmoe"]}, {"placements": ["home", "home"]}, {"decide_at": [datetime(2026, 1, 1)]}, {"decide_at": 5}):
        with pytest.raises(tactful.RequestError):
            engine.replay(TABLE, **{"decide_at": AT, "placements": ["home"], **options})  # type: ignore[arg-type]


def test_bad_rows_are_told_by_number_and_reason(engine: tactful.Engine) -> None:
    bad = [dict(row) for row in ROWS]
    bad[3] |= {"type": "vsiit"}
    bad[10] |= {"time": None}
    bad[40] |= {"customer": None}
    bad[41] |= {"weight": float("nan"), "type": "purchase"}
    table = pa.Table.from_pylist(bad, SCHEMA)
    with pytest.raises(tactful.ReplayError) as caught:
        engine.replay(table)
    assert (caught.value.row, caught.value.column, caught.value.code) == (3, "type", "undeclared_event_type")
    assert "row 3" in str(caught.value) and "visit" in str(caught.value)
    # Numbers count over all tables.
    replay = engine.replay([table.slice(0, 30), table.slice(30)], decide_at=AT, placements=["home", "letter"], bad_rows="report")
    told = pa.table(replay.bad_rows).to_pylist()
    assert [(row["row"], row["column"], row["code"]) for row in told] == [
        (3, "type", "undeclared_event_type"),
        (10, "time", "missing_value"),
        (40, "customer", "missing_value"),
        (41, "weight", "wrong_type"),
    ]
    assert all(row["reason"] for row in told)
    assert (replay.stats["rows"], replay.stats["events"], replay.stats["bad_rows"]) == (100, 96, 4)
    good = pa.Table.from_pylist([row for number, row in enumerate(ROWS) if number not in (3, 10, 40, 41)], SCHEMA)
    assert pa.table(replay.decisions).equals(pa.table(engine.replay(good, decide_at=AT, placements=["home", "letter"]).decisions))


def test_dates_are_their_midnight(engine: tactful.Engine) -> None:
    table = cast(time=pa.date32())(TABLE.slice(0, 2))
    replay = engine.replay(table)
    assert [event.time for event in replay.events("customer:0")] == [datetime(2026, 3, 1, tzinfo=UTC)]
