use super::*;
use crate::export::tests::{every_kind, read};
use std::ffi::{CString, c_char, c_int, c_void};
use std::ptr;
use std::sync::atomic::{AtomicUsize, Ordering};

#[test]
fn what_was_consumed_or_is_null_is_refused() {
    // SAFETY: null is allowed.
    assert_eq!(unsafe { Reader::take(ptr::null_mut()) }.unwrap_err().code(), "released");
    let mut stream = every_kind().stream();
    // SAFETY: the stream was just exported; the second time it is released.
    let (first, second) = unsafe { (Reader::take(&raw mut stream), Reader::take(&raw mut stream)) };
    assert!(first.is_ok());
    assert_eq!(second.unwrap_err().code(), "released");
    let (mut array, mut schema) = (ArrowArray::empty(), every_kind().schema());
    // SAFETY: an empty array counts as released.
    assert_eq!(unsafe { Chunk::take(&raw mut array, &raw mut schema) }.unwrap_err().code(), "released");
    assert!(schema.is_released());
}

/// A schema and an array of our own making, whose release frees nothing.
struct Made {
    schema: ArrowSchema,
    array: ArrowArray,
    _kept: Vec<Box<dyn std::any::Any>>,
}

unsafe extern "C" fn forget_schema(schema: *mut ArrowSchema) {
    // SAFETY: called by `Drop` with a valid pointer.
    unsafe { (*schema).release = None };
}

unsafe extern "C" fn forget_array(array: *mut ArrowArray) {
    // SAFETY: called by `Drop` with a valid pointer.
    unsafe { (*array).release = None };
}

impl Made {
    /// A column of these buffers.
    fn column(format: &str, rows: i64, buffers: &[&[u8]]) -> Self {
        let format = CString::new(format).unwrap();
        let mut pointers: Vec<*const c_void> =
            buffers.iter().map(|buffer| if buffer.is_empty() { ptr::null() } else { buffer.as_ptr().cast() }).collect();
        let schema =
            ArrowSchema { format: format.as_ptr(), name: c"x".as_ptr(), release: Some(forget_schema), ..ArrowSchema::empty() };
        let array = ArrowArray {
            length: rows,
            n_buffers: i64::try_from(buffers.len()).unwrap(),
            buffers: pointers.as_mut_ptr(),
            release: Some(forget_array),
            ..ArrowArray::empty()
        };
        Made { schema, array, _kept: vec![Box::new(format), Box::new(pointers)] }
    }

    /// The table of this one column, read.
    fn read<T>(mut self, read: impl FnOnce(Result<Batch<'_>, ArrowError>) -> T) -> T {
        let (rows, mut buffers) = (self.array.length.max(0), [ptr::null()]);
        let (mut schemas, mut arrays) = ([&raw mut self.schema], [&raw mut self.array]);
        let mut schema = ArrowSchema {
            format: c"+s".as_ptr(),
            n_children: 1,
            children: schemas.as_mut_ptr(),
            release: Some(forget_schema),
            ..ArrowSchema::empty()
        };
        let mut array = ArrowArray {
            length: rows,
            n_buffers: 1,
            buffers: buffers.as_mut_ptr(),
            n_children: 1,
            children: arrays.as_mut_ptr(),
            release: Some(forget_array),
            ..ArrowArray::empty()
        };
        // SAFETY: all that is pointed to lives until the end of this function.
        match unsafe { Chunk::take(&raw mut array, &raw mut schema) } {
            Ok(chunk) => read(chunk.batch()),
            Err(error) => read(Err(error)),
        }
    }

    fn code(self) -> &'static str {
        self.read(|batch| batch.map_or_else(|error| error.code(), |_| "fine"))
    }

    /// The error of reading row 0 as whatever it is.
    fn row_code(self) -> &'static str {
        self.read(|batch| {
            batch.unwrap().columns()[0].1.value_as(0, &tactful::value::Type::Dyn).map_or_else(|error| error.code(), |_| "fine")
        })
    }

    fn shown(self) -> String {
        self.read(|batch| {
            let batch = batch.unwrap();
            let column = &batch.columns()[0].1;
            let values: Vec<_> =
                (0..batch.rows()).map(|row| column.value_as(row, &tactful::value::Type::Dyn).unwrap()).collect();
            format!("{values:?}")
        })
    }
}

/// Numbers as the bytes of a buffer.
macro_rules! bytes {
    ($($value:expr),* ; $type:ty) => {
        [$(($value as $type).to_ne_bytes()),*].concat()
    };
}

#[test]
fn every_format_is_read() {
    let numbers = [("c", bytes![-7, 7; i8]), ("s", bytes![-7, 7; i16]), ("i", bytes![-7, 7; i32]), ("l", bytes![-7, 7; i64])];
    for (format, values) in numbers {
        assert_eq!(Made::column(format, 2, &[&[], &values]).shown(), "[Some(Int(-7)), Some(Int(7))]", "{format}");
    }
    for (format, values) in
        [("C", bytes![7, 9; u8]), ("S", bytes![7, 9; u16]), ("I", bytes![7, 9; u32]), ("L", bytes![7, 9; u64])]
    {
        assert_eq!(Made::column(format, 2, &[&[], &values]).shown(), "[Some(Int(7)), Some(Int(9))]", "{format}");
    }
    for (format, values) in [("f", bytes![0.5, -2.0; f32]), ("g", bytes![0.5, -2.0; f64])] {
        assert_eq!(Made::column(format, 2, &[&[], &values]).shown(), "[Some(Double(0.5)), Some(Double(-2.0))]", "{format}");
    }
    assert_eq!(Made::column("b", 2, &[&[], &[0b10]]).shown(), "[Some(Bool(false)), Some(Bool(true))]");
    assert_eq!(Made::column("n", 2, &[]).shown(), "[None, None]");
    for (format, offsets) in [("u", bytes![0, 1, 1; i32]), ("U", bytes![0, 1, 1; i64])] {
        assert_eq!(
            Made::column(format, 2, &[&[], &offsets, b"a"]).shown(),
            "[Some(String(\"a\")), Some(String(\"\"))]",
            "{format}"
        );
    }
    let views = [bytes![1, 97, 0, 0; i32], bytes![14, 0, 1, 2; i32]].concat();
    let sizes = bytes![0, 16; i64];
    let made = Made::column("vu", 2, &[&[], &views, &[], b"..fourteen chars", &sizes]);
    assert_eq!(made.shown(), "[Some(String(\"a\")), Some(String(\"fourteen chars\"))]");
    for format in ["d:38,2", "d:5,2,128"] {
        let read = Made::column(format, 1, &[&[], &bytes![-1250; i128]])
            .read(|batch| batch.unwrap().columns()[0].1.decimal(0, 2, None));
        assert_eq!(read.unwrap().unwrap().to_string(), "-12.50");
    }
    let day: i64 = 86_400;
    for (format, ticks) in [
        ("tss:", day),
        ("tsm:UTC", day * 1_000),
        ("tsu:Europe/Berlin", day * 1_000_000),
        ("tsn:+02:00", day * 1_000_000_000),
        ("tdm", day * 1_000),
    ] {
        let read =
            Made::column(format, 1, &[&[], &bytes![ticks; i64]]).read(|batch| batch.unwrap().columns()[0].1.timestamp(0));
        assert_eq!(read.unwrap().unwrap().to_string(), "1970-01-02T00:00:00Z", "{format}");
    }
    let read = Made::column("tdD", 1, &[&[], &bytes![1; i32]]).read(|batch| batch.unwrap().columns()[0].1.timestamp(0));
    assert_eq!(read.unwrap().unwrap().to_string(), "1970-01-02T00:00:00Z");
}

#[test]
fn unsupported_columns_are_an_error_only_when_used() {
    for format in [
        "z",
        "Z",
        "vz",
        "w:16",
        "e",
        "d:9,2,256",
        "d:9,2,32",
        "ttm",
        "tDs",
        "tiM",
        "+s",
        "+w:3",
        "+m",
        "+r",
        "+us:0",
        "vul",
        "",
        "?",
    ] {
        let made = Made::column(format, 3, &[]);
        assert!(made.read(|batch| batch.is_ok()), "{format}");
        assert_eq!(Made::column(format, 3, &[]).row_code(), "unsupported_type", "{format}");
    }
    let read = Made::column("z", 1, &[]).read(|batch| batch.unwrap().require("x").unwrap().text(0).unwrap_err().to_string());
    assert_eq!(read, "row 0: expected text, found binary (arrow format `z`), which is not supported");
}

#[test]
fn offsets_of_lists_that_lead_astray_are_refused() {
    let table = every_kind();
    for (offsets, fine) in
        [([0, 1, 1, 2, 3, 3], true), ([0, 1, 1, 2, 3, 4], false), ([0, 2, 1, 2, 3, 3], false), ([-1, 1, 1, 2, 3, 3], false)]
    {
        let (mut array, mut schema) = (table.batch(0).unwrap(), table.schema());
        // SAFETY: both were just exported, and column 6 is a list; the offsets outlive the chunk.
        let chunk = unsafe {
            let list = *array.children.add(6);
            *(*list).buffers.add(1) = offsets.as_ptr().cast();
            Chunk::take(&raw mut array, &raw mut schema).unwrap()
        };
        assert_eq!(
            chunk.lists().map_or_else(|error| error.code(), |_| "fine"),
            if fine { "fine" } else { "malformed" },
            "{offsets:?}"
        );
        assert!(chunk.batch().is_ok(), "other columns can be read");
    }
}

#[test]
fn malformed_structures_are_refused() {
    let offsets = bytes![0, 1; i32];
    assert_eq!(Made::column("+l", 1, &[&[], &offsets]).code(), Made::column("+L", 1, &[]).code(), "lists without elements");
    assert_eq!(Made::column("+l", 1, &[&[], &offsets]).code(), "malformed");
    let good = || Made::column("l", 2, &[&[], &[1; 16]]);
    assert_eq!(good().code(), "fine");
    let broken = |break_it: fn(&mut Made)| {
        let mut made = good();
        break_it(&mut made);
        made.code()
    };
    assert_eq!(broken(|made| made.array.length = -1), "malformed");
    assert_eq!(broken(|made| made.array.length = i64::MAX), "malformed");
    assert_eq!(broken(|made| made.array.offset = -1), "malformed");
    assert_eq!(broken(|made| made.array.offset = i64::MAX), "malformed");
    assert_eq!(broken(|made| made.array.n_buffers = 1), "malformed");
    assert_eq!(broken(|made| made.array.n_buffers = 3), "malformed");
    assert_eq!(broken(|made| made.array.n_buffers = -1), "malformed");
    assert_eq!(broken(|made| made.array.buffers = ptr::null_mut()), "malformed");
    assert_eq!(broken(|made| made.array.null_count = 1), "malformed");
    assert_eq!(broken(|made| made.array.release = None), "malformed");
    assert_eq!(broken(|made| made.schema.release = None), "malformed");
    assert_eq!(broken(|made| made.schema.format = ptr::null()), "malformed");
    assert_eq!(broken(|made| made.schema.format = c"\xff".as_ptr()), "malformed");
    assert_eq!(broken(|made| made.schema.name = c"\xff".as_ptr()), "malformed");
    assert_eq!(broken(|made| made.schema.name = ptr::null()), "fine");
    assert_eq!(broken(|made| made.array.null_count = -1), "fine");

    assert_eq!(Made::column("l", 2, &[&[], &[]]).code(), "malformed");
    assert_eq!(Made::column("u", 1, &[&[], &offsets]).code(), "malformed");
    assert_eq!(Made::column("u", 1, &[&[], &offsets, &[]]).code(), "malformed");
    assert_eq!(Made::column("u", 1, &[&[], &[], b"a"]).code(), "malformed");
    assert_eq!(Made::column("u", 1, &[&[], &bytes![0, -1; i32], b"a"]).code(), "malformed");
    assert_eq!(Made::column("u", 1, &[&[], &bytes![-1, 1; i32], b"a"]).row_code(), "malformed");
    assert_eq!(Made::column("u", 1, &[&[], &bytes![1, 0; i32], b"a"]).row_code(), "malformed");
    assert_eq!(Made::column("u", 1, &[&[], &offsets, b"\xff"]).row_code(), "not_utf8");
    assert_eq!(Made::column("vu", 1, &[&[], &[0; 16]]).code(), "malformed");
    assert_eq!(Made::column("vu", 1, &[&[], &[0; 16], b"a", &bytes![-1; i64]]).code(), "malformed");
    assert_eq!(Made::column("vu", 1, &[&[], &bytes![20, 0, 0, 0; i32], b"a", &bytes![1; i64]]).row_code(), "malformed");
    // Without rows nothing is read, so nothing has to be there.
    for (format, buffers) in [("l", 2), ("u", 3), ("b", 2), ("vu", 3)] {
        assert_eq!(Made::column(format, 0, &vec![&[][..]; buffers]).code(), "fine", "{format}");
    }
}

#[test]
fn malformed_tables_are_refused() {
    let code = |break_it: fn(&mut ArrowArray, &mut ArrowSchema)| {
        let table = every_kind();
        let (mut array, mut schema) = (table.batch(0).unwrap(), table.schema());
        break_it(&mut array, &mut schema);
        // SAFETY: both were exported here; what was broken is found before it is followed.
        let chunk = unsafe { Chunk::take(&raw mut array, &raw mut schema) };
        chunk.and_then(|chunk| chunk.batch().map(|_| "fine")).unwrap_or_else(|error| error.code())
    };
    assert_eq!(code(|_, _| {}), "fine");
    assert_eq!(code(|array, _| array.length = 6), "malformed");
    assert_eq!(code(|array, _| array.offset = 1), "malformed");
    assert_eq!(code(|array, _| array.n_children = 7), "malformed");
    assert_eq!(code(|array, _| array.n_children = -1), "malformed");
    assert_eq!(code(|array, _| array.children = ptr::null_mut()), "malformed");
    assert_eq!(code(|array, _| array.n_buffers = 0), "malformed");
    assert_eq!(code(|_, schema| schema.n_children = 7), "malformed");
    assert_eq!(code(|_, schema| schema.n_children = -1), "malformed");
    assert_eq!(code(|_, schema| schema.children = ptr::null_mut()), "malformed");
    assert_eq!(code(|_, schema| schema.format = c"l".as_ptr()), "not_a_table");
    // SAFETY: the table has a fifth column, which is a dictionary.
    assert_eq!(code(|array, _| unsafe { (**array.children.add(4)).dictionary = ptr::null_mut() }), "malformed");
    // SAFETY: as above.
    assert_eq!(code(|_, schema| unsafe { (**schema.children.add(4)).format = c"u".as_ptr() }), "malformed");
    // SAFETY: the table has a first column.
    assert_eq!(code(|array, _| drop(unsafe { ArrowArray::take(*array.children) })), "malformed");
}

#[test]
fn null_structs_are_rows_of_nulls() {
    let table = every_kind();
    let (mut array, mut schema) = (table.slice(1, 4).batch(0).unwrap(), table.schema());
    let bits = [0b0000_0101_u8];
    let mut buffers = [bits.as_ptr().cast::<c_void>()];
    array.buffers = buffers.as_mut_ptr();
    array.null_count = -1;
    (array.offset, array.length) = (1, 3);
    // SAFETY: both were exported here, and the bitmap outlives the chunk.
    let chunk = unsafe { Chunk::take(&raw mut array, &raw mut schema) }.unwrap();
    assert_eq!(read(&chunk, "full", |c, row| c.int(row).unwrap()), [None, Some(3), None]);
    assert_eq!(read(&chunk, "dictionary", |c, row| c.is_null(row)), [true, false, true]);
}

#[test]
fn numbers_that_are_not_aligned_are_copied() {
    let storage: Vec<u8> = [&[0_u8][..], &bytes![1, 2, 3; i64]].concat();
    assert_eq!(Made::column("l", 3, &[&[], &storage[1..]]).shown(), "[Some(Int(1)), Some(Int(2)), Some(Int(3))]");
    let mut made = Made::column("l", 2, &[&[], &storage[1..]]);
    made.array.offset = 1;
    assert_eq!(made.shown(), "[Some(Int(2)), Some(Int(3))]");
}

/// A stream that fails: with the number in `private_data`, at the schema when it is odd, else at the first batch.
fn failing(number: usize) -> ArrowArrayStream {
    unsafe extern "C" fn get_schema(stream: *mut ArrowArrayStream, out: *mut ArrowSchema) -> c_int {
        // SAFETY: called by `Reader` with valid pointers.
        unsafe {
            let number = (*stream).private_data.addr();
            if number.is_multiple_of(2) {
                every_kind().schema().give(out);
                return 0;
            }
            c_int::try_from(number).unwrap()
        }
    }
    unsafe extern "C" fn get_next(stream: *mut ArrowArrayStream, _: *mut ArrowArray) -> c_int {
        // SAFETY: called by `Reader` with a valid pointer.
        c_int::try_from(unsafe { (*stream).private_data.addr() }).unwrap()
    }
    unsafe extern "C" fn get_last_error(stream: *mut ArrowArrayStream) -> *const c_char {
        // SAFETY: called by `Reader` with a valid pointer.
        if unsafe { (*stream).private_data.addr() } > 50 { ptr::null() } else { c"the disk is gone".as_ptr() }
    }
    unsafe extern "C" fn release(stream: *mut ArrowArrayStream) {
        RELEASED_STREAMS.fetch_add(1, Ordering::Relaxed);
        // SAFETY: called by `Drop` with a valid pointer.
        unsafe { (*stream).release = None };
    }
    ArrowArrayStream {
        get_schema: Some(get_schema),
        get_next: Some(get_next),
        get_last_error: Some(get_last_error),
        release: Some(release),
        private_data: ptr::without_provenance_mut(number),
    }
}

static RELEASED_STREAMS: AtomicUsize = AtomicUsize::new(0);

#[test]
fn a_failing_producer_is_quoted_and_released_once() {
    let take = |number| {
        let mut stream = failing(number);
        // SAFETY: the stream keeps the contract.
        unsafe { Reader::take(&raw mut stream) }
    };
    assert_eq!(take(5).unwrap_err().to_string(), "the producer of the stream failed with error 5: the disk is gone");
    assert_eq!(take(51).unwrap_err().to_string(), "the producer of the stream failed with error 51: it gives no reason");
    let mut reader = take(6).unwrap();
    assert_eq!(reader.fields().len(), 8);
    assert_eq!(reader.next().unwrap().unwrap_err().code(), "producer_failed");
    assert!(reader.next().is_none());
    drop(reader);
    assert_eq!(RELEASED_STREAMS.load(Ordering::Relaxed), 3);

    let mut stream = ArrowArrayStream { get_schema: None, ..failing(2) };
    // SAFETY: what is missing is found before it is called.
    assert_eq!(unsafe { Reader::take(&raw mut stream) }.unwrap_err().code(), "malformed");
}
