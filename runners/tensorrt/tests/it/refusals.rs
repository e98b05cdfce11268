//! What cannot be loaded is refused with a reason that helps, by a process that lives on.

use std::path::Path;

use nav_package_format::{Device, Format};
use nav_runners::{LoadError, Probe, Runner};

use crate::support::{file, gpus, lean, libraries, options, tensorrt};

fn missing(library: Option<&Path>) -> (String, String) {
    match tensorrt().probe(&libraries(library)) {
        Probe::Missing {
            reason,
            how_to_get_it,
        } => (reason, how_to_get_it),
        ready @ Probe::Ready { .. } => panic!("{ready:?}"),
    }
}

#[test]
fn the_first_thing_that_is_missing_is_named() {
    let (reason, how_to_get_it) = missing(None);
    let start = "tensorrt 11.4.0.106 is not installed (looked for ";
    assert!(reason.starts_with(start), "{reason}");
    assert!(
        how_to_get_it.contains("--library tensorrt=FOLDER"),
        "{how_to_get_it}"
    );
    let (reason, _) = missing(Some(Path::new("/nowhere/libnvinfer.so.11")));
    let expected = "the configured tensorrt library /nowhere/libnvinfer.so.11 does not exist";
    assert_eq!(reason, expected);
}

#[test]
fn a_file_that_is_no_library_of_tensorrt_is_named_with_the_reason() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("libnvinfer.so.11");
    std::fs::write(&path, "no library").unwrap();
    let (reason, _) = missing(Some(&path));
    let start = format!("cannot open {}: ", path.display());
    assert!(reason.starts_with(&start), "{reason}");
}

#[test]
fn a_real_library_tells_its_version_and_what_else_is_missing() {
    let probe = tensorrt().probe(&libraries(Some(&lean())));
    match (probe, gpus()) {
        (
            Probe::Missing {
                reason,
                how_to_get_it,
            },
            Err(fault),
        ) => {
            assert_eq!(reason, format!("TensorRT 11.4.0.106 is there, but {fault}"));
            assert_eq!(how_to_get_it, "an NVIDIA GPU with a driver for CUDA 13");
        }
        (
            Probe::Ready {
                version, devices, ..
            },
            Ok(count),
        ) => {
            assert_eq!(version, "11.4.0.106");
            assert_eq!(devices.len(), count);
        }
        (probe, gpus) => panic!("{probe:?} on a host with {gpus:?}"),
    }
}

#[test]
fn garbage_is_no_engine_whatever_it_begins_with() {
    let folder = tempfile::tempdir().unwrap();
    let load = |bytes: &[u8]| {
        let model = file(folder.path(), Format::TensorRt, bytes);
        tensorrt().load(&model, &options(&lean())).unwrap_err()
    };
    let unmarked = load(&[b'x'; 100]);
    let LoadError::Unacceptable { reason, .. } = unmarked else {
        panic!("{unmarked}");
    };
    assert_eq!(reason, "it does not begin as engines of TensorRT do");
    let marked = load(&[b"ftrt".as_slice(), &[0; 200]].concat());
    match (marked, gpus()) {
        (LoadError::Unavailable { reason, .. }, Err(fault)) => {
            assert!(reason.ends_with(&fault), "{reason}");
        }
        (LoadError::Model { reason, .. }, Ok(_)) => {
            let start = "reading the engine failed: ";
            assert!(reason.starts_with(start), "{reason}");
        }
        (error, gpus) => panic!("{error:?} on a host with {gpus:?}"),
    }
}

#[test]
fn graphs_are_checked_before_anything_is_built_of_them() {
    let folder = tempfile::tempdir().unwrap();
    let model = file(folder.path(), Format::Onnx, b"\x08\xff\xff");
    let error = tensorrt().load(&model, &options(&lean())).unwrap_err();
    assert!(matches!(error, LoadError::Unacceptable { .. }), "{error:?}");
}

#[test]
fn the_processor_and_other_formats_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let script = file(folder.path(), Format::TorchScript, b"PK\x03\x04");
    let error = tensorrt().load(&script, &options(&lean())).unwrap_err();
    assert!(matches!(error, LoadError::Format { .. }), "{error:?}");
    let plan = [b"ftrt".as_slice(), &[0; 100]].concat();
    let engine = file(folder.path(), Format::TensorRt, &plan);
    let mut options = options(&lean());
    options.device = Device::Cpu;
    let error = tensorrt().load(&engine, &options).unwrap_err();
    assert!(matches!(error, LoadError::Device { .. }), "{error:?}");
}
