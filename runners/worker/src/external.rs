//! Runners that are executables of their own, because they are linked to a vendor's libraries.
//!
//! Knows where such an executable may be, and nothing of what it does. One entry in
//! [`EXTERNAL_RUNNERS`] makes a runner known.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use nav_package_format::Format;
use nav_runners::{
    Hindrance, Libraries, LoadError, LoadOptions, Loaded, ModelFile, Probe, RUNNERS, Runner,
    VendorRuntime,
};

use crate::control::LoadRequest;
use crate::parent::{self, WorkerCommand, WorkerOptions};

/// Every runner that is an executable of its own.
pub const EXTERNAL_RUNNERS: &[ExternalRunner] = &[
    ExternalRunner {
        name: "TensorRT",
        executable: "nav-runner-tensorrt",
        formats: &[Format::Onnx, Format::TensorRt],
        // It opens its library itself.
        linked_to: &[],
        how_to_build: Some("scripts/build-tensorrt"),
        // It builds an engine when it loads a graph.
        load_deadline: Duration::from_hours(1),
    },
    ExternalRunner {
        name: "TorchScriptCUDA",
        executable: "nav-runner-torch",
        formats: &[Format::TorchScript],
        linked_to: &[VendorRuntime::LibtorchCuda],
        how_to_build: Some("scripts/build-torch"),
        load_deadline: Duration::from_mins(5),
    },
    ExternalRunner {
        name: "TorchScriptCPU",
        executable: "nav-runner-torch",
        formats: &[Format::TorchScript],
        linked_to: &[VendorRuntime::LibtorchCpu, VendorRuntime::LibtorchCuda],
        how_to_build: Some("scripts/build-torch"),
        load_deadline: Duration::from_mins(5),
    },
];

/// The names of all runners, the preferred ones first: what is compiled for the device, then what uses
/// the device, then the processor, and what works everywhere last.
const PREFERENCE: &[&str] = &[
    "TensorRT",
    "OnnxTensorRT",
    "OnnxCUDA",
    "TorchScriptCUDA",
    "OnnxCPU",
    "TorchScriptCPU",
    "TractCPU",
];

/// A runner in an executable of its own, which serves [`crate::child::run`] or speaks its protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ExternalRunner {
    /// The name users know, which is what the executable calls it too.
    pub name: &'static str,
    /// The executable's file name.
    pub executable: &'static str,
    /// The kinds of model file it reads.
    pub formats: &'static [Format],
    /// The vendor libraries that the executable is linked to, one of which must be there, the preferred one first.
    pub linked_to: &'static [VendorRuntime],
    /// What builds the executable from the sources of `nav`.
    pub how_to_build: Option<&'static str>,
    /// How long it may take to load a model.
    pub load_deadline: Duration,
}

/// Every runner, in this process or not, the preferred ones first.
pub fn all_runners() -> impl Iterator<Item = &'static dyn Runner> {
    let external = EXTERNAL_RUNNERS.iter().map(|runner| runner as &dyn Runner);
    let mut runners: Vec<&'static dyn Runner> = external.chain(RUNNERS.iter().copied()).collect();
    // A stable sort: what the list does not know keeps its own order, at the end.
    runners.sort_by_key(|runner| preference(runner.name()));
    runners.into_iter()
}

fn preference(name: &str) -> usize {
    let position = PREFERENCE.iter().position(|known| *known == name);
    position.unwrap_or(PREFERENCE.len())
}

impl ExternalRunner {
    /// The executable: the configured one, else the one beside this program.
    fn find(&self, libraries: &Libraries) -> Result<PathBuf, String> {
        if let Some(configured) = libraries.worker_executables.get(self.executable) {
            return self.check_configured(configured);
        }
        let program = std::env::current_exe()
            .map_err(|error| format!("this program does not know where it is: {error}"))?;
        self.find_beside(&program)
    }

    fn check_configured(&self, path: &Path) -> Result<PathBuf, String> {
        let (executable, shown) = (self.executable, path.display());
        if !path.is_absolute() {
            return Err(format!(
                "the configured {executable} {shown} is not an absolute path"
            ));
        }
        if !path.is_file() {
            return Err(format!(
                "the configured {executable} {shown} does not exist"
            ));
        }
        Ok(path.to_owned())
    }

    fn find_beside(&self, program: &Path) -> Result<PathBuf, String> {
        let folder = program.parent().unwrap_or(Path::new("/"));
        let candidate = folder.join(self.executable);
        if candidate.is_file() {
            return Ok(candidate);
        }
        let (executable, folder) = (self.executable, folder.display());
        Err(format!(
            "{executable} is not beside nav (looked in {folder})"
        ))
    }

    fn how_to_get_it(&self) -> String {
        let executable = self.executable;
        let place = format!(
            "put {executable} of this version beside nav, or name it with --worker {executable}=PATH"
        );
        match self.how_to_build {
            Some(command) => format!("{place}; `{command}` builds it from the sources"),
            None => place,
        }
    }

    /// The executable with the libraries that it is linked to. The system's loader finds those by folder, before a line of
    /// the executable runs.
    fn command(&self, libraries: &Libraries) -> Result<WorkerCommand, Hindrance> {
        let program = self.find(libraries).map_err(|reason| Hindrance {
            reason,
            how_to_get_it: self.how_to_get_it(),
        })?;
        let command = WorkerCommand::new(program);
        let Some((&preferred, others)) = self.linked_to.split_first() else {
            return Ok(command);
        };
        let found = libraries.find_any(preferred, others);
        let library = found.map_err(|error| Hindrance {
            reason: error.to_string(),
            how_to_get_it: error.how_to_mend(),
        })?;
        let folder = library.parent().unwrap_or(Path::new("/"));
        Ok(command.with_library_folder(folder.to_owned()))
    }

    fn options(&self) -> WorkerOptions {
        WorkerOptions {
            load_deadline: self.load_deadline,
            ..WorkerOptions::default()
        }
    }
}

impl Runner for ExternalRunner {
    fn name(&self) -> &'static str {
        self.name
    }

    fn formats(&self) -> &'static [Format] {
        self.formats
    }

    fn probe(&self, libraries: &Libraries) -> Probe {
        let command = match self.command(libraries) {
            Ok(command) => command,
            Err(hindrance) => return hindrance.into(),
        };
        parent::probe(&command, self.options(), self.name, libraries).unwrap_or_else(|cause| {
            Probe::Missing {
                reason: format!("{} failed: {cause}", self.executable),
                how_to_get_it: self.how_to_get_it(),
            }
        })
    }

    fn load(&self, model: &ModelFile, options: &LoadOptions) -> Result<Arc<dyn Loaded>, LoadError> {
        let command = self.command(&options.libraries);
        let command = command.map_err(|hindrance| hindrance.into_load_error(self.name))?;
        let request = LoadRequest {
            runner: self.name.to_owned(),
            model: model.clone(),
            options: options.clone(),
        };
        parent::load(command, self.options(), request)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    const TORCH: &ExternalRunner = &EXTERNAL_RUNNERS[2];

    fn configured(path: &str) -> Libraries {
        Libraries {
            worker_executables: BTreeMap::from([(TORCH.executable.to_owned(), path.into())]),
            ..Libraries::default()
        }
    }

    #[test]
    fn every_runner_has_a_name_of_its_own_and_a_place_in_the_preference() {
        let names: Vec<_> = all_runners().map(Runner::name).collect();
        let preferred: Vec<_> = PREFERENCE
            .iter()
            .copied()
            .filter(|known| names.contains(known))
            .collect();
        assert_eq!(names, preferred);
    }

    #[test]
    fn a_missing_executable_is_named_with_the_place_searched() {
        let Probe::Missing { reason, .. } = TORCH.probe(&Libraries::default()) else {
            panic!("no such executable is built here");
        };
        let start = "nav-runner-torch is not beside nav (looked in /";
        assert!(reason.starts_with(start), "{reason}");
    }

    #[test]
    fn a_configured_executable_must_be_absolute_and_there() {
        let check = |path: &str, expected: &str| {
            assert_eq!(TORCH.find(&configured(path)), Err(expected.to_owned()));
        };
        check(
            "nav-runner-torch",
            "the configured nav-runner-torch nav-runner-torch is not an absolute path",
        );
        check(
            "/nowhere/nav-runner-torch",
            "the configured nav-runner-torch /nowhere/nav-runner-torch does not exist",
        );
        assert_eq!(TORCH.find(&configured("/bin/sh")), Ok("/bin/sh".into()));
    }

    #[test]
    fn an_executable_that_is_no_worker_is_missing_with_its_true_end() {
        let folder = tempfile::tempdir().unwrap();
        let library = folder
            .path()
            .join(VendorRuntime::LibtorchCpu.main_library());
        std::fs::write(&library, "").unwrap();
        let mut libraries = configured("/bin/false");
        libraries
            .configured
            .insert(VendorRuntime::LibtorchCpu, library);
        let Probe::Missing { reason, .. } = TORCH.probe(&libraries) else {
            panic!("/bin/false is no runner");
        };
        assert_eq!(reason, "nav-runner-torch failed: exited with status 1");
    }

    #[test]
    fn the_loader_is_told_of_the_folder_of_the_first_library_that_is_there() {
        let folder = tempfile::tempdir().unwrap();
        let library = |runtime: VendorRuntime| {
            let path = folder.path().join(runtime.name());
            std::fs::create_dir_all(&path).unwrap();
            std::fs::write(path.join(runtime.main_library()), "").unwrap();
            path
        };
        let with = |runtimes: &[VendorRuntime]| {
            let mut libraries = configured("/bin/sh");
            libraries.configured = runtimes.iter().map(|&one| (one, library(one))).collect();
            let command = TORCH.command(&libraries);
            command.map(|command| command.library_folder)
        };
        let (cpu, cuda) = (VendorRuntime::LibtorchCpu, VendorRuntime::LibtorchCuda);
        assert_eq!(with(&[cpu, cuda]), Ok(Some(folder.path().join(cpu.name()))));
        assert_eq!(with(&[cuda]), Ok(Some(folder.path().join(cuda.name()))));
        let missing = with(&[]).unwrap_err();
        assert_eq!(missing.how_to_get_it, "nav runtime install libtorch-cpu");
    }
}
