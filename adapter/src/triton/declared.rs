//! What is declared of a model's tensors: whether there can be such tensors, and whether a runner's model has them.

use std::collections::BTreeSet;

use nav_package_format::{Dim, Signature, TensorSpec};

use crate::callable::Context;
use crate::config::{ModelFault, Tensor};

/// What is declared, as the engine knows it.
pub(super) fn signature(context: &Context) -> Result<Signature, ModelFault> {
    let is_batched = context.is_batched();
    let specs = |tensors: &[Tensor], field: &str| {
        check_names(tensors, field)?;
        let specs = tensors.iter().map(|it| it.spec(is_batched, field));
        specs.collect::<Result<Vec<TensorSpec>, _>>()
    };
    if let Some(optional) = context.outputs.iter().find(|it| it.optional) {
        let field = format!("outputs[{}].optional", optional.name());
        let reason = "requests leave out inputs only; they name the outputs that they want";
        return Err(ModelFault::new(field, reason));
    }
    Ok(Signature {
        inputs: specs(&context.inputs, "inputs")?,
        outputs: specs(&context.outputs, "outputs")?,
    })
}

fn check_names(tensors: &[Tensor], field: &str) -> Result<(), ModelFault> {
    if let Some(nameless) = tensors.iter().position(|it| it.name().is_empty()) {
        let reason = "a name has one character at least";
        return Err(ModelFault::new(format!("{field}[{nameless}].name"), reason));
    }
    let mut names = BTreeSet::new();
    let twice = tensors.iter().find(|it| !names.insert(it.name()));
    twice.map_or(Ok(()), |twice| {
        let reason = format!("`{}` is there twice", twice.name());
        Err(ModelFault::new(field, reason))
    })
}

/// Whether what is declared is what a runner's model has. Where nothing is declared, it is what that has.
pub(super) fn agree(declared: &Signature, found: &Signature) -> Result<(), ModelFault> {
    agree_in(&declared.inputs, &found.inputs, "inputs")?;
    agree_in(&declared.outputs, &found.outputs, "outputs")
}

fn agree_in(declared: &[TensorSpec], found: &[TensorSpec], field: &str) -> Result<(), ModelFault> {
    if declared.is_empty() {
        return Ok(());
    }
    for spec in declared {
        let name = &spec.name;
        let Some(own) = found.iter().find(|it| it.name == *name) else {
            let reason = format!("the runner's model has no `{name}`");
            return Err(ModelFault::new(field, reason));
        };
        let refuse = |member: &str, reason: String| {
            Err(ModelFault::new(format!("{field}[{name}]{member}"), reason))
        };
        if own.dtype != spec.dtype || !fit(spec.dims.as_deref(), own.dims.as_deref()) {
            let (said, is) = (spec.dims_text(), own.dims_text());
            let reason = format!(
                "it is declared as {} {said}, and is {} {is}",
                spec.dtype, own.dtype
            );
            return refuse("", reason);
        }
        if spec.optional && !own.optional {
            return refuse(".optional", "the runner's model needs it".to_owned());
        }
    }
    let is_declared = |own: &TensorSpec| declared.iter().any(|spec| spec.name == own.name);
    let mut needed = found.iter().filter(|own| !own.optional);
    let missing = needed.find(|own| !is_declared(own));
    missing.map_or(Ok(()), |own| {
        let reason = format!("the runner's model has `{}`, too", own.name);
        Err(ModelFault::new(field, reason))
    })
}

/// Whether there are tensors of both dimensions.
fn fit(one: Option<&[Dim]>, other: Option<&[Dim]>) -> bool {
    let (Some(one), Some(other)) = (one, other) else {
        return true;
    };
    let fits = |pair: (&Dim, &Dim)| match pair {
        (Dim::Fixed(one), Dim::Fixed(other)) => one == other,
        _ => true,
    };
    one.len() == other.len() && one.iter().zip(other).all(fits)
}
