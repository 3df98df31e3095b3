"""What a report shows, as plain data. :mod:`tactful.report.adapt` fills it from a replay."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

__all__ = [
    "Candidate",
    "Decided",
    "Flow",
    "Happened",
    "Journey",
    "Offer",
    "Placement",
    "ReportData",
    "Score",
    "Segment",
    "Stage",
    "Story",
]


@dataclass(frozen=True)
class Stage:
    """A stage of a journey, and how many customers it has seen."""

    name: str
    title: str
    goal: str | None = None
    #: Why nothing can be observed here.
    no_data: str | None = None
    drop_out: bool = False
    #: Customers in this stage at the end.
    here: int = 0
    #: How often it was entered.
    entries: int = 0


@dataclass(frozen=True)
class Flow:
    """Moves from a stage to another; ``None`` stands for outside the journey."""

    source: str | None
    target: str | None
    count: int


@dataclass(frozen=True)
class Journey:
    """A journey with its stages in order."""

    name: str
    title: str
    stages: list[Stage]
    flows: list[Flow]
    #: Customers outside the journey at the end.
    outside: int = 0
    #: The map, drawn as SVG; empty for none.
    picture: str = ""
    #: What was planned beside what was walked, drawn as SVG; empty when nothing is planned.
    plan: str = ""


@dataclass(frozen=True)
class Segment:
    """A segment over time."""

    name: str
    title: str
    #: The rule.
    when: str
    #: Members at each instant of the report.
    members: list[int]
    #: Customers of whom it is unknown whether they belong, at each instant.
    unknown: list[int]


@dataclass(frozen=True)
class Offer:
    """An offer and what became of it."""

    name: str
    title: str
    purposes: list[str]
    #: How often it was decided.
    decided: int
    #: How many customers got it.
    customers: int
    by_placement: dict[str, int]
    by_instant: list[int]
    #: How many candidates each gate stopped; empty when not told.
    stopped: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Placement:
    """A placement and how it was filled, at each instant of the report."""

    name: str
    title: str
    channel: str
    offers: list[int]
    fallbacks: list[int]
    silences: list[int]
    #: Why it stayed silent or fell back, with how often, largest first.
    reasons: list[tuple[str, int]] = field(default_factory=list)

    @property
    def asked(self) -> int:
        """How many decisions were asked for."""
        return sum(self.offers) + sum(self.fallbacks) + sum(self.silences)


@dataclass(frozen=True)
class Score:
    """The arithmetic of a rank: the factors in the order of multiplication."""

    factors: list[tuple[str, float]]
    total: float


@dataclass(frozen=True)
class Candidate:
    """An offer that was considered for a customer."""

    offer: str
    title: str
    #: The first gate that stopped it; ``None`` when it passed all.
    gate: str | None
    #: What came of it, in one word.
    verdict: str
    reason: str
    facts: list[tuple[str, str]] = field(default_factory=list)
    score: Score | None = None
    #: The kinds of data that the offer reads, such as ``behavioural``.
    data: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Decided:
    """A decision for one customer at one placement."""

    placement: str
    title: str
    time: datetime
    #: ``offer``, ``fallback`` or ``silence``.
    kind: str
    #: Title and message of what is shown, in order of slots.
    shown: list[tuple[str, str]]
    reason: str
    candidates: list[Candidate]


@dataclass(frozen=True)
class Happened:
    """One event of a customer's story, for its picture."""

    time: datetime
    type: str
    amount: float | None = None
    #: What lines belong to, such as an order.
    group: str | None = None


@dataclass(frozen=True)
class Story:
    """A customer, explained."""

    customer: str
    events: list[Happened]
    segments: list[str]
    persona: str | None
    #: Journey, stage, and since when.
    stages: list[tuple[str, str, datetime | None]]
    decided: list[Decided]


@dataclass(frozen=True)
class ReportData:
    """Everything on the page."""

    title: str
    playbook: str
    version: int
    digest: str
    time_zone: str
    first: datetime | None
    last: datetime | None
    instants: list[datetime]
    rows: int
    events: int
    duplicates: int
    bad_rows: int
    customers: int
    anonymous_visitors: int
    anonymous_events: int
    decisions: int
    seconds: float
    #: How many events each source told; ``""`` is real.
    sources: dict[str, int]
    #: How many exposures were recorded in the replay, as if each top offer had been shown.
    exposures: int
    journeys: list[Journey]
    segments: list[Segment]
    #: Personas with how many customers they hold at the end.
    personas: list[tuple[str, int]]
    offers: list[Offer]
    placements: list[Placement]
    stories: list[Story]
    #: Rules of contact, in words.
    contact: list[str] = field(default_factory=list)
    #: Where the data come from.
    credit: str | None = None
    #: Sections about who goes without, as HTML.
    served: str | None = None
    #: The first bad rows: row, column, reason.
    bad: list[tuple[int, str, str]] = field(default_factory=list)

    @property
    def simulated(self) -> int:
        """How many of the events were simulated."""
        return sum(count for source, count in self.sources.items() if source == "simulation")
