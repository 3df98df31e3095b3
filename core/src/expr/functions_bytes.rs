//! The encoders extension: base 64 as RFC 4648 has it.

use super::ErrorCode;
use super::signature::{Call, Function, Sort, function, takes};
use super::value_ops::Fault;
use crate::value::Value;
use std::sync::Arc;

/// Functions in the namespace `base64`.
pub(super) const TABLE: &[Function] = &[
    function("base64.encode", Call::Global, &[takes(&[Sort::Bytes], Sort::String)], |args, _| match args {
        [Value::Bytes(bytes)] => Ok(Value::text(&encode(bytes))),
        _ => Err(Fault::no_overload("base64.encode", args)),
    }),
    function("base64.decode", Call::Global, &[takes(&[Sort::String], Sort::Bytes)], |args, _| match args {
        [Value::String(text)] => decode(text)
            .map(|bytes| Value::Bytes(Arc::from(bytes)))
            .ok_or_else(|| Fault::new(ErrorCode::BadConversion, "the text is no base 64")),
        _ => Err(Fault::no_overload("base64.decode", args)),
    }),
];

const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

fn encode(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for chunk in bytes.chunks(3) {
        let bits = chunk.iter().fold(0_u32, |bits, byte| bits << 8 | u32::from(*byte)) << (8 * (3 - chunk.len()));
        for place in 0..4 {
            let digit = DIGITS[(bits >> (18 - 6 * place) & 63) as usize];
            out.push(if place <= chunk.len() { char::from(digit) } else { '=' });
        }
    }
    out
}

/// Padding may be left out, but what is there must be right.
fn decode(text: &str) -> Option<Vec<u8>> {
    let digits = text.trim_end_matches('=');
    let padding = text.len() - digits.len();
    if (padding > 0 && !text.len().is_multiple_of(4)) || padding > 2 || digits.len() % 4 == 1 {
        return None;
    }
    let mut out = Vec::with_capacity(digits.len() / 4 * 3 + 2);
    for chunk in digits.as_bytes().chunks(4) {
        let mut bits = 0_u32;
        for place in 0..4 {
            let digit = match chunk.get(place) {
                Some(byte) => DIGITS.iter().position(|digit| digit == byte)?,
                None => 0,
            };
            bits = bits << 6 | u32::try_from(digit).ok()?;
        }
        out.extend(bits.to_be_bytes().iter().skip(1).take(chunk.len() - 1));
    }
    Some(out)
}
