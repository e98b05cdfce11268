//! A small random number generator whose numbers never change.
//!
//! `SplitMix64`, written out here because samples must be the same on every platform and with every
//! release: crates such as `fastrand` and `rand` keep the right to change what a seed gives.

/// The generator.
#[derive(Clone, Debug)]
pub(super) struct SplitMix64 {
    state: u64,
}

impl SplitMix64 {
    /// The generator for a tensor of this name, so that the tensors of one seed are not alike.
    pub(super) fn new(seed: u64, name: &str) -> Self {
        // FNV-1a; the standard library's hashes may change.
        let hash = name.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        });
        let mut generator = Self { state: seed };
        generator.state = generator.next() ^ hash;
        generator
    }

    /// The next 64 random bits.
    pub(super) const fn next(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.state ^ (self.state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below `bound`, which is not 0. Small numbers come up more often by at most
    /// `bound / 2^64`, which no sample can show.
    pub(super) fn below(&mut self, bound: u64) -> u64 {
        let wide = u128::from(self.next()) * u128::from(bound);
        u64::try_from(wide >> u64::BITS).unwrap_or(0)
    }

    /// A number of mean 0 and variance 1 that is never beyond 3.47: the sum of four uniform ones, which
    /// needs no function that platforms compute differently.
    pub(super) fn bell(&mut self) -> f64 {
        // The sum has mean 2 and variance 1/3.
        const SCALE: f64 = 1.732_050_807_568_877_2;
        let mut sum = 0.0;
        for bits in [self.next(), self.next()] {
            for half in bits.to_le_bytes().as_chunks().0 {
                sum += f64::from(u32::from_le_bytes(*half));
            }
        }
        (sum / f64::from(u32::MAX) - 2.0) * SCALE
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_numbers_are_those_of_the_published_generator() {
        let mut generator = SplitMix64 { state: 1_234_567 };
        let found: Vec<u64> = (0..3).map(|_| generator.next()).collect();
        assert_eq!(
            found,
            [
                6_457_827_717_110_365_317,
                3_203_168_211_198_807_973,
                9_817_491_932_198_370_423
            ]
        );
    }

    #[test]
    fn the_bell_has_mean_zero_and_variance_one() {
        let mut generator = SplitMix64::new(1, "x");
        let numbers: Vec<f64> = (0..20_000).map(|_| generator.bell()).collect();
        let count = f64::from(20_000);
        let mean: f64 = numbers.iter().sum::<f64>() / count;
        let variance: f64 = numbers.iter().map(|number| number * number).sum::<f64>() / count;
        assert!(mean.abs() < 0.03, "{mean}");
        assert!((variance - 1.0).abs() < 0.03, "{variance}");
        assert!(numbers.iter().all(|number| number.abs() < 3.47));
    }
}
