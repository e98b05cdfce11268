//! Becomes a program under a profile of system calls, as container runtimes do: `under-seccomp [--strict] PROFILE PROGRAM ARGUMENTS...`.
//!
//! With `--strict`, what the profile would refuse ends the process instead, so that nothing is missed in silence.

mod profile;

use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::Command;

use clap::Parser;

use profile::Profile;

/// What can be typed.
#[derive(Debug, Parser)]
struct Typed {
    /// End the process at what the profile would refuse.
    #[arg(long)]
    strict: bool,
    /// The profile, in the JSON of the OCI.
    profile: PathBuf,
    /// The program.
    program: PathBuf,
    /// What it is told.
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    told: Vec<String>,
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let typed = Typed::parse();
    let profile: Profile = serde_json::from_slice(&std::fs::read(&typed.profile)?)?;
    for filter in profile.filters(typed.strict)? {
        seccompiler::apply_filter(&filter)?;
    }
    Err(Command::new(typed.program).args(typed.told).exec().into())
}
