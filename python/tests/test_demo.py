"""The retail example through the real engine: the same decisions twice, and whatever the order of the rows."""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from tactful import cli

RETAIL = Path(__file__).parents[2] / "examples" / "retail"


def replay(folder: Path, events: Path, capsys: pytest.CaptureFixture[str]) -> tuple[dict[str, object], str, str]:
    report, figures = folder / "report.html", folder / "figures.json"
    arguments = ["replay", "--playbook", str(RETAIL / "playbook.yaml"), "--report", str(report), "--json", str(figures)]
    for path in (events, RETAIL / "simulated.parquet"):
        arguments += ["--events", str(path)]
    assert cli.main(arguments) == 0
    told = json.loads(figures.read_text(encoding="utf-8"))
    assert told.pop("seconds") > 0
    return told, report.read_text(encoding="utf-8"), capsys.readouterr().out


def test_the_playbook_has_no_mistakes(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["check", str(RETAIL / "playbook.yaml")]) == 0
    assert capsys.readouterr().out == "retail version 1: 14 segments, 2 personas, 1 journeys, 11 offers, 2 placements\n"


def test_a_year_of_orders_gives_the_same_whatever_the_order_of_rows(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    once, html, told = replay(tmp_path, RETAIL / "events.parquet", capsys)
    table = pq.read_table(RETAIL / "events.parquet")
    # By line, then product: as far from the order of time as a stable order gets.
    shuffled = table.take(
        pc.sort_indices(pa.table({"a": pc.utf8_reverse(table["id"]), "b": table["stock_code"]}), sort_keys=[("a", "ascending")])
    )
    path = tmp_path / "shuffled.parquet"
    pq.write_table(shuffled, path)
    again, _, _ = replay(tmp_path, path, capsys)
    assert again == once

    assert (once["customers"], once["events"], once["bad_rows"]) == (4_383, 528_438, 0)
    assert (once["anonymous_visitors"], once["anonymous_events"]) == (5_229, 107_927)
    for words in ("events per second", "no data", "silence", "why: "):
        assert words in told
    assert "Consents and exposures are not real" in html
    offers = once["offers"]
    assert isinstance(offers, list) and all(offer["decided"] > 0 for offer in offers)


def test_rows_of_a_csv_file_are_judged_one_by_one(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A file of text: what fits is recorded, of the rest the row, the column and the reason are told."""
    playbook = tmp_path / "shop.yaml"
    playbook.write_text(
        "{playbook: shop, version: 1, identity: {customer: {}}, events: {purchase: {amount: money(EUR), pieces: int, gift: bool}}}",
        encoding="utf-8",
    )
    events = tmp_path / "events.csv"
    events.write_text(
        "type,time,customer,amount,pieces,gift,sequence\n"
        "purchase,2010-01-01T00:00:00Z,1,12.50,3,true,1\n"
        "purchse,2010-01-01T00:00:00Z,1,12.50,3,true,2\n"
        "purchase,yesterday,1,12.50,3,true,3\n"
        "purchase,2010-01-01T00:00:00Z,1,NaN,3,true,4\n"
        "purchase,2010-01-01T00:00:00Z,1,1,three,true,5\n"
        "purchase,2010-01-01T00:00:00Z,1,1,3,perhaps,6\n"
        "purchase,2010-01-01T00:00:00Z,,1,3,true,7\n"
        "purchase,2010-01-02T00:00:00Z,2,,,,\n",
        encoding="utf-8",
    )
    out = tmp_path / "out.json"
    arguments = ["replay", "--playbook", str(playbook), "--events", str(events), "--decide", "none", "--bad-rows", "report"]
    assert cli.main([*arguments, "--json", str(out)]) == 0
    told = capsys.readouterr().out.replace("\n", " ")
    assert "6 rows could not be read" in told
    for part in ["row 1, column type", "row 2, column time", "row 3, column amount", "row 4, column pieces", "row 5, column gift"]:
        assert part in told
    assert "row 6, column customer" in told
