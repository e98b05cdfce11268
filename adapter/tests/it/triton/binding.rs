//! What can be bound, and what is wrong with what cannot.

use std::collections::BTreeMap;
use std::sync::Arc;

use nav_adapter::{
    Array, BindOptions, DType, DynamicBatcher, Failure, InferFunc, Inputs, ModelConfig,
    ModelWarmup, Outputs, QueuePolicy, Request, Tensor, TritonConfig, WarmupInput, batch,
    decoupled, fill_optionals,
};

use nav_engine::Callable;
use nav_package_format::{Dim, Signature, TensorSpec};

use super::{ask, builder, column, free_ports, more, triton, x, y};

/// The words of an error and its cause.
fn words(error: &dyn std::error::Error) -> String {
    nav_engine::with_causes(error)
}

/// The words of the refusal of a model that is to be served like this.
fn check_config(config: ModelConfig, expected: &str) {
    let bound = triton().bind("m", more(), x(), y(), config);
    let expected = format!("model `m` cannot be bound: {expected}");
    assert_eq!(words(&bound.unwrap_err()), expected);
}

#[test]
fn a_batcher_that_cannot_be_is_refused_with_the_field() {
    let check = |batcher: DynamicBatcher, expected: &str| {
        let config = ModelConfig {
            batcher,
            ..ModelConfig::default()
        };
        check_config(config, expected);
    };
    let plain = DynamicBatcher::default;
    check(
        DynamicBatcher {
            preferred_batch_size: vec![8],
            ..plain()
        },
        "batcher.preferred_batch_size: a batch of this size cannot be",
    );
    check(
        DynamicBatcher {
            default_priority_level: 1,
            ..plain()
        },
        "batcher.default_priority_level: there are no levels; see `batcher.priority_levels`",
    );
    check(
        DynamicBatcher {
            priority_queue_policy: BTreeMap::from([(1, QueuePolicy::default())]),
            ..plain()
        },
        "batcher.priority_queue_policy: there are no levels; see `batcher.priority_levels`",
    );
    check(
        DynamicBatcher {
            priority_levels: 2,
            default_priority_level: 3,
            ..plain()
        },
        "batcher.default_priority_level: there is no such level",
    );
    check(
        DynamicBatcher {
            priority_levels: 2,
            ..plain()
        },
        "batcher.default_priority_level: it must be one of the levels 1 to 2",
    );
    check(
        DynamicBatcher {
            priority_levels: 1025,
            default_priority_level: 1,
            ..plain()
        },
        "batcher.priority_levels: there are 1 to 1024 levels",
    );
    for level in [0, 3] {
        check(
            DynamicBatcher {
                priority_levels: 2,
                default_priority_level: 1,
                priority_queue_policy: BTreeMap::from([(level, QueuePolicy::default())]),
                ..plain()
            },
            "batcher.priority_queue_policy: there is no such level",
        );
    }
    check(
        DynamicBatcher {
            priority_levels: 2,
            default_priority_level: 1,
            preserve_ordering: true,
            ..plain()
        },
        "batcher.preserve_ordering: a level that goes first does not keep the order",
    );
}

#[test]
fn what_only_batches_have_is_refused_where_there_are_none() {
    let check = |batcher: DynamicBatcher, field: &str| {
        let config = ModelConfig {
            batching: false,
            batcher,
            ..ModelConfig::default()
        };
        let expected = format!("batcher.{field}: there are no batches; see `batching`");
        check_config(config, &expected);
    };
    let plain = DynamicBatcher::default;
    check(
        DynamicBatcher {
            preferred_batch_size: vec![1],
            ..plain()
        },
        "preferred_batch_size",
    );
    check(
        DynamicBatcher {
            max_queue_delay_microseconds: 1,
            ..plain()
        },
        "max_queue_delay_microseconds",
    );
    check(
        DynamicBatcher {
            preserve_ordering: true,
            ..plain()
        },
        "preserve_ordering",
    );
}

#[test]
fn a_config_that_cannot_be_is_refused_with_the_field() {
    let check = check_config;
    let config = ModelConfig::default;
    let zero = ModelConfig {
        max_batch_size: 0,
        ..config()
    };
    check(
        zero,
        "max_batch_size: with batching there is one row at least; switch `batching` off instead",
    );
    let cached = ModelConfig {
        response_cache: true,
        ..config()
    };
    check(
        cached,
        "response_cache: the server keeps no responses; see `response_cache_byte_size`",
    );
    let both = ModelConfig {
        response_cache: true,
        decoupled: true,
        ..config()
    };
    check(
        both,
        "response_cache: a decoupled model has no one response to keep",
    );
    for instances in [0, 3] {
        let config = ModelConfig {
            instances,
            ..config()
        };
        check(
            config,
            "instances: there are 1 callables, and each of them is one instance",
        );
    }
}

#[test]
fn a_request_to_warm_up_that_the_model_could_not_answer_is_refused_with_the_field() {
    let check = |(batch_size, count), inputs: &[(&str, WarmupInput)], expected: &str| {
        let inputs = inputs.iter().cloned();
        let inputs = inputs.map(|(name, input)| (name.to_owned(), input));
        let sample = ModelWarmup {
            name: "zeros".to_owned(),
            batch_size,
            inputs: inputs.collect(),
            count,
        };
        let config = ModelConfig {
            model_warmup: vec![sample],
            ..ModelConfig::default()
        };
        check_config(config, &format!("model_warmup[zeros].{expected}"));
    };
    let zeros = |dtype, extents: &[usize]| WarmupInput::Zeros(dtype, extents.to_vec());
    let good = ("x", zeros(DType::Int32, &[1]));
    check(
        (5, 1),
        std::slice::from_ref(&good),
        "batch_size: 5 is more than max_batch_size, 4",
    );
    check(
        (1, 1025),
        std::slice::from_ref(&good),
        "count: there can be 1024 requests at the most",
    );
    let unknown = ("z", zeros(DType::Fp32, &[1]));
    check(
        (1, 1),
        &[good, unknown],
        "inputs[z]: the model has no such input",
    );
    check((1, 1), &[], "inputs: input `x` is missing");
    let floats = WarmupInput::Random(DType::Fp32, vec![1]);
    check((1, 1), &[("x", floats)], "inputs[x]: its type is not INT32");
    check(
        (2, 1),
        &[("x", zeros(DType::Int32, &[3]))],
        "inputs[x]: its shape is [2,3], and not [?,1]",
    );
    let own = WarmupInput::Elements(Array::new([1, 1], [5]).unwrap());
    check(
        (2, 1),
        &[("x", own)],
        "inputs[x]: its shape is [2,1,1], and not [?,1]",
    );
}

#[test]
fn names_and_tensors_that_cannot_be_are_refused_with_the_field() {
    let check = |name: &str, inputs: Vec<Tensor>, outputs: Vec<Tensor>, expected: &str| {
        // Whatever runs it.
        for infer_func in [more().into(), runner()] {
            let tensors = (inputs.clone(), outputs.clone());
            let refused = triton().bind(
                name,
                infer_func,
                tensors.0,
                tensors.1,
                ModelConfig::default(),
            );
            let expected = format!("model `{name}` cannot be bound: {expected}");
            assert_eq!(words(&refused.unwrap_err()), expected);
        }
    };
    let (x, y) = (|| x().to_vec(), || y().to_vec());
    for name in ["", "a/b", ".hidden", "a b"] {
        let reason = format!(
            "name: `{name}` is no name for a model: letters, digits, `.`, `_` and `-`, and no `.` to begin with"
        );
        check(name, x(), y(), &reason);
    }
    check("m", [x(), x()].concat(), y(), "inputs: `x` is there twice");
    check("m", x(), [y(), y()].concat(), "outputs: `y` is there twice");
    let optional = vec![Tensor::new(DType::Fp32, [1]).named("y").optional()];
    check(
        "m",
        x(),
        optional,
        "outputs[y].optional: requests leave out inputs only; they name the outputs that they want",
    );
    let negative = vec![Tensor::new(DType::Fp32, [-2]).named("x")];
    check(
        "m",
        negative,
        y(),
        "inputs[x].shape: -2 is no extent; -1 stands for any",
    );
    let nameless = vec![Tensor::new(DType::Int32, [1]).named("")];
    check(
        "m",
        nameless,
        y(),
        "inputs[0].name: a name has one character at least",
    );
    let nothing = triton().bind("m", more(), x(), [], ModelConfig::default());
    assert_eq!(
        words(&nothing.unwrap_err()),
        "model `m` cannot be bound: outputs: there must be one at least"
    );
}

/// What a runner's model is to the server: `y` of rows of any numbers is made of `x`, and, where somebody likes, of `z`.
fn runner() -> InferFunc {
    let spec = |name: &str, dtype, columns, optional| TensorSpec {
        name: name.to_owned(),
        dtype,
        dims: Some(vec![Dim::Unknown, columns]),
        optional,
    };
    let signature = Signature {
        inputs: vec![
            spec("x", DType::Int32, Dim::Fixed(1), false),
            spec("z", DType::Int32, Dim::Unknown, true),
        ],
        outputs: vec![spec(
            "y",
            DType::Int32,
            Dim::Symbolic("n".to_owned()),
            false,
        )],
    };
    let backend = Callable::shared(signature, |_| Ok(()));
    InferFunc::backend("test", move || Ok(Arc::clone(&backend) as _))
}

#[test]
fn what_is_declared_of_a_runner_must_be_what_its_model_has() {
    let bind = |inputs: Vec<Tensor>, outputs: Vec<Tensor>| {
        triton().bind("m", runner(), inputs, outputs, ModelConfig::default())
    };
    let check = |inputs: Vec<Tensor>, outputs: Vec<Tensor>, expected: &str| {
        let refused = bind(inputs, outputs).unwrap_err();
        let expected = format!("model `m` cannot be bound: {expected}");
        assert_eq!(words(&refused), expected);
    };
    let tensor = |name: &'static str, shape: &[i64]| Tensor::new(DType::Int32, shape).named(name);
    let (x, y, z) = (
        || tensor("x", &[1]),
        || tensor("y", &[7]),
        || tensor("z", &[-1]),
    );
    bind(vec![], vec![]).unwrap();
    bind(vec![tensor("x", &[-1])], vec![y()]).unwrap();
    bind(vec![z().optional(), x()], vec![y()]).unwrap();
    check(
        vec![x(), tensor("other", &[1])],
        vec![y()],
        "inputs: the runner's model has no `other`",
    );
    check(
        vec![z()],
        vec![y()],
        "inputs: the runner's model has `x`, too",
    );
    check(
        vec![x()],
        vec![tensor("sum", &[1])],
        "outputs: the runner's model has no `sum`",
    );
    check(
        vec![tensor("x", &[2])],
        vec![y()],
        "inputs[x]: it is declared as INT32 [?,2], and is INT32 [?,1]",
    );
    check(
        vec![x()],
        vec![tensor("y", &[1, 1])],
        "outputs[y]: it is declared as INT32 [?,1,1], and is INT32 [?,n]",
    );
    check(
        vec![Tensor::new(DType::Fp32, [1]).named("x")],
        vec![y()],
        "inputs[x]: it is declared as FP32 [?,1], and is INT32 [?,1]",
    );
    check(
        vec![x().optional()],
        vec![y()],
        "inputs[x].optional: the runner's model needs it",
    );
    let none = ModelConfig {
        instances: 0,
        ..ModelConfig::default()
    };
    let refused = triton().bind("m", runner(), [], [], none).unwrap_err();
    assert_eq!(
        words(&refused),
        "model `m` cannot be bound: instances: there must be one at least"
    );
}

#[test]
fn callables_that_cannot_be_what_is_declared_are_refused() {
    let refused = |callable: InferFunc| {
        let refused = triton().bind("m", callable, x(), y(), ModelConfig::default());
        words(&refused.unwrap_err())
    };
    let stream = decoupled(|_: Request| Ok([Ok(column(&[1]))]));
    assert_eq!(
        refused(stream.into()),
        "model `m` cannot be bound: decoupled: the callable gives any number of responses, so this must be on"
    );
    let value = Array::new([1], [1.0_f32]).unwrap();
    let filled = fill_optionals([("x", value)], batch(|_| Ok([column(&[1])])));
    assert_eq!(
        refused(filled.into()),
        "model `m` cannot be bound: infer_func: `fill_optionals` has a value of FP32 for `x`, which is INT32"
    );
    assert_eq!(
        refused(InferFunc::callables([])),
        "model `m` cannot be bound: infer_func: the list of callables is empty"
    );
}

#[test]
fn a_name_and_a_version_are_bound_once() {
    let triton = triton();
    let version = |version| BindOptions {
        version,
        ..BindOptions::default()
    };
    let bind = |name, version| triton.bind(name, more(), x(), y(), version);
    bind("model", version(1)).unwrap();
    bind("model", version(2)).unwrap();
    let twice = bind("MODEL", version(2)).unwrap_err();
    assert_eq!(words(&twice), "version 2 of model `MODEL` is bound already");
    let zero = bind("model", version(0)).unwrap_err();
    assert_eq!(
        words(&zero),
        "model `model` cannot be bound: version: versions begin with 1"
    );
    triton.run().unwrap();
    let engine = triton.engine().unwrap();
    let versions = engine.versions("model");
    let versions: Vec<u64> = versions.iter().map(|it| it.version()).collect();
    assert_eq!(versions, [1, 2]);
}

#[test]
fn tensors_without_names_are_called_by_their_places() {
    let triton = triton();
    let plain = || Tensor::new(DType::Int32, [1]);
    let add = batch(|inputs: Inputs| {
        let (a, b) = (inputs.array("INPUT_1")?, inputs.array("INPUT_2")?);
        Ok(a.zip(b, |a: i32, b: i32| a + b)?)
    });
    let inputs = [plain(), plain()];
    triton
        .bind("add", add, inputs, [plain()], ModelConfig::default())
        .unwrap();
    triton.run().unwrap();
    let model = triton.engine().unwrap().model("add", None).unwrap();
    let signature = model.signature();
    let inputs: Vec<&str> = signature.inputs.iter().map(|it| it.name.as_str()).collect();
    assert_eq!(
        (inputs, signature.outputs[0].name.as_str()),
        (vec!["INPUT_1", "INPUT_2"], "OUTPUT_1")
    );
}

#[test]
fn a_model_is_asked_to_warm_up_before_it_is_served() {
    let (sender, asked) = std::sync::mpsc::channel();
    let note = batch(move |inputs: Inputs| {
        sender.send(inputs.array("x")?.to_vec::<i32>()?).ok();
        Ok([inputs.array("x")?.clone()])
    });
    let sample = |name: &str, input, count| ModelWarmup {
        name: name.to_owned(),
        batch_size: 2,
        inputs: BTreeMap::from([("x".to_owned(), input)]),
        count,
    };
    let config = ModelConfig {
        model_warmup: vec![
            sample("zeros", WarmupInput::Zeros(DType::Int32, vec![1]), 2),
            sample(
                "own",
                WarmupInput::Elements(Array::new([1], [5]).unwrap()),
                1,
            ),
        ],
        ..ModelConfig::default()
    };
    let triton = triton();
    triton.bind("m", note, x(), y(), config).unwrap();
    triton.run().unwrap();
    let asked: Vec<Vec<i32>> = asked.try_iter().collect();
    assert_eq!(asked, [[0, 0], [0, 0], [5, 5]]);
}

#[test]
fn a_model_that_fails_to_warm_up_is_not_served() {
    let config = ModelConfig {
        model_warmup: vec![ModelWarmup {
            name: "zeros".to_owned(),
            batch_size: 1,
            inputs: BTreeMap::from([("x".to_owned(), WarmupInput::Zeros(DType::Int32, vec![1]))]),
            count: 1,
        }],
        ..ModelConfig::default()
    };
    let fails = || batch(|_| Err::<Outputs, _>(Failure::new("cold")));
    let strict = triton();
    strict
        .bind("cold", fails(), x(), y(), config.clone())
        .unwrap();
    let refused = strict.run().unwrap_err();
    assert_eq!(
        words(&refused),
        "model `cold` cannot be served: instance 0 failed a request to warm up: cold"
    );
    assert!(!strict.is_alive());
    let lenient = TritonConfig {
        exit_on_error: Some(false),
        ..free_ports()
    };
    let lenient = builder(lenient).build().unwrap();
    lenient.bind("cold", fails(), x(), y(), config).unwrap();
    lenient
        .bind("well", more(), x(), y(), ModelConfig::default())
        .unwrap();
    lenient.run().unwrap();
    assert_eq!(ask(&lenient, "well", &[1]), Ok(vec![2]));
}
