"""Tables for the command line: Parquet, CSV and Arrow IPC files as streams of Arrow batches. Needs pyarrow."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pcsv
import pyarrow.parquet as pq

__all__ = ["Source", "Unreadable", "open_source"]

_BATCH = 65_536

#: The batches of a file, whole or some columns of it.
Batches = Callable[[list[str] | None], Iterable[pa.RecordBatch]]


class Unreadable(Exception):
    """A file that cannot be used, with what to do about it in one line."""


class Source:
    """A file of events that can be streamed again and again."""

    def __init__(self, path: Path, schema: pa.Schema, rows: int | None, batches: Batches) -> None:
        self.path = path
        self.schema = schema
        #: How many rows there are, when that is known without reading them.
        self.rows = rows
        self._batches = batches
        #: The rows that were streamed, where only some are.
        self._only: list[int] | None = None

    def stream(self, only: tuple[str, str] | None = None) -> pa.RecordBatchReader:
        """The batches as an Arrow stream; ``only`` is a column and the text that its rows have to hold."""
        batches = self._batches(None)
        self._only = None
        if only is not None and only[0] in self.schema.names:
            self._only = []
            batches = self._filtered(batches, *only, rows=self._only)
        return pa.RecordBatchReader.from_batches(self.schema, batches)

    def _filtered(self, batches: Iterable[pa.RecordBatch], column: str, key: str, rows: list[int]) -> Iterator[pa.RecordBatch]:
        first = 0
        for batch in batches:
            holds = _holds(batch.column(column), [key])
            rows.extend(first + row for row in pc.indices_nonzero(holds).to_pylist())
            first += batch.num_rows
            yield batch.filter(holds)

    @property
    def streamed(self) -> int | None:
        """How many rows the last stream gave, when that is known."""
        return self.rows if self._only is None else len(self._only)

    def row(self, streamed: int) -> int:
        """The row of the file that stood there in the last stream."""
        return streamed if self._only is None else self._only[streamed]

    def period(self) -> tuple[datetime, datetime] | None:
        """The first and the last time in the file; ``None`` when no row has one."""
        first: list[datetime] = []
        last: list[datetime] = []
        for batch in self._batches(["time"]):
            ends = pc.min_max(_times(batch.column("time"))).as_py()
            if ends["min"] is not None:
                first.append(ends["min"])
                last.append(ends["max"])
        return (min(first), max(last)) if first else None


def _times(column: pa.Array) -> pa.Array:
    """A column of times, of text too; what cannot be read as one is left to the engine to report."""
    if not _is_text(column.type):
        return column.cast(pa.timestamp("us", tz="UTC"))
    return pa.array([_time(text) for text in column.to_pylist()], pa.timestamp("us", tz="UTC"))


def _time(text: str | None) -> datetime | None:
    try:
        time = datetime.fromisoformat((text or "").replace("Z", "+00:00"))
    except ValueError:
        return None
    return time if time.tzinfo is not None else None


def _holds(column: pa.Array, texts: list[str]) -> pa.Array:
    """Which rows of a column, read as text, hold one of some texts."""
    found = pc.is_in(pc.cast(column, pa.string()), value_set=pa.array(texts, pa.string()))
    return pc.fill_null(found, False)


def open_source(path: Path, needed: Sequence[str]) -> Source:
    """Opens a file by its name's ending and checks that it has rows and the needed columns.

    Raises:
        Unreadable: it cannot be used.
    """
    if not path.exists():
        raise Unreadable(f"`{path}` does not exist: check the path")
    if path.is_dir():
        raise Unreadable(f"`{path}` is a folder: give its files one by one with --events")
    openers = {".parquet": _parquet, ".pq": _parquet, ".csv": _csv, ".arrow": _ipc, ".ipc": _ipc, ".feather": _ipc}
    opener = openers.get(path.suffix.lower())
    if opener is None:
        raise Unreadable(f"`{path}` ends in `{path.suffix}`: use one of {', '.join(openers)}")
    try:
        source = opener(path)
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        raise Unreadable(f"`{path}` cannot be read as {path.suffix[1:]}: {_first_line(error)}") from error
    if source.rows == 0:
        raise Unreadable(f"`{path}` has no rows: give a file with events")
    missing = [name for name in needed if name not in source.schema.names]
    if missing:
        have = ", ".join(f"`{name}`" for name in source.schema.names)
        raise Unreadable(f"`{path}` has no column `{missing[0]}`: it has {have}")
    _check_types(path, source.schema)
    return source


def _check_types(path: Path, schema: pa.Schema) -> None:
    if "time" in schema.names:
        kind = schema.field("time").type
        if not (pa.types.is_timestamp(kind) or pa.types.is_date(kind) or _is_text(kind)):
            raise Unreadable(f"`{path}`: column `time` is {kind}: give timestamps, such as 2010-06-30T12:00:00Z")
        if pa.types.is_timestamp(kind) and kind.tz is None:
            raise Unreadable(f"`{path}`: column `time` has no time zone: convert it to UTC first")
    if "type" in schema.names:
        kind = schema.field("type").type
        if not _is_text(kind):
            raise Unreadable(f"`{path}`: column `type` is {kind}: give the names of event types as text")


def _is_text(kind: pa.DataType) -> bool:
    if pa.types.is_dictionary(kind):
        kind = kind.value_type
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind))


def _parquet(path: Path) -> Source:
    # Texts stay dictionaries on their way to the engine: most of them repeat, and each is then looked up once per batch.
    texts = [field.name for field in pq.read_schema(path) if _is_text(field.type) and field.name != "id"]

    def batches(columns: list[str] | None) -> Iterable[pa.RecordBatch]:
        file = pq.ParquetFile(path, read_dictionary=texts)
        yield from file.iter_batches(batch_size=_BATCH, columns=columns)

    file = pq.ParquetFile(path, read_dictionary=texts)
    return Source(path, file.schema_arrow, file.metadata.num_rows, batches)


def _csv(path: Path) -> Source:
    # Every column stays text: the engine reads numbers and times itself, and says of each row that does not fit what is wrong.
    read = pcsv.ReadOptions(block_size=1 << 24)
    with pcsv.open_csv(path, read_options=read) as reader:
        names = reader.schema.names
    texts = {name: pa.string() for name in names}

    def batches(columns: list[str] | None) -> Iterable[pa.RecordBatch]:
        convert = pcsv.ConvertOptions(
            column_types=texts, null_values=[""], strings_can_be_null=True, quoted_strings_can_be_null=False, include_columns=columns
        )
        with pcsv.open_csv(path, convert_options=convert, read_options=read) as reader:
            yield from reader

    return Source(path, pa.schema(texts.items()), sum(batch.num_rows for batch in batches(None)), batches)


def _ipc(path: Path) -> Source:
    try:
        with pa.ipc.open_file(path) as opened:
            schema = opened.schema
        file = True
    except pa.ArrowInvalid:
        with pa.OSFile(str(path)) as raw:
            schema = pa.ipc.open_stream(raw).schema
        file = False

    def batches(columns: list[str] | None) -> Iterator[pa.RecordBatch]:
        with pa.OSFile(str(path)) as raw:
            reader = pa.ipc.open_file(raw) if file else pa.ipc.open_stream(raw)
            each = (reader.get_batch(number) for number in range(reader.num_record_batches)) if file else reader
            for batch in each:
                yield batch if columns is None else batch.select(columns)

    return Source(path, schema, sum(batch.num_rows for batch in batches(None)), batches)


def _first_line(error: BaseException) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]
