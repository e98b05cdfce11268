//! Which runner a model is run on, where and with which settings.

use nav_package_format::{Device, Format, RunnerSettings};
use nav_runners::{LoadError, Probe, Runner};
use nav_worker::{WorkerCommand, first_ready};
use serde_json::{Map, Value};

use crate::commands::probe::probe;
use crate::commands::{runtime, worker};
use crate::exit::UsageError;
use crate::printer::Printer;
use crate::settings::Settings;

/// The runner of this name; without one, the best that is ready, and the device it was found ready on. What
/// it needs is installed on the way.
pub(crate) fn choose(
    name: Option<&str>,
    format: Format,
    settings: &Settings,
    printer: Printer,
) -> anyhow::Result<(&'static dyn Runner, Option<Device>)> {
    match name {
        Some(name) => {
            let runner = find(name)?;
            if let Some(needed) = runner.vendor_runtime() {
                runtime::ensure(needed, settings, printer)?;
            }
            Ok((runner, None))
        }
        None => choose_best(format, settings, printer),
    }
}

fn find(name: &str) -> Result<&'static dyn Runner, UsageError> {
    nav_worker::all_runners()
        .find(|runner| runner.name() == name)
        .ok_or_else(|| {
            let names: Vec<&str> = nav_worker::all_runners().map(Runner::name).collect();
            UsageError(format!(
                "there is no runner `{name}`; there are {}",
                names.join(", ")
            ))
        })
}

fn choose_best(
    format: Format,
    settings: &Settings,
    printer: Printer,
) -> anyhow::Result<(&'static dyn Runner, Option<Device>)> {
    if format == Format::Onnx {
        runtime::ensure_onnxruntime(settings, printer)?;
    }
    let (runner, device) = first_ready(format, |runner| probe(runner, settings))??;
    Ok((runner, Some(device)))
}

/// What starts the process that a runner is to be in, if it is to be in one of its own.
pub(crate) fn worker_of(isolate: bool) -> anyhow::Result<Option<WorkerCommand>> {
    isolate.then(worker::command).transpose()
}

/// Where a runner works, first of all. Asked of the runner as it is hosted: one that is to be isolated opens
/// no library here.
pub(crate) fn first_device(runner: &dyn Runner, settings: &Settings) -> Result<Device, LoadError> {
    match runner.probe(&settings.libraries) {
        Probe::Ready { devices, .. } => Ok(devices.first().copied().unwrap_or_default()),
        Probe::Missing {
            reason,
            how_to_get_it,
        } => {
            let runner = runner.name().to_owned();
            Err(LoadError::Unavailable {
                runner,
                reason,
                how_to_get_it,
            })
        }
    }
}

/// Settings from `NAME=VALUE`; a value is JSON where it can be, text otherwise.
pub(crate) fn parse_settings(given: &[String]) -> Result<RunnerSettings, UsageError> {
    let mut fields = Map::new();
    for text in given {
        let wrong = || UsageError(format!("`{text}` is not NAME=VALUE"));
        let (name, value) = text.split_once('=').ok_or_else(wrong)?;
        let value = serde_json::from_str(value).unwrap_or_else(|_| Value::String(value.to_owned()));
        fields.insert(name.to_owned(), value);
    }
    serde_json::from_value(Value::Object(fields))
        .map_err(|error| UsageError(format!("wrong --setting: {error}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_are_typed_and_unknown_ones_named() {
        let given = ["intra_threads=2", "graph_level=extended"].map(str::to_owned);
        let settings = parse_settings(&given).unwrap();
        assert_eq!(settings.intra_threads, Some(2));
        let check = |text: &str, expected: &str| {
            let error = parse_settings(&[text.to_owned()]).unwrap_err().to_string();
            assert!(error.contains(expected), "{error}");
        };
        check("threads=2", "unknown field `threads`");
        check("intra_threads=many", "invalid type");
        check("intra_threads", "is not NAME=VALUE");
    }

    #[test]
    fn an_unknown_runner_is_answered_with_those_that_there_are() {
        let error = find("onnxcpu").unwrap_err().to_string();
        assert!(error.contains("OnnxCPU"), "{error}");
    }
}
