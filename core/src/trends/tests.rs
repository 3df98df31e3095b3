use super::cell::{bucket, bucket_bounds};
use proptest::prelude::*;

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_number_lies_in_its_bucket(number in any::<f64>().prop_filter("finite", |number| number.is_finite())) {
        let (near, far) = bucket_bounds(bucket(number));
        prop_assert!(near.abs() <= number.abs() && number.abs() < far.abs() || !far.is_finite(), "{near} {number} {far}");
        if number.abs() >= f64::MIN_POSITIVE && far.is_finite() {
            prop_assert!((far - near).abs() <= near.abs() / 8.0);
        }
    }

    #[test]
    fn buckets_stand_in_the_order_of_numbers(a in -1e300_f64..1e300, b in -1e300_f64..1e300) {
        if a <= b {
            prop_assert!(bucket(a) <= bucket(b));
        }
    }
}

#[test]
fn buckets_are_those_of_the_page() {
    assert_eq!(bucket_bounds(bucket(0.0)), (0.0, f64::from_bits(1 << 49)));
    assert_eq!(bucket_bounds(bucket(1.0)), (1.0, 1.125));
    assert_eq!(bucket_bounds(bucket(-5.1)), (-5.0, -5.5));
    assert_eq!(bucket(19.0), bucket(18.0));
}
