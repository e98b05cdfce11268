//! Scales: from a value to a place on paper, and the ticks between.

/// The most ticks of a logarithmic axis.
const MOST_TICKS: f64 = 9.0;

/// From values to places.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Scale {
    kind: Kind,
    low: f64,
    high: f64,
    from: f64,
    to: f64,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Kind {
    /// Equal steps, this far apart.
    Linear(f64),
    /// Equal ratios, told at 1, 2 and 5 of every ten.
    Decades,
    /// Equal ratios, told at every doubling.
    Doublings,
}

impl Scale {
    /// From zero to at least this value.
    pub(super) fn from_zero(highest: f64, (from, to): (f64, f64)) -> Self {
        let highest = if highest > 0.0 { highest } else { 1.0 };
        let step = step(highest / 5.0);
        Self {
            kind: Kind::Linear(step),
            low: 0.0,
            high: (highest / step).ceil() * step,
            from,
            to,
        }
    }

    /// Between 1, 2 or 5 of some power of ten below and above.
    pub(super) fn decades(lowest: f64, highest: f64, (from, to): (f64, f64)) -> Self {
        let low = below(lowest);
        let high = above(highest);
        Self {
            kind: Kind::Decades,
            low,
            high: if high > low { high } else { low * 2.0 },
            from,
            to,
        }
    }

    /// Between a power of two below and one above.
    pub(super) fn doublings(lowest: f64, highest: f64, (from, to): (f64, f64)) -> Self {
        let low = lowest.log2().floor().exp2();
        let high = highest.log2().ceil().exp2();
        Self {
            kind: Kind::Doublings,
            low,
            high: if high > low { high } else { low * 2.0 },
            from,
            to,
        }
    }

    /// Where a value is; what lies outside is at the edge.
    pub(super) fn at(&self, value: f64) -> f64 {
        let part = match self.kind {
            Kind::Linear(_) => (value - self.low) / (self.high - self.low),
            Kind::Decades | Kind::Doublings => {
                (value.ln() - self.low.ln()) / (self.high.ln() - self.low.ln())
            }
        };
        let part = if part.is_nan() { 0.0 } else { part };
        self.from + part.clamp(0.0, 1.0) * (self.to - self.from)
    }

    /// Whether a value is on the scale and not beyond its ends.
    pub(super) fn shows(&self, value: f64) -> bool {
        (self.low..=self.high).contains(&value)
    }

    /// The values to tell, ascending.
    pub(super) fn ticks(&self) -> Vec<f64> {
        match self.kind {
            Kind::Linear(step) => (0..=10_u32)
                .map(|count| f64::from(count) * step)
                .take_while(|value| *value <= self.high * (1.0 + 1e-9))
                .collect(),
            Kind::Decades => self.ticks_of_decades(),
            Kind::Doublings => {
                let doublings = (self.high.log2() - self.low.log2()).round();
                let apart = (doublings / MOST_TICKS).ceil().max(1.0);
                self.ratios(apart.exp2())
            }
        }
    }

    fn ticks_of_decades(&self) -> Vec<f64> {
        let decades = self.high.log10() - self.low.log10();
        let floor = self.low.log10().floor();
        if decades <= 3.0 {
            return powers(floor, decades + 2.0)
                .flat_map(|power| [power, 2.0 * power, 5.0 * power])
                .filter(|value| self.is_inside(*value))
                .collect();
        }
        let apart = (decades / MOST_TICKS).ceil();
        let tens = powers(floor, (decades + 2.0) / apart).enumerate();
        // Counted from the first, so that rounding does not add up.
        tens.map(|(count, first)| first * 10_f64.powf((apart - 1.0) * places(count)))
            .filter(|value| self.is_inside(*value))
            .collect()
    }

    fn ratios(&self, ratio: f64) -> Vec<f64> {
        let following = |value: &f64| Some(value * ratio);
        std::iter::successors(Some(self.low), following)
            .take_while(|value| *value <= self.high * (1.0 + 1e-9))
            .collect()
    }

    fn is_inside(&self, value: f64) -> bool {
        value >= self.low * (1.0 - 1e-9) && value <= self.high * (1.0 + 1e-9)
    }
}

/// So many powers of ten from an exponent on.
fn powers(floor: f64, count: f64) -> impl Iterator<Item = f64> {
    (0..1000_usize)
        .map(places)
        .take_while(move |place| *place < count)
        .map(move |place| 10_f64.powf(floor + place))
}

#[expect(clippy::cast_precision_loss, reason = "ticks are counted in tens")]
fn places(count: usize) -> f64 {
    count as f64
}

/// 1, 2, 5 or 10 of the power of ten that leaves at most so much between ticks.
fn step(rough: f64) -> f64 {
    above(rough)
}

/// The next of 1, 2, 5 times a power of ten that is not below.
fn above(value: f64) -> f64 {
    let power = 10_f64.powf(value.log10().floor());
    let steps = [1.0, 2.0, 5.0, 10.0].map(|digit| digit * power);
    let enough = |step: &f64| *step >= value * (1.0 - 1e-9);
    steps.into_iter().find(enough).unwrap_or(value)
}

/// The last of 1, 2, 5 times a power of ten that is not above.
fn below(value: f64) -> f64 {
    let power = 10_f64.powf(value.log10().floor());
    let steps = [5.0, 2.0, 1.0].map(|digit| digit * power);
    let little = |step: &f64| *step <= value * (1.0 + 1e-9);
    steps.into_iter().find(little).unwrap_or(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn close(found: f64, expected: f64) {
        assert!((found - expected).abs() < 1e-9, "{found} is not {expected}");
    }

    #[test]
    fn a_linear_scale_starts_at_zero_and_ends_at_a_round_number() {
        let check = |highest: f64, ticks: &[f64]| {
            let scale = Scale::from_zero(highest, (100.0, 0.0));
            let found = scale.ticks();
            assert_eq!(found.len(), ticks.len(), "{found:?}");
            for (found, expected) in found.iter().zip(ticks) {
                close(*found, *expected);
            }
            close(scale.at(0.0), 100.0);
            close(scale.at(ticks[ticks.len() - 1]), 0.0);
        };
        check(9.0, &[0.0, 2.0, 4.0, 6.0, 8.0, 10.0]);
        check(24_000.0, &[0.0, 5e3, 10e3, 15e3, 20e3, 25e3]);
        check(0.05, &[0.0, 0.01, 0.02, 0.03, 0.04, 0.05]);
        check(0.0, &[0.0, 0.2, 0.4, 0.6, 0.8, 1.0]);
    }

    #[test]
    fn decades_are_told_at_one_two_and_five_and_far_ones_alone() {
        let check = |(low, high): (f64, f64), ticks: &[f64]| {
            let found = Scale::decades(low, high, (0.0, 1.0)).ticks();
            assert_eq!(found.len(), ticks.len(), "{found:?}");
            for (found, expected) in found.iter().zip(ticks) {
                assert!((found / expected - 1.0).abs() < 1e-9, "{found}");
            }
        };
        check((0.9, 1.1), &[0.5, 1.0, 2.0]);
        check((1.0, 1.0), &[1.0, 2.0]);
        check((0.03, 0.7), &[0.02, 0.05, 0.1, 0.2, 0.5, 1.0]);
        check((1.0, 1e4), &[1.0, 10.0, 100.0, 1e3, 1e4]);
        check(
            (1.0, 1e16),
            &[1.0, 1e2, 1e4, 1e6, 1e8, 1e10, 1e12, 1e14, 1e16],
        );
    }

    #[test]
    fn doublings_are_equally_far_apart() {
        let scale = Scale::doublings(1.0, 100.0, (0.0, 70.0));
        assert_eq!(scale.ticks(), [1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0]);
        close(scale.at(8.0), 30.0);
        let few = Scale::doublings(1.0, 65_536.0, (0.0, 1.0)).ticks();
        assert_eq!(few[..3], [1.0, 4.0, 16.0]);
        assert_eq!(Scale::doublings(3.0, 3.0, (0.0, 1.0)).ticks(), [2.0, 4.0]);
    }

    #[test]
    fn no_value_falls_off_the_paper() {
        let scales = [
            Scale::from_zero(f64::MIN_POSITIVE, (0.0, 10.0)),
            Scale::decades(1e-300, 1e300, (0.0, 10.0)),
            Scale::doublings(1.0, 1.8e19, (0.0, 10.0)),
        ];
        for scale in scales {
            assert!((1..=11).contains(&scale.ticks().len()), "{scale:?}");
            for value in [f64::NAN, f64::INFINITY, -1.0, 0.0, 1e308] {
                assert!((0.0..=10.0).contains(&scale.at(value)), "{value}");
            }
        }
    }
}
