"""``tactful test``: stories with what is expected of them."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

import pytest

from tactful import cli

RETAIL = Path(__file__).parents[2] / "examples" / "retail"
WRONG = """
cases:
  nobody is lost after a month:
    steps:
      - {at: 2010-03-01T10:00:00Z, event: purchase, properties: {invoice: "1", amount: 1.00}}
      - {after: 30d, segments: {lost: true}}
      - {ask: newsletter, includes: second_order}
  somebody new is new:
    steps:
      - {at: 2010-03-01T10:00:00Z, event: purchase, properties: {invoice: "1", amount: 1.00}}
      - {segments: {new: true}}
"""


def run(*arguments: object) -> int:
    return cli.main(["test", "--playbook", str(RETAIL / "playbook.yaml"), *(str(argument) for argument in arguments)])


def test_the_cases_of_the_shop_pass(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(RETAIL / "cases.yaml") == 0
    told = capsys.readouterr().out.splitlines()
    assert told[0] == str(RETAIL / "cases.yaml")
    assert told[1] == "  ok      a first order is followed by one reminder, a week later"
    assert told[-1] == "4 passed"


def test_what_comes_otherwise_ends_with_1(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    cases = tmp_path / "cases.yaml"
    cases.write_text(WRONG)
    assert run(cases, "--junit", tmp_path / "out.xml") == 1
    assert capsys.readouterr().out == (
        f"{cases}\n"
        "  FAILED  nobody is lost after a month\n"
        "          line 6, 2010-03-31T10:00:00Z: expected segment `lost` to be true, but it is false\n"
        "          line 7, 2010-03-31T10:00:00Z: expected `second_order` among the offers, but they are none\n"
        "              `second_order` was stopped at consent in `newsletter`: consent for `marketing` was never given\n"
        "  ok      somebody new is new\n"
        "1 passed, 1 failed\n"
    )
    suite = ElementTree.parse(tmp_path / "out.xml").getroot()[0]
    assert (suite.get("tests"), suite.get("failures")) == ("2", "1")
    assert [len(case) for case in suite] == [2, 0]


def test_cases_can_be_chosen(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    cases = tmp_path / "cases.yaml"
    cases.write_text(WRONG)
    assert run(cases, "-k", "new is new") == 0
    assert capsys.readouterr().out.endswith("1 passed\n")
    assert run(cases, "-k", "nothing of that name") == 1
    assert capsys.readouterr().err == "tactful: there is no such case\n"


def test_mistakes_are_told_with_their_places(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    cases = tmp_path / "cases.yaml"
    cases.write_text("cases: {a: {steps: [{at: 2010-03-01T10:00:00Z, segments: {lots: true}}]}}\n")
    assert run(cases) == 1
    told = capsys.readouterr().err
    assert f"--> {cases}:1:" in told
    assert "did you mean `lost`?" in told
    assert told.endswith("tactful: 1 document of cases has mistakes\n")


COMING_FROM = sorted((RETAIL.parent / "coming-from").glob("*/*.cases.yaml"))


@pytest.mark.parametrize("cases", COMING_FROM, ids=[f"{cases.parent.name}-{cases.name}" for cases in COMING_FROM])
def test_what_other_systems_do_is_done_here(cases: Path) -> None:
    playbook = cases.with_name(cases.name.replace(".cases.yaml", ".yaml"))
    assert cli.main(["test", "--playbook", str(playbook), str(cases)]) == 0
