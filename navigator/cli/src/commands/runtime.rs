//! `nav runtime`: vendor libraries listed, installed, removed; and installed when first needed.

use std::path::PathBuf;

use anyhow::Context;
use clap::{Args, Subcommand};
use indicatif::ProgressBar;
use nav_navigator::runtime::{Outcome, Progress, RuntimeError, Runtimes, Source};
use nav_runners::{VendorRuntime, onnxruntime};
use serde::Serialize;

use crate::printer::Printer;
use crate::render;
use crate::settings::Settings;

/// The arguments of `nav runtime`.
#[derive(Args, Debug)]
pub(crate) struct RuntimeArgs {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// List the vendor runtimes and whether they are installed.
    List {
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// Install a vendor runtime: fetched by pip, checked against its pinned digest.
    Install {
        /// Which one; `nav runtime list` names them.
        name: VendorRuntime,
        /// Take the wheels from this file or folder instead of fetching them.
        #[arg(long, value_name = "FOLDER|WHEEL")]
        from: Option<PathBuf>,
    },
    /// Remove a vendor runtime.
    Remove {
        /// Which one.
        name: VendorRuntime,
    },
}

/// The version of the JSON that is printed.
const SCHEMA: u32 = 1;

#[derive(Debug, Serialize)]
struct List {
    schema: u32,
    runtimes: Vec<Entry>,
}

/// One vendor runtime and what is there of it.
#[derive(Debug, Serialize)]
pub(crate) struct Entry {
    /// Its name.
    pub(crate) name: &'static str,
    /// Its version.
    pub(crate) version: &'static str,
    /// Whether it is installed.
    pub(crate) installed: bool,
    /// Its folder, if it is installed.
    pub(crate) folder: Option<PathBuf>,
    /// How much it takes, if it is installed.
    pub(crate) bytes: Option<u64>,
    /// A library that the user pointed at, which wins over an installed one.
    pub(crate) configured: Option<PathBuf>,
}

/// Does what was asked.
pub(crate) fn run(args: &RuntimeArgs, settings: &Settings, printer: Printer) -> anyhow::Result<()> {
    let runtimes = Runtimes::new(&settings.libraries)?;
    match &args.action {
        Action::List { json } => list(&runtimes, settings, *json),
        Action::Install { name, from } => {
            let source = match from {
                Some(place) => Source::Local(place.clone()),
                None if settings.offline => {
                    return Err(RuntimeError::Offline { runtime: *name }.into());
                }
                None => settings.source(),
            };
            install(&runtimes, *name, &source, printer)
        }
        Action::Remove { name } => remove(&runtimes, *name, printer),
    }
}

fn list(runtimes: &Runtimes, settings: &Settings, json: bool) -> anyhow::Result<()> {
    let entries: Result<Vec<Entry>, RuntimeError> = VendorRuntime::ALL
        .iter()
        .map(|&runtime| {
            let installed = runtimes.installed(runtime)?;
            Ok(Entry {
                name: runtime.name(),
                version: runtime.version(),
                installed: installed.is_some(),
                bytes: installed.as_ref().map(|found| found.bytes),
                folder: installed.map(|found| found.folder),
                configured: settings.libraries.configured.get(&runtime).cloned(),
            })
        })
        .collect();
    let runtimes = entries?;
    if json {
        Printer::json(&List {
            schema: SCHEMA,
            runtimes,
        })?;
    } else {
        Printer::data(&render::runtimes(&runtimes))?;
    }
    Ok(())
}

fn install(
    runtimes: &Runtimes,
    runtime: VendorRuntime,
    source: &Source,
    printer: Printer,
) -> anyhow::Result<()> {
    let name_and_version = format!("{runtime} {}", runtime.version());
    let mut display = Display::new(runtime, printer);
    let outcome = runtimes.install(runtime, source, |progress| display.show(progress));
    display.clear();
    match outcome.with_context(|| format!("cannot install {name_and_version}"))? {
        Outcome::Installed(folder) => {
            printer.note(&format!(
                "installed {name_and_version} in {}",
                folder.display()
            ));
        }
        Outcome::AlreadyThere(folder) => {
            printer.note(&format!(
                "{name_and_version} is already in {}",
                folder.display()
            ));
        }
    }
    Ok(())
}

fn remove(runtimes: &Runtimes, runtime: VendorRuntime, printer: Printer) -> anyhow::Result<()> {
    if runtimes.remove(runtime)? {
        printer.note(&format!("removed {runtime} {}", runtime.version()));
    } else {
        printer.note(&format!("{runtime} {} is not installed", runtime.version()));
    }
    Ok(())
}

/// Installs a runtime because a command needs it, and says so. Does nothing when the library is there
/// already, installed or configured.
pub(crate) fn ensure(
    runtime: VendorRuntime,
    settings: &Settings,
    printer: Printer,
) -> anyhow::Result<()> {
    let found = match runtime {
        // Another build does as well.
        VendorRuntime::Onnxruntime => onnxruntime::library::find_for_cpu(&settings.libraries),
        other => settings.libraries.find(other),
    };
    if found.is_ok() || settings.libraries.configured.contains_key(&runtime) {
        return Ok(());
    }
    if settings.offline {
        return Err(RuntimeError::Offline { runtime }.into());
    }
    let version = runtime.version();
    printer.note(&format!(
        "{runtime} {version} is not installed; fetching it (once) with pip"
    ));
    let runtimes = Runtimes::new(&settings.libraries)?;
    install(&runtimes, runtime, &settings.source(), printer)
}

/// The same for the plain build of ONNX Runtime, which is small and works everywhere. Where downloads are forbidden
/// that is said, and the command goes on with what there is.
pub(crate) fn ensure_onnxruntime(settings: &Settings, printer: Printer) -> anyhow::Result<()> {
    match ensure(VendorRuntime::Onnxruntime, settings, printer) {
        Err(error) if settings.offline => {
            printer.note(&format!("{error}"));
            Ok(())
        }
        ensured => ensured,
    }
}

/// What a person sees while something is installed; off a terminal, one line for each wheel.
struct Display {
    printer: Printer,
    runtime: VendorRuntime,
    bar: Option<ProgressBar>,
    stage: Option<(&'static str, &'static str)>,
}

impl Display {
    fn new(runtime: VendorRuntime, printer: Printer) -> Self {
        Self {
            printer,
            runtime,
            bar: None,
            stage: None,
        }
    }

    fn show(&mut self, progress: Progress) {
        match progress {
            Progress::Waiting => {
                let line = format!("waiting for another process that installs {}", self.runtime);
                self.printer.note(&line);
            }
            Progress::Fetching { file_name } => {
                self.enter("fetching", file_name, Printer::spinner);
            }
            Progress::Checking {
                file_name,
                done,
                total,
            } => {
                self.enter("checking", file_name, Printer::bytes_bar);
                self.advance(done, total);
            }
            Progress::Unpacking {
                file_name,
                done,
                total,
            } => {
                self.enter("unpacking", file_name, Printer::bytes_bar);
                self.advance(done, total);
            }
        }
    }

    fn enter(
        &mut self,
        verb: &'static str,
        file_name: &'static str,
        bar: impl FnOnce(Printer) -> ProgressBar,
    ) {
        if self.stage.replace((verb, file_name)) == Some((verb, file_name)) {
            return;
        }
        self.clear();
        if self.printer.is_watched() {
            let bar = bar(self.printer);
            bar.set_message(format!("{verb} {file_name}"));
            self.bar = Some(bar);
        } else {
            self.printer.note(&format!("{verb} {file_name}"));
        }
    }

    fn advance(&self, done: u64, total: u64) {
        if let Some(bar) = &self.bar {
            bar.set_length(total);
            bar.set_position(done);
        }
    }

    fn clear(&mut self) {
        if let Some(bar) = self.bar.take() {
            bar.finish_and_clear();
        }
    }
}
