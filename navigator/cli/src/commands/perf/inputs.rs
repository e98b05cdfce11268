//! The requests of a measurement: from what the model takes to tensors, random, zero or from files.

use std::path::Path;

use anyhow::Context;
use nav_navigator::samples::{DimensionValues, Dimensions, generate, read_samples};
use nav_package_format::{DType, Dim, Shape, Signature, TensorData, TensorSpec};
use nav_perf::{Call, Described, Parameter};

use super::PerfArgs;
use crate::exit::UsageError;
use crate::printer::Printer;

/// The requests that are sent in turns.
pub(super) fn calls(
    args: &PerfArgs,
    model: &str,
    described: &Described,
    printer: Printer,
) -> anyhow::Result<Vec<Call>> {
    let has_batches = described.max_batch.map_or(args.batch > 1, |most| most > 0);
    check_batch(args, described)?;
    let signature = shaped(&described.signature, &args.shape, has_batches)?;
    let outputs = &described.signature.outputs;
    for name in &args.output {
        if !outputs.iter().any(|output| output.name == *name) {
            let text = format!("`{model}` has no output `{name}`");
            return Err(UsageError(text).into());
        }
    }
    let expected = if args.output.is_empty() {
        outputs.iter().map(|output| output.name.clone()).collect()
    } else {
        args.output.clone()
    };
    let parameters: Vec<(String, Parameter)> = args
        .parameter
        .iter()
        .map(|text| parameter(text))
        .collect::<Result<_, _>>()?;
    let call = |inputs| Call {
        model: model.to_owned(),
        version: args.model_version.clone(),
        inputs,
        outputs: args.output.clone(),
        expected,
        parameters,
    };
    let base = call(Vec::new());
    let with = |inputs| Call {
        inputs,
        ..base.clone()
    };
    let all = match args.data.as_str() {
        "random" | "zero" => made(args, &signature, has_batches, printer)?,
        path => {
            let samples = read_samples(Path::new(path), &signature);
            let samples = samples.with_context(|| format!("cannot use --data {path}"))?;
            samples.into_iter().map(|sample| sample.inputs).collect()
        }
    };
    Ok(all.into_iter().map(with).collect())
}

fn check_batch(args: &PerfArgs, described: &Described) -> Result<(), UsageError> {
    let text = match described.max_batch {
        _ if args.batch == 0 => "--batch must be more than 0".to_owned(),
        Some(0) if args.batch > 1 => "the model has no batches, so --batch must be 1".to_owned(),
        Some(most) if most > 0 && args.batch > most => {
            format!("a batch of the model has {most} rows at most, and --batch asks for more")
        }
        _ => return Ok(()),
    };
    Err(UsageError(text))
}

/// The signature with the extents that were typed.
fn shaped(
    signature: &Signature,
    shapes: &[String],
    has_batches: bool,
) -> Result<Signature, UsageError> {
    let mut signature = signature.clone();
    for text in shapes {
        let wrong = || UsageError(format!("`{text}` is not INPUT=EXTENT,..."));
        let (name, extents) = text.rsplit_once('=').ok_or_else(wrong)?;
        let extents: Option<Vec<Dim>> = extents
            .split([',', 'x'])
            .map(|extent| extent.trim().parse().ok().map(Dim::Fixed))
            .collect();
        let mut extents = extents.ok_or_else(wrong)?;
        let names: Vec<String> = signature.inputs.iter().map(|it| it.name.clone()).collect();
        let input = signature.inputs.iter_mut().find(|it| it.name == name);
        let input = input.ok_or_else(|| {
            let names = names.join("`, `");
            UsageError(format!("there is no input `{name}`; there are `{names}`"))
        })?;
        let declared = input.dims.clone();
        let rank = declared.as_ref().map(Vec::len);
        let lacks_batch = rank.map_or(has_batches, |rank| extents.len() + 1 == rank);
        if has_batches && lacks_batch {
            extents.insert(0, Dim::Unknown);
        }
        let shape: Shape = extents
            .iter()
            .map(|dim| match dim {
                Dim::Fixed(extent) => *extent,
                _ => 1,
            })
            .collect();
        if !input.admits(&shape) {
            let text = format!("--shape {text} does not fit {input}");
            return Err(UsageError(text));
        }
        input.dims = Some(extents);
    }
    Ok(signature)
}

fn made(
    args: &PerfArgs,
    signature: &Signature,
    has_batches: bool,
    printer: Printer,
) -> anyhow::Result<Vec<Vec<(String, TensorData)>>> {
    let values = DimensionValues::parse(args.dim.iter().map(String::as_str))?;
    let mut dimensions = Dimensions::of(signature, &values)?;
    if has_batches {
        dimensions = dimensions.with_batch(signature, args.batch);
    }
    let needed: Vec<&TensorSpec> = signature.inputs.iter().filter(|it| !it.optional).collect();
    for spec in needed.iter().filter(|it| is_open(it, has_batches, &values)) {
        printer.note(&format!(
            "{spec}: what is open is taken to be 1; see --shape and --dim"
        ));
    }
    let is_zero = args.data == "zero";
    let distinct = if is_zero { 1 } else { u64::from(args.distinct) };
    let seeds = (0..distinct).map(|number| args.seed.wrapping_add(number));
    seeds
        .map(|seed| {
            let inputs = needed.iter().map(|spec| {
                let shape = dimensions.shape_of(spec)?;
                let tensor = if is_zero {
                    zeros(spec, &shape)?
                } else {
                    generate(spec, &shape, None, seed)?
                };
                Ok((spec.name.clone(), tensor))
            });
            inputs.collect()
        })
        .collect()
}

/// Whether an input has dimensions, without that of the batch, of which nothing is said.
fn is_open(spec: &TensorSpec, has_batches: bool, values: &DimensionValues) -> bool {
    let mut dims = spec.dims.iter().flatten().skip(usize::from(has_batches));
    dims.any(|dim| match dim {
        Dim::Fixed(_) => false,
        Dim::Unknown => true,
        Dim::Symbolic(name) => !values.names(name),
    })
}

/// Zeros, and empty texts.
fn zeros(spec: &TensorSpec, shape: &Shape) -> anyhow::Result<TensorData> {
    let size = match shape.byte_size(spec.dtype)? {
        Some(size) => size,
        None => shape.element_count()? * size_of::<u32>(),
    };
    let made = TensorData::new(spec.dtype, shape.clone(), vec![0; size]);
    debug_assert!(spec.dtype == DType::Bytes || made.is_ok());
    made.with_context(|| format!("input `{}`", spec.name))
}

/// `name=value`; what looks like a truth value or a number is one.
fn parameter(text: &str) -> Result<(String, Parameter), UsageError> {
    let named = text.split_once('=').filter(|(name, _)| !name.is_empty());
    let (name, value) = named.ok_or_else(|| UsageError(format!("`{text}` is not NAME=VALUE")))?;
    let value = if let Ok(truth) = value.parse::<bool>() {
        Parameter::Bool(truth)
    } else if let Ok(number) = value.parse::<i64>() {
        Parameter::Int(number)
    } else if let Some(number) = value.parse::<f64>().ok().filter(|it| it.is_finite()) {
        Parameter::Double(number)
    } else {
        Parameter::Text(value.to_owned())
    };
    Ok((name.to_owned(), value))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn signature(dims: Vec<Dim>) -> Signature {
        Signature {
            inputs: vec![TensorSpec {
                name: "x".to_owned(),
                dtype: DType::Fp32,
                dims: Some(dims),
                optional: false,
            }],
            outputs: Vec::new(),
        }
    }

    #[test]
    fn shapes_are_those_of_a_row_or_of_all() {
        let open = || vec![Dim::Unknown, Dim::Unknown, Dim::Fixed(3)];
        let check = |text: &str, has_batches, expected: Option<Vec<Dim>>| {
            let found = shaped(&signature(open()), &[text.to_owned()], has_batches).ok();
            let found = found.and_then(|found| found.inputs[0].dims.clone());
            assert_eq!(found, expected, "{text}");
        };
        let fixed = Dim::Fixed;
        check("x=5,3", true, Some(vec![Dim::Unknown, fixed(5), fixed(3)]));
        check("x=2,5,3", true, Some(vec![fixed(2), fixed(5), fixed(3)]));
        check("x=2x5x3", false, Some(vec![fixed(2), fixed(5), fixed(3)]));
        check("x=5,3", false, None);
        check("x=5,4", true, None);
        check("y=5,3", true, None);
        check("x", true, None);
        check("x=a,3", true, None);
    }

    #[test]
    fn a_dimension_is_open_unless_its_whole_name_was_typed() {
        let check = |name: &str, dims: &[&str], expected: bool| {
            let values = DimensionValues::parse(dims.iter().copied()).unwrap();
            let dims = vec![Dim::Symbolic("batch".into()), Dim::Symbolic(name.into())];
            let spec = &signature(dims).inputs[0];
            assert_eq!(is_open(spec, true, &values), expected, "{name} {values:?}");
        };
        check("seq", &[], true);
        check("seq", &["seq=4"], false);
        check("seq", &["sequence=4"], true);
        check("a=b", &["a=b=4"], false);
        check("a=b", &["a=4"], true);
    }

    #[test]
    fn parameters_are_what_they_look_like() {
        let check = |text: &str, expected: Option<Parameter>| {
            let found = parameter(text).ok().map(|(_, value)| value);
            assert_eq!(found, expected, "{text}");
        };
        check("a=true", Some(Parameter::Bool(true)));
        check("a=-3", Some(Parameter::Int(-3)));
        check("a=0.5", Some(Parameter::Double(0.5)));
        check("a=nan", Some(Parameter::Text("nan".to_owned())));
        check("a=b=c", Some(Parameter::Text("b=c".to_owned())));
        check("a=", Some(Parameter::Text(String::new())));
        check("a", None);
        check("=a", None);
    }

    #[test]
    fn zeros_fit_every_type() {
        for dtype in DType::ALL {
            let spec = TensorSpec {
                name: "x".to_owned(),
                dtype: *dtype,
                dims: None,
                optional: false,
            };
            let made = zeros(&spec, &Shape::from([2_usize, 2])).unwrap();
            assert!(made.bytes().iter().all(|byte| *byte == 0), "{dtype}");
        }
    }
}
