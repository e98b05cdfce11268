//! Devices: which there are, how much memory they have, and what is said where there is none.

use std::sync::Arc;

use nav_package_format::onnx::build::{dims, node};
use nav_package_format::onnx::proto::GraphProto;
use nav_package_format::{DType, Device};
use nav_runners::{LoadError, Probe, RunError, Runner};

use crate::double::{Counter, Host, infer};
use crate::support::tensorrt;
use crate::values::{check_rows, doubled, rows};

fn missing(host: &Host) -> String {
    match tensorrt().probe(&host.libraries()) {
        Probe::Missing { reason, .. } => reason,
        ready @ Probe::Ready { .. } => panic!("{ready:?}"),
    }
}

#[test]
fn every_device_of_the_driver_is_offered_and_runs_models() {
    let host = Host::new(&[("devices", "2")]);
    let Probe::Ready {
        version, devices, ..
    } = tensorrt().probe(&host.libraries())
    else {
        panic!("it is not ready")
    };
    assert_eq!(version, "11.4.0.106");
    assert_eq!(devices, [Device::Cuda(0), Device::Cuda(1)]);
    for device in devices {
        let mut options = host.options(&[]);
        options.device = device;
        let model = tensorrt().load(&host.write(doubled()), &options).unwrap();
        let mut session = Arc::clone(&model).session().unwrap();
        check_rows(session.as_mut(), 3, 1.0);
        drop((session, model));
        host.assert_clean();
    }
    let mut options = host.options(&[]);
    options.device = Device::Cuda(2);
    let refused = tensorrt().load(&host.write(doubled()), &options);
    assert!(matches!(refused, Err(LoadError::Device { .. })));
}

#[test]
fn what_is_missing_is_said_first_thing_first() {
    let host = Host::new(&[("devices", "0")]);
    let start = "TensorRT 11.4.0.106 is there, but ";
    let why = "the driver has no GPU for this process";
    assert_eq!(missing(&host), format!("{start}{why}"));
    let driver = host.path("libcuda.so.1");
    std::fs::remove_file(&driver).unwrap();
    let why = format!(
        "NAV_CUDA_DRIVER names {}, which is no file",
        driver.display()
    );
    assert_eq!(missing(&host), format!("{start}{why}"));
}

#[test]
fn a_version_with_another_interface_is_refused() {
    let host = Host::new(&[("tensorrt_version", "10.9.0.34")]);
    let why = "is TensorRT 10.9.0.34, and this worker is built for 11.x";
    assert!(missing(&host).ends_with(why), "{}", missing(&host));
}

#[test]
fn a_driver_that_tensorrt_cannot_use_is_said_and_nothing_crashes() {
    // Then it gives what the true one was seen to give, which is no pointer.
    let host = Host::new(&[("refuse_tensorrt", "on")]);
    let reason = missing(&host);
    assert!(reason.contains("CUDA initialization failure"), "{reason}");
    host.assert_clean();
}

#[test]
fn an_engine_that_does_not_fit_is_refused_with_the_reason() {
    let host = Host::new(&[("refuse_beyond", "16")]);
    let refused = host.load(doubled(), &[]).unwrap_err().to_string();
    assert!(refused.contains("reading the engine failed: "), "{refused}");
    assert!(refused.contains("OutOfMemory"), "{refused}");
    host.assert_clean();
}

#[test]
fn a_session_for_which_there_is_no_memory_is_refused_and_the_others_go_on() {
    let host = Host::new(&[("refuse_beyond", "100000")]);
    let model = host.load(doubled(), &[]).unwrap();
    let mut session = Arc::clone(&model).session().unwrap();
    let refused = Arc::clone(&model).session().unwrap_err().to_string();
    assert!(refused.contains("OutOfMemory"), "{refused}");
    check_rows(session.as_mut(), 2, 0.0);
    drop((session, model));
    host.assert_clean();
}

#[test]
fn a_tensor_for_which_there_is_no_memory_is_named_and_the_session_goes_on() {
    let host = Host::new(&[("refuse_beyond", "500000")]);
    let entries = [("tensorrt.extent.batch", "1:8:1000000")];
    let model = host.load(doubled(), &entries).unwrap();
    let mut session = Arc::clone(&model).session().unwrap();
    check_rows(session.as_mut(), 1, 0.0);
    let check = |session: &mut dyn nav_runners::Session, count: usize, name: &str| match infer(
        session,
        &[rows(count, 0.0).0],
    )
    .unwrap_err()
    {
        RunError::OutOfMemory { tensor, bytes, .. } => {
            assert_eq!((tensor.as_str(), bytes), (name, count * 8));
        }
        other => panic!("{other}"),
    };
    // The input alone is too much; then it fits, and the output beside it does not.
    check(session.as_mut(), 100_000, "x");
    check_rows(session.as_mut(), 2, 5.0);
    check(session.as_mut(), 40_000, "y");
    check_rows(session.as_mut(), 3, 7.0);
    drop((session, model));
    host.assert_clean();
}

#[test]
fn a_run_that_fails_on_the_device_is_an_error_and_not_the_end_of_the_process() {
    let host = Host::new(&[]);
    // Such an index is found out by the run, when the shapes are known already.
    let graph = GraphProto::named("rows")
        .takes("table", DType::Fp32, &dims("n,2"))
        .takes("row", DType::Int64, &dims("m"))
        .with(node("Gather", &["table", "row"], &["y"]))
        .gives("y", DType::Fp32, &dims("m,2"));
    let model = host.load(graph, &[]).unwrap();
    let mut session = Arc::clone(&model).session().unwrap();
    let (table, _) = rows(3, 0.0);
    let row = crate::values::whole(&[1], &[7]);
    let failed = infer(session.as_mut(), &[table, row]).unwrap_err();
    // Whichever call comes first after it tells of it.
    let words = ": an illegal memory access was encountered (CUDA_ERROR_ILLEGAL_ADDRESS)";
    assert!(failed.to_string().ends_with(words), "{failed}");
    assert_eq!(host.count(Counter::Faults), 1);
}
