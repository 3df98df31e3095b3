//! Functions over points on the Earth and postal codes.

use super::ErrorCode;
use super::signature::{Call, Function, Sort, function, takes};
use super::value_ops::Fault;
use crate::value::{Point, Value, postal};

const POINTS: &[Sort] = &[Sort::Point, Sort::Point];

/// The table.
pub(super) const TABLE: &[Function] = &[
    function("point", Call::Global, &[takes(&[Sort::Double, Sort::Double], Sort::Point)], |args, _| match args {
        [Value::Double(latitude), Value::Double(longitude)] => {
            let wrong = || Fault::new(ErrorCode::BadArgument, "latitude is -90 to 90, longitude -180 to 180");
            Point::new(*latitude, *longitude).map(Value::Point).ok_or_else(wrong)
        }
        _ => Err(Fault::no_overload("point", args)),
    }),
    function("distance", Call::Either, &[takes(POINTS, Sort::Double)], |args, _| match args {
        [Value::Point(a), Value::Point(b)] => Ok(Value::Double(a.distance(*b))),
        _ => Err(Fault::no_overload("distance", args)),
    }),
    function(
        "within",
        Call::Method,
        &[
            takes(&[Sort::Point, Sort::Point, Sort::String], Sort::Bool),
            takes(&[Sort::Point, Sort::Point, Sort::Double], Sort::Bool),
        ],
        |args, _| match args {
            [Value::Point(a), Value::Point(b), Value::Double(metres)] => Ok(Value::Bool(a.distance(*b) <= *metres)),
            [Value::Point(a), Value::Point(b), Value::String(length)] => {
                Ok(Value::Bool(a.distance(*b) <= metres(length).ok_or_else(no_length)?))
            }
            _ => Err(Fault::no_overload("within", args)),
        },
    ),
    function("latitude", Call::Method, &[takes(&[Sort::Point], Sort::Double)], |args, _| match args {
        [Value::Point(point)] => Ok(Value::Double(point.latitude())),
        _ => Err(Fault::no_overload("latitude", args)),
    }),
    function("longitude", Call::Method, &[takes(&[Sort::Point], Sort::Double)], |args, _| match args {
        [Value::Point(point)] => Ok(Value::Double(point.longitude())),
        _ => Err(Fault::no_overload("longitude", args)),
    }),
    function("prefix", Call::Method, &[takes(&[Sort::PostalCode, Sort::String], Sort::Bool)], |args, _| match args {
        [Value::String(code), Value::String(prefix)] => Ok(Value::Bool(postal::begins_with(code, prefix))),
        _ => Err(Fault::no_overload("prefix", args)),
    }),
    function("country", Call::Method, &[takes(&[Sort::PostalCode], Sort::String)], |args, _| match args {
        [Value::String(code)] => Ok(Value::text(postal::parts(code).0)),
        _ => Err(Fault::no_overload("country", args)),
    }),
    function("code", Call::Method, &[takes(&[Sort::PostalCode], Sort::String)], |args, _| match args {
        [Value::String(code)] => Ok(Value::text(postal::parts(code).1)),
        _ => Err(Fault::no_overload("code", args)),
    }),
];

pub(super) fn no_length() -> Fault {
    Fault::new(ErrorCode::BadArgument, "the text is no distance; write a number with a unit, such as `2km`, `500m` or `1.5mi`")
}

/// A distance in metres: a number with `m`, `km` or `mi` (the international mile of 1609.344 m).
pub(super) fn metres(text: &str) -> Option<f64> {
    let text = text.trim();
    let (number, unit) = [("km", 1_000.0), ("mi", 1_609.344), ("m", 1.0)]
        .into_iter()
        .find_map(|(name, unit)| text.strip_suffix(name).map(|number| (number, unit)))?;
    let number = number.trim_end();
    let plain = !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    number.parse::<f64>().ok().filter(|number| plain && number.is_finite()).map(|number| number * unit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances_are_numbers_with_units() {
        assert_eq!(metres("2km"), Some(2_000.0));
        assert_eq!(metres("2 km"), Some(2_000.0));
        assert_eq!(metres("0.5mi"), Some(804.672));
        assert_eq!(metres("500m"), Some(500.0));
        for wrong in ["", "m", "2", "-2km", "2 miles", "1e3m", "infm"] {
            assert_eq!(metres(wrong), None, "{wrong}");
        }
    }
}
