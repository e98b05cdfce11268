//! Every type of element, out of a package and through its runner.

use nav_adapter::{Array, DType, Package, PyTritonAdapter};
use nav_package_format::onnx::build::{dims, node};
use nav_package_format::onnx::proto::{GraphProto, ModelProto};

use crate::place::{Place, TRACT, Told, host_with_onnxruntime};

/// Gives back two elements of these types, each as `<type>_output`.
fn copies(types: &[DType]) -> ModelProto {
    let extents = dims("batch,2");
    let graph = types
        .iter()
        .fold(GraphProto::named("copies"), |graph, &dtype| {
            let name = dtype.name().to_lowercase();
            let (input, output) = (format!("{name}_input"), format!("{name}_output"));
            graph
                .takes(&input, dtype, &extents)
                .with(node("Identity", &[&input], &[&output]))
                .gives(&output, dtype, &extents)
        });
    graph.into_model()
}

/// One row of two elements that are not the same.
fn row(dtype: DType) -> Array {
    match dtype.element_size() {
        Some(size) => {
            let elements = [0_u8, 1].map(|byte| vec![byte; size]).concat();
            Array::of_bytes(dtype, [1, 2], elements).unwrap()
        }
        None => Array::strings([1, 2], ["", "ä"]).unwrap(),
    }
}

/// Whether a package of these types, for this runner, tells them and gives them back.
fn check(place: &Place, types: &[DType], told: Told, host: &nav_adapter::Host) {
    let path = place.pack("copies.nav", &copies(types), (&[told], None));
    let package = Package::open_on(path, host).unwrap();
    let adapter = PyTritonAdapter::new(&package, &[]).unwrap();
    let (inputs, outputs) = (adapter.inputs(), adapter.outputs());
    let found = inputs.iter().chain(&outputs).map(|tensor| tensor.dtype);
    assert_eq!(found.collect::<Vec<_>>(), [types, types].concat());
    assert!(inputs.iter().chain(&outputs).all(|it| it.shape == [2]));
    let given: Vec<(&str, Array)> = inputs.iter().map(|it| (it.name(), row(it.dtype))).collect();
    let views: Vec<_> = given
        .iter()
        .map(|(name, array)| (*name, array.view().unwrap()))
        .collect();
    let mut runner = adapter.runner();
    runner.activate().unwrap();
    let answered = runner.infer(&views).unwrap();
    for (tensor, (_, array)) in outputs.iter().zip(&given) {
        let output = Array::from(answered.get(tensor.name()).unwrap());
        assert_eq!(output, *array, "{}", tensor.name());
    }
}

#[test]
fn every_type_of_the_protocol_goes_through_a_package() {
    let place = Place::new();
    // The embedded runner has all of them but one.
    let embedded = DType::ALL.iter().copied();
    let embedded: Vec<DType> = embedded.filter(|dtype| *dtype != DType::Bf16).collect();
    check(&place, &embedded, TRACT, &place.host());
    let told = Told {
        runner: "OnnxCPU",
        ..TRACT
    };
    match host_with_onnxruntime(&place) {
        Ok(host) => check(&place, DType::ALL, told, &host),
        Err(error) => eprintln!("not tested: {error}"),
    }
}
