//! Every environment variable that `nav` reads, in one place: nothing else of it reads the environment, but for what must be the same for all
//! processes (`NAV_CUDA_DRIVER`, by the crate that opens drivers).

use std::ffi::OsString;
use std::path::PathBuf;

use nav_worker::packaged::{Home, user_folder};

/// A documented variable.
#[derive(Debug)]
pub(crate) struct Variable {
    /// Its name.
    pub(crate) name: &'static str,
    /// What it does.
    pub(crate) meaning: &'static str,
}

/// The configuration file.
pub(crate) const CONFIG: Variable = Variable {
    name: "NAV_CONFIG",
    meaning: "configuration file, as --config",
};
/// The Python that fetches wheels.
pub(crate) const PYTHON: Variable = Variable {
    name: "NAV_PYTHON",
    meaning: "the Python whose pip fetches runtimes [python3]",
};

/// The driver of NVIDIA GPUs. Listed here, and read where drivers are opened: worker processes and programs read it too.
pub(crate) const CUDA_DRIVER: Variable = Variable {
    name: "NAV_CUDA_DRIVER",
    meaning: "the driver's libcuda.so.1, by absolute path, where it is in no usual folder",
};

/// Options that mean the same in every command that has them, and the variable that sets them in all.
pub(crate) const SHARED: &[(&str, &str)] = &[("trust-policy", "NAV_TRUST_POLICY")];

/// The variables of `nav` itself, as `--help` lists them. Every option has one of its own besides.
pub(crate) const VARIABLES: &[&Variable] = &[
    &CONFIG,
    &PYTHON,
    &CUDA_DRIVER,
    &Variable {
        name: "NAV_OFFLINE",
        meaning: "1 forbids downloads, as --offline: every option has such a variable,",
    },
    &Variable {
        name: "NAV_OPTIMIZE_...",
        meaning: "those of one command with its name; `nav config show COMMAND` lists them",
    },
];

/// A value that is set to something.
pub(crate) fn value(variable: &Variable) -> Option<OsString> {
    named(variable.name)
}

/// A value that is set to something, by the variable's name.
#[expect(
    clippy::disallowed_methods,
    reason = "this is the one place that reads the environment"
)]
pub(crate) fn named(name: &str) -> Option<OsString> {
    std::env::var_os(name).filter(|value| !value.is_empty())
}

/// The folder of this user in which everything is kept.
pub(crate) fn user_home() -> Option<Home> {
    Home::of_user(named("XDG_CACHE_HOME"), named("HOME"))
}

/// The folders that commands are looked for in.
pub(crate) fn command_folders() -> Vec<PathBuf> {
    let path = named("PATH").unwrap_or_default();
    std::env::split_paths(&path).collect()
}

/// The folder that this user's configuration is in, by the rules of the desktop.
pub(crate) fn user_config_folder() -> Option<PathBuf> {
    user_folder(named("XDG_CONFIG_HOME"), named("HOME"), ".config")
}
