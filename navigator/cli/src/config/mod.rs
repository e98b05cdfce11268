//! Options that need not be typed: flags over environment over a file over defaults, for every option of every
//! command alike.
//!
//! A first look at the command line tells which command it is and which options were typed. Those that were
//! not are looked up in the environment and in the file, and put into the command line as if they had been
//! typed; then it is read in earnest. So no command knows where its options come from.

mod command_line;
mod file;
mod layers;
mod options;

pub(crate) use command_line::{CommandLineError, config_file, parse};
pub(crate) use file::ConfigError;
pub(crate) use layers::{Layered, Source, layered};
pub(crate) use options::user_commands;
