"""The features job as a batch in polars and in DuckDB: the peers of ``cargo bench --bench batch``, which calls this.

``features.py DIR`` reads what the benchmark wrote to ``DIR``: the events column by column as plain numbers, and the job. Types and channels
are numbers, which is kinder to the peers than text. Prints one line of JSON for each peer: CPU seconds from the loaded tables to the best
offer of every customer, how many customers are in each segment, how many get each offer, and the sum of the scores.
"""

from __future__ import annotations

import json
import resource
import sys
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import polars as pl

DAY = 86_400_000_000
WINDOWS = (7, 30, 90)


def cpu() -> float:
    """CPU seconds of this process so far, those of all threads."""
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def report(name: str, seconds: float, members: dict[str, int], winners: np.ndarray, best: np.ndarray) -> None:
    offers = {str(place): int((winners == place).sum()) for place in range(-1, 20)}
    score = float(best[winners >= 0].sum())
    print(json.dumps({"peer": name, "cpu": seconds, "segments": members, "offers": offers, "score": score}), flush=True)


def by_polars(events: pl.DataFrame, customers: pl.DataFrame, job: dict[str, Any]) -> None:
    start = cpu()
    now = job["now"]
    figures = []
    for number, kind in enumerate(job["types"]):
        for days in WINDOWS:
            there = (pl.col("type") == number) & (pl.col("ts") >= now - days * DAY)
            figures += [there.sum().alias(f"n_{kind}_{days}"), pl.col("value").filter(there).sum().alias(f"s_{kind}_{days}")]
    bought = pl.col("type") == job["types"].index("purchase")
    recent = events.lazy().filter(pl.col("ts") >= now - 90 * DAY).group_by("customer_id")
    recent = recent.agg([*figures, pl.col("channel").n_unique().alias("distinct_channels")])
    life = [
        ((now - pl.col("ts").max()) // DAY).alias("recency_d"),
        ((now - pl.col("ts").filter(bought).max()) // DAY).alias("recency_purchase_d"),
        pl.len().alias("lifetime_n"),
        pl.col("value").filter(bought).sum().alias("lifetime_spend"),
    ]
    whole = events.lazy().group_by("customer_id").agg(life).join(recent, on="customer_id", how="left").collect()
    table = customers.join(whole, on="customer_id", how="left").sort("customer_id")
    table = table.with_columns(pl.col("recency_d", "recency_purchase_d").fill_null(9999)).fill_null(0)
    table = table.with_columns([pl.sql_expr(f"({when})").alias(f"seg_{name}") for name, when in job["segments"]])
    scores = []
    for name, needs, forbids, score in job["offers"]:
        fits = pl.all_horizontal([pl.col(f"seg_{need}") for need in needs] + [~pl.col(f"seg_{forbid}") for forbid in forbids])
        scores.append(pl.when(fits).then(pl.sql_expr(score)).otherwise(-1.0).alias(f"o_{name}"))
    table = table.with_columns(scores)
    table = table.with_columns(best=pl.max_horizontal([f"o_{offer[0]}" for offer in job["offers"]]))
    winner = pl.lit(-1)
    for place, offer in reversed(list(enumerate(job["offers"]))):
        winner = pl.when((pl.col("best") >= 0) & (pl.col(f"o_{offer[0]}") == pl.col("best"))).then(place).otherwise(winner)
    table = table.with_columns(winner=winner)
    seconds = cpu() - start
    members = {name: int(table[f"seg_{name}"].sum()) for name, _ in job["segments"]}
    report(f"polars {pl.__version__}", seconds, members, table["winner"].to_numpy(), table["best"].to_numpy())


def by_duckdb(events: pl.DataFrame, customers: pl.DataFrame, job: dict[str, Any]) -> None:
    base = duckdb.connect()
    base.execute("set threads = 1")
    base.register("told", events.to_arrow())
    base.register("known", customers.to_arrow())
    base.execute("create table ev as select * from told")
    base.execute("create table cu as select * from known")
    start = cpu()
    now, bought = job["now"], job["types"].index("purchase")
    figures, names = [], []
    for number, kind in enumerate(job["types"]):
        for days in WINDOWS:
            there = f"filter (where type = {number} and ts >= {now - days * DAY})"
            figures += [f"count(*) {there} n_{kind}_{days}", f"coalesce(sum(value) {there}, 0) s_{kind}_{days}"]
            names += [f"n_{kind}_{days}", f"s_{kind}_{days}"]
    recent = f"select customer_id, count(distinct channel) distinct_channels, {', '.join(figures)} from ev"
    base.execute(f"create temp table recent as {recent} where ts >= {now - 90 * DAY} group by customer_id")
    life = f"""select customer_id, ({now} - max(ts)) // {DAY} recency_d,
        ({now} - max(ts) filter (where type = {bought})) // {DAY} recency_purchase_d, count(*) lifetime_n,
        coalesce(sum(value) filter (where type = {bought}), 0) lifetime_spend from ev group by customer_id"""
    base.execute(f"create temp table life as {life}")
    zeros = ", ".join(f"coalesce({name}, 0) {name}" for name in [*names, "distinct_channels", "lifetime_n", "lifetime_spend"])
    ages = ", ".join(f"coalesce({name}, 9999) {name}" for name in ("recency_d", "recency_purchase_d"))
    joined = "cu left join life using (customer_id) left join recent using (customer_id)"
    base.execute(f"create temp table f as select customer_id, tier, region, age, consent, {zeros}, {ages} from {joined}")
    segments = ", ".join(f"({when}) seg_{name}" for name, when in job["segments"])
    base.execute(f"create temp table s as select *, {segments} from f")
    scores = []
    for name, needs, forbids, score in job["offers"]:
        fits = " and ".join([f"seg_{need}" for need in needs] + [f"not seg_{forbid}" for forbid in forbids])
        scores.append(f"case when {fits} then cast({score} as double) else -1 end o_{name}")
    base.execute(f"create temp table o as select *, {', '.join(scores)} from s")
    offers = [f"o_{offer[0]}" for offer in job["offers"]]
    cases = " ".join(f"when {offer} = best then {place}" for place, offer in enumerate(offers))
    best = f"select *, greatest({', '.join(offers)}) best from o"
    base.execute(f"create temp table r as select best, case when best < 0 then -1 {cases} end winner from ({best})")
    seconds = cpu() - start
    found = base.execute("select winner, best from r").fetchnumpy()
    counts = ", ".join(f"count(*) filter (where seg_{name})" for name, _ in job["segments"])
    row = base.execute(f"select {counts} from s").fetchone() or ()
    members = {name: int(count) for (name, _), count in zip(job["segments"], row, strict=True)}
    report(f"DuckDB {duckdb.__version__}", seconds, members, np.asarray(found["winner"]), np.asarray(found["best"]))


def main() -> None:
    folder = Path(sys.argv[1])
    job = json.loads((folder / "job.json").read_text())

    def column(name: str, form: str) -> np.ndarray:
        return np.fromfile(folder / name, dtype=form)

    events = pl.DataFrame(
        {
            "customer_id": column("customer", "<i8"),
            "ts": column("time", "<i8"),
            "type": column("type", "i1"),
            "value": column("value", "<f8"),
            "channel": column("channel", "i1"),
        }
    )
    facts = {name: column(name, "<i8") for name in ("tier", "region", "age", "consent")}
    customers = pl.DataFrame({"customer_id": np.arange(len(facts["tier"])), **facts})
    by_polars(events, customers, job)
    by_duckdb(events, customers, job)


if __name__ == "__main__":
    main()
