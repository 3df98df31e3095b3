#!/usr/bin/env python3
"""Compares what the playbook would have put into each mailing with the coupons that were then used.

    python compare.py EVENTS.parquet

At the start of each campaign of the second half of the year every household it was mailed to is asked for the five best coupons,
with what was known then. A household and campaign is a *hit* at n when one of the first n coupons is of a category in which the
household then used a coupon of that campaign. Only pairs with such a use count, because nothing can be hit without one.

Two rules stand beside it, which need no engine: the categories that were used most in the first half of the year, the same for
everybody; and the categories that the household itself bought most often in the half-year before. What was mailed in truth is not
known by category, so that a coupon that nobody sent could not be used: the figures compare rules with each other, they are no
forecast.
"""

from __future__ import annotations

import re
import sys
from collections import Counter, defaultdict
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

import tactful

HERE = Path(__file__).parent
HALF = datetime(2017, 7, 1, tzinfo=timezone.utc)
NUMBERS = (1, 3, 5)


def categories(playbook: str) -> dict[str, str]:
    """The category of each offer, as its rule says."""
    return dict(re.findall(r'^  (\w+):\n    title: Coupon.*?category == "([^"]+)"', playbook, re.MULTILINE | re.DOTALL))


def figures(events: pa.Table, progress: Callable[..., object] | None = None) -> dict[str, Any]:
    """The hit rates of the playbook and of the two simple rules."""
    text = (HERE / "playbook.yaml").read_text(encoding="utf-8")
    engine, of = tactful.Engine.compile({"playbook.yaml": text}), categories(text)

    def rows(kind: str, *columns: str) -> list[tuple[Any, ...]]:
        found = events.filter(pc.equal(events["type"], kind))
        return list(zip(*(found[name].to_pylist() for name in columns), strict=True))

    mailings = rows("mailing", "household", "campaign", "time")
    start = {campaign: time for _, campaign, time in mailings}
    used: dict[tuple[str, str], set[str]] = defaultdict(set)
    popular: Counter[str] = Counter()
    for household, campaign, category in rows("redemption", "household", "campaign", "category"):
        if campaign not in start or category not in of.values():
            continue
        used[household, campaign].add(category)
        popular[category] += start[campaign] < HALF
    pairs = {(household, campaign) for household, campaign, time in mailings if time >= HALF and used.get((household, campaign))}
    best = [category for category, _ in sorted(popular.items(), key=lambda pair: (-pair[1], pair[0]))]

    times = sorted({start[campaign] for _, campaign in pairs})
    replay = engine.replay(events, decide_at=times, placements=["mailer"], progress=progress)
    table = pa.table(replay.decisions)
    asked: dict[tuple[str, datetime], list[str]] = defaultdict(list)
    for household, time, offer in zip(*(table[name].to_pylist() for name in ("customer", "time", "offer")), strict=True):
        if offer is not None:
            asked[household.removeprefix("household:"), time].append(of[offer])

    bought: dict[str, list[tuple[datetime, str]]] = defaultdict(list)
    for household, time, category in rows("purchase", "household", "time", "category"):
        if category in of.values():
            bought[household].append((time, category))

    def habit(household: str, now: datetime) -> list[str]:
        counts = Counter(category for time, category in bought[household] if now - timedelta(days=182) < time <= now)
        return [category for category, _ in sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))]

    rules: dict[str, Callable[[str, datetime], list[str]]] = {
        "playbook": lambda household, now: asked[household, now],
        "most used": lambda household, now: best,
        "most bought": habit,
    }
    hits = {
        name: [sum(bool(used[pair] & set(rule(pair[0], start[pair[1]])[:n])) for pair in pairs) for n in NUMBERS]
        for name, rule in rules.items()
    }
    return {"pairs": len(pairs), "households": len({household for household, _ in pairs}), "hits": hits, "replay": replay}


def main() -> None:
    """Prints the figures."""
    if len(sys.argv) != 2:
        raise SystemExit(__doc__)
    found = figures(pq.read_table(sys.argv[1]))
    print(f"{found['pairs']} mailings of {found['households']} households after which a coupon was used")
    print(f"{'hit at':<14}" + "".join(f"{n:>10}" for n in NUMBERS))
    for name, hits in found["hits"].items():
        print(f"{name:<14}" + "".join(f"{hit / found['pairs']:>10.1%}" if found["pairs"] else f"{'':>10}" for hit in hits))


if __name__ == "__main__":
    main()
