use std::fmt;

/// A point on the Earth, WGS 84, held in steps of 1e-7 degrees (about a centimetre), so that it has the same bits everywhere.
///
/// # Examples
/// ```
/// use tactful::value::Point;
/// let berlin = Point::new(52.52, 13.405).unwrap();
/// let paris = Point::parse("48.8566, 2.3522").unwrap();
/// assert_eq!(berlin.distance(paris).round(), 877_465.0);
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Point {
    latitude: i32,
    longitude: i32,
}

/// Steps per degree.
const STEPS: f64 = 10_000_000.0;

/// The mean radius of the Earth in metres: (2a + b) / 3 of the WGS 84 ellipsoid (Moritz, Geodetic Reference System 1980).
const RADIUS: f64 = 6_371_008.8;

impl Point {
    /// From degrees of latitude (-90 to 90) and longitude (-180 to 180), rounded to 1e-7; `None` outside.
    #[must_use]
    pub fn new(latitude: f64, longitude: f64) -> Option<Self> {
        let step = |degrees: f64, most: f64| {
            // Rounded values lie within 1.8e9, which is in the range of 32 bits.
            (degrees.abs() <= most).then(|| libm::round(degrees * STEPS) as i32)
        };
        Some(Point { latitude: step(latitude, 90.0)?, longitude: step(longitude, 180.0)? })
    }

    /// From text: latitude and longitude in degrees with a comma between, such as `52.52,13.405`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (latitude, longitude) = text.split_once(',')?;
        let degrees = |text: &str| text.trim().parse::<f64>().ok();
        Self::new(degrees(latitude)?, degrees(longitude)?)
    }

    /// Degrees of latitude, north positive.
    #[must_use]
    pub fn latitude(self) -> f64 {
        f64::from(self.latitude) / STEPS
    }

    /// Degrees of longitude, east positive.
    #[must_use]
    pub fn longitude(self) -> f64 {
        f64::from(self.longitude) / STEPS
    }

    /// Metres along the surface of a sphere with the Earth's mean radius; at most half a percent off.
    ///
    /// The haversine formula (R. W. Sinnott, Virtues of the Haversine, Sky and Telescope 68, 1984), with the functions of the
    /// `libm` crate, so that every platform gives the same bits.
    #[must_use]
    pub fn distance(self, other: Point) -> f64 {
        let radians = |degrees: f64| degrees * (std::f64::consts::PI / 180.0);
        let half_sine = |a: f64, b: f64| {
            let sine = libm::sin(radians(b - a) / 2.0);
            sine * sine
        };
        let along = half_sine(self.latitude(), other.latitude());
        let across = half_sine(self.longitude(), other.longitude());
        let share = along + libm::cos(radians(self.latitude())) * libm::cos(radians(other.latitude())) * across;
        2.0 * RADIUS * libm::asin(libm::sqrt(share.min(1.0)))
    }

    /// Both numbers in 64 bits.
    #[must_use]
    pub(crate) fn bits(self) -> u64 {
        (u64::from(self.latitude.cast_unsigned()) << 32) | u64::from(self.longitude.cast_unsigned())
    }

    /// The point of 64 bits that [`bits`](Self::bits) gave.
    #[must_use]
    pub(crate) fn from_bits(bits: u64) -> Self {
        let half = |bits: u64| u32::try_from(bits & 0xffff_ffff).unwrap_or(0).cast_signed();
        Point { latitude: half(bits >> 32), longitude: half(bits) }
    }
}

impl fmt::Display for Point {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{},{}", self.latitude(), self.longitude())
    }
}

/// Where somebody is does not belong into logs.
impl fmt::Debug for Point {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Point(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn points_are_read_and_others_refused() {
        for (text, shown) in [("52.52, 13.405", "52.52,13.405"), ("-90,180", "-90,180"), ("1e1,-0.00000004", "10,0")] {
            assert_eq!(Point::parse(text).unwrap().to_string(), shown);
        }
        for wrong in ["", "52.52", "91,0", "0,180.1", "NaN,0", "1,2,3", "inf,0"] {
            assert_eq!(Point::parse(wrong), None, "{wrong}");
        }
        let point = Point::new(-33.8688, 151.2093).unwrap();
        assert_eq!(Point::from_bits(point.bits()), point);
    }

    #[test]
    fn distances_have_the_same_bits_everywhere() {
        let at = |text: &str| Point::parse(text).unwrap();
        assert_eq!(at("0,0").distance(at("0,0")), 0.0);
        // A quarter and a half of the way around.
        assert_eq!(at("0,0").distance(at("0,90")).to_bits(), 4_711_634_376_974_308_418);
        assert!((at("0,0").distance(at("0,180")) - RADIUS * std::f64::consts::PI).abs() < 1e-6);
        assert!((at("90,0").distance(at("-90,77")) - RADIUS * std::f64::consts::PI).abs() < 1e-6);
        assert_eq!(at("52.52,13.405").distance(at("48.8566,2.3522")), at("48.8566,2.3522").distance(at("52.52,13.405")));
        assert!((at("0,179.9999999").distance(at("0,-179.9999999")) - 0.022_239).abs() < 1e-5);
    }
}
