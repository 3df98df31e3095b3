#!/usr/bin/env python3
"""Makes ``events.parquet`` and ``simulated.parquet`` of this folder.

    python prepare.py ONLINE_RETAIL.parquet [--out FOLDER]

``ONLINE_RETAIL.parquet`` holds the sheet "Year 2009-2010" of UCI Online Retail II, complete and raw, with the columns
invoice, stock_code, description, quantity, invoice_date, unit_price, customer_id, country. All its lines are kept.

The real events
---------------
One row per line of an invoice.

* ``type`` is ``return`` for lines of cancellation invoices (their number begins with C) and for other negative quantities of
  a known customer (there are none), ``adjustment`` for what the shop booked for itself (bad debt, whose invoices begin with
  A, and stock corrections: negative quantities without a customer), ``purchase`` for the rest.
* ``description`` is the source's without blanks around it.
* ``time`` is UTC. The source holds local time without a zone; it is read as Europe/London. No line falls into the hour that
  the change of the clocks skips or repeats; one that did would be refused.
* ``quantity`` counts units and is never negative: the type says which way the goods went. ``amount`` is
  ``quantity * unit_price``, exact, with three digits after the point as some prices have. Three bad debts have negative prices.
* ``customer`` is the customer's number as text. A line without one carries its invoice as ``visit`` instead: an anonymous
  visitor, who is counted but not addressed.
* ``id`` is the invoice and the line's place in it, ``sequence`` the line's place in the source. Together with ``time`` they
  give the events one order, however the rows are shuffled.

The simulated events
--------------------
The source says nothing about consent, so it is simulated, and every row says so (``source`` is ``simulation``). Nothing is
drawn: ``share(purpose, customer)`` is the first 8 bytes of SHA-256 over ``SEED:purpose:customer`` as a fraction of 2**64, so
the same customer always answers the same.

* ``marketing``: 62 of 100 customers agree, within 48 hours of their first order; of those, 12 of 100 withdraw 20 to 220 days
  later.
* ``service`` is permitted by default; 2 of 100 customers object, 1 to 180 days after their first order.

What would happen after the last real event is left out.
"""

from __future__ import annotations

import argparse
import hashlib
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

SEED = "tactful-retail-1"
ZONE = "Europe/London"
MONEY = pa.decimal128(15, 3)
TIME = pa.timestamp("us", tz="UTC")
SIMULATED_SCHEMA = pa.schema(
    [
        ("time", TIME),
        ("type", pa.string()),
        ("customer", pa.string()),
        ("id", pa.string()),
        ("sequence", pa.int64()),
        ("purpose", pa.string()),
        ("source", pa.string()),
    ]
)


def events(raw: pa.Table) -> pa.Table:
    """The real events: one row per line of the source, in its order.

    Raises:
        ValueError: a price has more than three digits after the point, or a local time has no single instant.
    """
    rows = raw.num_rows
    invoice = raw["invoice"].cast(pa.string())
    customer = raw["customer_id"].cast(pa.string())
    unknown = pc.is_null(customer)
    negative = pc.less(raw["quantity"], 0)
    adjustment = pc.or_(pc.starts_with(invoice, "A"), pc.and_(negative, unknown))
    kind = pc.if_else(
        pc.or_(pc.starts_with(invoice, "C"), pc.and_(negative, pc.invert(unknown))),
        "return",
        pc.if_else(adjustment, "adjustment", "purchase"),
    )
    thousandths = pc.round(pc.multiply(raw["unit_price"], 1000.0)).cast(pa.int64())
    if not pc.all(pc.equal(pc.divide(thousandths.cast(pa.float64()), 1000.0), raw["unit_price"])).as_py():
        raise ValueError("a price has more than three digits after the point")
    quantity = pc.abs(raw["quantity"]).cast(pa.int64())
    local = raw["invoice_date"].cast(pa.timestamp("us"))
    return pa.table(
        {
            "time": pc.assume_timezone(local, ZONE, ambiguous="raise", nonexistent="raise").cast(TIME),
            "type": kind,
            "customer": customer,
            "visit": pc.if_else(unknown, invoice, pa.scalar(None, pa.string())),
            "id": line_ids(invoice.to_pylist()),
            "sequence": pa.array(range(rows), pa.int64()),
            "invoice": invoice,
            "stock_code": raw["stock_code"].cast(pa.string()),
            "description": pc.utf8_trim_whitespace(raw["description"].cast(pa.string())),
            "quantity": quantity,
            "unit_price": money(thousandths),
            "amount": money(pc.multiply(quantity, thousandths)),
            "country": raw["country"].cast(pa.string()),
        }
    )


def line_ids(invoices: list[str]) -> pa.Array:
    """``invoice:line`` for each line, lines of an invoice counted from 1."""
    seen: dict[str, int] = {}
    ids = []
    for invoice in invoices:
        seen[invoice] = line = seen.get(invoice, 0) + 1
        ids.append(f"{invoice}:{line}")
    return pa.array(ids, pa.string())


def money(thousandths: pa.ChunkedArray) -> pa.ChunkedArray:
    """Whole thousandths of a pound as exact decimals with three digits after the point."""
    thousandth = pa.scalar(Decimal("0.001"), pa.decimal128(4, 3))
    return pc.multiply(thousandths.cast(pa.decimal128(19, 0)), thousandth).cast(MONEY)


def share(purpose: str, customer: str) -> float:
    """A number from 0 to below 1 that depends on the seed, the purpose and the customer alone."""
    digest = hashlib.sha256(f"{SEED}:{purpose}:{customer}".encode()).digest()
    return int.from_bytes(digest[:8], "big") / 2**64


def consents(real: pa.Table) -> pa.Table:
    """The simulated consents of the known customers of ``real``, in order of time and customer."""
    known = real.filter(pc.and_(pc.is_valid(real["customer"]), pc.equal(real["type"], "purchase")))
    first = known.group_by("customer").aggregate([("time", "min")])
    end: datetime = pc.max(real["time"]).as_py()
    rows: list[tuple[datetime, str, str, str]] = []
    for customer, start in zip(first["customer"].to_pylist(), first["time_min"].to_pylist(), strict=True):
        if share("marketing", customer) < 0.62:
            given = start + seconds(48 * 3600 * share("marketing.delay", customer))
            rows.append((given, customer, "consent_given", "marketing"))
            if share("marketing.withdrawn", customer) < 0.12:
                later = given + seconds(86400 * (20 + 200 * share("marketing.until", customer)))
                rows.append((later, customer, "consent_withdrawn", "marketing"))
        if share("service", customer) < 0.02:
            later = start + seconds(86400 * (1 + 179 * share("service.delay", customer)))
            rows.append((later, customer, "consent_withdrawn", "service"))
    rows = sorted(row for row in rows if row[0] <= end)
    return pa.Table.from_pylist(
        [
            {
                "time": time,
                "type": kind,
                "customer": customer,
                "id": f"simulated:{customer}:{kind}:{purpose}",
                "sequence": number,
                "purpose": purpose,
                "source": "simulation",
            }
            for number, (time, customer, kind, purpose) in enumerate(rows)
        ],
        schema=SIMULATED_SCHEMA,
    )


def seconds(count: float) -> timedelta:
    """Whole seconds, so that the times do not depend on how a platform rounds fractions."""
    return timedelta(seconds=int(count))


def write(table: pa.Table, path: Path) -> None:
    """Writes a table compactly: dictionaries where values repeat, differences where they grow."""
    growing = {"id": "DELTA_BYTE_ARRAY", "sequence": "DELTA_BINARY_PACKED", "time": "DELTA_BINARY_PACKED"}
    pq.write_table(
        table,
        path,
        compression="zstd",
        compression_level=19,
        use_dictionary=[name for name in table.column_names if name not in growing],
        column_encoding={name: how for name, how in growing.items() if name in table.column_names},
        store_decimal_as_integer=True,
        row_group_size=len(table) or 1,
        data_page_size=1 << 20,
    )


def main() -> None:
    """Reads the source and writes both files."""
    parser = argparse.ArgumentParser(description="make the events of the retail example")
    parser.add_argument("source", type=Path, help="UCI Online Retail II, sheet 2009-2010, as Parquet")
    parser.add_argument("--out", type=Path, default=Path(__file__).parent, help="the folder to write to")
    arguments = parser.parse_args()
    real = events(pq.read_table(arguments.source))
    for name, table in (("events", real), ("simulated", consents(real))):
        path = arguments.out / f"{name}.parquet"
        write(table, path)
        print(f"{path}: {len(table):,} rows, {path.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
