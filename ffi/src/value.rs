use crate::error::{Failure, tactful_error};
use crate::text::{tactful_text, time};
use tactful::{Decimal, Duration, Value};

/// Nothing: the property or fact is unknown.
pub const TACTFUL_VALUE_NONE: i32 = 0;
/// Text, in `text`.
pub const TACTFUL_VALUE_TEXT: i32 = 1;
/// A whole number, in `integer`.
pub const TACTFUL_VALUE_INT: i32 = 2;
/// A finite number, in `number`.
pub const TACTFUL_VALUE_DOUBLE: i32 = 3;
/// A truth value: `integer` is 0 or 1.
pub const TACTFUL_VALUE_BOOL: i32 = 4;
/// An exact decimal such as "12.50", in `text`; what decimals and money are told as.
pub const TACTFUL_VALUE_DECIMAL: i32 = 5;
/// An instant: `integer` is microseconds since 1970-01-01T00:00:00Z.
pub const TACTFUL_VALUE_TIME: i32 = 6;
/// A whole number without a sign: the bits of `integer`.
pub const TACTFUL_VALUE_UINT: i32 = 7;
/// Bytes, in `text`, which need not be UTF-8.
pub const TACTFUL_VALUE_BYTES: i32 = 8;
/// A length of time: `integer` is microseconds.
pub const TACTFUL_VALUE_DURATION: i32 = 9;
/// Anything as JSON, in `text`: what lists and maps are told as.
pub const TACTFUL_VALUE_JSON: i32 = 10;

/// A value of a property or fact. Make one with tactful_value_text, tactful_value_int and so on.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct tactful_value {
    /// TACTFUL_VALUE_TEXT and so on; says which of the others is read.
    pub kind: i32,
    /// A whole number, truth value or instant.
    pub integer: i64,
    /// A number.
    pub number: f64,
    /// Text or decimal.
    pub text: tactful_text,
}

#[cfg(target_pointer_width = "64")]
const _: () = assert!(size_of::<tactful_value>() == 40 && std::mem::offset_of!(tactful_value, text) == 24);

impl tactful_value {
    /// The value as the core has it; nothing for unknown.
    ///
    /// # Safety
    /// As for [`tactful_text::read`], when the value is text or decimal.
    pub(crate) unsafe fn read(&self, path: &str) -> Result<Option<Value>, Failure> {
        Ok(Some(match self.kind {
            TACTFUL_VALUE_NONE => return Ok(None),
            // SAFETY: as promised by the caller.
            TACTFUL_VALUE_TEXT => Value::text(unsafe { self.text.read(path) }?),
            TACTFUL_VALUE_INT => Value::Int(self.integer),
            TACTFUL_VALUE_DOUBLE if self.number.is_finite() => Value::Double(self.number),
            TACTFUL_VALUE_DOUBLE => {
                return Err(tactful_error::argument(
                    "not_finite",
                    path,
                    format!("expected a finite number, found {}", self.number),
                ));
            }
            TACTFUL_VALUE_BOOL => match self.integer {
                0 => Value::Bool(false),
                1 => Value::Bool(true),
                other => return Err(tactful_error::argument("wrong_value", path, format!("expected 0 or 1, found {other}"))),
            },
            // SAFETY: as promised by the caller.
            TACTFUL_VALUE_DECIMAL => Value::Decimal(decimal(unsafe { self.text.read(path) }?, path)?),
            TACTFUL_VALUE_TIME => Value::from(time(self.integer, path)?),
            TACTFUL_VALUE_UINT => Value::Uint(self.integer.cast_unsigned()),
            TACTFUL_VALUE_BYTES => {
                // SAFETY: as promised by the caller.
                let bytes = unsafe { crate::guard::array(self.text.data.cast::<u8>(), self.text.len, path) }?;
                Value::Bytes(bytes.into())
            }
            TACTFUL_VALUE_DURATION => match self.integer.checked_mul(1000) {
                Some(nanos) => Value::Duration(Duration::from_nanos(nanos)),
                None => return Err(tactful_error::argument("wrong_value", path, "expected at most 292 years")),
            },
            TACTFUL_VALUE_JSON => {
                // SAFETY: as promised by the caller.
                let text = unsafe { self.text.read(path) }?;
                Value::from_json(text).map_err(|message| tactful_error::argument("wrong_value", path, message))?
            }
            other => {
                let message = format!("expected a kind such as TACTFUL_VALUE_TEXT, found {other}");
                return Err(tactful_error::argument("unknown_constant", path, message));
            }
        }))
    }
}

/// A decimal with as many digits after the point as are written.
fn decimal(text: &str, path: &str) -> Result<Decimal, Failure> {
    let refused = |reason: &str| {
        tactful_error::argument("wrong_value", path, format!("expected a decimal such as 12.50, found {reason}"))
    };
    let digits = text.split_once('.').map_or(0, |(_, fraction)| fraction.len());
    match u8::try_from(digits) {
        Ok(digits) if digits <= Decimal::MAX_SCALE => {
            Decimal::parse(text, digits, None).map_err(|error| refused(&error.to_string()))
        }
        _ => Err(refused("more than 22 digits after the point")),
    }
}
