"""A stand-in for the compiled engine, so that the command line and the report can be tried without it.

The figures are made up after the retail example; customers are numbered, decisions follow from the numbers.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import pyarrow as pa

UTC = timezone.utc
INSTANTS = [datetime(2009, 12, 31, 23, 59, 59, tzinfo=UTC)] + [
    datetime(2010 + (month == 12), month % 12 + 1, 1, tzinfo=UTC) - timedelta(seconds=1) for month in range(1, 12)
]
FIRST, LAST = datetime(2009, 12, 1, 7, 45, tzinfo=UTC), datetime(2010, 12, 9, 20, 1, tzinfo=UTC)
TIME = pa.timestamp("us", tz="UTC")

_SEGMENTS = {
    "new": ("New", [955, 402, 380, 441, 294, 254, 270, 186, 162, 243, 377, 325]),
    "active": ("Active", [955, 1310, 1280, 1420, 1498, 1510, 1530, 1462, 1402, 1590, 1880, 2402]),
    "loyal": ("Loyal", [12, 71, 128, 231, 318, 402, 421, 433, 429, 440, 502, 611]),
    "lapsing": ("Lapsing", [0, 0, 120, 310, 322, 360, 371, 402, 433, 401, 352, 301]),
    "lost": ("Lost", [0, 0, 0, 160, 402, 690, 902, 1082, 1240, 1391, 1402, 1239]),
    "one_order": ("One order only", [0, 510, 640, 801, 922, 1010, 1080, 1122, 1190, 1233, 1270, 1301]),
    "big_basket": ("Big basket", [150, 180, 201, 232, 250, 262, 270, 266, 259, 262, 281, 298]),
    "gift_buyer": ("Gift buyer", [40, 66, 102, 138, 166, 182, 190, 201, 222, 240, 260, 288]),
    "christmas_shopper": ("Christmas shopper", [310, 322, 312, 240, 30, 8, 12, 44, 210, 402, 690, 881]),
    "bargain_hunter": ("Bargain hunter", [60, 81, 96, 110, 124, 131, 140, 139, 136, 141, 150, 163]),
    "returns_a_lot": ("Returns a lot", [8, 20, 31, 44, 52, 58, 60, 63, 61, 66, 71, 78]),
    "abroad": ("Outside the UK", [70, 98, 130, 160, 190, 221, 250, 271, 290, 312, 333, 352]),
}
_OFFERS = {
    "second_order": ("Free delivery on the second order", 6210, 1801, "marketing"),
    "come_back": ("Five pounds off the next order", 2420, 901, "marketing"),
    "we_miss_you": ("A reason to return", 1711, 820, "marketing"),
    "loyal_preview": ("Early access to the new range", 3320, 540, "marketing"),
    "wholesale_list": ("Wholesale price list", 4410, 702, "marketing"),
    "gift_wrapping": ("Gift wrapping for a pound", 980, 260, "marketing"),
    "christmas_preview": ("Christmas preview", 1404, 820, "marketing"),
    "help_with_returns": ("Help with returns", 233, 121, "service"),
}

PLAYBOOK: dict[str, Any] = {
    "name": "retail",
    "version": 1,
    "title": "Gift shop",
    "digest": "7f3c" * 16,
    "time_zone": "Europe/London",
    "segments": [
        {"name": name, "title": title, "when": f'events("purchase").within("60d").count() > 2 && true  // {name} <&>'}
        for name, (title, _) in _SEGMENTS.items()
    ],
    "personas": [{"name": "wholesaler", "title": "Wholesaler"}, {"name": "household", "title": "Household"}],
    "journeys": [
        {
            "name": "lifecycle",
            "title": "Customer lifecycle",
            "stages": [
                {"name": "awareness", "title": "Awareness", "no_data": "no advertising or visits in this data"},
                {"name": "consideration", "title": "Consideration", "no_data": "no page views or baskets in this data"},
                {"name": "purchase", "title": "Purchase", "goal": "The first order is placed"},
                {"name": "retention", "title": "Retention", "goal": "The customer orders again and again"},
                {"name": "advocacy", "title": "Advocacy", "no_data": "no reviews or referrals in this data"},
                {"name": "lost", "title": "Lost", "goal": "Four months without an order", "drop_out": True},
            ],
        }
    ],
    "offers": [{"name": name, "title": title, "purposes": [purpose]} for name, (title, _, _, purpose) in _OFFERS.items()],
    "placements": [
        {"name": "home_hero", "title": "Home page, top", "channel": "web", "slots": 1},
        {"name": "newsletter", "title": "Newsletter", "channel": "email", "slots": 2},
    ],
    "channels": [{"name": "web", "format": "html"}, {"name": "email", "format": "text"}],
    "contact": [
        {"name": "not_again", "count": "shown", "scope": "offer", "at_most": 2, "per": "rolling 60d"},
        {"name": "no", "after": "rejected", "scope": "offer", "pause": "90d"},
    ],
}


class Explanation:
    """What the stand-in explains: a decision and its trace in one."""

    text = "the customer agreed to marketing, and the offer ranks first"
    placements: list[Any] = []

    @property
    def trace(self) -> Explanation:
        """Itself."""
        return self

    def __init__(self, quiet: bool) -> None:
        self._quiet = quiet

    def to_dict(self) -> dict[str, Any]:
        """Candidates with gates, reasons and scores."""
        stopped: list[tuple[str, str, str, list[dict[str, Any]]]] = [
            ("come_back", "eligible", 'segment("lapsing") is false', [{"path": 'events("purchase").since_last().days()', "value": 12.4}]),
            ("christmas_preview", "validity", "valid from 1 September 2010", []),
            ("gift_wrapping", "contact", "shown 2 times in 60 days, at most 2", [{"path": "contact.not_again", "value": 2}]),
        ]
        if self._quiet:
            no_consent = {"path": "consent.marketing", "value": None}
            no_return: dict[str, Any] = {"path": 'events("return").count()', "value": 0}
            stopped.clear()
            for offer in list(_OFFERS)[:-1]:
                stopped.append((offer, "consent", "marketing was not permitted: no consent was given", [no_consent]))
            stopped.append(("help_with_returns", "eligible", "no return within 60 days", [no_return]))
        candidates: list[dict[str, Any]] = [
            {"offer": offer, "gate": gate, "unknown": False, "reasons": [reason], "facts": facts} for offer, gate, reason, facts in stopped
        ]
        if not self._quiet:
            for offer, propensity, value in (("wholesale_list", 0.1834, 60.0), ("loyal_preview", 0.3, 26.0)):
                score = {"propensity": propensity, "context": 1.0, "value": value, "lever": 1.0, "total": propensity * value}
                candidates.append({"offer": offer, "gate": "chosen", "unknown": False, "reasons": [], "score": score})
        return {"candidates": [{"placement": place, **each} for place in ("home_hero", "newsletter") for each in candidates]}


class Replay:
    """Tables of plausible figures."""

    def query(self, question: Mapping[str, object]) -> dict[str, str]:
        """Who goes without, as a section."""
        assert question["query"] == "served"
        return {"html": "<section><h2 id='served'>Who goes without</h2></section>"}

    def __init__(self, count: int = 240) -> None:
        names = [f"customer:{12346 + 7 * number}" for number in range(count)]
        rows: list[tuple[Any, ...]] = []
        for at, instant in enumerate(INSTANTS):
            for number, name in enumerate(names):
                quiet, plain = number % 5 < 2, number % 5 == 2
                offers = list(_OFFERS)
                offer = offers[(number * 5 + at) % len(offers)]
                other = offers[(number * 3 + at + 1) % len(offers)]
                nothing = "no offer passed: marketing is not permitted" if quiet else "no offer passed: shown often enough"
                for place, slots in (("home_hero", 1), ("newsletter", 2)):
                    if quiet or plain:
                        kind = "fallback" if place == "home_hero" and number % 10 else "silence"
                        message = "New this week, see what has just come in." if kind == "fallback" else None
                        rows.append((name, instant, place, 1, None, kind, None, message, nothing))
                        continue
                    for slot in range(1, slots + 1):
                        what = offer if slot == 1 else other
                        message = f"<b>{_OFFERS[what][0]}</b> & more"
                        rows.append((name, instant, place, slot, what, "offer", 11.0, message, "ranks first of 2 that passed all gates"))
        columns = ["customer", "time", "placement", "slot", "offer", "kind", "score", "message", "reason"]
        self.decisions = pa.table({key: [row[at] for row in rows] for at, key in enumerate(columns)})
        self.customers = pa.table(
            {
                "customer": names,
                "events": [90 + number for number in range(count)],
                "first_time": pa.array([FIRST] * count, TIME),
                "last_time": pa.array([LAST] * count, TIME),
                "segments": [["active", "loyal", "big_basket"] if number % 5 > 2 else ["one_order"] for number in range(count)],
                "persona": ["wholesaler" if number % 5 > 3 else "household" if number % 3 else None for number in range(count)],
                "journey_lifecycle": ["retention" if number % 5 > 2 else "lost" for number in range(count)],
                "journey_lifecycle_since": pa.array([INSTANTS[6]] * count, TIME),
                "anonymous": [False] * count,
            }
        )
        self.segments = pa.Table.from_pylist(
            [
                {"time": instant, "segment": name, "members": members[at], "unknown": 69 if name == "lost" else 0}
                for name, (_, members) in _SEGMENTS.items()
                for at, instant in enumerate(INSTANTS)
            ]
        )
        here = {"purchase": 690, "retention": 2385, "lost": 1239, "awareness": 0, "consideration": 0, "advocacy": 0}
        self.stages = pa.Table.from_pylist(
            [
                {"time": instant, "journey": "lifecycle", "stage": stage, "customers": size * (at + 1) // 12, "entries": 0, "exits": 0}
                for at, instant in enumerate(INSTANTS)
                for stage, size in here.items()
            ]
        )
        moves = [
            (None, "purchase", 4314),
            ("purchase", "retention", 2602),
            ("purchase", "lost", 1022),
            ("retention", "lost", 1104),
            ("lost", "retention", 887),
        ]
        self.transitions = pa.Table.from_pylist([{"journey": "lifecycle", "from": a, "to": b, "count": n} for a, b, n in moves])
        self.bad_rows = pa.table(
            {
                "row": pa.array([], pa.int64()),
                "column": pa.array([], pa.string()),
                "reason": pa.array([], pa.string()),
                "code": pa.array([], pa.string()),
            }
        )
        self.gates = pa.Table.from_pylist(
            [
                {
                    "time": INSTANTS[-1],
                    "placement": "newsletter",
                    "offer": offer,
                    "gate": gate,
                    "customers": 9000 * (seed + at + 3) // (at * at + 2) % 31000,
                }
                for seed, offer in enumerate(_OFFERS)
                for at, gate in enumerate(["consent", "eligible", "applicable", "suitable", "contact", "slots"])
            ]
        )
        self.stats = {
            "rows": 528438,
            "events": 528438,
            "duplicates": 0,
            "bad_rows": 0,
            "anonymous_visitors": 5229,
            "anonymous_events": 107927,
            "customers": 4383,
            "decisions": len(rows),
            "seconds": {"load": 0.9, "replay": 3.1},
            "sources": {"": 525461, "simulation": 2977},
            "digest": "7f3c" * 16,
        }

    def events(self, identifier: str, /) -> list[SimpleNamespace]:
        """Two lines of one order, and what the replay recorded."""
        line = SimpleNamespace(type="purchase", time=FIRST, source=None, properties={"amount": Decimal("1.500"), "invoice": "1"})
        return [line, line, SimpleNamespace(type="shown", time=LAST, source="replay", properties={})]

    def journey_map(self, journey: str, at: datetime, /, *, split: str | None = None) -> SimpleNamespace:
        """A picture of the right kind."""
        picture = f'<svg xmlns="http://www.w3.org/2000/svg" class="tactful-map" viewBox="0 0 900 300"><text y="40">{journey}</text></svg>'
        return SimpleNamespace(svg=lambda: picture, plan=lambda: SimpleNamespace(svg=lambda: picture))

    def explain(self, identifier: str, placements: list[str] | str, now: datetime, /) -> Explanation:
        """Quiet for those who get nothing."""
        number = (int(identifier.split(":")[1]) - 12346) // 7
        return Explanation(quiet=number % 5 <= 2)


class Engine:
    """Loads anything that exists."""

    playbook = PLAYBOOK
    warnings: list[object] = []

    @classmethod
    def load(cls, paths: list[str]) -> Engine:
        """The stand-in."""
        for path in paths:
            open(path, encoding="utf-8").close()
        return cls()

    def replay(self, events: Any, **options: Any) -> Replay:
        """Reads the events to their end, as the engine does."""
        rows = sum(pa.table(each).num_rows for each in (events if isinstance(events, list) else [events]))
        if options.get("progress"):
            options["progress"]("load", rows, rows, None)
        return Replay()
