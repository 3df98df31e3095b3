"""Items from files: CSV, JSON and tables of columns, beside the playbook and on the command line."""

from __future__ import annotations

import json
import pickle
from pathlib import Path

import pyarrow as pa
import pyarrow.feather as feather
import pyarrow.parquet as pq
import pytest

import tactful
from tactful import cli

SHOP = """
playbook: shop
version: 1
identity: {customer: {}}
events: {purchase: {sku: string}}
catalog: {item: sku, bought: purchase, price: money(EUR), attributes: {pieces: int}}
suggestions: {again: {how: due_again}}
"""
TABLE = 'id,name,price,pieces\ntea,"Tea, green",4.50,20\ncup,Cup,,\npot,Pot,12,many\n'
CODES = [("missing_price", 3, "price"), ("wrong_type", 4, "pieces")]


@pytest.fixture
def engine() -> tactful.Engine:
    return tactful.Engine.compile({"shop.yaml": SHOP})


def told(bad: list[dict[str, object]]) -> list[tuple[object, object, object]]:
    return [(one["code"], one["line"], one["column"]) for one in bad]


def test_a_table_comes_as_path_or_text(engine: tactful.Engine, tmp_path: Path) -> None:
    path = tmp_path / "items.csv"
    path.write_text("\ufeff" + TABLE, encoding="utf-8")
    for table in (path, TABLE):
        _, bad = engine.with_catalog(table)
        assert told(bad) == CODES
    columns = pa.table({"id": ["tea", "pot"], "price": [4.5, 12.0], "pieces": [20, None]})
    pq.write_table(columns, tmp_path / "items.parquet")
    feather.write_feather(columns, str(tmp_path / "items.arrow"))
    (tmp_path / "items.jsonl").write_text('{"id": "tea", "price": 4.5}\n{"id": "cup"}\n', encoding="utf-8")
    for name in ("items.parquet", "items.arrow"):
        assert engine.with_catalog(tmp_path / name)[1] == []
    assert [one["row"] for one in engine.with_catalog(tmp_path / "items.jsonl")[1]] == [1]
    # What was given goes along.
    with_items = pickle.loads(pickle.dumps(engine.with_catalog(path)[0]))
    assert isinstance(with_items, tactful.Engine)


def test_what_is_no_table_is_told(engine: tactful.Engine, tmp_path: Path) -> None:
    with pytest.raises(tactful.QueryError, match="no column `id`"):
        engine.with_catalog("name,price\nTea,1\n")
    for name in ("items.csv", "data/items.PARQUET", r"C:\shop\items.json"):
        with pytest.raises(tactful.QueryError, match=r"name of a file.*pathlib.Path") as caught:
            engine.with_catalog(name)
        assert caught.value.code == "file_name"
    with pytest.raises(FileNotFoundError):
        engine.with_catalog(tmp_path / "none.csv")
    (tmp_path / "items.csv").write_bytes(b"id,price\n\xff,1\n")
    with pytest.raises(ValueError):
        engine.with_catalog(tmp_path / "items.csv")


def test_a_playbook_names_the_table_beside_it(tmp_path: Path) -> None:
    shop = tmp_path / "shop.yaml"
    shop.write_text(SHOP.replace("catalog: {", "catalog: {file: items.csv, "), encoding="utf-8")
    with pytest.raises(FileNotFoundError):
        tactful.Engine.load(shop)
    (tmp_path / "items.csv").write_text(TABLE, encoding="utf-8")
    engine = tactful.Engine.load(shop)
    assert [warning.code for warning in engine.warnings] == ["missing_price", "wrong_type"]
    assert pickle.loads(pickle.dumps(engine)).digest == engine.digest
    # A text has no folder.
    with pytest.raises(tactful.PlaybookError, match="missing_file"):
        tactful.Engine.compile({"shop.yaml": shop.read_text(encoding="utf-8")})
    assert tactful.Engine.compile({"shop.yaml": shop.read_text(encoding="utf-8"), "items.csv": TABLE}).digest == engine.digest


def test_no_link_leads_out_of_the_folder(tmp_path: Path) -> None:
    inside = tmp_path / "shop"
    inside.mkdir()
    (tmp_path / "items.csv").write_text(TABLE, encoding="utf-8")
    (inside / "items.csv").symlink_to(tmp_path / "items.csv")
    (inside / "shop.yaml").write_text(SHOP.replace("catalog: {", "catalog: {file: items.csv, "), encoding="utf-8")
    with pytest.raises(OSError, match="leads out of the folder"):
        tactful.Engine.load(inside / "shop.yaml")
    (inside / "shop.yaml").write_text(SHOP.replace("catalog: {", "catalog: {file: ../items.csv, "), encoding="utf-8")
    with pytest.raises(tactful.PlaybookError, match="bad_file"):
        tactful.Engine.load(inside / "shop.yaml")


def test_the_command_line_takes_a_table(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "shop.yaml").write_text(SHOP, encoding="utf-8")
    (tmp_path / "items.csv").write_text(TABLE, encoding="utf-8")
    assert cli.main(["check", str(tmp_path / "shop.yaml"), "--catalog", str(tmp_path / "items.csv")]) == 0
    errors = capsys.readouterr().err
    assert "items.csv: line 3, column `price`: every item needs a price" in errors
    assert "items.csv: line 4, column `pieces`: expected int, found string" in errors
    (tmp_path / "items.csv").write_text(json.dumps({"id": 1})[1:], encoding="utf-8")
    assert cli.main(["check", str(tmp_path / "shop.yaml"), "--catalog", str(tmp_path / "items.csv")]) == 1
    assert "is no table of items" in capsys.readouterr().err
    assert cli.main(["check", str(tmp_path / "shop.yaml"), "--catalog", str(tmp_path / "none.csv")]) != 0


def test_numbers_that_json_cannot_write_make_wrong_rows() -> None:
    head = "playbook: p\nversion: 1\nidentity: {customer: {}}\nevents: {buy: {sku: string}}\n"
    engine = tactful.Engine.compile({"p.yaml": head + "catalog: {item: sku, bought: buy, price: money(EUR)}\n"})
    rows = [{"id": "a", "price": 1.5}, {"id": "b", "price": float("nan")}, {"id": "c", "price": 10**30}, {"id": "d", "price": float("inf")}]
    bad = engine.with_catalog(rows)[1]
    assert [(one["row"], one["code"], one["column"]) for one in bad] == [(row, "wrong_type", "price") for row in (1, 2, 3)]
    assert "that is no decimal number" in bad[0]["message"]
