"""The command line: ``tactful check``, ``fmt``, ``test``, ``replay``, ``map``, ``explain`` and more.

Exit codes: 0 all well; 1 the playbook or the events are wrong, a case failed, or ``fmt --check`` found something to format; 2 the
command cannot be carried out as typed.
"""

from __future__ import annotations

import argparse
import dataclasses
import difflib
import importlib
import json
import os
import shutil
import sys
from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn
from xml.etree import ElementTree

if TYPE_CHECKING:
    from .reading import Source
    from .report.data import ReportData

__all__ = ["main"]


class _Stop(Exception):
    """Ends the program with a message of one line and an exit code."""

    def __init__(self, message: str, code: int = 2) -> None:
        super().__init__(message)
        self.code = code


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs a command and gives its exit code; what is wrong is said on standard error."""
    parser = _parser()
    given = parser.parse_args(arguments)
    try:
        command: Callable[[argparse.Namespace], int] = given.command
        return command(given)
    except _Stop as stop:
        print(f"tactful: {stop}", file=sys.stderr)
        return stop.code
    except BrokenPipeError:
        # Whoever read the output has seen enough; the interpreter must not complain when it closes the pipe again.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except KeyboardInterrupt:
        print("tactful: interrupted", file=sys.stderr)
        return 130


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="tactful", description="What should this customer see, here and now, and why?")
    commands = parser.add_subparsers(required=True, metavar="command")

    check = commands.add_parser("check", help="find the mistakes in a playbook")
    check.add_argument("playbook", nargs="+", type=Path, help="a playbook, or the documents of one")
    _add_catalog(check)
    check.add_argument("--minimise", action="store_true", help="list what no rule reads, so that it need not be collected")
    check.set_defaults(command=_check)

    fmt = commands.add_parser(
        "fmt",
        help="format the rules in playbooks",
        description="Writes the rules in playbooks anew with one layout, in place; everything else stays byte for byte.",
    )
    fmt.add_argument("playbook", nargs="*", type=Path, help="a playbook or a part of one; `-` for an expression on standard input")
    how = fmt.add_mutually_exclusive_group()
    how.add_argument("--check", action="store_true", help="change nothing; name what would change, and end with 1 if anything would")
    how.add_argument("--diff", action="store_true", help="change nothing; print what would change as a unified diff")
    fmt.add_argument("--expression", action="store_true", help="format one expression from standard input to standard output")
    fmt.set_defaults(command=_fmt)

    test = commands.add_parser(
        "test",
        help="try cases against a playbook",
        description="Goes through stories on a virtual clock and compares what comes with what is expected.",
    )
    test.add_argument(
        "--playbook", action="append", required=True, type=Path, help="a playbook; may be repeated for one in several documents"
    )
    _add_catalog(test)
    test.add_argument("cases", nargs="+", type=Path, help="documents of cases")
    test.add_argument("-k", dest="only", metavar="TEXT", help="only cases whose name contains this")
    test.add_argument("--junit", type=Path, metavar="XML", help="write the outcome to this file, in the form that build servers read")
    test.set_defaults(command=_test)

    replay = commands.add_parser("replay", help="replay events through a playbook and report on it")
    _add_sources(replay)
    replay.add_argument("--report", type=Path, metavar="HTML", help="write the report to this file")
    replay.add_argument("--json", type=Path, metavar="JSON", help="write the figures of the report to this file")
    replay.add_argument(
        "--decide",
        choices=["month-end", "week", "none"],
        default="month-end",
        help="when to ask for decisions (default: %(default)s; none: only at the end)",
    )
    replay.add_argument("--placement", action="append", metavar="NAME", help="ask for this placement only; may be repeated")
    replay.add_argument(
        "--name",
        action="append",
        metavar="CUSTOMER",
        help="explain this customer, such as customer:12345; may be repeated (default: three are chosen)",
    )
    _add_protected(replay)
    replay.add_argument("--credit", metavar="TEXT", help="where the data come from, for the end of the report")
    replay.add_argument("--quiet", action="store_true", help="no progress bar and no figures")
    replay.set_defaults(command=_replay)

    compare = commands.add_parser(
        "compare",
        help="say what another playbook would do with the same events",
        description="Replays the events through both playbooks and says who gains, who loses, and which gate bites.",
    )
    compare.add_argument("before", type=Path, help="the playbook as it is")
    compare.add_argument("after", type=Path, help="the playbook as it would be")
    _add_events(compare)
    compare.add_argument("--decide", choices=["month-end", "week"], default="month-end", help="when to ask (default: %(default)s)")
    compare.add_argument("--placement", action="append", metavar="NAME", help="ask for this placement only; may be repeated")
    compare.add_argument("--k", type=_threshold, default=10, help="the smallest segment that is told (default: %(default)s)")
    compare.add_argument("--json", action="store_true", help="print all of it as JSON")
    compare.add_argument("--quiet", action="store_true", help="no progress bar")
    compare.set_defaults(command=_compare)

    estimate = commands.add_parser(
        "estimate",
        help="estimate what another playbook would have brought from choices that were explored",
        description="Weighs the choices that the events tell with their probability by how probable the other playbook makes them.",
    )
    estimate.add_argument("before", type=Path, help="the playbook by which was chosen")
    estimate.add_argument("after", type=Path, help="the other playbook")
    _add_events(estimate)
    estimate.add_argument(
        "--reward",
        action="append",
        required=True,
        metavar="OUTCOME=NUMBER",
        help="what an outcome brings, such as accepted=1 or accepted=value (what the offer declares); may be repeated",
    )
    estimate.add_argument("--within", metavar="TIME", help="how long after a choice an outcome counts, such as 30d")
    estimate.add_argument("--clip", type=float, metavar="WEIGHT", help="the largest weight of a choice")
    estimate.add_argument("--approximate", action="store_true", help="take choices of Thompson sampling, whose probability is not exact")
    estimate.add_argument("--placement", action="append", metavar="NAME", help="only choices for this placement; may be repeated")
    estimate.add_argument(
        "--receipts", type=Path, metavar="FILE", help="receipts of the decisions, one JSON object a line: what was asked is asked again"
    )
    estimate.add_argument("--json", action="store_true", help="print all of it as JSON")
    estimate.add_argument("--quiet", action="store_true", help="no progress bar")
    estimate.set_defaults(command=_estimate)

    drawn = commands.add_parser(
        "map",
        help="draw the map of a journey, or what was planned beside what was walked",
        description="Counts where customers stand, where they went and how long that took. No number is about fewer than --k customers.",
    )
    _add_sources(drawn)
    drawn.add_argument("--journey", metavar="NAME", help="the journey (default: the first of the playbook)")
    drawn.add_argument("--at", metavar="TIME", help="the instant, such as 2026-03-01T10:00:00Z (default: that of the last event)")
    drawn.add_argument("--since", metavar="TIME", help="only stays that began then or later")
    drawn.add_argument("--plan", action="store_true", help="what was planned by segment and stage, beside what was walked")
    drawn.add_argument(
        "--split",
        choices=["segments", "personas", "weeks", "months", "quarters", "years"],
        help="count groups: by segment, persona, or period of the calendar",
    )
    drawn.add_argument("--group", metavar="NAME", help="one of the groups, such as loyal or 2010-03 (default: everyone)")
    drawn.add_argument("--compare", metavar="NAME", help="say how this group differs from --group, or from everyone")
    drawn.add_argument(
        "--format", choices=["svg", "mermaid", "dot", "text", "html", "json"], help="as what (default: by the name of --output, or text)"
    )
    drawn.add_argument("--ground", choices=["light", "dark"], help="for which ground an SVG is (default: as the reader's system prefers)")
    drawn.add_argument("--output", type=Path, metavar="FILE", help="write to this file (default: standard output)")
    drawn.add_argument("--k", type=_threshold, default=10, help="the smallest number of customers that is told (default: %(default)s)")
    drawn.add_argument("--quiet", action="store_true", help="no progress bar")
    drawn.set_defaults(command=_map, json=False)

    served = commands.add_parser(
        "served",
        help="say who gets what, whose needs are not met, and at which rates groups are served",
        description="Asks for every customer at one instant. Groups are told apart by attributes that decisions need not read.",
    )
    served.add_argument("playbook", type=Path, help="the playbook")
    _add_events(served)
    served.add_argument("--at", metavar="TIME", help="the instant, such as 2026-03-01T10:00:00Z (default: that of the last event)")
    _add_protected(served)
    served.add_argument("--strong", type=float, help="from which strength, 0 to 1, a need is strong (default: 0.5)")
    served.add_argument("--placement", action="append", metavar="NAME", help="ask for this placement only; may be repeated")
    served.add_argument("--json", action="store_true", help="print all of it as JSON")
    served.add_argument("--quiet", action="store_true", help="no progress bar")
    served.set_defaults(command=_served)

    explain = commands.add_parser(
        "explain",
        help="say what one customer gets at one placement, and why",
        description="Reads the events of one customer only, and counts no exposures but those that the events tell of.",
    )
    _add_sources(explain)
    explain.add_argument("--customer", required=True, help="such as customer:12345")
    explain.add_argument("--placement", required=True, metavar="NAME")
    explain.add_argument("--at", required=True, metavar="INSTANT", help="such as 2010-06-30T12:00:00Z")
    explain.add_argument("--json", action="store_true", help="print the explanation as JSON")
    explain.set_defaults(command=_explain)
    return parser


def _add_protected(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--protected",
        action="append",
        metavar="NAME[:BORDER,…]",
        help="compare groups by this attribute or segment, numbers in bands such as age:30,50; may be repeated",
    )
    parser.add_argument("--k", type=_threshold, help="the smallest group that is shown (default: 10)")


def _threshold(text: str) -> int:
    """A number of customers below which nothing is told."""
    number = int(text) if text.isdecimal() else 0
    if not 1 <= number <= 1_000_000:
        raise argparse.ArgumentTypeError(f"`{text}` is no whole number from 1 to 1000000")
    return number


def _add_sources(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--playbook", action="append", required=True, type=Path, help="a playbook; may be repeated for one in several documents"
    )
    _add_events(parser)


def _add_catalog(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--catalog",
        type=Path,
        metavar="TABLE",
        help="the items that can be suggested, in place of those of the playbook: a table in CSV, JSON, JSON lines, Arrow or Parquet",
    )


def _add_events(parser: argparse.ArgumentParser) -> None:
    _add_catalog(parser)
    parser.add_argument(
        "--events", action="append", required=True, type=Path, metavar="FILE", help="events as Parquet, CSV or Arrow IPC; may be repeated"
    )
    parser.add_argument("--customer-column", metavar="COLUMN", help="the column of the customers' identifiers (default: customer)")
    parser.add_argument(
        "--bad-rows", choices=["stop", "report"], default="stop", help="what to do with rows that cannot be read (default: %(default)s)"
    )


# --- commands ----------------------------------------------------------------------------------------------------------


def _check(given: argparse.Namespace) -> int:
    engine = _load(given.playbook, given)
    for warning in engine.warnings:
        print(warning)
    summary = engine.playbook
    parts = [f"{len(summary.get(part, []))} {part}" for part in ("segments", "personas", "journeys", "offers", "placements")]
    warnings = f", {len(engine.warnings)} warnings" if engine.warnings else ""
    print(f"{summary['name']} version {summary['version']}: {', '.join(parts)}{warnings}")
    if given.minimise:
        unread = engine.query(None, {"query": "unread", "version": 1})
        names = {
            "attributes": "attributes",
            "events": "event types",
            "properties": "properties",
            "request": "facts of the request",
            "computed": "computed values",
        }
        for part, name in names.items():
            if unread.get(part):
                print(f"{name} that no rule reads: {', '.join(unread[part])}")
        if not any(unread.get(part) for part in names):
            print("everything that is declared is read by some rule")
    return 0


def _test(given: argparse.Namespace) -> int:
    engine = _load(given.playbook, given)
    _exist(given.cases)
    suites: list[tuple[Path, list[dict[str, Any]]]] = []
    unread = 0
    for path in given.cases:
        try:
            text = path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise _Stop(f"`{path}` cannot be read: {error}", 1) from error
        answer = engine.query(None, {"query": "try", "cases": text, "document": str(path)})
        if answer["mistakes"] is not None:
            print(answer["mistakes"].rstrip(), file=sys.stderr)
            unread += 1
            continue
        cases = [case for case in answer["cases"] if given.only is None or given.only in case["case"]]
        suites.append((path, cases))
        print(path)
        for case in cases:
            print(f"  {'FAILED' if case['failures'] else 'ok    '}  {case['case']}")
            for failure in case["failures"]:
                first, *rest = failure["message"].splitlines()
                print(f"          line {failure['line']}, {failure['at']}: {first}")
                for line in rest:
                    print(f"              {line}")
    if given.junit is not None:
        _write_junit(given.junit, suites)
    if unread:
        documents = "document of cases has" if unread == 1 else "documents of cases have"
        raise _Stop(f"{unread} {documents} mistakes", 1)
    outcomes = [bool(case["failures"]) for _, cases in suites for case in cases]
    if not outcomes:
        raise _Stop("there is no such case" if given.only else "there is no case", 1)
    failed = sum(outcomes)
    print(f"{len(outcomes) - failed} passed, {failed} failed" if failed else f"{len(outcomes)} passed")
    return int(failed > 0)


def _write_junit(path: Path, suites: list[tuple[Path, list[dict[str, Any]]]]) -> None:
    root = ElementTree.Element("testsuites")
    for document, cases in suites:
        failed = sum(bool(case["failures"]) for case in cases)
        suite = ElementTree.SubElement(root, "testsuite", name=str(document), tests=str(len(cases)), failures=str(failed))
        for case in cases:
            entry = ElementTree.SubElement(
                suite, "testcase", name=case["case"], classname=document.stem, file=str(document), line=str(case["line"])
            )
            for failure in case["failures"]:
                first = failure["message"].splitlines()[0]
                ElementTree.SubElement(entry, "failure", message=f"line {failure['line']}: {first}").text = failure["message"]
    try:
        ElementTree.ElementTree(root).write(path, encoding="utf-8", xml_declaration=True)
    except OSError as error:
        raise _Stop(f"`{path}` cannot be written: {error.strerror}", 1) from error


def _fmt(given: argparse.Namespace) -> int:
    if given.expression or Path("-") in given.playbook:
        if [path for path in given.playbook if path != Path("-")]:
            raise _Stop("an expression comes from standard input alone: leave out the playbooks")
        return _fmt_expression(given)
    if not given.playbook:
        raise _Stop("give a playbook, or `-` for an expression on standard input")
    _exist(given.playbook)
    refused, changed = 0, 0
    for path in given.playbook:
        formatted = _formatted(path)
        if formatted is None:
            refused += 1
            continue
        before, after = formatted
        if before == after:
            continue
        changed += 1
        if given.check:
            print(f"would format {path}")
        elif given.diff:
            _print_diff(before, after, str(path))
        else:
            _replace(path, after)
            print(f"formatted {path}")
    if refused:
        words = "document cannot be parsed and is" if refused == 1 else "documents cannot be parsed and are"
        raise _Stop(f"{refused} {words} left alone", 1)
    return 1 if given.check and changed else 0


def _fmt_expression(given: argparse.Namespace) -> int:
    tactful = _tactful()
    try:
        before = sys.stdin.read()
        after = tactful.format_expression(before) + "\n"
    except UnicodeDecodeError as error:
        raise _Stop("standard input is not text in UTF-8", 1) from error
    except tactful.ExpressionError as error:
        print(error, file=sys.stderr)
        raise _Stop("the expression cannot be parsed", 1) from error
    if given.check:
        if before != after:
            print("would format standard input")
        return int(before != after)
    if given.diff:
        _print_diff(before, after, "standard input")
    else:
        sys.stdout.write(after)
    return 0


def _formatted(path: Path) -> tuple[str, str] | None:
    """A document before and after; nothing when it cannot be parsed, which is told."""
    tactful = _tactful()
    try:
        # Bytes and not text, so that line ends stay as they are.
        before = path.read_bytes().decode()
        return before, tactful.format_playbook(before, name=str(path))
    except UnicodeDecodeError as error:
        print(f"`{path}` is not text in UTF-8, from byte {error.start} on", file=sys.stderr)
    except tactful.PlaybookError as error:
        print(error, file=sys.stderr)
    except OSError as error:
        raise _Stop(f"`{path}` cannot be read: {error.strerror or error}") from error
    return None


def _print_diff(before: str, after: str, name: str) -> None:
    for line in difflib.unified_diff(_lines(before), _lines(after), name, f"{name} (formatted)"):
        print(line, end="" if line.endswith("\n") else "\n\\ No newline at end of file\n")


def _lines(text: str) -> list[str]:
    """Lines with their ends; only a line feed ends one, as in other tools' diffs."""
    return [f"{line}\n" for line in text.split("\n")[:-1]] + [line for line in text.split("\n")[-1:] if line]


def _replace(path: Path, text: str) -> None:
    """Writes a file whole or not at all; a link stays a link, and permissions stay."""
    target = path.resolve()
    beside = target.with_name(f".{target.name}.tactful")
    try:
        try:
            beside.write_bytes(text.encode())
            shutil.copymode(target, beside)
            beside.replace(target)
        finally:
            beside.unlink(missing_ok=True)
    except OSError as error:
        raise _Stop(f"`{path}` cannot be written: {error.strerror or error}") from error


def _replay(given: argparse.Namespace) -> int:
    _need_extra()
    from . import printing
    from .instants import calendar, instants
    from .report import write
    from .report.adapt import exemplars, from_replay

    engine = _load(given.playbook, given)
    playbook = engine.playbook
    _known_placements(playbook, given.placement or [])
    for name in given.name or []:
        _customer(name)
    sources = _sources(given)
    first, last = _period(sources)
    at = instants(given.decide, first, last, calendar(str(playbook.get("time_zone", "UTC"))))
    columns = {"customer": given.customer_column} if given.customer_column else None
    with printing.progress(sum(source.rows or 0 for source in sources), quiet=given.quiet) as told, _engine_errors(sources):
        replay = engine.replay(
            [source.stream() for source in sources],
            decide_at=at,
            placements=given.placement or [placement["name"] for placement in playbook["placements"]],
            record="shown",
            columns=columns,
            bad_rows=given.bad_rows,
            progress=told,
        )
        names = list(dict.fromkeys(given.name or exemplars(replay)))
        data = from_replay(
            playbook,
            replay,
            names=names,
            credit=given.credit,
            period=(first, last),
            served=_who(given, playbook, replay, at),
        )
    if not given.quiet:
        printing.figures(data)
    if given.json:
        _write_json(data, given.json)
        print(f"Figures: {given.json}")
    if given.report:
        try:
            print(f"Report: {write(data, given.report)}")
        except OSError as error:
            raise _Stop(f"`{given.report}` cannot be written: {error.strerror or error}") from error
    return 0


def _who(given: argparse.Namespace, playbook: Any, replay: Any, at: Sequence[datetime]) -> str | None:
    """Who goes without at the last instant, as sections of the page."""
    placements = given.placement or [placement["name"] for placement in playbook["placements"]]
    if not at or not placements:
        return None
    asked = {"query": "served", "now": at[-1].isoformat(), "placements": placements, "format": "html"}
    return str(replay.query(asked | _protected(given))["html"])


def _compare(given: argparse.Namespace) -> int:
    _need_extra()
    from . import printing
    from .instants import calendar, instants

    engines = [_load([given.before], given), _load([given.after], given)]
    for engine in engines:
        _known_placements(engine.playbook, given.placement or [])
    sources = _sources(given)
    first, last = _period(sources)
    at = instants(given.decide, first, last, calendar(str(engines[0].playbook.get("time_zone", "UTC"))))
    columns = {"customer": given.customer_column} if given.customer_column else None
    replays = []
    for engine in engines:
        with (
            printing.progress(sum(source.rows or 0 for source in sources), quiet=given.quiet or given.json) as told,
            _engine_errors(sources),
        ):
            replay = engine.replay(
                [source.stream() for source in sources],
                decide_at=at,
                placements=given.placement or [placement["name"] for placement in engine.playbook["placements"]],
                record="shown",
                columns=columns,
                bad_rows=given.bad_rows,
                progress=told,
            )
        replays.append(replay)
    found = replays[0].compare(replays[1], k=given.k)
    print(json.dumps(found.to_dict(), indent=2, ensure_ascii=False) if given.json else found.text, end="\n" if given.json else "")
    return 0


def _loaded(given: argparse.Namespace, engine: Any) -> Any:
    from . import printing

    sources = _sources(given)
    columns = {"customer": given.customer_column} if given.customer_column else None
    with printing.progress(sum(source.rows or 0 for source in sources), quiet=given.quiet or given.json) as told, _engine_errors(sources):
        return engine.replay([source.stream() for source in sources], columns=columns, bad_rows=given.bad_rows, progress=told)


def _estimate(given: argparse.Namespace) -> int:
    _need_extra()
    rewards: dict[str, Any] = {}
    for pair in given.reward:
        outcome, equals, reward = pair.partition("=")
        try:
            rewards[outcome] = reward if reward == "value" else float(reward)
        except ValueError:
            equals = ""
        if not equals or not outcome:
            raise _Stop(f"`{pair}` is no reward: write an outcome and a number, such as accepted=1, or accepted=value")
    before, after = _load([given.before], given), _load([given.after], given)
    for engine in (before, after):
        _known_placements(engine.playbook, given.placement or [])
    receipts = _receipts(given.receipts) if given.receipts else None
    _, last = _period(_sources(given))
    replay = _loaded(given, before)
    with _engine_errors():
        found = replay.off_policy(
            after,
            last,
            rewards=rewards,
            within=given.within,
            placements=given.placement,
            clip=given.clip,
            approximate=given.approximate,
            receipts=receipts,
        )
    text = found.pop("text")
    print(json.dumps(found, indent=2, ensure_ascii=False) if given.json else text, end="\n" if given.json else "")
    return 0


def _receipts(path: Path) -> list[dict[str, Any]]:
    if not path.is_file():
        raise _Stop(f"`{path}` does not exist: give receipts, one JSON object a line")
    receipts: list[dict[str, Any]] = []
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        if line.strip():
            try:
                receipt = json.loads(line)
            except ValueError:
                receipt = None
            if not isinstance(receipt, dict):
                raise _Stop(f"{path}:{number}: expected a receipt, a JSON object", 1)
            receipts.append(receipt)
    return receipts


_FORMS = {
    "": "text",
    ".txt": "text",
    ".svg": "svg",
    ".mmd": "mermaid",
    ".mermaid": "mermaid",
    ".dot": "dot",
    ".gv": "dot",
    ".html": "html",
    ".json": "json",
}


def _map(given: argparse.Namespace) -> int:
    _need_extra()
    engine = _load(given.playbook, given)
    names = [journey["name"] for journey in engine.playbook["journeys"]]
    if not names:
        raise _Stop("the playbook has no journey", 1)
    name = given.journey or names[0]
    if name not in names:
        raise _Stop(f"the playbook has no journey `{name}`: it has {', '.join(f'`{each}`' for each in names)}")
    suffix = given.output.suffix if given.output else ""
    form = given.format or _FORMS.get(suffix)
    if form is None:
        raise _Stop(
            f"`{given.output}` does not say as what to write: end it in {', '.join(form for form in _FORMS if form)}, or give --format"
        )
    if given.ground and form != "svg":
        raise _Stop(f"--ground is for pictures: {form} has none")
    if given.plan and (given.group or given.compare or given.split not in (None, "segments")):
        raise _Stop("a plan tells of its segments, all of them: leave out --split, --group and --compare")
    if given.plan and form in ("mermaid", "dot"):
        raise _Stop(f"a plan is not drawn as {form}: write text, html, svg or json")
    if given.compare and form not in ("text", "json"):
        raise _Stop(f"a comparison is not drawn as {form}: write text or json")
    if not given.plan and form == "html":
        raise _Stop("a map is not drawn as html: write svg, which a page can hold")
    if (given.group or given.compare) and not given.split:
        raise _Stop("groups need --split, such as --split months")
    replay = _loaded(given, engine)
    at = given.at or _period(_sources(given))[1].isoformat()
    split = "segments" if given.plan else given.split
    with _engine_errors():
        found = replay.journey_map(name, at, since=given.since, split=split, k=given.k)
        if given.plan:
            told = _planned(found.plan(), form, given.ground)
        elif given.compare:
            differences = found.compare(group=given.group, other_group=given.compare)
            told = _as_json(differences) if form == "json" else _differences(differences, given.group or "everyone", given.compare)
        else:
            told = _drawn(found, form, given)
    if given.output is None:
        print(told, end="" if told.endswith("\n") else "\n")
        return 0
    try:
        given.output.parent.mkdir(parents=True, exist_ok=True)
        given.output.write_text(told, encoding="utf-8")
    except OSError as error:
        raise _Stop(f"`{given.output}` cannot be written: {error.strerror or error}") from error
    return 0


def _as_json(found: object) -> str:
    return json.dumps(found, indent=2, ensure_ascii=False) + "\n"


def _planned(plan: Any, form: str, ground: str | None) -> str:
    if form == "svg":
        return str(plan.svg(ground=ground))
    if form == "html":
        return str(plan.html())
    return _as_json(plan.report()) if form == "json" else str(plan)


def _drawn(found: Any, form: str, given: argparse.Namespace) -> str:
    if form == "svg":
        return str(found.svg(given.group, ground=given.ground))
    if form in ("mermaid", "dot"):
        return str(found.mermaid(given.group) if form == "mermaid" else found.dot(given.group))
    report = found.report(given.group)
    if form == "json":
        return _as_json(report)
    lines = [f"{report['title']}: {_told(report['customers'])} customers, {report['group'] or 'everyone'}, at {report['at']}"]
    lines.append(f"{'stage':<28}{'here':>10}{'came in':>10}{'left':>10}{'dropped':>10}   half stay")
    for stage in report["stages"]:
        if stage["no_data"]:
            lines.append(f"{stage['title']:<28}no data: {stage['no_data']}")
            continue
        seconds = (stage["time"] or {}).get("median_seconds")
        days = "" if seconds is None else f"{seconds / 86400:.1f} days"
        numbers = "".join(f"{_told(stage[key]):>10}" for key in ("here", "entries", "exits", "drop_outs"))
        lines.append(f"{stage['title']:<28}{numbers}   {days}".rstrip())
    lines += [f"! {pain['stage']}: {pain['kind']}, {pain['share']:.1%} against {pain['otherwise']:.1%}" for pain in report["pain_points"]]
    if found.groups:
        lines.append(f"groups: {', '.join(found.groups)}")
    return "\n".join(lines) + "\n"


def _told(number: int | None) -> str:
    # Withheld is what is about few, and what they would follow from.
    return "–" if number is None else f"{number:,}"


def _differences(found: Sequence[dict[str, Any]], first: str, second: str) -> str:
    lines = [f"{'':<44}{first[:16]:>17}{second[:16]:>17}   difference"]
    for each in found:
        what = f"{each['stage']}: {each['measure']}{' to ' + each['to'] if each['to'] else ''}"
        sure = "" if each["q"] <= 0.05 else "   (may be chance)"
        low, high = each["interval"]
        lines.append(
            f"{what:<44}{each['first']:>16.1%} {each['second']:>16.1%}   {each['difference']:+.1%} ({low:+.1%} to {high:+.1%}){sure}"
        )
    return "\n".join(lines) + "\n"


def _protected(given: argparse.Namespace) -> dict[str, Any]:
    groups: list[dict[str, Any]] = []
    for each in given.protected or []:
        name, _, borders = each.partition(":")
        try:
            groups.append({"name": name, "bands": [float(border) for border in borders.split(",") if border]})
        except ValueError:
            raise _Stop(f"`{each}` has borders that are no numbers: write them as in age:30,50") from None
    return {"protected": groups} | ({} if given.k is None else {"k": given.k})


def _served(given: argparse.Namespace) -> int:
    _need_extra()
    engine = _load([given.playbook], given)
    _known_placements(engine.playbook, given.placement or [])
    question: dict[str, Any] = {"query": "served", "placements": given.placement or []} | _protected(given)
    question["now"] = given.at or _period(_sources(given))[1].isoformat()
    if given.strong is not None:
        question["strong"] = given.strong
    replay = _loaded(given, engine)
    with _engine_errors():
        if given.json:
            print(json.dumps(replay.query(question), indent=2, ensure_ascii=False))
        else:
            print(replay.query(question | {"format": "text"})["text"], end="")
    return 0


def _explain(given: argparse.Namespace) -> int:
    _need_extra()
    from .instants import parse

    try:
        at = parse(given.at)
    except ValueError as error:
        raise _Stop(f"`{given.at}` is not an instant such as 2010-06-30T12:00:00Z: {error}") from error
    engine = _load(given.playbook, given)
    _known_placements(engine.playbook, [given.placement])
    namespace, key = _customer(given.customer)
    column = given.customer_column if given.customer_column and namespace == "customer" else namespace
    sources = _sources(given)
    if not any(column in source.schema.names for source in sources):
        raise _Stop(f"no file has a column `{column}` for `{given.customer}`: name it with --customer-column")
    with _engine_errors(sources):
        replay = engine.replay(
            [source.stream(only=(column, key)) for source in sources],
            decide_at=[at],
            placements=[given.placement],
            record=None,
            columns={"customer": given.customer_column} if given.customer_column else None,
            bad_rows=given.bad_rows,
            progress=None,
        )
        if int(replay.stats["events"]) == 0:
            raise _Stop(f"no event tells of `{given.customer}`: check the identifier")
        decision = replay.explain(given.customer, given.placement, at)
    print(json.dumps(decision.to_dict(), indent=2, ensure_ascii=False) if given.json else _explained(decision))
    return 0


def _explained(decision: Any) -> str:
    """A decision and why, for people."""
    told = []
    for answer in decision.placements:
        told += [f"{answer.placement}: {ranked.offer}, score {ranked.score:g}: {ranked.message}" for ranked in answer.offers]
        if not answer.offers:
            told.append(f"{answer.placement}: {answer.kind}{f': {answer.fallback}' if answer.fallback else ''}")
    return "\n".join([*told, "", decision.trace.text.rstrip()])


# --- parts -------------------------------------------------------------------------------------------------------------


def _tactful() -> Any:
    """The package itself; taken in late, so that ``--help`` works whatever is installed."""
    return importlib.import_module("tactful")


#: How names of tables end, which are no documents.
_TABLES = (".csv", ".parquet", ".pq", ".arrow", ".ipc", ".feather")


def _exist(paths: Sequence[Path]) -> None:
    for path in paths:
        if not path.is_file():
            raise _Stop(f"`{path}` {'is not a file' if path.exists() else 'does not exist'}: give a playbook in YAML or JSON")
        if path.suffix.lower() in _TABLES:
            raise _Stop(f"`{path}` is a table by its name: give a playbook in YAML or JSON; tables are for --events and --catalog")


def _load(paths: Sequence[Path], given: argparse.Namespace) -> Any:
    """The engine, with the items of ``--catalog`` when that is given; what is wrong with them is told and left out."""
    _exist(paths)
    tactful = _tactful()
    try:
        engine = tactful.Engine.load([str(path) for path in paths])
    except tactful.PlaybookError as error:
        print(error, file=sys.stderr)
        mistakes = len(getattr(error, "diagnostics", [])) or 1
        raise _Stop(f"the playbook has {mistakes} {'mistake' if mistakes == 1 else 'mistakes'}", 1) from error
    except (OSError, UnicodeDecodeError) as error:
        raise _Stop(f"the playbook cannot be read: {error}") from error
    catalog = getattr(given, "catalog", None)
    return engine if catalog is None else _with_items(engine, catalog)


def _with_items(engine: Any, catalog: Path) -> Any:
    if not catalog.is_file():
        raise _Stop(f"`{catalog}` {'is not a file' if catalog.exists() else 'does not exist'}: give a table of items")
    if catalog.suffix.lower() in (".parquet", ".arrow", ".feather", ".ipc"):
        _need_extra()
    try:
        engine, bad = engine.with_catalog(catalog)
    except (_tactful().TactfulError, OSError, ValueError) as error:
        raise _Stop(f"`{catalog}` is no table of items: {error}", 1) from error
    for one in bad[:20]:
        where = [f"line {one['line']}" if "line" in one else "" if one["row"] is None else f"row {one['row']}"]
        where.append(f"column `{one['column']}`" if one["column"] is not None else "")
        print(f"{catalog}: {', '.join(part for part in where if part)}: {one['message']}", file=sys.stderr)
    if len(bad) > 20:
        print(f"{catalog}: {len(bad) - 20} more mistakes", file=sys.stderr)
    return engine


class _engine_errors:
    """Turns what the engine raises into a message of one line; of a bad row it says in which of the files it is."""

    def __init__(self, sources: Sequence[Source] = ()) -> None:
        self._sources = sources

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        tactful = _tactful()
        if isinstance(error, (tactful.TactfulError, ValueError, KeyError)):
            words = str(error.args[0]) if isinstance(error, KeyError) and error.args else str(error)
            row = getattr(error, "row", None)
            raise _Stop(words if row is None else self._placed(error, row) or words, 1) from error

    def _placed(self, error: Any, row: int) -> str | None:
        """The message with the file and the row or line in it; the engine counts the rows of all files, from 0."""
        counted = f"row {row}"
        for source in self._sources:
            if source.streamed is None:
                return None
            if row < source.streamed:
                # A CSV has its names in the first line, and a row in each that follows.
                at = source.row(row)
                where = f"line {at + 2}" if source.path.suffix.lower() == ".csv" else f"row {at}"
                message = str(error.message)
                rest = message.removeprefix(counted)
                return f"`{source.path}`, {where}{rest if rest != message else f': {message}'}"
            row -= source.streamed
        return None


def _need_extra() -> None:
    for module in ("pyarrow", "rich"):
        try:
            importlib.import_module(module)
        except ImportError as error:
            raise _Stop(f"{module} is missing: pip install 'tactful[cli]'") from error


def _sources(given: argparse.Namespace) -> list[Source]:
    from .reading import Unreadable, open_source

    try:
        sources = [open_source(path, ["time", "type"]) for path in given.events]
    except Unreadable as error:
        raise _Stop(str(error)) from error
    column = given.customer_column
    if column and not any(column in source.schema.names for source in sources):
        have = ", ".join(f"`{name}`" for name in sources[0].schema.names)
        raise _Stop(f"`{sources[0].path}` has no column `{column}`: it has {have}")
    return sources


def _period(sources: Sequence[Source]) -> tuple[datetime, datetime]:
    found = [period for period in (source.period() for source in sources) if period is not None]
    if not found:
        raise _Stop(
            f"`{sources[0].path}`: no row of column `time` has a time: give the time of each event with its offset, "
            "such as 2026-03-01T10:00:00Z"
        )
    return min(first for first, _ in found), max(last for _, last in found)


def _known_placements(playbook: Any, wanted: Sequence[str]) -> None:
    have = [placement["name"] for placement in playbook["placements"]]
    for name in wanted:
        if name not in have:
            raise _Stop(f"the playbook has no placement `{name}`: it has {', '.join(f'`{each}`' for each in have)}")


def _customer(name: str) -> tuple[str, str]:
    namespace, colon, key = name.partition(":")
    if not (namespace and colon and key):
        raise _Stop(f"`{name}` is not an identifier: write its namespace before it, such as customer:12345")
    return namespace, key


def _write_json(data: ReportData, path: Path) -> None:
    def plain(value: object) -> str:
        return value.isoformat() if isinstance(value, datetime) else str(value)

    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(dataclasses.asdict(data), indent=1, default=plain, ensure_ascii=False) + "\n", encoding="utf-8")
    except OSError as error:
        raise _Stop(f"`{path}` cannot be written: {error.strerror or error}") from error


def _run() -> NoReturn:
    sys.exit(main())


if __name__ == "__main__":
    _run()
