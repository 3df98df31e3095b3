use super::*;
use crate::value::{Currency, Decimal, Duration, Moment, Timestamp, Type, Value};
use std::sync::Arc;

fn texts(offsets: &'static [i32], bytes: &'static str) -> Column<'static> {
    Column::texts(offsets, bytes.as_bytes())
}

/// Views of texts, long ones in one buffer.
fn views(texts: &[&str]) -> (Vec<[u8; 16]>, Vec<u8>) {
    let mut buffer = Vec::new();
    let views = texts.iter().map(|text| {
        let mut view = [0; 16];
        view[..4].copy_from_slice(&i32::try_from(text.len()).unwrap().to_ne_bytes());
        if text.len() <= 12 {
            view[4..4 + text.len()].copy_from_slice(text.as_bytes());
        } else {
            view[4..8].copy_from_slice(&text.as_bytes()[..4]);
            view[12..].copy_from_slice(&i32::try_from(buffer.len()).unwrap().to_ne_bytes());
            buffer.extend_from_slice(text.as_bytes());
        }
        view
    });
    (views.collect(), buffer)
}

fn code<T: fmt::Debug>(result: Result<T, ColumnError>) -> &'static str {
    result.unwrap_err().code()
}

#[test]
fn whole_numbers_of_every_width_are_read_alike() {
    let columns = [
        Column::ints(&[7_i8]),
        Column::ints(&[7_i16]),
        Column::ints(&[7_i32]),
        Column::ints(&[7_i64]),
        Column::ints(&[7_u8]),
        Column::ints(&[7_u16]),
        Column::ints(&[7_u32]),
        Column::ints(&[7_u64]),
        Column::doubles(&[7.0][..]),
        Column::floats(&[7.0][..]),
    ];
    for column in columns {
        assert_eq!(column.int(0).unwrap(), Some(7), "{column}");
        assert_eq!(column.double(0).unwrap(), Some(7.0), "{column}");
        assert_eq!(column.value_as(0, &Type::Uint).unwrap(), Some(Value::Uint(7)), "{column}");
        assert_eq!(code(column.int(1)), "no_such_row", "{column}");
        assert_eq!(code(column.text(0)), "wrong_type", "{column}");
    }
}

#[test]
fn a_number_that_does_not_fit_is_refused() {
    assert_eq!(code(Column::ints(&[u64::MAX]).int(0)), "wrong_value");
    assert_eq!(Column::ints(&[u64::MAX]).value_as(0, &Type::Uint).unwrap(), Some(Value::Uint(u64::MAX)));
    assert_eq!(code(Column::ints(&[-1]).value_as(0, &Type::Uint)), "wrong_value");
    for number in [0.5, f64::NAN, f64::INFINITY, 1e300, 9_007_199_254_740_994.0] {
        assert_eq!(code(Column::doubles(&[number][..]).int(0)), "wrong_value", "{number}");
    }
    let error = Column::doubles(&[0.5][..]).int(0).unwrap_err();
    assert_eq!(error.to_string(), "row 0: expected a whole number, found another value");
}

#[test]
fn nulls_come_from_the_column_its_struct_and_its_dictionary() {
    let column = Column::ints(&[1, 2, 3, 4]).with_validity(Bits::new(&[0b1101_1000], 3, 4).unwrap()).unwrap();
    let column = column.within(Bits::new(&[0b0111], 0, 4).unwrap()).unwrap();
    let read: Vec<_> = (0..4).map(|row| column.int(row).unwrap()).collect();
    assert_eq!(read, [Some(1), Some(2), None, None]);
    assert!(!column.is_null(0) && column.is_null(2) && column.is_null(3) && column.is_null(4));

    let entries = texts(&[0, 1, 1], "a").with_validity(Bits::new(&[0b01], 0, 2).unwrap()).unwrap();
    let column = Column::dictionary(&[0_u8, 1, 9], entries).unwrap();
    assert_eq!(column.text(0).unwrap(), Some("a"));
    assert_eq!(column.text(1).unwrap(), None);
    assert!(!column.is_null(0) && column.is_null(1) && !column.is_null(2));
    assert_eq!(code(column.text(2)), "malformed");

    assert_eq!(Column::nulls(1).text(0).unwrap(), None);
    assert_eq!(code(Column::nulls(1).text(1)), "no_such_row");
    assert_eq!(Column::nulls(1).value_as(0, &Type::Bytes).unwrap(), None);
}

#[test]
fn text_is_the_same_in_every_layout() {
    let expected = ["", "tea", "exactly12 by", "a text that does not fit into a view", "ü"];
    let mut offsets: Vec<i32> = vec![0];
    for text in expected {
        offsets.push(offsets.last().unwrap() + i32::try_from(text.len()).unwrap());
    }
    let large: Vec<i64> = offsets.iter().map(|offset| i64::from(*offset)).collect();
    let bytes = expected.concat();
    let (views, buffer) = views(&expected);
    let plain = Column::texts(&offsets[..], bytes.as_bytes());
    let dictionary = Column::dictionary(&[4_i16, 3, 2, 1, 0], plain.clone()).unwrap();
    for column in [plain, Column::texts(&large[..], bytes.as_bytes()), Column::text_views(&views, vec![&buffer])] {
        let read: Vec<_> = (0..5).map(|row| column.text(row).unwrap().unwrap()).collect();
        assert_eq!(read, expected);
        assert_eq!(code(column.text(5)), "no_such_row");
    }
    for row in 0..5 {
        assert_eq!(dictionary.text(row).unwrap(), Some(expected[4 - row]));
        assert_eq!(dictionary.entry(row).unwrap(), Some(4 - row));
    }
    assert_eq!(dictionary.type_name(), "dictionary of text");
    assert_eq!(dictionary.entries().unwrap().rows(), 5);
}

#[test]
fn malformed_text_is_an_error_of_its_row_only() {
    let offsets: &[i32] = &[0, 1, 3, -1, 2, 99, 2];
    let column = Column::texts(offsets, b"a\xff\xfe");
    assert_eq!(column.text(0).unwrap(), Some("a"));
    assert_eq!(column.text(1).unwrap_err().to_string(), "row 1: expected text in UTF-8, found other bytes");
    for row in 2..6 {
        assert_eq!(code(column.text(row)), "malformed", "{row}");
    }
    let view = |length: i32, buffer: i32, start: i32| {
        let mut view = [0; 16];
        view[..4].copy_from_slice(&length.to_ne_bytes());
        view[8..12].copy_from_slice(&buffer.to_ne_bytes());
        view[12..].copy_from_slice(&start.to_ne_bytes());
        view
    };
    let wrong = [view(-1, 0, 0), view(20, 1, 0), view(20, 0, 1), view(20, -1, 0), view(20, 0, -1), view(i32::MAX, 0, i32::MAX)];
    let column = Column::text_views(&wrong, vec![&[b'x'; 20]]);
    for row in 0..wrong.len() {
        assert_eq!(code(column.text(row)), "malformed", "{row}");
    }
    assert_eq!(Column::texts(&[][..] as &[i32], b"").rows(), 0);
}

#[test]
fn bitmaps_that_are_too_short_are_refused() {
    assert_eq!(code(Bits::new(&[0], 0, 9)), "malformed");
    assert_eq!(code(Bits::new(&[0], 8, 1)), "malformed");
    assert_eq!(code(Bits::new(&[0], usize::MAX, 2)), "malformed");
    assert!(Bits::new(&[], 0, 0).unwrap().is_empty());
    let bits = Bits::new(&[0x80, 0x01], 7, 2).unwrap();
    assert_eq!((bits.get(0), bits.get(1), bits.get(2)), (Some(true), Some(true), None));
    assert_eq!(code(Column::ints(&[1]).with_validity(bits)), "unequal_lengths");
}

#[test]
fn money_is_exact_from_every_number() {
    let euro = Currency::parse("EUR");
    let money = Type::Money { currency: euro.unwrap(), scale: 2 };
    let units = [1_250_i128.to_ne_bytes(), 1_255_i128.to_ne_bytes()];
    let expected = Some(Value::Decimal(Decimal::new(1_250, 2, euro)));
    for column in [
        Column::doubles(&[12.5, 0.1 + 0.2][..]),
        Column::floats(&[12.5, 0.001][..]),
        Column::decimals(&units, 2),
        texts(&[0, 4, 7], "12.5abc"),
        Column::dictionary(&[0_i8, 1], texts(&[0, 5, 10], "12.5012.505")).unwrap(),
    ] {
        assert_eq!(column.value_as(0, &money).unwrap(), expected, "{column}");
    }
    let tenth = Column::floats(&[0.1][..]).value_as(0, &Type::Decimal { scale: 1 }).unwrap();
    assert_eq!(tenth, Some(Value::Decimal(Decimal::new(1, 1, None))));
    assert_eq!(Column::ints(&[12]).value_as(0, &money).unwrap(), Some(Value::Decimal(Decimal::new(1_200, 2, euro))));
    assert_eq!(Column::decimals(&units, -1).decimal(0, 2, None).unwrap(), Some(Decimal::new(1_250_000, 2, None)));
    assert_eq!(Column::decimals(&units, 3).decimal(0, 2, None).unwrap(), Some(Decimal::new(125, 2, None)));
    let error = Column::decimals(&units, 3).value_as(1, &money).unwrap_err();
    assert_eq!(error.code(), "wrong_value");
    assert_eq!(
        error.to_string(),
        "row 1: expected an amount of EUR with 2 digits after the point (more digits after the point than the type has), found another value"
    );
    assert_eq!(code(Column::doubles(&[f64::NAN][..]).value_as(0, &money)), "wrong_value");
    assert_eq!(code(Column::bools(Bits::new(&[1], 0, 1).unwrap()).value_as(0, &money)), "wrong_type");
}

#[test]
fn decimals_of_any_scale_are_numbers() {
    let units = [1_250_i128, i128::MAX, i128::MIN, -3, 0].map(i128::to_ne_bytes);
    let read = |scale: i8, row: usize| Column::decimals(&units, scale).double(row).unwrap().unwrap();
    assert_eq!(read(2, 0), 12.5);
    assert_eq!(read(-2, 0), 125_000.0);
    assert_eq!(read(1, 3), -0.3);
    assert_eq!(read(0, 1), 1.701_411_834_604_692_3e38);
    assert_eq!(read(38, 2), -1.701_411_834_604_692_3);
    assert_eq!(read(127, 0), 1.25e-124);
    assert_eq!(Column::decimals(&units, 1).int(0).unwrap(), Some(125));
    assert_eq!(Column::decimals(&units, -1).int(3).unwrap(), Some(-30));
    assert_eq!(code(Column::decimals(&units, 2).int(0)), "wrong_value");
    assert_eq!(code(Column::decimals(&units, 0).int(1)), "wrong_value");
    for scale in [i8::MIN, -39, 39, i8::MAX] {
        assert_eq!(Column::decimals(&units, scale).int(4).unwrap(), Some(0), "{scale}");
        assert!(Column::decimals(&units, scale).int(1).is_err(), "{scale}");
    }
    // More digits than a decimal has are exact or an error, never cut.
    assert_eq!(code(Column::decimals(&units, 38).value_as(0, &Type::Dyn)), "wrong_value");
    assert_eq!(code(Column::decimals(&units, 38).decimal(0, 38, None)), "wrong_value");
    assert_eq!(Column::decimals(&units, 38).decimal(4, 2, None).unwrap(), Some(Decimal::new(0, 2, None)));
}

proptest::proptest! {
    #[test]
    fn any_buffers_give_values_or_errors(
        offsets: Vec<i32>, near in proptest::collection::vec(-1_i64..12, 0..8), bytes: Vec<u8>, views: Vec<[u8; 16]>,
        ticks: Vec<i64>, days: Vec<i32>, doubles: Vec<f64>, scale: i8, row in 0_usize..8,
    ) {
        let entries = Column::texts(&near[..], &bytes);
        let columns = [
            Column::texts(&offsets[..], &bytes),
            Column::text_views(&views, vec![&bytes]),
            Column::dictionary(&near[..], entries.clone()).unwrap(),
            entries,
            Column::decimals(&views, scale),
            Column::timestamps(&ticks[..], TimeUnit::Millisecond, None),
            Column::ints(&ticks[..]),
            Column::dates(&days[..]),
            Column::doubles(&doubles[..]),
        ];
        let money = Type::Money { currency: Currency::parse("EUR").unwrap(), scale: 2 };
        let types = [Type::Dyn, Type::Int, Type::Uint, Type::Double, Type::String, Type::Timestamp, Type::Duration, money];
        for column in columns {
            for declared in &types {
                let read = column.value_as(row, declared);
                proptest::prop_assert!(row < column.rows() || read.is_err());
            }
        }
    }

    #[test]
    fn doubles_become_decimals_by_their_shortest_text(units in -2_000_000_000_000_000_i64..2_000_000_000_000_000, bits: u64, scale in 0_u8..10) {
        let near = units as f64 / 10_f64.powi(i32::from(scale));
        for number in [near, near.next_up(), near * 1e-3, f64::from_bits(bits), f64::from_bits(bits % 4)] {
            let read = Column::doubles(&[number][..]).decimal(0, scale, None);
            proptest::prop_assert_eq!(read.ok().flatten(), Decimal::from_double(number, scale, None).ok(), "{}", number);
        }
    }
}

#[test]
fn times_become_microseconds() {
    let at = |micros| Some(Timestamp::from_micros(micros).unwrap());
    let times = |unit, ticks: i64| Column::timestamps(vec![ticks], unit, Some("Europe/Berlin")).timestamp(0);
    assert_eq!(times(TimeUnit::Second, 3).unwrap(), at(3_000_000));
    assert_eq!(times(TimeUnit::Millisecond, 3).unwrap(), at(3_000));
    assert_eq!(times(TimeUnit::Microsecond, 3).unwrap(), at(3));
    assert_eq!(times(TimeUnit::Nanosecond, 1_999).unwrap(), at(1));
    assert_eq!(times(TimeUnit::Nanosecond, -1).unwrap(), at(-1));
    assert_eq!(Column::dates(&[-1, 1][..]).timestamp(0).unwrap(), at(-86_400_000_000));
    assert_eq!(texts(&[0, 20], "1970-01-01T00:00:01Z").timestamp(0).unwrap(), at(1_000_000));
    assert_eq!(code(times(TimeUnit::Second, i64::MAX)), "wrong_value");
    assert_eq!(code(times(TimeUnit::Microsecond, i64::MIN)), "wrong_value");
    assert_eq!(code(Column::dates(&[i32::MAX][..]).timestamp(0)), "wrong_value");
    assert_eq!(code(texts(&[0, 5], "today").timestamp(0)), "wrong_value");
    assert_eq!(code(Column::ints(&[3]).timestamp(0)), "wrong_type");
    let column = Column::timestamps(&[0][..], TimeUnit::Microsecond, Some("Europe/Berlin"));
    assert_eq!((column.zone(), column.type_name().as_str()), (Some("Europe/Berlin"), "timestamp(us, Europe/Berlin)"));
}

#[test]
fn values_are_those_of_the_declared_type() {
    let names: Arc<[Arc<str>]> = ["gold", "silver"].map(Arc::from).into();
    let tier = Type::Enum(names.clone());
    let column = texts(&[0, 4, 9], "goldloyal");
    let Some(Value::String(gold)) = column.value_as(0, &tier).unwrap() else { panic!("no text") };
    assert!(Arc::ptr_eq(&gold, &names[0]));
    let error = column.value_as(1, &tier).unwrap_err();
    assert_eq!(error.to_string(), "row 1: expected one of `gold`, `silver`, found another value");

    let value = |column: &Column<'_>, declared: &Type| column.value_as(0, declared).unwrap().unwrap();
    assert_eq!(value(&column, &Type::String), Value::text("gold"));
    assert_eq!(value(&column, &Type::Dyn), Value::text("gold"));
    assert_eq!(value(&texts(&[0, 3], "90d"), &Type::Duration), Value::Duration(Duration::parse("90d").unwrap()));
    assert_eq!(value(&Column::bools(Bits::new(&[2], 1, 1).unwrap()), &Type::Bool), Value::Bool(true));
    assert_eq!(value(&Column::ints(&[u64::MAX]), &Type::Dyn), Value::Uint(u64::MAX));
    assert_eq!(value(&Column::ints(&[-5_i8]), &Type::Dyn), Value::Int(-5));
    assert_eq!(value(&Column::doubles(&[0.5][..]), &Type::Double), Value::Double(0.5));
    let time = Moment::from(Timestamp::from_micros(86_400_000_000).unwrap());
    assert_eq!(value(&Column::dates(&[1][..]), &Type::Timestamp), Value::Timestamp(time));
    for declared in [Type::Bytes, Type::List(Box::new(Type::Int)), Type::Stream] {
        assert_eq!(code(column.value_as(0, &declared)), "unsupported_type");
    }
    assert_eq!(code(Column::unsupported("struct", 1).value_as(0, &Type::Int)), "unsupported_type");
    assert_eq!(code(column.value_as(0, &Type::Null)), "wrong_type");
    assert_eq!(code(column.value_as(0, &Type::Bool)), "wrong_value");
    assert_eq!(code(Column::ints(&[1]).value_as(0, &Type::Bool)), "wrong_type");
    assert_eq!(code(column.value_as(2, &Type::Dyn)), "no_such_row");
}

#[test]
fn numbers_are_read_out_of_text() {
    let read = |text: &str, declared: Type| {
        let offsets = [0, i32::try_from(text.len()).unwrap()];
        Column::texts(&offsets[..], text.as_bytes()).value_as(0, &declared)
    };
    assert_eq!(read("-12", Type::Int).unwrap(), Some(Value::Int(-12)));
    assert_eq!(read("18446744073709551615", Type::Uint).unwrap(), Some(Value::Uint(u64::MAX)));
    assert_eq!(read("0.25", Type::Double).unwrap(), Some(Value::Double(0.25)));
    assert_eq!(read("false", Type::Bool).unwrap(), Some(Value::Bool(false)));
    for (text, declared) in [
        ("1.5", Type::Int),
        ("9223372036854775808", Type::Int),
        ("-1", Type::Uint),
        ("NaN", Type::Double),
        ("inf", Type::Double),
    ] {
        assert_eq!(code(read(text, declared)), "wrong_value", "{text}");
    }
    assert_eq!(code(read("yes", Type::Bool)), "wrong_value");
}

#[test]
fn names_are_text_or_whole_numbers() {
    let mut buffer = String::new();
    assert_eq!(Column::ints(&[u64::MAX]).name(0, &mut buffer).unwrap(), Some("18446744073709551615"));
    assert_eq!(texts(&[0, 3], "a17").name(0, &mut buffer).unwrap(), Some("a17"));
    let numbers = Column::dictionary(&[1_i32], Column::ints(&[5, 6])).unwrap();
    assert_eq!(numbers.name(0, &mut buffer).unwrap(), Some("6"));
    assert_eq!(code(Column::doubles(&[1.0][..]).name(0, &mut buffer)), "wrong_type");
    let none = Column::ints(&[1]).with_validity(Bits::new(&[0], 0, 1).unwrap()).unwrap();
    assert_eq!(none.name(0, &mut buffer).unwrap(), None);
}

#[test]
fn a_batch_finds_its_columns_or_names_the_nearest() {
    let columns =
        || vec![(Arc::from("customer"), Column::ints(&[1, 2])), (Arc::from("amount"), Column::doubles(&[0.5, 1.5][..]))];
    let batch = Batch::new(columns(), 2).unwrap();
    assert_eq!(batch.require("amount").unwrap().double(1).unwrap(), Some(1.5));
    assert!(batch.column("sku").is_none());
    let error = batch.require("ammount").unwrap_err();
    assert_eq!(error.code(), "no_such_column");
    assert_eq!(
        error.to_string(),
        "column `ammount`: expected a column of this name, found `amount`, `customer`; did you mean `amount`?"
    );
    assert_eq!(code(Batch::new(columns(), 3)), "unequal_lengths");
    let twice = [columns(), columns()].concat();
    assert_eq!(code(Batch::new(twice, 2)), "duplicate_column");
    assert!(Batch::new(Vec::new(), 5).is_ok());
    let entries = Column::dictionary(&[0_u8], Column::ints(&[1])).unwrap();
    assert_eq!(code(Column::dictionary(&[0_u8], entries)), "unsupported_type");
}
