"""The data of the retail example: what its description says holds."""

from __future__ import annotations

import importlib.util
from datetime import datetime, timezone
from decimal import Decimal
from pathlib import Path
from types import ModuleType

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

RETAIL = Path(__file__).parents[2] / "examples" / "retail"


@pytest.fixture(scope="module")
def prepare() -> ModuleType:
    spec = importlib.util.spec_from_file_location("prepare", RETAIL / "prepare.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def events() -> pa.Table:
    return pq.read_table(RETAIL / "events.parquet")


@pytest.fixture(scope="module")
def simulated() -> pa.Table:
    return pq.read_table(RETAIL / "simulated.parquet")


def test_no_line_is_lost(events: pa.Table) -> None:
    assert events.num_rows == 525_461
    assert pc.count_distinct(events["id"]).as_py() == 525_461
    assert events["sequence"].to_pylist() == list(range(525_461))
    kinds = {row["values"]: row["counts"] for row in pc.value_counts(events["type"]).to_pylist()}
    assert kinds == {"purchase": 513_131, "return": 10_206, "adjustment": 2_124}


def test_customers_and_visitors(events: pa.Table) -> None:
    assert pc.count_distinct(events["customer"]).as_py() == 4_383
    assert events["customer"].null_count == 107_927
    either = pc.xor(pc.is_null(events["customer"]), pc.is_null(events["visit"]))
    assert pc.all(either).as_py()


def test_amounts_are_exact(events: pa.Table) -> None:
    assert events.schema.field("amount").type == pa.decimal128(15, 3)
    product = pc.multiply(events["quantity"].cast(pa.decimal128(19, 0)), events["unit_price"])
    assert pc.all(pc.equal(product, events["amount"])).as_py()
    assert pc.min(events["quantity"]).as_py() >= 0
    returned = events.filter(pc.equal(events["type"], "return"))
    assert pc.sum(returned["amount"]).as_py() > Decimal(0)


def test_times_are_utc(events: pa.Table) -> None:
    assert pc.min(events["time"]).as_py() == datetime(2009, 12, 1, 7, 45, tzinfo=timezone.utc)
    assert pc.max(events["time"]).as_py() == datetime(2010, 12, 9, 20, 1, tzinfo=timezone.utc)


def test_consents_are_labelled_and_come_from_the_declared_hash(prepare: ModuleType, events: pa.Table, simulated: pa.Table) -> None:
    assert pc.unique(simulated["source"]).to_pylist() == ["simulation"]
    assert prepare.consents(events).equals(simulated)
    assert prepare.share("marketing", "12346") == prepare.share("marketing", "12346")
    kinds = {(row["type"], row["purpose"]) for row in simulated.select(["type", "purpose"]).to_pylist()}
    assert kinds == {("consent_given", "marketing"), ("consent_withdrawn", "marketing"), ("consent_withdrawn", "service")}


def test_summer_time_and_odd_lines(prepare: ModuleType) -> None:
    raw = pa.table(
        {
            "invoice": ["1", "1", "C2", "A3", "4"],
            "stock_code": ["a"] * 5,
            "description": [" A LAMP ", None, "x", "Adjust bad debt", "lost"],
            "quantity": [2, 1, -3, 1, -7],
            "invoice_date": pa.array([datetime(2010, 7, 1, 12), datetime(2010, 1, 1, 12), *[datetime(2010, 7, 2)] * 3], pa.timestamp("us")),
            "unit_price": [0.255, 1.1, 2.0, -53594.36, 0.0],
            "customer_id": pa.array([7, 7, 7, None, None], pa.int64()),
            "country": ["United Kingdom"] * 5,
        }
    )
    table = prepare.events(raw)
    assert [time.isoformat() for time in table["time"].to_pylist()[:2]] == ["2010-07-01T11:00:00+00:00", "2010-01-01T12:00:00+00:00"]
    assert table["type"].to_pylist() == ["purchase", "purchase", "return", "adjustment", "adjustment"]
    assert table["id"].to_pylist() == ["1:1", "1:2", "C2:1", "A3:1", "4:1"]
    assert table["visit"].to_pylist() == [None, None, None, "A3", "4"]
    assert [str(amount) for amount in table["amount"].to_pylist()] == ["0.510", "1.100", "6.000", "-53594.360", "0.000"]
    with pytest.raises(ValueError, match="more than three digits"):
        prepare.events(raw.set_column(5, "unit_price", pa.array([0.2555, 1.0, 1.0, 1.0, 1.0])))
