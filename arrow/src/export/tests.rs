use super::{Kind, OwnedColumn, Table};
use crate::abi::{ArrowArray, ArrowSchema};
use crate::{Chunk, Reader};
use std::ffi::CStr;
use std::ptr;
use tactful::Timestamp;
use tactful::column::Column;

fn time(micros: i64) -> Timestamp {
    Timestamp::from_micros(micros).unwrap()
}

/// A table with every kind of column, some of each null.
pub(crate) fn every_kind() -> Table {
    let texts = [Some("tea"), None, Some(""), Some("a text that is longer than a view holds"), Some("tea")];
    Table::new(vec![
        ("bool".into(), OwnedColumn::bools([Some(true), Some(false), None, Some(true), Some(true)])),
        ("int".into(), OwnedColumn::ints([Some(i64::MIN), None, Some(0), Some(7), Some(i64::MAX)])),
        ("double".into(), OwnedColumn::doubles([Some(0.5), Some(f64::NAN), None, Some(-0.0), Some(1e300)])),
        ("text".into(), OwnedColumn::texts(texts).unwrap()),
        ("dictionary".into(), OwnedColumn::dictionary(texts).unwrap()),
        ("time".into(), OwnedColumn::timestamps([None, Some(time(-1)), Some(time(0)), Some(time(1)), Some(Timestamp::MAX)])),
        ("list".into(), OwnedColumn::text_lists([Some(vec!["a", "b"]), None, Some(vec![]), Some(vec!["c"]), None]).unwrap()),
        ("full".into(), OwnedColumn::ints((0..5).map(Some))),
    ])
    .unwrap()
}

fn chunks(table: &Table) -> Vec<Chunk> {
    let mut stream = table.stream();
    // SAFETY: the stream was just exported.
    let reader = unsafe { Reader::take(&raw mut stream) }.unwrap();
    assert!(stream.is_released());
    reader.map(Result::unwrap).collect()
}

/// Reads all rows of the first batch.
pub(crate) fn read<T>(chunk: &Chunk, column: &str, read: impl Fn(&Column<'_>, usize) -> T) -> Vec<T> {
    let batch = chunk.batch().unwrap();
    (0..batch.rows()).map(|row| read(batch.require(column).unwrap(), row)).collect()
}

#[test]
fn every_kind_comes_back_as_it_went() {
    let table = every_kind();
    let chunk = &chunks(&table)[0];
    assert_eq!(read(chunk, "bool", |c, row| c.bool(row).unwrap()), [Some(true), Some(false), None, Some(true), Some(true)]);
    assert_eq!(read(chunk, "int", |c, row| c.int(row).unwrap()), [Some(i64::MIN), None, Some(0), Some(7), Some(i64::MAX)]);
    let doubles = read(chunk, "double", |c, row| c.double(row).unwrap().map(f64::to_bits));
    assert_eq!(
        doubles,
        [Some(0.5), Some(f64::NAN), None, Some(-0.0), Some(1e300)].map(|double: Option<f64>| double.map(f64::to_bits))
    );
    for name in ["text", "dictionary"] {
        let texts = read(chunk, name, |c, row| c.text(row).unwrap().map(str::to_owned));
        let expected = [Some("tea"), None, Some(""), Some("a text that is longer than a view holds"), Some("tea")];
        assert_eq!(texts, expected.map(|text| text.map(str::to_owned)), "{name}");
    }
    let times = read(chunk, "time", |c, row| c.timestamp(row).unwrap());
    assert_eq!(times, [None, Some(time(-1)), Some(time(0)), Some(time(1)), Some(Timestamp::MAX)]);
    let batch = chunk.batch().unwrap();
    assert_eq!(batch.require("time").unwrap().zone(), Some("UTC"));
    assert_eq!(batch.require("dictionary").unwrap().entries().unwrap().rows(), 3);
    assert_eq!(batch.require("list").unwrap().text(0).unwrap_err().code(), "unsupported_type");
    let lists = chunk.lists().unwrap();
    let [tags] = &lists[..] else { panic!("one column is a list") };
    let held: Vec<_> = (0..tags.elements().rows()).map(|row| tags.elements().text(row).unwrap().map(str::to_owned)).collect();
    assert_eq!((&**tags.name(), tags.offsets()), ("list", &[0, 2, 2, 2, 3, 3][..]));
    assert_eq!(held, ["a", "b", "c"].map(|text| Some(text.to_owned())));
    assert_eq!(
        (0..5).map(|row| tags.validity().unwrap().get(row)).collect::<Vec<_>>(),
        [1, 0, 1, 1, 0].map(|bit| Some(bit == 1))
    );
    let fields = chunk.fields();
    assert!(fields[0].is_supported() && !fields[6].is_supported());
    assert_eq!((&*fields[6].name().clone(), fields[6].format()), ("list", "+l"));
}

#[test]
fn slices_of_columns_and_of_structs_are_honoured() {
    let table = every_kind();
    for start in 0..=5 {
        for rows in 0..=5 - start {
            let whole = &chunks(&table)[0];
            // The columns carry the offset.
            let sliced = chunks(&table.slice(start.min(2), 5).slice(start - start.min(2), rows));
            assert_eq!(sliced.len(), usize::from(rows > 0));
            // The struct carries the offset, over columns that carry one already.
            let mut array = table.slice(start.min(1), 5).batch(0).unwrap();
            array.offset = i64::try_from(start - start.min(1)).unwrap();
            array.length = i64::try_from(rows).unwrap();
            let mut schema = table.schema();
            // SAFETY: both were just exported.
            let shifted = unsafe { Chunk::take(&raw mut array, &raw mut schema) }.unwrap();
            for name in ["bool", "int", "double", "text", "dictionary", "time", "full"] {
                let show = |c: &Column<'_>, row| format!("{:?}", c.value_as(row, &tactful::value::Type::Dyn).unwrap());
                let expected = &read(whole, name, show)[start..start + rows];
                assert_eq!(read(&shifted, name, show), expected, "{name} {start} {rows}");
                let found = sliced.first().map(|chunk| read(chunk, name, show)).unwrap_or_default();
                assert_eq!(found, expected, "{name} {start} {rows}");
            }
        }
    }
}

#[test]
fn a_table_is_exported_again_and_again_and_outlived() {
    let mut table = Table::empty(vec![("n".into(), Kind::Int)]).unwrap();
    table.push(vec![OwnedColumn::ints([Some(1), Some(2)])]).unwrap();
    table.push(vec![OwnedColumn::ints([])]).unwrap();
    table.push(vec![OwnedColumn::ints([None])]).unwrap();
    let (first, second) = (chunks(&table), chunks(&table));
    let mut stream = table.stream();
    drop(table);
    for chunks in [&first, &second] {
        let rows: Vec<_> = chunks.iter().map(|chunk| read(chunk, "n", |c, row| c.int(row).unwrap())).collect();
        assert_eq!(rows, [vec![Some(1), Some(2)], vec![], vec![None]]);
    }
    // SAFETY: the stream was exported above.
    let mut reader = unsafe { Reader::take(&raw mut stream) }.unwrap();
    let kept = reader.next().unwrap().unwrap();
    drop(reader);
    drop(first);
    assert_eq!(read(&kept, "n", |c, row| c.int(row).unwrap()), [Some(1), Some(2)]);
}

#[test]
fn empty_tables_are_tables() {
    let table = Table::new(Vec::new()).unwrap();
    assert_eq!(chunks(&table)[0].batch().unwrap().rows(), 0);
    assert_eq!(chunks(&Table::empty(vec![("a".into(), Kind::TextList)]).unwrap()).len(), 0);
    let empty = every_kind().slice(2, 0);
    assert_eq!((empty.rows(), chunks(&empty).len()), (0, 0));
    let none: [Option<&str>; 0] = [];
    let table = Table::new(vec![
        ("t".into(), OwnedColumn::texts(none).unwrap()),
        ("d".into(), OwnedColumn::dictionary(none).unwrap()),
        ("b".into(), OwnedColumn::bools([])),
    ]);
    assert_eq!(chunks(&table.unwrap())[0].batch().unwrap().rows(), 0);
}

#[test]
fn tables_refuse_columns_that_do_not_fit() {
    let ints = |n: i64| OwnedColumn::ints((0..n).map(Some));
    let code = |columns| Table::new(columns).unwrap_err().code();
    assert_eq!(code(vec![("a".into(), ints(1)), ("b".into(), ints(2))]), "unequal_lengths");
    assert_eq!(code(vec![("a".into(), ints(1)), ("a".into(), ints(1))]), "duplicate_column");
    assert_eq!(code(vec![("a\0".into(), ints(1))]), "bad_name");
    let mut table = Table::new(vec![("a".into(), ints(1))]).unwrap();
    assert_eq!(table.push(vec![OwnedColumn::bools([None])]).unwrap_err().code(), "other_columns");
    assert_eq!(table.push(Vec::new()).unwrap_err().code(), "other_columns");
    assert_eq!(table.batches(), 1);
}

#[test]
fn exported_structures_keep_the_interface() {
    let table = every_kind();
    let mut stream = table.stream();
    let (get_schema, get_next) = (stream.get_schema.unwrap(), stream.get_next.unwrap());
    let get_last_error = stream.get_last_error.unwrap();
    // SAFETY: an exported stream may be asked for its schema as often as one likes, and answers null with an error.
    unsafe {
        for _ in 0..2 {
            let mut schema = ArrowSchema::empty();
            assert_eq!(get_schema(&raw mut stream, &raw mut schema), 0);
            assert_eq!(CStr::from_ptr(schema.format), c"+s");
            assert_eq!(CStr::from_ptr((**schema.children.add(5)).format), c"tsu:UTC");
        }
        assert_eq!(get_next(&raw mut stream, ptr::null_mut()), 22);
        assert!(CStr::from_ptr(get_last_error(&raw mut stream)).to_str().unwrap().contains("null pointer"));
        assert_eq!(get_next(ptr::null_mut(), ptr::null_mut()), 22);
        let mut array = ArrowArray::empty();
        assert_eq!(get_next(&raw mut stream, &raw mut array), 0);
        assert!(get_last_error(&raw mut stream).is_null());
        // A child that is moved out outlives its parent.
        let child = ArrowArray::take(*array.children.add(1)).unwrap();
        drop(array);
        assert_eq!((child.length, child.null_count, child.n_buffers), (5, 1, 2));
        assert_eq!((*child.buffers.add(1)).cast::<i64>().add(3).read(), 7);
        let mut end = ArrowArray::empty();
        assert_eq!(get_next(&raw mut stream, &raw mut end), 0);
        assert!(end.is_released());
        // Releasing twice is the caller's mistake and does no harm.
        let release = stream.release.unwrap();
        release(&raw mut stream);
        release(&raw mut stream);
        release(ptr::null_mut());
    }
    assert!(stream.is_released());
}

#[test]
fn owners_may_move_between_threads() {
    fn moved<T: Send>() {}
    fn shared<T: Send + Sync>() {}
    moved::<Reader>();
    shared::<Chunk>();
    shared::<Table>();
}
