use std::os::unix::fs::symlink;
use std::path::Path;

use rustix::fs::{CWD, FileType, Mode};

use crate::DType;
use crate::onnx::build::{self, external_tensor, node};
use crate::onnx::proto::{
    AttributeProto, FunctionProto, GraphProto, SparseTensorProto, TensorProto,
};
use crate::onnx::{ExternalFile, ModelFileError, verify};

/// A folder with a file of 16 bytes, ways out of it, and things that are no file.
fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let inside = folder.path().join("model");
    std::fs::create_dir_all(inside.join("parts")).unwrap();
    std::fs::write(folder.path().join("outside.bin"), [0; 16]).unwrap();
    std::fs::write(inside.join("w.bin"), [0; 16]).unwrap();
    std::fs::write(inside.join("parts/w.bin"), [0; 8]).unwrap();
    std::fs::write(inside.join("named.bin"), [0; 16]).unwrap();
    std::fs::hard_link(inside.join("named.bin"), inside.join("named twice.bin")).unwrap();
    symlink("w.bin", inside.join("link.bin")).unwrap();
    symlink("../outside.bin", inside.join("link out.bin")).unwrap();
    symlink("parts", inside.join("linked parts")).unwrap();
    let pipe = inside.join("pipe");
    rustix::fs::mknodat(CWD, &pipe, FileType::Fifo, Mode::from(0o600), 0).unwrap();
    folder
}

fn outcome(folder: &Path, tensor: TensorProto) -> Result<Vec<ExternalFile>, String> {
    let path = folder.join("model/model.onnx");
    let model = GraphProto::named("g").holds(tensor).into_model();
    model.write(&path).unwrap();
    match verify(&path) {
        Ok(facts) => Ok(facts.external_files),
        Err(ModelFileError::External(error)) => {
            assert_eq!(error.tensor, "w");
            assert!(error.is_integrity());
            Err(error.fault.to_string())
        }
        Err(error) => panic!("{error}"),
    }
}

fn check(entries: &[(&str, &str)], expected: Result<&str, &str>) {
    let folder = folder();
    let tensor = external_tensor("w", DType::Fp32, &[2], entries);
    let found = outcome(folder.path(), tensor).map(|files| files[0].path.clone());
    let expected = expected.map(str::to_owned).map_err(str::to_owned);
    assert_eq!(found, expected, "{entries:?}");
}

#[test]
fn a_file_in_the_models_folder_is_accepted() {
    check(&[("location", "w.bin")], Ok("w.bin"));
    check(
        &[("location", "./parts/w.bin"), ("length", "8")],
        Ok("parts/w.bin"),
    );
    let last = [
        ("location", "w.bin"),
        ("offset", "8"),
        ("length", "8"),
        ("checksum", "00"),
    ];
    check(&last, Ok("w.bin"));
}

#[test]
fn a_path_that_leads_out_of_the_folder_is_refused() {
    check(
        &[("location", "../outside.bin")],
        Err("the path leads out of a folder"),
    );
    check(
        &[("location", "parts/../../outside.bin")],
        Err("the path leads out of a folder"),
    );
    check(&[("location", "/etc/passwd")], Err("the path is absolute"));
    check(
        &[("location", "link.bin")],
        Err("the path leads over a symbolic link"),
    );
    check(
        &[("location", "link out.bin")],
        Err("the path leads over a symbolic link"),
    );
    check(
        &[("location", "linked parts/w.bin")],
        Err("the path leads over a symbolic link"),
    );
    check(
        &[("location", "named.bin")],
        Err("the file has 2 hard links, one is allowed"),
    );
}

#[test]
fn only_a_file_that_is_there_is_accepted() {
    check(&[("location", "pipe")], Err("it is not a regular file"));
    check(&[("location", "parts")], Err("it is not a regular file"));
    check(
        &[("location", "none.bin")],
        Err("there is no such file in the model's folder"),
    );
    check(&[], Err("the model names no file"));
}

#[test]
fn only_keys_that_are_known_are_accepted_and_once_each() {
    let with = |key, value| [("location", "w.bin"), (key, value)];
    check(
        &with("basepath", "/tmp"),
        Err("the key \"basepath\" is not allowed"),
    );
    check(
        &with("Offset", "0"),
        Err("the key \"Offset\" is not allowed"),
    );
    check(
        &with("location", "w.bin"),
        Err("the key \"location\" is given more than once"),
    );
}

#[test]
fn the_bytes_must_be_in_the_file_and_as_many_as_the_shape_asks_for() {
    let with = |offset, length| {
        [
            ("location", "w.bin"),
            ("offset", offset),
            ("length", length),
        ]
    };
    check(
        &with("9", "8"),
        Err("8 bytes from byte 9 on go past the end of a file of 16"),
    );
    check(
        &with("9223372036854775807", "8"),
        Err("8 bytes from byte 9223372036854775807 on go past the end of a file of 16"),
    );
    check(
        &[("location", "parts/w.bin"), ("offset", "1")],
        Err("8 bytes from byte 1 on go past the end of a file of 8"),
    );
    check(
        &with("0", "12"),
        Err("the length is 12 bytes, but shape and type ask for 8"),
    );
    for text in [
        "-1",
        "+1",
        " 1",
        "1 ",
        "0x1",
        "1.0",
        "",
        "9223372036854775808",
        "١",
    ] {
        let expected = format!("offset is {text:?}, not a number of bytes");
        check(&with(text, "8"), Err(&expected));
        let expected = format!("length is {text:?}, not a number of bytes");
        check(&with("0", text), Err(&expected));
    }
}

#[test]
fn byte_strings_cannot_be_external() {
    let folder = folder();
    let tensor = external_tensor("w", DType::Bytes, &[1], &[("location", "w.bin")]);
    let error = outcome(folder.path(), tensor).unwrap_err();
    assert_eq!(error, "byte strings cannot be external");
}

#[test]
fn a_tensor_is_found_wherever_it_hides() {
    let folder = folder();
    let path = folder.path().join("model/model.onnx");
    let bad = || external_tensor("w", DType::Fp32, &[2], &[("location", "../outside.bin")]);
    let of_attribute = |attribute: AttributeProto| {
        GraphProto::named("g").with(node("Constant", &[], &["c"]).with(attribute))
    };
    let sparse = || SparseTensorProto {
        values: Some(build::tensor("v", &[1], &[0_i64])),
        indices: Some(bad()),
        dims: vec![2],
    };
    let mut sparse_initializer = GraphProto::named("g");
    sparse_initializer.sparse_initializer.push(sparse());
    let several = AttributeProto {
        tensors: vec![bad()],
        ..AttributeProto::default()
    };
    let sparse_values = AttributeProto {
        sparse_tensor: Some(sparse()),
        ..AttributeProto::default()
    };
    let inner = of_attribute(build::tensor_value("value", bad()));
    let several_graphs = AttributeProto {
        graphs: vec![inner.clone()],
        ..AttributeProto::default()
    };
    let mut function = GraphProto::named("g").into_model();
    function.functions.push(FunctionProto {
        node: inner.node.clone(),
        ..FunctionProto::default()
    });
    let mut default_of_function = GraphProto::named("g").into_model();
    default_of_function.functions.push(FunctionProto {
        attribute_proto: vec![build::tensor_value("value", bad())],
        ..FunctionProto::default()
    });
    let models = [
        GraphProto::named("g").holds(bad()).into_model(),
        sparse_initializer.into_model(),
        inner.clone().into_model(),
        of_attribute(several).into_model(),
        of_attribute(sparse_values).into_model(),
        of_attribute(build::graph_value("body", inner)).into_model(),
        of_attribute(several_graphs).into_model(),
        function,
        default_of_function,
    ];
    for (number, model) in models.into_iter().enumerate() {
        model.write(&path).unwrap();
        let error = verify(&path).unwrap_err();
        assert!(
            matches!(&error, ModelFileError::External(error) if error.tensor == "w"),
            "model {number}: {error}"
        );
    }
}

#[test]
fn files_are_listed_once_and_sorted() {
    let folder = folder();
    let path = folder.path().join("model/model.onnx");
    let at = |name, location, offset| {
        external_tensor(
            name,
            DType::Fp32,
            &[2],
            &[("location", location), ("offset", offset)],
        )
    };
    let model = GraphProto::named("g")
        .holds(at("a", "w.bin", "0"))
        .holds(at("b", "./w.bin", "8"))
        .holds(at("c", "parts/w.bin", "0"))
        .into_model();
    model.write(&path).unwrap();
    let facts = verify(&path).unwrap();
    let files: Vec<_> = facts
        .external_files
        .iter()
        .map(|file| (file.path.as_str(), file.bytes))
        .collect();
    assert_eq!(files, [("parts/w.bin", 8), ("w.bin", 16)]);
    assert_eq!(facts.parameters.total.bytes, 24);
}
