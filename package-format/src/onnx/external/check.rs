//! Checks every tensor of a model whose value is elsewhere against the files that are really there.

use std::collections::BTreeMap;

use super::error::{ExternalDataError, ExternalFault};
use super::folder::{ExternalFile, ModelFolder};
use super::location::Location;
use crate::onnx::proto::tensor_proto::DataType;
use crate::onnx::structure::{Entry, Model, Tensor};

/// How much of a model's own text an error repeats.
const SHOWN: usize = 256;

/// Checks the external data of all tensors, and lists the files they are in, sorted by path. Nothing
/// outside `folder` is opened.
pub fn check_external_data(
    folder: &ModelFolder,
    model: &Model,
) -> Result<Vec<ExternalFile>, ExternalDataError> {
    let mut files = BTreeMap::new();
    for tensor in model.tensors().filter(|tensor| tensor.external) {
        check_tensor(folder, tensor, &mut files).map_err(|fault| ExternalDataError {
            tensor: tensor.name.clone(),
            location: location_text(tensor).chars().take(SHOWN).collect(),
            fault,
        })?;
    }
    let files = files.into_iter().map(|(location, bytes)| ExternalFile {
        path: location.as_str().to_owned(),
        bytes,
    });
    Ok(files.collect())
}

fn location_text(tensor: &Tensor) -> &str {
    let mut entries = tensor.external_data.iter();
    entries
        .find(|entry| entry.key == "location")
        .map_or("", |entry| &entry.value)
}

fn check_tensor(
    folder: &ModelFolder,
    tensor: &Tensor,
    files: &mut BTreeMap<Location, u64>,
) -> Result<(), ExternalFault> {
    if tensor.element.known() == Some(DataType::String) {
        return Err(ExternalFault::Strings);
    }
    let place = Place::of_entries(&tensor.external_data)?;
    let size = match files.get(&place.location) {
        Some(&size) => size,
        None => folder.open(&place.location)?.1,
    };
    // Shapes that cannot be counted were refused when the model was read.
    let expected = tensor.byte_size().ok().flatten();
    if let (Some(expected), Some(found)) = (expected, place.length)
        && expected != found
    {
        return Err(ExternalFault::Length { expected, found });
    }
    let length = place.length.or(expected).unwrap_or_default();
    let end = place.offset.checked_add(length);
    if end.is_none_or(|end| end > size) {
        return Err(ExternalFault::Range {
            offset: place.offset,
            length,
            size,
        });
    }
    files.insert(place.location, size);
    Ok(())
}

/// Where a value is.
struct Place {
    location: Location,
    offset: u64,
    length: Option<u64>,
}

impl Place {
    fn of_entries(entries: &[Entry]) -> Result<Self, ExternalFault> {
        let (mut location, mut offset, mut length) = (None, None, None);
        for (position, Entry { key, value }) in entries.iter().enumerate() {
            let before = entries.iter().take(position);
            if before.into_iter().any(|entry| entry.key == *key) {
                return Err(ExternalFault::DuplicateKey(key.clone()));
            }
            match key.as_str() {
                "location" => location = Some(Location::parse(value)?),
                "offset" => offset = Some(number("offset", value)?),
                "length" => length = Some(number("length", value)?),
                // A digest for whoever wants it. Packages have their own, over the whole file.
                "checksum" => {}
                _ => return Err(ExternalFault::Key(key.chars().take(SHOWN).collect())),
            }
        }
        Ok(Self {
            location: location.ok_or(ExternalFault::NoLocation)?,
            offset: offset.unwrap_or_default(),
            length,
        })
    }
}

/// Digits only: other parsers disagree on signs, blanks and what overflows.
fn number(key: &'static str, value: &str) -> Result<u64, ExternalFault> {
    let digits = value.bytes().all(|byte| byte.is_ascii_digit());
    let number = value.parse::<i64>().ok().filter(|_| digits);
    let number = number.and_then(|number| u64::try_from(number).ok());
    number.ok_or_else(|| ExternalFault::Number {
        key,
        value: value.chars().take(SHOWN).collect(),
    })
}

#[cfg(test)]
mod tests;
