"""The page: sections in the order in which a reader asks."""

from __future__ import annotations

from datetime import datetime
from importlib.resources import files

from . import charts
from .data import Offer, Placement, ReportData
from .markup import Child, Markup, join, tag
from .parts import GATES, day, gate_title, percent, section, sentence, table
from .stories import stories

__all__ = ["page"]


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
            Markup(data.served) if data.served else None,
            stories(data),
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


# --- header ------------------------------------------------------------------------------------------------------------


def _header(data: ReportData) -> Markup:
    contents = [
        ("journey-0", "Journey"),
        ("placements", "Decisions"),
        ("offers", "Offers"),
        ("segments", "Segments"),
        *([("served", "Who goes without")] if data.served else []),
        ("stories", "Stories"),
    ]
    links = [tag("li", tag("a", title, href=f"#{anchor}")) for anchor, title in contents if anchor != "journey-0" or data.journeys]
    period = f"{day(data.first)} to {day(data.last)}"
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
            parts += [
                "Of ",
                tag("strong", f"{data.customers:,}"),
                " known customers, ",
                tag("strong", f"{most.here:,}"),
                f" stand in {most.title.lower()}",
            ]
            parts += [" and ", tag("strong", f"{lost:,}"), " dropped out. "] if lost else [". "]
    for placement in data.placements:
        quiet = sum(placement.silences)
        if quiet and placement.asked:
            parts += [f"{placement.title} stayed silent in ", tag("strong", percent(quiet, placement.asked)), " of its decisions. "]
    return join(parts)


def _notice(data: ReportData) -> Markup | None:
    parts: list[str] = []
    told: list[str] = []
    if data.simulated:
        parts.append("consents")
        told.append(f"{data.simulated:,} consents and withdrawals come from a declared, seeded simulation, because the data hold none.")
    if data.exposures:
        parts.append("exposures")
        told.append(f"{data.exposures:,} exposures: the replay records each offer as shown, so that the rules of contact bite.")
    if not told:
        return None
    return tag(
        "aside",
        tag("p", tag("span", "Simulated", class_="badge"), tag("strong", f"{sentence(parts).capitalize()} are not real.")),
        tag("p", " ".join(told), " Everything else is as the events tell it."),
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
        (percent(offers, asked), "led to an offer", f"{percent(silent, asked)} stayed silent, the rest fell back"),
    ]
    items = [tag("div", tag("dt", name), tag("dd", number), tag("dd", note, class_="note")) for number, name, note in cards]
    return tag("section", tag("dl", items, class_="figures"), aria_label="Key figures")


# --- journey -----------------------------------------------------------------------------------------------------------


def _journey(data: ReportData, number: int) -> Markup:
    journey = data.journeys[number]
    lead = (
        "Every ribbon is as thick as the number of customers who took that way. Below each stage stands how long they stay, where they "
        "meet the shop, how satisfied they are, and what is out of line. Hatched stages leave no trace in the data."
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
                tag("td", percent(stage.here, data.customers), class_="number"),
                tag("td", f"{stage.entries:,}", class_="number"),
            ],
        )
        for stage in journey.stages
    ]
    return section(
        f"journey-{number}",
        journey.title,
        lead,
        tag(
            "figure",
            tag("div", Markup(journey.picture), class_="scroll", tabindex="0", role="region", aria_label=f"Map: {journey.title}"),
            class_="map",
        )
        if journey.picture
        else None,
        tag(
            "figure",
            tag("div", Markup(journey.plan), class_="scroll", tabindex="0", role="region", aria_label=f"Plan: {journey.title}"),
            tag(
                "figcaption",
                "What was planned for a segment in a stage, and below it what its customers did there; framed is what goes otherwise.",
                class_="muted",
            ),
            class_="map",
        )
        if journey.plan
        else None,
        tag(
            "details",
            tag("summary", "The same in numbers"),
            table(["Stage", "What for", "Here now", "Share", "Entered"], rows, f"Stages of {journey.title}"),
        ),
    )


# --- decisions ---------------------------------------------------------------------------------------------------------


def _placements(data: ReportData) -> Markup:
    cards = [_placement(placement, data.instants) for placement in data.placements]
    lead = "At each instant every known customer was considered for each placement. Silence is an answer, too."
    contact = tag("p", "Contact rules: ", sentence(data.contact), ".", class_="muted small") if data.contact else None
    return section("placements", "What was decided", lead, tag("div", cards, class_="pair"), contact)


def _placement(placement: Placement, instants: list[datetime]) -> Markup:
    kinds = [
        ("offer", "an offer", sum(placement.offers)),
        ("fallback", "the fallback", sum(placement.fallbacks)),
        ("silence", "silence", sum(placement.silences)),
    ]
    shares = [
        tag("li", tag("span", class_=f"key key-{kind}", aria_hidden="true"), tag("strong", percent(count, placement.asked)), f" {words}")
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
        tag(
            "div",
            table(["Offer", "Decided", "", "Customers", "Where", "Over time"], rows, "Offers and how often they were decided"),
            class_="card flush",
        )
    ]
    if any(offer.stopped for offer in ranked):
        parts.append(_gates(ranked))
    return section("offers", "Offers", lead, *parts)


def _offer(offer: Offer, most: int, data: ReportData, titles: dict[str, str]) -> Markup:
    where = [f"{titles.get(name, name)} {percent(count, offer.decided)}" for name, count in offer.by_placement.items() if count]
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


def _gates(offers: list[Offer]) -> Markup:
    order = {gate: number for number, gate in enumerate(GATES)}
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
    columns = ["Offer", *(gate_title(gate) for gate in gates), "Decided"]
    return tag(
        "div",
        tag("h3", "What held each offer back"),
        tag(
            "p", "An offer meets its gates from left to right and counts at the first that stops it. Darker is more often.", class_="muted"
        ),
        tag("div", table(columns, rows, "Which gate stopped how many candidates", class_="gates"), class_="card flush"),
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
                tag("p", tag("strong", f"{now:,}"), tag("span", f" {percent(now, data.customers)}", class_="muted"), class_="size"),
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
    return section("segments", "Segments over time", lead, tag("ul", cards, class_="multiples"), personas)


# --- the end -----------------------------------------------------------------------------------------------------------


def _bad_rows(data: ReportData) -> Markup | None:
    if not data.bad_rows and not data.duplicates:
        return None
    rows = [
        tag("tr", tag("td", f"{row:,}", class_="number"), tag("td", column), tag("td", reason)) for row, column, reason in data.bad[:50]
    ]
    lead = f"{data.bad_rows:,} rows could not be read, {data.duplicates:,} were told before. Nothing was left out in silence."
    return section(
        "bad-rows", "Rows left out", lead, table(["Row", "Column", "Reason"], rows, "Rows that could not be read") if rows else None
    )


def _footer(data: ReportData) -> Markup:
    facts = [
        ("Playbook", f"{data.playbook}, version {data.version}"),
        ("Digest", tag("code", data.digest)),
        ("Time zone", data.time_zone),
        ("Rows", f"{data.rows:,}, of which {data.anonymous_events:,} without a known customer"),
    ]
    rows = [tag("div", tag("dt", name), tag("dd", value)) for name, value in facts]
    credit = tag("p", data.credit, class_="credit") if data.credit else None
    return tag(
        "footer",
        tag("dl", rows),
        credit,
        tag("p", "Made by tactful. The same playbook and the same events give the same page.", class_="muted small"),
    )
