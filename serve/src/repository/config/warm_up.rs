//! Requests that a model must answer before it is ready: of zeros, of anything, or of files of the model.

use std::collections::BTreeMap;
use std::path::Path;

use nav_engine::{Filling, ModelOptions, Request};
use nav_package_format::{Shape, Signature, TensorSpec, strings};

use super::ConfigError;
use super::files::read;
use crate::proto::model_warmup::Input;
use crate::proto::model_warmup::input::InputDataType;
use crate::proto::{DataType, ModelWarmup};

/// The folder of a model that files for warming up are in.
const FOLDER: &str = "warmup";
/// The most requests, all samples together.
const MOST_REQUESTS: usize = 1024;

/// The requests of these samples, each as often as it says.
pub(crate) fn requests(
    samples: &[ModelWarmup],
    signature: &Signature,
    (options, folder): (&ModelOptions, Option<&Path>),
) -> Result<Vec<Request>, ConfigError> {
    let folder = folder.map(|folder| folder.join(FOLDER));
    let mut requests = Vec::new();
    for (index, sample) in samples.iter().enumerate() {
        let field = format!("model_warmup[{index}]");
        let rows = rows(sample, options.max_batch)
            .map_err(|reason| ConfigError::field(format!("{field}.batch_size"), reason))?;
        let mut request = Request::new();
        for (name, input) in &sample.inputs {
            let refuse = |reason| ConfigError::field(format!("{field}.inputs[{name}]"), reason);
            let (_, spec) = signature
                .input(name)
                .ok_or_else(|| refuse("the model has no such input".to_owned()))?;
            let (shape, bytes) = tensor(input, spec, (rows, folder.as_deref())).map_err(refuse)?;
            request = request.with_input(name.as_str(), spec.dtype, shape, bytes);
        }
        check_all(&sample.inputs, signature, &field)?;
        let times = usize::try_from(sample.count.max(1)).unwrap_or(usize::MAX);
        if requests.len().saturating_add(times) > MOST_REQUESTS {
            let reason = format!("there can be {MOST_REQUESTS} requests at the most");
            return Err(ConfigError::field(format!("{field}.count"), reason));
        }
        requests.extend(std::iter::repeat_n(request, times));
    }
    Ok(requests)
}

/// The rows of a request, where the model has batches.
fn rows(sample: &ModelWarmup, max_batch: usize) -> Result<Option<usize>, String> {
    let rows = usize::try_from(sample.batch_size).unwrap_or(usize::MAX);
    match (max_batch, rows) {
        (0, 0 | 1) => Ok(None),
        (0, _) => Err("the model has no batches".to_owned()),
        (most, rows) if rows > most => Err(format!("{rows} is more than max_batch_size, {most}")),
        (_, rows) => Ok(Some(rows.max(1))),
    }
}

fn check_all(
    inputs: &BTreeMap<String, Input>,
    signature: &Signature,
    field: &str,
) -> Result<(), ConfigError> {
    let mut needed = signature.inputs.iter().filter(|spec| !spec.optional);
    match needed.find(|spec| !inputs.contains_key(&spec.name)) {
        None => Ok(()),
        Some(missing) => {
            let reason = format!("input `{}` is missing", missing.name);
            Err(ConfigError::field(format!("{field}.inputs"), reason))
        }
    }
}

fn tensor(
    input: &Input,
    spec: &TensorSpec,
    (rows, folder): (Option<usize>, Option<&Path>),
) -> Result<(Shape, Vec<u8>), String> {
    let declared = DataType::try_from(input.data_type).ok();
    if declared != Some(crate::describe::data_type(spec.dtype)) {
        return Err(format!("its type is not {}", spec.dtype));
    }
    let extents = input.dims.iter().map(|dim| {
        let extent = usize::try_from(*dim).ok().filter(|extent| *extent > 0);
        extent.ok_or_else(|| format!("{dim} is no extent of a request"))
    });
    let extents: Vec<usize> = extents.collect::<Result<_, _>>()?;
    let shape = Shape::new(rows.into_iter().chain(extents));
    let bytes = match &input.input_data_type {
        Some(InputDataType::InputDataFile(name)) => {
            let limit = Filling::most_bytes(spec.dtype, &shape)?;
            let limit = u64::try_from(limit).unwrap_or(u64::MAX);
            let bytes = read(folder, name, limit)?;
            let count = shape.element_count().map_err(|error| error.to_string())?;
            let size = shape.byte_size(spec.dtype);
            match size.map_err(|error| error.to_string())? {
                Some(size) if size != bytes.len() => {
                    return Err(format!("`{name}` has {} bytes, not {size}", bytes.len()));
                }
                Some(_) => {}
                None => strings::check(&bytes, count).map_err(|error| error.to_string())?,
            }
            bytes
        }
        Some(InputDataType::RandomData(true)) => Filling::Numbers.bytes(spec.dtype, &shape)?,
        Some(InputDataType::ZeroData(true)) => Filling::Zeros.bytes(spec.dtype, &shape)?,
        _ => {
            return Err("it says neither zero_data nor random_data nor input_data_file".to_owned());
        }
    };
    Ok((shape, bytes))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::repository::config::{declared, of_text};

    const TENSORS: &str = "max_batch_size: 4 input { name: 'x' data_type: TYPE_FP32 dims: 2 } output { name: 'y' data_type: TYPE_FP32 dims: 2 }";

    fn of(sample: &str, folder: &Path) -> Result<Vec<Request>, String> {
        let config = of_text(format!("{TENSORS} model_warmup {{ {sample} }}").as_bytes()).unwrap();
        let signature = declared(&config).unwrap().unwrap();
        let options = ModelOptions::batched(4);
        let made = requests(&config.model_warmup, &signature, (&options, Some(folder)));
        made.map_err(|error| error.to_string())
    }

    #[test]
    fn samples_are_zeros_numbers_or_files() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("warmup")).unwrap();
        std::fs::write(folder.path().join("warmup/x"), [1; 16]).unwrap();
        let check = |text: &str, expected: &dyn Fn(&[u8]) -> bool| {
            let sample = format!(
                "batch_size: 2 count: 3 inputs {{ key: 'x' value {{ data_type: TYPE_FP32 dims: 2 {text} }} }}"
            );
            let made = of(&sample, folder.path()).unwrap();
            assert_eq!(made.len(), 3);
            let input = &made[0].inputs[0];
            assert_eq!(input.shape, Shape::from([2, 2]));
            assert!(expected(&input.frames[0]), "{text}: {:?}", input.frames);
        };
        check("zero_data: true", &|bytes| bytes == [0; 16]);
        check("input_data_file: 'x'", &|bytes| bytes == [1; 16]);
        check("random_data: true", &|bytes| {
            let (numbers, _) = bytes.as_chunks::<4>();
            let mut numbers = numbers.iter().map(|it| f32::from_le_bytes(*it));
            numbers.len() == 4 && numbers.all(|it| (1.0..2.0).contains(&it))
        });
    }

    #[test]
    fn samples_that_no_request_could_be_are_named() {
        let folder = tempfile::tempdir().unwrap();
        let check = |sample: &str, expected: &str| {
            assert_eq!(of(sample, folder.path()).unwrap_err(), expected);
        };
        check(
            "batch_size: 5",
            "model_warmup[0].batch_size: 5 is more than max_batch_size, 4",
        );
        check("", "model_warmup[0].inputs: input `x` is missing");
        check(
            "inputs { key: 'z' value { } }",
            "model_warmup[0].inputs[z]: the model has no such input",
        );
        check(
            "inputs { key: 'x' value { data_type: TYPE_INT8 } }",
            "model_warmup[0].inputs[x]: its type is not FP32",
        );
        check(
            "inputs { key: 'x' value { data_type: TYPE_FP32 dims: -1 zero_data: true } }",
            "model_warmup[0].inputs[x]: -1 is no extent of a request",
        );
        check(
            "inputs { key: 'x' value { data_type: TYPE_FP32 dims: [ 1000000, 1000000 ] zero_data: true } }",
            "model_warmup[0].inputs[x]: it has more than 1073741824 bytes",
        );
        check(
            "inputs { key: 'x' value { data_type: TYPE_FP32 dims: 2 input_data_file: '../x' } }",
            "model_warmup[0].inputs[x]: `../x` does not name a file of the model's folder",
        );
        check(
            "inputs { key: 'x' value { data_type: TYPE_FP32 dims: 2 } }",
            "model_warmup[0].inputs[x]: it says neither zero_data nor random_data nor input_data_file",
        );
    }
}
