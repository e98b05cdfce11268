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
    lines.extend(gpus(&host.gpus));
    lines.join("\n")
}

fn gpus(gpus: &Gpus) -> Vec<String> {
    let (driver, cuda, devices) = match gpus {
        Gpus::Absent => return vec!["gpu     none".to_owned()],
        Gpus::Unusable { reason } => return vec![format!("gpu     {reason}")],
        Gpus::Present {
            driver,
            cuda,
            devices,
        } => (driver, cuda, devices),
    };
    let mut lines = vec![format!("gpu     driver {driver}, CUDA {cuda}")];
    if devices.is_empty() {
        lines.push("        it shows this process no GPU".to_owned());
    }
    lines.extend(devices.iter().map(|gpu| {
        let memory = bytes(gpu.memory_bytes);
        let free = gpu
            .free_bytes
            .map(|free| format!(" ({} free)", bytes(free)));
        let free = free.unwrap_or_default();
        let (index, name, capability) = (gpu.index, &gpu.name, &gpu.compute_capability);
        format!("        cuda:{index} {name}, {memory}{free}, capability {capability}")
    }));
    lines
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

#[cfg(test)]
mod tests {
    use nav_navigator::host::Gpu;

    use super::*;

    #[test]
    fn gpus_are_listed_with_what_is_free_of_them_or_the_reason_is_said() {
        let check = |told: &Gpus, expected: &[&str]| assert_eq!(gpus(told), expected);
        check(&Gpus::Absent, &["gpu     none"]);
        let reason = "it hangs".to_owned();
        check(&Gpus::Unusable { reason }, &["gpu     it hangs"]);
        let present = |devices| Gpus::Present {
            driver: "580.159.04".to_owned(),
            cuda: "13.0".to_owned(),
            devices,
        };
        let driver = "gpu     driver 580.159.04, CUDA 13.0";
        let none = "        it shows this process no GPU";
        check(&present(Vec::new()), &[driver, none]);
        let gpu = |index, free_bytes| Gpu {
            index,
            name: "Some GPU".to_owned(),
            memory_bytes: 4 << 30,
            free_bytes,
            compute_capability: "9.0".to_owned(),
        };
        let devices = vec![gpu(0, Some(3 << 30)), gpu(1, None)];
        check(
            &present(devices),
            &[
                driver,
                "        cuda:0 Some GPU, 4.00 GiB (3.00 GiB free), capability 9.0",
                "        cuda:1 Some GPU, 4.00 GiB, capability 9.0",
            ],
        );
    }
}
