"""From a replay to the data of a report. Needs pyarrow."""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Literal, Protocol

import pyarrow as pa
import pyarrow.compute as pc

from .data import Candidate, Decided, Flow, Happened, Journey, Offer, Placement, ReportData, Score, Segment, Stage, Story

__all__ = ["Explained", "Replayed", "exemplars", "from_replay"]


class Traced(Protocol):
    """Why a decision came out as it did."""

    def to_dict(self) -> dict[str, Any]:
        """As data: ``candidates``, each with ``offer``, ``gate``, ``reasons`` and perhaps ``score``."""


class Explained(Protocol):
    """A decision with its trace."""

    @property
    def trace(self) -> Traced | None:
        """The trace."""


class Told(Protocol):
    """One event of a customer."""

    @property
    def type(self) -> str:
        """Its type."""

    @property
    def time(self) -> datetime:
        """When it happened."""

    @property
    def source(self) -> str | None:
        """Who told it."""

    @property
    def properties(self) -> Mapping[str, Any]:
        """Its properties."""


class Drawn(Protocol):
    """A journey map."""

    def svg(self) -> str:
        """As an image that needs nothing else."""

    def plan(self) -> Drawn:
        """What was planned beside it."""


class Replayed(Protocol):
    """What a replay gives: tables that export Arrow, and figures."""

    @property
    def customers(self) -> Any:
        """One row per customer."""

    @property
    def decisions(self) -> Any:
        """One row per customer, instant, placement and slot."""

    @property
    def segments(self) -> Any:
        """Sizes of segments at each instant."""

    @property
    def stages(self) -> Any:
        """Customers per stage at each instant."""

    @property
    def transitions(self) -> Any:
        """How often customers went from a stage to another."""

    @property
    def bad_rows(self) -> Any:
        """Rows that could not be read."""

    @property
    def stats(self) -> Mapping[str, Any]:
        """Figures of the replay."""

    def explain(self, identifier: str, placements: list[str], now: datetime, /) -> Explained:
        """Why a customer got what, at some placements and an instant."""

    def journey_map(self, journey: str, at: datetime, /, *, split: Literal["segments"] | None = None) -> Drawn:
        """The map of a journey at an instant."""

    def events(self, identifier: str, /) -> Sequence[Told]:
        """The story of a customer."""


def from_replay(
    playbook: Mapping[str, Any],
    replay: Replayed,
    *,
    names: Sequence[str] = (),
    credit: str | None = None,
    period: tuple[datetime, datetime] | None = None,
    served: str | None = None,
) -> ReportData:
    """The report on a replay.

    Args:
        playbook: the summary of the playbook, ``engine.playbook``.
        replay: the replay.
        names: customers to explain, such as ``customer:12345``; see :func:`exemplars` for a choice.
        credit: where the data come from.
        period: the first and the last instant of the page; by default that of the customers' events.
        served: sections about who goes without, as the question ``served`` gives them with ``"format": "html"``.
    """
    decisions = _plain_table(replay.decisions)
    customers = _plain_table(replay.customers)
    sizes = _plain_table(replay.segments)
    stages = _plain_table(replay.stages)
    stats = replay.stats
    instants = sorted(set(_column(sizes, "time")) | set(_column(decisions, "time")) | set(_column(stages, "time")))
    if period is None:
        times = [time for time in (*_column(customers, "first_time"), *_column(customers, "last_time")) if time is not None]
        first, last = (min(times), max([*times, *instants])) if times else (None, None)
    else:
        first, last = period
    seconds = stats.get("seconds", {})
    kinds = _counts(decisions, ["kind"])
    return ReportData(
        title=str(playbook.get("title") or playbook["name"]),
        playbook=str(playbook["name"]),
        version=int(playbook["version"]),
        digest=str(stats.get("digest") or playbook.get("digest", "")),
        time_zone=str(playbook.get("time_zone", "UTC")),
        first=first,
        last=last,
        instants=instants,
        rows=int(stats.get("rows", 0)),
        events=int(stats.get("events", 0)),
        duplicates=int(stats.get("duplicates", 0)),
        bad_rows=int(stats.get("bad_rows", 0)),
        customers=int(stats.get("customers", 0)),
        anonymous_visitors=int(stats.get("anonymous_visitors", 0)),
        anonymous_events=int(stats.get("anonymous_events", 0)),
        decisions=int(stats.get("decisions", 0)),
        seconds=sum(float(value) for value in seconds.values()),
        sources={str(source): int(count) for source, count in stats.get("sources", {}).items()},
        exposures=int(stats.get("exposures", kinds.get(("offer",), 0))),
        journeys=_journeys(playbook, replay, stages, int(stats.get("customers", 0)), last),
        segments=_segments(playbook, sizes, instants),
        personas=_personas(playbook, customers),
        offers=_offers(playbook, replay, decisions, instants),
        placements=_placements(playbook, decisions, instants),
        stories=[_story(name, playbook, replay, customers, decisions) for name in names],
        contact=[_contact(rule) for rule in playbook.get("contact", [])],
        credit=credit,
        served=served,
        bad=[
            (int(row["row"]), str(row["column"] or ""), str(row["reason"]))
            for row in _plain_table(replay.bad_rows).slice(0, 50).to_pylist()
        ],
    )


def exemplars(replay: Replayed, count: int = 3) -> list[str]:
    """Customers worth explaining: one with an offer, one who gets nothing, one in between, at the last instant.

    Of those who qualify, the one whose number of events is nearest to 150 is taken, so that the picture of the story is
    neither empty nor crowded; ties go to the smaller identifier.
    """
    decisions = _plain_table(replay.decisions)
    if decisions.num_rows == 0:
        return []
    latest = pc.max(decisions["time"])
    now = decisions.filter(pc.equal(decisions["time"], latest)).select(["customer", "kind"])
    kinds: dict[str, set[str]] = {}
    for row in now.group_by(["customer", "kind"]).aggregate([]).to_pylist():
        kinds.setdefault(row["customer"], set()).add(row["kind"])
    customers = _plain_table(replay.customers)
    sizes = dict(zip(_column(customers, "customer"), _column(customers, "events")))
    chosen: list[str] = []
    ranked = sorted(kinds, key=lambda name: (abs(int(sizes.get(name, 0) or 0) - 150), name))
    for want in ("offer", "nothing", "fallback")[:count]:
        chosen += [name for name in ranked if _outcome(kinds[name]) == want][:1]
    chosen += [name for name in ranked if name not in chosen][: count - len(chosen)]
    return chosen


def _outcome(kinds: set[str]) -> str:
    """What a customer got at one instant, over all placements."""
    return "offer" if "offer" in kinds else "fallback" if "fallback" in kinds else "nothing"


def _plain_table(exported: Any) -> pa.Table:
    """A table with text where it was encoded as a dictionary, whose batches need not agree on their entries."""
    table = pa.table(exported)
    plain = [column.cast(pa.string()) if pa.types.is_dictionary(column.type) else column for column in table.columns]
    return pa.table(plain, names=table.column_names)


def _column(table: pa.Table, name: str) -> list[Any]:
    return list(table[name].to_pylist()) if name in table.column_names else []


def _counts(table: pa.Table, keys: list[str]) -> dict[tuple[Any, ...], int]:
    """How many rows there are of each combination."""
    if table.num_rows == 0:
        return {}
    found = table.select(keys).group_by(keys).aggregate([([], "count_all")])
    return {tuple(row[key] for key in keys): int(row["count_all"]) for row in found.to_pylist()}


def _titles(entries: Iterable[Mapping[str, Any]]) -> dict[str, str]:
    return {entry["name"]: str(entry.get("title") or entry["name"].replace("_", " ").capitalize()) for entry in entries}


def _none(name: Any) -> str | None:
    return None if name in (None, "", "none") else str(name)


def _journeys(playbook: Mapping[str, Any], replay: Replayed, stages: pa.Table, customers: int, at: datetime | None) -> list[Journey]:
    rows = stages.to_pylist()
    moves = _plain_table(replay.transitions).to_pylist()
    latest = max((row["time"] for row in rows), default=None)
    journeys = []
    for journey in playbook.get("journeys", []):
        name = journey["name"]
        flows = [Flow(_none(move["from"]), _none(move["to"]), int(move["count"])) for move in moves if move["journey"] == name]
        here = {row["stage"]: int(row["customers"]) for row in rows if row["journey"] == name and row["time"] == latest}
        told = []
        for stage in journey["stages"]:
            told.append(
                Stage(
                    name=stage["name"],
                    title=str(stage.get("title") or stage["name"]),
                    goal=stage.get("goal"),
                    no_data=stage.get("no_data"),
                    drop_out=bool(stage.get("drop_out")),
                    here=here.get(stage["name"], 0),
                    entries=sum(flow.count for flow in flows if flow.target == stage["name"]),
                )
            )
        outside = max(customers - sum(stage.here for stage in told), 0)
        picture = replay.journey_map(name, at).svg() if at else ""
        plan = replay.journey_map(name, at, split="segments").plan().svg() if at and journey.get("plan") else ""
        journeys.append(Journey(name, str(journey.get("title") or name), told, flows, outside, picture, plan))
    return journeys


def _segments(playbook: Mapping[str, Any], sizes: pa.Table, instants: list[datetime]) -> list[Segment]:
    members = {(row["segment"], row["time"]): (int(row["members"]), int(row["unknown"])) for row in sizes.to_pylist()}
    told = []
    for segment in playbook.get("segments", []):
        line = [members.get((segment["name"], instant), (0, 0)) for instant in instants]
        told.append(
            Segment(
                name=segment["name"],
                title=str(segment.get("title") or segment["name"]),
                when=str(segment.get("when") or ""),
                members=[each[0] for each in line],
                unknown=[each[1] for each in line],
            )
        )
    return told


def _personas(playbook: Mapping[str, Any], customers: pa.Table) -> list[tuple[str, int]]:
    if "persona" not in customers.column_names or not playbook.get("personas"):
        return []
    if "anonymous" in customers.column_names:
        customers = customers.filter(pc.invert(customers["anonymous"]))
    counts = {_none(key[0]): count for key, count in _counts(customers, ["persona"]).items()}
    titles = _titles(playbook["personas"])
    told = [(title, counts.get(name, 0)) for name, title in titles.items()]
    return [*told, ("None stands out", customers.num_rows - sum(count for _, count in told))]


def _offers(playbook: Mapping[str, Any], replay: Replayed, decisions: pa.Table, instants: list[datetime]) -> list[Offer]:
    offered = decisions.filter(pc.equal(decisions["kind"], "offer"))
    counts = _counts(offered, ["offer", "placement", "time"])
    people = offered.group_by(["offer"]).aggregate([("customer", "count_distinct")]).to_pylist()
    reached = {row["offer"]: int(row["customer_count_distinct"]) for row in people}
    stopped: dict[str, dict[str, int]] = {}
    gates = getattr(replay, "gates", None)
    for row in _plain_table(gates).to_pylist() if gates is not None else []:
        gate = _none(row["gate"])
        if gate is not None and gate != "chosen":
            held = stopped.setdefault(row["offer"], {})
            held[gate] = held.get(gate, 0) + int(row["customers"])
    places = [placement["name"] for placement in playbook.get("placements", [])]
    told = []
    for offer in playbook.get("offers", []):
        name = offer["name"]
        by_placement = {place: sum(n for (of, at, _), n in counts.items() if of == name and at == place) for place in places}
        told.append(
            Offer(
                name=name,
                title=str(offer.get("title") or name),
                purposes=[str(purpose) for purpose in offer.get("purposes", [])],
                decided=sum(by_placement.values()),
                customers=reached.get(name, 0),
                by_placement=by_placement,
                by_instant=[sum(counts.get((name, place, instant), 0) for place in places) for instant in instants],
                stopped=stopped.get(name, {}),
            )
        )
    return told


def _placements(playbook: Mapping[str, Any], decisions: pa.Table, instants: list[datetime]) -> list[Placement]:
    told = []
    for placement in playbook.get("placements", []):
        here = decisions.filter(pc.equal(decisions["placement"], placement["name"]))
        if here.num_rows == 0:
            continue
        # The first slot says what became of the question as a whole.
        here = here.filter(pc.equal(here["slot"], pc.min(here["slot"])))
        counts = _counts(here, ["kind", "time"])
        reasons = _counts(here.filter(pc.not_equal(here["kind"], "offer")), ["reason"])
        told.append(
            Placement(
                name=placement["name"],
                title=str(placement.get("title") or placement["name"]),
                channel=str(placement.get("channel", "")),
                offers=[counts.get(("offer", instant), 0) for instant in instants],
                fallbacks=[counts.get(("fallback", instant), 0) for instant in instants],
                silences=[counts.get(("silence", instant), 0) for instant in instants],
                reasons=sorted(((str(key[0]), count) for key, count in reasons.items() if key[0]), key=lambda pair: (-pair[1], pair[0])),
            )
        )
    return told


def _contact(rule: Mapping[str, Any]) -> str:
    """A rule of contact in words."""
    scope = {"offer": "the same offer", "placement": "one placement", "everything": "anything"}.get(
        str(rule.get("scope")), str(rule.get("scope"))
    )
    if rule.get("at_most") is not None:
        return f"{scope} is {rule.get('count', 'shown')} at most {rule['at_most']} times per {rule.get('per')}"
    return f"{scope} pauses for {rule.get('pause')} after it was {rule.get('after')}"


def _story(
    name: str,
    playbook: Mapping[str, Any],
    replay: Replayed,
    customers: pa.Table,
    decisions: pa.Table,
) -> Story:
    found = customers.filter(pc.equal(customers["customer"], name)).to_pylist()
    customer: Mapping[str, Any] = found[0] if found else {}
    segments = _titles(playbook.get("segments", []))
    stages = []
    for journey in playbook.get("journeys", []):
        stage = _none(customer.get(f"journey_{journey['name']}"))
        if stage is not None:
            title = _titles(journey["stages"]).get(stage, stage)
            stages.append((str(journey.get("title") or journey["name"]), title, customer.get(f"journey_{journey['name']}_since")))
    persona = _none(customer.get("persona"))
    return Story(
        customer=name,
        # What the replay itself recorded is no part of the data.
        events=[_happened(event) for event in replay.events(name) if event.source != "replay"],
        segments=[segments.get(segment, segment) for segment in customer.get("segments") or []],
        persona=None if persona is None else _titles(playbook.get("personas", [])).get(persona, persona),
        stages=stages,
        decided=_decided(name, playbook, replay, decisions),
    )


def _happened(event: Told) -> Happened:
    properties = event.properties
    amount, group = properties.get("amount"), properties.get("invoice")
    return Happened(event.time, event.type, None if amount is None else float(amount), None if group is None else str(group))


def _decided(name: str, playbook: Mapping[str, Any], replay: Replayed, decisions: pa.Table) -> list[Decided]:
    """The last decision for a customer at each placement."""
    rows = decisions.filter(pc.equal(decisions["customer"], name)).to_pylist()
    if not rows:
        return []
    latest = max(row["time"] for row in rows)
    offers = _titles(playbook.get("offers", []))
    formats = {channel["name"]: channel.get("format") for channel in playbook.get("channels", [])}
    # The same question again, because what one placement took is not there for the next.
    asked = list(dict.fromkeys(row["placement"] for row in rows if row["time"] == latest))
    trace = replay.explain(name, asked, latest).trace
    candidates = trace.to_dict()["candidates"] if trace is not None else []
    told = []
    for placement in playbook.get("placements", []):
        markup = formats.get(placement.get("channel")) == "html"
        here = [row for row in rows if row["placement"] == placement["name"] and row["time"] == latest]
        here.sort(key=lambda row: (row["slot"] is None, row["slot"] or 0))
        if not here:
            continue
        shown = [
            (offers.get(row["offer"], row["offer"]) if row["offer"] else "", _plain(row["message"] or "", markup))
            for row in here
            if row["kind"] != "silence"
        ]
        told.append(
            Decided(
                placement=placement["name"],
                title=str(placement.get("title") or placement["name"]),
                time=latest,
                kind=str(here[0]["kind"]),
                shown=shown,
                reason=str(here[0]["reason"] or ""),
                candidates=[_candidate(candidate, offers) for candidate in candidates if candidate["placement"] == placement["name"]],
            )
        )
    return told


def _plain(message: str, markup: bool) -> str:
    """A message as it reads: one in HTML without its tags."""
    return html.unescape(re.sub(r"<[^<>]*>", "", message)) if markup else message


def _candidate(candidate: Mapping[str, Any], offers: Mapping[str, str]) -> Candidate:
    score = candidate.get("score") or {}
    factors = [(factor, float(score[factor])) for factor in ("propensity", "context", "value", "lever") if score.get(factor) is not None]
    total = score.get("total")
    chosen = candidate["gate"] == "chosen"
    return Candidate(
        offer=candidate["offer"],
        title=offers.get(candidate["offer"], candidate["offer"]),
        gate=None if chosen else str(candidate["gate"]),
        verdict="chosen" if chosen else "stopped",
        reason="; ".join(candidate.get("reasons", [])),
        facts=[(str(fact["path"]), _value(fact["value"])) for fact in candidate.get("facts", [])],
        score=None if total is None else Score([pair for pair in factors if pair[1] != 1.0], float(total)),
        data=[str(kind) for kind in candidate.get("data", [])],
    )


def _value(value: Any) -> str:
    """A fact as a reader writes it."""
    if value is None:
        return "unknown"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return f"{value:.4g}"
    return str(value)
