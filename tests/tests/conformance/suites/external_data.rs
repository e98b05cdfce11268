//! Weights in files beside the model, and in no other.

use std::os::unix::fs::symlink;

use nav_package_format::DType;
use nav_package_format::onnx::build::{dims, external_tensor, node};
use nav_package_format::onnx::proto::GraphProto;
use nav_runners::{LoadError, ModelFile};

use crate::case::{Failure, Suite, case};
use crate::comparison::Tolerance;
use crate::subject::{Subject, check_outputs, infer};
use crate::values::numbers;

pub(crate) const SUITE: Suite = Suite {
    name: "external-data",
    cases: &[
        case("beside-the-model", |subject| {
            loads(subject, "weights.bin", 0)
        }),
        case("at-an-offset", |subject| {
            loads(subject, "weights.bin", 4096)
        }),
        case("in-a-folder", |subject| {
            loads(subject, "parts/weights.bin", 0)
        }),
        case("absolute-path", |subject| {
            let path = subject.path("weights.bin");
            refuses(subject, &path.to_string_lossy())
        }),
        case("above-the-folder", |subject| {
            refuses(subject, "../weights.bin")
        }),
        case("out-and-in-again", |subject| {
            refuses(subject, "parts/../weights.bin")
        }),
        case("link-to-outside", |subject| refuses(subject, "link.bin")),
        case("link-to-a-folder", |subject| {
            refuses(subject, "folder/weights.bin")
        }),
        case("not-there", |subject| refuses(subject, "nothing.bin")),
        case("too-short", |subject| refuses(subject, "short.bin")),
    ],
};

const WEIGHT: [f32; 4] = [1.0, 2.0, 3.0, 4.0];

fn graph(location: &str, offset: u64) -> GraphProto {
    let offset = offset.to_string();
    let entries = [
        ("location", location),
        ("offset", &offset),
        ("length", "16"),
    ];
    GraphProto::named("external")
        .takes("x", DType::Fp32, &dims("n,4"))
        .holds(external_tensor("weight", DType::Fp32, &[4], &entries))
        .with(node("Add", &["x", "weight"], &["y"]))
        .gives("y", DType::Fp32, &dims("n,4"))
}

/// A folder with a model in it, and weights wherever a model might ask for them.
fn write(subject: &Subject, location: &str, offset: u64) -> Result<ModelFile, Failure> {
    let model = subject.write(graph(location, offset))?;
    let folder = subject.path("inside");
    let outside = subject.path("outside");
    for folder in [&folder, &folder.join("parts"), &outside] {
        std::fs::create_dir_all(folder)?;
    }
    let mut weights = vec![0; usize::try_from(offset)?];
    weights.extend(WEIGHT.iter().flat_map(|number| number.to_le_bytes()));
    let places = [
        subject.path("weights.bin"),
        folder.join("weights.bin"),
        folder.join("parts/weights.bin"),
        outside.join("weights.bin"),
    ];
    for place in places {
        std::fs::write(place, &weights)?;
    }
    std::fs::write(folder.join("short.bin"), &weights[..15])?;
    symlink(outside.join("weights.bin"), folder.join("link.bin"))?;
    symlink(&outside, folder.join("folder"))?;
    let path = folder.join("model.onnx");
    std::fs::rename(&model.path, &path)?;
    Ok(ModelFile { path, ..model })
}

fn loads(subject: &Subject, location: &str, offset: u64) -> Result<(), Failure> {
    let model = write(subject, location, offset)?;
    let mut session = subject.load_file(&model)?.session()?;
    let x = numbers(&[2, 4], &[0.5_f32; 8]);
    let y: Vec<f32> = WEIGHT
        .iter()
        .chain(&WEIGHT)
        .map(|weight| weight + 0.5)
        .collect();
    let outputs = infer(session.as_mut(), &[x])?;
    check_outputs(&outputs, &[numbers(&[2, 4], &y)], Tolerance::Exact)
}

fn refuses(subject: &Subject, location: &str) -> Result<(), Failure> {
    let model = write(subject, location, 0)?;
    match subject.load_file(&model) {
        Err(LoadError::Unacceptable { path, .. }) if path == model.path => Ok(()),
        Err(error) => Err(Failure(format!("it was refused with {error:?}"))),
        Ok(_) => Err(Failure::new("it was loaded")),
    }
}
