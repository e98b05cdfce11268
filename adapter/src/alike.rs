//! Whether models that runners have loaded can stand in for each other: what the first one is asked, the others must be
//! able to answer.

use nav_package_format::{Dim, Signature, TensorSpec};

/// Where another model differs from the first, and how; nothing where it can be asked instead.
pub(crate) fn difference(first: &Signature, other: &Signature) -> Option<(String, String)> {
    // What is given is declared to clients, so that it may only be more exact.
    let gives = |one: &TensorSpec, other: &TensorSpec| is_within(other, one);
    tensors("inputs", (&first.inputs, &other.inputs), is_within)
        .or_else(|| tensors("outputs", (&first.outputs, &other.outputs), gives))
}

fn tensors(
    field: &str,
    (first, others): (&[TensorSpec], &[TensorSpec]),
    fits: impl Fn(&TensorSpec, &TensorSpec) -> bool,
) -> Option<(String, String)> {
    // Tensors go by their places, so that their order counts.
    for (one, other) in first.iter().zip(others) {
        let fits = one.name == other.name && one.dtype == other.dtype && fits(one, other);
        if !fits {
            let why = format!("it is `{other}`, and that of the first runner `{one}`");
            return Some((format!("{field}[{}]", other.name), why));
        }
        if one.optional && !other.optional {
            let why = "the first runner can do without it".to_owned();
            return Some((format!("{field}[{}]", other.name), why));
        }
    }
    let (one, other) = (first.get(others.len()), others.get(first.len()));
    let missing = one.map(|one| (one, "the first runner has it, and this one does not"));
    let surplus = other.map(|other| (other, "the first runner does not have it"));
    let (spec, why) = missing.or(surplus)?;
    Some((format!("{field}[{}]", spec.name), why.to_owned()))
}

/// Whether every shape of this tensor is one of the other.
fn is_within(this: &TensorSpec, other: &TensorSpec) -> bool {
    let Some(wider) = &other.dims else {
        return true;
    };
    let Some(dims) = &this.dims else {
        return false;
    };
    let fits = |(wide, dim): (&Dim, &Dim)| !matches!(wide, Dim::Fixed(_)) || wide == dim;
    dims.len() == wider.len() && wider.iter().zip(dims).all(fits)
}

#[cfg(test)]
mod tests {
    use nav_package_format::DType;

    use super::*;

    fn spec(name: &str, dims: &[Option<usize>]) -> TensorSpec {
        let dims = dims.iter().map(|dim| dim.map_or(Dim::Unknown, Dim::Fixed));
        TensorSpec {
            name: name.to_owned(),
            dtype: DType::Fp32,
            dims: Some(dims.collect()),
            optional: false,
        }
    }

    fn check(
        first: (&[&TensorSpec], &[&TensorSpec]),
        other: (&[&TensorSpec], &[&TensorSpec]),
        expected: Option<(&str, &str)>,
    ) {
        let signature = |(inputs, outputs): (&[&TensorSpec], &[&TensorSpec])| Signature {
            inputs: inputs.iter().copied().cloned().collect(),
            outputs: outputs.iter().copied().cloned().collect(),
        };
        let found = difference(&signature(first), &signature(other));
        let found = found.as_ref().map(|(place, why)| (&**place, &**why));
        assert_eq!(found, expected);
    }

    #[test]
    fn another_model_takes_as_much_and_gives_no_more() {
        let (open, fixed) = (spec("x", &[None]), spec("x", &[Some(4)]));
        let same = Some("it is `x: FP32 [4]`, and that of the first runner `x: FP32 [?]`");
        check((&[&open], &[]), (&[&open], &[]), None);
        check((&[&fixed], &[]), (&[&open], &[]), None);
        let why = same.map(|why| ("inputs[x]", why));
        check((&[&open], &[]), (&[&fixed], &[]), why);
        check((&[], &[&open]), (&[], &[&fixed]), None);
        let why = "it is `x: FP32 [?]`, and that of the first runner `x: FP32 [4]`";
        check((&[], &[&fixed]), (&[], &[&open]), Some(("outputs[x]", why)));
    }

    #[test]
    fn names_types_and_numbers_must_be_the_same() {
        let (x, y) = (spec("x", &[None]), spec("y", &[None]));
        let why = "it is `y: FP32 [?]`, and that of the first runner `x: FP32 [?]`";
        check((&[&x], &[]), (&[&y], &[]), Some(("inputs[y]", why)));
        let whole = TensorSpec {
            dtype: DType::Int32,
            ..x.clone()
        };
        let why = "it is `x: INT32 [?]`, and that of the first runner `x: FP32 [?]`";
        check((&[&x], &[]), (&[&whole], &[]), Some(("inputs[x]", why)));
        let (one, both) = (&[&x][..], &[&x, &y][..]);
        let why = "the first runner has it, and this one does not";
        check((both, &[]), (one, &[]), Some(("inputs[y]", why)));
        let why = "the first runner does not have it";
        check((&[], one), (&[], both), Some(("outputs[y]", why)));
        let optional = TensorSpec {
            optional: true,
            ..x.clone()
        };
        check((one, &[]), (&[&optional], &[]), None);
        let why = "the first runner can do without it";
        check((&[&optional], &[]), (one, &[]), Some(("inputs[x]", why)));
    }
}
