//! Files that are no models, and models that a runner cannot take: refused before anything is run.

use nav_package_format::onnx::build::{dims, node};
use nav_package_format::onnx::proto::GraphProto;
use nav_package_format::onnx::proto::tensor_proto::DataType;
use nav_package_format::{DType, Device, Format};
use nav_runners::{LoadError, LoadOptions, ModelFile};

use crate::case::{Failure, Suite, case};
use crate::subject::Subject;

pub(crate) const SUITE: Suite = Suite {
    name: "loading",
    cases: &[
        case("no-file", |subject| {
            refuses(subject, &subject.file("nothing"), |error| {
                matches!(error, LoadError::Unreadable { .. })
            })
        }),
        case("empty-file", |subject| unacceptable(subject, b"")),
        case("not-a-model", |subject| {
            unacceptable(subject, b"#!/bin/sh\nexit 1\n")
        }),
        case("cut-short", |subject| {
            let whole = std::fs::read(subject.write(graph("Relu"))?.path)?;
            unacceptable(subject, &whole[..whole.len() / 2])
        }),
        case("other-format", other_format),
        case("type-that-no-tensor-has", type_that_no_tensor_has),
        case("unknown-operator", unknown_operator),
        case("unknown-device", unknown_device),
    ],
};

fn graph(operator: &str) -> GraphProto {
    GraphProto::named("graph")
        .takes("x", DType::Fp32, &dims("n"))
        .with(node(operator, &["x"], &["y"]))
        .gives("y", DType::Fp32, &dims("n"))
}

fn refuses(
    subject: &Subject,
    model: &ModelFile,
    expected: impl Fn(&LoadError) -> bool,
) -> Result<(), Failure> {
    match subject.load_file(model) {
        Err(error) if expected(&error) => Ok(()),
        Err(error) => Err(Failure(format!("it was refused with {error:?}"))),
        Ok(_) => Err(Failure::new("it was loaded")),
    }
}

fn unacceptable(subject: &Subject, bytes: &[u8]) -> Result<(), Failure> {
    let model = subject.file("model");
    std::fs::write(&model.path, bytes)?;
    refuses(
        subject,
        &model,
        |error| matches!(error, LoadError::Unacceptable { path, .. } if *path == model.path),
    )
}

fn other_format(subject: &Subject) -> Result<(), Failure> {
    let read = subject.runner.formats();
    let mut others = Format::ALL.iter().filter(|format| !read.contains(format));
    let Some(&format) = others.next() else {
        return Ok(());
    };
    let model = ModelFile {
        format,
        ..subject.write(graph("Relu"))?
    };
    let runner = subject.runner.name().to_owned();
    let expected = LoadError::Format { runner, format };
    refuses(subject, &model, |error| *error == expected)
}

fn type_that_no_tensor_has(subject: &Subject) -> Result<(), Failure> {
    let graph = GraphProto::named("eight_bits")
        .takes("x", DataType::Float8e4m3fn, &dims("n"))
        .with(node("Identity", &["x"], &["y"]))
        .gives("y", DataType::Float8e4m3fn, &dims("n"));
    let model = subject.write(graph)?;
    refuses(
        subject,
        &model,
        |error| matches!(error, LoadError::DType { tensor, .. } if tensor == "x"),
    )
}

fn unknown_operator(subject: &Subject) -> Result<(), Failure> {
    let model = subject.write(graph("Frobnicate"))?;
    refuses(subject, &model, |error| match error {
        LoadError::Model {
            runner,
            path,
            reason,
        } => {
            runner == subject.runner.name() && *path == model.path && reason.contains("Frobnicate")
        }
        _ => false,
    })
}

fn unknown_device(subject: &Subject) -> Result<(), Failure> {
    let model = subject.write(graph("Relu"))?;
    let options = LoadOptions {
        device: Device::Cuda(99),
        ..subject.options()
    };
    match subject.runner.load(&model, &options) {
        Err(
            LoadError::Device {
                device: Device::Cuda(99),
                ..
            }
            | LoadError::Provider { .. },
        ) => Ok(()),
        Err(error) => Err(Failure(format!("it was refused with {error:?}"))),
        Ok(_) => Err(Failure::new("it was loaded")),
    }
}
