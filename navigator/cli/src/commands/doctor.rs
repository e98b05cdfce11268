//! `nav doctor`: which runners work on this host, what the host is, and what mends what is missing.

use clap::Args;
use nav_navigator::host::Host;
use nav_package_format::Format;
use nav_runners::{Probe, Runner};
use serde::Serialize;

use crate::commands::probe::probe;
use crate::printer::Printer;
use crate::render;
use crate::settings::Settings;

/// The arguments of `nav doctor`.
#[derive(Args, Debug)]
pub(crate) struct DoctorArgs {
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

/// The version of the JSON that is printed. It grows when a reader could break.
const SCHEMA: u32 = 1;

/// What is found.
#[derive(Debug, Serialize)]
pub(crate) struct Report {
    schema: u32,
    version: &'static str,
    /// The host.
    pub(crate) host: Host,
    /// The runners, in order of preference.
    pub(crate) runners: Vec<RunnerReport>,
}

/// What is found of one runner.
#[derive(Debug, Serialize)]
pub(crate) struct RunnerReport {
    /// Its name.
    pub(crate) name: &'static str,
    formats: &'static [Format],
    /// Whether it works.
    #[serde(flatten)]
    pub(crate) probe: Probe,
}

/// Looks and tells.
pub(crate) fn run(args: &DoctorArgs, settings: &Settings) -> anyhow::Result<()> {
    let runners = nav_worker::all_runners().map(|runner| report(runner, settings));
    let report = Report {
        schema: SCHEMA,
        version: env!("CARGO_PKG_VERSION"),
        host: Host::read(),
        runners: runners.collect::<anyhow::Result<_>>()?,
    };
    if args.json {
        Printer::json(&report)?;
    } else {
        Printer::data(&render::doctor(&report))?;
    }
    Ok(())
}

fn report(runner: &'static dyn Runner, settings: &Settings) -> anyhow::Result<RunnerReport> {
    Ok(RunnerReport {
        name: runner.name(),
        formats: runner.formats(),
        probe: probe(runner, settings)?,
    })
}
