//! The conformance matrix: every suite, on every runner, in this process and in a worker.
//!
//! ```text
//! cargo test -p nav-tests --test conformance                # runs everything and prints the matrix
//! cargo test -p nav-tests --test conformance -- matmul      # what has `matmul` in its name
//! cargo nextest run -p nav-tests                            # the same cases, a process for each
//! ```
//!
//! A case is called `RUNNER::MODE::SUITE::CASE`. Runners that do not work on this machine are told with
//! their reason; what a runner is known not to do is listed in [`skips`], and the list is kept true: an
//! entry that no longer fails is a failure.
//!
//! Read from the environment, by [`environment`] alone:
//!
//! - `NAV_REQUIRE_RUNNERS`: names of runners divided by commas, as `OnnxCPU,TractCPU`. One of these that
//!   does not work here is a failure.
//! - `NAV_CACHE_FOLDER`, else `XDG_CACHE_HOME`, else `HOME`: where `nav runtime install` puts runtimes.
//!
//! This executable is its own worker: started with [`columns::WORKER_ARGUMENT`] it serves all runners of
//! this process.

mod case;
mod columns;
mod comparison;
mod environment;
mod matrix;
mod skips;
mod staged;
mod subject;
mod suites;
mod torch_script;
mod trials;
mod values;
mod verdict;

use std::process::ExitCode;

use libtest_mimic::Arguments;

fn main() -> ExitCode {
    if std::env::args_os().nth(1).as_deref() == Some(columns::WORKER_ARGUMENT.as_ref()) {
        return serve();
    }
    let arguments = Arguments::from_args();
    // One cell of the matrix asks for one column; the others need not even be tried.
    let cell = arguments.filter.as_deref().filter(|_| arguments.exact);
    let columns = columns::columns(cell);
    let record = matrix::Record::default();
    let conclusion = libtest_mimic::run(&arguments, trials::trials(&columns, &record));
    if !arguments.list && cell.is_none() {
        // The exit code tells the same to whom the matrix cannot be shown.
        let _unseen = matrix::print(&columns, &record, &mut std::io::stdout().lock());
    }
    conclusion.exit_code()
}

fn serve() -> ExitCode {
    match nav_worker::child::run(nav_runners::RUNNERS) {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}
