//! Settings: each is honoured, or refused by its name, and none is ignored in silence.

use std::collections::BTreeMap;

use nav_package_format::onnx::build::{dims, node};
use nav_package_format::onnx::proto::GraphProto;
use nav_package_format::{DType, ExecutionMode, GraphLevel, RunnerSettings};
use nav_runners::{LoadError, LoadOptions};

use crate::case::{Failure, Suite, case};
use crate::comparison::Tolerance;
use crate::subject::{Subject, check_outputs, infer};
use crate::values::numbers;

pub(crate) const SUITE: Suite = Suite {
    name: "settings",
    cases: &[
        case("one-thread", |subject| {
            honoured_or_refused(subject, "intra_threads", |settings| {
                settings.intra_threads = Some(1);
            })
        }),
        case("two-threads", |subject| {
            honoured_or_refused(subject, "intra_threads", |settings| {
                settings.intra_threads = Some(2);
            })
        }),
        case("inter-threads", |subject| {
            honoured_or_refused(subject, "inter_threads", |settings| {
                settings.inter_threads = Some(2);
            })
        }),
        case("sequential", |subject| {
            honoured_or_refused(subject, "execution_mode", |settings| {
                settings.execution_mode = Some(ExecutionMode::Sequential);
            })
        }),
        case("parallel", |subject| {
            honoured_or_refused(subject, "execution_mode", |settings| {
                settings.execution_mode = Some(ExecutionMode::Parallel);
            })
        }),
        case("graph-levels", graph_levels),
        case("arena-off", |subject| {
            honoured_or_refused(subject, "arena", |settings| {
                settings.arena = Some(false);
            })
        }),
        case("memory-pattern-off", |subject| {
            honoured_or_refused(subject, "memory_pattern", |settings| {
                settings.memory_pattern = Some(false);
            })
        }),
        case("spinning-off", |subject| {
            honoured_or_refused(subject, "spinning", |settings| {
                settings.spinning = Some(false);
            })
        }),
        case("config-entry-that-writes", config_entry_that_writes),
    ],
};

fn graph() -> GraphProto {
    GraphProto::named("settings")
        .takes("x", DType::Fp32, &dims("n"))
        .with(node("Neg", &["x"], &["z"]))
        .with(node("Abs", &["z"], &["y"]))
        .gives("y", DType::Fp32, &dims("n"))
}

/// How loading with these settings goes, if it goes anywhere near well.
fn try_settings(subject: &Subject, settings: RunnerSettings) -> Result<(), LoadError> {
    let model = subject
        .write(graph())
        .map_err(|Failure(reason)| LoadError::Unreadable {
            path: subject.path("model.onnx"),
            reason,
        })?;
    let options = LoadOptions {
        settings,
        ..subject.options()
    };
    let mut session = subject.runner.load(&model, &options)?.session()?;
    let wrong = |Failure(reason)| LoadError::Model {
        runner: subject.runner.name().to_owned(),
        path: model.path.clone(),
        reason,
    };
    let outputs = infer(session.as_mut(), &[numbers(&[2], &[-1.0, 2.0_f32])]);
    let outputs = outputs.map_err(|error| wrong(Failure::from(error)))?;
    check_outputs(
        &outputs,
        &[numbers(&[2], &[1.0, 2.0_f32])],
        Tolerance::Exact,
    )
    .map_err(wrong)
}

fn honoured_or_refused(
    subject: &Subject,
    name: &str,
    set: impl FnOnce(&mut RunnerSettings),
) -> Result<(), Failure> {
    let mut settings = RunnerSettings::default();
    set(&mut settings);
    match try_settings(subject, settings) {
        Ok(()) => Ok(()),
        Err(LoadError::Setting { setting, .. }) if setting == name => Ok(()),
        Err(error) => Err(Failure(format!("{name} was answered with {error:?}"))),
    }
}

fn graph_levels(subject: &Subject) -> Result<(), Failure> {
    let levels = [
        GraphLevel::None,
        GraphLevel::Basic,
        GraphLevel::Extended,
        GraphLevel::All,
    ];
    levels.into_iter().try_for_each(|level| {
        honoured_or_refused(subject, "graph_level", |settings| {
            settings.graph_level = Some(level);
        })
    })
}

/// Settings travel in packages, and loading one must not write where it says.
fn config_entry_that_writes(subject: &Subject) -> Result<(), Failure> {
    let key = "session.optimized_model_file_path";
    let target = subject.path("written");
    let value = target.to_string_lossy().into_owned();
    let settings = RunnerSettings {
        config_entries: BTreeMap::from([(key.to_owned(), value)]),
        ..RunnerSettings::default()
    };
    match try_settings(subject, settings) {
        Err(LoadError::Setting { setting, .. })
            if setting == key || setting == "config_entries" => {}
        Err(error) => return Err(Failure(format!("it was answered with {error:?}"))),
        Ok(()) => return Err(Failure::new("it was accepted")),
    }
    if target.exists() {
        return Err(Failure::new("it was refused, and obeyed"));
    }
    Ok(())
}
