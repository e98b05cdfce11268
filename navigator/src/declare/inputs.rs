//! What the inputs of a model are: as texts that people type, or as samples tell.

use std::collections::BTreeSet;

use nav_package_format::{DType, Dim, TensorData, TensorSpec};

/// The name of the axis along which samples are batched, as far as samples tell it.
pub(super) const BATCH: &str = "batch";

/// Names of element types besides those of the protocol: of NumPy and `PyTorch`, and short ones.
const ALIASES: &[(&str, DType)] = &[
    ("f16", DType::Fp16),
    ("float16", DType::Fp16),
    ("half", DType::Fp16),
    ("bfloat16", DType::Bf16),
    ("f32", DType::Fp32),
    ("float32", DType::Fp32),
    ("float", DType::Fp32),
    ("f64", DType::Fp64),
    ("float64", DType::Fp64),
    ("double", DType::Fp64),
    ("i8", DType::Int8),
    ("i16", DType::Int16),
    ("i32", DType::Int32),
    ("int", DType::Int32),
    ("i64", DType::Int64),
    ("long", DType::Int64),
    ("u8", DType::Uint8),
];

/// A text that is no input.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is no input, which is like x:f32:batch,3,224,224")]
pub struct InputTextError {
    /// The text as given.
    pub text: String,
}

/// An input as people type it: its name, the type of its elements, and its extents, of which open ones have names.
pub fn parse_input(text: &str) -> Result<TensorSpec, InputTextError> {
    let wrong = || InputTextError {
        text: text.to_owned(),
    };
    // A name may hold colons; the other parts do not.
    let mut parts = text.rsplitn(3, ':');
    let (dims, dtype) = (parts.next(), parts.next());
    let name = parts.next().filter(|name| !name.is_empty());
    let (Some(dims), Some(dtype), Some(name)) = (dims, dtype.and_then(dtype_of), name) else {
        return Err(wrong());
    };
    let dims: Option<Vec<Dim>> = if dims.is_empty() {
        Some(Vec::new())
    } else {
        dims.split(',').map(dim_of).collect()
    };
    Ok(TensorSpec {
        name: name.to_owned(),
        dtype,
        dims: Some(dims.ok_or_else(wrong)?),
        optional: false,
    })
}

fn dtype_of(name: &str) -> Option<DType> {
    let lower = name.to_ascii_lowercase();
    let alias = ALIASES.iter().find(|(alias, _)| *alias == lower);
    alias
        .map(|&(_, dtype)| dtype)
        .or_else(|| name.to_ascii_uppercase().parse().ok())
}

fn dim_of(text: &str) -> Option<Dim> {
    let text = text.trim();
    if let Ok(extent) = text.parse() {
        return Some(Dim::Fixed(extent));
    }
    let is_name = text.starts_with(|first: char| first.is_alphabetic() || first == '_');
    let plain = |character: char| character.is_alphanumeric() || "_-.".contains(character);
    (is_name && text.chars().all(plain)).then(|| Dim::Symbolic(text.to_owned()))
}

/// The inputs that samples are of: extents that differ among them are open, and so is the first one where all inputs
/// of each sample share it. None where the samples are not of the same inputs.
pub(super) fn of_samples(samples: &[Vec<(String, TensorData)>]) -> Option<Vec<TensorSpec>> {
    let (first, others) = samples.split_first()?;
    let has_batch = samples.iter().all(|sample| {
        let extents: BTreeSet<Option<&usize>> = sample
            .iter()
            .map(|(_, tensor)| tensor.shape().first())
            .collect();
        extents.len() == 1 && !extents.contains(&None)
    });
    let specs = first.iter().map(|(name, tensor)| {
        let mut same = Vec::with_capacity(others.len());
        for other in others {
            let (_, found) = other.iter().find(|(known, _)| known == name)?;
            let is_like =
                found.dtype() == tensor.dtype() && found.shape().len() == tensor.shape().len();
            same.push(is_like.then_some(found)?);
        }
        let dims = tensor.shape().iter().enumerate().map(|(axis, &extent)| {
            let is_same = same
                .iter()
                .all(|other| other.shape().get(axis) == Some(&extent));
            match axis {
                0 if has_batch => Dim::Symbolic(BATCH.to_owned()),
                _ if is_same => Dim::Fixed(extent),
                _ => Dim::Symbolic(format!("{name}_{axis}")),
            }
        });
        Some(TensorSpec {
            name: name.clone(),
            dtype: tensor.dtype(),
            dims: Some(dims.collect()),
            optional: false,
        })
    });
    let is_complete = others.iter().all(|other| other.len() == first.len());
    specs.collect::<Option<_>>().filter(|_| is_complete)
}

#[cfg(test)]
mod tests {
    use nav_package_format::Shape;

    use super::*;

    #[test]
    fn inputs_have_a_name_a_type_and_extents() {
        let check = |text: &str, expected: Option<&str>| {
            let found = parse_input(text).ok().map(|spec| spec.to_string());
            assert_eq!(found.as_deref(), expected, "{text}");
        };
        check("x:f32:batch,3,224,224", Some("x: FP32 [batch,3,224,224]"));
        check("x:FP16:n", Some("x: FP16 [n]"));
        check("a:b:i64:2", Some("a:b: INT64 [2]"));
        check("mask:bool:batch,seq", Some("mask: BOOL [batch,seq]"));
        check("scale:float32:", Some("scale: FP32 []"));
        check("x:f33:2", None);
        check("x:f32", None);
        check(":f32:2", None);
        check("x:f32:2,,3", None);
        check("x:f32:-1", None);
        check("x:f32:?", None);
    }

    fn sample(inputs: &[(&str, &[usize])]) -> Vec<(String, TensorData)> {
        let inputs = inputs.iter().map(|(name, extents)| {
            let shape = Shape::new(extents.iter().copied());
            let bytes = vec![0; shape.element_count().unwrap()];
            let tensor = TensorData::new(DType::Uint8, shape, bytes).unwrap();
            ((*name).to_owned(), tensor)
        });
        inputs.collect()
    }

    #[test]
    fn samples_tell_what_is_open() {
        let check = |samples: &[Vec<(String, TensorData)>], expected: Option<&[&str]>| {
            let found = of_samples(samples);
            let found: Option<Vec<String>> =
                found.map(|specs| specs.iter().map(ToString::to_string).collect());
            let expected =
                expected.map(|texts| texts.iter().map(|&text| text.to_owned()).collect());
            assert_eq!(found, expected);
        };
        let one = sample(&[("x", &[4, 3]), ("y", &[4])]);
        check(
            std::slice::from_ref(&one),
            Some(&["x: UINT8 [batch,3]", "y: UINT8 [batch]"]),
        );
        let longer = sample(&[("x", &[4, 5]), ("y", &[4])]);
        check(
            &[one.clone(), longer],
            Some(&["x: UINT8 [batch,x_1]", "y: UINT8 [batch]"]),
        );
        let unequal = sample(&[("x", &[2, 3]), ("y", &[1])]);
        check(
            &[one.clone(), unequal],
            Some(&["x: UINT8 [x_0,3]", "y: UINT8 [y_0]"]),
        );
        check(&[one, sample(&[("x", &[4, 3])])], None);
        check(&[], None);
    }
}
