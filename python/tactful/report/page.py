"""The page: sections in the order in which a reader asks."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from importlib.resources import files

from . import charts
from .data import Candidate, Decided, Offer, Placement, ReportData, Story
from .journey_map import journey_map
from .markup import Child, Markup, join, tag

__all__ = ["page"]

#: Gates in the order in which an offer meets them, with what a reader calls them.
_GATES = {
    "consent": "No consent",
    "placement": "Not for this place",
    "treatment": "Not for this channel",
    "validity": "Out of season",
    "eligible": "Not eligible",
    "applicable": "Not now",
    "suitable": "Not suitable",
    "contact": "Shown enough",
    "score": "No score",
    "message": "No message",
    "slots": "Outranked",
    "outranked": "Outranked",
    "rank": "Outranked",
}


def page(data: ReportData) -> str:
    """The whole report as one HTML document that needs nothing else."""
    style = files(__package__ or "tactful.report").joinpath("style.css").read_text(encoding="utf-8")
    body = [
        _header(data),
        tag(
            "main",
            _notice(data),
            _figures(data),
            [_journey(data, number) for number in range(len(data.journeys))],
            _placements(data),
            _offers(data),
            _segments(data),
            _stories(data),
            _bad_rows(data),
            id="content",
        ),
        _footer(data),
    ]
    policy = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"
    head = [
        tag("meta", charset="utf-8"),
        tag("meta", http_equiv="Content-Security-Policy", content=policy),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("meta", name="color-scheme", content="light dark"),
        tag("title", f"{data.title}: customers and decisions"),
        tag("style", Markup(style)),
    ]
    return "<!DOCTYPE html>\n" + tag("html", tag("head", head), tag("body", body), lang="en") + "\n"


# --- parts -------------------------------------------------------------------------------------------------------------


def _section(anchor: str, title: str, lead: Child, *children: Child) -> Markup:
    return tag(
        "section",
        tag("div", tag("h2", title, id=anchor), tag("p", lead, class_="lead") if lead else None, class_="heading"),
        children,
        aria_labelledby=anchor,
    )


def _table(columns: Iterable[Child], rows: Iterable[Markup], caption: str, **attributes: object) -> Markup:
    head = tag("thead", tag("tr", [tag("th", column, scope="col") for column in columns]))
    table = tag("table", tag("caption", caption, class_="unseen"), head, tag("tbody", rows), **attributes)
    return tag("div", table, class_="scroll", tabindex="0", role="region", aria_label=caption)


def _day(instant: datetime | None) -> str:
    return "unknown" if instant is None else f"{instant.day} {_MONTH[instant.month - 1]} {instant.year}"


_MONTH = (
    "January", "February", "March", "April", "May", "June",
    "July", "August", "September", "October", "November", "December",
)  # fmt: skip


def _percent(part: int, whole: int) -> str:
    """A share in whole per cent; what is there at all is never 0 %.

    >>> _percent(1, 1000), _percent(0, 5), _percent(2, 4), _percent(999, 1000)
    ('<1 %', '0 %', '50 %', '>99 %')
    """
    if whole <= 0 or part <= 0:
        return "0 %"
    share = 100 * part / whole
    if share < 1:
        return "<1 %"
    if 99 < share < 100:
        return ">99 %"
    return f"{share:.0f} %"


def _list(names: list[str]) -> str:
    """Names as a sentence has them.

    >>> _list(["a", "b", "c"])
    'a, b and c'
    """
    return names[0] if len(names) == 1 else ", ".join(names[:-1]) + f" and {names[-1]}" if names else ""


# --- header ------------------------------------------------------------------------------------------------------------


def _header(data: ReportData) -> Markup:
    contents = [("journey-0", "Journey"), ("placements", "Decisions"), ("offers", "Offers"), ("segments", "Segments"), ("stories", "Stories")]
    links = [tag("li", tag("a", title, href=f"#{anchor}")) for anchor, title in contents if anchor != "journey-0" or data.journeys]
    period = f"{_day(data.first)} to {_day(data.last)}"
    return tag(
        "header",
        tag("a", "Skip to the report", href="#content", class_="skip"),
        tag("p", "tactful replay", class_="kicker"),
        tag("h1", data.title),
        tag("p", period, class_="period"),
        tag("p", _headline(data), class_="headline"),
        tag("nav", tag("ul", links), aria_label="Sections"),
    )


def _headline(data: ReportData) -> Markup:
    """What a hurried reader should take away."""
    parts: list[Child] = []
    for journey in data.journeys[:1]:
        standing = [stage for stage in journey.stages if not stage.drop_out and not stage.no_data]
        lost = sum(stage.here for stage in journey.stages if stage.drop_out)
        if standing:
            most = max(standing, key=lambda stage: stage.here)
            parts += ["Of ", tag("strong", f"{data.customers:,}"), " known customers, ", tag("strong", f"{most.here:,}"), f" stand in {most.title.lower()}"]
            parts += [" and ", tag("strong", f"{lost:,}"), " dropped out. "] if lost else [". "]
    for placement in data.placements:
        quiet = sum(placement.silences)
        if quiet and placement.asked:
            parts += [f"{placement.title} stayed silent in ", tag("strong", _percent(quiet, placement.asked)), " of its decisions. "]
    return join(parts)


def _notice(data: ReportData) -> Markup | None:
    told = []
    if data.simulated:
        told.append(f"{data.simulated:,} consents and withdrawals come from a declared, seeded simulation, because the data hold none.")
    if data.exposures:
        told.append(f"{data.exposures:,} exposures are simulated too: the replay records every top offer as shown, so that contact rules bite.")
    if not told:
        return None
    return tag(
        "aside",
        tag("p", tag("span", "Simulated", class_="badge"), tag("strong", " Consents and exposures are not real.")),
        tag("p", " ".join(told), " What customers bought and sent back is real."),
        class_="notice",
        aria_label="What is simulated",
    )


def _figures(data: ReportData) -> Markup:
    speed = round(data.events / data.seconds, -3) if data.seconds > 0 else 0
    silent = sum(sum(placement.silences) for placement in data.placements)
    offers = sum(sum(placement.offers) for placement in data.placements)
    asked = sum(placement.asked for placement in data.placements)
    cards = [
        (f"{data.customers:,}", "known customers", f"{data.anonymous_visitors:,} anonymous visitors, counted but not addressed"),
        (f"{data.events:,}", "events", f"replayed in {data.seconds:.1f} s, {speed:,.0f} a second"),
        (f"{asked:,}", "decisions asked for", f"at {len(data.instants)} instants and {len(data.placements)} placements"),
        (_percent(offers, asked), "led to an offer", f"{_percent(silent, asked)} stayed silent, the rest fell back"),
    ]
    items = [tag("div", tag("dt", name), tag("dd", number), tag("dd", note, class_="note")) for number, name, note in cards]
    return tag("section", tag("dl", items, class_="figures"), aria_label="Key figures")


# --- journey -----------------------------------------------------------------------------------------------------------


def _journey(data: ReportData, number: int) -> Markup:
    journey = data.journeys[number]
    lead = (
        "Every ribbon is as wide as the number of customers who took that way, every bar as tall as the number who came in. "
        "The dark part of a bar is who is there now. Hatched stages leave no trace in the data."
    )
    rows = [
        tag(
            "tr",
            tag("th", stage.title, tag("span", " drop-out", class_="pill warm") if stage.drop_out else None, scope="row"),
            tag("td", stage.goal or ""),
            [tag("td", f"no data: {stage.no_data}", colspan=3, class_="muted")]
            if stage.no_data
            else [
                tag("td", f"{stage.here:,}", class_="number"),
                tag("td", _percent(stage.here, data.customers), class_="number"),
                tag("td", f"{stage.entries:,}", class_="number"),
            ],
        )
        for stage in journey.stages
    ]
    return _section(
        f"journey-{number}",
        journey.title,
        lead,
        tag(
            "figure",
            tag("div", journey_map(journey), class_="scroll", tabindex="0", role="region", aria_label=f"Map: {journey.title}"),
            tag("figcaption", _legend([("key-on", "went on"), ("key-fall", "dropped out"), ("key-rise", "came back"), ("key-here", "here now"), ("key-none", "no data")])),
            class_="card map",
        ),
        tag(
            "details",
            tag("summary", "The same in numbers"),
            _table(["Stage", "What for", "Here now", "Share", "Entered"], rows, f"Stages of {journey.title}"),
        ),
    )


def _legend(entries: list[tuple[str, str]]) -> Markup:
    return tag("ul", [tag("li", tag("span", class_=f"key {kind}", aria_hidden="true"), words) for kind, words in entries], class_="legend")


# --- decisions ---------------------------------------------------------------------------------------------------------


def _placements(data: ReportData) -> Markup:
    cards = [_placement(placement, data.instants) for placement in data.placements]
    lead = "At each instant every known customer was considered for each placement. Silence is an answer, too."
    contact = tag("p", "Contact rules: ", _list(data.contact), ".", class_="muted small") if data.contact else None
    return _section("placements", "What was decided", lead, tag("div", cards, class_="pair"), contact)


def _placement(placement: Placement, instants: list[datetime]) -> Markup:
    kinds = [
        ("offer", "an offer", sum(placement.offers)),
        ("fallback", "the fallback", sum(placement.fallbacks)),
        ("silence", "silence", sum(placement.silences)),
    ]
    shares = [
        tag("li", tag("span", class_=f"key key-{kind}", aria_hidden="true"), tag("strong", _percent(count, placement.asked)), f" {words}")
        for kind, words, count in kinds
        if count
    ]
    reasons = [tag("li", reason, tag("span", f"{count:,}", class_="count")) for reason, count in placement.reasons[:4]]
    return tag(
        "article",
        tag("h3", placement.title, tag("span", placement.channel, class_="pill")),
        tag("ul", shares, class_="legend"),
        charts.filled(placement, instants),
        tag("div", tag("h4", "Why no offer"), tag("ul", reasons, class_="reasons")) if reasons else None,
        class_="card",
    )


# --- offers ------------------------------------------------------------------------------------------------------------


def _offers(data: ReportData) -> Markup:
    ranked = sorted(data.offers, key=lambda offer: -offer.decided)
    most = max([offer.decided for offer in ranked] + [1])
    titles = {placement.name: placement.title for placement in data.placements}
    rows = [_offer(offer, most, data, titles) for offer in ranked]
    lead = "How often each offer won a slot, for how many customers, and month by month."
    parts: list[Child] = [
        tag("div", _table(["Offer", "Decided", "", "Customers", "Where", "Over time"], rows, "Offers and how often they were decided"), class_="card flush")
    ]
    if any(offer.stopped for offer in ranked):
        parts.append(_gates(ranked))
    return _section("offers", "Offers", lead, *parts)


def _offer(offer: Offer, most: int, data: ReportData, titles: dict[str, str]) -> Markup:
    where = [f"{titles.get(name, name)} {_percent(count, offer.decided)}" for name, count in offer.by_placement.items() if count]
    share = 100 * offer.decided / most
    return tag(
        "tr",
        tag("th", offer.title, tag("span", ", ".join(offer.purposes), class_="under"), scope="row"),
        tag("td", f"{offer.decided:,}", class_="number"),
        tag("td", tag("span", tag("span", style=f"width:{share:.1f}%"), class_="meter", aria_hidden="true"), class_="wide"),
        tag("td", f"{offer.customers:,}", class_="number"),
        tag("td", ", ".join(where) or "nowhere", class_="muted small"),
        tag("td", charts.spark(offer.by_instant, f"{offer.title}: decided at each instant")),
    )


def _gate(name: str) -> str:
    return _GATES.get(name, name.replace("_", " ").capitalize())


def _gates(offers: list[Offer]) -> Markup:
    order = {gate: number for number, gate in enumerate(_GATES)}
    found = {gate for offer in offers for gate in offer.stopped}
    gates = sorted(found, key=lambda gate: (order.get(gate, len(order)), gate))
    rows = []
    for offer in offers:
        total = sum(offer.stopped.values()) + offer.decided
        cells = []
        for gate in gates:
            count = offer.stopped.get(gate, 0)
            depth = 0 if not total or not count else 0.06 + 0.5 * count / total
            told = f"{count:,}" if count else tag("span", "–", class_="muted")
            cells.append(tag("td", told, class_="number heat", style=f"--depth:{100 * depth:.0f}%"))
        won = tag("td", f"{offer.decided:,}", class_="number heat won", style=f"--depth:{6 + 50 * offer.decided / max(total, 1):.0f}%")
        rows.append(tag("tr", tag("th", offer.title, scope="row"), cells, won))
    columns = ["Offer", *(_gate(gate) for gate in gates), "Decided"]
    return tag(
        "div",
        tag("h3", "What held each offer back"),
        tag("p", "An offer meets its gates from left to right and counts at the first that stops it. Darker is more often.", class_="muted"),
        tag("div", _table(columns, rows, "Which gate stopped how many candidates", class_="gates"), class_="card flush"),
        class_="sub",
    )


# --- segments ----------------------------------------------------------------------------------------------------------


def _segments(data: ReportData) -> Markup:
    cards = []
    for segment in data.segments:
        now = segment.members[-1] if segment.members else 0
        before = segment.members[-2] if len(segment.members) > 1 else now
        change = f"{now - before:+,}".replace("-", "−") if now != before else "±0"
        unknown = segment.unknown[-1] if segment.unknown else 0
        cards.append(
            tag(
                "li",
                tag("h3", segment.title),
                tag("p", tag("strong", f"{now:,}"), tag("span", f" {_percent(now, data.customers)}", class_="muted"), class_="size"),
                tag("p", f"{change} {charts.pause(data.instants)}", f" · {unknown:,} unknown" if unknown else "", class_="muted small"),
                charts.growth(segment, data.instants),
                tag("details", tag("summary", "Rule"), tag("pre", tag("code", segment.when))) if segment.when else None,
                class_="card",
            )
        )
    whole = sum(count for _, count in data.personas)
    personas = None
    if whole:
        bars = [
            tag("div", class_=f"slice slice-{number % 4}", style=f"flex-grow:{count}", title=f"{title}: {count:,}")
            for number, (title, count) in enumerate(data.personas)
            if count
        ]
        words = [
            tag("li", tag("span", class_=f"key slice-{number % 4}", aria_hidden="true"), f"{title} ", tag("strong", f"{count:,}"))
            for number, (title, count) in enumerate(data.personas)
        ]
        personas = tag(
            "div",
            tag("h3", "Personas"),
            tag("p", "Weighed by evidence, not decided: a customer counts where the posterior is high enough.", class_="muted"),
            tag("div", bars, class_="slices", aria_hidden="true"),
            tag("ul", words, class_="legend"),
            class_="sub card",
        )
    lead = "Members at each instant, each picture on its own scale. A customer can be in many segments, or in none."
    return _section("segments", "Segments over time", lead, tag("ul", cards, class_="multiples"), personas)


# --- stories -----------------------------------------------------------------------------------------------------------


def _stories(data: ReportData) -> Markup | None:
    if not data.stories:
        return None
    count = {1: "One customer", 2: "Two customers", 3: "Three customers"}.get(len(data.stories), f"{len(data.stories)} customers")
    lead = "Each decision says what it knew, what it weighed, and which gate stopped the rest."
    return _section("stories", f"{count}, explained", lead, [_story(story, data) for story in data.stories])


def _story(story: Story, data: ReportData) -> Markup:
    stages = [f"{title}: {stage}" + (f" since {_day(since)}" if since else "") for title, stage, since in story.stages]
    chips = [tag("li", name, class_="pill") for name in story.segments] or [tag("li", "in no segment", class_="muted")]
    picture = charts.strip(story.events, data.first, data.last) if data.first and data.last and story.events else None
    return tag(
        "article",
        tag("h3", tag("span", story.customer, class_="id"), tag("span", _verdict(story), class_="verdict")),
        tag("p", _biography(story), class_="biography"),
        tag(
            "figure",
            picture,
            tag(
                "figcaption",
                _legend([("key-offer", "bought"), ("key-return", "sent back"), ("key-given", "consent given (simulated)"), ("key-withdrawn", "withdrawn (simulated)")]),
            ),
            class_="scroll",
        )
        if picture
        else None,
        tag(
            "dl",
            tag("div", tag("dt", "Segments"), tag("dd", tag("ul", chips, class_="chips"))),
            tag("div", tag("dt", "Journey"), tag("dd", _list(stages) or "in no journey")),
            tag("div", tag("dt", "Persona"), tag("dd", story.persona or "none stands out")),
            class_="traits",
        ),
        tag("div", [_decided(decided) for decided in story.decided], class_="pair"),
        class_="card story",
    )


def _biography(story: Story) -> str:
    bought = [event for event in story.events if event.type == "purchase"]
    back = [event for event in story.events if event.type == "return"]
    if not bought:
        return "Has not bought anything yet."
    orders = len({event.group or event.time.isoformat() for event in bought})
    spent = sum(event.amount or 0.0 for event in bought)
    told = f"{orders:,} {'order' if orders == 1 else 'orders'} with {len(bought):,} lines worth {spent:,.0f}"
    told += f", first on {_day(bought[0].time)}, last on {_day(bought[-1].time)}."
    if back:
        told += f" Sent back {len(back):,} {'line' if len(back) == 1 else 'lines'} worth {sum(event.amount or 0.0 for event in back):,.0f}."
    return told


def _verdict(story: Story) -> str:
    shown = [title for decided in story.decided for title, _ in decided.shown if decided.kind == "offer"]
    if shown:
        return "gets " + _list(list(dict.fromkeys(shown)))
    if any(decided.kind == "fallback" for decided in story.decided):
        return "gets no offer, only the fallback"
    return "gets nothing"


def _decided(decided: Decided) -> Markup:
    shown: list[Child] = [
        tag("blockquote", tag("p", message or title), tag("cite", title) if decided.kind == "offer" else None) for title, message in decided.shown
    ]
    if decided.kind == "silence":
        shown = [tag("p", "Silence.", class_="silent")]
    passed = [candidate for candidate in decided.candidates if candidate.gate is None]
    stopped = [candidate for candidate in decided.candidates if candidate.gate is not None]
    return tag(
        "section",
        tag("h4", decided.title, tag("span", _day(decided.time), class_="muted small")),
        shown,
        tag("p", tag("strong", "Why: "), decided.reason) if decided.reason else None,
        tag("ol", [_passed(candidate) for candidate in passed], class_="ranking") if passed else None,
        tag(
            "details",
            tag("summary", f"Why not the other {len(stopped)}" if passed else f"Why none of the {len(stopped)} offers"),
            tag("ul", [_stopped(candidate) for candidate in stopped], class_="why-not"),
            open=not passed,
        )
        if stopped
        else None,
        class_="decision",
        aria_label=decided.title,
    )


def _passed(candidate: Candidate) -> Markup:
    score = None
    if candidate.score is not None:
        terms = " × ".join(f"{name} {value:g}" for name, value in candidate.score.factors) or "1"
        score = tag("span", f"{terms} = ", tag("strong", f"{candidate.score.total:.3g}"), class_="sum")
    verdict = candidate.reason if candidate.reason and candidate.verdict not in ("shown", "chosen", "won") else ""
    return tag("li", tag("span", candidate.title, class_="name"), score, tag("span", verdict, class_="muted small") if verdict else None)


def _stopped(candidate: Candidate) -> Markup:
    facts = [tag("li", tag("code", path), " is ", tag("strong", value)) for path, value in candidate.facts]
    return tag(
        "li",
        tag("p", tag("span", candidate.title, class_="name"), tag("span", _gate(candidate.gate or ""), class_="pill warm")),
        tag("p", candidate.reason, class_="muted small") if candidate.reason else None,
        tag("ul", facts, class_="facts") if facts else None,
    )


# --- the end -----------------------------------------------------------------------------------------------------------


def _bad_rows(data: ReportData) -> Markup | None:
    if not data.bad_rows and not data.duplicates:
        return None
    rows = [tag("tr", tag("td", f"{row:,}", class_="number"), tag("td", column), tag("td", reason)) for row, column, reason in data.bad[:50]]
    lead = f"{data.bad_rows:,} rows could not be read, {data.duplicates:,} were told before. Nothing was left out in silence."
    return _section("bad-rows", "Rows left out", lead, _table(["Row", "Column", "Reason"], rows, "Rows that could not be read") if rows else None)


def _footer(data: ReportData) -> Markup:
    facts = [
        ("Playbook", f"{data.playbook}, version {data.version}"),
        ("Digest", tag("code", data.digest)),
        ("Time zone", data.time_zone),
        ("Rows", f"{data.rows:,}, of which {data.anonymous_events:,} without a known customer"),
    ]
    rows = [tag("div", tag("dt", name), tag("dd", value)) for name, value in facts]
    credit = tag("p", data.credit, class_="credit") if data.credit else None
    return tag("footer", tag("dl", rows), credit, tag("p", "Made by tactful. The same playbook and the same events give the same page.", class_="muted small"))
