//! Every cell of the matrix as a test of its own, for any tool that runs tests.

use libtest_mimic::{Completion, Failed, Trial};
use nav_runners::cuda::CudaError;
use nav_runners::{Runner, VendorRuntime, gpu};

use crate::case::{Case, Suite};
use crate::columns::{Column, PROBE, State};
use crate::comparison;
use crate::environment;
use crate::matrix::Record;
use crate::skips;
use crate::suites::SUITES;
use crate::verdict::{Verdict, judge};

/// The tests of these columns, and that what they go by is right.
pub(crate) fn trials(columns: &[Column], record: &Record) -> Vec<Trial> {
    let mut trials = vec![
        Trial::test("matrix::skips_name_cases", || {
            skips::check().map_err(Failed::from)
        }),
        Trial::test("matrix::tolerances_tell_numbers_apart", || {
            comparison::check().map_err(Failed::from)
        }),
        Trial::test("matrix::required_runners_exist", check_required),
    ];
    for column in columns {
        trials.push(probe(column));
        if matches!(column.state, State::Ready { .. }) {
            for suite in SUITES {
                let cases = suite.cases.iter();
                trials.extend(cases.map(|case| cell(column, suite, case, record)));
            }
        }
    }
    trials
}

/// Passes where the runner works, and tells why where it does not.
fn probe(column: &Column) -> Trial {
    let (state, name) = (column.state.clone(), column.runner.name());
    let lacks_driver_alone = lacks_driver_alone(column);
    Trial::ignorable_test(format!("{}::{PROBE}", column.name()), move || match state {
        State::Ready { .. } => Ok(Completion::Completed),
        State::OtherFormats(reason) => Ok(Completion::ignored_with(reason)),
        State::Missing(reason) => {
            let required = environment::required_runners();
            if required.iter().any(|required| required == name) {
                return Err(format!("required, and missing: {reason}").into());
            }
            let true_reason = CudaError::NoDriver.to_string();
            if lacks_driver_alone && !reason.starts_with(&true_reason) {
                let told = format!("{true_reason} is not what it says first: {reason}");
                return Err(told.into());
            }
            Ok(Completion::ignored_with(format!("missing: {reason}")))
        }
    })
}

/// Whether ONNX Runtime's build for GPUs is installed, and this is one of its runners on a host that has no driver.
fn lacks_driver_alone(column: &Column) -> bool {
    let runtime = column.runner.vendor_runtime();
    runtime == Some(VendorRuntime::OnnxruntimeCuda)
        && column
            .libraries
            .find(VendorRuntime::OnnxruntimeCuda)
            .is_ok()
        && gpu::cuda_library() == Err(CudaError::NoDriver)
}

fn cell(column: &Column, suite: &'static Suite, case: &'static Case, record: &Record) -> Trial {
    let (column, record) = (column.clone(), record.clone());
    let name = format!("{}::{}::{}", column.name(), suite.name, case.name);
    Trial::ignorable_test(name, move || {
        let verdict = judge(&column, suite, case);
        record.add(&column, suite, case, verdict.clone());
        match verdict {
            Verdict::Pass => Ok(Completion::Completed),
            Verdict::Skip(reason) => Ok(Completion::ignored_with(reason)),
            Verdict::Fail(reason) => Err(reason.into()),
        }
    })
}

/// A name that is spelled wrongly would require nothing.
fn check_required() -> Result<(), Failed> {
    for required in environment::required_runners() {
        let mut known = nav_worker::all_runners().map(Runner::name);
        if !known.any(|name| name == required) {
            return Err(
                format!("NAV_REQUIRE_RUNNERS names `{required}`, which is no runner").into(),
            );
        }
    }
    Ok(())
}
