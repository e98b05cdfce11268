//! Lines of Prometheus' text.

use std::fmt::{Display, Write};

/// Begins a family of metrics.
pub(super) fn head(out: &mut String, (name, kind): (&str, &str), help: &str) {
    // A string takes whatever is written; so everywhere here.
    writeln!(out, "# HELP {name} {help}\n# TYPE {name} {kind}").ok();
}

/// A value of one of several.
pub(super) fn line(out: &mut String, name: &str, labels: &str, value: impl Display) {
    writeln!(out, "{name}{{{labels}}} {value}").ok();
}

/// A gauge that there is one of.
pub(super) fn gauge(out: &mut String, name: &str, help: &str, value: impl Display) {
    single(out, (name, "gauge"), help, value);
}

/// A metric that there is one of.
pub(super) fn single(out: &mut String, kind: (&str, &str), help: &str, value: impl Display) {
    head(out, kind, help);
    writeln!(out, "{} {value}", kind.0).ok();
}
