"""``tactful fmt``: rules get one layout, everything else stays byte for byte."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

import tactful
from tactful import cli

BEFORE = b"# head\r\nsegments:\r\n  a:  b&&c   # why\r\n"
AFTER = b"# head\r\nsegments:\r\n  a:  b && c   # why\r\n"


@pytest.fixture
def playbook(tmp_path: Path) -> Path:
    path = tmp_path / "playbook.yaml"
    path.write_bytes(BEFORE)
    return path


def run(*arguments: object) -> int:
    return cli.main(["fmt", *(str(argument) for argument in arguments)])


def test_in_place(playbook: Path, capsys: pytest.CaptureFixture[str]) -> None:
    playbook.chmod(0o640)
    assert run(playbook) == 0
    assert playbook.read_bytes() == AFTER
    assert playbook.stat().st_mode & 0o777 == 0o640
    assert capsys.readouterr().out == f"formatted {playbook}\n"
    assert [path.name for path in playbook.parent.iterdir()] == ["playbook.yaml"]
    assert run(playbook) == 0
    assert run("--check", playbook) == 0
    assert capsys.readouterr().out == ""


def test_check_names_what_would_change(playbook: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("--check", playbook) == 1
    assert capsys.readouterr().out == f"would format {playbook}\n"
    assert playbook.read_bytes() == BEFORE


def test_diff_changes_nothing(playbook: Path, capsys: pytest.CaptureFixture[str]) -> None:
    playbook.write_bytes(BEFORE.replace(b"\r", b"") + b"  d: e&&f")
    before = playbook.read_bytes()
    assert run("--diff", playbook) == 0
    assert capsys.readouterr().out == (
        f"--- {playbook}\n+++ {playbook} (formatted)\n@@ -1,4 +1,4 @@\n # head\n segments:\n-  a:  b&&c   # why\n-  d: e&&f\n"
        "\\ No newline at end of file\n+  a:  b && c   # why\n+  d: e && f\n\\ No newline at end of file\n"
    )
    assert playbook.read_bytes() == before


def test_what_cannot_be_parsed_is_left_alone(playbook: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    broken = tmp_path / "broken.yaml"
    broken.write_bytes(b"segments:\n  a: b&&c\n  d: e &&\n")
    assert run(broken, playbook) == 1
    told = capsys.readouterr().err
    assert f"{broken}:3:" in told
    assert told.endswith("tactful: 1 document cannot be parsed and is left alone\n")
    assert broken.read_bytes() == b"segments:\n  a: b&&c\n  d: e &&\n"
    assert playbook.read_bytes() == AFTER
    broken.write_bytes(b"\xff")
    assert run(broken) == 1
    assert run(tmp_path / "none.yaml") == 2
    assert run() == 2


@pytest.mark.parametrize("argument", ["-", "--expression"])
def test_an_expression_from_standard_input(argument: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("a&&b\n"))
    assert run(argument) == 0
    assert capsys.readouterr().out == "a && b\n"
    monkeypatch.setattr("sys.stdin", io.StringIO("a &&"))
    assert run(argument) == 1
    told = capsys.readouterr()
    assert told.out == ""
    assert told.err.endswith("tactful: the expression cannot be parsed\n")
    monkeypatch.setattr("sys.stdin", io.StringIO("a&&b\n"))
    assert run(argument, "--check") == 1


def test_functions() -> None:
    assert tactful.format_playbook(BEFORE.decode()).encode() == AFTER
    assert tactful.format_playbook('{"segments": {"a": "b&&c"}}', name="a.json") == '{"segments": {"a": "b && c"}}'
    assert tactful.format_expression("a&&b") == "a && b"
    with pytest.raises(tactful.PlaybookError) as told:
        tactful.format_playbook("segments:\n  a: b &&\n", name="a.yaml")
    assert told.value.diagnostics[0].code == "syntax"
    with pytest.raises(tactful.ExpressionError):
        tactful.format_expression("a &&")
