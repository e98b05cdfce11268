//! A real library of TensorRT's, the lean runtime, opened and asked: all that can be without a driver, and what happens without one.

use std::path::{Path, PathBuf};

use nav_runners::cuda::{Context as CudaContext, Driver};

use super::{Build, Library, engine};

fn lean() -> Library {
    let folder = Path::new(env!("TENSORRT_LEAN"));
    let path: PathBuf = folder.join("lib/libnvinfer_lean.so.11");
    Library::open(&path, None).unwrap()
}

/// Whether there is a GPU, which is then the one in use for the calling thread.
fn has_gpu() -> bool {
    let context = Driver::open().and_then(|driver| CudaContext::of_device(&driver, 0));
    context.and_then(|context| context.memory()).is_ok()
}

#[test]
fn a_real_library_is_opened_by_path_and_tells_its_version() {
    assert_eq!(lean().version(), "11.4.0.106");
}

#[test]
fn without_a_driver_setting_it_up_is_an_error_with_the_reason() {
    let tried = lean().try_out();
    if has_gpu() {
        assert_eq!(tried, Ok(()));
    } else {
        let reason = tried.unwrap_err().to_string();
        let start = "setting TensorRT up failed: createInferRuntime:";
        assert!(reason.starts_with(start), "{reason}");
        assert!(reason.contains("CUDA initialization failure"), "{reason}");
    }
}

#[test]
fn what_is_no_engine_is_an_error_with_the_reason() {
    let garbage = [b"ftrt".as_slice(), &[7; 200]].concat();
    let reason = engine::read(lean(), &garbage).unwrap_err().to_string();
    let start = if has_gpu() {
        "reading the engine failed: "
    } else {
        "setting TensorRT up failed: "
    };
    assert!(reason.starts_with(start), "{reason}");
    assert!(reason.len() > start.len(), "{reason}");
}

#[test]
fn what_builds_no_engines_says_so() {
    let build = Build {
        model: Path::new("/nowhere.onnx"),
        ranges: &[],
        tf32: false,
        level: None,
        workspace: None,
        timing: &[],
    };
    let reason = build.run(lean()).unwrap_err().to_string();
    assert_eq!(
        reason,
        "this is a runtime of TensorRT that builds no engines"
    );
}

#[test]
fn a_library_of_something_else_is_told_apart() {
    let open = |path: &Path| Library::open(path, None).unwrap_err().to_string();
    let folder = tempfile::tempdir().unwrap();
    let text = folder.path().join("libnvinfer.so.11");
    std::fs::write(&text, "no library").unwrap();
    let reason = open(&text);
    assert!(reason.starts_with(text.to_str().unwrap()), "{reason}");
    let reason = open(Path::new("libc.so.6"));
    assert_eq!(reason, "libc.so.6 is no TensorRT");
    let nul = open(Path::new("a\0b"));
    assert_eq!(nul, "its path holds a NUL");
}
