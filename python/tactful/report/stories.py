"""The customers that a report explains."""

from __future__ import annotations

from . import charts
from .data import Candidate, Decided, ReportData, Story
from .markup import Child, Markup, tag
from .parts import day, gate_title, legend, section, sentence

__all__ = ["stories"]


def stories(data: ReportData) -> Markup | None:
    """The section of stories; `None` when nobody is explained."""
    if not data.stories:
        return None
    count = {1: "One customer", 2: "Two customers", 3: "Three customers"}.get(len(data.stories), f"{len(data.stories)} customers")
    lead = "Each decision says what it knew, what it weighed, and which gate stopped the rest."
    return section("stories", f"{count}, explained", lead, [_story(story, data) for story in data.stories])


def _story(story: Story, data: ReportData) -> Markup:
    stages = [f"{title}: {stage}" + (f" since {day(since)}" if since else "") for title, stage, since in story.stages]
    chips = [tag("li", name, class_="pill") for name in story.segments] or [tag("li", "in no segment", class_="muted")]
    simulated = " (simulated)" if data.simulated else ""
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
                legend(
                    [
                        ("key-offer", "bought"),
                        ("key-return", "sent back"),
                        ("key-given", f"consent given{simulated}"),
                        ("key-withdrawn", f"consent withdrawn{simulated}"),
                    ]
                ),
            ),
            class_="scroll",
        )
        if picture
        else None,
        tag(
            "dl",
            tag("div", tag("dt", "Segments"), tag("dd", tag("ul", chips, class_="chips"))),
            tag("div", tag("dt", "Journey"), tag("dd", sentence(stages) or "in no journey")),
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
        return f"{len(story.events):,} events, no purchase among them."
    orders = len({event.group or event.time.isoformat() for event in bought})
    spent = sum(event.amount or 0.0 for event in bought)
    told = f"{orders:,} {'order' if orders == 1 else 'orders'} with {len(bought):,} lines worth {spent:,.0f}"
    told += f", first on {day(bought[0].time)}, last on {day(bought[-1].time)}."
    if back:
        told += f" Sent back {len(back):,} {'line' if len(back) == 1 else 'lines'} worth {sum(event.amount or 0.0 for event in back):,.0f}."
    return told


def _verdict(story: Story) -> str:
    shown = [title for decided in story.decided for title, _ in decided.shown if decided.kind == "offer"]
    if shown:
        return "gets " + sentence([f"“{title}”" for title in dict.fromkeys(shown)])
    if any(decided.kind == "fallback" for decided in story.decided):
        return "gets no offer, only the fallback"
    return "gets nothing"


def _decided(decided: Decided) -> Markup:
    shown: list[Child] = [
        tag("blockquote", tag("p", message or title), tag("cite", title) if decided.kind == "offer" else None)
        for title, message in decided.shown
    ]
    if decided.kind == "silence":
        shown = [tag("p", "Silence.", class_="silent")]
    passed = [candidate for candidate in decided.candidates if candidate.gate is None]
    passed.sort(key=lambda candidate: -candidate.score.total if candidate.score else 0.0)
    stopped = [candidate for candidate in decided.candidates if candidate.gate is not None]
    return tag(
        "section",
        tag("h4", decided.title, tag("span", day(decided.time), class_="muted small")),
        shown,
        tag("p", tag("strong", "Why: "), decided.reason) if decided.reason else None,
        tag("ol", [_passed(candidate) for candidate in passed], class_="ranking") if passed else None,
        tag(
            "details",
            tag("summary", f"Why not the other {len(stopped)}" if passed else f"Why none of the {len(stopped)} offers"),
            tag("ul", [_stopped(alike) for alike in _alike(stopped)], class_="why-not"),
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
    reads = f"reads {sentence(candidate.data)} data" if candidate.data else ""
    return tag(
        "li",
        tag("span", candidate.title, class_="name"),
        score,
        [tag("span", words, class_="muted small") for words in (verdict, reads) if words],
    )


def _alike(stopped: list[Candidate]) -> list[list[Candidate]]:
    """Candidates that were stopped for the same reason, together, in order of the first."""
    found: dict[tuple[str | None, str], list[Candidate]] = {}
    for candidate in stopped:
        found.setdefault((candidate.gate, candidate.reason), []).append(candidate)
    return list(found.values())


def _stopped(alike: list[Candidate]) -> Markup:
    first = alike[0]
    facts = [tag("li", tag("code", path), " is ", tag("strong", value)) for path, value in first.facts]
    titles = sentence([candidate.title for candidate in alike])
    many = len(alike) > 2
    name = f"{len(alike)} offers" if many else titles
    return tag(
        "li",
        tag("p", tag("span", name, class_="name"), tag("span", gate_title(first.gate or ""), class_="pill warm")),
        tag("p", titles, class_="small") if many else None,
        tag("p", first.reason, class_="muted small") if first.reason else None,
        tag("p", f"reads {sentence(first.data)} data", class_="muted small") if first.data and len(alike) == 1 else None,
        tag("ul", facts, class_="facts") if facts else None,
    )
