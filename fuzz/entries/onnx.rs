//! ONNX models: any bytes are refused or told, without a panic and in bounded memory, and nothing is opened that is not theirs.

use std::io::{Cursor, Write};
use std::sync::LazyLock;

use nav_package_format::onnx::{Limits, read, verify_open};
use tempfile::TempDir;

/// The folder of the model, in which there is one file besides.
static FOLDER: LazyLock<TempDir> = LazyLock::new(|| {
    let folder = tempfile::tempdir().expect("there is room");
    std::fs::write(folder.path().join("weights"), [0; 64]).expect("there is room");
    folder
});

/// Whether the bytes were taken for a model, with all that it refers to.
pub(crate) fn enter(bytes: &[u8]) -> bool {
    let limits = Limits {
        memory: 1 << 24,
        ..Limits::default()
    };
    if read(Cursor::new(bytes), &limits).is_err() {
        return false;
    }
    let mut file = tempfile::tempfile().expect("there is room");
    file.write_all(bytes).expect("there is room");
    verify_open(&file, &FOLDER.path().join("model.onnx")).is_ok()
}
