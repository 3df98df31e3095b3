use std::fmt;
use thiserror::Error;

/// An ISO 4217 currency code: three capital letters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Currency([u8; 3]);

impl Currency {
    /// From three ASCII letters; `None` for anything else.
    #[must_use]
    pub fn parse(code: &str) -> Option<Self> {
        let bytes: [u8; 3] = code.as_bytes().try_into().ok()?;
        bytes.iter().all(u8::is_ascii_uppercase).then_some(Currency(bytes))
    }

    /// The three letters.
    pub(crate) fn letters(self) -> [u8; 3] {
        self.0
    }

    /// Digits after the point that the currency is counted in (ISO 4217): 2 for most, 0 for JPY, 3 for KWD.
    #[must_use]
    pub fn minor_digits(self) -> u8 {
        match &self.0 {
            b"BIF" | b"CLP" | b"DJF" | b"GNF" | b"ISK" | b"JPY" | b"KMF" | b"KRW" | b"PYG" | b"RWF" | b"UGX" | b"UYI"
            | b"VND" | b"VUV" | b"XAF" | b"XOF" | b"XPF" => 0,
            b"BHD" | b"IQD" | b"JOD" | b"KWD" | b"LYD" | b"OMR" | b"TND" => 3,
            b"CLF" | b"UYW" => 4,
            _ => 2,
        }
    }
}

impl fmt::Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|letter| write!(f, "{}", char::from(*letter)))
    }
}

/// An exact decimal number: `units / 10^scale`, checked 128-bit; money when it has a currency.
///
/// `==` compares representations; [`compare`](Self::compare) compares amounts, so that 1.50 equals 1.5.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Decimal {
    units: i128,
    scale: u8,
    currency: Option<Currency>,
}

/// Arithmetic on decimals that has no exact answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum DecimalError {
    /// Beyond 128 bits.
    #[error("decimal overflow")]
    Overflow,
    /// Two currencies.
    #[error("amounts of two currencies do not mix")]
    Currencies,
    /// More digits after the point than the type has.
    #[error("more digits after the point than the type has")]
    TooManyDigits,
    /// Not a decimal number at all.
    #[error("not a decimal number")]
    NotADecimal,
}

impl Decimal {
    /// The largest number of digits after the point, that of averages included.
    pub const MAX_SCALE: u8 = 22;

    /// `units / 10^scale`, in a currency or none.
    #[must_use]
    pub fn new(units: i128, scale: u8, currency: Option<Currency>) -> Self {
        Decimal { units, scale: scale.min(Self::MAX_SCALE), currency }
    }

    /// The number in units of `10^-scale`.
    #[must_use]
    pub fn units(self) -> i128 {
        self.units
    }

    /// Digits after the point.
    #[must_use]
    pub fn scale(self) -> u8 {
        self.scale
    }

    /// The currency, when it is money.
    #[must_use]
    pub fn currency(self) -> Option<Currency> {
        self.currency
    }

    /// From text such as `12`, `-0.75` or `1e-3`, at exactly `scale` digits after the point.
    ///
    /// # Errors
    /// [`DecimalError::TooManyDigits`] when a digit other than 0 would be lost, [`DecimalError::NotADecimal`] when it is no
    /// number, [`DecimalError::Overflow`] beyond 128 bits.
    ///
    /// # Examples
    /// ```
    /// use tactful::Decimal;
    /// assert_eq!(Decimal::parse("12.5", 2, None)?.to_string(), "12.50");
    /// assert!(Decimal::parse("12.505", 2, None).is_err());
    /// # Ok::<(), tactful::DecimalError>(())
    /// ```
    pub fn parse(text: &str, scale: u8, currency: Option<Currency>) -> Result<Self, DecimalError> {
        let (mantissa, exponent) = match text.split_once(['e', 'E']) {
            Some((mantissa, exponent)) => (mantissa, exponent.parse::<i32>().map_err(|_| DecimalError::NotADecimal)?),
            None => (text, 0),
        };
        let (negative, digits) = match mantissa.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, mantissa.strip_prefix('+').unwrap_or(mantissa)),
        };
        let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
        if (whole.is_empty() && fraction.is_empty()) || !whole.bytes().chain(fraction.bytes()).all(|b| b.is_ascii_digit()) {
            return Err(DecimalError::NotADecimal);
        }
        let mut units: i128 = 0;
        for digit in whole.bytes().chain(fraction.bytes()) {
            units = units
                .checked_mul(10)
                .and_then(|units| units.checked_add(i128::from(digit - b'0')))
                .ok_or(DecimalError::Overflow)?;
        }
        let places = i64::try_from(fraction.len()).map_err(|_| DecimalError::NotADecimal)? - i64::from(exponent);
        let shift = i64::from(scale) - places;
        let units = if units == 0 { 0 } else { shift_exactly(units, shift)? };
        Ok(Decimal::new(if negative { -units } else { units }, scale, currency))
    }

    /// From a double, by its shortest decimal text, at exactly `scale` digits after the point.
    ///
    /// # Errors
    /// As for [`parse`](Self::parse); NaN and infinities are [`DecimalError::NotADecimal`].
    pub fn from_double(number: f64, scale: u8, currency: Option<Currency>) -> Result<Self, DecimalError> {
        if !number.is_finite() {
            return Err(DecimalError::NotADecimal);
        }
        Self::parse(&number.to_string(), scale, currency)
    }

    /// The nearest double.
    #[must_use]
    pub fn to_double(self) -> f64 {
        self.amount_text().parse().unwrap_or(f64::NAN)
    }

    /// The number without its currency, such as `12.50`.
    #[must_use]
    pub fn amount_text(self) -> String {
        let digits = self.units.unsigned_abs().to_string();
        let sign = if self.units < 0 { "-" } else { "" };
        let scale = usize::from(self.scale);
        if scale == 0 {
            return format!("{sign}{digits}");
        }
        let digits = format!("{digits:0>width$}", width = scale + 1);
        let (whole, fraction) = digits.split_at(digits.len() - scale);
        format!("{sign}{whole}.{fraction}")
    }

    /// The sum, at the larger of the two scales.
    ///
    /// # Errors
    /// [`DecimalError::Currencies`] for two currencies, [`DecimalError::Overflow`] beyond 128 bits.
    pub fn checked_add(self, other: Self) -> Result<Self, DecimalError> {
        self.combine(other, i128::checked_add)
    }

    /// The difference, at the larger of the two scales.
    ///
    /// # Errors
    /// As for [`checked_add`](Self::checked_add).
    pub fn checked_sub(self, other: Self) -> Result<Self, DecimalError> {
        self.combine(other, i128::checked_sub)
    }

    /// The product with a whole number.
    ///
    /// # Errors
    /// [`DecimalError::Overflow`] beyond 128 bits.
    pub fn checked_mul_int(self, factor: i64) -> Result<Self, DecimalError> {
        let units = self.units.checked_mul(i128::from(factor)).ok_or(DecimalError::Overflow)?;
        Ok(Decimal { units, ..self })
    }

    /// The number with the opposite sign.
    ///
    /// # Errors
    /// [`DecimalError::Overflow`] for the smallest 128-bit number.
    pub fn checked_neg(self) -> Result<Self, DecimalError> {
        let units = self.units.checked_neg().ok_or(DecimalError::Overflow)?;
        Ok(Decimal { units, ..self })
    }

    /// The average of `count` numbers of which this is the sum, rounded half to even at four digits more.
    ///
    /// # Errors
    /// [`DecimalError::Overflow`] beyond 128 bits or for a count of 0.
    pub fn average(self, count: u64) -> Result<Self, DecimalError> {
        if count == 0 {
            return Err(DecimalError::Overflow);
        }
        let scale = self.scale.saturating_add(4).min(Self::MAX_SCALE);
        let units = shift_exactly(self.units, i64::from(scale - self.scale))?;
        let count = i128::from(count);
        let (quotient, rest) = (units.div_euclid(count), units.rem_euclid(count));
        let up = match (2 * rest).cmp(&count) {
            std::cmp::Ordering::Less => 0,
            std::cmp::Ordering::Greater => 1,
            std::cmp::Ordering::Equal => quotient.rem_euclid(2),
        };
        Ok(Decimal { units: quotient + up, scale, currency: self.currency })
    }

    /// Compares amounts exactly; `None` for two currencies.
    #[must_use]
    pub fn compare(self, other: Self) -> Option<std::cmp::Ordering> {
        if self.currency.is_some() && other.currency.is_some() && self.currency != other.currency {
            return None;
        }
        let scale = self.scale.max(other.scale);
        let left = shift_exactly(self.units, i64::from(scale - self.scale));
        let right = shift_exactly(other.units, i64::from(scale - other.scale));
        Some(match (left, right) {
            (Ok(left), Ok(right)) => left.cmp(&right),
            // Only one that overflows when scaled up is that far from zero.
            (Err(_), _) => self.units.cmp(&0),
            (_, Err(_)) => 0.cmp(&other.units),
        })
    }

    fn combine(self, other: Self, operation: fn(i128, i128) -> Option<i128>) -> Result<Self, DecimalError> {
        if self.currency != other.currency {
            return Err(DecimalError::Currencies);
        }
        let scale = self.scale.max(other.scale);
        let left = shift_exactly(self.units, i64::from(scale - self.scale))?;
        let right = shift_exactly(other.units, i64::from(scale - other.scale))?;
        let units = operation(left, right).ok_or(DecimalError::Overflow)?;
        Ok(Decimal { units, scale, currency: self.currency })
    }
}

/// `units * 10^shift`, exact or an error.
fn shift_exactly(units: i128, shift: i64) -> Result<i128, DecimalError> {
    let power = u32::try_from(shift.unsigned_abs()).ok().and_then(|power| 10_i128.checked_pow(power));
    if shift >= 0 {
        power.and_then(|power| units.checked_mul(power)).ok_or(DecimalError::Overflow)
    } else {
        let power = power.ok_or(DecimalError::TooManyDigits)?;
        if units % power == 0 { Ok(units / power) } else { Err(DecimalError::TooManyDigits) }
    }
}

impl fmt::Display for Decimal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.amount_text())?;
        match self.currency {
            Some(currency) => write!(f, " {currency}"),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decimal(text: &str, scale: u8) -> Decimal {
        Decimal::parse(text, scale, None).unwrap()
    }

    #[test]
    fn averages_round_half_to_even() {
        assert_eq!(decimal("1", 0).average(3).unwrap().to_string(), "0.3333");
        assert_eq!(decimal("0.0001", 4).average(20_000).unwrap().to_string(), "0.00000000");
        assert_eq!(decimal("0.0003", 4).average(20_000).unwrap().to_string(), "0.00000002");
        assert_eq!(decimal("-2", 0).average(3).unwrap().to_string(), "-0.6667");
    }

    #[test]
    fn amounts_compare_exactly_whatever_their_scale() {
        assert_eq!(decimal("1.50", 2).compare(decimal("1.5", 1)), Some(std::cmp::Ordering::Equal));
        let huge = Decimal::new(i128::MAX, 0, None);
        assert_eq!(huge.compare(decimal("1.5", 2)), Some(std::cmp::Ordering::Greater));
        assert_eq!(decimal("1.5", 2).compare(Decimal::new(i128::MIN, 0, None)), Some(std::cmp::Ordering::Greater));
    }

    #[test]
    fn two_currencies_never_mix() {
        let pounds = Decimal::parse("1", 2, Currency::parse("GBP")).unwrap();
        let euros = Decimal::parse("1", 2, Currency::parse("EUR")).unwrap();
        assert_eq!(pounds.checked_add(euros), Err(DecimalError::Currencies));
        assert_eq!(pounds.compare(euros), None);
    }

    #[test]
    fn text_is_read_exactly_or_refused() {
        assert_eq!(decimal("-0.75", 2).units(), -75);
        assert_eq!(decimal("1e-3", 3).units(), 1);
        assert_eq!(decimal("1.500", 1).units(), 15);
        for wrong in ["", ".", "-", "1.2.3", "abc", "1e", "\u{661}"] {
            assert!(Decimal::parse(wrong, 2, None).is_err(), "{wrong}");
        }
        assert_eq!(Decimal::parse("1e999999999", 2, None), Err(DecimalError::Overflow));
        assert_eq!(Decimal::parse("1e-999999999", 2, None), Err(DecimalError::TooManyDigits));
    }
}
