//! Engines as files: saved and loaded again, told what they are built for, refused where they are damaged or of something else; and what
//! builds measured.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use nav_package_format::onnx::build::{dims, node};
use nav_package_format::onnx::proto::GraphProto;
use nav_package_format::{DType, Format};
use nav_runners::{Declaration, LoadError, LoadOptions, ModelFile, RunError, Runner};

use crate::double::{Counter, Host, infer};
use crate::support::tensorrt;
use crate::values::{check_rows, doubled, expect, floats, whole};

/// Builds an engine and saves it; the plan and how it is loaded.
fn saved(host: &Host, entries: &[(&str, &str)]) -> (ModelFile, LoadOptions) {
    let path = host.path("model.engine");
    let graph = host.write(doubled());
    let options = host.options(entries);
    let saving = LoadOptions {
        save_to: Some(path.clone()),
        ..options.clone()
    };
    let loaded = tensorrt().load(&graph, &saving).unwrap();
    let declared = Declaration {
        signature: loaded.signature().clone(),
        ..Declaration::default()
    };
    let engine = ModelFile {
        path,
        format: Format::TensorRt,
    };
    let options = LoadOptions {
        declared: Some(declared),
        ..options
    };
    (engine, options)
}

/// Why an engine of these bytes is not loaded.
fn refusal(host: &Host, options: &LoadOptions, bytes: &[u8]) -> String {
    let path = host.path("other.engine");
    std::fs::write(&path, bytes).unwrap();
    let engine = ModelFile {
        path,
        format: Format::TensorRt,
    };
    match tensorrt().load(&engine, options).unwrap_err() {
        LoadError::Model { reason, .. } => reason,
        other => panic!("{other}"),
    }
}

#[test]
fn an_engine_that_was_saved_is_loaded_again_and_says_what_it_is_for() {
    let host = Host::new(&[]);
    let entries = [
        ("tensorrt.extent.batch", "2:3:4"),
        ("tensorrt.tf32", "on"),
        ("tensorrt.builder_level", "5"),
        ("tensorrt.workspace_mib", "7"),
    ];
    let (engine, options) = saved(&host, &entries);
    let plan = std::fs::read(&engine.path).unwrap();
    let text = String::from_utf8_lossy(&plan);
    for told in [
        r#""ranges":{"x":[[2,2],[3,2],[4,2]]}"#,
        r#""tf32":true"#,
        r#""level":5"#,
        r#""workspace":7340032"#,
        r#""capability":[9,0]"#,
    ] {
        assert!(text.contains(told), "{told}");
    }
    let loaded = tensorrt().load(&engine, &options).unwrap();
    let mut session = Arc::clone(&loaded).session().unwrap();
    check_rows(session.as_mut(), 4, 1.5);
    let refused = infer(session.as_mut(), &[floats(&[1, 2], &[0.0; 2])]).unwrap_err();
    assert!(matches!(refused, RunError::Input(_)), "{refused}");
    drop((session, loaded));
    host.assert_clean();
}

#[test]
fn precision_is_that_of_the_graph_unless_it_is_given_up() {
    let host = Host::new(&[]);
    let (engine, _) = saved(&host, &[]);
    let plan = std::fs::read(&engine.path).unwrap();
    assert!(String::from_utf8_lossy(&plan).contains(r#""tf32":false"#));
}

#[test]
fn what_is_damaged_or_of_something_else_is_refused_with_the_reason() {
    let host = Host::new(&[]);
    let (engine, options) = saved(&host, &[]);
    let plan = std::fs::read(&engine.path).unwrap();
    let check = |bytes: &[u8], expected: &str| {
        let reason = refusal(&host, &options, bytes);
        assert!(
            reason.starts_with("reading the engine failed: "),
            "{reason}"
        );
        assert!(reason.contains(expected), "{reason}");
    };
    check(&[b"ftrt".as_slice(), &[7; 200]].concat(), "does not match");
    check(&plan[..plan.len() - 1], "does not match");
    let mut flipped = plan.clone();
    flipped[plan.len() / 2] ^= 1;
    check(&flipped, "does not match");
    host.pretend(&[("compute_capability", "8.9"), ("name", "Other")]);
    check(
        &plan,
        "incompatible device, expecting compute 8.9 got compute 9.0",
    );
    host.pretend(&[("tensorrt_version", "11.5.0.1")]);
    let words = "Current Version: 11.5.0.1, Serialized Engine Version: 11.4.0.106";
    check(&plan, words);
    host.pretend(&[]);
    assert!(tensorrt().load(&engine, &options).is_ok());
    host.assert_clean();
}

#[test]
fn an_engine_of_another_model_is_told_apart() {
    let host = Host::new(&[]);
    let (engine, mut options) = saved(&host, &[]);
    let declared = options.declared.as_mut().unwrap();
    declared.signature.inputs[0].dtype = DType::Fp16;
    let refused = tensorrt().load(&engine, &options).unwrap_err().to_string();
    let why = "the engine has `x` as FP32 [?,2], the model as FP16 [batch,2]";
    assert!(refused.ends_with(why), "{refused}");
    host.assert_clean();
}

fn timing_files(host: &Host) -> Vec<PathBuf> {
    let folder = host.path("cache/tensorrt-timing");
    let all = std::fs::read_dir(folder).unwrap();
    let mut all: Vec<PathBuf> = all.map(|entry| entry.unwrap().path()).collect();
    all.retain(|path| path.extension().is_none_or(|it| it != "lock"));
    all.sort();
    all
}

fn name_of(path: &Path) -> String {
    path.file_name().unwrap().to_string_lossy().into_owned()
}

#[test]
fn what_a_build_measured_is_used_by_the_next_one_on_the_same_kind_of_device_alone() {
    let host = Host::new(&[("name", "NVIDIA Double")]);
    let build = || drop(host.load(doubled(), &[]).unwrap());
    build();
    assert_eq!(host.count(Counter::TimingHits), 0);
    build();
    assert_eq!(host.count(Counter::TimingHits), 1);
    let of_first = "NVIDIA_Double-9.0-tensorrt-11.4.0.106-cuda-13.0";
    assert_eq!(
        timing_files(&host)
            .iter()
            .map(|it| name_of(it))
            .collect::<Vec<_>>(),
        [of_first]
    );
    let measured = std::fs::read(&timing_files(&host)[0]).unwrap();
    host.pretend(&[("name", "NVIDIA Double"), ("compute_capability", "8.9")]);
    build();
    assert_eq!(host.count(Counter::TimingHits), 1);
    assert_eq!(timing_files(&host).len(), 2);
    // What is of another device, or damaged, costs time and nothing else.
    let of_second = timing_files(&host)[0].clone();
    assert!(name_of(&of_second).contains("8.9"));
    let right = std::fs::read(&of_second).unwrap();
    for wrong in [measured.as_slice(), b"NTIM", b"garbage"] {
        std::fs::write(&of_second, wrong).unwrap();
        build();
        assert_eq!(host.count(Counter::TimingHits), 1);
        assert_eq!(std::fs::read(&of_second).unwrap(), right);
    }
    host.assert_clean();
}

#[test]
fn builds_at_the_same_time_take_turns_and_use_what_the_others_measured() {
    let host = Host::new(&[]);
    let (graph, options) = (host.write(doubled()), host.options(&[]));
    std::thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| drop(tensorrt().load(&graph, &options).unwrap()));
        }
    });
    assert_eq!(host.count(Counter::TimingHits), 2);
    host.assert_clean();
}

#[test]
fn types_that_tensorrt_has_not_are_refused_by_name_before_anything_is_built() {
    let host = Host::new(&[]);
    for dtype in [DType::Fp64, DType::Uint64, DType::Int16] {
        let graph = GraphProto::named("other")
            .takes("x", dtype, &dims("n"))
            .with(node("Identity", &["x"], &["y"]))
            .gives("y", dtype, &dims("n"));
        let refused = host.load(graph, &[]).unwrap_err().to_string();
        let expected = format!("runner TensorRT cannot handle {dtype} (of `x`)");
        assert_eq!(refused, expected);
    }
    assert_eq!(host.count(Counter::Objects), 0);
    host.assert_clean();
}

#[test]
fn what_the_parser_or_the_builder_refuses_is_told_in_their_words() {
    let host = Host::new(&[]);
    let check = |graph: GraphProto, expected: &str| {
        let refused = host.load(graph, &[]).unwrap_err().to_string();
        assert!(refused.contains(expected), "{refused}");
    };
    let graph = GraphProto::named("unknown")
        .takes("x", DType::Fp32, &dims("n"))
        .with(node("Frobnicate", &["x"], &["y"]))
        .gives("y", DType::Fp32, &dims("n"));
    check(graph, "reading the graph failed: ");
    let graph = GraphProto::named("passed on")
        .takes("x", DType::Fp32, &dims("n"))
        .gives("x", DType::Fp32, &dims("n"));
    check(graph, "building the engine failed: ");
    host.assert_clean();
}

fn reshaped() -> GraphProto {
    GraphProto::named("reshaped")
        .takes("x", DType::Fp32, &dims("n"))
        .takes("shape", DType::Int64, &dims("2"))
        .with(node("Reshape", &["x", "shape"], &["y"]))
        .gives("y", DType::Fp32, &dims("a,b"))
}

#[test]
fn a_graph_that_takes_shapes_is_not_built_without_their_values() {
    let host = Host::new(&[]);
    let refused = host.load(reshaped(), &[]).unwrap_err().to_string();
    assert!(refused.contains("shape is a shape tensor"), "{refused}");
    host.assert_clean();
}

#[test]
fn an_engine_that_takes_a_shape_reads_it_in_memory_of_the_host() {
    // An engine that somebody else built: such a build is told of values, which ours is not.
    let host = Host::new(&[("shape_values", "on"), ("latency_us", "300")]);
    let model = host.load(reshaped(), &[]).unwrap();
    let mut session = Arc::clone(&model).session().unwrap();
    let numbers = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0];
    for [rows, columns] in [[2_usize, 3], [2, 3], [6, 1], [1, 6], [2, 3]] {
        let wanted = [rows, columns].map(|extent| i64::try_from(extent).unwrap());
        let inputs = [floats(&[6], &numbers), whole(&[2], &wanted)];
        let outputs = infer(session.as_mut(), &inputs).unwrap();
        expect(&outputs, &[floats(&[rows, columns], &numbers)]);
    }
    drop((session, model));
    host.assert_clean();
}
