"""The command line: one line says what is wrong and what to do, exit codes tell the kinds apart."""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq
import pytest

import fake
import tactful
from tactful import cli


class TactfulError(Exception):
    """Stands for the base of what the engine raises."""


class PlaybookError(TactfulError):
    """Stands for what a playbook with mistakes raises."""

    diagnostics = ["one", "two"]


@pytest.fixture(autouse=True)
def engine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tactful, "Engine", fake.Engine, raising=False)
    monkeypatch.setattr(tactful, "TactfulError", TactfulError, raising=False)
    monkeypatch.setattr(tactful, "PlaybookError", PlaybookError, raising=False)


@pytest.fixture
def playbook(tmp_path: Path) -> Path:
    path = tmp_path / "playbook.yaml"
    path.write_text("playbook: shop\n")
    return path


@pytest.fixture
def table() -> pa.Table:
    count = 5
    return pa.table(
        {
            "time": pa.array([fake.FIRST, fake.LAST, None, fake.LAST, fake.LAST], fake.TIME),
            "type": ["purchase"] * count,
            "customer": ["12759", "12766", "12773", None, "12759"],
            "amount": pa.array(["1.500"] * count).cast(pa.decimal128(15, 3)),
            "invoice": ["1", "2", "3", "4", "5"],
        }
    )


def write(table: pa.Table, path: Path) -> Path:
    if path.suffix == ".parquet":
        pq.write_table(table, path)
    elif path.suffix == ".csv":
        pyarrow.csv.write_csv(table, path)
    else:
        with pa.OSFile(str(path), "wb") as sink, pa.ipc.new_file(sink, table.schema) as out:
            out.write_table(table)
    return path


def run(*arguments: object) -> int:
    return cli.main([str(argument) for argument in arguments])


def fails(capsys: pytest.CaptureFixture[str], code: int, *arguments: object) -> str:
    assert run(*arguments) == code
    told = capsys.readouterr()
    assert told.out == ""
    assert "Traceback" not in told.err
    line: str = told.err.strip().splitlines()[-1]
    assert line.startswith("tactful: ")
    return line.removeprefix("tactful: ")


def test_check_says_what_is_in_the_playbook(playbook: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("check", playbook) == 0
    assert capsys.readouterr().out == "retail version 1: 12 segments, 2 personas, 1 journeys, 8 offers, 2 placements\n"


def test_mistakes_in_a_playbook_end_with_1(playbook: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    def load(paths: list[str]) -> None:
        raise PlaybookError("error[unknown_name]: `evnets`")

    monkeypatch.setattr(fake.Engine, "load", load)
    assert run("check", playbook) == 1
    assert capsys.readouterr().err == "error[unknown_name]: `evnets`\ntactful: the playbook has 2 mistakes\n"


def test_a_missing_playbook(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert "does not exist" in fails(capsys, 2, "check", tmp_path / "none.yaml")


@pytest.mark.parametrize("ending", ["parquet", "csv", "arrow"])
def test_replay_reads_each_format(ending: str, playbook: Path, table: pa.Table, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    events = write(table, tmp_path / f"events.{ending}")
    report, figures = tmp_path / "out" / "r.html", tmp_path / "out" / "r.json"
    assert run("replay", "--playbook", playbook, "--events", events, "--report", report, "--json", figures, "--name", "customer:12759") == 0
    told = capsys.readouterr().out
    for words in ("events per second", "no data", "Lapsing", "customer:12759", "why: ", "not Christmas preview", f"Report: {report}"):
        assert words in told
    assert report.read_text(encoding="utf-8").startswith("<!DOCTYPE html>")
    written = json.loads(figures.read_text(encoding="utf-8"))
    assert [event["amount"] for event in written["stories"][0]["events"]] == [1.5, 1.5]


def test_a_missing_file(playbook: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "none.parquet"
    assert fails(capsys, 2, "replay", "--playbook", playbook, "--events", path) == f"`{path}` does not exist: check the path"


def test_an_empty_table(playbook: Path, table: pa.Table, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for ending in ("parquet", "csv", "arrow"):
        path = write(table.slice(0, 0), tmp_path / f"empty.{ending}")
        assert fails(capsys, 2, "replay", "--playbook", playbook, "--events", path) == f"`{path}` has no rows: give a file with events"


def test_a_missing_column(playbook: Path, table: pa.Table, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = write(table.drop_columns(["type"]), tmp_path / "events.parquet")
    assert "has no column `type`: it has `time`, `customer`" in fails(capsys, 2, "replay", "--playbook", playbook, "--events", path)
    path = write(table, tmp_path / "events.parquet")
    told = fails(capsys, 2, "replay", "--playbook", playbook, "--events", path, "--customer-column", "client")
    assert "has no column `client`" in told


def test_a_column_of_the_wrong_type(playbook: Path, table: pa.Table, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    times = pa.array([1, 2, 3, 4, 5])
    path = write(table.set_column(0, "time", times), tmp_path / "events.parquet")
    assert "column `time` is int64: give timestamps" in fails(capsys, 2, "replay", "--playbook", playbook, "--events", path)
    path = write(table.set_column(0, "time", table["time"].cast(pa.timestamp("us"))), tmp_path / "events.parquet")
    assert "column `time` has no time zone" in fails(capsys, 2, "replay", "--playbook", playbook, "--events", path)
    path = write(table.set_column(1, "type", times), tmp_path / "events.parquet")
    assert "column `type` is int64" in fails(capsys, 2, "replay", "--playbook", playbook, "--events", path)


def test_files_that_are_not_what_they_say(playbook: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for ending in ("parquet", "csv", "arrow", "txt"):
        path = tmp_path / f"events.{ending}"
        path.write_bytes(b"\xff\xfe\x00,\n,,,\xc3(")
        fails(capsys, 2, "replay", "--playbook", playbook, "--events", path)
    fails(capsys, 2, "replay", "--playbook", playbook, "--events", tmp_path)


def test_times_that_are_all_missing(playbook: Path, table: pa.Table, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = write(table.slice(2, 1), tmp_path / "events.parquet")
    assert "no row of column `time` has a time" in fails(capsys, 2, "replay", "--playbook", playbook, "--events", path)


def test_an_unknown_placement_and_a_bare_name(playbook: Path, table: pa.Table, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = write(table, tmp_path / "events.parquet")
    start = ("replay", "--playbook", playbook, "--events", path)
    assert "no placement `hero`: it has `home_hero`, `newsletter`" in fails(capsys, 2, *start, "--placement", "hero")
    assert "such as customer:12345" in fails(capsys, 2, *start, "--name", "12345")


def test_what_the_engine_raises_is_one_line(
    playbook: Path, table: pa.Table, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def replay(*_: object, **__: object) -> None:
        raise TactfulError("row 3: column `time` is empty")

    monkeypatch.setattr(fake.Engine, "replay", replay)
    path = write(table, tmp_path / "events.parquet")
    assert fails(capsys, 1, "replay", "--playbook", playbook, "--events", path, "--quiet") == "row 3: column `time` is empty"


def test_explain(playbook: Path, table: pa.Table, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = write(table, tmp_path / "events.parquet")
    start = ("explain", "--playbook", playbook, "--events", path, "--customer", "customer:12759", "--placement", "newsletter", "--at")
    assert run(*start, "2010-06-30T12:00:00Z") == 0
    assert "the customer agreed" in capsys.readouterr().out
    assert run(*start, "2010-06-30", "--json") == 0
    assert "candidates" in json.loads(capsys.readouterr().out)
    assert "has no time zone" in fails(capsys, 2, *start, "2010-06-30T12:00:00")
    assert "is not an instant" in fails(capsys, 2, *start, "yesterday")
