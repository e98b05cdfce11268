//! The folder of models that is served: one of every kind.

use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};

use nav_benches::models::rows;
use nav_package_format::DType;
use nav_package_format::onnx::build::{dims, node};
use nav_package_format::onnx::proto::GraphProto;

/// How many numbers a row has.
pub(crate) const WIDTH: usize = 16;

/// The name of the package's model.
pub(crate) const PACKAGE: &str = "line";

/// The models below this folder, and a package.
pub(crate) fn write(folder: &Path) -> Result<(PathBuf, PathBuf), Box<dyn Error>> {
    let models = folder.join("models");
    let put = |name: &str, config: &str, file: Option<Vec<u8>>| {
        let version = models.join(name).join("1");
        fs::create_dir_all(&version)?;
        fs::write(models.join(name).join("config.pbtxt"), config)?;
        file.map_or(Ok(()), |bytes| fs::write(version.join("model.onnx"), bytes))
    };
    let adds = rows(WIDTH).to_bytes();
    let onnx = |more: &str| {
        let tensors = tensors(("x", "y"), "16");
        format!(
            "backend: 'onnxruntime' max_batch_size: 8 {tensors} {more}
             parameters {{ key: 'intra_op_thread_count' value {{ string_value: '1' }} }}"
        )
    };
    let batching = "dynamic_batching { max_queue_delay_microseconds: 200 }";
    put("rows", &onnx(batching), Some(adds.clone()))?;
    put("coming", &onnx(batching), Some(adds))?;
    let state = "sequence_batching { max_sequence_idle_microseconds: 30000000 oldest { max_candidate_sequences: 256 }
                 state [ { input_name: 'before' output_name: 'after' data_type: TYPE_FP32 dims: [ 16 ] } ] }";
    put("sums", &onnx(state), Some(sums()))?;
    let kept = format!(
        "backend: 'identity' response_cache {{ enable: true }} {}",
        tensors(("x", "y"), "-1")
    );
    put("kept", &kept, None)?;
    let talk = "backend: 'repeat' model_transaction_policy { decoupled: true }";
    put("talk", talk, None)?;
    let step = |from: &str, to: &str| {
        format!(
            "{{ model_name: 'rows' model_version: -1 input_map {{ key: 'x' value: '{from}' }} output_map {{ key: 'y' value: '{to}' }} }}"
        )
    };
    let both = format!(
        "platform: 'ensemble' max_batch_size: 8 {} ensemble_scheduling {{ step [ {}, {} ] }}",
        tensors(("x", "y"), "16"),
        step("x", "between"),
        step("between", "y")
    );
    put("twice", &both, None)?;
    let package = folder.join(PACKAGE).with_extension("nav");
    let sample = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../package-format/tests/data/packages/v1.0.nav"
    );
    fs::copy(sample, &package)?;
    Ok((models, package))
}

fn tensors((input, output): (&str, &str), extent: &str) -> String {
    let one =
        |name: &str| format!("[ {{ name: '{name}' data_type: TYPE_FP32 dims: [ {extent} ] }} ]");
    format!("input {} output {}", one(input), one(output))
}

/// Adds each request of a sequence to those before.
fn sums() -> Vec<u8> {
    let shape = dims(&format!("n,{WIDTH}"));
    GraphProto::named("sums")
        .takes("x", DType::Fp32, &shape)
        .takes("before", DType::Fp32, &shape)
        .with(node("Add", &["x", "before"], &["y"]))
        .with(node("Identity", &["y"], &["after"]))
        .gives("y", DType::Fp32, &shape)
        .gives("after", DType::Fp32, &shape)
        .into_model()
        .to_bytes()
}
