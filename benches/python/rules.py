"""One rule of five comparisons through Python, beside the peer ``datalogic-py`` when it is installed.

Run it with a release build: ``python benches/python/rules.py``. Prints the median of nanoseconds per question, and the ratio.
"""

from __future__ import annotations

import json
import statistics
import time
from collections.abc import Callable

import tactful

RULE = 'country == "DE" && age >= 30 && total_spend > 500.0 && device in ["ios", "android"] && "vip" in tags'
LOGIC = {
    "and": [
        {"==": [{"var": "country"}, "DE"]},
        {">=": [{"var": "age"}, 30]},
        {">": [{"var": "total_spend"}, 500]},
        {"in": [{"var": "device"}, ["ios", "android"]]},
        {"in": ["vip", {"var": "tags"}]},
    ]
}
TEXTS = ["country", "device", "city", "language", "plan", "browser", "referrer", "channel", "category"]
INTS = ["age", "visits", "orders", "returns", "clicks", "opens", "days_since_order", "items", "sessions", "points"]
DOUBLES = ["total_spend", "average_order", "discount", "margin", "score", "rating"]
BOOLS = ["subscribed", "verified", "employee", "blocked"]
LISTS = ["tags", "owned"]
SCHEMA = {
    **dict.fromkeys(TEXTS, "string"),
    **dict.fromkeys(INTS, "int"),
    **dict.fromkeys(DOUBLES, "double"),
    **dict.fromkeys(BOOLS, "bool"),
    **dict.fromkeys(LISTS, "list(string)"),
}
FACTS = {
    **{name: f"{name}_{number}" for number, name in enumerate(TEXTS)},
    **{name: number * 7 for number, name in enumerate(INTS)},
    **{name: number * 12.5 for number, name in enumerate(DOUBLES)},
    **{name: number % 2 == 0 for number, name in enumerate(BOOLS)},
    "tags": ["new", "vip", "web"],
    "owned": ["sku_1", "sku_2", "sku_3"],
    "country": "DE",
    "device": "ios",
    "age": 42,
    "total_spend": 820.5,
}


def nanoseconds(ask: Callable[[], object], rounds: int = 15) -> float:
    """The median of several rounds; each takes about 20 ms."""
    count = 100
    while True:
        start = time.perf_counter_ns()
        for _ in range(count):
            ask()
        if (spent := time.perf_counter_ns() - start) > 20_000_000:
            break
        count *= 2
    told = [spent / count]
    for _ in range(rounds):
        start = time.perf_counter_ns()
        for _ in range(count):
            ask()
        told.append((time.perf_counter_ns() - start) / count)
    return statistics.median(told)


def main() -> None:
    """Measures and prints."""
    rules = tactful.RuleSet({"w1": RULE}, SCHEMA)
    row = rules.row(FACTS)
    text = json.dumps(FACTS)
    ours: dict[str, Callable[[], object]] = {
        "prepared handle": lambda: rules.holds("w1", row),
        "JSON text": lambda: rules.matches_json(text),
        "Python dict": lambda: rules.matches(FACTS),
    }
    assert rules.holds("w1", row) and rules.matches_json(text) == ["w1"] and rules.matches(FACTS) == ["w1"]
    theirs: dict[str, Callable[[], object]] = {}
    try:
        import datalogic_py
    except ImportError:
        print("datalogic-py is not installed; only tactful is measured (pip install datalogic-py)")
    else:
        engine = datalogic_py.Engine()
        rule, session, handle = engine.compile(LOGIC), engine.session(), datalogic_py.DataHandle(text)
        theirs = {
            "prepared handle": lambda: session.evaluate_bool(rule, handle),
            "JSON text": lambda: rule.evaluate_str(text),
            "Python dict": lambda: rule.evaluate(FACTS),
        }
        assert session.evaluate_bool(rule, handle) is True and rule.evaluate_str(text) == "true" and rule.evaluate(FACTS) is True
    print("| facts | tactful ns | datalogic ns | ratio |\n|---|---|---|---|")
    for name, ask in ours.items():
        own = nanoseconds(ask)
        peer = nanoseconds(theirs[name]) if name in theirs else None
        shown = f"{peer:.0f} | {peer / own:.1f}" if peer else "- | -"
        print(f"| {name} | {own:.0f} | {shown} |")


if __name__ == "__main__":
    main()
