"""How well tactful says what comes next, and when, against three baselines: the most frequent, an order-1 Markov chain, and gradient-boosted
trees (LightGBM). Every log is cut at an instant: all that lies before is learned from, what lies after is scored.

    python benches/python/next_step.py [loans] [desk] [retail] [without-trees]

needs ``tactful``, pandas and pyarrow (and lightgbm for the third baseline) and the data in ``../shared/data``.
"""

import bisect
import csv
import datetime
import gzip
import re
import sys
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

sys.path.insert(0, str(Path(__file__).parent))
import scoring
import tactful

DATA = Path(__file__).resolve().parents[2] / ".." / "shared" / "data"
DAY = datetime.timedelta(days=1)
TICK = datetime.timedelta(microseconds=1)
UTC = datetime.timezone.utc

Step = tuple[datetime.datetime, str]
Item = TypeVar("Item")


@dataclass
class Log:
    """Cases with their steps in order, the journey that they walk, and what is asked of them."""

    name: str
    cases: dict[str, list[Step]]
    #: Stages of the journey as YAML, one per line; event types are declared besides.
    stages: str
    segments: str
    #: The instant up to which is learned.
    cut: datetime.datetime
    #: What is asked at instants of a grid: whether this is next, or anything when None, within a time.
    target: str | None
    within: datetime.timedelta
    grid: datetime.timedelta
    #: How many steps after the cut are scored at most.
    most: int = 6_000
    kinds: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.kinds = sorted({kind for steps in self.cases.values() for _, kind in steps})

    def playbook(self) -> str:
        events = "\n".join(f"  {kind}: {{}}" for kind in self.kinds)
        return (
            f"playbook: {self.name}\nversion: 1\nidentity: {{case: {{}}}}\nevents:\n{events}\n{self.segments}"
            f"journeys:\n  way:\n    stages:\n{self.stages}"
        )

    def base(self) -> "tactful.CustomerBase":
        base = tactful.CustomerBase(tactful.Engine.compile({"log.yaml": self.playbook()}))
        for case, steps in self.cases.items():
            for number, (time, kind) in enumerate(steps):
                base.record(tactful.Event(kind, time, f"case:{case}", id=f"{case}-{number}", sequence=number))
        return base


def word(text: str) -> str:
    return re.sub(r"[^a-z0-9]+", "_", text.lower()).strip("_")


def rows(file: str) -> list[dict[str, str]]:
    with gzip.open(DATA / file, "rt", encoding="utf-8", newline="") as lines:
        return list(csv.DictReader(lines))


def cut_of(cases: dict[str, list[Step]], share: float) -> datetime.datetime:
    times = sorted(time for steps in cases.values() for time, _ in steps)
    return times[int(len(times) * share)].replace(hour=0, minute=0, second=0, microsecond=0)


def loans() -> Log:
    cases: dict[str, list[Step]] = defaultdict(list)
    for row in rows("bpic2012_loan_applications.csv.gz"):
        kind = word(row["activity"]) if row["lifecycle"] == "COMPLETE" else word(row["activity"] + "_" + row["lifecycle"])
        cases[row["case_id"]].append((datetime.datetime.fromisoformat(row["timestamp"].replace("Z", "+00:00")), kind))
    for steps in cases.values():
        steps.sort(key=lambda step: step[0])
    stages = (
        "      submitted: {on: a_submitted}\n      preaccepted: {on: a_preaccepted}\n      accepted: {on: a_accepted}\n"
        "      offered: {on: o_sent}\n      returned: {on: o_sent_back}\n      approved: {on: [a_approved, a_activated]}\n"
        "      ended: {on: [a_declined, a_cancelled]}\n"
    )
    return Log("loans", dict(cases), stages, "", cut_of(cases, 0.7), None, 7 * DAY, 7 * DAY)


def desk() -> Log:
    cases: dict[str, list[Step]] = defaultdict(list)
    for row in rows("bpic2014_service_desk_sample.csv.gz"):
        time = datetime.datetime.fromisoformat(row["timestamp"]).replace(tzinfo=UTC)
        cases[row["incident_id"]].append((time, word(row["activity"])))
    for steps in cases.values():
        steps.sort(key=lambda step: step[0])
    stages = (
        "      open: {on: open}\n      assigned: {on: [assignment, reassignment]}\n      working: {on: [operator_update, update]}\n"
        "      closed: {on: closed}\n      reopened: {on: reopen}\n"
    )
    # Two incidents of years before would put the cut nowhere.
    cases = {case: steps for case, steps in cases.items() if steps[0][0].year >= 2013}
    return Log("desk", cases, stages, "", cut_of(cases, 0.7), None, DAY, 7 * DAY)


def retail() -> Log:
    import pandas

    lines = pandas.read_parquet(DATA / "online_retail_2009_2010.parquet", columns=["invoice", "invoice_date", "customer_id"])
    lines = lines.dropna(subset=["customer_id"]).drop_duplicates(subset=["invoice"]).sort_values(["invoice_date", "invoice"])
    cases: dict[str, list[Step]] = defaultdict(list)
    for invoice, time, customer in zip(lines["invoice"].astype(str), lines["invoice_date"], lines["customer_id"]):
        time = pandas.Timestamp(time).to_pydatetime().replace(tzinfo=UTC)
        cases[str(int(float(customer)))].append((time, "cancellation" if invoice.startswith("C") else "purchase"))
    segments = (
        'segments:\n  frequent: \'events("purchase").within("90d").count() >= 3\'\n'
        '  lately: \'events("purchase").within("60d").count() >= 2\'\n'
    )
    stages = (
        "      first: {on: purchase, from: [none]}\n"
        "      second: {enter: 'events(\"purchase\").count() >= 2'}\n"
        "      third: {enter: 'events(\"purchase\").count() >= 3'}\n"
        "      loyal: {enter: 'events(\"purchase\").count() >= 5'}\n"
        "      devoted: {enter: 'events(\"purchase\").count() >= 10'}\n"
    )
    return Log("retail", dict(cases), stages, segments, cut_of(cases, 0.6), "purchase", 30 * DAY, 14 * DAY)


LOGS = {"loans": loans, "desk": desk, "retail": retail}


@dataclass
class Asked:
    """A step that is followed by another at a later instant."""

    case: str
    #: How many steps were there.
    seen: int
    truth: str


def asked_of(log: Log, learn: bool) -> list[Asked]:
    """The steps to learn from (both before the cut) or to be scored (the first after it)."""
    found = []
    for case, steps in log.cases.items():
        for place in range(len(steps) - 1):
            (time, _), (later, came) = steps[place], steps[place + 1]
            if later > time and (later <= log.cut if learn else time >= log.cut):
                found.append(Asked(case, place + 1, came))
    return found


def thinned(items: list[Item], most: int) -> list[Item]:
    """At most so many of them, evenly."""
    step = max(1, -(-len(items) // most))
    return items[::step]


#: What was never told of anybody is as likely as one step in so many, as in any smoothed count.
UNTOLD = 1e-3


def by_tactful(base: "tactful.CustomerBase", log: Log, asked: list[Asked]) -> list[dict[str, float]]:
    predicted = []
    end = max(steps[-1][0] for steps in log.cases.values())
    for one in asked:
        now = log.cases[one.case][one.seen - 1][0] + TICK
        # Only steps are asked about that are followed by another before the log ends.
        within = f"{max(1, int((end - now).total_seconds()))}s"
        (way,) = base.next(f"case:{one.case}", now, journey="way", within=[within], top=1_000)["journeys"]
        likely = {likely["what"]: likely["within"][0] for likely in way["event"]["likely"]}
        others = [kind for kind in log.kinds if kind not in likely]
        rest = way["event"]["rest"] + UNTOLD * sum(likely.values())
        likely.update({kind: rest / len(others) for kind in others})
        whole = sum(likely.values()) or 1.0
        predicted.append({kind: chance / whole for kind, chance in likely.items()})
    return predicted


def by_frequency(log: Log, learned: list[Asked], asked: list[Asked]) -> list[dict[str, float]]:
    counts = Counter(one.truth for one in learned)
    whole = sum(counts.values()) + len(log.kinds)
    shares = {kind: (counts[kind] + 1) / whole for kind in log.kinds}
    return [shares] * len(asked)


def by_markov(log: Log, learned: list[Asked], asked: list[Asked]) -> list[dict[str, float]]:
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    for one in learned:
        counts[log.cases[one.case][one.seen - 1][1]][one.truth] += 1
    shares = {}
    for last in log.kinds:
        whole = sum(counts[last].values()) + 0.1 * len(log.kinds)
        shares[last] = {kind: (counts[last][kind] + 0.1) / whole for kind in log.kinds}
    return [shares[log.cases[one.case][one.seen - 1][1]] for one in asked]


def table(log: Log, rows: list[tuple[str, int, datetime.datetime]]):  # type: ignore[no-untyped-def]
    import numpy

    return numpy.array([features(log, *row) for row in rows], dtype=float)


def features(log: Log, case: str, seen: int, now: datetime.datetime) -> list[float]:
    """What the trees may look at: the last four steps, how many there were of the last three types, positions and times."""
    numbers = {kind: number for number, kind in enumerate(log.kinds)}
    steps = log.cases[case][:seen]
    last = [numbers[kind] for _, kind in steps[-4:]][::-1]
    last += [-1] * (4 - len(last))
    times = [time for time, _ in steps]
    gaps = [(b - a).total_seconds() for a, b in zip(times[-4:], times[-3:])][::-1]
    gaps += [-1.0] * (3 - len(gaps))
    kinds = [kind for _, kind in steps]
    counts = [kinds.count(kind) for kind in kinds[-3:]][::-1]
    counts += [0] * (3 - len(counts))
    waited, age = (now - times[-1]).total_seconds(), (now - times[0]).total_seconds()
    lately = [sum(time > now - days * DAY for time in times[-50:]) for days in (7, 30, 90)]
    return [*last, *gaps, *counts, *lately, len(steps), waited, age, now.hour, now.weekday()]


#: From how many steps or questions the trees learn at most.
MOST_FOR_TREES = 20_000
#: The first four features are categories.
CATEGORIES = [0, 1, 2, 3]


def trees() -> Any:
    from lightgbm import LGBMClassifier

    # Small leaves and fast learning make it worse than nothing where some types are rare; so does scikit-learn's, which takes 40 times as long.
    return LGBMClassifier(
        n_estimators=100, learning_rate=0.05, num_leaves=8, min_child_samples=50, reg_lambda=20, random_state=1, n_jobs=1, verbose=-1
    )


def by_trees(log: Log, learned: list[Asked], asked: list[Asked]) -> list[dict[str, float]]:
    def rows(some: list[Asked]) -> list[tuple[str, int, datetime.datetime]]:
        return [(one.case, one.seen, log.cases[one.case][one.seen - 1][0]) for one in some]

    learned = thinned(learned, MOST_FOR_TREES)
    model = trees().fit(table(log, rows(learned)), [one.truth for one in learned], categorical_feature=CATEGORIES)
    chances = model.predict_proba(table(log, rows(asked)))
    return [{kind: 0.0 for kind in log.kinds} | dict(zip(model.classes_, map(float, line))) for line in chances]


@dataclass
class Moment:
    """An instant of the grid for a case that has begun, and whether what is asked came within the time."""

    case: str
    seen: int
    now: datetime.datetime
    came: bool


def moments(log: Log, first: datetime.datetime, last: datetime.datetime, most: int) -> list[Moment]:
    found = []
    now = first
    while now + log.within <= last:
        for case, steps in log.cases.items():
            seen = bisect.bisect_right([time for time, _ in steps], now)
            if seen == 0 or now - steps[seen - 1][0] > 180 * DAY:
                continue
            later = steps[seen] if seen < len(steps) else None
            came = later is not None and later[0] <= now + log.within and log.target in (None, later[1])
            found.append(Moment(case, seen, now, came))
        now += log.grid
    return thinned(found, most)


def when(base: "tactful.CustomerBase", log: Log, with_trees: bool) -> dict[str, tuple[list[float], list[bool]]]:
    """Probabilities that what is asked comes within the time, by method, and whether it came."""
    times = [time for steps in log.cases.values() for time, _ in steps]
    learned = moments(log, min(times) + 60 * DAY, log.cut, MOST_FOR_TREES)
    asked = moments(log, log.cut, max(times), log.most)
    came = [one.came for one in asked]
    within = f"{log.within // DAY}d"
    predicted = []
    for one in asked:
        (way,) = base.next(f"case:{one.case}", one.now, journey="way", within=[within], top=1_000)["journeys"]
        event = way["event"]
        likely = {likely["what"]: likely["within"][0] for likely in event["likely"]}
        predicted.append(1.0 - event["nothing"][0] if log.target is None else likely.get(log.target, 0.0))
    rate = sum(one.came for one in learned) / len(learned)
    by_last: dict[str, list[bool]] = defaultdict(list)
    for one in learned:
        by_last[log.cases[one.case][one.seen - 1][1]].append(one.came)
    markov = [by_last[log.cases[one.case][one.seen - 1][1]] for one in asked]
    found = {
        "most frequent": ([rate] * len(asked), came),
        "Markov, order 1": ([(sum(m) + rate) / (len(m) + 1) for m in markov], came),
    }
    found["tactful"] = (predicted, came)
    if with_trees:

        def rows(some: list[Moment]) -> list[tuple[str, int, datetime.datetime]]:
            return [(one.case, one.seen, one.now) for one in some]

        model = trees().fit(table(log, rows(learned)), [one.came for one in learned], categorical_feature=CATEGORIES)
        found["boosted trees"] = ([float(line[1]) for line in model.predict_proba(table(log, rows(asked)))], came)
    return found


def as_classes(chances: list[float], came: list[bool]) -> tuple[list[dict[str, float]], list[str]]:
    return [{"yes": p, "no": 1.0 - p} for p in chances], ["yes" if c else "no" for c in came]


def score(log: Log, with_trees: bool = True) -> str:
    base = log.base()
    base.learn(log.cut)
    learned, asked = asked_of(log, True), thinned(asked_of(log, False), log.most)
    truth = [one.truth for one in asked]
    methods = {"most frequent": by_frequency(log, learned, asked), "Markov, order 1": by_markov(log, learned, asked)}
    methods["tactful"] = by_tactful(base, log, asked)
    if with_trees:
        methods["boosted trees"] = by_trees(log, learned, asked)
    lines = [
        f"### {log.name}",
        f"{sum(map(len, log.cases.values())):,} events of {len(log.cases):,} cases, {len(log.kinds)} event types; learned up to "
        f"{log.cut:%Y-%m-%d}; {len(asked):,} steps after that are scored.",
        "",
        "| next event | log-loss | Brier | top 1 | top 3 | calibration error |",
        "|---|---|---|---|---|---|",
    ]
    for name, predicted in methods.items():
        error = scoring.calibration_error(scoring.calibration_of_likeliest(predicted, truth))
        lines.append(
            f"| {name} | {scoring.log_loss(predicted, truth):.3f} | {scoring.brier(predicted, truth):.3f} | "
            f"{scoring.top(predicted, truth, 1):.3f} | {scoring.top(predicted, truth, 3):.3f} | {error:.3f} |"
        )
    rows = scoring.calibration_of_likeliest(methods["tactful"], truth)
    lines += ["", "| tactful says | and it came true | steps |", "|---|---|---|"]
    lines += [f"| {p:.3f} | {share:.3f} | {count:,} |" for p, share, count in rows]
    timed = when(base, log, with_trees)
    what = "anything" if log.target is None else f"a {log.target}"
    count, rate = len(timed["tactful"][1]), sum(timed["tactful"][1]) / len(timed["tactful"][1])
    lines += [
        "",
        f"Asked every {log.grid // DAY} days whether {what} is next and comes within {log.within // DAY} days: "
        f"{count:,} questions, {rate:.1%} yes.",
        "",
        "| when | log-loss | Brier | calibration error |",
        "|---|---|---|---|",
    ]
    for name, (chances, came) in timed.items():
        predicted, said = as_classes(chances, came)
        error = scoring.calibration_error(scoring.calibration(chances, came))
        lines.append(f"| {name} | {scoring.log_loss(predicted, said):.3f} | {scoring.brier(predicted, said):.3f} | {error:.3f} |")
    lines += ["", "| tactful says | and it came true | questions |", "|---|---|---|"]
    lines += [f"| {p:.3f} | {share:.3f} | {count:,} |" for p, share, count in scoring.calibration(*timed["tactful"])]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    names = [name for name in sys.argv[1:] if name in LOGS]
    for asked_for in names or LOGS:
        print(score(LOGS[asked_for](), "without-trees" not in sys.argv), flush=True)
