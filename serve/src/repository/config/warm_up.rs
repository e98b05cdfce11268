//! Requests that a model must answer before it is ready: of zeros, of anything, or of files of the model.

use std::path::Path;

use bytes::Bytes;
use nav_engine::{Filling, ModelOptions, Request, WarmUp, WarmUpSample, WarmUpTensor};
use nav_package_format::{DType, Shape, Signature, strings};

use super::ConfigError;
use super::files::read;
use super::tensors::dtype;
use crate::proto::ModelWarmup;
use crate::proto::model_warmup::Input;
use crate::proto::model_warmup::input::InputDataType;

/// The folder of a model that files for warming up are in.
const FOLDER: &str = "warmup";
/// The requests of these samples, each as often as it says.
pub(crate) fn requests(
    samples: &[ModelWarmup],
    signature: &Signature,
    (options, folder): (&ModelOptions, Option<&Path>),
) -> Result<Vec<Request>, ConfigError> {
    let folder = folder.map(|folder| folder.join(FOLDER));
    let mut warm_up = WarmUp::new(signature, options.max_batch);
    for (index, sample) in samples.iter().enumerate() {
        let inputs = sample.inputs.iter().map(|(name, input)| {
            let folder = folder.as_deref();
            WarmUpTensor {
                name,
                dtype: dtype(input.data_type),
                make: move |dtype, rows| tensor(input, dtype, (rows, folder)),
            }
        });
        let added = warm_up.add(WarmUpSample {
            batch_size: usize::try_from(sample.batch_size).unwrap_or(usize::MAX),
            count: usize::try_from(sample.count).unwrap_or(usize::MAX),
            inputs: inputs.collect(),
        });
        added.map_err(|fault| {
            let field = format!("model_warmup[{index}].{}", fault.field);
            ConfigError::field(field, fault.reason)
        })?;
    }
    Ok(warm_up.into_requests())
}

fn tensor(
    input: &Input,
    dtype: DType,
    (rows, folder): (Option<usize>, Option<&Path>),
) -> Result<(Shape, Bytes), String> {
    let extents = input.dims.iter().map(|dim| {
        let extent = usize::try_from(*dim).ok().filter(|extent| *extent > 0);
        extent.ok_or_else(|| format!("{dim} is no extent of a request"))
    });
    let extents: Vec<usize> = extents.collect::<Result<_, _>>()?;
    let shape = Shape::new(rows.into_iter().chain(extents));
    let bytes = match &input.input_data_type {
        Some(InputDataType::InputDataFile(name)) => {
            let limit = Filling::most_bytes(dtype, &shape)?;
            let limit = u64::try_from(limit).unwrap_or(u64::MAX);
            let bytes = read(folder, name, limit)?;
            let count = shape.element_count().map_err(|error| error.to_string())?;
            let size = shape.byte_size(dtype);
            match size.map_err(|error| error.to_string())? {
                Some(size) if size != bytes.len() => {
                    return Err(format!("`{name}` has {} bytes, not {size}", bytes.len()));
                }
                Some(_) => {}
                None => strings::check(&bytes, count).map_err(|error| error.to_string())?,
            }
            bytes
        }
        Some(InputDataType::RandomData(true)) => Filling::Numbers.bytes(dtype, &shape)?,
        Some(InputDataType::ZeroData(true)) => Filling::Zeros.bytes(dtype, &shape)?,
        _ => {
            return Err("it says neither zero_data nor random_data nor input_data_file".to_owned());
        }
    };
    Ok((shape, bytes.into()))
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
