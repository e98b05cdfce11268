//! Tensors: as a configuration declares them, and what remains of a model's own signature where it says less or more.

use std::collections::HashSet;

use nav_package_format::{DType, Dim, Signature, TensorSpec};

use super::{ConfigError, sequences};
use crate::describe::data_type;
use crate::proto::model_sequence_batching::State;
use crate::proto::{DataType, ModelConfig, ModelTensorReshape};

/// An input or output as it is declared.
struct Declared<'a> {
    fields: Fields,
    name: &'a str,
    data_type: i32,
    dims: &'a [i64],
    optional: bool,
}

/// Where what is declared of a tensor stands.
struct Fields {
    name: String,
    data_type: String,
    dims: String,
    optional: String,
}

/// The tensors of a configuration that must declare them, since nothing else does. `None` when it declares none.
pub(crate) fn declared(config: &ModelConfig) -> Result<Option<Signature>, ConfigError> {
    let (inputs, mut outputs) = (inputs(config)?, outputs(config)?);
    if config.input.is_empty() && config.output.is_empty() {
        return Ok(None);
    }
    let mut names = HashSet::new();
    outputs.retain(|it| names.insert(it.name));
    let has_batch = config.max_batch_size > 0;
    let specs = |declared: Vec<Declared<'_>>| {
        let spec = |it: Declared<'_>| it.spec(has_batch);
        declared.into_iter().map(spec).collect::<Result<_, _>>()
    };
    Ok(Some(Signature {
        inputs: specs(inputs)?,
        outputs: specs(outputs)?,
    }))
}

/// The signature of a model as a configuration narrows it, in the model's own order. What is filled in for sequences is
/// part of it.
pub(crate) fn narrowed(config: &ModelConfig, own: &Signature) -> Result<Signature, ConfigError> {
    let has_batch = config.max_batch_size > 0;
    let narrow = |role: &'static str, declared: Vec<Declared<'_>>, own: &[TensorSpec]| {
        if declared.is_empty() {
            return Ok(own.to_vec());
        }
        if let Some(unknown) = declared
            .iter()
            .find(|it| own.iter().all(|spec| spec.name != it.name))
        {
            let names: Vec<&str> = own.iter().map(|spec| spec.name.as_str()).collect();
            let reason = format!(
                "the model has no {role} `{}`, but {}",
                unknown.name,
                names.join(", ")
            );
            return Err(ConfigError::field(&unknown.fields.name, reason));
        }
        let must_all_be = role == "input" && !config.input.is_empty() && !leaves_inputs(config);
        let narrow = |spec: &TensorSpec| {
            let mut declared = declared.iter().filter(|it| it.name == spec.name).peekable();
            if declared.peek().is_none() && must_all_be && !spec.optional {
                let reason = format!("the model needs `{}`, which is not there", spec.name);
                return Err(ConfigError::field(role, reason));
            }
            declared.try_fold(spec.clone(), |spec, it| it.narrow(&spec, has_batch))
        };
        own.iter().map(narrow).collect()
    };
    Ok(Signature {
        inputs: narrow("input", inputs(config)?, &own.inputs)?,
        outputs: narrow("output", outputs(config)?, &own.outputs)?,
    })
}

/// Whether it leaves inputs to the server to fill, which it is told are left to clients.
fn leaves_inputs(config: &ModelConfig) -> bool {
    !config.batch_input.is_empty()
}

fn inputs(config: &ModelConfig) -> Result<Vec<Declared<'_>>, ConfigError> {
    let inputs = config.input.iter().enumerate();
    let inputs = inputs.map(|(index, input)| {
        let field = format!("input[{index}]");
        refuse_reshape(&field, input.reshape.as_ref())?;
        Ok(Declared {
            fields: Fields::of(&field),
            name: &input.name,
            data_type: input.data_type,
            dims: &input.dims,
            optional: input.optional,
        })
    });
    let sequence = sequences::of(config);
    let states = state_tensors(config, "input_name", |state| &state.input_name);
    let controls = match sequence {
        Some(sequence) => sequences::controls(sequence)?,
        None => Vec::new(),
    };
    let given = sequence.into_iter().flat_map(|it| &it.control_input);
    let controls = given.zip(controls).enumerate();
    let controls = controls.map(|(index, (given, control))| {
        let name = format!("{}.name", sequences::control_field(index));
        Ok(Declared {
            fields: Fields {
                data_type: sequences::type_field(index, given),
                dims: name.clone(),
                optional: name.clone(),
                name,
            },
            name: &given.name,
            data_type: data_type(control.control.dtype()).into(),
            dims: &[1],
            optional: false,
        })
    });
    checked(inputs.chain(states).chain(controls))
}

/// The inputs or the outputs of what is kept of sequences.
fn state_tensors<'a>(
    config: &'a ModelConfig,
    field: &'static str,
    name: impl Fn(&'a State) -> &'a str,
) -> impl Iterator<Item = Result<Declared<'a>, ConfigError>> {
    let states = sequences::of(config).into_iter().flat_map(|it| &it.state);
    states.enumerate().map(move |(index, state)| {
        let at = sequences::state_field(index);
        Ok(Declared {
            fields: Fields {
                name: format!("{at}.{field}"),
                ..Fields::of(&at)
            },
            name: name(state),
            data_type: state.data_type,
            dims: &state.dims,
            optional: false,
        })
    })
}

fn outputs(config: &ModelConfig) -> Result<Vec<Declared<'_>>, ConfigError> {
    let outputs = config.output.iter().enumerate();
    let outputs = outputs.map(|(index, output)| {
        let field = format!("output[{index}]");
        refuse_reshape(&field, output.reshape.as_ref())?;
        Ok(Declared {
            fields: Fields::of(&field),
            name: &output.name,
            data_type: output.data_type,
            dims: &output.dims,
            optional: false,
        })
    });
    // Clients may get what is kept, too.
    let mut outputs = checked(outputs)?;
    let states = state_tensors(config, "output_name", |state| &state.output_name);
    outputs.extend(checked(states)?);
    Ok(outputs)
}

fn refuse_reshape(field: &str, reshape: Option<&ModelTensorReshape>) -> Result<(), ConfigError> {
    if reshape.is_none() {
        return Ok(());
    }
    let reason = "tensors reach the model in the shape in which they are sent";
    Err(ConfigError::field(format!("{field}.reshape"), reason))
}

fn checked<'a>(
    declared: impl Iterator<Item = Result<Declared<'a>, ConfigError>>,
) -> Result<Vec<Declared<'a>>, ConfigError> {
    let declared: Vec<Declared<'a>> = declared.collect::<Result<_, _>>()?;
    let mut names = HashSet::new();
    for it in &declared {
        let refuse = |field: &str, reason: String| Err(ConfigError::field(field, reason));
        if it.name.is_empty() {
            return refuse(&it.fields.name, "it must have one".to_owned());
        }
        if !names.insert(it.name) {
            return refuse(&it.fields.name, format!("`{}` is there twice", it.name));
        }
        if let Some(dim) = it.dims.iter().find(|dim| **dim < -1 || **dim == 0) {
            let reason = format!("{dim} is no extent; one that may vary is -1");
            return refuse(&it.fields.dims, reason);
        }
        if DataType::try_from(it.data_type).is_err() {
            let reason = format!("there is no type {}", it.data_type);
            return refuse(&it.fields.data_type, reason);
        }
    }
    Ok(declared)
}

/// The type that this number stands for.
pub(super) fn dtype(number: i32) -> Option<DType> {
    let declared = DataType::try_from(number).ok()?;
    let mut types = DType::ALL.iter().copied();
    types.find(|it| data_type(*it) == declared)
}

impl Fields {
    fn of(at: &str) -> Self {
        let field = |name: &str| format!("{at}.{name}");
        Self {
            name: field("name"),
            data_type: field("data_type"),
            dims: field("dims"),
            optional: field("optional"),
        }
    }
}

impl Declared<'_> {
    /// The dimensions with that of the batch.
    fn all_dims(&self, has_batch: bool) -> Vec<Dim> {
        let batch = has_batch.then_some(Dim::Unknown);
        let rest = self
            .dims
            .iter()
            .map(|dim| usize::try_from(*dim).map_or(Dim::Unknown, Dim::Fixed));
        batch.into_iter().chain(rest).collect()
    }

    fn spec(&self, has_batch: bool) -> Result<TensorSpec, ConfigError> {
        let dtype = dtype(self.data_type).ok_or_else(|| {
            let field = &self.fields.data_type;
            ConfigError::field(field, "it must be given, since the model does not tell")
        })?;
        Ok(TensorSpec {
            name: self.name.to_owned(),
            dtype,
            dims: Some(self.all_dims(has_batch)),
            optional: self.optional,
        })
    }

    /// What is left of the model's own declaration.
    fn narrow(&self, own: &TensorSpec, has_batch: bool) -> Result<TensorSpec, ConfigError> {
        let refuse = |field: &str, reason: String| Err(ConfigError::field(field, reason));
        if let Some(dtype) = dtype(self.data_type)
            && dtype != own.dtype
        {
            let reason = format!(
                "it is {}, and that of the model's `{}` is {}",
                data_type(dtype).as_str_name(),
                own.name,
                data_type(own.dtype).as_str_name()
            );
            return refuse(&self.fields.data_type, reason);
        }
        if self.optional && !own.optional {
            let reason = format!("the model cannot do without `{}`", own.name);
            return refuse(&self.fields.optional, reason);
        }
        let dims = if self.dims.is_empty() {
            own.dims.clone()
        } else {
            let declared = self.all_dims(has_batch);
            match &own.dims {
                None => Some(declared),
                Some(dims) => match both(&declared, dims) {
                    Some(both) => Some(both),
                    None => return refuse(&self.fields.dims, self.misfit(own, has_batch)),
                },
            }
        };
        Ok(TensorSpec {
            name: own.name.clone(),
            dtype: own.dtype,
            dims,
            optional: self.optional,
        })
    }

    fn misfit(&self, own: &TensorSpec, has_batch: bool) -> String {
        let batch = if has_batch {
            ", and with max_batch_size the first dimension is that of the batch, which is not in dims"
        } else {
            ""
        };
        format!(
            "{:?} is not within {}, which `{}` has in the model{batch}",
            self.dims,
            own.dims_text(),
            own.name
        )
    }
}

/// The dimensions that fit both, if what is declared is within what the model takes.
fn both(declared: &[Dim], own: &[Dim]) -> Option<Vec<Dim>> {
    if declared.len() != own.len() {
        return None;
    }
    let pairs = declared.iter().zip(own);
    pairs
        .map(|(declared, own)| match (declared, own) {
            (Dim::Fixed(one), Dim::Fixed(other)) if one != other => None,
            (Dim::Fixed(_), _) => Some(declared.clone()),
            (_, Dim::Fixed(_)) => None,
            _ => Some(own.clone()),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::repository::config::of_text;

    fn own() -> Signature {
        let spec = |name: &str, dims: Vec<Dim>, optional| TensorSpec {
            name: name.to_owned(),
            dtype: DType::Fp32,
            dims: Some(dims),
            optional,
        };
        let n = || Dim::Symbolic("n".to_owned());
        Signature {
            inputs: vec![
                spec("x", vec![n(), Dim::Fixed(3)], false),
                spec("bias", vec![n(), Dim::Unknown], true),
            ],
            outputs: vec![spec("y", vec![n(), Dim::Unknown], false)],
        }
    }

    #[test]
    fn a_configuration_narrows_what_a_model_takes() {
        let check = |text: &str, expected: Result<&str, &str>| {
            let config = of_text(text.as_bytes()).unwrap();
            let found = narrowed(&config, &own()).map(|signature| {
                let specs = signature.inputs.iter().chain(&signature.outputs);
                let texts =
                    specs.map(|spec| format!("{spec}{}", if spec.optional { "?" } else { "" }));
                texts.collect::<Vec<_>>().join(", ")
            });
            let found = found.map_err(|error| error.to_string());
            let found = found.as_deref().map_err(String::as_str);
            assert_eq!(found, expected, "{text}");
        };
        let all = "x: FP32 [n,3], bias: FP32 [n,?]?, y: FP32 [n,?]";
        check("", Ok(all));
        check(
            "max_batch_size: 4 input { name: 'x' data_type: TYPE_FP32 dims: 3 }",
            Ok(all),
        );
        check(
            "input { name: 'x' data_type: TYPE_FP32 dims: [ -1, 3 ] }",
            Ok(all),
        );
        check(
            "max_batch_size: 4 input { name: 'x' } output { name: 'y' dims: 7 }",
            Ok("x: FP32 [n,3], bias: FP32 [n,?]?, y: FP32 [n,7]"),
        );
        check(
            "input { name: 'bias' }",
            Err("input: the model needs `x`, which is not there"),
        );
        check(
            "input { name: 'bias' } batch_input { }",
            Ok("x: FP32 [n,3], bias: FP32 [n,?], y: FP32 [n,?]"),
        );
        check(
            "input { name: 'z' }",
            Err("input[0].name: the model has no input `z`, but x, bias"),
        );
        check(
            "input [ { name: 'x' }, { name: 'x' } ]",
            Err("input[1].name: `x` is there twice"),
        );
        check("output { }", Err("output[0].name: it must have one"));
        check(
            "input { name: 'x' data_type: TYPE_INT8 }",
            Err("input[0].data_type: it is TYPE_INT8, and that of the model's `x` is TYPE_FP32"),
        );
        check(
            "input { name: 'x' data_type: 77 }",
            Err("input[0].data_type: there is no type 77"),
        );
        check(
            "input { name: 'x' dims: [ -1, 0 ] }",
            Err("input[0].dims: 0 is no extent; one that may vary is -1"),
        );
        check(
            "input { name: 'x' dims: [ -1, -1 ] }",
            Err("input[0].dims: [-1, -1] is not within [n,3], which `x` has in the model"),
        );
        check(
            "max_batch_size: 1 input { name: 'x' dims: [ -1, 3 ] }",
            Err(
                "input[0].dims: [-1, 3] is not within [n,3], which `x` has in the model, and with max_batch_size the first dimension is that of the batch, which is not in dims",
            ),
        );
        check(
            "input { name: 'x' optional: true }",
            Err("input[0].optional: the model cannot do without `x`"),
        );
        check(
            "input { name: 'x' dims: 3 reshape { shape: [ 3, 1 ] } }",
            Err("input[0].reshape: tensors reach the model in the shape in which they are sent"),
        );
    }

    #[test]
    fn a_model_without_tensors_of_its_own_has_those_that_are_declared() {
        let text = "max_batch_size: 2 input { name: 'x' data_type: TYPE_STRING dims: 2 } output { name: 'y' data_type: TYPE_BF16 dims: -1 }";
        let config = of_text(text.as_bytes()).unwrap();
        let signature = declared(&config).unwrap().unwrap();
        assert_eq!(signature.inputs[0].to_string(), "x: BYTES [?,2]");
        assert_eq!(signature.outputs[0].to_string(), "y: BF16 [?,?]");
        let config = of_text(b"input { name: 'x' dims: 2 }").unwrap();
        let error = declared(&config).unwrap_err().to_string();
        assert!(error.starts_with("input[0].data_type: "), "{error}");
        assert_eq!(declared(&ModelConfig::default()), Ok(None));
    }
}
