use std::error::Error as _;

use nav_package_format::onnx::build::{dims, external_tensor, node, tensor};
use nav_package_format::onnx::proto::GraphProto;
use nav_package_format::{DType, TrustClass};

use super::*;

fn graph() -> GraphProto {
    GraphProto::named("double")
        .takes("x", DType::Fp32, &dims("batch,2"))
        .with(node("Mul", &["x", "w"], &["y"]))
        .gives("y", DType::Fp32, &dims("batch,2"))
}

fn complete() -> GraphProto {
    graph().holds(tensor("w", &[2], &[2.0_f32, 2.0]))
}

#[test]
fn a_model_is_told_with_the_digests_of_all_its_files() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("w.bin"), "12345678").unwrap();
    let place = [("location", "w.bin")];
    let model = graph().holds(external_tensor("w", DType::Fp32, &[2], &place));
    let path = folder.path().join("model.onnx");
    model.into_model().write(&path).unwrap();

    let inspection = inspect(&path).unwrap();
    let bytes = std::fs::read(&path).unwrap();
    let file = |path: &str, bytes: &[u8]| FileFacts {
        path: path.to_owned(),
        bytes: bytes.len() as u64,
        sha256: Digest::of(bytes),
    };
    assert_eq!(inspection.schema, 1);
    assert_eq!(inspection.format, Format::Onnx);
    assert_eq!(inspection.named_as, None);
    assert_eq!(inspection.trust, TrustClass::DataOnly);
    assert_eq!(inspection.file, file("model.onnx", &bytes));
    assert_eq!(inspection.external_files, [file("w.bin", b"12345678")]);
    let inputs = &inspection.signature().unwrap().inputs;
    assert_eq!(inputs[0].to_string(), "x: FP32 [batch,2]");

    let text = serde_json::to_string(&inspection).unwrap();
    assert_eq!(
        serde_json::from_str::<Inspection>(&text).unwrap(),
        inspection
    );
}

#[test]
fn the_content_decides_and_a_name_that_says_otherwise_is_reported() {
    let folder = tempfile::tempdir().unwrap();
    let check = |name: &str, named_as| {
        let path = folder.path().join(name);
        complete().into_model().write(&path).unwrap();
        let inspection = inspect(&path).unwrap();
        assert_eq!(
            (inspection.format, inspection.named_as),
            (Format::Onnx, named_as)
        );
    };
    check("model.onnx", None);
    check("model.bin", None);
    check("model.pt", Some(Format::TorchScript));
}

#[test]
fn faults_of_the_content_are_told_apart_from_those_of_the_path() {
    let folder = tempfile::tempdir().unwrap();
    let check = |name: &str, content: Option<&[u8]>, integrity: bool, expected: &str| {
        let path = folder.path().join(name);
        if let Some(content) = content {
            std::fs::write(&path, content).unwrap();
        }
        let error = inspect(&path).unwrap_err();
        let source = error.source().map(|source| format!(": {source}"));
        let found = format!("{error}{}", source.unwrap_or_default());
        let expected = expected.replace('@', &path.display().to_string());
        assert_eq!((found, error.is_integrity()), (expected, integrity));
    };
    check("none.onnx", None, false, "@ does not exist");
    check("", None, false, "@ is a folder, not a file");
    check(
        "text.md",
        Some(b"# Read me"),
        true,
        "@ is no model of a known kind",
    );
    check(
        "text.onnx",
        Some(b"# Read me"),
        true,
        "@ is not an acceptable ONNX model: not an ONNX model: malformed field key at byte 0",
    );
    check(
        "empty.onnx",
        Some(b""),
        true,
        "@ is not an acceptable ONNX model: the file is empty",
    );
    let cut = complete().into_model().to_bytes();
    check(
        "cut.onnx",
        Some(&cut[..30]),
        true,
        "@ is not an acceptable ONNX model: cut short at byte 9",
    );
    check(
        "pickle.pt",
        Some(b"\x80\x02}q\x00."),
        true,
        "@ is not an acceptable TorchScript archive: a bare pickle, not TorchScript: opening it would run code, so it is never opened",
    );
    check(
        "weights.onnx",
        Some(b"\x89HDF\r\n\x1a\n"),
        true,
        "@ is an HDF5 file, which is not supported",
    );
}

#[test]
fn a_torch_script_archive_is_native_code_without_a_signature() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model.onnx");
    let mut writer = zip::ZipWriter::new(File::create(&path).unwrap());
    for name in ["net/data.pkl", "net/code/__torch__.py", "net/constants.pkl"] {
        let options = zip::write::SimpleFileOptions::default();
        writer.start_file(name, options).unwrap();
    }
    writer.finish().unwrap();
    let inspection = inspect(&path).unwrap();
    assert_eq!(inspection.format, Format::TorchScript);
    assert_eq!(inspection.named_as, Some(Format::Onnx));
    assert_eq!(inspection.trust, TrustClass::NativeCode);
    assert_eq!(inspection.signature(), None);
}
