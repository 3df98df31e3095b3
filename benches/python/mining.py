"""Mining of an event log beside polars: directly-follows, variants and a funnel together against directly-follows alone in polars.

``python benches/python/mining.py FOLDER``, the folder holding ``bpic2012_loan_applications.csv.gz`` (BPI Challenge 2012: 13,087 loan
applications of a Dutch bank, doi 10.4121/uuid:3926db30-f712-4394-aebc-75976070e91f). The log is repeated ten times, each time with other
cases. Checks the known figures of the log first, then prints CPU seconds of this process, all threads together, and their ratio. Needs a
release build, polars and pyarrow.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import polars as pl
import tactful

STAGES = ["A_SUBMITTED", "A_PREACCEPTED", "A_ACCEPTED", "O_SENT", "O_SENT_BACK", "A_APPROVED", "A_ACTIVATED"]
REACHED = [13_087, 7_367, 5_113, 5_015, 3_254, 2_246]
LAST = {"same_time_counts": 2_246, "sequence_order": 1_587, "strictly_later": 780}
TIMES = 10
ROUNDS = 5

T = TypeVar("T")


def loans(folder: Path) -> pl.DataFrame:
    """The log, sorted by case and time."""
    log = pl.read_csv(folder / "bpic2012_loan_applications.csv.gz", columns=["case_id", "activity", "timestamp"])
    log = log.with_columns(time=pl.col("timestamp").str.to_datetime(time_unit="us", time_zone="UTC")).drop("timestamp")
    return log.rename({"case_id": "case"}).sort("case", "time", maintain_order=True)


def known(log: pl.DataFrame) -> None:
    """The figures that other tools find."""
    mined = tactful.EventLog(log)
    follows = pl.DataFrame(mined.directly_follows())
    assert (mined.events, len(mined)) == (262_200, 13_087), mined
    assert (follows.height, follows["count"].sum()) == (125, 249_113), follows
    assert len(mined.variants()) == 4_366
    for order, last in LAST.items():
        found = pl.DataFrame(mined.funnel(STAGES, order=order))["cases"].to_list()
        assert found == [*REACHED, last], (order, found)
    theirs = peer(log).sort("activity", "next")
    ours = follows.with_columns(pl.col("from", "to").cast(pl.String)).sort("from", "to")
    assert ours["count"].to_list() == theirs["count"].to_list()
    assert max(abs(a - b) for a, b in zip(ours["mean_seconds"], theirs["mean"])) < 1e-3


def peer(log: pl.DataFrame) -> pl.DataFrame:
    """Directly-follows with mean and median, as polars does it."""
    following = log.lazy().with_columns(
        next=pl.col("activity").shift(-1).over("case"),
        length=(pl.col("time").shift(-1).over("case") - pl.col("time")).dt.total_microseconds() / 1e6,
    )
    pairs = following.drop_nulls("next").group_by("activity", "next")
    return pairs.agg(pl.len().alias("count"), pl.col("length").mean().alias("mean"), pl.col("length").median().alias("median")).collect()


def peer_sorted(log: pl.DataFrame) -> pl.DataFrame:
    """The same without windows, for a log that is sorted by case: the fastest way found."""
    following = log.lazy().with_columns(
        next=pl.col("activity").shift(-1),
        same=pl.col("case").shift(-1) == pl.col("case"),
        length=(pl.col("time").shift(-1) - pl.col("time")).dt.total_microseconds() / 1e6,
    )
    pairs = following.filter("same").group_by("activity", "next")
    return pairs.agg(pl.len().alias("count"), pl.col("length").mean().alias("mean"), pl.col("length").median().alias("median")).collect()


def ours(log: pl.DataFrame) -> int:
    """All three, with reading the table."""
    mined = tactful.EventLog(log)
    funnel = mined.funnel(STAGES, order="sequence_order")
    return len(mined.directly_follows()) + len(mined.variants()) + len(funnel)


def cpu(work: Callable[[], T]) -> float:
    """The least CPU seconds of some runs."""
    best = float("inf")
    for _ in range(ROUNDS):
        start = time.process_time()
        work()
        best = min(best, time.process_time() - start)
    return best


def main() -> None:
    log = loans(Path(sys.argv[1]))
    known(log)
    print(f"the log: {log.height:,} events, known figures met")
    apart = pl.col("case").max().cast(pl.Int64) + 1
    many = pl.concat([log.with_columns(pl.col("case") + number * log.select(apart).item()) for number in range(TIMES)]).rechunk()
    print(f"repeated: {many.height:,} events")
    mine = cpu(lambda: ours(many))
    print(f"tactful, directly-follows, variants and funnel: {mine:.3f} CPU s")
    for name, work in [("windows over cases", peer), ("a sorted log", peer_sorted)]:
        theirs = cpu(lambda: work(many))
        print(f"polars {pl.__version__}, directly-follows alone, {name}: {theirs:.3f} CPU s, ratio {mine / theirs:.2f}")


if __name__ == "__main__":
    main()
