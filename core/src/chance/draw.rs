use crate::encoding::hash64;

/// The increment of SplitMix64: 2^64 divided by the golden ratio, made odd.
const GOLDEN: u64 = 0x9e37_79b9_7f4a_7c15;

/// Numbers that follow from a seed, a customer and an instant; each is asked for by a text, in any order.
///
/// The key is XXH64 over the seed (8 bytes, little endian), the instant in microseconds since 1970 (the same) and the customer's id. The
/// number of a text is output number XXH64(text) of the generator SplitMix64 (Steele, Lea, Flood, 2014) that starts at the key; which
/// for this generator can be computed at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Draws {
    key: u64,
}

impl Draws {
    pub(crate) fn of(seed: u64, micros: i64, customer: &str) -> Self {
        let mut bytes = Vec::with_capacity(16 + customer.len());
        bytes.extend_from_slice(&seed.to_le_bytes());
        bytes.extend_from_slice(&micros.to_le_bytes());
        bytes.extend_from_slice(customer.as_bytes());
        Draws { key: hash64(&bytes) }
    }

    /// A number above 0 and below 1: the upper 53 bits, plus a half, divided by 2^53.
    pub(crate) fn number(self, text: &str) -> f64 {
        const PARTS: f64 = 9_007_199_254_740_992.0;
        ((split_mix(self.key, hash64(text.as_bytes())) >> 11) as f64 + 0.5) / PARTS
    }

    /// One of the numbers below `count`, which is above 0.
    pub(crate) fn below(self, text: &str, count: usize) -> usize {
        let product = u128::from(split_mix(self.key, hash64(text.as_bytes()))) * count as u128;
        usize::try_from(product >> 64).unwrap_or(0)
    }
}

/// Output `number` (counted from 0) of SplitMix64 started at `key`.
fn split_mix(key: u64, number: u64) -> u64 {
    let mut z = key.wrapping_add(GOLDEN.wrapping_mul(number.wrapping_add(1)));
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The first outputs for seed 1234567, as they are published with the generator.
    #[test]
    fn the_generator_is_the_published_one() {
        let first: Vec<u64> = (0..5).map(|number| split_mix(1_234_567, number)).collect();
        let published = [
            6_457_827_717_110_365_317,
            3_203_168_211_198_807_973,
            9_817_491_932_198_370_423,
            4_593_380_528_125_082_431,
            16_408_922_859_458_223_821,
        ];
        assert_eq!(first, published);
    }

    #[test]
    fn numbers_are_spread_evenly_and_differ_by_seed_customer_and_instant() {
        let mut counts = [0_u32; 10];
        for customer in 0..20_000 {
            let number = Draws::of(7, 0, &format!("customer:{customer}")).number("home\u{0}0");
            assert!(number > 0.0 && number < 1.0);
            if let Some(count) = counts.get_mut((number * 10.0) as usize) {
                *count += 1;
            }
        }
        // Ten cells of 2,000: six standard deviations are 255.
        assert!(counts.iter().all(|count| count.abs_diff(2_000) < 255), "{counts:?}");
        let one = Draws::of(7, 0, "customer:1");
        let others = [Draws::of(8, 0, "customer:1"), Draws::of(7, 1, "customer:1"), Draws::of(7, 0, "customer:2")];
        assert!(others.iter().all(|other| other.number("a").total_cmp(&one.number("a")).is_ne()));
    }
}
