"""What a replay prints: a progress bar while it runs, figures at its end. Needs rich."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn
from rich.table import Table

from .report.data import Decided, Journey, ReportData

__all__ = ["figures", "progress"]

Told = Callable[[str, int, "int | None", "datetime | None"], None]


@contextmanager
def progress(rows: int, *, quiet: bool) -> Iterator[Told | None]:
    """A progress bar on standard error, one line per stage of the replay; ``None`` when quiet."""
    if quiet:
        yield None
        return
    bar = Progress(
        TextColumn("{task.description:<8}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), console=Console(stderr=True)
    )
    tasks: dict[str, TaskID] = {}

    def told(stage: str, done: int, total: int | None, now: datetime | None) -> None:
        if stage not in tasks:
            # Only the first stage reads rows, and may not know how many there are.
            tasks[stage] = bar.add_task(stage, total=total if total is not None else rows if not tasks else None)
        if total is not None:
            bar.update(tasks[stage], total=total)
        bar.update(tasks[stage], completed=done)

    with bar:
        yield told


def figures(data: ReportData, console: Console | None = None) -> None:
    """Prints speed, segments, journeys, decisions and the explained customers."""
    out = console or Console(highlight=False)
    speed = data.events / data.seconds if data.seconds > 0 else 0.0
    out.print(f"\n[bold]{escape(data.title)}[/]  {escape(data.playbook)} version {data.version}, digest {escape(data.digest[:12])}")
    out.print(f"{data.events:,} events in {data.seconds:.2f} s: [bold]{speed:,.0f} events per second[/]")
    out.print(
        f"{data.customers:,} known customers; {data.anonymous_visitors:,} anonymous visitors with {data.anonymous_events:,} events, "
        "counted but not addressed",
        soft_wrap=True,
    )
    if data.duplicates or data.bad_rows:
        out.print(f"[yellow]{data.duplicates:,} events were told twice, {data.bad_rows:,} rows could not be read[/]")
        for row, column, reason in data.bad[:10]:
            out.print(f"  row {row:,}{f', column {column}' if column else ''}: {reason}", markup=False)
    if data.simulated:
        out.print(f"[yellow]{data.simulated:,} consents and {data.exposures:,} exposures are simulated[/]")
    _segments(data, out)
    for journey in data.journeys:
        _journey(journey, data, out)
    _placements(data, out)
    for story in data.stories:
        out.print(f"\n[bold]{escape(story.customer)}[/]  {escape(', '.join(story.segments) or 'in no segment')}")
        for title, stage, since in story.stages:
            out.print(f"  {escape(title)}: {escape(stage)}{f' since {since:%Y-%m-%d}' if since else ''}")
        for decided in story.decided:
            _decided(decided, out)
    out.print()


def _segments(data: ReportData, out: Console) -> None:
    table = _table("Segments at the end", "members", "share", "unknown")
    for segment in data.segments:
        members = segment.members[-1] if segment.members else 0
        unknown = segment.unknown[-1] if segment.unknown else 0
        table.add_row(escape(segment.title), f"{members:,}", _share(members, data.customers), f"{unknown:,}" if unknown else "")
    out.print()
    out.print(table)


def _journey(journey: Journey, data: ReportData, out: Console) -> None:
    table = _table(journey.title, "here now", "share", "entered")
    for stage in journey.stages:
        if stage.no_data:
            table.add_row(escape(stage.title), "[dim]no data[/]", "", f"[dim]{escape(stage.no_data)}[/]")
        else:
            table.add_row(escape(stage.title), f"{stage.here:,}", _share(stage.here, data.customers), f"{stage.entries:,}")
    if journey.outside:
        table.add_row("[dim]not in the journey[/]", f"{journey.outside:,}", _share(journey.outside, data.customers), "")
    out.print()
    out.print(table)


def _placements(data: ReportData, out: Console) -> None:
    table = _table("Decisions", "asked", "offer", "fallback", "silence")
    for placement in data.placements:
        counts = [sum(placement.offers), sum(placement.fallbacks), sum(placement.silences)]
        table.add_row(escape(placement.title), f"{placement.asked:,}", *(_share(count, placement.asked) for count in counts))
    out.print()
    out.print(table)
    offers = _table("Offers", "decided", "customers")
    for offer in sorted(data.offers, key=lambda offer: -offer.decided):
        offers.add_row(escape(offer.title), f"{offer.decided:,}", f"{offer.customers:,}")
    out.print()
    out.print(offers)


def _decided(decided: Decided, out: Console) -> None:
    if decided.kind == "silence":
        out.print(f"  [cyan]{escape(decided.title)}[/]: silence")
    for title, message in decided.shown:
        what = f"{escape(title)}: " if title else ""
        out.print(f"  [cyan]{escape(decided.title)}[/]: {what}[italic]{escape(message)}[/]", soft_wrap=True)
    if decided.reason:
        out.print(f"    why: {decided.reason}", markup=False, soft_wrap=True)
    held: dict[str, list[str]] = {}
    for candidate in decided.candidates:
        if candidate.gate is not None:
            held.setdefault(candidate.reason or candidate.gate, []).append(candidate.title)
    for reason, titles in held.items():
        out.print(f"    not {', '.join(titles)}: {reason}", markup=False, style="dim", soft_wrap=True)


def _table(title: str, *numbers: str) -> Table:
    table = Table(title=escape(title), title_justify="left", title_style="bold", box=None, pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column("")
    for number in numbers:
        table.add_column(number, justify="right")
    return table


def _share(part: int, whole: int) -> str:
    return f"{100 * part / whole:.0f} %" if whole else ""
