"""The report: everything that comes from outside is text, the page needs nothing else, figures add up."""

from __future__ import annotations

import re
from dataclasses import replace
from html.parser import HTMLParser

import pytest

import fake
from tactful.report import page, write
from tactful.report.adapt import exemplars, from_replay
from tactful.report.data import Flow, Journey, ReportData, Stage
from tactful.report.markup import tag


@pytest.fixture(scope="module")
def data() -> ReportData:
    replay = fake.Replay()
    return from_replay(fake.PLAYBOOK, replay, names=exemplars(replay), credit="Online Retail II", period=(fake.FIRST, fake.LAST))


class _Balanced(HTMLParser):
    """Counts elements and complains about any that is closed by another."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: dict[str, int] = {}
        self.words: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen[tag] = self.seen.get(tag, 0) + 1
        if tag not in ("meta", "br", "hr", "img", "link"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.words.append(data)


def parsed(html: str) -> _Balanced:
    parser = _Balanced()
    parser.feed(html)
    parser.close()
    assert parser.open == []
    return parser


def test_every_element_is_closed_and_the_landmarks_are_there(data: ReportData) -> None:
    seen = parsed(page(data)).seen
    assert (seen["header"], seen["main"], seen["nav"], seen["h1"]) == (1, 1, 1, 1)
    assert seen["article"] == 2 + 3


def test_the_page_needs_nothing_else(data: ReportData) -> None:
    html = page(data)
    assert "<script" not in html and "@import" not in html and "url(http" not in html
    assert not re.search(r'(?:src|href)="(?!#)', html)
    assert "default-src &#x27;none&#x27;" in html


def test_whatever_comes_from_outside_is_text(data: ReportData) -> None:
    evil = "</style><script>alert(1)</script>\x00\"'<img src=x onerror=y>&amp;"
    story = replace(data.stories[0], customer=evil, segments=[evil], persona=evil)
    changed = replace(
        data,
        title=evil,
        playbook=evil,
        digest=evil,
        credit=evil,
        stories=[story],
        segments=[replace(data.segments[0], title=evil, when=evil)],
        offers=[replace(data.offers[0], title=evil, purposes=[evil], stopped={evil: 3})],
        placements=[replace(data.placements[0], title=evil, channel=evil, reasons=[(evil, 1)])],
        journeys=[Journey("j", evil, [Stage("a", evil, evil), Stage("b", evil, None, evil)], [Flow(None, "a", 3)])],
        contact=[evil],
        bad_rows=1,
        bad=[(1, evil, evil)],
    )
    html = page(changed)
    seen = parsed(html).seen
    assert "script" not in seen and "img" not in seen
    assert "\x00" not in html


def test_the_same_data_give_the_same_page(data: ReportData) -> None:
    again = from_replay(
        fake.PLAYBOOK, fake.Replay(), names=exemplars(fake.Replay()), credit="Online Retail II", period=(fake.FIRST, fake.LAST)
    )
    assert again == data
    assert page(again) == page(data)


def test_simulated_parts_are_labelled(data: ReportData) -> None:
    words = " ".join(parsed(page(data)).words)
    assert "Consents and exposures are not real" in words
    assert f"{data.simulated:,} consents" in words and f"{data.exposures:,} exposures" in words
    real = replace(data, sources={"": 7}, exposures=0)
    assert "not real" not in " ".join(parsed(page(real)).words)


def test_figures_of_a_placement_add_up(data: ReportData) -> None:
    for placement in data.placements:
        # Twelve instants, 240 customers: one outcome each, however many slots.
        assert placement.asked == 12 * 240
    assert sum(offer.decided for offer in data.offers) == data.exposures


def test_a_stage_keeps_who_came_and_did_not_go(data: ReportData) -> None:
    journey = data.journeys[0]
    for stage in journey.stages:
        gone = sum(flow.count for flow in journey.flows if flow.source == stage.name)
        assert stage.entries - gone == (stage.here if stage.name != "lost" else 2126 - 887)


def test_one_with_an_offer_one_with_nothing_one_with_the_fallback(data: ReportData) -> None:
    kinds = [{decided.kind for decided in story.decided} for story in data.stories]
    assert kinds == [{"offer"}, {"silence"}, {"fallback", "silence"}]
    words = " ".join(parsed(page(data)).words)
    assert "gets nothing" in words and "gets no offer, only the fallback" in words


def test_nothing_at_all_still_is_a_page(data: ReportData) -> None:
    empty = replace(data, instants=[], journeys=[], segments=[], personas=[], offers=[], placements=[], stories=[], seconds=0.0, first=None)
    assert parsed(page(empty)).seen["h1"] == 1


def test_folders_are_made(data: ReportData, tmp_path: pytest.TempPathFactory) -> None:
    path = write(data, f"{tmp_path}/new/report.html")
    assert path.read_text(encoding="utf-8").startswith("<!DOCTYPE html>")


def test_attributes_are_escaped_too() -> None:
    assert tag("p", title='"><b>', data_x=1.5) == '<p title="&quot;&gt;&lt;b&gt;" data-x="1.5"></p>'
