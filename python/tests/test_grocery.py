"""The grocery example on a small part of its data: what its description says holds."""

from __future__ import annotations

import importlib.util
import json
import re
from pathlib import Path
from types import ModuleType

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

import tactful
from tactful import cli

GROCERY = Path(__file__).parents[2] / "examples" / "grocery"


def module(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, GROCERY / f"{name}.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def events() -> pa.Table:
    return pq.read_table(GROCERY / "extract.parquet")


def test_the_playbook_is_without_warnings_and_does_as_its_cases_say(capsys: pytest.CaptureFixture[str]) -> None:
    engine = tactful.Engine.compile({"playbook.yaml": (GROCERY / "playbook.yaml").read_text(encoding="utf-8")})
    assert not engine.warnings
    assert len(engine.playbook["offers"]) == 28
    assert cli.main(["test", "--playbook", str(GROCERY / "playbook.yaml"), str(GROCERY / "cases.yaml")]) == 0
    assert "5 passed" in capsys.readouterr().out


def test_the_extract_is_what_it_says(events: pa.Table) -> None:
    kinds = {row["values"]: row["counts"] for row in pc.value_counts(events["type"]).to_pylist()}
    assert kinds["purchase"] + kinds["mailing"] + kinds["redemption"] + kinds["attribute_set"] == events.num_rows == 9_504
    assert pc.count_distinct(events["household"]).as_py() == 8
    assert pc.count_distinct(pc.binary_join_element_wise(events["household"], events["id"], " ")).as_py() == events.num_rows


def test_choices_are_compared_with_what_was_used(events: pa.Table) -> None:
    compare = module("compare")
    text = (GROCERY / "playbook.yaml").read_text(encoding="utf-8")
    of = compare.categories(text)
    assert len(of) == 28 and of["yogurt"] == "YOGURT" and of["diapers"] == "DIAPERS & DISPOSABLES"
    found = compare.figures(events)
    assert found["pairs"] > 20 and found["households"] == 8
    for hits in found["hits"].values():
        assert hits == sorted(hits) and hits[-1] <= found["pairs"]
    assert found["hits"]["playbook"][0] > 0
    # At most two of a group, and five in all.
    groups = dict(re.findall(r"^  (\w+):\n    title: Coupon.*\n    group: (\w+)", text, re.MULTILINE))
    table = pa.table(found["replay"].decisions)
    chosen: dict[tuple[str, object], list[str]] = {}
    for household, time, offer in zip(*(table[name].to_pylist() for name in ("customer", "time", "offer")), strict=True):
        if offer is not None:
            chosen.setdefault((household, time), []).append(groups[offer])
    assert max(len(offers) for offers in chosen.values()) == 5
    assert max(offers.count(group) for offers in chosen.values() for group in offers) == 2


def test_nobody_is_chosen_by_who_they_are(events: pa.Table, capsys: pytest.CaptureFixture[str]) -> None:
    asked = ["served", str(GROCERY / "playbook.yaml"), "--events", str(GROCERY / "extract.parquet"), "--json", "--k", "2"]
    asked += ["--protected", "income", "--protected", "age", "--protected", "children", "--protected", "household_size"]
    assert cli.main(asked) == 0
    found = json.loads(capsys.readouterr().out)
    assert [protected["read_by"] for protected in found["protected"]] == [[], [], [], []]
    assert found["needs"][0]["offers"] == ["diapers"]


def test_events_are_made_from_the_tables_of_the_source(tmp_path: Path) -> None:
    tables = {
        "transactions": [
            {
                "household_id": 1,
                "basket_id": 9,
                "product_id": product,
                "quantity": 1,
                "sales_value": value,
                "transaction_timestamp": "2017-01-03T10:00:00",
            }
            for product, value in [(11, 1.1), (12, 2.2), (13, 0.7)]
        ],
        "products": [
            {"product_id": product, "product_category": category} for product, category in [(11, "EGGS"), (12, "EGGS"), (13, None)]
        ],
        "campaigns": [{"campaign_id": 3, "household_id": 1}],
        "campaign_descriptions": [{"campaign_id": 3, "campaign_type": "Type B", "start_date": "2017-01-02T00:00:00"}],
        "coupons": [{"coupon_upc": 77, "product_id": product, "campaign_id": 3} for product in (11, 12, 13)],
        "coupon_redemptions": [{"household_id": 1, "coupon_upc": 77, "campaign_id": 3, "redemption_date": "2017-01-05T00:00:00"}] * 2,
        "demographics": [{"household_id": 1, "age": "25-34", "income": None, "household_size": "2", "kids_count": "0"}],
    }
    for name, rows in tables.items():
        table = pa.Table.from_pylist(rows)
        for column in ("transaction_timestamp", "start_date", "redemption_date"):
            if column in table.column_names:
                place = table.schema.get_field_index(column)
                table = table.set_column(place, column, table[column].cast(pa.timestamp("ns")))
        pq.write_table(table, tmp_path / f"{name}.parquet")
    found = module("prepare").events(tmp_path).to_pylist()
    by = {(row["type"], row["id"]): row for row in found}
    assert len(by) == len(found) == 8
    eggs = by["purchase", "9:EGGS"]
    assert (str(eggs["amount"]), eggs["quantity"], eggs["household"]) == ("3.30", 2, "1")
    assert str(by["purchase", "9:OTHER"]["amount"]) == "0.70"
    assert by["mailing", "mailing:3:1"]["kind"] == "B"
    assert [row["category"] for row in found if row["type"] == "redemption"] == ["EGGS", "EGGS"]
    assert {(row["attribute"], row["value"]) for row in found if row["type"] == "attribute_set"} == {
        ("age", "25-34"),
        ("household_size", "2"),
        ("children", "0"),
    }
