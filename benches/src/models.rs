//! The models that are measured, generated.

use std::fs::File;
use std::io::{self, Seek, SeekFrom, Write};
use std::path::Path;

use nav_package_format::DType;
use nav_package_format::onnx::build::{dims, node, raw_tensor, tensor};
use nav_package_format::onnx::proto::{GraphProto, ModelProto};
use prost::Message as _;

/// Adds 1 to an FP32 `x` of shape `[1,16]`.
pub fn add() -> ModelProto {
    GraphProto::named("add")
        .takes("x", DType::Fp32, &dims("1,16"))
        .holds(tensor("one", &[1], &[1.0_f32]))
        .with(node("Add", &["x", "one"], &["y"]))
        .gives("y", DType::Fp32, &dims("1,16"))
        .into_model()
}

/// Gives back an FP32 `x` of any length.
pub fn identity() -> ModelProto {
    GraphProto::named("identity")
        .takes("x", DType::Fp32, &dims("n"))
        .with(node("Identity", &["x"], &["y"]))
        .gives("y", DType::Fp32, &dims("n"))
        .into_model()
}

/// Square layers one after the other, each with weights of its own that are used.
pub fn deep(layers: usize, width: usize) -> ModelProto {
    let shape = dims(&format!("batch,{width}"));
    let side = i64::try_from(width).unwrap_or_default();
    let mut graph = GraphProto::named("deep").takes("x0", DType::Fp32, &shape);
    for layer in 0..layers {
        let [input, weights] = [format!("x{layer}"), format!("w{layer}")];
        let output = format!("x{}", layer + 1);
        let value = 1.0 / (1.0 + f32::from(u16::try_from(layer).unwrap_or_default()));
        let values = vec![value; width * width];
        graph = graph
            .holds(tensor(&weights, &[side, side], &values))
            .with(node("MatMul", &[&input, &weights], &[&output]));
    }
    graph
        .gives(&format!("x{layers}"), DType::Fp32, &shape)
        .into_model()
}

/// Adds 1 to rows of FP32, of which there may be any number.
pub fn rows(width: usize) -> ModelProto {
    let shape = dims(&format!("n,{width}"));
    GraphProto::named("rows")
        .takes("x", DType::Fp32, &shape)
        .holds(tensor("one", &[1], &[1.0_f32]))
        .with(node("Add", &["x", "one"], &["y"]))
        .gives("y", DType::Fp32, &shape)
        .into_model()
}

/// The keys of fields that hold bytes: `ModelProto.graph`, `GraphProto.initializer`,
/// `TensorProto.raw_data`.
const GRAPH: u8 = 7 << 3 | 2;
const INITIALIZER: u8 = 5 << 3 | 2;
const RAW_DATA: u8 = 9 << 3 | 2;

/// Writes a model with this many weights of this many bytes, all zero, of which the file system keeps
/// none.
pub fn write_large(path: &Path, weights: usize, bytes: usize) -> io::Result<()> {
    let graph = GraphProto::named("large")
        .takes("x", DType::Fp32, &dims("1"))
        .with(node("Identity", &["x"], &["y"]))
        .gives("y", DType::Fp32, &dims("1"));
    let head = ModelProto {
        graph: None,
        ..GraphProto::default().into_model()
    };
    let graph = graph.encode_to_vec();
    let weights = (0..weights).map(|number| weight(&format!("weight_{number}"), bytes));
    let weights: Vec<Vec<u8>> = weights.collect();
    let holes = bytes * weights.len();
    let fixed = graph.len() + weights.iter().map(Vec::len).sum::<usize>();
    let mut file = io::BufWriter::new(File::create(path)?);
    file.write_all(&head.encode_to_vec())?;
    file.write_all(&[GRAPH])?;
    file.write_all(&length(fixed + holes))?;
    file.write_all(&graph)?;
    for start in weights {
        file.write_all(&start)?;
        let hole = i64::try_from(bytes).map_err(io::Error::other)?;
        file.seek(SeekFrom::Current(hole))?;
    }
    let end = file.stream_position()?;
    file.flush()?;
    file.get_ref().set_len(end)
}

/// Everything of a weight but its value, which comes last.
fn weight(name: &str, bytes: usize) -> Vec<u8> {
    let count = i64::try_from(bytes / 4).unwrap_or(i64::MAX);
    let mut tensor = raw_tensor(name, DType::Fp32, &[count], Vec::new());
    tensor.raw_data = None;
    let mut inside = tensor.encode_to_vec();
    inside.push(RAW_DATA);
    inside.extend(length(bytes));
    let mut start = vec![INITIALIZER];
    start.extend(length(inside.len() + bytes));
    start.extend(inside);
    start
}

/// A length as protobuf writes it.
fn length(number: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    // Room is never short in a list that grows.
    let _infallible = prost::encode_length_delimiter(number, &mut bytes);
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_large_model_is_a_model() {
        let file = tempfile::NamedTempFile::new().unwrap();
        write_large(file.path(), 3, 1 << 16).unwrap();
        let model = ModelProto::decode(std::fs::read(file.path()).unwrap().as_slice()).unwrap();
        let weights = model.graph.unwrap().initializer;
        let sizes: Vec<usize> = weights.iter().map(|it| it.raw_data().len()).collect();
        assert_eq!(sizes, [1 << 16; 3]);
        let facts = nav_package_format::onnx::verify(file.path()).unwrap();
        assert_eq!(facts.signature.inputs.len(), 1);
    }
}
