//! What the server says while it runs, on standard error.

use clap::{Args, ValueEnum};
use nav_serve::{Log, LogFormat, LogSettings, TimeFormat};

use crate::printer::Printer;
use crate::settings::Settings;

/// The arguments about the log.
#[derive(Args, Debug)]
pub(crate) struct LogArgs {
    /// How to log to standard error.
    #[arg(long, default_value = "text", value_name = "FORMAT")]
    log_format: Format,
    /// How much more to log: 1 for a line for each request.
    #[arg(long, default_value_t = 0, value_name = "LEVEL")]
    log_verbose: u32,
}

/// How events are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    /// For people.
    Text,
    /// For people, with the date as standards have it.
    Iso8601,
    /// For programs: an object on each line.
    Json,
}

impl LogArgs {
    /// The log that they ask for; of errors only when there is to be quiet.
    pub(super) fn log(&self, settings: &Settings) -> std::io::Result<Log> {
        let told = LogSettings {
            info: !settings.quiet,
            warning: !settings.quiet,
            error: true,
            verbose: self.log_verbose,
            format: match self.log_format {
                Format::Iso8601 => TimeFormat::Iso8601,
                Format::Text | Format::Json => TimeFormat::Default,
            },
        };
        let format = match self.log_format {
            Format::Json => LogFormat::Json,
            Format::Text | Format::Iso8601 => LogFormat::Text,
        };
        Log::new(format, told, Printer::error)
    }
}
