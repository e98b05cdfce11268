//! What comes out of engines: numbers, shapes, from several sessions, with and without recorded runs.

use std::sync::Arc;

use nav_package_format::DType;
use nav_package_format::onnx::build::{dims, node};
use nav_package_format::onnx::proto::GraphProto;
use nav_runners::{Loaded, Session, TensorDesc};

use crate::double::{Counter, Host, infer};
use crate::values::{check_rows, data, doubled, expect, floats, rows, whole};

#[test]
fn numbers_are_right_for_every_batch_and_nothing_is_left() {
    let host = Host::new(&[("latency_us", "300")]);
    let model = host.load(doubled(), &[]).unwrap();
    let mut session = Arc::clone(&model).session().unwrap();
    for (count, first) in [(1, 0.5), (8, 3.0), (64, -7.0), (2, 1e6), (64, 0.0)] {
        check_rows(session.as_mut(), count, first);
    }
    assert!(host.count(Counter::DeviceBuffers) > 0);
    drop((session, model));
    host.assert_clean();
}

#[test]
fn every_type_goes_in_and_comes_out() {
    let host = Host::new(&[]);
    let graph = GraphProto::named("types")
        .takes("numbers", DType::Int64, &dims("n"))
        .takes("halves", DType::Fp16, &dims("n"))
        .takes("choice", DType::Bool, &dims("n"))
        .takes("unused", DType::Fp32, &dims("n"))
        .with(node("Add", &["numbers", "numbers"], &["sums"]))
        .with(node("Neg", &["halves"], &["negative"]))
        .with(node("Not", &["choice"], &["other"]))
        .gives("sums", DType::Int64, &dims("n"))
        .gives("negative", DType::Fp16, &dims("n"))
        .gives("other", DType::Bool, &dims("n"));
    let model = host.load(graph, &[]).unwrap();
    let mut session = Arc::clone(&model).session().unwrap();
    let one_half = [0x00_u8, 0x38];
    let choice = data(DType::Bool, &[3], &[[0], [1], [1]]);
    let inputs = [
        whole(&[3], &[1, -2, i64::MAX / 2]),
        data(DType::Fp16, &[3], &[one_half, [0, 0], one_half]),
        choice,
        floats(&[3], &[0.0; 3]),
    ];
    let expected = [
        whole(&[3], &[2, -4, i64::MAX - 1]),
        data(DType::Fp16, &[3], &[[0x00, 0xb8], [0, 0x80], [0x00, 0xb8]]),
        data(DType::Bool, &[3], &[[1], [0], [0]]),
    ];
    expect(&infer(session.as_mut(), &inputs).unwrap(), &expected);
    drop((session, model));
    host.assert_clean();
}

#[test]
fn any_byte_but_0_is_true_and_the_device_sees_1() {
    let host = Host::new(&[]);
    let graph = GraphProto::named("other")
        .takes("choice", DType::Bool, &dims("n"))
        .with(node("Not", &["choice"], &["other"]))
        .gives("other", DType::Bool, &dims("n"));
    let model = host.load(graph, &[]).unwrap();
    let mut session = Arc::clone(&model).session().unwrap();
    let choice = TensorDesc {
        index: 0,
        dtype: DType::Bool,
        shape: [4].into(),
        byte_size: 4,
    };
    for memory in session.stage(&[choice]).unwrap() {
        memory.copy_from_slice(&[0, 1, 2, 255]);
    }
    let outputs = session.run().unwrap();
    expect(&outputs, &[data(DType::Bool, &[4], &[[1], [0], [0], [0]])]);
    drop((outputs, session, model));
    host.assert_clean();
}

#[test]
fn a_shape_that_only_running_tells_is_told() {
    let host = Host::new(&[("latency_us", "300")]);
    let graph = GraphProto::named("open")
        .takes("x", DType::Fp32, &dims("n"))
        .with(node("NonZero", &["x"], &["where"]))
        .with(node("Neg", &["x"], &["negative"]))
        .gives("where", DType::Int64, &dims("1,found"))
        .gives("negative", DType::Fp32, &dims("n"));
    let model = host.load(graph, &[("cuda.graph", "1")]).unwrap();
    let mut session = Arc::clone(&model).session().unwrap();
    let check = |session: &mut dyn Session, x: &[f32], found: &[i64]| {
        let negative: Vec<f32> = x.iter().map(|x| -x).collect();
        let outputs = infer(session, &[floats(&[x.len()], x)]).unwrap();
        let expected = [
            whole(&[1, found.len()], found),
            floats(&[x.len()], &negative),
        ];
        expect(&outputs, &expected);
    };
    check(session.as_mut(), &[0.0, 1.0, 0.0, 2.0], &[1, 3]);
    check(session.as_mut(), &[1.0, 1.0, 1.0, 2.0], &[0, 1, 2, 3]);
    check(session.as_mut(), &[0.0, 0.0, 1.0, 0.0], &[2]);
    check(session.as_mut(), &[0.0, 0.0], &[]);
    drop((session, model));
    host.assert_clean();
}

#[test]
fn no_rows_are_taken_where_an_engine_is_built_for_none() {
    let host = Host::new(&[]);
    let entries = [("tensorrt.extent.batch", "0:2:4")];
    let model = host.load(doubled(), &entries).unwrap();
    let mut session = Arc::clone(&model).session().unwrap();
    for count in [0, 3, 0] {
        check_rows(session.as_mut(), count, 1.0);
    }
    drop((session, model));
    host.assert_clean();
}

#[test]
fn shapes_that_an_engine_was_not_built_for_are_refused_by_name() {
    let host = Host::new(&[]);
    let entries = [("tensorrt.extent.batch", "2:3:4")];
    let model = host.load(doubled(), &entries).unwrap();
    let mut session = Arc::clone(&model).session().unwrap();
    for count in [1, 5] {
        let refused = infer(session.as_mut(), &[rows(count, 0.0).0]).unwrap_err();
        let expected = format!(
            "input `x` has shape [{count},2], expected [2 to 4,2], which the engine was built for"
        );
        assert_eq!(refused.to_string(), expected);
        check_rows(session.as_mut(), 4, 2.0);
    }
}

#[test]
fn a_recorded_run_gives_the_same_and_is_recorded_anew_when_something_changes() {
    let host = Host::new(&[("latency_us", "300")]);
    let model = host.load(doubled(), &[("cuda.graph", "1")]).unwrap();
    let mut session = Arc::clone(&model).session().unwrap();
    for (count, first) in [(2, 0.0), (2, 1.0), (2, 2.0), (2, 3.0)] {
        check_rows(session.as_mut(), count, first);
    }
    // The first sets up, the second is recorded and launched.
    assert_eq!(host.count(Counter::Launches), 3);
    assert_eq!(host.count(Counter::Graphs), 1);
    assert_eq!(host.count(Counter::Runs), 4);
    for (count, first) in [(64, 4.0), (64, 5.0), (1, 6.0), (1, 7.0), (64, 8.0)] {
        check_rows(session.as_mut(), count, first);
    }
    assert_eq!(host.count(Counter::Launches), 5);
    drop((session, model));
    host.assert_clean();
}

#[test]
fn sessions_work_side_by_side_and_share_the_engine() {
    let host = Host::new(&[("latency_us", "200")]);
    for entries in [&[] as &[(&str, &str)], &[("cuda.graph", "1")]] {
        let model = host.load(doubled(), entries).unwrap();
        std::thread::scope(|scope| {
            for number in 0_u8..4 {
                let model: Arc<dyn Loaded> = Arc::clone(&model);
                scope.spawn(move || {
                    let mut session = model.session().unwrap();
                    for run in 0_u8..20 {
                        let first = f32::from(number) * 100.0 + f32::from(run);
                        check_rows(session.as_mut(), usize::from(run % 3) + 1, first);
                    }
                });
            }
        });
        drop(model);
        host.assert_clean();
    }
}

#[test]
fn a_model_in_the_middle_of_others_works_with_memory_of_its_own() {
    let host = Host::new(&[]);
    let graph = GraphProto::named("sum")
        .takes("a", DType::Fp32, &dims("n"))
        .takes("b", DType::Fp32, &dims("n"))
        .with(node("Sub", &["a", "b"], &["difference"]))
        .with(node("Sub", &["b", "a"], &["opposite"]))
        .gives("difference", DType::Fp32, &dims("n"))
        .gives("opposite", DType::Fp32, &dims("n"));
    let model = host.load(graph, &[]).unwrap();
    let mut one = Arc::clone(&model).session().unwrap();
    let mut other = Arc::clone(&model).session().unwrap();
    let inputs = [floats(&[2], &[5.0, 7.0]), floats(&[2], &[1.0, 2.0])];
    let kept = infer(one.as_mut(), &inputs).unwrap();
    let zeros = [floats(&[2], &[0.0; 2]), floats(&[2], &[0.0; 2])];
    infer(one.as_mut(), &zeros).unwrap();
    infer(other.as_mut(), &zeros).unwrap();
    expect(
        &kept,
        &[floats(&[2], &[4.0, 5.0]), floats(&[2], &[-4.0, -5.0])],
    );
}
