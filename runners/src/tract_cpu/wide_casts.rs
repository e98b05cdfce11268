//! Casts to INT64 that keep all of its bits.
//!
//! tract gives such a cast its own type for dimensions, in case a shape is made of it, and gets there by
//! way of 32 bits: what does not fit comes out wrong, without an error.

use tract_onnx::prelude::*;
use tract_onnx::tract_core::internal::{
    AxesMapping, EvalContext, EvalOp, Op, StaticName, TypedOp, args_1, as_op, op_as_typed_op,
    op_out_of_plan,
};
use tract_onnx::tract_core::ops::cast::Cast;

/// The same graph with casts that keep 64 bits. To be done before tract rewrites the graph.
pub(super) fn widen(mut graph: TypedModel) -> TractResult<TypedModel> {
    let mut narrow = Vec::new();
    for node in graph.nodes() {
        if node
            .op_as::<Cast>()
            .is_some_and(|cast| cast.to == DatumType::TDim)
            && let [input] = node.inputs[..]
            && is_number(graph.outlet_fact(input)?.datum_type)
        {
            narrow.push(node.id);
        }
    }
    for id in narrow {
        graph.node_mut(id).op = Box::new(WideCast);
    }
    Ok(graph)
}

fn is_number(datum: DatumType) -> bool {
    (datum.is_integer() || datum.is_float()) && !datum.is_quantized()
}

/// Numbers to dimensions, each of which holds 64 bits.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct WideCast;

impl Op for WideCast {
    fn name(&self) -> StaticName {
        "WideCast".into()
    }

    op_as_typed_op!();
}

impl EvalOp for WideCast {
    op_out_of_plan!();

    fn eval(&self, _: &EvalContext<'_>, inputs: TVec<TValue>) -> TractResult<TVec<TValue>> {
        let input = args_1!(inputs);
        let wide = input.cast_to::<i64>()?;
        let dims = wide.to_plain_array_view::<i64>()?.mapv(TDim::from);
        Ok(tvec!(dims.into_tensor().into_tvalue()))
    }
}

impl TypedOp for WideCast {
    as_op!();

    fn output_facts(&self, inputs: &[&TypedFact]) -> TractResult<TVec<TypedFact>> {
        let shapes = inputs.iter().map(|input| input.shape.clone());
        Ok(shapes.map(|shape| TDim::datum_type().fact(shape)).collect())
    }

    fn axes_mapping(
        &self,
        inputs: &[&TypedFact],
        outputs: &[&TypedFact],
    ) -> TractResult<AxesMapping> {
        AxesMapping::natural(inputs, outputs)
    }
}
