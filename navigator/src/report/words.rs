//! Numbers and settings in words, as the report says them.

use nav_package_format::package::{Measurement, Variant};
use nav_package_format::{Device, ExecutionMode, GraphLevel};

/// What stands where there is nothing to say.
pub(super) const NOTHING: &str = "–";

/// Samples in a second, in digits that say something.
pub(super) fn per_second(value: f64) -> String {
    match value {
        value if value >= 1e15 => format!("{value:.2e}"),
        value if value >= 100.0 => grouped(&format!("{value:.0}")),
        value if value >= 10.0 => format!("{value:.1}"),
        value if value >= 0.01 || value == 0.0 => format!("{value:.2}"),
        value => format!("{value:.1e}"),
    }
}

/// A number on an axis, without digits that say nothing.
pub(super) fn on_an_axis(value: f64) -> String {
    let trimmed = |text: String| {
        if !text.contains('.') {
            return text;
        }
        text.trim_end_matches('0').trim_end_matches('.').to_owned()
    };
    match value {
        0.0 => "0".to_owned(),
        value if !(1e-4..1e15).contains(&value) => format!("{value:e}"),
        value if value >= 1e12 => format!("{}T", trimmed(format!("{:.2}", value / 1e12))),
        value if value >= 1e9 => format!("{}G", trimmed(format!("{:.2}", value / 1e9))),
        value if value >= 1e6 => format!("{}M", trimmed(format!("{:.2}", value / 1e6))),
        value => {
            let text = trimmed(format!("{value:.4}"));
            if text.contains('.') {
                text
            } else {
                grouped(&text)
            }
        }
    }
}

/// Digits in groups of three.
fn grouped(digits: &str) -> String {
    let mut text = String::new();
    for (position, digit) in digits.chars().enumerate() {
        if position > 0 && (digits.len() - position).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A number of bytes in the largest unit that leaves at least one.
#[expect(
    clippy::cast_precision_loss,
    reason = "sizes are told to people in three digits"
)]
pub(super) fn bytes(count: u64) -> String {
    let mut value = count as f64;
    let mut unit = "B";
    for larger in ["KiB", "MiB", "GiB", "TiB"] {
        if value < 1024.0 {
            break;
        }
        value /= 1024.0;
        unit = larger;
    }
    let digits = usize::from(unit != "B" && value < 10.0);
    format!("{value:.digits$} {unit}")
}

/// The uncertainty of a measurement, as `±0.4%`.
pub(super) fn spread(measurement: &Measurement) -> Option<String> {
    let part = measurement.uncertainty?;
    part.is_finite().then(|| format!("±{:.1}%", part * 100.0))
}

/// A batch, or that there is none.
pub(super) fn batch(batch: Option<usize>) -> String {
    batch.map_or_else(|| NOTHING.to_owned(), |batch| batch.to_string())
}

/// A difference, in scientific notation.
pub(super) fn difference(value: Option<f64>) -> String {
    match value {
        None => "cannot be told".to_owned(),
        Some(0.0) => "0".to_owned(),
        Some(value) => format!("{value:.1e}"),
    }
}

/// A text cut to so many characters, with a sign that it was.
pub(super) fn shortened(text: &str, most: usize) -> String {
    if text.chars().count() <= most {
        return text.to_owned();
    }
    let kept: String = text.chars().take(most.saturating_sub(1)).collect();
    format!("{kept}…")
}

/// One thing, or so many of them.
pub(super) fn counted(count: usize, thing: &str) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{count} {thing}{plural}")
}

/// What a runner is told, in words.
pub(super) fn settings(variant: &Variant) -> String {
    let told = &variant.settings;
    let mut parts = Vec::new();
    if variant.device != Device::Cpu {
        parts.push(format!("on {}", variant.device));
    }
    parts.extend(told.intra_threads.map(|count| counted(count, "thread")));
    parts.extend(
        told.inter_threads
            .map(|count| format!("{} between operators", counted(count, "thread"))),
    );
    let worded = [
        told.execution_mode.map(|mode| match mode {
            ExecutionMode::Sequential => "operators one after the other",
            ExecutionMode::Parallel => "operators side by side",
        }),
        told.graph_level.map(|level| match level {
            GraphLevel::None => "graph left as it is",
            GraphLevel::Basic => "graph simplified",
            GraphLevel::Extended => "graph fused",
            GraphLevel::All => "graph fused and laid out anew",
        }),
        told.arena.map(|on| {
            if on {
                "freed memory kept"
            } else {
                "freed memory given back"
            }
        }),
        told.memory_pattern.map(|on| {
            if on {
                "memory planned ahead"
            } else {
                "memory not planned ahead"
            }
        }),
        told.spinning.map(|on| {
            if on {
                "waiting threads spin"
            } else {
                "waiting threads sleep"
            }
        }),
    ];
    parts.extend(worded.into_iter().flatten().map(str::to_owned));
    let entries = told.config_entries.iter();
    parts.extend(entries.map(|(key, value)| format!("{key} = {value}")));
    if variant.instances > 1 {
        parts.push(format!("{} sessions side by side", variant.instances));
    }
    if parts.is_empty() {
        parts.push("the runner's defaults".to_owned());
    }
    if let Some(built) = &variant.built_for {
        parts.push(format!(
            "built for {} ({}) by {}, CUDA {}, driver {}",
            built.device, built.compute_capability, built.runtime, built.cuda, built.driver
        ));
    }
    parts.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn throughput_has_three_digits_or_all_before_the_point() {
        let check = |value: f64, expected: &str| assert_eq!(per_second(value), expected);
        check(1_234_567.4, "1,234,567");
        check(999.6, "1,000");
        check(42.24, "42.2");
        check(0.5, "0.50");
        check(0.0, "0.00");
        check(1e-9, "1.0e-9");
        check(1e300, "1.00e300");
    }

    #[test]
    fn numbers_on_an_axis_have_no_digits_to_spare() {
        let check = |value: f64, expected: &str| assert_eq!(on_an_axis(value), expected);
        check(0.0, "0");
        check(0.05, "0.05");
        check(2.5, "2.5");
        check(20_000.0, "20,000");
        check(2_500_000.0, "2.5M");
        check(1e-7, "1e-7");
    }

    #[test]
    fn bytes_are_in_the_unit_that_fits() {
        let check = |count: u64, expected: &str| assert_eq!(bytes(count), expected);
        check(12, "12 B");
        check(1536, "1.5 KiB");
        check(30 << 20, "30 MiB");
        check(3 << 50, "3072 TiB");
    }

    #[test]
    fn names_are_cut_between_characters() {
        assert_eq!(shortened("größer", 6), "größer");
        assert_eq!(shortened("größere", 6), "größe…");
    }
}
