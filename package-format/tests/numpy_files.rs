//! Files that NumPy itself wrote: what can be read is read right, and the rest is refused by its cause.
//! `data/numpy/make.py` says how they were made.

#![expect(clippy::unwrap_used, reason = "a test may panic, its helpers too")]

use std::error::Error;
use std::path::{Path, PathBuf};

use nav_package_format::numpy::{Limits, NumpyFile, read_file};
use nav_package_format::{DType, Shape, TensorData};

fn path(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/data/numpy")
        .join(name)
}

/// The error and its causes on one line, less the path of the file.
fn causes(error: &dyn Error) -> String {
    let mut texts = Vec::new();
    let mut next = error.source();
    while let Some(cause) = next {
        texts.push(cause.to_string());
        next = cause.source();
    }
    texts.join(": ")
}

fn tensor(dtype: DType, shape: impl Into<Shape>, bytes: Vec<u8>) -> TensorData {
    TensorData::new(dtype, shape.into(), bytes).unwrap()
}

fn strings(elements: &[&str]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for element in elements {
        bytes.extend(u32::try_from(element.len()).unwrap().to_le_bytes());
        bytes.extend(element.as_bytes());
    }
    bytes
}

#[test]
fn arrays_of_every_kind_are_read() {
    let check = |name: &str, expected: TensorData| {
        let found = read_file(&path(name), &Limits::default()).unwrap();
        assert_eq!(found, NumpyFile::One(expected), "{name}");
    };
    check("truth.npy", tensor(DType::Bool, [3], vec![1, 0, 1]));
    check(
        "scalar.npy",
        tensor(DType::Int64, [], (-3_i64).to_le_bytes().to_vec()),
    );
    check("empty.npy", tensor(DType::Uint16, [0, 3], Vec::new()));
    check(
        "big_endian.npy",
        tensor(
            DType::Int16,
            [2, 3],
            (0..6_i16).flat_map(i16::to_le_bytes).collect(),
        ),
    );
    check(
        "fortran.npy",
        tensor(
            DType::Fp32,
            [2, 3],
            (0..6_u8)
                .flat_map(|number| f32::from(number).to_le_bytes())
                .collect(),
        ),
    );
    check(
        "half.npy",
        tensor(DType::Fp16, [2], vec![0x00, 0x3e, 0x00, 0xc0]),
    );
    check(
        "brain.npy",
        tensor(DType::Bf16, [2], vec![0xc0, 0x3f, 0x00, 0xc0]),
    );
    check(
        "bytes.npy",
        tensor(DType::Bytes, [2, 2], strings(&["a", "\0b", "", "cde"])),
    );
    check(
        "unicode.npy",
        tensor(DType::Bytes, [3], strings(&["é", "", "a𝄞"])),
    );
    check(
        "unicode_big_endian.npy",
        tensor(DType::Bytes, [2], strings(&["é", "ab"])),
    );
}

#[test]
fn archives_are_read_in_their_order_stored_or_compressed() {
    let numbers = (0..6_i32).flat_map(i32::to_le_bytes).collect();
    let expected = NumpyFile::Many(vec![
        (
            "encoder/x".to_owned(),
            tensor(DType::Int32, [2, 3], numbers),
        ),
        (
            "b".to_owned(),
            tensor(DType::Fp64, [1], 0.5_f64.to_le_bytes().to_vec()),
        ),
    ]);
    for name in ["stored.npz", "deflated.npz"] {
        let found = read_file(&path(name), &Limits::default()).unwrap();
        assert_eq!(found, expected, "{name}");
    }
}

#[test]
fn arrays_that_are_no_tensors_are_refused_by_their_cause() {
    let check = |name: &str, expected: &str| {
        let error = read_file(&path(name), &Limits::default()).unwrap_err();
        assert!(error.to_string().ends_with(name), "{error}");
        assert_eq!(causes(&error), expected);
    };
    check(
        "objects.npy",
        "element type `|O` holds Python objects, which are never unpickled",
    );
    check("fields.npy", "structured element types are not supported");
    check(
        "complex.npy",
        "element type `<c16` (complex numbers) is not supported",
    );
    check(
        "dates.npy",
        "element type `<M8[D]` (dates) is not supported",
    );
    check(
        "records.npy",
        "element type `|V3` (bytes without a meaning) is not supported",
    );
    check(
        "make.py",
        "the content is neither an .npy array nor an .npz archive",
    );
    let missing = read_file(&path("missing.npy"), &Limits::default()).unwrap_err();
    assert!(missing.to_string().ends_with("does not exist"), "{missing}");
}
