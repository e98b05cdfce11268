//! `nav doctor` for people.

use nav_navigator::host::{Gpus, Host};
use nav_runners::Probe;

use super::table::{bytes, table, text};
use crate::commands::doctor::Report;

/// The host, then a table of runners, then what mends those that are missing.
pub(crate) fn doctor(report: &Report) -> String {
    let mut sections = vec![host(&report.host), runners(report)];
    sections.extend(mending(report));
    sections.join("\n\n")
}

fn host(host: &Host) -> String {
    let cpu = &host.cpu;
    let usable = if cpu.usable_threads == cpu.threads {
        String::new()
    } else {
        format!(", {} usable", cpu.usable_threads)
    };
    let mut lines = vec![
        format!("system  {}", host.system),
        format!(
            "cpu     {}, {} cores, {} threads{usable}",
            cpu.model, cpu.cores, cpu.threads
        ),
        format!("        {}", cpu.instruction_sets.join(" ")),
    ];
    let limit = host
        .memory
        .limit_bytes
        .map(|limit| format!(", limited to {}", bytes(limit)));
    lines.push(format!(
        "memory  {}, {} available{}",
        bytes(host.memory.total_bytes),
        bytes(host.memory.available_bytes),
        limit.unwrap_or_default()
    ));
    match &host.gpus {
        Gpus::Absent => lines.push("gpu     none".to_owned()),
        Gpus::Unusable { reason } => lines.push(format!("gpu     {reason}")),
        Gpus::Present {
            driver,
            cuda,
            devices,
        } => {
            lines.push(format!("gpu     driver {driver}, CUDA {cuda}"));
            lines.extend(devices.iter().map(|gpu| {
                let memory = bytes(gpu.memory_bytes);
                let (index, name, capability) = (gpu.index, &gpu.name, &gpu.compute_capability);
                format!("        cuda:{index} {name}, {memory}, capability {capability}")
            }));
        }
    }
    lines.join("\n")
}

fn runners(report: &Report) -> String {
    let mut table = table(["RUNNER", "STATUS", "VERSION", "DEVICES", "LIBRARY"]);
    for runner in &report.runners {
        match &runner.probe {
            Probe::Ready {
                version,
                library,
                devices,
            } => {
                let devices: Vec<String> = devices.iter().map(ToString::to_string).collect();
                let library = library.as_ref().map(|path| path.display().to_string());
                table.add_row([
                    runner.name.to_owned(),
                    "ready".to_owned(),
                    version.clone(),
                    devices.join(" "),
                    library.unwrap_or_else(|| "embedded".to_owned()),
                ]);
            }
            Probe::Missing { .. } => {
                table.add_row([runner.name, "missing"]);
            }
        }
    }
    text(&table)
}

fn mending(report: &Report) -> Option<String> {
    let lines: Vec<String> = report
        .runners
        .iter()
        .filter_map(|runner| match &runner.probe {
            Probe::Ready { .. } => None,
            Probe::Missing {
                reason,
                how_to_get_it,
            } => Some(format!(
                "{}: {reason}\n  to mend it: {how_to_get_it}",
                runner.name
            )),
        })
        .collect();
    (!lines.is_empty()).then(|| lines.join("\n"))
}
